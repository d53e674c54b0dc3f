//! Every built-in policy passes the suite; what each option does.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compose;
mod invitation;

use cenacle_builtin::policies;
use cenacle_plugin::conformance::{PolicyCase, policy_suite_with};
use cenacle_plugin::{
    Component, Error, History, JoinRequest, KeyUse, Member, MemberId, OptionError, Options, Policy,
    PolicyModule, RekeyReason, Value, Verdict,
};
use std::collections::BTreeMap;
use std::sync::Arc;

fn module(name: &str) -> Arc<dyn PolicyModule> {
    policies().into_iter().find(|module| module.descriptor().name == name).expect("built in")
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The peer id of a public key.
fn peer(key: [u8; 32]) -> String {
    bs58::encode([&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20], &key[..]].concat()).into_string()
}

fn members(keys: &[[u8; 32]]) -> Value {
    Value::List(keys.iter().copied().map(peer).collect())
}

fn member(public_key: [u8; 32]) -> Member {
    Member { id: MemberId::new(&public_key).expect("32 bytes"), public_key }
}

fn request(key: [u8; 32]) -> JoinRequest {
    JoinRequest {
        overlay: "lab".to_owned(),
        group: "ops".to_owned(),
        member: member(key),
        evidence: Vec::new(),
        time_s: 1_700_000_000,
        used: Vec::new(),
    }
}

fn given(options: &[(&str, Value)]) -> BTreeMap<String, Value> {
    options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn checked(name: &str, options: &[(&str, Value)]) -> Result<Options, OptionError> {
    Options::check(name, &module(name).descriptor().options, &given(options))
}

fn create(name: &str, options: &[(&str, Value)]) -> Result<Box<dyn Policy>, Error> {
    module(name).create(&checked(name, options).expect("within the bounds"))
}

fn open(options: &[(&str, Value)]) -> Box<dyn Policy> {
    create("open", options).unwrap_or_else(|error| panic!("{error}"))
}

/// What `create` says against the options.
fn complaint(name: &str, options: &[(&str, Value)]) -> (&'static str, String) {
    match create(name, options).err() {
        Some(Error::BadOption { name, why }) => (name, why),
        other => panic!("{other:?}"),
    }
}

/// Options with which the policy can be made, those of the rules among them.
fn usable(name: &str, rules: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let mut options = given(rules);
    match name {
        "allowlist" => drop(options.insert("members".to_owned(), members(&[[1; 32], [2; 32]]))),
        "invitation" => drop(options.insert("issuers".to_owned(), invitation::issuers(&[7, 8]))),
        "all-of" | "any-of" => {
            let part = |name: &str| compose::part(name, usable(name, rules));
            let deep = compose::of(&[part("invitation"), part("allowlist")]);
            let deep = compose::part("all-of", deep);
            return compose::of(&[part("allowlist"), part("invitation"), deep]);
        }
        _ => {}
    }
    options
}

/// Joins of a listed peer and of strangers, with invitations and without.
fn asked() -> Vec<JoinRequest> {
    let invited = invitation::all_kinds().into_iter().map(|(_, request)| request);
    [request([1; 32]), request([3; 32])].into_iter().chain(invited).collect()
}

#[test]
fn all_pass_the_suite() {
    for module in policies() {
        let mut cases = Vec::new();
        for rules in [
            vec![],
            vec![("rekey_after", text("1s")), ("rekey_bytes", Value::Integer(1025))],
            vec![("rekey_after", text("365d")), ("rekey_bytes", Value::Integer(1024))],
            vec![("rekey_messages", Value::Integer(16)), ("partition", text("primary"))],
            vec![("history", text("last 10000")), ("rekey_bytes", Value::Integer(i64::MAX))],
        ] {
            let name = module.descriptor().name.as_str();
            cases.push(PolicyCase { options: usable(name, &rules), requests: asked() });
        }
        if let Err(failures) = policy_suite_with(&*module, &cases) {
            panic!("{failures}");
        }
    }
}

#[test]
fn open_admits_everybody() {
    let policy = open(&[]);
    assert_eq!(policy.admit(&request([1; 32])), Verdict::Allow);
    assert_eq!(policy.may_send(&member([1; 32])), Verdict::Allow);
}

#[test]
fn allowlist_admits_whom_it_lists() {
    let policy = create("allowlist", &[("members", members(&[[1; 32], [2; 32]]))]).expect("good");
    for key in [[1; 32], [2; 32]] {
        assert_eq!(policy.admit(&request(key)), Verdict::Allow);
        assert_eq!(policy.may_send(&member(key)), Verdict::Allow);
    }
    for verdict in [policy.admit(&request([3; 32])), policy.may_send(&member([3; 32]))] {
        let Verdict::Refuse { reason, detail } = verdict else { panic!("admitted") };
        assert_eq!(reason, "not-listed");
        assert!(detail.contains(&peer([3; 32])), "{detail}");
    }
}

#[test]
fn allowlist_names_the_bad_entry() {
    let good = peer([1; 32]);
    let cut = &good[..50];
    let rsa = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
    let (long, spaced) = (format!("{good}{good}"), format!("{good} "));
    for (bad, why) in [
        ("alice!", "base58"),
        (cut, "too short"),
        (rsa, "too short"),
        (long.as_str(), "too long"),
        (spaced.as_str(), "base58"),
        ("", "too short"),
    ] {
        let list = Value::List(vec![good.clone(), bad.to_owned()]);
        let (name, said) = complaint("allowlist", &[("members", list)]);
        assert_eq!(name, "members");
        assert!(said.contains("entry 2") && said.contains(&format!("{bad:?}")), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn allowlist_refuses_an_entry_twice_and_an_empty_list() {
    let (_, said) = complaint("allowlist", &[("members", members(&[[1; 32], [2; 32], [1; 32]]))]);
    assert!(said.contains("entry 3") && said.contains("listed before"), "{said}");
    let (name, said) = complaint("allowlist", &[]);
    assert!(name == "members" && said.contains("nobody"), "{said}");
}

#[test]
fn keys_age_when_told_so() {
    let old = KeyUse { age_ms: u64::MAX, ..KeyUse::default() };
    assert_eq!(open(&[]).rekey(&old), None);
    let policy = open(&[("rekey_after", text("10m"))]);
    let at = |age_ms| policy.rekey(&KeyUse { age_ms, ..KeyUse::default() });
    assert_eq!(at(599_999), None);
    assert_eq!(at(600_000), Some(RekeyReason::TimeOut));
}

#[test]
fn keys_wear_out_by_bytes() {
    let at = |policy: &dyn Policy, sealed_bytes| {
        policy.rekey(&KeyUse { sealed_bytes, ..KeyUse::default() })
    };
    let policy = open(&[("rekey_bytes", Value::Integer(4096))]);
    assert_eq!(at(&*policy, 4095), None);
    assert_eq!(at(&*policy, 4096), Some(RekeyReason::DataOut));
    let off = open(&[("rekey_bytes", Value::Integer(i64::MAX))]);
    assert_eq!(at(&*off, (1 << 63) - 2), None);
    assert_eq!(at(&*open(&[]), 1 << 38), Some(RekeyReason::DataOut));
}

/// The default leaves every built-in cipher at least as many messages as it has used.
#[test]
fn keys_wear_out_by_messages_before_any_cipher_does() {
    let limits =
        cenacle_builtin::ciphers().into_iter().map(|cipher| match cipher.descriptor().properties {
            cenacle_plugin::Properties::Cipher { max_messages, .. } => max_messages,
            _ => panic!("no cipher"),
        });
    let least = limits.min().expect("there are ciphers");
    let at = |sealed_messages| open(&[]).rekey(&KeyUse { sealed_messages, ..KeyUse::default() });
    assert_eq!(at(least / 2), Some(RekeyReason::DataOut));
    assert_eq!(at(least / 2 - 1), None);
}

#[test]
fn a_primary_component_has_more_than_half() {
    let policy = open(&[("partition", text("primary"))]);
    let goes_on = |last_primary, present| policy.may_continue(&Component { last_primary, present });
    assert!(goes_on(1, 1) && goes_on(3, 2) && goes_on(4, 3) && goes_on(5, 3));
    assert!(!goes_on(2, 1) && !goes_on(4, 2) && !goes_on(5, 2) && !goes_on(3, 0));
    assert!(goes_on(u32::MAX, 1 << 31) && !goes_on(u32::MAX, (1 << 31) - 1));
    // No two components of one view both go on.
    for last in 0..50 {
        for present in 0..=last {
            assert!(!(goes_on(last, present) && goes_on(last, last - present)));
        }
    }
    assert!(open(&[]).may_continue(&Component { last_primary: 5, present: 1 }));
}

#[test]
fn history_is_read_strictly() {
    for (word, history) in [
        ("none", History::None),
        ("since-join", History::SinceJoin),
        ("last 1", History::Last(1)),
        ("last 10000", History::Last(10_000)),
    ] {
        assert_eq!(open(&[("history", text(word))]).history(), history);
    }
    assert_eq!(open(&[]).history(), History::None);
    for bad in [
        "",
        "all",
        "None",
        "last",
        "last ",
        "last 0",
        "last 01",
        "last +1",
        "last -1",
        "last  1",
        "last 1 ",
        " last 1",
        "last 10001",
        "last 4294967296",
        "last 1e3",
        "last ١",
        "since_join",
    ] {
        let (name, said) = complaint("open", &[("history", text(bad))]);
        assert!(name == "history" && said.contains("last N"), "{bad:?}: {said}");
    }
}

#[test]
fn out_of_bounds_is_refused_before_the_policy_is_made() {
    for (name, bad) in [
        ("rekey_after", text("999ms")),
        ("rekey_after", text("366d")),
        ("rekey_after", text("never")),
        ("rekey_bytes", Value::Integer(-1)),
        ("rekey_bytes", Value::Integer(0)),
        ("rekey_bytes", Value::Integer(1023)),
        ("rekey_messages", Value::Integer(0)),
        ("rekey_messages", Value::Integer(i64::MAX)),
        ("partition", text("majority")),
        ("history", text("last 00000000000000000001")),
    ] {
        for policy in ["open", "allowlist", "invitation"] {
            let error = checked(policy, &[(name, bad.clone())]).expect_err("out of bounds");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[test]
fn options_that_nobody_checked_are_a_wrong_call() {
    for module in policies() {
        let error = module.create(&Options::default()).err().expect("there are no options");
        assert!(matches!(error, Error::WrongCall(_)), "{error}");
    }
}
