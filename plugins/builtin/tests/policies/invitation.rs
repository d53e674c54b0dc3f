//! Who is let in by which invitation, and what a refusal says.

use crate::{complaint, create, members, peer, request, text};
use cenacle_builtin::{Draft, Invitation};
use cenacle_plugin::{Claim, JoinRequest, Policy, Use, Used, Value, Verdict};
use ed25519_zebra::{SigningKey, VerificationKey};

/// An issuer or holder of that number.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from([number; 32])
}

pub(crate) fn public(number: u8) -> [u8; 32] {
    VerificationKey::from(&key(number)).into()
}

pub(crate) fn issuers(numbers: &[u8]) -> Value {
    members(&numbers.iter().map(|number| public(*number)).collect::<Vec<_>>())
}

/// Of issuer 7 for peer 1.
fn draft() -> Draft {
    Draft {
        overlay: "lab".to_owned(),
        group: "ops".to_owned(),
        issuer: public(7),
        holders: vec![public(1)],
        id: [5; 16],
        expires_s: 1_700_000_100,
    }
}

pub(crate) fn signed(by: u8, draft: Draft) -> Invitation {
    let signature = key(by).sign(&draft.to_be_signed().expect("in bounds")).to_bytes();
    Invitation::new(draft, signature).expect("in bounds")
}

/// Peer 1 asks, and shows this.
pub(crate) fn shows(evidence: &str) -> JoinRequest {
    JoinRequest { evidence: evidence.as_bytes().to_vec(), ..request(public(1)) }
}

fn invited() -> JoinRequest {
    shows(&signed(7, draft()).to_string())
}

fn policy() -> Box<dyn Policy> {
    create("invitation", &[("issuers", issuers(&[7, 8]))]).unwrap_or_else(|e| panic!("{e}"))
}

/// What a part that let this join in says of its member.
pub(crate) fn claim(policy: &dyn Policy, request: &JoinRequest) -> Claim {
    let JoinRequest { overlay, group, member, .. } = request.clone();
    Claim { overlay, group, member, uses: policy.uses(request) }
}

fn refusal(policy: &dyn Policy, request: &JoinRequest) -> (String, String) {
    match policy.admit(request) {
        Verdict::Refuse { reason, detail } => (reason, detail),
        Verdict::Allow => panic!("admitted"),
    }
}

fn used(by: u8, present: bool) -> Vec<Used> {
    let [Use { token, .. }] = policy().uses(&invited())[..] else { panic!("one use") };
    vec![Used { token, by: public(by), present }]
}

/// Every kind of join, with the reason for which it is refused; none if it is not.
pub(crate) fn all_kinds() -> Vec<(&'static str, JoinRequest)> {
    let of = |by, draft| shows(&signed(by, draft).to_string());
    let whole = invited().evidence;
    let (good, damaged) = (invited(), whole.get(..200).expect("longer").to_vec());
    let mut others = draft();
    others.holders = vec![public(2), public(3)];
    others.holders.sort_unstable();
    let eve = Draft { issuer: public(9), ..draft() };
    let lab = Draft { overlay: "lab2".to_owned(), ..draft() };
    let dev = Draft { group: "dev".to_owned(), ..draft() };
    vec![
        ("", good.clone()),
        ("", JoinRequest { time_s: 1_700_000_099, ..good.clone() }),
        ("", JoinRequest { used: used(1, false), ..good.clone() }),
        ("", request(public(7))),
        ("invitation-missing", shows("")),
        ("invitation-missing", shows(" \n")),
        ("invitation-unreadable", shows("let me in")),
        ("invitation-unreadable", JoinRequest { evidence: vec![0xff; 4096], ..shows("") }),
        ("invitation-unreadable", JoinRequest { evidence: damaged, ..shows("") }),
        ("invitation-other-group", of(7, lab)),
        ("invitation-other-group", of(7, dev)),
        ("invitation-unknown-issuer", of(9, eve)),
        ("invitation-bad-signature", of(8, draft())),
        ("invitation-other-holder", of(7, others)),
        ("invitation-expired", JoinRequest { time_s: 1_700_000_100, ..good.clone() }),
        ("invitation-expired", JoinRequest { time_s: u64::MAX, ..good.clone() }),
        ("invitation-used", JoinRequest { used: used(2, false), ..good.clone() }),
        ("invitation-used", JoinRequest { used: used(2, true), ..good.clone() }),
        ("invitation-used", JoinRequest { used: used(1, true), ..good }),
    ]
}

#[test]
fn each_join_is_refused_for_its_own_reason() {
    for (expected, request) in all_kinds() {
        let uses = policy().uses(&request);
        match policy().admit(&request) {
            Verdict::Allow => {
                assert_eq!(expected, "", "admitted");
                let needs_none = request.member.public_key == public(7);
                assert_eq!(uses.len(), usize::from(!needs_none));
                assert!(uses.iter().all(|one| one.until_s == 1_700_000_100));
            }
            Verdict::Refuse { reason, detail } => {
                assert_eq!(reason, expected, "{detail}");
                assert!(uses.is_empty());
            }
        }
    }
}

#[test]
fn refusals_say_what_to_do() {
    let (_, detail) = refusal(&*policy(), &shows(""));
    let me = peer(public(1));
    assert!(detail.contains(&format!("cenacle invite \"ops\" --for {me}")), "{detail}");
    let late = JoinRequest { time_s: 1_700_000_160, ..invited() };
    let (_, detail) = refusal(&*policy(), &late);
    assert!(detail.contains("expired 60 s before"), "{detail}");
    let taken = JoinRequest { used: used(2, false), ..invited() };
    let (_, detail) = refusal(&*policy(), &taken);
    assert!(detail.contains(&peer(public(2))), "{detail}");
}

#[test]
fn no_character_of_an_invitation_can_be_changed() {
    let text = signed(7, draft()).to_string();
    for at in 0..text.len() {
        let mut other = text.clone().into_bytes();
        let byte = other.get_mut(at).expect("in the text");
        *byte = if *byte == b'2' { b'3' } else { b'2' };
        refusal(&*policy(), &JoinRequest { evidence: other, ..shows("") });
    }
}

#[test]
fn the_first_good_one_of_several_counts_and_the_nearest_fault_is_told() {
    let good = signed(7, draft());
    let old = signed(7, Draft { id: [6; 16], expires_s: 1, ..draft() });
    let both = shows(&format!("nonsense\n{old}\n  {good}\n"));
    assert_eq!(policy().admit(&both), Verdict::Allow);
    assert_eq!(policy().uses(&both), policy().uses(&invited()));
    let (reason, _) = refusal(&*policy(), &shows(&format!("{old} nonsense")));
    assert_eq!(reason, "invitation-expired");
    let many = format!("{} {good}", "nonsense ".repeat(8));
    let (reason, detail) = refusal(&*policy(), &shows(&many));
    assert_eq!(reason, "invitation-unreadable");
    assert!(detail.contains("more than 8"), "{detail}");
}

#[test]
fn a_place_for_several_is_for_each_of_them() {
    let mut holders = vec![public(1), public(2)];
    holders.sort_unstable();
    let invitation = signed(7, Draft { holders, ..draft() }).to_string();
    let one = shows(&invitation);
    let other = JoinRequest { evidence: invitation.into_bytes(), ..request(public(2)) };
    assert_eq!(policy().admit(&one), Verdict::Allow);
    assert_eq!(policy().admit(&other), Verdict::Allow);
    assert_eq!(policy().uses(&one), policy().uses(&other), "the same place");
}

#[test]
fn who_may_invite_is_named_and_can_sign() {
    let (name, said) = complaint("invitation", &[]);
    assert!(name == "issuers" && said.contains("nobody may invite"), "{said}");
    let (_, said) = complaint("invitation", &[("issuers", issuers(&[7, 7]))]);
    assert!(said.contains("entry 2") && said.contains("listed before"), "{said}");
    let entry = |entry: &str| Value::List(vec![entry.to_owned()]);
    let (_, said) = complaint("invitation", &[("issuers", entry("alice"))]);
    assert!(said.contains("entry 1, \"alice\""), "{said}");
    // The neutral element: under it one signature fits everything.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let (_, said) = complaint("invitation", &[("issuers", entry(&peer(neutral)))]);
    assert!(said.contains("nobody can sign"), "{said}");
}

#[test]
fn the_rules_of_all_policies_are_its_own_too() {
    let options = [("issuers", issuers(&[7])), ("partition", text("primary"))];
    let policy = create("invitation", &options).unwrap_or_else(|error| panic!("{error}"));
    let half = cenacle_plugin::Component { last_primary: 4, present: 2 };
    assert!(!policy.may_continue(&half));
    assert_eq!(policy.may_send(&request(public(3)).member), Verdict::Allow);
}

#[test]
fn a_member_stays_by_an_invitation_that_is_its_own() {
    let policy = policy();
    let own = claim(&*policy, &invited());
    assert_eq!(policy.may_stay(&own), Verdict::Allow);
    let stays = |claim: &Claim| policy.may_stay(claim) == Verdict::Allow;
    assert!(stays(&claim(&*policy, &request(public(7)))), "an issuer");
    let stranger = Claim { member: request(public(2)).member, ..own.clone() };
    let elsewhere = Claim { group: "dev".to_owned(), ..own.clone() };
    assert!(!stays(&stranger) && !stays(&elsewhere));
    assert!(!stays(&Claim { uses: Vec::new(), ..own.clone() }));
    let [one] = &own.uses[..] else { panic!("one use") };
    for index in 0..one.proof.len() {
        let mut spoilt = one.clone();
        spoilt.proof[index] ^= 1;
        assert!(!stays(&Claim { uses: vec![spoilt], ..own.clone() }), "byte {index}");
    }
}
