//! The policy suite finds nothing in a sound policy, and in each broken one the rule it breaks.
#![cfg(feature = "conformance")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_plugin::conformance::{Failures, PolicyCase, policy_suite, policy_suite_with};
use cenacle_plugin::{
    Claim, Component, Descriptor, Error, History, JoinRequest, KeyUse, Member, OptionSpec,
    OptionType, Options, Policy, PolicyModule, Properties, RekeyReason, TOKEN_LEN, Use, Used,
    Value, Verdict,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is wrong with a toy policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Nothing: it admits who shows a certain evidence.
    None,
    /// Every seventh answer is another one.
    Moody,
    /// Says what it said last.
    SaysAsBefore,
    /// Instances differ.
    Individual,
    PanicsOnNoPrimary,
    PanicsOnLongAge,
    PanicsOnLongEvidence,
    BadReason,
    NoDetail,
    EndlessDetail,
    /// A new key is due from the limit to twice the limit.
    DueForAWhile,
    /// A new key is due at the limit alone.
    DueOnce,
    DueAtOnce,
    EvenComponents,
    /// More than all must be present.
    NeverContinues,
    LastZero,
    ClaimsOpen,
    ClaimsClosed,
    NoDefault,
    /// Uses something for who is refused.
    UsesInVain,
    /// Who is admitted may not stay.
    Unsettled,
    /// What another has used lets in.
    UsesTwice,
    /// Whatever a part says was used was used.
    BelievesAll,
    /// Nothing that a part says was used was used.
    BelievesNobody,
    /// What a token stands for is not looked at.
    BelievesTokens,
    /// Completes options differently every time.
    NeverComplete,
    /// Names an option that it does not have.
    NamesNoOption,
    DefaultOutOfBounds,
}

struct Toy {
    flaw: Flaw,
    descriptor: Descriptor,
    created: AtomicU64,
}

const LIMIT: i64 = 12_345;

fn toy(flaw: Flaw) -> Toy {
    let default = if flaw == Flaw::DefaultOutOfBounds { -1 } else { LIMIT };
    let descriptor = Descriptor {
        name: "toy".to_owned(),
        version: "1".to_owned(),
        summary: "A toy".to_owned(),
        properties: Properties::Policy { admits_anyone: flaw == Flaw::ClaimsOpen },
        options: vec![OptionSpec {
            name: "limit".to_owned(),
            help: "Bytes".to_owned(),
            kind: OptionType::Integer { min: 0, max: i64::MAX },
            default: Value::Integer(default),
        }],
    };
    Toy { flaw, descriptor, created: AtomicU64::new(0) }
}

impl PolicyModule for Toy {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn complete(&self, options: &Options) -> Result<Options, Error> {
        let limit = options.integer("limit").expect("checked");
        Ok(match self.flaw {
            Flaw::NeverComplete => options.clone().with("limit", Value::Integer(limit + 1)),
            _ => options.clone(),
        })
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error> {
        match self.flaw {
            Flaw::NoDefault => return Err(Error::Bug("nothing works")),
            Flaw::NamesNoOption => {
                return Err(Error::BadOption { name: "colour", why: "give one".to_owned() });
            }
            _ => {}
        }
        Ok(Box::new(ToyPolicy {
            flaw: self.flaw,
            limit: options.integer("limit").expect("checked").unsigned_abs(),
            number: self.created.fetch_add(1, Ordering::Relaxed),
            calls: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }))
    }
}

struct ToyPolicy {
    flaw: Flaw,
    limit: u64,
    number: u64,
    calls: AtomicU64,
    last: AtomicU64,
}

impl ToyPolicy {
    fn refuse(&self) -> Verdict {
        let reason = if self.flaw == Flaw::BadReason { "Not Welcome!" } else { "no-evidence" };
        let detail = match self.flaw {
            Flaw::NoDetail => String::new(),
            Flaw::EndlessDetail => "so sorry ".repeat(1000),
            _ => "show the evidence".to_owned(),
        };
        Verdict::Refuse { reason: reason.to_owned(), detail }
    }
}

/// The place of which there is one.
fn place(overlay: &str, group: &str, member: &Member) -> Use {
    let proof = [member.public_key.as_slice(), overlay.as_bytes(), b"/", group.as_bytes()].concat();
    Use { token: [9; TOKEN_LEN], until_s: 7, proof }
}

impl Policy for ToyPolicy {
    fn admit(&self, request: &JoinRequest) -> Verdict {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let long = request.evidence.len() > 1000;
        assert!(self.flaw != Flaw::PanicsOnLongEvidence || !long, "too long");
        let mut admitted = request.evidence == b"let me in" || self.flaw == Flaw::ClaimsClosed;
        match self.flaw {
            Flaw::Moody if call % 7 == 6 => admitted = !admitted,
            Flaw::Individual if self.number % 2 == 1 => admitted = !admitted,
            Flaw::SaysAsBefore => {
                let now = request.time_s % 2;
                admitted = self.last.swap(now, Ordering::Relaxed) == 1;
            }
            _ => {}
        }
        if admitted { Verdict::Allow } else { self.refuse() }
    }

    fn uses(&self, request: &JoinRequest) -> Vec<Use> {
        let own = place(&request.overlay, &request.group, &request.member);
        let another = |used: &Used| used.token == own.token && used.by != request.member.public_key;
        let uses = match self.flaw {
            Flaw::UsesInVain => true,
            Flaw::UsesTwice => request.evidence == b"let me in",
            _ => request.evidence == b"let me in" && !request.used.iter().any(another),
        };
        let tame = !matches!(self.flaw, Flaw::Moody | Flaw::SaysAsBefore | Flaw::Individual);
        if uses && tame { vec![own] } else { Vec::new() }
    }

    fn proven(&self, claim: &Claim) -> Vec<Use> {
        let mut uses = claim.uses.clone();
        let own = place(&claim.overlay, &claim.group, &claim.member);
        match self.flaw {
            Flaw::BelievesAll => {}
            Flaw::BelievesNobody => uses.clear(),
            Flaw::BelievesTokens => uses.retain(|one| one.token == own.token),
            _ => uses.retain(|one| *one == own),
        }
        uses
    }

    fn may_stay(&self, _: &Claim) -> Verdict {
        if self.flaw == Flaw::Unsettled { self.refuse() } else { Verdict::Allow }
    }

    fn may_send(&self, _: &Member) -> Verdict {
        Verdict::Allow
    }

    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason> {
        let bytes = usage.sealed_bytes;
        if self.flaw == Flaw::PanicsOnLongAge {
            usage.age_ms.checked_mul(1000).expect("no age is that long");
        }
        let due = match self.flaw {
            Flaw::DueForAWhile => bytes >= self.limit && bytes <= 2 * self.limit,
            Flaw::DueOnce => bytes == self.limit,
            Flaw::DueAtOnce => true,
            _ => bytes >= self.limit,
        };
        due.then_some(RekeyReason::DataOut)
    }

    fn may_continue(&self, component: &Component) -> bool {
        let Component { last_primary, present } = *component;
        match self.flaw {
            Flaw::PanicsOnNoPrimary => present * 100 / last_primary > 50,
            Flaw::EvenComponents => present == last_primary || present % 2 == 0,
            Flaw::NeverContinues => present > last_primary,
            _ => u64::from(present) * 2 > u64::from(last_primary),
        }
    }

    fn history(&self) -> History {
        if self.flaw == Flaw::LastZero { History::Last(0) } else { History::SinceJoin }
    }
}

fn cases() -> Vec<PolicyCase> {
    let member = Member {
        id: cenacle_plugin::MemberId::new(b"friend").expect("short"),
        public_key: [3; 32],
    };
    let request = JoinRequest {
        overlay: "lab".to_owned(),
        group: "ops".to_owned(),
        member,
        evidence: b"let me in".to_vec(),
        time_s: 1,
        used: Vec::new(),
    };
    let options = [("limit".to_owned(), Value::Integer(1_000_000))].into();
    vec![PolicyCase { options, requests: vec![request] }]
}

fn broken(flaw: Flaw) -> Failures {
    policy_suite_with(&toy(flaw), &cases()).expect_err(&format!("{flaw:?} was not found"))
}

#[test]
fn a_sound_policy_keeps_all_rules() {
    let summary = policy_suite_with(&toy(Flaw::None), &cases()).unwrap_or_else(|f| panic!("{f}"));
    assert!(summary.checks > 1_000, "{summary}");
    assert!(policy_suite(&toy(Flaw::None)).is_ok());
    for name in ["pure", "refusal", "rekey-monotone", "continue-monotone", "history"] {
        assert!(summary.rules.iter().any(|rule| rule.name == name), "{name} was not tried");
    }
}

#[test]
fn broken_policies_are_found_by_the_rules_they_break() {
    let expected: &[(Flaw, &[&str])] = &[
        (Flaw::Moody, &["pure"]),
        (Flaw::SaysAsBefore, &["pure"]),
        (Flaw::Individual, &["pure", "admits-anyone"]),
        (Flaw::PanicsOnNoPrimary, &["no-panic"]),
        (Flaw::PanicsOnLongAge, &["no-panic"]),
        (Flaw::PanicsOnLongEvidence, &["no-panic"]),
        (Flaw::BadReason, &["refusal"]),
        (Flaw::NoDetail, &["refusal"]),
        (Flaw::EndlessDetail, &["refusal"]),
        (Flaw::DueForAWhile, &["rekey-monotone"]),
        (Flaw::DueOnce, &["rekey-monotone"]),
        (Flaw::DueAtOnce, &["fresh-key"]),
        (Flaw::EvenComponents, &["continue-monotone"]),
        (Flaw::NeverContinues, &["whole-continues"]),
        (Flaw::LastZero, &["history"]),
        (Flaw::ClaimsOpen, &["admits-anyone"]),
        (Flaw::ClaimsClosed, &["admits-anyone"]),
        (Flaw::UsesInVain, &["uses", "used-once"]),
        (Flaw::Unsettled, &["may-stay"]),
        (Flaw::UsesTwice, &["used-once"]),
        (Flaw::BelievesAll, &["proven"]),
        (Flaw::BelievesNobody, &["proven"]),
        (Flaw::BelievesTokens, &["proven"]),
        (Flaw::NeverComplete, &["defaults", "options"]),
        (Flaw::NoDefault, &["defaults", "options"]),
        (Flaw::NamesNoOption, &["defaults", "options"]),
        (Flaw::DefaultOutOfBounds, &["descriptor", "defaults"]),
    ];
    for (flaw, rules) in expected {
        let failures = broken(*flaw);
        let names: Vec<&str> = failures.broken.iter().map(|failure| failure.rule.name).collect();
        assert_eq!(names, *rules, "{flaw:?}: {failures}");
    }
}

#[test]
fn findings_are_in_words() {
    let text = broken(Flaw::DueOnce).to_string();
    assert!(text.contains("rekey-monotone: a key that is due stays due"), "{text}");
    assert!(text.contains("sealed_bytes: 12345"), "{text}");
}
