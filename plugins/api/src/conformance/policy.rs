//! The suite for policy modules: every answer is a function of the question and the options, comes
//! for every question, and contradicts no other.

mod questions;

use super::outcome::{Findings, Rule};
use super::{Failures, Summary};
use crate::{
    Claim, Component, Error, History, JoinRequest, KeyUse, MAX_PROOF, Options, Policy,
    PolicyModule, Properties, RekeyReason, Use, Used, Value, Verdict,
};
use questions::Questions;
use std::collections::BTreeMap;

const DESCRIPTOR: Rule =
    Rule { name: "descriptor", says: "the descriptor is well formed and describes a policy" };
const DEFAULTS: Rule = Rule {
    name: "defaults",
    says: "the defaults make a policy, or an error names the option that must be given",
};
const OPTIONS: Rule =
    Rule { name: "options", says: "options that it describes, completed, make a policy" };
const PURE: Rule =
    Rule { name: "pure", says: "the same question gets the same answer, always and in any order" };
const REFUSAL: Rule =
    Rule { name: "refusal", says: "a refusal has a reason of a-z and -, and a sentence" };
const ADMITS_ANYONE: Rule = Rule {
    name: "admits-anyone",
    says: "whether strangers are admitted is what the descriptor says",
};
const USES: Rule = Rule {
    name: "uses",
    says: "a join that is refused uses nothing; one that is admitted few things, each once",
};
const USED_ONCE: Rule =
    Rule { name: "used-once", says: "what a peer has used lets no other peer in" };
const MAY_STAY: Rule = Rule {
    name: "may-stay",
    says: "whoever is admitted may stay, by what it used, when parts of the group merge",
};
const PROVEN: Rule = Rule {
    name: "proven",
    says: "a use is borne out by its own short proof, for its own peer and group",
};
const REKEY_MONOTONE: Rule =
    Rule { name: "rekey-monotone", says: "a key that is due stays due when it is used more" };
const FRESH_KEY: Rule = Rule { name: "fresh-key", says: "a key that nobody used yet is not due" };
const CONTINUE_MONOTONE: Rule = Rule {
    name: "continue-monotone",
    says: "a component that may go on may do so with more members too",
};
const WHOLE_CONTINUES: Rule = Rule { name: "whole-continues", says: "a whole group may go on" };
const HISTORY: Rule = Rule { name: "history", says: "`last` has a number of at least one" };

/// The most bytes of a reason, and of a sentence: they travel in a message to the refused.
const MAX_REASON: usize = 40;
const MAX_DETAIL: usize = 1000;

/// The most things that one join may use: all of them are remembered in the group's table.
const MAX_USES: usize = 16;

/// Options to try a policy with, and joins that are of interest under them, such as one of a member
/// that is to be admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyCase {
    /// Options as a configuration would give them; the others have their defaults.
    pub options: BTreeMap<String, Value>,
    /// Joins to ask about, beside those of strangers that the suite makes up.
    pub requests: Vec<JoinRequest>,
}

/// Tries every rule on a policy module, with its options at their defaults.
pub fn policy_suite(module: &dyn PolicyModule) -> Result<Summary, Failures> {
    policy_suite_with(module, &[])
}

/// Tries every rule on a policy module, with its options at their defaults and in each of `cases`.
pub fn policy_suite_with(
    module: &dyn PolicyModule,
    cases: &[PolicyCase],
) -> Result<Summary, Failures> {
    let mut found = Findings::new(&module.descriptor().name);
    found.rule(DESCRIPTOR, |found| {
        let descriptor = module.descriptor();
        descriptor.check()?;
        let policy = matches!(descriptor.properties, Properties::Policy { .. });
        found.check(DESCRIPTOR, policy, || "these are not a policy's properties".to_owned());
        found.check(DESCRIPTOR, !descriptor.summary.is_empty(), || "no summary".to_owned());
        Ok(())
    });
    found.rule(DEFAULTS, |found| defaults(module, found));
    for case in cases {
        let mut trial = None;
        found.rule(OPTIONS, |_| {
            trial = Some(Trial::new(module, case)?);
            Ok(())
        });
        if let Some(trial) = trial {
            trial.rules(&mut found);
        }
    }
    found.finish()
}

/// With the defaults there is a policy, which keeps the rules, or an error that tells which option
/// to give.
fn defaults(module: &dyn PolicyModule, found: &mut Findings) -> Result<(), String> {
    let specs = &module.descriptor().options;
    let options = Options::defaults(specs);
    match module.create(&options) {
        Ok(_) => Trial::new(module, &PolicyCase::default())?.rules(found),
        Err(Error::BadOption { name, why }) => {
            let known = specs.iter().any(|spec| spec.name == name);
            found.check(DEFAULTS, known, || format!("it has no option {name:?}: {why}"));
            found.check(DEFAULTS, !why.is_empty(), || format!("nothing is said of {name:?}"));
        }
        Err(error) => return Err(format!("no policy, and no option is named: {error}")),
    }
    Ok(())
}

/// One module with one set of options.
struct Trial {
    policy: Box<dyn Policy>,
    twin: Box<dyn Policy>,
    questions: Questions,
    strangers: usize,
    admits_anyone: Option<bool>,
}

impl Trial {
    fn new(module: &dyn PolicyModule, case: &PolicyCase) -> Result<Self, String> {
        let descriptor = module.descriptor();
        let check = |given| {
            Options::check(&descriptor.name, &descriptor.options, given)
                .map_err(|error| error.to_string())
        };
        let options = check(&case.options)?;
        let complete = |options: &Options| {
            module.complete(options).map_err(|error| format!("completed: {error}"))
        };
        let completed = complete(&options)?;
        let given =
            completed.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        if check(&given)? != completed || complete(&completed)? != completed {
            return Err(format!("options that were completed are not complete: {completed:?}"));
        }
        let options = completed;
        let create = || module.create(&options).map_err(|error| error.to_string());
        let strangers = questions::strangers();
        Ok(Self {
            policy: create()?,
            twin: create()?,
            strangers: strangers.len(),
            questions: Questions::new(&options, strangers, &case.requests),
            admits_anyone: match descriptor.properties {
                Properties::Policy { admits_anyone } => Some(admits_anyone),
                _ => None,
            },
        })
    }

    fn rules(&self, found: &mut Findings) {
        found.rule(PURE, |found| self.pure(found));
        found.rule(REFUSAL, |found| self.refusals(found));
        found.rule(ADMITS_ANYONE, |found| self.strangers(found));
        found.rule(USES, |found| self.uses(found));
        found.rule(REKEY_MONOTONE, |found| self.rekey(found));
        found.rule(CONTINUE_MONOTONE, |found| self.components(found));
        found.rule(HISTORY, |found| {
            let history = self.policy.history();
            found.check(HISTORY, history != History::Last(0), || format!("{history:?}"));
            Ok(())
        });
    }

    /// Forwards, backwards, from the middle, from a twin, and each question several times in a row.
    fn pure(&self, found: &mut Findings) -> Result<(), String> {
        let claims = self.questions.requests.iter().map(|request| self.claim(request));
        let all = self.questions.all(&claims.collect::<Vec<_>>());
        let first: Vec<Answer> = all.iter().map(|question| question.ask(&*self.policy)).collect();
        let mut same = |policy: &dyn Policy, index: usize, when: &str| {
            if let (Some(question), Some(answer)) = (all.get(index), first.get(index)) {
                let now = question.ask(policy);
                found.check(PURE, now == *answer, || {
                    format!("{question}, {when}: {now:?}; before: {answer:?}")
                });
            }
        };
        for index in 0..all.len() {
            same(&*self.twin, index, "to another instance");
        }
        for index in (0..all.len()).rev() {
            same(&*self.policy, index, "backwards");
            same(&*self.twin, index, "to another instance, backwards");
        }
        // A step without a common divisor visits every question once, far from its neighbours.
        let step = (all.len() / 2..).find(|step| gcd(*step, all.len()) == 1).unwrap_or(1);
        for round in 0..all.len() {
            let index = round.wrapping_mul(step) % all.len().max(1);
            for _ in 0..3 {
                same(&*self.policy, index, "again");
            }
        }
        Ok(())
    }

    fn refusals(&self, found: &mut Findings) -> Result<(), String> {
        for request in &self.questions.requests {
            let (policy, member) = (&self.policy, &request.member);
            let stays = policy.may_stay(&self.claim(request));
            for verdict in [policy.admit(request), stays, policy.may_send(member)] {
                let Verdict::Refuse { reason, detail } = verdict else { continue };
                let letters = |c: char| c.is_ascii_lowercase() || c == '-';
                let formed = !reason.is_empty()
                    && reason.len() <= MAX_REASON
                    && reason.chars().all(letters)
                    && !reason.starts_with('-')
                    && !reason.ends_with('-');
                found.check(REFUSAL, formed, || format!("the reason {reason:?}"));
                let sentence = !detail.trim().is_empty()
                    && detail.len() <= MAX_DETAIL
                    && !detail.chars().any(char::is_control);
                found.check(REFUSAL, sentence, || format!("the sentence {detail:?}"));
            }
        }
        Ok(())
    }

    fn strangers(&self, found: &mut Findings) -> Result<(), String> {
        let strangers = self.questions.requests.iter().take(self.strangers);
        let refused = strangers.filter(|r| self.policy.admit(r) != Verdict::Allow).count();
        match self.admits_anyone {
            Some(true) => found.check(ADMITS_ANYONE, refused == 0, || {
                format!("{refused} of {} strangers were refused", self.strangers)
            }),
            Some(false) => found.check(ADMITS_ANYONE, refused > 0, || {
                format!("all of {} strangers were admitted", self.strangers)
            }),
            None => {}
        }
        Ok(())
    }

    fn uses(&self, found: &mut Findings) -> Result<(), String> {
        for request in &self.questions.requests {
            let uses = self.policy.uses(request);
            let allowed = self.policy.admit(request) == Verdict::Allow;
            let mut tokens: Vec<_> = uses.iter().map(|one| one.token).collect();
            tokens.sort_unstable();
            tokens.dedup();
            let sound = if allowed { tokens.len() == uses.len() } else { uses.is_empty() };
            found.check(USES, sound && uses.len() <= MAX_USES, || {
                format!("{uses:?}, and admitted is {allowed}")
            });
            let claim = self.claim(request);
            let stays = self.policy.may_stay(&claim) == Verdict::Allow;
            found.check(MAY_STAY, stays || !allowed, || {
                format!("{:?} is admitted, and may not stay", request.member.id)
            });
            if allowed {
                self.proofs(&claim, found);
            }
            for one in uses {
                self.used_once(request, one, found);
            }
        }
        Ok(())
    }

    /// What a part would say of whoever made the request.
    fn claim(&self, request: &JoinRequest) -> Claim {
        let JoinRequest { overlay, group, member, .. } = request.clone();
        Claim { overlay, group, member, uses: self.policy.uses(request) }
    }

    /// Shows what was used again: as it was, and with one thing wrong.
    fn proofs(&self, claim: &Claim, found: &mut Findings) {
        let proven = |claim: &Claim| self.policy.proven(claim);
        let uses = &claim.uses;
        found.check(PROVEN, proven(claim) == *uses, || format!("{uses:?} are not borne out"));
        let short = uses.iter().all(|one| one.proof.len() <= MAX_PROOF);
        found.check(PROVEN, short, || format!("a proof above {MAX_PROOF} bytes"));
        for index in 0..uses.len() {
            for (what, spoil) in SPOILT {
                let mut claim = claim.clone();
                let Some(one) = claim.uses.get_mut(index) else { continue };
                spoil(one);
                let spoilt = one.clone();
                found.check(PROVEN, !proven(&claim).contains(&spoilt), || {
                    format!("a use with another {what} is borne out")
                });
            }
        }
        let mut elsewhere = vec![claim.clone(); 3];
        if let [peer, group, overlay] = &mut elsewhere[..] {
            peer.member.public_key = peer.member.public_key.map(|byte| !byte);
            group.group.push('x');
            overlay.overlay.push('x');
        }
        for other in elsewhere {
            found.check(PROVEN, proven(&other).is_empty(), || {
                "a use is borne out for another peer, group or overlay".to_owned()
            });
        }
    }

    /// Asks again, with something that was used by another peer meanwhile.
    fn used_once(&self, request: &JoinRequest, one: Use, found: &mut Findings) {
        let by = request.member.public_key.map(|byte| !byte);
        for present in [false, true] {
            let mut again = request.clone();
            again.used.retain(|used| used.token != one.token);
            again.used.push(Used { token: one.token, by, present });
            let uses = self.policy.uses(&again);
            found.check(USED_ONCE, uses.iter().all(|other| other.token != one.token), || {
                format!("{:?} was used, and is again", one.token)
            });
        }
    }

    fn rekey(&self, found: &mut Findings) -> Result<(), String> {
        let fresh = self.policy.rekey(&KeyUse::default());
        found.check(FRESH_KEY, fresh.is_none(), || format!("{fresh:?}"));
        for usage in &self.questions.usages {
            if self.policy.rekey(usage).is_none() {
                continue;
            }
            for more in self.questions.next_usages(usage) {
                let due = self.policy.rekey(&more).is_some();
                found.check(REKEY_MONOTONE, due, || format!("due at {usage:?}, not at {more:?}"));
            }
        }
        Ok(())
    }

    fn components(&self, found: &mut Findings) -> Result<(), String> {
        for component in &self.questions.components {
            let Component { last_primary, present } = *component;
            let goes_on = self.policy.may_continue(component);
            if present == last_primary && present > 0 {
                found.check(WHOLE_CONTINUES, goes_on, || format!("{component:?}"));
            }
            let more = Component { last_primary, present: present.saturating_add(1) };
            if goes_on {
                let goes_on = self.policy.may_continue(&more);
                found.check(CONTINUE_MONOTONE, goes_on, || format!("{component:?}, not {more:?}"));
            }
        }
        Ok(())
    }
}

/// Makes something of a use wrong.
type Spoil = fn(&mut Use);

/// What can be wrong with a use, and how to make it so.
const SPOILT: [(&str, Spoil); 4] = [
    ("token", |one| one.token = one.token.map(|byte| !byte)),
    ("time", |one| one.until_s ^= 1),
    ("proof", |one| one.proof.push(0)),
    ("byte in its proof", |one| {
        if let Some(byte) = one.proof.first_mut() {
            *byte ^= 1;
        } else {
            one.proof.push(1);
        }
    }),
];

/// A question to a policy.
enum Question {
    Admit(JoinRequest),
    Uses(JoinRequest),
    MayStay(Claim),
    Proven(Claim),
    MaySend(JoinRequest),
    Rekey(KeyUse),
    MayContinue(Component),
    History,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Verdict(Verdict),
    Uses(Vec<Use>),
    Rekey(Option<RekeyReason>),
    MayContinue(bool),
    History(History),
}

impl Question {
    fn ask(&self, policy: &dyn Policy) -> Answer {
        match self {
            Self::Admit(request) => Answer::Verdict(policy.admit(request)),
            Self::Uses(request) => Answer::Uses(policy.uses(request)),
            Self::MayStay(claim) => Answer::Verdict(policy.may_stay(claim)),
            Self::Proven(claim) => Answer::Uses(policy.proven(claim)),
            Self::MaySend(request) => Answer::Verdict(policy.may_send(&request.member)),
            Self::Rekey(usage) => Answer::Rekey(policy.rekey(usage)),
            Self::MayContinue(component) => Answer::MayContinue(policy.may_continue(component)),
            Self::History => Answer::History(policy.history()),
        }
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admit(JoinRequest { evidence, time_s, .. }) => {
                write!(f, "a join with {} bytes of evidence at {time_s} s", evidence.len())
            }
            Self::Uses(JoinRequest { evidence, time_s, .. }) => {
                write!(f, "what a join uses, of {} bytes, at {time_s} s", evidence.len())
            }
            Self::MayStay(Claim { member, .. }) => write!(f, "{:?} wants to stay", member.id),
            Self::Proven(Claim { member, .. }) => {
                write!(f, "what {:?} is said to have used", member.id)
            }
            Self::MaySend(JoinRequest { member, .. }) => {
                write!(f, "{:?} wants to send", member.id)
            }
            Self::Rekey(usage) => write!(f, "{usage:?}"),
            Self::MayContinue(component) => write!(f, "{component:?}"),
            Self::History => f.write_str("history"),
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
