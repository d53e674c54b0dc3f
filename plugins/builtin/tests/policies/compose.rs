//! Policies made of policies.

use crate::invitation::{claim, issuers, public, shows, signed};
use crate::{checked, complaint, create, given, member, members, module, peer, request, text};
use cenacle_builtin::Draft;
use cenacle_plugin::{
    Claim, Component, Error, History, JoinRequest, KeyUse, MAX_TABLE_DEPTH, Policy, RekeyReason,
    Value, Verdict,
};
use std::collections::BTreeMap;

type Table = BTreeMap<String, Value>;

/// A part: a policy with options.
pub(crate) fn part(policy: &str, mut options: Table) -> Table {
    options.insert("policy".to_owned(), text(policy));
    options
}

/// The options of a policy made of these.
pub(crate) fn of(parts: &[Table]) -> Table {
    [("of".to_owned(), Value::Tables(parts.to_vec()))].into()
}

fn listed(keys: &[[u8; 32]]) -> Table {
    part("allowlist", given(&[("members", members(keys))]))
}

fn invited() -> Table {
    part("invitation", given(&[("issuers", issuers(&[7]))]))
}

fn made(name: &str, parts: &[Table]) -> Box<dyn Policy> {
    create(name, &[("of", Value::Tables(parts.to_vec()))]).unwrap_or_else(|e| panic!("{e}"))
}

fn said(name: &str, parts: &[Table]) -> String {
    let (option, said) = complaint(name, &[("of", Value::Tables(parts.to_vec()))]);
    assert_eq!(option, "of");
    said
}

fn refusal(verdict: Verdict) -> (String, String) {
    match verdict {
        Verdict::Refuse { reason, detail } => (reason, detail),
        Verdict::Allow => panic!("allowed"),
    }
}

/// Peer 1, invited by 7.
fn joins() -> JoinRequest {
    let draft = Draft {
        overlay: "lab".to_owned(),
        group: "ops".to_owned(),
        issuer: public(7),
        holders: vec![public(1)],
        id: [5; 16],
        expires_s: u64::MAX,
    };
    shows(&signed(7, draft).to_string())
}

#[test]
fn all_must_allow_and_the_first_that_does_not_is_named() {
    let policy = made("all-of", &[listed(&[public(1), public(2)]), invited()]);
    assert_eq!(policy.admit(&joins()), Verdict::Allow);
    assert_eq!(policy.uses(&joins()).len(), 1);
    assert_eq!(policy.may_send(&joins().member), Verdict::Allow);
    let uninvited = request(public(2));
    let (reason, detail) = refusal(policy.admit(&uninvited));
    assert_eq!(reason, "invitation-missing");
    assert!(detail.starts_with("part 2, invitation: peer "), "{detail}");
    assert!(policy.uses(&uninvited).is_empty());
    let unlisted = made("all-of", &[listed(&[public(2)]), invited()]);
    let (reason, detail) = refusal(unlisted.admit(&joins()));
    assert_eq!(reason, "not-listed");
    assert!(detail.starts_with("part 1, allowlist: "), "{detail}");
    assert!(unlisted.uses(&joins()).is_empty(), "nothing is used in vain");
    refusal(unlisted.may_send(&joins().member));
    let whole = claim(&*policy, &joins());
    refusal(unlisted.may_stay(&whole));
    assert_eq!(policy.may_stay(&whole), Verdict::Allow);
    assert_eq!(policy.proven(&whole), whole.uses);
    let (_, detail) = refusal(policy.may_stay(&Claim { uses: Vec::new(), ..whole }));
    assert!(detail.starts_with("part 2, invitation: no invitation is known"), "{detail}");
}

#[test]
fn one_is_enough_and_else_all_are_told() {
    let policy = made("any-of", &[listed(&[public(2)]), invited()]);
    assert_eq!(policy.admit(&joins()), Verdict::Allow);
    assert_eq!(policy.uses(&joins()).len(), 1);
    assert_eq!(policy.admit(&request(public(2))), Verdict::Allow);
    let (reason, detail) = refusal(policy.admit(&request(public(3))));
    assert_eq!(reason, "no-part-allows");
    for words in ["part 1, allowlist: peer ", "part 2, invitation: peer ", &peer(public(3))] {
        assert!(detail.contains(words), "{detail}");
    }
    // Whoever came by an invitation may send, though the list does not have it.
    assert_eq!(policy.may_send(&joins().member), Verdict::Allow);
    let lists = made("any-of", &[listed(&[public(2)]), listed(&[public(3)])]);
    refusal(lists.may_send(&member(public(1))));
}

#[test]
fn who_is_on_a_list_keeps_its_invitation() {
    for parts in [[invited(), listed(&[public(1)])], [listed(&[public(1)]), invited()]] {
        let policy = made("any-of", &parts);
        assert_eq!(policy.admit(&joins()), Verdict::Allow);
        assert!(policy.uses(&joins()).is_empty());
    }
}

#[test]
fn an_invitation_that_two_parts_want_is_used_once() {
    let policy = made("all-of", &[invited(), invited()]);
    assert_eq!(policy.uses(&joins()).len(), 1);
}

#[test]
fn duties_are_the_strictest_and_permissions_go_by_the_rule() {
    let rules = |rules: &[(&str, Value)]| {
        part("allowlist", {
            let mut options = given(rules);
            options.insert("members".to_owned(), members(&[public(1)]));
            options
        })
    };
    let parts = [
        rules(&[("rekey_after", text("10s")), ("partition", text("primary"))]),
        rules(&[("rekey_messages", Value::Integer(16)), ("history", text("last 5"))]),
        rules(&[("history", text("last 9"))]),
    ];
    let (all, any) = (made("all-of", &parts), made("any-of", &parts));
    for policy in [&all, &any] {
        let old = KeyUse { age_ms: 10_000, ..KeyUse::default() };
        assert_eq!(policy.rekey(&old), Some(RekeyReason::TimeOut));
        let worn = KeyUse { sealed_messages: 16, ..KeyUse::default() };
        assert_eq!(policy.rekey(&worn), Some(RekeyReason::DataOut));
        assert_eq!(policy.rekey(&KeyUse::default()), None);
    }
    let half = Component { last_primary: 4, present: 2 };
    assert!(!all.may_continue(&half) && any.may_continue(&half));
    assert_eq!((all.history(), any.history()), (History::None, History::Last(9)));
}

#[test]
fn what_cannot_be_a_part_is_told_with_its_number() {
    let good = listed(&[public(1)]);
    let told = [
        (vec![good.clone(), Table::new()], "part 2: it has no `policy`"),
        (vec![part("allowlst", Table::new())], "did you mean \"allowlist\"?"),
        (
            vec![part("allowlist", Table::new())],
            "part 1, \"allowlist\": option \"members\": nobody",
        ),
        (vec![part("invitation", given(&[("members", text("x"))]))], "has no option \"members\""),
        (vec![part("allowlist", given(&[("version", text("2"))]))], "its version is \"2\""),
        (vec![good.clone(); 16], ""),
        (vec![part("all-of", of(&vec![good.clone(); 8])); 2], "more than 16 parts"),
    ];
    for (parts, words) in told {
        match words {
            "" => drop(made("all-of", &parts)),
            _ => {
                let said = said("all-of", &parts);
                assert!(said.contains(words), "{said}");
            }
        }
    }
    let (option, said) = complaint("all-of", &[]);
    assert!(option == "of" && said.contains("made of nothing"), "{said}");
    let mut deep = good;
    for _ in 1..MAX_TABLE_DEPTH {
        deep = part("any-of", of(&[deep]));
    }
    made("all-of", std::slice::from_ref(&deep));
    let deeper = Value::Tables(vec![part("any-of", of(&[deep]))]);
    assert!(checked("all-of", &[("of", deeper)]).is_err());
}

#[test]
fn what_lets_everybody_in_says_so_by_its_name() {
    let open = part("open", Table::new());
    let good = listed(&[public(1)]);
    assert!(said("any-of", &[good.clone(), open.clone()]).contains("choose the policy \"open\""));
    assert!(said("all-of", std::slice::from_ref(&open)).contains("choose the policy \"open\""));
    made("all-of", &[open, good]);
}

#[test]
fn equal_choices_are_completed_to_equal_options() {
    let module = module("any-of");
    let complete = |parts: &[Table]| {
        let options = checked("any-of", &[("of", Value::Tables(parts.to_vec()))]);
        module.complete(&options.expect("in bounds")).expect("good parts")
    };
    let short = complete(&[listed(&[public(1)])]);
    let mut long = listed(&[public(1)]);
    long.insert("rekey_after".to_owned(), text("off"));
    long.insert("version".to_owned(), text("1"));
    assert_eq!(short, complete(&[long]));
    let tables = short.tables("of").expect("tables");
    assert_eq!(tables[0].len(), 8, "{tables:?}");
    let none = checked("any-of", &[]).expect("the default");
    assert!(matches!(module.complete(&none), Err(Error::BadOption { name: "of", .. })));
}
