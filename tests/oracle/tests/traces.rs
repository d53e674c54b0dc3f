//! Hand-written traces: each of `traces/` breaks the property that its name begins with and no
//! other, or, if it begins with `good`, none at all.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use cenacle_oracle::{Options, Property, Report, check};

/// The beginning of the names of traces, and what these traces break.
const BREAKS: [(&str, &[Property]); 16] = [
    ("self_inclusion", &[Property::SelfInclusion]),
    ("local_monotonicity", &[Property::LocalMonotonicity]),
    ("sending_view_delivery", &[Property::SendingViewDelivery]),
    ("delivery_integrity", &[Property::DeliveryIntegrity]),
    ("no_duplication", &[Property::NoDuplication]),
    ("self_delivery", &[Property::SelfDelivery]),
    ("transitional_set", &[Property::TransitionalSet]),
    ("virtual_synchrony", &[Property::VirtualSynchrony]),
    ("fifo", &[Property::Fifo]),
    ("causal", &[Property::Causal]),
    ("agreed", &[Property::Agreed]),
    ("safe", &[Property::Safe]),
    ("transitional_signal", &[Property::TransitionalSignal]),
    ("key", &[Property::Key]),
    ("settled", &[Property::Settled]),
    ("good", &[]),
];

/// Who never installs a view that names it is not where it should be either.
const BOTH: (&str, &[Property]) = ("safe_settled", &[Property::Safe, Property::Settled]);

fn traces() -> BTreeMap<String, Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

fn judge(trace: &[u8], settled: bool) -> Report {
    check(trace, Options { settled, ..Options::default() }).unwrap()
}

#[test]
fn each_trace_breaks_what_it_is_named_after_and_nothing_else() {
    let traces = traces();
    let mut broken: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, trace) in &traces {
        let (beginning, expected) =
            BREAKS.into_iter().find(|(beginning, _)| name.starts_with(beginning)).unwrap();
        let expected = if name == BOTH.0 { BOTH.1 } else { expected };
        let settled = name.contains("settled");
        let report = judge(trace, settled);
        assert_eq!(report.broken(), expected, "{name}:\n{report}");
        *broken.entry(beginning).or_default() += 1;
    }
    for (beginning, _) in BREAKS {
        assert!(broken.contains_key(beginning), "no trace is named after {beginning}");
    }
}

#[test]
fn what_is_judged_only_in_settled_runs_holds_in_others() {
    for (name, trace) in traces().iter().filter(|(name, _)| name.contains("settled")) {
        let report = judge(trace, false);
        assert!(report.holds(), "{name}:\n{report}");
    }
}

#[test]
fn good_traces_are_settled_too() {
    for (name, trace) in traces().iter().filter(|(name, _)| name.starts_with("good")) {
        let report = judge(trace, true);
        assert!(report.holds(), "{name}:\n{report}");
    }
}

/// Only the order of the lines of one member counts.
#[test]
fn the_members_of_a_trace_may_stand_one_after_the_other() {
    for (name, trace) in &traces() {
        let text = str::from_utf8(trace).unwrap();
        let member = |line: &&str| {
            let begin = line.find("\"member\":").unwrap();
            line[begin..].split('"').nth(3).unwrap().to_owned()
        };
        for reversed in [false, true] {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_by_key(member);
            if reversed {
                lines.sort_by_key(|line| std::cmp::Reverse(member(line)));
            }
            let settled = name.contains("settled");
            let sorted = judge(lines.join("\n").as_bytes(), settled);
            assert_eq!(sorted.broken(), judge(trace, settled).broken(), "{name}: {sorted}");
        }
    }
}

#[test]
fn the_report_names_who_and_what() {
    let report = judge(&traces()["fifo_missing"], false);
    let text = report.to_string();
    assert_eq!(
        text,
        "FIFO Delivery (group g): b delivered a#2 in view 1, and had not delivered a#1, which a \
         sent before it\n\
         FIFO Delivery: 1 violations\n\
         8 events of 2 members, 1 views, 2 messages, 3 deliveries: 1 violation"
    );
    let report = judge(&traces()["good_crash"], true);
    assert_eq!((report.members, report.views, report.messages), (3, 2, 4), "{report}");
}
