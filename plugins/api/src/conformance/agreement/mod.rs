//! The suite for key agreement modules.
//!
//! An in-memory view-synchronous network runs the module through random changes; beside it stand an
//! attacker who left the group, and one who touches messages.

mod attack;
mod costs;
mod feeder;
mod runs;
mod tamper;

pub use attack::{Combined, Inspect, Overheard, byte_strings, combined, replayed};
pub use costs::{CostRow, cost_table};
pub use feeder::{Feeder, feed_decoders};

use super::outcome::{Findings, Rule};
use super::{Failures, Summary};
use crate::{
    Action, Event, Input, KeyAgreement, KeyAgreementModule, Member, Options, Properties, ViewChange,
};
use crate::{Error, Executor, Family, Inline, Secret};
use std::sync::Arc;

const DESCRIPTOR: Rule = Rule {
    name: "descriptor",
    says: "the descriptor is well formed and describes a key agreement module",
};
const RUNS: Rule = Rule {
    name: "runs",
    says: "whatever the changes and restarts, all members of a view get the same new secret",
};
const OUTSIDER: Rule = Rule {
    name: "outsider",
    says: "a member that left cannot compute a later secret in anybody's place",
};
const COMBINE: Rule = Rule {
    name: "combine",
    says: "no secret that a leaver holds gives a later secret with any public element",
};
const NEWCOMER: Rule = Rule {
    name: "newcomer",
    says: "a member that comes computes no earlier secret from what it has heard and holds",
};
const TAMPER: Rule = Rule {
    name: "tamper",
    says: "a touched, cut, replayed or foreign message gives an error and changes nothing",
};
const CALLS: Rule = Rule {
    name: "calls",
    says: "calls out of place and views out of bounds give an error of the right family",
};
const COSTS: Rule =
    Rule { name: "costs", says: "messages and work are what the module's contract says" };

/// How much the suite tries.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The first seed.
    pub seed: u64,
    /// Random sequences of changes.
    pub sequences: u32,
    /// Sequences with an attacker.
    pub attacks: u32,
    /// Sequences with touched messages.
    pub tampers: u32,
    /// The largest view; few sequences come near it.
    pub max_members: u32,
    /// Group sizes for which costs are compared, up to this one.
    pub max_costs: u32,
}

impl Default for Effort {
    /// A few seconds for a module over ristretto255.
    fn default() -> Self {
        Self { seed: 1, sequences: 100, attacks: 20, tampers: 20, max_members: 30, max_costs: 12 }
    }
}

/// Tries every rule on a key agreement module, with its options at their defaults.
pub fn key_agreement_suite(
    module: &dyn KeyAgreementModule,
    effort: Effort,
) -> Result<Summary, Failures> {
    key_agreement_suite_with(module, &Options::defaults(&module.descriptor().options), effort)
}

/// Tries every rule on a key agreement module with these options.
pub fn key_agreement_suite_with(
    module: &dyn KeyAgreementModule,
    options: &Options,
    effort: Effort,
) -> Result<Summary, Failures> {
    let mut found = Findings::new(&module.descriptor().name);
    found.rule(DESCRIPTOR, |_| descriptor(module));
    let seeds = |count: u32| (effort.seed..).take(count as usize);
    found.rule(RUNS, |found| {
        for seed in seeds(effort.sequences) {
            let outcome = runs::sequence(module, options, seed, effort.max_members);
            found.check(RUNS, outcome.is_ok(), || told(seed, outcome.err()));
        }
        Ok(())
    });
    found.rule(CALLS, |found| calls(module, options, found));
    found.rule(TAMPER, |found| {
        for seed in seeds(effort.tampers) {
            let outcome = tamper::sequence(module, options, seed);
            found.check(TAMPER, outcome.is_ok(), || told(seed, outcome.err()));
        }
        Ok(())
    });
    for seed in seeds(effort.attacks) {
        found.rule(OUTSIDER, |found| {
            let attack =
                attack::play(module, options, seed).map_err(|why| told(seed, Some(why)))?;
            found.check(OUTSIDER, attack.by_replay.is_none(), || told(seed, attack.by_replay));
            found.check(COMBINE, attack.by_combining.is_none(), || told(seed, attack.by_combining));
            found.check(NEWCOMER, attack.by_newcomer.is_none(), || told(seed, attack.by_newcomer));
            Ok(())
        });
    }
    found.rule(COSTS, |found| {
        for row in cost_table(module, options, 1..=effort.max_costs)? {
            let broken = row.broken();
            found.check(COSTS, broken.is_empty(), || {
                format!("{} of {}: {}", row.scenario.occasion.name(), row.scenario.members, broken)
            });
        }
        Ok(())
    });
    found.finish()
}

fn told(seed: u64, why: Option<String>) -> String {
    format!("seed {seed}: {}", why.unwrap_or_default())
}

fn descriptor(module: &dyn KeyAgreementModule) -> Result<(), String> {
    let descriptor = module.descriptor();
    descriptor.check()?;
    match descriptor.properties {
        Properties::KeyAgreement { max_members: 0, .. } => Err("it takes no members".to_owned()),
        Properties::KeyAgreement { .. } => Ok(()),
        _ => Err("it describes another kind of module".to_owned()),
    }
}

/// A member of that number, as the network names it.
fn member(number: u32) -> Member {
    crate::network::Network::member(number)
}

/// Calls that do not fit the state, and views that are too large.
fn calls(
    module: &dyn KeyAgreementModule,
    options: &Options,
    found: &mut Findings,
) -> Result<(), String> {
    let executor: Arc<dyn Executor> = Arc::new(Inline);
    let new = || module.create(options, Arc::clone(&executor)).map_err(|e| e.to_string());
    let event = |input: Input| Event { time_us: 1, random: Secret::new([7; 32]), input };
    let Properties::KeyAgreement { max_members, .. } = module.descriptor().properties else {
        return Err("it describes another kind of module".to_owned());
    };
    let view = |count: u32| -> Result<Input, String> {
        let change = ViewChange::afresh(0, (0..count).map(member).collect());
        change
            .map(|change| Input::Change(Arc::new(change.named([1; 32]))))
            .map_err(|e| e.to_string())
    };
    let message = |from| Input::Message { from, body: vec![0xf6] };
    for (what, input) in [
        ("a confirmation of nothing", Input::Confirmed),
        ("a message without a run", message(0)),
        ("a sealed message without a run", Input::Sealed { from: 0, body: vec![0xf6] }),
        ("a resumption of nothing", Input::Resume),
    ] {
        let result = new()?.handle(&event(input), &mut Vec::new());
        let right = |error: &Error| error.family() != Family::OwnBug;
        found.check(CALLS, result.as_ref().is_err_and(right), || format!("{what}: {result:?}"));
    }
    let mut instance = new()?;
    let mut out = Vec::new();
    instance.handle(&event(view(3)?), &mut out).map_err(|e| e.to_string())?;
    let stranger = instance.handle(&event(message(3)), &mut Vec::new());
    found.check(CALLS, stranger == Err(Error::UnknownSender { from: 3 }), || {
        format!("a message from outside the view: {stranger:?}")
    });
    let sealed =
        instance.handle(&event(Input::Sealed { from: 3, body: vec![0xf6] }), &mut Vec::new());
    found.check(CALLS, sealed.is_err(), || {
        format!("a sealed message from outside the view: {sealed:?}")
    });
    let late = after_abort(&new, &event, &view(2)?)?;
    found.check(CALLS, late.is_none(), || "a message after an abort was accepted".to_owned());
    if (max_members as usize) < crate::MAX_MEMBERS {
        let mut out = Vec::new();
        let result = new()?.handle(&event(view(max_members + 1)?), &mut out);
        let refused = matches!(result, Err(Error::TooManyMembers { .. })) && out.is_empty();
        found.check(CALLS, refused, || format!("a view of {}: {result:?}", max_members + 1));
    }
    let continued = ViewChange::new(
        0,
        (0..3).map(member).collect(),
        vec![crate::Class { members: vec![0, 1, 2], left: Vec::new() }],
    );
    let continued = continued.map_err(|e| e.to_string())?.named([1; 32]);
    let unknown = new()?.handle(&event(Input::Change(Arc::new(continued))), &mut Vec::new());
    // A protocol without state has nothing to miss.
    let right = unknown.as_ref().err().is_none_or(|e| e.family() == Family::WrongCall);
    found.check(CALLS, right, || format!("a class that it was not in: {unknown:?}"));
    Ok(())
}

/// Gives one of two members a genuine message of a run that it was told to forget. `None` if that
/// was refused, or if the other one had nothing to send.
fn after_abort(
    new: &impl Fn() -> Result<Box<dyn KeyAgreement>, String>,
    event: &impl Fn(Input) -> Event,
    view: &Input,
) -> Result<Option<()>, String> {
    let Input::Change(change) = view else { return Ok(None) };
    let other = change.seen_by(1).map_err(|error| error.to_string())?;
    let (mut one, mut two, mut out) = (new()?, new()?, Vec::new());
    one.handle(&event(view.clone()), &mut out).map_err(|error| error.to_string())?;
    let sent = out.into_iter().find_map(|action| match action {
        Action::Unicast { body, .. } | Action::Multicast { body, .. } => Some(body),
        _ => None,
    });
    let Some(body) = sent else { return Ok(None) };
    for input in [Input::Change(Arc::new(other)), Input::Abort] {
        two.handle(&event(input), &mut Vec::new()).map_err(|error| error.to_string())?;
    }
    let late = two.handle(&event(Input::Message { from: 0, body }), &mut Vec::new());
    Ok(late.ok())
}
