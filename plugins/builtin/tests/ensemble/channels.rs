//! The channel cache: who has a channel with whom, for how long, and what it costs.

use crate::group::{MODULES, go, held, members, module, network, network_with, without};
use cenacle_plugin::Value;
use cenacle_plugin::network::How;

/// A channel lasts while both ends stay, and is gone with the first confirmed view without one.
#[test]
fn channels_are_kept_while_both_ends_stay_and_dropped_at_departure() {
    for name in ["basic", "wgl"] {
        let module = module(name);
        let mut network = network(module.as_ref(), 6);
        assert_eq!(go(&mut network, &members(5)).apart.channels, 4, "{name}");
        for _ in 0..3 {
            let again = go(&mut network, &members(5)).apart;
            assert_eq!((again.channels, again.channels_cached), (0, 4), "{name}");
        }
        let joined = go(&mut network, &members(6)).apart;
        assert_eq!((joined.channels, joined.channels_cached), (1, 4), "{name}");
        go(&mut network, &without(6, &[3]));
        let back = go(&mut network, &members(6)).apart;
        assert_eq!((back.channels, back.channels_cached), (1, 4), "{name}: a channel came back");
    }
}

#[test]
fn no_key_of_a_channel_with_a_leaver_is_left() {
    for name in MODULES {
        let module = module(name);
        for gone in 0..7 {
            let mut network = network(module.as_ref(), 7);
            go(&mut network, &members(7));
            go(&mut network, &members(7));
            let known = held(&network, gone);
            assert!(!known.is_empty(), "{name}");
            go(&mut network, &without(7, &[gone]));
            for stays in without(7, &[gone]) {
                let kept = held(&network, stays);
                assert!(kept.iter().all(|key| !known.contains(key)), "{name}: {gone} left");
            }
        }
    }
}

/// The cache is bounded by the view: a member never has more channels than others to talk to.
#[test]
fn no_member_has_more_keys_than_the_view_allows() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 40);
        for start in [0, 10, 20, 30] {
            let view: Vec<u32> = (start / 2..start + 10).collect();
            go(&mut network, &view);
            let size = view.len();
            for member in view {
                // Two keys a channel; those of the graph, and the leader's copies of them.
                let most = 2 * (size - 1) + 2 * size;
                assert!(held(&network, member).len() <= most, "{name}, {member} of {size}");
            }
        }
    }
}

/// Each direction has a key of its own, and both ends have both: one key both ways would be used
/// twice with the same number.
#[test]
fn a_channel_has_a_key_for_each_direction() {
    let module = module("basic");
    let mut network = network(module.as_ref(), 2);
    go(&mut network, &members(2));
    let [one, other] = [0, 1].map(|member| held(&network, member));
    assert_eq!(one.len(), 2);
    assert_ne!(one[0], one[1]);
    assert_eq!([&one[0], &one[1]], [&other[1], &other[0]]);
}

/// Without a cache every change sets up what it needs.
#[test]
fn a_cache_can_be_done_without() {
    for name in MODULES {
        let module = module(name);
        let given = [("cache", Value::Bool(false))];
        let mut network = network_with(module.as_ref(), &given, 5);
        for _ in 0..3 {
            let apart = go(&mut network, &members(5)).apart;
            assert!(apart.channels > 0 && apart.channels_cached == 0, "{name}: {apart:?}");
        }
    }
}

/// What a run that was broken off has set up counts for nothing.
#[test]
fn an_aborted_run_leaves_no_channel() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 4);
        go(&mut network, &members(3));
        let before: Vec<_> = (0..3).map(|member| held(&network, member)).collect();
        network.change(&members(4), How::Continue).expect("a change");
        network.run().expect("a run");
        network.abort().expect("an abort");
        let after: Vec<_> = (0..3).map(|member| held(&network, member)).collect();
        assert_eq!(before, after, "{name}");
        assert!(held(&network, 3).is_empty(), "{name}: a newcomer kept something");
    }
}

/// A member whom the confirmation did not reach has none of the run's channels, whatever it saw:
/// the others do not use theirs with it.
#[test]
fn a_confirmation_that_reaches_some_makes_channels_among_those_alone() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 5);
        go(&mut network, &members(4));
        network.change(&members(5), How::Continue).expect("a change");
        network.run().expect("a run");
        network.confirm_at(|number| number != 1).expect("a confirmation");
        // Member 1 comes back from the epoch before, as a class of its own.
        let apart = go(&mut network, &members(5)).apart;
        assert!(apart.channels > 0, "{name}: {apart:?}");
        let apart = go(&mut network, &members(5)).apart;
        assert!(name == "dist" || apart.channels == 0, "{name}: {apart:?}");
    }
}

/// Nothing that anybody knew before counts afresh.
#[test]
fn a_run_afresh_uses_no_channel() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 6);
        go(&mut network, &members(6));
        network.change(&members(6), How::Afresh).expect("a change");
        let apart = network.complete().expect("a run").apart;
        assert_eq!((apart.channels, apart.channels_cached), (5, 0), "{name}");
    }
}
