//! What things cost as the number of nodes grows: frames and bytes for a message, a join, a change
//! of configuration, the idle load, and the time that an agreed message takes.
//!
//! All is measured in a calm network with 20 µs of virtual processor time for every frame that a
//! node sends or receives; a multicast counts once for its sender, once for each receiver. Copies
//! on links are counted, not calls.

use crate::{
    faults::Preset,
    network::Links,
    plan::{Plan, RunOptions, fast, micros},
    shared::Costs,
    world::World,
};
use cenacle_core::Service;
use std::fmt;

const MESSAGES: u64 = 200;
const SECOND: u64 = 1_000_000;

/// What a time of `World` cost.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cost {
    /// Frames on links.
    pub frames: f64,
    /// Their bytes.
    pub bytes: f64,
}

/// How long agreed messages took until a member had them, in microseconds.
#[derive(Clone, Copy, Default, Debug)]
pub struct Latency {
    /// The median.
    pub median: u64,
    /// 99 of 100 were at least as fast.
    pub most: u64,
}

/// The figures of one number of nodes.
#[derive(Clone, Debug)]
pub struct Growth {
    /// How many nodes.
    pub nodes: usize,
    /// What an idle node sends in a heartbeat period, averaged over all.
    pub idle: Cost,
    /// A join, idle load taken off.
    pub join: Cost,
    /// A crash of one node until everybody has settled, idle load taken off.
    pub change: Cost,
    /// From that crash to rest, in microseconds.
    pub change_time: u64,
    /// An agreed message of 200 bytes, with 1, 10 and all nodes active, idle load taken off.
    pub message: [Cost; 3],
    /// The time that these took.
    pub latency: [Latency; 3],
}

/// Measures one number of nodes.
///
/// # Errors
///
/// The nodes did not settle.
pub fn measure(nodes: usize, seed: u64) -> Result<Growth, String> {
    let mut world = world(nodes, seed);
    world.run_until(2 * SECOND);
    rest(&mut world, "after the start")?;
    let idle = spent(&mut world, |world| pass(world, 2 * SECOND));
    let per_second = Cost { frames: idle.frames / 2.0, bytes: idle.bytes / 2.0 };
    let measured = messages(&mut world, per_second)?;
    let join = join(&mut world, per_second)?;
    let begin = world.shared.now;
    let mut result = Ok(0);
    let change = spent(&mut world, |world| {
        world.crash(nodes / 2);
        let side = world.one_side();
        result = world.settle(&side);
    });
    let took = world.shared.now - begin;
    let periods = micros(world.plan.settings.heartbeat) as f64 / SECOND as f64 / nodes as f64;
    Ok(Growth {
        nodes,
        idle: Cost { frames: per_second.frames * periods, bytes: per_second.bytes * periods },
        join,
        change: without(change, per_second, took),
        change_time: result?,
        message: measured.map(|(cost, _)| cost),
        latency: measured.map(|(_, latency)| latency),
    })
}

type Measured = [(Cost, Latency); 3];

/// With one, ten and all nodes active.
fn messages(world: &mut World, idle: Cost) -> Result<Measured, String> {
    let nodes = world.nodes.len();
    let mut measured = Measured::default();
    for (slot, active) in measured.iter_mut().zip([1, 10.min(nodes), nodes]) {
        // Turns are taken first, so that the price of a turn is not that of a message.
        speak(world, active, 3);
        rest(world, "after the first messages")?;
        let begin = world.shared.now;
        world.shared.latencies = Some(Vec::new());
        let rounds = (MESSAGES / active as u64).max(5);
        let mut result = Ok(());
        let cost = spent(world, |world| {
            speak(world, active, rounds);
            result = rest(world, "after messages");
        });
        result?;
        let cost = without(cost, idle, world.shared.now - begin);
        let count = (rounds * active as u64) as f64;
        let cost = Cost { frames: cost.frames / count, bytes: cost.bytes / count };
        let mut latencies = world.shared.latencies.take().unwrap_or_default();
        latencies.sort_unstable();
        let at =
            |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or(0);
        *slot = (cost, Latency { median: at(50), most: at(99) });
    }
    Ok(measured)
}

/// Each of the first nodes sends a message every 20 ms, one after the other.
fn speak(world: &mut World, active: usize, rounds: u64) {
    let period = 20_000;
    for _ in 0..rounds {
        let begin = world.shared.now;
        for place in 0..active {
            world.run_until(begin + period * place as u64 / active as u64);
            if let Some(Some(node)) = world.nodes.get_mut(place) {
                node.say(0, 1, &mut world.shared);
            }
        }
        world.run_until(begin + period);
    }
}

fn join(world: &mut World, idle: Cost) -> Result<Cost, String> {
    let begin = world.shared.now;
    let place = world.nodes.len() / 2;
    let mut result = Ok(());
    let cost = spent(world, |world| {
        if let Some(Some(node)) = world.nodes.get_mut(place) {
            node.join(0, &mut world.shared);
        }
        result = rest(world, "after a join");
    });
    result?;
    Ok(without(cost, idle, world.shared.now - begin))
}

fn world(nodes: usize, seed: u64) -> World {
    let options = RunOptions {
        seed,
        nodes,
        members: nodes,
        groups: 1,
        faults: Preset::Calm,
        large: true,
        ..RunOptions::default()
    };
    let mut plan = Plan::new(&options);
    plan.settings = fast(&plan.random);
    plan.links = Links::default();
    plan.costs = Costs { frame: 20_000, byte: 0 };
    plan.habits.pace = 0;
    plan.habits.services = vec![Service::Agreed];
    plan.starts = vec![0; nodes];
    plan.hints = false;
    World::new(plan)
}

fn pass(world: &mut World, time: u64) {
    let until = world.shared.now + time;
    world.run_until(until);
}

fn rest(world: &mut World, when: &str) -> Result<(), String> {
    let side = world.one_side();
    world.settle(&side).map(|_| ()).map_err(|error| format!("{when}: {error}"))
}

fn spent(world: &mut World, act: impl FnOnce(&mut World)) -> Cost {
    let (frames, bytes) = world.shared.traffic.total();
    act(world);
    let (frames_after, bytes_after) = world.shared.traffic.total();
    Cost { frames: (frames_after - frames) as f64, bytes: (bytes_after - bytes) as f64 }
}

fn without(cost: Cost, idle: Cost, time: u64) -> Cost {
    let seconds = time as f64 / SECOND as f64;
    Cost {
        frames: (cost.frames - idle.frames * seconds).max(0.0),
        bytes: (cost.bytes - idle.bytes * seconds).max(0.0),
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = |cost: Cost| format!("{:.1} frames, {:.0} bytes", cost.frames, cost.bytes);
        writeln!(out, "{} nodes", self.nodes)?;
        writeln!(out, "  idle, per node and heartbeat period: {}", cost(self.idle))?;
        writeln!(out, "  join: {}", cost(self.join))?;
        let time = self.change_time / 1000;
        writeln!(out, "  crash of one node: {}, at rest after {time} ms", cost(self.change))?;
        let active = [1, 10.min(self.nodes), self.nodes];
        for ((active, message), latency) in active.iter().zip(self.message).zip(self.latency) {
            writeln!(
                out,
                "  agreed message of 200 bytes, {active} active: {}, {} us (median), {} us (99 of 100)",
                cost(message),
                latency.median,
                latency.most
            )?;
        }
        Ok(())
    }
}
