//! The hook of the layer above: admission by charter and blob, records, and what members say with
//! joins and flushes, which all members of a view are told alike.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cenacle_sim::{Outcome, Plan, Preset, Promise, RunOptions, run_plan};

fn play(seed: u64, semantics: Promise, partial: bool) -> Outcome {
    let faults = if partial { Preset::Calm } else { Preset::Savage };
    let options = RunOptions { seed, faults, semantics, ..RunOptions::default() };
    let mut plan = Plan::new(&options);
    (plan.habits.other_charter, plan.habits.blob) = (0.2, 100);
    (plan.habits.rejoin, plan.habits.manual_flush) = (0.5, 0.5);
    plan.churn = 1_000_000;
    plan.habits.partial = partial;
    run_plan(plan, &options).unwrap()
}

#[test]
fn all_are_told_alike_who_came_with_what() {
    let (mut refused, mut blobs) = (0, 0);
    for semantics in [Promise::Vs, Promise::Evs, Promise::Both] {
        for seed in 0..4 {
            let outcome = play(seed, semantics, false);
            assert!(outcome.holds(), "seed {seed}, {semantics:?}\n{outcome}");
            refused += outcome.counts.refused;
            blobs += outcome.counts.blobs;
        }
    }
    assert!(refused >= 24 && blobs >= 360, "{refused} refused, {blobs} blobs");
}

#[test]
fn an_admission_that_decides_by_who_decides_is_noticed() {
    for semantics in [Promise::Vs, Promise::Evs] {
        let outcome = play(1, semantics, true);
        assert!(!outcome.problems.is_empty(), "{semantics:?}\n{outcome}");
    }
}
