//! Arbitrary bytes for instances in the middle of runs: what fuzzers and their replay drive.

use crate::network::{Failure, How, Network};
use crate::{Event, Input, KeyAgreement, KeyAgreementModule, Options, Secret, from_cbor, to_cbor};

/// Members of the group before the change.
const MEMBERS: u32 = 3;

/// In an input's second byte: the message came without a signature.
const SEALED: u8 = 0x80;

/// Instances of one module, each stopped at another step of a join with a departure.
pub struct Feeder<'a> {
    network: Network<'a>,
    stages: Vec<Stage>,
}

/// An instance and how it came to be where it is.
struct Stage {
    number: u32,
    history: Vec<Event>,
    instance: Box<dyn KeyAgreement>,
    /// What the member would be given next.
    waiting: Vec<Input>,
}

impl<'a> Feeder<'a> {
    /// Runs the module to every step of a change and keeps an instance of each.
    pub fn new(module: &'a dyn KeyAgreementModule, options: &Options) -> Result<Self, Failure> {
        let mut network = Network::new(module, options.clone(), 1);
        let members: Vec<u32> = (0..MEMBERS).collect();
        for &number in &members {
            network.add(number)?;
        }
        network.change(&members, How::Continue)?;
        network.complete()?;
        network.add(MEMBERS)?;
        network.change(&[0, 2, 3], How::Continue)?;
        let mut feeder = Self { network, stages: Vec::new() };
        loop {
            for number in [0, 2, 3] {
                feeder.keep(number)?;
            }
            if !feeder.network.step()? {
                return Ok(feeder);
            }
        }
    }

    fn keep(&mut self, number: u32) -> Result<(), Failure> {
        let history = self.network.history_of(number).to_vec();
        let waiting = self.network.inputs_for(number);
        let known = |stage: &Stage| stage.number == number && stage.history == history;
        if self.stages.iter().any(known) {
            return Ok(());
        }
        let instance = self.replay(number, &history)?;
        self.stages.push(Stage { number, history, instance, waiting });
        Ok(())
    }

    fn replay(&self, member: u32, history: &[Event]) -> Result<Box<dyn KeyAgreement>, Failure> {
        let mut instance = self.network.instance(member)?;
        for event in history {
            instance.handle(event, &mut Vec::new()).map_err(|error| Failure::Module {
                member,
                what: "a replay",
                error,
            })?;
        }
        Ok(instance)
    }

    /// Reads the first byte as a step, the second as a sender and (its highest bit) whether the
    /// message came without a signature, the rest as a message, and gives it to the instance at that step. Says whether the instance took it; an instance that did is
    /// made anew. Panics if the instance does, or if it answers with an error and actions.
    pub fn feed(&mut self, data: &[u8]) -> Result<bool, Failure> {
        let [step, from, body @ ..] = data else { return Ok(false) };
        let index = usize::from(*step) % self.stages.len().max(1);
        let Some(stage) = self.stages.get_mut(index) else { return Ok(false) };
        let (from, sealed, body) = (u32::from(*from % 4), from & SEALED != 0, body.to_vec());
        let input =
            if sealed { Input::Sealed { from, body } } else { Input::Message { from, body } };
        let event = Event { time_us: 0, random: Secret::new([9; 32]), input };
        let mut out = Vec::new();
        let taken = stage.instance.handle(&event, &mut out).is_ok();
        assert!(taken || out.is_empty(), "an error came with actions");
        if taken {
            let (number, history) = (stage.number, stage.history.clone());
            let instance = self.replay(number, &history)?;
            if let Some(stage) = self.stages.get_mut(index) {
                stage.instance = instance;
            }
        }
        Ok(taken)
    }

    /// Inputs that are genuine messages at their steps: what a fuzzer starts from.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds = Vec::new();
        for (step, stage) in self.stages.iter().enumerate() {
            for input in &stage.waiting {
                let (from, mark, body) = match input {
                    Input::Message { from, body } => (*from, 0, body),
                    Input::Sealed { from, body } => (*from, SEALED, body),
                    _ => continue,
                };
                let from = u8::try_from(from).unwrap_or(0) | mark;
                let head = [u8::try_from(step).unwrap_or(0), from];
                seeds.push([head.as_slice(), body].concat());
            }
        }
        seeds
    }
}

/// Reads bytes as an event and as actions; what can be read must come out the same when it is
/// written and read again. Says whether anything could be read.
pub fn feed_decoders(data: &[u8]) -> bool {
    let event = from_cbor::<Event>(data);
    if let Ok(event) = &event {
        let again = to_cbor(event).and_then(|bytes| from_cbor::<Event>(&bytes));
        assert_eq!(again.as_ref(), Ok(event), "an event changed on its way");
    }
    let actions = from_cbor::<Vec<crate::Action>>(data);
    if let Ok(actions) = &actions {
        let again = to_cbor(actions).and_then(|bytes| from_cbor::<Vec<crate::Action>>(&bytes));
        assert_eq!(again.as_ref(), Ok(actions), "actions changed on their way");
    }
    event.is_ok() || actions.is_ok()
}
