//! Every preset, with VS and EVS groups: no property breaks, all comes to rest.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cenacle_sim::{Outcome, Plan, Preset, Promise, RunOptions, run};

const SEEDS: u64 = 6;

fn holds(faults: Preset, semantics: Promise) {
    for seed in 0..SEEDS {
        let nodes = 3 + usize::try_from(seed).unwrap();
        let options = RunOptions { seed, nodes, faults, semantics, ..RunOptions::default() };
        let outcome = run(&options).unwrap();
        assert!(outcome.holds(), "{}\n{outcome}", options.command());
        is_a_seed(&outcome, &options);
    }
}

/// What a seed must have, so that what holds in it says something.
fn is_a_seed(outcome: &Outcome, options: &RunOptions) {
    let command = options.command();
    assert!(outcome.time >= 30_000_000, "{command}");
    assert!(options.faults == Preset::Calm || outcome.counts.faults >= 10, "{command}");
    let members: usize = Plan::new(options).joins.iter().map(Vec::len).sum();
    assert!(outcome.counts.taken >= 200 * members as u64, "{command}: {:?}", outcome.counts);
    assert!(outcome.counts.delivered > outcome.counts.sent / 2, "{command}: {:?}", outcome.counts);
}

/// Each showed a defect once.
#[test]
fn seeds_that_broke_a_property_hold() {
    let seeds = [
        (14_124, 6, Promise::Evs),
        (12_239, 6, Promise::Both),
        (298, 8, Promise::Both),
        (1_093, 5, Promise::Both),
        (6_788, 7, Promise::Evs),
        (4_298, 9, Promise::Evs),
    ];
    for (seed, nodes, semantics) in seeds {
        let faults = Preset::Savage;
        let options = RunOptions { seed, nodes, faults, semantics, ..RunOptions::default() };
        let outcome = run(&options).unwrap();
        assert!(outcome.holds(), "{}\n{outcome}", options.command());
    }
}

/// The same of the machines above the engine: who joins a stack that stops; who cannot build on what
/// was confirmed, since its module failed meanwhile; who learns behind the signal that all hold the
/// secret.
#[test]
fn seeds_with_keys_that_broke_a_property_hold() {
    for (seed, nodes, key_agreement) in [(293, 8, "ckd"), (723, 9, "tgdh"), (1093, 5, "str")] {
        let (faults, key_agreement) = (Preset::Savage, Some(key_agreement.to_owned()));
        let options = RunOptions { seed, nodes, faults, key_agreement, ..RunOptions::default() };
        let outcome = run(&options).unwrap();
        assert!(outcome.holds(), "{}\n{outcome}", options.command());
    }
}

#[test]
fn calm_vs() {
    holds(Preset::Calm, Promise::Vs);
}

#[test]
fn calm_evs() {
    holds(Preset::Calm, Promise::Evs);
}

#[test]
fn rough_vs() {
    holds(Preset::Rough, Promise::Vs);
}

#[test]
fn rough_evs() {
    holds(Preset::Rough, Promise::Evs);
}

#[test]
fn savage_vs() {
    holds(Preset::Savage, Promise::Vs);
}

#[test]
fn savage_evs() {
    holds(Preset::Savage, Promise::Evs);
}

#[test]
fn both_kinds_of_groups_side_by_side() {
    holds(Preset::Rough, Promise::Both);
}
