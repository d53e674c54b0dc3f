//! Each rule that an engine leaves out is noticed, by the oracle, by the check that all comes to
//! rest, or by the simulator's own checks, within a stated number of seeds.

use cenacle_core::Defect;
use cenacle_sim::{SoakOptions, Soaked, soak};

/// Seeds within which a defect is caught. Generous guesses until measured.
const CAUGHT_WITHIN: [(Defect, u64); Defect::ALL.len()] = [
    (Defect::OrderByArrival, 30),
    (Defect::NoPromises, 30),
    (Defect::ForgetDepartedStream, 100),
    (Defect::ForgetRecovered, 400),
    (Defect::NoFlush, 30),
    (Defect::NoDependencies, 60),
    (Defect::TurnTaken, 200),
    (Defect::RecomputeTransitional, 200),
    (Defect::SafeAtOnce, 200),
    (Defect::NoTables, 60),
    (Defect::NoRunning, 400),
    (Defect::AnyRound, 400),
    (Defect::NoRelease, 400),
];

fn soaked(defect: Option<Defect>, seeds: u64) -> Soaked {
    soak(&SoakOptions { seeds: (0, seeds), defect, ..SoakOptions::default() })
}

#[test]
fn every_defect_is_caught() {
    let mut missed = Vec::new();
    for (defect, seeds) in CAUGHT_WITHIN {
        if soaked(Some(defect), seeds).failed == 0 {
            missed.push(defect);
        }
    }
    assert!(missed.is_empty(), "not caught within their numbers of seeds: {missed:?}");
}

/// Else the test above says nothing.
#[test]
fn without_a_defect_the_same_seeds_hold() {
    let soaked = soaked(None, 30);
    assert_eq!(soaked.failed, 0, "{:?}", soaked.first);
}

#[test]
fn the_table_names_every_defect() {
    let named: Vec<Defect> = CAUGHT_WITHIN.iter().map(|(defect, _)| *defect).collect();
    assert_eq!(named, Defect::ALL);
}
