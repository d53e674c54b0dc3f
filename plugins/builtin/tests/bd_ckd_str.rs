//! Each kind of change by itself, shares ahead of runs, and costs: `bd`, `ckd`, `str`, and `gdh` for
//! comparison, on the in-memory network.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_builtin::agreements;
use cenacle_plugin::network::{Failure, How, Network, Outcome};
use cenacle_plugin::{KeyAgreementModule, Occasion, Options, Scenario};
use std::sync::Arc;

const MODULES: [&str; 4] = ["bd", "ckd", "str", "gdh"];

fn module(name: &str) -> Arc<dyn KeyAgreementModule> {
    let found = agreements().into_iter().find(|module| module.descriptor().name == name);
    found.expect("a module of that name")
}

fn options(module: &dyn KeyAgreementModule) -> Options {
    Options::defaults(&module.descriptor().options)
}

/// Runs a story with every module, with and without shares ahead, in several random orders.
fn every_way(story: impl Fn(&mut Network<'_>) -> Result<(), Failure>) {
    for name in MODULES {
        let module = module(name);
        for seed in 0..24 {
            let mut network = Network::new(module.as_ref(), options(module.as_ref()), seed);
            network.offers = seed % 2 == 1;
            network.interleave = seed % 3 == 1;
            if let Err(failure) = story(&mut network) {
                panic!("{name}, seed {seed}: {failure}");
            }
        }
    }
}

fn add(network: &mut Network<'_>, numbers: impl IntoIterator<Item = u32>) -> Result<(), Failure> {
    numbers.into_iter().try_for_each(|number| network.add(number))
}

fn go(network: &mut Network<'_>, numbers: &[u32]) -> Result<Outcome, Failure> {
    network.change(numbers, How::Continue)?;
    network.complete()
}

fn built(network: &mut Network<'_>, size: u32) -> Result<Vec<u32>, Failure> {
    add(network, 0..size)?;
    let members: Vec<u32> = (0..size).collect();
    go(network, &members)?;
    Ok(members)
}

#[test]
fn groups_of_every_size_are_built() {
    every_way(|network| {
        let mut first = 0;
        for size in [1, 2, 3, 5, 17] {
            add(network, first..first + size)?;
            go(network, &(first..first + size).collect::<Vec<_>>())?;
            first += size;
        }
        Ok(())
    });
}

#[test]
fn members_join_one_by_one_and_leave_at_any_place() {
    every_way(|network| {
        add(network, 0..7)?;
        for last in 0..7 {
            go(network, &(0..=last).collect::<Vec<_>>())?;
        }
        // The middle, the newest, the oldest, and so on until one is left.
        let mut members: Vec<u32> = (0..7).collect();
        for place in [3, 5, 0, 1, 0, 1] {
            members.remove(place);
            go(network, &members)?;
        }
        Ok(())
    });
}

#[test]
fn groups_merge_fall_apart_and_merge_again() {
    every_way(|network| {
        add(network, 0..9)?;
        go(network, &[0, 1, 2, 3])?;
        go(network, &[4, 5, 6])?;
        go(network, &[8])?;
        go(network, &(0..9).collect::<Vec<_>>())?;
        go(network, &[1, 3, 5, 7])?;
        go(network, &[0, 2, 4, 6, 8])?;
        go(network, &[1, 0, 3, 2, 5, 4, 7, 6, 8])?;
        go(network, &[0, 8])?;
        go(network, &(0..9).collect::<Vec<_>>())?;
        Ok(())
    });
}

#[test]
fn joins_and_leaves_come_together() {
    every_way(|network| {
        built(network, 6)?;
        add(network, 6..12)?;
        go(network, &[0, 1, 3, 4, 5, 6])?;
        go(network, &[1, 3, 4, 5, 6, 7, 8])?;
        go(network, &[9, 10, 11])?;
        go(network, &[3, 5, 6, 8, 9, 11])?;
        Ok(())
    });
}

#[test]
fn everybody_can_ask_for_a_new_key() {
    every_way(|network| {
        let members = built(network, 5)?;
        for by in members.clone() {
            network.change(&members, How::RefreshBy(by))?;
            network.complete()?;
        }
        // Alone as well.
        go(network, &[3])?;
        network.change(&[3], How::RefreshBy(3))?;
        network.complete().map(drop)
    });
}

#[test]
fn a_group_can_start_afresh_in_the_middle_of_a_run() {
    every_way(|network| {
        let members = built(network, 5)?;
        network.add(5)?;
        let more = [members.as_slice(), &[5]].concat();
        network.change(&more, How::Continue)?;
        for _ in 0..3 {
            network.step()?;
        }
        network.change(&more, How::Afresh)?;
        network.complete()?;
        // What was interrupted was forgotten, what was confirmed was not.
        network.change(&members, How::Continue)?;
        network.step()?;
        network.change(&more, How::Continue)?;
        network.complete().map(drop)
    });
}

#[test]
fn a_confirmation_may_reach_only_some() {
    every_way(|network| {
        let members = built(network, 6)?;
        network.change(&members, How::RefreshBy(2))?;
        network.run()?;
        network.confirm_at(|number| number % 3 != 0)?;
        go(network, &members)?;
        network.change(&[1, 2, 3, 5], How::Continue)?;
        network.run()?;
        network.confirm_at(|number| number == 5)?;
        go(network, &members)?;
        Ok(())
    });
}

/// The contract for every occasion; in measured order, so that chains are what they are on a
/// network that takes no time.
#[test]
fn costs_are_what_is_expected() {
    for name in MODULES {
        let module = module(name);
        for scenario in (2..=20).flat_map(scenarios) {
            let expected = module.expected(&scenario).expect("a contract");
            let mut network = Network::new(module.as_ref(), options(module.as_ref()), 7);
            let outcome = network.play(&scenario).expect("a run");
            let broken = expected.broken_by(&outcome.costs);
            assert!(broken.is_empty(), "{name} {scenario:?}: {broken:?}");
        }
    }
}

fn scenarios(size: u32) -> Vec<Scenario> {
    let scenario =
        |occasion, joining, leaving| Scenario { occasion, members: size, joining, leaving };
    let mut all = vec![
        scenario(Occasion::Build, 0, 0),
        scenario(Occasion::Join, 1, 0),
        scenario(Occasion::Refresh, 0, 0),
    ];
    all.extend((1..=size.min(5)).map(|joining| scenario(Occasion::Merge, joining, 0)));
    if size > 1 {
        all.push(scenario(Occasion::Leave, 0, 1));
        all.push(scenario(Occasion::LeaderLeave, 0, 1));
        all.push(scenario(Occasion::Partition, 0, size / 2));
    }
    all
}

/// Rounds and messages of a change for which everybody has sent a share.
#[test]
fn shares_ahead_save_a_round_or_two() {
    // Module, then what a build of five, a join to it and a leave from that take.
    let table = [
        ("bd", [(1, 5), (1, 6), (1, 5)]),
        ("ckd", [(1, 1), (1, 1), (1, 1)]),
        ("str", [(1, 1), (1, 1), (1, 1)]),
    ];
    for (name, expected) in table {
        let module = module(name);
        let mut network = Network::new(module.as_ref(), options(module.as_ref()), 3);
        network.offers = true;
        add(&mut network, 0..6).expect("instances");
        let views: [&[u32]; 3] = [&[0, 1, 2, 3, 4], &[0, 1, 2, 3, 4, 5], &[0, 1, 3, 4, 5]];
        for (view, expected) in views.into_iter().zip(expected) {
            network.change(view, How::Continue).expect("a change");
            let costs = network.complete_measured().expect("a run").costs;
            assert_eq!((costs.rounds, costs.messages), expected, "{name}, {view:?}");
        }
    }
}
