//! Counts beside the papers'.

use crate::group::{MODULES, go, members, module, network, network_with, options, without};
use cenacle_plugin::conformance::cost_table;
use cenacle_plugin::{Occasion, Scenario, Value};

/// The contract to the unit up to a hundred members; where it is a bound, messages and work are met
/// all the same.
#[test]
fn contracts_hold_up_to_a_hundred_members() {
    for name in MODULES {
        let module = module(name);
        let options = options(module.as_ref(), &[]);
        let sizes = (1..=20).chain([31, 32, 33, 45, 63, 64, 65, 99, 100]);
        for row in cost_table(module.as_ref(), &options, sizes).expect("honest runs") {
            let which = format!("{name}, {:?}", row.scenario);
            assert_eq!(row.broken(), "", "{which}");
            let (costs, contract) = (row.outcome.costs, row.expected.expect("a contract").contract);
            assert_eq!(costs.messages, contract.messages, "{which}");
            assert_eq!(costs.unicasts, contract.unicasts, "{which}");
            assert_eq!(costs.exponentiations, contract.exponentiations, "{which}");
        }
    }
}

fn chain(name: &str, given: &[(&str, Value)], size: u32) -> (u32, u32) {
    let module = module(name);
    let mut network = network_with(module.as_ref(), given, size);
    let outcome = go(&mut network, &members(size));
    (outcome.costs.exponentiations, outcome.apart.load)
}

/// Paper 000, section 4: load 2(n - 1) for all; latency n for Basic, 3 log2 n - 3 for Binary, log2 n
/// + 1 for Dist. Here both ends of a channel compute at once, which saves the last operation.
#[test]
fn all_one() {
    let as_needed = [("set_up", Value::Text("as-needed".to_owned()))];
    for (size, logarithm) in [(3, 2), (7, 3), (15, 4), (63, 6)] {
        let load = 2 * (size - 1);
        assert_eq!(chain("basic", &[], size), (size - 1, load));
        assert_eq!(chain("wgl", &[], size), (size - 1, load));
        assert_eq!(chain("dist", &[], size), (logarithm, load));
        // The paper's three a level: one at the lower end, who answers, and two at the upper.
        assert_eq!(chain("binary", &as_needed, size), (3 * (logarithm - 1), load));
        assert_eq!(chain("binary", &[], size), (3.min(logarithm), load));
    }
}

/// Paper 000, section 5: with a warm cache a leave costs Basic nothing, and a new leader everything.
#[test]
fn a_leader_takes_its_channels_along() {
    for (name, leave, leader) in [("basic", 0, 42), ("wgl", 0, 42)] {
        let module = module(name);
        let mut network = network(module.as_ref(), 45);
        go(&mut network, &members(45));
        let warm = go(&mut network, &without(45, &[20]));
        assert_eq!((warm.apart.channels, warm.apart.channels_cached), (leave, 43), "{name}");
        let cold = go(&mut network, &without(45, &[0, 20]));
        assert_eq!((cold.apart.channels, cold.apart.channels_cached), (leader, 0), "{name}");
    }
}

/// "Dist sends less than 1KBytes for a 45 member group" (paper 000, section 5), signatures and
/// envelopes included.
#[test]
fn a_dist_rekey_of_45_multicasts_less_than_a_kibibyte() {
    const ENVELOPE: u64 = 81 - 8;
    let module = module("dist");
    for gone in 0..45 {
        let mut network = network(module.as_ref(), 46);
        go(&mut network, &members(45));
        // JoinLeave: one leaves, another joins.
        let mut after = without(45, &[gone]);
        after.push(45);
        let outcome = go(&mut network, &after);
        let bytes = outcome.multicast_bytes + u64::from(outcome.costs.multicasts) * ENVELOPE;
        assert!(bytes < 1024, "{gone} left: {bytes} bytes");
    }
}

/// n - 1 acknowledgements whatever the change; the tree decides how long they take.
#[test]
fn acknowledgements_go_up_a_tree_of_the_chosen_degree() {
    for name in MODULES {
        let module = module(name);
        for (degree, rounds) in [(2, 6), (6, 3), (10, 2), (64, 2)] {
            let given = [("ack_degree", Value::Integer(degree))];
            let mut network = network_with(module.as_ref(), &given, 100);
            let outcome = go(&mut network, &members(100));
            assert_eq!(outcome.apart.acknowledgements, 99, "{name}");
            assert_eq!(outcome.apart.acknowledgement_rounds, rounds, "{name}, {degree}");
        }
    }
}

/// What is sealed is signed by nobody: a warm `basic` rekey makes no signature at all.
#[test]
fn what_is_sealed_is_not_signed() {
    let module = module("basic");
    let mut network = network(module.as_ref(), 10);
    go(&mut network, &members(10));
    let outcome = go(&mut network, &without(10, &[5]));
    assert_eq!((outcome.costs.signatures, outcome.costs.verifications), (0, 0));
    assert_eq!((outcome.apart.sealed, outcome.costs.messages), (8, 8));
}

/// Counts of a leave are told for the paper's case: a full tree, of which the first member goes
/// (paper 002, section 4.2: two keys for three subleaders of eight).
#[test]
fn the_paper_s_leave_of_eight() {
    let module = module("dist");
    let mut network = network(module.as_ref(), 8);
    go(&mut network, &members(8));
    let outcome = go(&mut network, &without(8, &[0]));
    // The new leader is the first of the three subleaders, so that two report; m2 sends to m3, m5.
    assert_eq!((outcome.apart.sealed, outcome.apart.channels), (2, 2));
    assert_eq!(outcome.costs.multicasts, 2);
    let scenario = Scenario { occasion: Occasion::LeaderLeave, members: 8, joining: 0, leaving: 1 };
    let expected = module.expected(&scenario).expect("a contract");
    assert_eq!(expected.paper.expect("the paper's").unicasts, 9);
}
