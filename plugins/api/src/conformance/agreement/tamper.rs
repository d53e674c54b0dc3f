//! Messages that were touched: they must give an error and change nothing.

use super::runs::World;
use crate::network::Network;
use crate::{Event, Input, KeyAgreement, KeyAgreementModule, Options, Secret};

/// Changes in one sequence.
const CHANGES: usize = 6;
/// The largest view: copies are made by replay, which takes the square of the history.
const MAX_MEMBERS: u32 = 5;

/// What is done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    /// One bit is turned. What remains may be another element of the group, which only a
    /// signature can tell from the true one: accepted is as good as refused.
    Bit,
    /// Its end is missing.
    Cut,
    /// There is more behind it.
    Longer,
    /// It came before.
    Again,
    /// It is of no protocol.
    Foreign,
}

/// A message, signed or sealed by its module.
#[derive(Clone)]
struct Message {
    from: u32,
    body: Vec<u8>,
    sealed: bool,
}

impl Message {
    fn of(input: &Input) -> Option<Self> {
        let (from, body, sealed) = match input {
            Input::Message { from, body } => (*from, body.clone(), false),
            Input::Sealed { from, body } => (*from, body.clone(), true),
            _ => return None,
        };
        Some(Self { from, body, sealed })
    }

    fn input(self) -> Input {
        let Self { from, body, sealed } = self;
        if sealed { Input::Sealed { from, body } } else { Input::Message { from, body } }
    }
}

/// A sequence of changes in which, at each delivery, somebody is also given a touched message.
pub(super) fn sequence(
    module: &dyn KeyAgreementModule,
    options: &Options,
    seed: u64,
) -> Result<(), String> {
    let world = World::new(module, options, seed ^ 0x7461_6d70, MAX_MEMBERS);
    let mut world = world.map_err(|failure| failure.to_string())?;
    let mut seen = Vec::new();
    for change in 0..CHANGES {
        seen.clear();
        world
            .turn(|network| disturb(network, &mut seen))
            .map_err(|why| format!("change {change}: {why}"))?;
    }
    Ok(())
}

/// Gives one member a touched message. `seen` are messages of this run that were delivered.
fn disturb(network: &mut Network<'_>, seen: &mut Vec<(u32, Message)>) -> Result<(), String> {
    let Some(change) = network.present().cloned() else { return Ok(()) };
    let view: Vec<u32> = network.view().to_vec();
    let Some(&number) = network.dice().pick(&view) else { return Ok(()) };
    let me = view.iter().position(|n| *n == number).and_then(|at| u32::try_from(at).ok());
    let waiting: Vec<Message> = network
        .inputs_for(number)
        .iter()
        .filter_map(Message::of)
        .filter(|message| Some(message.from) != me && message.from < change.size())
        .collect();
    remember(network, number, me, seen);
    let touches = [Touch::Bit, Touch::Cut, Touch::Longer, Touch::Again, Touch::Foreign];
    let touch = network.dice().pick(&touches).copied().unwrap_or(Touch::Bit);
    let whole = match touch {
        Touch::Again => {
            let mine: Vec<_> = seen.iter().filter(|(at, ..)| *at == number).cloned().collect();
            network.dice().pick(&mine).map(|(_, message)| message.clone())
        }
        _ => network.dice().pick(&waiting).cloned(),
    };
    let Some(mut message) = whole else { return Ok(()) };
    message.body = touched(network, touch, message.body);
    let random = network.dice().event(Input::Abort).random;
    let event = Event { time_us: 0, random, input: message.input() };
    refuse(network, number, touch, &event)
}

/// Notes what the member was given in the present run.
fn remember(network: &Network<'_>, number: u32, me: Option<u32>, seen: &mut Vec<(u32, Message)>) {
    seen.retain(|(at, ..)| *at != number);
    let begun = |event: &&Event| !matches!(event.input, Input::Change(_));
    for event in network.history_of(number).iter().rev().take_while(begun) {
        let message = Message::of(&event.input);
        let foreign = message.filter(|message| Some(message.from) != me);
        seen.extend(foreign.map(|message| (number, message)));
    }
}

fn touched(network: &mut Network<'_>, touch: Touch, mut body: Vec<u8>) -> Vec<u8> {
    let dice = network.dice();
    match touch {
        Touch::Bit => {
            let (at, bit) = (dice.below(body.len()), dice.below(8));
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        Touch::Cut => body.truncate(dice.below(body.len())),
        Touch::Longer => body.push(u8::try_from(dice.below(256)).unwrap_or(0)),
        Touch::Again => {}
        Touch::Foreign => body = vec![0xa1, 0x63, b'f', b'o', b'o', 0x41, 0x07],
    }
    body
}

/// Tries the event on copies made by replay: refused, it must have changed nothing, which shows in
/// what the copy answers to everything that can come next.
fn refuse(
    network: &mut Network<'_>,
    number: u32,
    touch: Touch,
    event: &Event,
) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| format!("member {number}, {touch:?}: {why}");
    let mut copy = replay(network, number).map_err(|why| failed(&why))?;
    let mut out = Vec::new();
    match copy.handle(event, &mut out) {
        Ok(()) if touch == Touch::Bit => return Ok(()),
        Ok(()) => return Err(failed(&"it was accepted")),
        Err(_) if !out.is_empty() => return Err(failed(&"an error, and actions as well")),
        Err(_) => {}
    }
    let mut twin = replay(network, number).map_err(|why| failed(&why))?;
    let mut next = network.inputs_for(number);
    next.extend([Input::Resume, Input::Confirmed, Input::Offer]);
    for (index, input) in next.into_iter().enumerate() {
        let random = Secret::new([u8::try_from(index % 251).unwrap_or(0); 32]);
        let event = Event { time_us: 0, random, input };
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let results = (copy.handle(&event, &mut one), twin.handle(&event, &mut other));
        if results.0 != results.1 || one != other {
            return Err(failed(&"it was refused, and yet it changed the instance"));
        }
    }
    Ok(())
}

fn replay(network: &Network<'_>, number: u32) -> Result<Box<dyn KeyAgreement>, String> {
    let mut copy = network.instance(number).map_err(|failure| failure.to_string())?;
    for event in network.history_of(number) {
        copy.handle(event, &mut Vec::new()).map_err(|error| format!("in replay: {error}"))?;
    }
    Ok(copy)
}
