//! `all-of` and `any-of`: policies made of others, each with options of its own.
//!
//! | question | `all-of` | `any-of` |
//! |---|---|---|
//! | may this member join, stay, send | all must allow | one must |
//! | what counts once | what all its parts use | what the part uses that lets in, the least |
//! | is a new key due | as soon as for one of them | the same |
//! | may this component go on | all must allow | one must |
//! | what may a newcomer see | the least of all | the most of all |
//!
//! A new key is no permission but a duty, so whichever part wants it first has it, in both.

use cenacle_plugin::{
    Claim, Component, Descriptor, Error, History, JoinRequest, KeyUse, MAX_TABLE_DEPTH, Member,
    OptionSpec, OptionType, Options, Policy, PolicyModule, Properties, RekeyReason, Use, Value,
    Verdict, hint,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The option that lists the parts.
const OF: &str = "of";
/// In a part: the name of its policy.
const POLICY: &str = "policy";
/// In a part: the version of its policy; written into charters, and seldom by people.
const VERSION: &str = "version";

/// The most parts of one policy, and of all within each other: what a person can still follow, and a
/// bound on what every node does at every join.
const MAX_PARTS: u32 = 16;

/// The most bytes that a refusal quotes of all parts together.
const MAX_QUOTED: usize = 880;

/// A part as the configuration has it.
type Table = BTreeMap<String, Value>;

/// Whether all parts must allow, or one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    All,
    Any,
}

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Self::All => "all-of",
            Self::Any => "any-of",
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Self::All => "What all policies that it is made of allow",
            Self::Any => "What one of the policies allows that it is made of",
        }
    }
}

/// The modules `all-of` and `any-of`.
pub(super) struct Compose {
    rule: Rule,
    descriptor: Descriptor,
    /// What it can be made of, besides its like.
    simple: Vec<Arc<dyn PolicyModule>>,
}

impl Compose {
    pub(super) fn new(rule: Rule, simple: Vec<Arc<dyn PolicyModule>>) -> Self {
        let of = OptionSpec {
            name: OF.to_owned(),
            help:
                "The policies that it is made of: tables with the policy's name as `policy`, and \
                   its options; each is written below a header [[group.options.policy.of]]."
                    .to_owned(),
            kind: OptionType::Tables { max_items: MAX_PARTS },
            default: Value::List(Vec::new()),
        };
        let descriptor = Descriptor {
            name: rule.name().to_owned(),
            version: "1".to_owned(),
            summary: rule.summary().to_owned(),
            properties: Properties::Policy { admits_anyone: false },
            options: vec![of],
        };
        Self { rule, descriptor, simple }
    }

    fn find(&self, name: &str) -> Result<Arc<dyn PolicyModule>, String> {
        let simple = self.simple.iter().find(|module| module.descriptor().name == name);
        if let Some(module) = simple {
            return Ok(Arc::clone(module));
        }
        let rules = [Rule::All, Rule::Any];
        if let Some(rule) = rules.into_iter().find(|rule| rule.name() == name) {
            return Ok(Arc::new(Self::new(rule, self.simple.clone())));
        }
        let simple = self.simple.iter().map(|module| module.descriptor().name.as_str());
        let known: Vec<&str> = simple.chain(rules.map(Rule::name)).collect();
        // The name may come from a peer: what is quoted and compared is cut.
        let name: String = name.chars().take(2 * cenacle_plugin::MAX_NAME).collect();
        Err(format!("there is no policy {name:?}; {}", hint(&name, &known, "there are")))
    }

    fn part(&self, table: &Table) -> Result<Part, String> {
        let Some(Value::Text(name)) = table.get(POLICY) else {
            return Err(format!("it has no `{POLICY}`; give it the name of the policy that it is"));
        };
        let module = self.find(name)?;
        let descriptor = module.descriptor();
        if let Some(version) = table.get(VERSION).filter(|it| **it != text(&descriptor.version)) {
            let own = &descriptor.version;
            return Err(format!("its version is {version}, and here {own:?}; use the same"));
        }
        let given = table.iter().filter(|(name, _)| *name != POLICY && *name != VERSION);
        let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        let options = Options::check(&descriptor.name, &descriptor.options, &given)
            .map_err(|error| error.to_string())?;
        let options = module.complete(&options).map_err(in_words)?;
        Ok(Part { module, options })
    }

    /// The parts, with all their options. Fails when there are none or too many, one cannot be used,
    /// or together they would let everybody in.
    fn parts(&self, options: &Options) -> Result<Vec<Part>, Error> {
        let bad = |why| Error::BadOption { name: OF, why };
        let tables = options
            .tables(OF)
            .ok_or(Error::WrongCall("options that were not checked against the descriptor"))?;
        if tables.is_empty() {
            return Err(bad("it is made of nothing; write the policies that it is made of, each \
                            below [[group.options.policy.of]]"
                .to_owned()));
        }
        if count(tables) > MAX_PARTS as usize {
            return Err(bad(format!("it has more than {MAX_PARTS} parts; leave some out")));
        }
        let mut parts = Vec::with_capacity(tables.len());
        for (number, table) in (1..).zip(tables) {
            parts.push(self.part(table).map_err(|why| bad(format!("part {number}: {why}")))?);
        }
        let open = |part: &Part| {
            part.module.descriptor().properties == Properties::Policy { admits_anyone: true }
        };
        let all_in = match self.rule {
            Rule::All => parts.iter().all(open),
            Rule::Any => parts.iter().any(open),
        };
        if all_in {
            return Err(bad(
                "its parts let everybody in; choose the policy \"open\", or other parts".to_owned(),
            ));
        }
        Ok(parts)
    }
}

impl PolicyModule for Compose {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Every part with its version and all of its options.
    fn complete(&self, options: &Options) -> Result<Options, Error> {
        let tables = self.parts(options)?.iter().map(Part::table).collect();
        Ok(options.clone().with(OF, Value::Tables(tables)))
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error> {
        let mut policies = Vec::new();
        for (number, part) in (1..).zip(self.parts(options)?) {
            let name = part.module.descriptor().name.clone();
            let policy = part.module.create(&part.options).map_err(|error| Error::BadOption {
                name: OF,
                why: format!("part {number}, {name:?}: {}", in_words(error)),
            })?;
            policies.push(Named { name: format!("part {number}, {name}"), policy });
        }
        Ok(match self.rule {
            Rule::All => Box::new(AllOf(policies)),
            Rule::Any => Box::new(AnyOf(policies)),
        })
    }
}

/// A policy that another is made of.
struct Part {
    module: Arc<dyn PolicyModule>,
    options: Options,
}

impl Part {
    fn table(&self) -> Table {
        let descriptor = self.module.descriptor();
        let options = self.options.iter().map(|(name, value)| (name.to_owned(), value.clone()));
        let itself = [(POLICY, &descriptor.name), (VERSION, &descriptor.version)];
        let itself = itself.map(|(key, value)| (key.to_owned(), text(value)));
        itself.into_iter().chain(options).collect()
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// What a module says against its options, with the option's name.
fn in_words(error: Error) -> String {
    match error {
        Error::BadOption { name, why } => format!("option {name:?}: {why}"),
        other => other.to_string(),
    }
}

/// The parts within each other. Options have few levels ([`MAX_TABLE_DEPTH`]).
fn count(tables: &[Table]) -> usize {
    let within = tables.iter().flat_map(BTreeMap::values).map(|value| match value {
        Value::Tables(inner) => count(inner),
        _ => 0,
    });
    tables.len().saturating_add(within.sum())
}

const _: () = assert!(MAX_TABLE_DEPTH <= 8, "parts are counted and made by recursion");

/// A part, as refusals call it.
struct Named {
    name: String,
    policy: Box<dyn Policy>,
}

/// The beginning of a text, so many bytes of it at most.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// Two parts may want to see the same.
fn each_once(uses: impl Iterator<Item = Use>) -> Vec<Use> {
    let mut seen = BTreeSet::new();
    uses.filter(|one| seen.insert(one.token)).collect()
}

/// What one of the parts finds borne out.
fn proven(parts: &[Named], claim: &Claim) -> Vec<Use> {
    each_once(parts.iter().flat_map(|part| part.policy.proven(claim)))
}

struct AllOf(Vec<Named>);

impl AllOf {
    /// The first refusal, with the name of the part that refuses.
    fn verdict(&self, ask: impl Fn(&dyn Policy) -> Verdict) -> Verdict {
        for part in &self.0 {
            if let Verdict::Refuse { reason, detail } = ask(&*part.policy) {
                let detail = format!("{}: {}", part.name, cut(&detail, MAX_QUOTED));
                return Verdict::Refuse { reason, detail };
            }
        }
        Verdict::Allow
    }
}

impl Policy for AllOf {
    fn admit(&self, request: &JoinRequest) -> Verdict {
        self.verdict(|policy| policy.admit(request))
    }

    fn uses(&self, request: &JoinRequest) -> Vec<Use> {
        if self.admit(request) != Verdict::Allow {
            return Vec::new();
        }
        each_once(self.0.iter().flat_map(|part| part.policy.uses(request)))
    }

    fn proven(&self, claim: &Claim) -> Vec<Use> {
        proven(&self.0, claim)
    }

    fn may_stay(&self, claim: &Claim) -> Verdict {
        self.verdict(|policy| policy.may_stay(claim))
    }

    fn may_send(&self, member: &Member) -> Verdict {
        self.verdict(|policy| policy.may_send(member))
    }

    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason> {
        self.0.iter().find_map(|part| part.policy.rekey(usage))
    }

    fn may_continue(&self, component: &Component) -> bool {
        self.0.iter().all(|part| part.policy.may_continue(component))
    }

    fn history(&self) -> History {
        let parts = self.0.iter().map(|part| part.policy.history());
        parts.min_by_key(shown).unwrap_or(History::None)
    }
}

struct AnyOf(Vec<Named>);

impl AnyOf {
    /// Allowed if one part does; else what all of them say.
    fn verdict(&self, ask: impl Fn(&dyn Policy) -> Verdict) -> Verdict {
        let mut said = Vec::new();
        for part in &self.0 {
            match ask(&*part.policy) {
                Verdict::Allow => return Verdict::Allow,
                Verdict::Refuse { detail, .. } => said.push((&part.name, detail)),
            }
        }
        let most = MAX_QUOTED.checked_div(said.len()).unwrap_or(0);
        let said = said.iter().map(|(name, detail)| {
            // The cut is in the whole, its name included: parts may be many.
            cut(&format!("{name}: {detail}"), most).to_owned()
        });
        let said = said.collect::<Vec<_>>().join("; ");
        let detail = format!("no part of the policy allows it: {said}");
        Verdict::Refuse { reason: "no-part-allows".to_owned(), detail }
    }
}

impl Policy for AnyOf {
    fn admit(&self, request: &JoinRequest) -> Verdict {
        self.verdict(|policy| policy.admit(request))
    }

    /// Of the parts that allow it, what the one uses that uses the least: whoever is on a list keeps
    /// its invitation.
    fn uses(&self, request: &JoinRequest) -> Vec<Use> {
        let allow = self.0.iter().filter(|part| part.policy.admit(request) == Verdict::Allow);
        allow.map(|part| part.policy.uses(request)).min_by_key(Vec::len).unwrap_or_default()
    }

    fn proven(&self, claim: &Claim) -> Vec<Use> {
        proven(&self.0, claim)
    }

    fn may_stay(&self, claim: &Claim) -> Verdict {
        self.verdict(|policy| policy.may_stay(claim))
    }

    fn may_send(&self, member: &Member) -> Verdict {
        self.verdict(|policy| policy.may_send(member))
    }

    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason> {
        self.0.iter().find_map(|part| part.policy.rekey(usage))
    }

    fn may_continue(&self, component: &Component) -> bool {
        self.0.iter().any(|part| part.policy.may_continue(component))
    }

    fn history(&self) -> History {
        let parts = self.0.iter().map(|part| part.policy.history());
        parts.max_by_key(shown).unwrap_or(History::None)
    }
}

/// How much a rule shows, to compare. Whoever may see what was said since its own join sees nothing
/// of what was said before it, and so less than the last messages.
fn shown(history: &History) -> u64 {
    match history {
        History::None => 0,
        History::SinceJoin => 1,
        History::Last(number) => u64::from(*number).saturating_add(1),
    }
}
