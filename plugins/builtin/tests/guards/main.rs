//! What published attacks teach, one test for each guard against them: it fails when the guard is
//! taken out. `tests/mutants` has a patch for each that takes it out, and `.ci/mutants` watches.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod group;
mod received;

use cenacle_dh::{DhGroup, Ristretto255};
use cenacle_plugin::network::How;
use cenacle_plugin::{Event, Input, Outbox, ViewChange};
use group::{Group, MODULES, disjoint, members, module, reach, without};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every kind of change, one after another.
fn story(group: &mut Group<'_>) {
    group.go(&members(4));
    group.go(&members(5));
    group.go(&members(4));
    group.go_how(&members(4), How::RefreshBy(1));
    group.go(&[5, 6]);
    group.go(&members(7));
    group.go(&[0, 2, 4, 6]);
    group.go(&[2, 4, 6]);
}

/// A protocol whose exponents hold long-term keys is broken by whoever talks to one member in two
/// roles (A-GDH): the same chance with other public keys gives the same messages.
#[test]
fn public_keys_play_no_part() {
    for name in MODULES {
        let module = module(name);
        let mut group = Group::new(module.as_ref(), 7);
        story(&mut group);
        for number in members(7) {
            let mut one = group.network.instance(number).expect("an instance");
            let mut other = group.network.instance(number).expect("an instance");
            for event in group.network.history_of(number) {
                let (mut said, mut says) = (Outbox::new(), Outbox::new());
                one.handle(event, &mut said).expect("a replay");
                other.handle(&with_other_keys(event), &mut says).expect("a replay");
                assert_eq!(said, says, "{name}, member {number}");
            }
        }
    }
}

fn with_other_keys(event: &Event) -> Event {
    let Input::Change(change) = &event.input else { return event.clone() };
    let mut members = change.members().to_vec();
    members.iter_mut().for_each(|member| member.public_key[31] ^= 0x5a);
    let mut other = ViewChange::new(change.me(), members, change.classes().to_vec());
    if let Some(by) = change.refresher() {
        other = other.and_then(|other| other.refreshed_by(by));
    }
    Event { input: Input::Change(Arc::new(other.expect("a change"))), ..event.clone() }
}

/// Some share is new after every change: the network refuses a secret that an earlier run had.
#[test]
fn every_change_brings_a_new_secret() {
    for name in MODULES {
        let module = module(name);
        let mut group = Group::new(module.as_ref(), 7);
        story(&mut group);
        for size in 1..6 {
            let mut group = Group::new(module.as_ref(), 6);
            group.go(&members(size));
            for by in members(size) {
                let before: Vec<_> = members(size).into_iter().map(|at| group.held(at)).collect();
                group.go_how(&members(size), How::RefreshBy(by));
                group.go(&members(size + 1));
                group.go(&members(size));
                let after: Vec<_> = members(size).into_iter().map(|at| group.held(at)).collect();
                // What is new in `bd` and `ckd` is gone once the run is over.
                let gone = matches!(name, "bd" | "ckd");
                assert!(gone || before != after, "{name}, {size} members");
            }
        }
    }
}

#[test]
fn nothing_that_a_leaver_held_is_held_by_those_who_stay() {
    for name in MODULES {
        let module = module(name);
        for (size, gone) in
            (2..8).flat_map(|size| members(size).into_iter().map(move |g| (size, g)))
        {
            let mut group = Group::new(module.as_ref(), size);
            group.go(&members(size));
            group.go_how(&members(size), How::RefreshBy(0));
            let held = group.held(gone);
            group.go(&without(size, &[gone]));
            for stays in without(size, &[gone]) {
                assert!(disjoint(&held, &group.held(stays)), "{name}: {gone} of {size} left");
            }
        }
    }
}

/// With all that was ever overheard, and what it holds itself.
#[test]
fn a_newcomer_cannot_compute_earlier_secrets() {
    for name in MODULES {
        let module = module(name);
        for size in 1..5 {
            let mut group = Group::new(module.as_ref(), size + 3);
            group.go(&members(size));
            group.go_how(&members(size), How::RefreshBy(size / 2));
            let earlier = group.secrets.clone();
            // One that comes alone, then two that are a group.
            group.go(&members(size + 1));
            group.go(&[size + 1, size + 2]);
            group.go(&members(size + 3));
            for newcomer in size..size + 3 {
                let known = group.held(newcomer);
                for combined in reach(group.view(newcomer), &known, &group.elements) {
                    let found = earlier.contains(&combined.secret);
                    assert!(!found, "{name}: {newcomer} has a secret of the {size} before it");
                }
            }
        }
    }
}

/// Each side's sponsor changes its share before it shows anything: else the root of one side, whose
/// key its old secret gives away, is a node of the new tree.
#[test]
fn an_old_root_is_no_node_after_a_merge() {
    for name in ["tgdh", "str", "gdh"] {
        let module = module(name);
        for (one, other) in [(2, 1), (2, 2), (3, 3), (4, 2), (4, 4)] {
            let mut group = Group::new(module.as_ref(), one + other);
            let second: Vec<u32> = (one..one + other).collect();
            let mut roots = Vec::new();
            for side in [members(one), second] {
                let old = group.go(&side).secret;
                let (first, heard) = (side[0], group.heard());
                let reached = reach(group.view(first), &group.held(first), &heard);
                roots.extend(reached.into_iter().find(|combined| combined.secret == old));
            }
            assert!(roots.len() > usize::from(other > 1), "{name}: a root is out of reach");
            let merged = group.go(&members(one + other)).secret;
            let heard = group.heard();
            for root in roots {
                let sides = format!("{name}, {one} and {other}");
                assert!(!heard.contains(&root.public), "{sides}: an old root is a node");
                let reached = reach(group.view(0), &[root.next.to_vec()], &heard);
                assert!(reached.iter().all(|combined| combined.secret != merged), "{sides}");
            }
        }
    }
}

/// Members of a class that is put on top of another come with fresh shares: all of them in `gdh`,
/// the lowest in `str`.
#[test]
fn who_speaks_for_a_class_that_comes_has_a_fresh_share() {
    for (name, fresh) in [("gdh", [3, 4].as_slice()), ("str", &[3])] {
        let module = module(name);
        let mut group = Group::new(module.as_ref(), 5);
        group.go(&[3, 4]);
        let held: Vec<_> = fresh.iter().map(|at| group.held(*at)).collect();
        group.go(&members(3));
        group.go(&members(5));
        for (at, held) in fresh.iter().zip(held) {
            assert!(disjoint(&held, &group.held(*at)), "{name}: {at} came with an old share");
        }
    }
}

/// Who changes its share when members leave sits under the leaver's sibling: among those who have
/// the most keys in common with the leaver.
#[test]
fn tgdh_refreshes_under_the_leavers_sibling() {
    let module = module("tgdh");
    for size in 2..11 {
        for gone in members(size) {
            let mut group = Group::new(module.as_ref(), size);
            group.go(&members(size));
            let lost = group.held(gone);
            let held: BTreeMap<u32, _> =
                without(size, &[gone]).into_iter().map(|at| (at, group.held(at))).collect();
            let common = |keys: &Vec<Vec<u8>>| keys.iter().filter(|key| lost.contains(key)).count();
            let most = held.values().map(common).max().expect("a member that stays");
            group.go(&without(size, &[gone]));
            let changed: Vec<u32> = without(size, &[gone])
                .into_iter()
                .filter(|at| held[at].first() != group.held(*at).first())
                .collect();
            let [sponsor] = changed.as_slice() else {
                assert!(size == 2, "{gone} of {size} left: {changed:?} changed their shares");
                continue;
            };
            assert_eq!(common(&held[sponsor]), most, "{gone} of {size} left, not {sponsor}'s");
        }
    }
}

/// In the stack it sits right below the lowest that left, or at the bottom.
#[test]
fn str_refreshes_below_the_lowest_leaver() {
    let module = module("str");
    for gone in [&[0][..], &[1], &[4], &[6], &[2, 4], &[0, 5], &[1, 2, 3], &[3, 6]] {
        let mut group = Group::new(module.as_ref(), 7);
        group.go(&members(7));
        // The share comes last.
        let share = |group: &Group<'_>, at: u32| group.held(at).pop().expect("a share");
        let before: Vec<Vec<u8>> = members(7).into_iter().map(|at| share(&group, at)).collect();
        let stay = without(7, gone);
        group.go(&stay);
        let lowest = gone[0];
        let sponsor = stay.iter().rev().find(|at| **at < lowest).unwrap_or(&stay[0]);
        for &at in &stay {
            let changed = share(&group, at) != before[at as usize];
            assert_eq!(changed, at == *sponsor, "{gone:?} left, member {at}");
        }
    }
}

/// A shared element is never a key as it is, and never an exponent: it is hashed for one use.
#[test]
fn secrets_and_keys_are_hashed_each_under_its_own_name() {
    let group = Ristretto255;
    let powers = |held: &[Vec<u8>], elements: &BTreeSet<Vec<u8>>| {
        let mut powers = Vec::new();
        for secret in held {
            let scalar = group.scalar_from_bytes(secret).expect("an exponent");
            for element in elements {
                let element = group.decode(element).expect("an element");
                powers.push(group.exp(&element, &scalar));
                powers.push(group.exp(&element, &group.invert(&scalar)));
            }
        }
        powers
    };
    for name in MODULES {
        let module = module(name);
        let mut two = Group::new(module.as_ref(), 2);
        two.network.change(&[0, 1], How::Continue).expect("a change");
        two.network.run().expect("a run");
        let mut held = two.held(1);
        let secret = two.network.confirm_at(|_| true).expect("a secret").secret;
        held.extend(two.held(1));
        let domain = format!("cenacle {name} group secret v1");
        // `bd` multiplies what goes around a circle of two, which is the same both ways.
        let root = |power| if name == "bd" { group.product(power, power) } else { power.clone() };
        let powers = powers(&held, &two.heard());
        let is_secret = |power| group.hash_to_secret(&domain, &root(power)) == secret;
        assert!(powers.iter().any(is_secret), "{name}");
    }
    let keys = [("tgdh", "node key"), ("str", "level key"), ("ckd", "pairwise key")];
    for (name, use_of_it) in keys {
        let module = module(name);
        let mut three = Group::new(module.as_ref(), 3);
        three.go(&members(3));
        let domain = format!("cenacle {name} {use_of_it} v1");
        let held = three.held(0);
        let hashed = |power| group.scalar_bytes(&group.hash_to_scalar(&domain, power)).to_vec();
        let powers = powers(&held, &three.heard());
        assert!(powers.iter().any(|power| held.contains(&hashed(power))), "{name}");
    }
}

/// A group of one takes its secret from what it never showed, though it had offered a share.
#[test]
fn a_group_of_one_keeps_its_secret_to_itself() {
    for name in MODULES {
        let module = module(name);
        let mut group = Group::new(module.as_ref(), 1);
        group.network.offers = true;
        let secret = group.go(&[0]).secret;
        let change = group.network.present().expect("a run");
        let shown: BTreeSet<Vec<u8>> = change.share_of(0).map(<[u8]>::to_vec).into_iter().collect();
        let reached = reach(group.view(0), &[], &shown);
        assert!(reached.iter().all(|combined| combined.secret != secret), "{name}");
    }
}
