//! Everything at once, for a while.

use crate::company::Process;
use crate::town::{Town, await_views, possible, talk};
use std::time::{Duration, Instant};

const NODES: usize = 5;
/// Seconds of faults, for each module; more with `CHAOS_SECONDS`.
const SECONDS: u64 = 12;
/// What the faults are drawn from; another one with `CHAOS_SEED`.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// xorshift64: the same faults for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn kills_cuts_and_losses_break_no_property() {
    if possible() {
        go_through(Town::new(NODES));
    }
}

#[test]
fn nor_any_of_a_group_with_keys() {
    if !possible() {
        return;
    }
    // One module after another: all, or those of `CHAOS_MODULES`.
    let all = cenacle_builtin::agreements();
    let all: Vec<_> = all.iter().map(|module| module.descriptor().name.clone()).collect();
    let modules = std::env::var("CHAOS_MODULES").unwrap_or_else(|_| all.join(","));
    for module in modules.split(',') {
        let begun = Instant::now();
        let mut town = Town::new(NODES);
        town.company.agree_by(module);
        go_through(town);
        eprintln!("{module}: {} s", begun.elapsed().as_secs());
    }
}

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn go_through(town: Town) {
    let until = Instant::now() + Duration::from_secs(given("CHAOS_SECONDS").unwrap_or(SECONDS));
    let mut nodes: Vec<Option<Process>> = town.settle().into_iter().map(Some).collect();
    let (mut dice, mut said) = (Dice(given("CHAOS_SEED").unwrap_or(SEED) | 1), 0);
    while Instant::now() < until {
        let who = dice.below(NODES);
        match dice.below(6) {
            0 => match nodes[who].take() {
                Some(node) => town.company.kill(node),
                None => nodes[who] = Some(town.start(who, &[])),
            },
            1 => {
                let (left, right): (Vec<_>, Vec<_>) = (0..NODES).partition(|_| dice.below(2) == 0);
                town.lab.split(&[&left, &right]).unwrap();
            }
            2 => town.lab.cut(who, (who + 1 + dice.below(NODES - 1)) % NODES).unwrap(),
            3 => town.lab.lose(0.05).unwrap(),
            _ => town.lab.heal().unwrap(),
        }
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(150));
            for node in nodes.iter_mut().flatten() {
                let service = ["fifo", "causal", "agreed", "safe"][dice.below(4)];
                node.send(&format!("word {said}"), service);
                said += 1;
            }
        }
    }
    town.lab.heal().unwrap();
    let mut nodes = awake(&town, nodes);
    await_views(&nodes, NODES);
    talk(&mut nodes, "peace");
    town.end(nodes);
}

/// All of them, those that are dead started again.
fn awake(town: &Town, nodes: Vec<Option<Process>>) -> Vec<Process> {
    let (alive, dead): (Vec<_>, Vec<_>) =
        nodes.into_iter().enumerate().partition(|(_, node)| node.is_some());
    let mut alive: Vec<Process> = alive.into_iter().filter_map(|(_, node)| node).collect();
    for (number, _) in dead {
        let node = town.start(number, &alive);
        alive.push(node);
    }
    alive
}
