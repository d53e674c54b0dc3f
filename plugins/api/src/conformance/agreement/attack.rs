//! A member that left and keeps all it has: can it compute a secret of the views after it? A member
//! that came and has heard everything before: can it compute the secret before it?

use super::runs::World;
use crate::network::{How, Network};
use crate::{Event, GroupSecret, Input, KeyAgreement, KeyAgreementModule, Options, Outbox, Secret};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// What a module lets an attacker of the suite do with what it holds.
pub trait Inspect {
    /// Every secret exponent (or other secret value) that the instance holds, encoded.
    fn secrets(&self) -> Vec<Zeroizing<Vec<u8>>>;

    /// Every public element in a message of the protocol, encoded.
    fn elements(&self, body: &[u8]) -> Vec<Vec<u8>>;

    /// The same for a message of the run of that name, where what can be made of it depends on
    /// the run.
    fn elements_of_run(&self, run: &[u8; 32], body: &[u8]) -> Vec<Vec<u8>> {
        let _ = run;
        self.elements(body)
    }

    /// All that the protocol's operations make of one secret and one public element.
    fn combine(&self, secret: &[u8], element: &[u8]) -> Vec<Combined>;
}

/// What comes of a secret and an element.
#[derive(Clone)]
pub struct Combined {
    /// The group secret that would be derived if this were the last step.
    pub secret: GroupSecret,
    /// The value to go on with, encoded as [`Inspect::secrets`] are.
    pub next: Zeroizing<Vec<u8>>,
    /// The public form of `next`: when it is among the public elements, the attacker knows that
    /// it is on its way.
    pub public: Vec<u8>,
}

/// All byte strings in a message that is one CBOR item: where elements are found in messages of
/// modules that send them as such.
pub fn byte_strings(body: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut open: Vec<ciborium::Value> = crate::from_cbor(body).into_iter().collect();
    while let Some(value) = open.pop() {
        match value {
            ciborium::Value::Bytes(bytes) => found.push(bytes),
            ciborium::Value::Array(items) => open.extend(items),
            ciborium::Value::Map(pairs) => open.extend(pairs.into_iter().map(|(_, item)| item)),
            ciborium::Value::Tag(_, item) => open.push(*item),
            _ => {}
        }
    }
    found
}

/// What an attack found, in words.
pub(super) struct Attack {
    pub(super) by_replay: Option<String>,
    pub(super) by_combining: Option<String>,
    pub(super) by_newcomer: Option<String>,
}

/// Changes before the attacker leaves, and after.
const BEFORE: usize = 4;
const AFTER: usize = 3;
/// The largest view: every secret is combined with every element.
const MAX_MEMBERS: u32 = 7;
/// An attacker gives up after so many combinations.
const MAX_COMBINATIONS: usize = 20_000;

/// Lets members come and go, then one leaves for good and attacks the views that follow.
pub(super) fn play(
    module: &dyn KeyAgreementModule,
    options: &Options,
    seed: u64,
) -> Result<Attack, String> {
    let text = |failure: crate::network::Failure| failure.to_string();
    let mut world = World::new(module, options, seed ^ 0x6174_7461, MAX_MEMBERS).map_err(text)?;
    for _ in 0..BEFORE {
        world.turn(|_| Ok(()))?;
    }
    let mut network = world.network;
    let mut members: Vec<u32> = network.numbers();
    if members.len() < 2 {
        network.add(1_000_000).map_err(text)?;
        members.push(1_000_000);
    }
    // Everybody comes together first, so that the leaver knows as much as anybody.
    network.change(&members, How::Continue).map_err(text)?;
    let before = network.complete().map_err(text)?.secret;
    let by_newcomer = newcomer(&mut network, &mut members, &before).map_err(text)?;
    let leaver = network.dice().pick(&members).copied().unwrap_or(0);
    let history = network.history_of(leaver).to_vec();
    let instance = network.remove(leaver).ok_or("the leaver was never there")?;
    members.retain(|number| *number != leaver);
    let mut attack = Attack { by_replay: None, by_combining: None, by_newcomer };
    let mut overheard = Vec::new();
    for round in 0..AFTER {
        change_again(&mut network, &mut members, round).map_err(text)?;
        network.run().map_err(text)?;
        overheard.extend(overheard_in(&network));
        let outcome = network.confirm_at(|_| true).map_err(text)?;
        let told = |who: String| Some(format!("round {round} after {leaver} left, {who}"));
        if let Some(place) = by_replay(&network, &history, &members, &outcome.secret)? {
            attack.by_replay = told(format!("in the place of {place}"));
        }
        if combined(instance.as_ref(), &overheard, &outcome.secret) {
            attack.by_combining = told("by combining".to_owned());
        }
    }
    Ok(attack)
}

/// What was said in the present run.
fn overheard_in(network: &Network<'_>) -> Vec<Overheard> {
    let run = network.present().and_then(|change| change.run().copied()).unwrap_or_default();
    network.overheard.iter().map(|body| (run, body.clone())).collect()
}

/// Lets a member come that has heard the run before, and has it look for that run's secret.
fn newcomer(
    network: &mut Network<'_>,
    members: &mut Vec<u32>,
    before: &GroupSecret,
) -> Result<Option<String>, crate::network::Failure> {
    const NEWCOMER: u32 = 3_000_000;
    let mut overheard = overheard_in(network);
    network.add(NEWCOMER)?;
    members.push(NEWCOMER);
    network.change(members, How::Continue)?;
    network.run()?;
    overheard.extend(overheard_in(network));
    let instance = network.instance_of(NEWCOMER);
    let found = instance.is_some_and(|instance| combined(instance, &overheard, before));
    network.confirm_at(|_| true)?;
    Ok(found.then(|| "the newcomer, by combining".to_owned()))
}

fn change_again(
    network: &mut Network<'_>,
    members: &mut Vec<u32>,
    round: usize,
) -> Result<(), crate::network::Failure> {
    // The first change is the leave alone; after it members come, go, or change the key.
    let how = match network.dice().below(3) {
        0 if round > 0 => {
            let newcomer = 2_000_000 + u32::try_from(round).unwrap_or(0);
            network.add(newcomer)?;
            members.push(newcomer);
            How::Continue
        }
        1 if round > 0 && members.len() > 1 => {
            members.pop();
            How::Continue
        }
        _ if round > 0 => How::RefreshBy(members.first().copied().unwrap_or(0)),
        _ => How::Continue,
    };
    network.change(members, how)
}

/// Puts copies of the leaver's instance in the place of each member; names the place in which one
/// got the secret.
fn by_replay(
    network: &Network<'_>,
    history: &[Event],
    members: &[u32],
    secret: &GroupSecret,
) -> Result<Option<u32>, String> {
    for &place in members {
        let events = network.history_of(place);
        let begun = events.iter().rposition(|event| matches!(event.input, Input::Change(_)));
        let run = events.get(begun.unwrap_or(0)..).unwrap_or_default();
        let copy = network.instance(place).map_err(|failure| failure.to_string())?;
        if replayed(copy, history, run, secret) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Whether an instance that lived through `history` gets `secret` in the place of a member that was
/// given `run`: with all that this member was given, but with chance of its own.
///
/// `fresh` is a new instance of the module with the same options.
pub fn replayed(
    mut fresh: Box<dyn KeyAgreement>,
    history: &[Event],
    run: &[Event],
    secret: &GroupSecret,
) -> bool {
    for event in history {
        // What was refused then is refused again, and leaves no trace.
        drop(fresh.handle(event, &mut Outbox::new()));
    }
    let mut out = Outbox::new();
    for (index, event) in run.iter().enumerate() {
        let own = u8::try_from(index % 251).unwrap_or(0) ^ 0x5a;
        let event = Event { random: Secret::new([own; 32]), ..event.clone() };
        // An error is the end of most attempts; what follows it is tried all the same.
        drop(fresh.handle(&event, &mut out));
    }
    out.iter().any(|action| matches!(action, crate::Action::Install(s) if s == secret))
}

/// A message and the name of its run.
pub type Overheard = ([u8; 32], Vec<u8>);

/// Whether what an instance holds leads to `secret`: every secret of it with every element overheard,
/// and on from there along values whose public form was overheard too, as in a tree. Always false
/// for modules that do not let anybody look into them.
pub fn combined(
    instance: &dyn KeyAgreement,
    overheard: &[Overheard],
    secret: &GroupSecret,
) -> bool {
    let Some(view) = instance.inspect() else { return false };
    let elements: BTreeSet<Vec<u8>> =
        overheard.iter().flat_map(|(run, body)| view.elements_of_run(run, body)).collect();
    let mut known: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut fresh: Vec<Zeroizing<Vec<u8>>> = view.secrets();
    let mut tried = 0;
    while let Some(exponent) = fresh.pop() {
        if !known.insert(exponent.to_vec()) {
            continue;
        }
        for element in &elements {
            tried += 1;
            if tried > MAX_COMBINATIONS {
                return false;
            }
            for combined in view.combine(&exponent, element) {
                if combined.secret == *secret {
                    return true;
                }
                if elements.contains(&combined.public) {
                    fresh.push(combined.next);
                }
            }
        }
    }
    false
}
