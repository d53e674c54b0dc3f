//! Each rule that an engine, a secure machine or a module leaves out is noticed, by the oracle, by the
//! check that all comes to rest, or by the simulator's own checks: within a stated number of seeds, or
//! where seeds hardly get by a story that is aimed at the rule.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aimed;

use cenacle_core::Defect;
use cenacle_secure::Defect as Secure;
use cenacle_sim::{LeftOut, ModuleDefect, SoakOptions, Soaked, soak};

/// Seeds within which a defect is caught: three times what was needed when this was written, or more.
const CAUGHT_WITHIN: [(Defect, u64); 11] = [
    (Defect::OrderByArrival, 6),
    (Defect::NoPromises, 12),
    (Defect::ForgetDepartedStream, 60),
    (Defect::NoFlush, 12),
    (Defect::NoDependencies, 6),
    (Defect::TurnTaken, 20),
    (Defect::RecomputeTransitional, 20),
    (Defect::SafeAtOnce, 12),
    (Defect::NoTables, 6),
    (Defect::AnyRound, 80),
    (Defect::NeverForget, 6),
];

/// A story: the first outcome in which something is wrong, if the engines leave the rule out.
type Story = fn(Option<Defect>) -> Option<String>;

/// Rules that matter in a few milliseconds of a few seeds only.
const AIMED: [(Defect, Story); 3] = [
    (Defect::ForgetRecovered, aimed::an_installation_that_reaches_the_proposer_alone),
    (Defect::NoRunning, aimed::a_partition_that_heals_before_the_flush),
    (Defect::LateLeave, aimed::late_copies_of_leaves),
];

/// The same for rules of secure machines and of key agreement modules, in groups with keys.
const CAUGHT_WITH_KEYS: [(LeftOut, u64); 4] = [
    (LeftOut::Secure(Secure::SkipConfirmation), 6),
    (LeftOut::Secure(Secure::AcceptOtherRun), 40),
    (LeftOut::Module(ModuleDefect::ReuseShare), 6),
    (LeftOut::Module(ModuleDefect::KeepLeaver), 6),
];

fn soaked(defect: Option<LeftOut>, seeds: u64) -> Soaked {
    soak(&SoakOptions { seeds: (0, seeds), defect, ..SoakOptions::default() })
}

fn soaked_with_keys(defect: Option<LeftOut>, seeds: u64) -> Soaked {
    let key_agreements = vec!["tgdh".to_owned()];
    soak(&SoakOptions { seeds: (0, seeds), defect, key_agreements, ..SoakOptions::default() })
}

#[test]
fn every_defect_is_caught() {
    let mut missed = Vec::new();
    for (defect, seeds) in CAUGHT_WITHIN {
        if soaked(Some(defect.into()), seeds).failed == 0 {
            missed.push(defect);
        }
    }
    assert!(missed.is_empty(), "not caught within their numbers of seeds: {missed:?}");
}

#[test]
fn every_defect_above_the_engine_is_caught() {
    let caught = |(defect, seeds)| soaked_with_keys(Some(defect), seeds).failed > 0;
    let missed: Vec<_> = CAUGHT_WITH_KEYS.into_iter().filter(|row| !caught(*row)).collect();
    assert!(missed.is_empty(), "not caught within their numbers of seeds: {missed:?}");
}

/// Else the tests above say nothing.
#[test]
fn without_a_defect_the_same_seeds_hold() {
    for soaked in [soaked(None, 30), soaked_with_keys(None, 40)] {
        assert_eq!(soaked.failed, 0, "{:?}", soaked.first);
    }
}

#[test]
fn every_story_catches_its_defect_and_holds_without_it() {
    for (defect, story) in AIMED {
        assert_eq!(story(None), None, "the story of {defect:?}");
        assert!(story(Some(defect)).is_some(), "{defect:?} is not caught");
    }
}

#[test]
fn the_tables_name_every_defect() {
    let seeded = CAUGHT_WITHIN.iter().map(|(defect, _)| *defect);
    let of_engines = seeded.chain(AIMED.iter().map(|(defect, _)| *defect)).map(LeftOut::Engine);
    let named: Vec<LeftOut> =
        of_engines.chain(CAUGHT_WITH_KEYS.map(|(defect, _)| defect)).collect();
    assert_eq!(named.len(), LeftOut::all().count());
    assert!(LeftOut::all().all(|defect| named.contains(&defect)));
}
