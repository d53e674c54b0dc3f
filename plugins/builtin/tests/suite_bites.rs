//! The key agreement suite finds nothing in a sound module, and in each broken one the rule that it
//! breaks, in words that say how.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod toy;

use cenacle_plugin::conformance::{Effort, Failures, key_agreement_suite};
use toy::{Flaw, Lie, toy};

const EFFORT: Effort =
    Effort { seed: 1, sequences: 25, attacks: 8, tampers: 8, max_members: 7, max_costs: 4 };
/// For what only one rule can show.
const COSTS: Effort = Effort { sequences: 0, attacks: 0, tampers: 0, ..EFFORT };

fn failures(flaw: Flaw) -> Failures {
    let effort = if matches!(flaw, Flaw::Lies(_) | Flaw::LiesApart(_)) { COSTS } else { EFFORT };
    match key_agreement_suite(&toy(flaw), effort) {
        Ok(_) => panic!("{flaw:?} was not found"),
        Err(failures) => failures,
    }
}

/// Among the findings against the rule is one with these words.
fn names(flaw: Flaw, rule: &str, words: &str) -> Failures {
    let failures = failures(flaw);
    let found = failures.broken.iter().find(|failure| failure.rule.name == rule);
    let found = found.unwrap_or_else(|| panic!("{flaw:?} breaks {rule:?}, not {failures}"));
    let says = found.findings.iter().any(|finding| finding.contains(words));
    assert!(says, "{flaw:?} was not found by {words:?}: {failures}");
    failures
}

/// And no other rule is broken.
fn names_only(flaw: Flaw, rule: &str, words: &str) {
    let failures = names(flaw, rule, words);
    assert!(failures.broken.len() == 1, "{flaw:?} only breaks {rule:?}: {failures}");
}

#[test]
fn a_sound_toy_keeps_all_rules() {
    let summary = key_agreement_suite(&toy(Flaw::None), EFFORT).expect("nothing is wrong with it");
    let mut rules: Vec<&str> = summary.rules.iter().map(|rule| rule.name).collect();
    rules.sort_unstable();
    let all = [
        "calls",
        "combine",
        "costs",
        "descriptor",
        "newcomer",
        "no-panic",
        "outsider",
        "runs",
        "tamper",
    ];
    assert_eq!(rules, all);
    assert!(summary.checks > 50, "{summary}");
}

#[test]
fn descriptors() {
    names_only(Flaw::BadName, "descriptor", "not a module's name");
    names(Flaw::NoMembers, "descriptor", "takes no members");
    names(Flaw::OtherKind, "descriptor", "another kind");
}

#[test]
fn secrets_that_a_leaver_can_compute() {
    names_only(Flaw::UnderOldKey, "combine", "by combining");
    names_only(Flaw::OverOldNode, "combine", "by combining");
    names_only(Flaw::ShareByPosition, "outsider", "in the place of");
    names_only(Flaw::PairwiseByPosition, "outsider", "in the place of");
}

#[test]
fn secrets_that_come_back() {
    names(Flaw::SameSecret, "runs", "the secret of an earlier run came back");
    names(Flaw::SecretOfMembers, "runs", "the secret of an earlier run came back");
}

#[test]
fn runs_that_fail_in_some_views_only() {
    names(Flaw::StuckInFive, "runs", "the run is stuck");
    names(Flaw::DiffersInFive, "runs", "hold different secrets");
}

#[test]
fn runs_that_fail_after_an_interruption_or_with_mixed_classes() {
    names(Flaw::KeepsInterrupted, "runs", "failed on a message");
    names(Flaw::TakesBaseForFirst, "runs", "change");
}

#[test]
fn actions_that_the_interface_forbids() {
    names(Flaw::InstallsTwice, "runs", "a second secret in one run");
    names(Flaw::SendsToItself, "runs", "a unicast to itself");
    names(Flaw::SendsToNobody, "runs", "a unicast to nobody");
    names(Flaw::OffersUnasked, "runs", "an offer that nobody asked for");
    names(Flaw::AnswersOfferWithMessage, "runs", "an answer to an offer that is no offer");
    names(Flaw::ResumesForEver, "runs", "a resumption in answer to one");
}

#[test]
fn refusals_that_are_none() {
    names_only(Flaw::HalfDone, "tamper", "and yet it changed the instance");
    names(Flaw::TalksWhileRefusing, "tamper", "an error, and actions as well");
    names_only(Flaw::TakesMore, "tamper", "Longer: it was accepted");
    names_only(Flaw::HearsTwice, "tamper", "Again: it was accepted");
    names_only(Flaw::IgnoresForeign, "tamper", "it was accepted");
}

#[test]
fn calls_out_of_place() {
    // Its views are refused with actions as well.
    names(Flaw::TalksWhileRefusing, "calls", "a view of 65");
    names_only(Flaw::ConfirmsNothing, "calls", "a confirmation of nothing");
    names_only(Flaw::ResumesNothing, "calls", "a resumption of nothing");
    names_only(Flaw::HearsWithoutRun, "calls", "a message without a run");
    names_only(Flaw::HearsStrangers, "calls", "a message from outside the view");
    names_only(Flaw::TakesAnySize, "calls", "a view of 65");
    names_only(Flaw::BlamesItself, "calls", "a class that it was not in");
}

#[test]
fn panics() {
    names(Flaw::PanicsOnForeign, "no-panic", "it panicked when tamper was tried");
    names_only(Flaw::PanicsOnStrangers, "no-panic", "it panicked when calls was tried");
}

/// In every column, in both directions; as a bound, only what is too low is a lie.
#[test]
fn contracts_that_lie_by_one() {
    let columns = [
        "rounds",
        "messages",
        "unicasts",
        "multicasts",
        "exponentiations",
        "signatures",
        "verifications",
    ];
    for (column, name) in columns.into_iter().enumerate() {
        names_only(Flaw::Lies(Lie { column, by: 1, bound: false }), "costs", name);
        if name != "unicasts" {
            names_only(Flaw::Lies(Lie { column, by: -1, bound: false }), "costs", name);
            names_only(Flaw::Lies(Lie { column, by: -1, bound: true }), "costs", name);
        }
        let generous = toy(Flaw::Lies(Lie { column, by: 1, bound: true }));
        key_agreement_suite(&generous, COSTS).expect("a bound need not be reached");
    }
}

/// Those of channels and acknowledgements, too.
#[test]
fn contracts_apart_that_lie_by_one() {
    let columns = [
        "channels 0",
        "channels cached",
        "load",
        "sealed",
        "acknowledgements",
        "acknowledgement rounds",
    ];
    for (column, name) in columns.into_iter().enumerate() {
        names_only(Flaw::LiesApart(column), "costs", name);
    }
    // One column more than there are: nothing is wrong.
    key_agreement_suite(&toy(Flaw::LiesApart(columns.len())), COSTS).expect("an honest contract");
}
