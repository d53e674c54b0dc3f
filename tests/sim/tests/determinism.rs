//! The same seed gives the same trace, byte for byte.

use cenacle_sim::{Preset, Promise, RunOptions, run};

fn options(seed: u64, faults: Preset, semantics: Promise) -> RunOptions {
    RunOptions { seed, faults, semantics, seconds: 30, kept: true, ..RunOptions::default() }
}

#[test]
fn same_seed_same_trace() {
    for (seed, faults) in (1..).zip(Preset::ALL) {
        let options = options(seed, faults, Promise::Both);
        let (first, second) = (run(&options).unwrap(), run(&options).unwrap());
        assert!(!first.trace.is_empty());
        assert_eq!(first.digest, second.digest);
        assert!(first.trace == second.trace, "{}", options.command());
        assert_eq!((first.steps, first.time), (second.steps, second.time));
    }
}

#[test]
fn another_seed_another_trace() {
    let [first, second] =
        [1, 2].map(|seed| run(&options(seed, Preset::Savage, Promise::Vs)).unwrap().digest);
    assert_ne!(first, second);
}

#[test]
fn a_judged_run_is_the_run_that_is_not_judged() {
    let judged = options(4, Preset::Savage, Promise::Vs);
    let unjudged = RunOptions { judged: false, kept: false, ..judged.clone() };
    assert_eq!(run(&judged).unwrap().digest, run(&unjudged).unwrap().digest);
}
