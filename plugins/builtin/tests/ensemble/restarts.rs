//! Runs that are broken off at every step, and classes that come together with what they have.

use crate::group::{MODULES, go, members, module, network, without};
use cenacle_plugin::network::{How, Network};

/// The leader goes, or somebody else, after each delivery of a change; the next run is whole.
#[test]
fn whoever_leaves_at_whatever_step_the_rest_agrees() {
    for name in MODULES {
        let module = module(name);
        for leaver in [0, 1, 4, 5] {
            for told in [false, true] {
                let mut steps = 0;
                loop {
                    let mut network = network(module.as_ref(), 6);
                    go(&mut network, &members(5));
                    network.change(&members(6), How::Continue).expect("a change");
                    let mut taken = 0;
                    while taken < steps && network.step().expect("a step") {
                        taken += 1;
                    }
                    if told {
                        network.abort().expect("an abort");
                    }
                    let rest = without(6, &[leaver]);
                    let outcome = go(&mut network, &rest);
                    assert_eq!(outcome.apart.acknowledgements, 4, "{name}: {leaver} at {steps}");
                    go(&mut network, &rest);
                    if taken < steps {
                        break;
                    }
                    steps += 1;
                }
                assert!(steps > 5, "{name}: nothing to break off");
            }
        }
    }
}

/// "When the leader receives an ack from all its children, it decides that the algorithm is complete"
/// (paper 000, section 3): whoever has installed, all below it have, and the leader is the last.
#[test]
fn the_leader_installs_when_all_have_the_key() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 20);
        for size in [20, 19, 20] {
            network.change(&members(size), How::Continue).expect("a change");
            let has = |network: &Network<'_>, member| network.installed_at(member).is_some();
            while !has(&network, 0) {
                assert!(network.step().expect("a step"), "{name} is stuck");
            }
            assert!(members(size).into_iter().all(|member| has(&network, member)), "{name}");
            network.complete().expect("a run");
        }
    }
}

/// A restart in the middle: the same members, at every step, on what was confirmed and afresh.
#[test]
fn a_run_can_start_over_at_every_step() {
    for name in MODULES {
        let module = module(name);
        for steps in 0..60 {
            let mut network = network(module.as_ref(), 7);
            go(&mut network, &members(5));
            network.change(&members(7), How::Continue).expect("a change");
            for _ in 0..steps {
                network.step().expect("a step");
            }
            let how = if steps % 2 == 0 { How::Continue } else { How::Afresh };
            network.change(&members(7), how).expect("a change");
            network.complete().expect("a run");
            go(&mut network, &without(7, &[0]));
        }
    }
}

/// Components merge with the trees that they have: two of eight need one new key in `dist`, many
/// single ones need them all, and there is everything between.
#[test]
fn components_merge_with_their_trees() {
    let module = module("dist");
    for sizes in [&[8, 8][..], &[8, 4, 4], &[5, 3, 1, 1], &[1; 12], &[2; 6], &[7, 6, 5, 4, 3, 2, 1]]
    {
        let total: u32 = sizes.iter().sum();
        let mut network = network(module.as_ref(), total);
        let mut next = 0;
        for size in sizes {
            let class: Vec<u32> = (next..next + size).collect();
            next += size;
            go(&mut network, &class);
        }
        let outcome = go(&mut network, &members(total));
        let keys = outcome.apart.sealed;
        let parts = u32::try_from(sizes.len()).expect("few");
        assert_eq!(keys, parts - 1, "{sizes:?}: one new key for two parts");
    }
}

/// A refresh costs one new key, whoever asks, and nothing but it changes.
#[test]
fn a_refresh_is_one_new_root() {
    let module = module("dist");
    for by in [0, 3, 8] {
        let mut network = network(module.as_ref(), 9);
        go(&mut network, &members(9));
        network.change(&members(9), How::RefreshBy(by)).expect("a change");
        let outcome = network.complete_measured().expect("a run");
        assert_eq!((outcome.apart.sealed, outcome.apart.channels), (1, 0));
    }
}
