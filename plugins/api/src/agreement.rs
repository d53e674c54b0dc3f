//! The interface of key agreement modules: events in, actions out.
//!
//! An instance serves one group at one member. It never sees clock, network or signatures: the
//! secure machine above it checks who sent a message and to which run it belongs, restarts runs
//! that a change of view interrupts, and confirms that all members hold the same key.

use crate::{
    Apart, Descriptor, Error, Executor, Expected, Options, Random, Scenario, Secret, ViewChange,
    Work,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most bytes of one module message, on the wire and in an event.
pub const MAX_BODY: usize = 4 << 20;

/// The secret that a run agrees on; keys are derived from it, it is never a key itself.
pub type GroupSecret = Secret<32>;

/// What happens to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// A run begins: agree on a new secret among these members. A run under way ends; what counts
    /// is the state as last confirmed.
    Change(Arc<ViewChange>),
    /// A message of the present run from the member at position `from`, the instance's own
    /// multicasts among them.
    Message {
        /// Position of the sender in the view.
        from: u32,
        /// What it sent.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// A message of the present run that came without a signature: it claims to come from the
    /// member at position `from` and to have been sent by [`Action::Sealed`] or
    /// [`Action::Acknowledge`]. What does not open proves nothing about anybody.
    Sealed {
        /// Position of the member that it claims to come from.
        from: u32,
        /// What arrived.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// What was sent in answer to the last event is on its way: go on with the work that nobody
    /// waits for. Follows an [`Action::Resume`] at once.
    Resume,
    /// All members hold the secret that this run installed: its state is now what the next change
    /// builds on.
    Confirmed,
    /// The run will not be completed: forget it. The state as last confirmed stays.
    Abort,
    /// Make a share ahead of the next run, if the module can use one; the answer is an
    /// [`Action::Offer`] or nothing. An earlier offer is forgotten.
    Offer,
}

/// One event: what happened, when, and fresh random bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Microseconds on the host's monotonic clock.
    pub time_us: u64,
    /// From the operating system, for this event alone.
    pub random: Secret<32>,
    /// What happened.
    pub input: Input,
}

/// In which order a multicast reaches the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// In the order in which its sender sent.
    Fifo,
    /// In one order at all members.
    Agreed,
}

/// What an instance wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Send to the member at position `to`, in order with other unicasts to it.
    Unicast {
        /// Position in the view; never the instance's own.
        to: u32,
        /// The message.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// Send to every member of the view, this one too, in the named order.
    Multicast {
        /// The order.
        order: Order,
        /// The message.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// Send to the member at position `to`, in order with other unicasts to it, without a
    /// signature: the module has sealed it under a key that it shares with that member and that
    /// was agreed on by signed messages.
    Sealed {
        /// Position in the view; never the instance's own.
        to: u32,
        /// What was sealed; bound to the run (see [`ViewChange::run`]).
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// Like [`Action::Sealed`], of a message that says only that a key has arrived: counted apart.
    Acknowledge {
        /// Position in the view; never the instance's own.
        to: u32,
        /// The proof, under a key that follows from the one that arrived.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// The run's secret is known; once a run.
    Install(GroupSecret),
    /// Send what was asked so far, then come back with [`Input::Resume`]. Not in answer to that.
    Resume,
    /// A share for the next run, to travel on this member's join or flush message.
    Offer(#[serde(with = "serde_bytes")] Vec<u8>),
    /// What handling the event cost; at most once an event, last.
    Count(Work),
}

/// The actions of one event, in order.
pub type Outbox = Vec<Action>;

/// An instance of a key agreement protocol: one group at one member.
///
/// `handle` is a pure function of the events so far. An error leaves the instance as it was before
/// the event and `out` untouched.
pub trait KeyAgreement: Send {
    /// Handles one event and appends what follows from it to `out`.
    fn handle(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error>;

    /// What an attacker who stole this instance would see; the suites attack with it. A module
    /// without it is attacked by replay alone.
    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn crate::conformance::Inspect> {
        None
    }
}

/// A key agreement module: describes itself and makes instances.
pub trait KeyAgreementModule: Send + Sync {
    /// Name, properties, options.
    fn descriptor(&self) -> &Descriptor;

    /// An instance for one group at one member; `options` were checked against the descriptor.
    fn create(
        &self,
        options: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error>;

    /// What a scenario costs besides, in the columns that modules with secure channels and
    /// acknowledgements have; kept to the unit. `None` where the module promises nothing.
    fn expected_apart(&self, scenario: &Scenario) -> Option<Apart> {
        let _ = scenario;
        None
    }

    /// What a scenario costs: the paper's figures and the module's own contract, which the
    /// conformance suite holds it to. `None` where the module promises nothing.
    fn expected(&self, scenario: &Scenario) -> Option<Expected> {
        let _ = scenario;
        None
    }
}

/// A protocol written as plain transitions that may fail half-way; [`Atomic`] makes an instance of
/// it that an error leaves as it was.
pub trait Protocol: Clone + Send {
    /// [`Input::Change`].
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error>;

    /// [`Input::Message`]; `from` is a position of the view.
    fn message(
        &mut self,
        from: u32,
        body: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error>;

    /// [`Input::Sealed`]; `from` is a position of the view, and nothing more is known of it. The
    /// default has no key that would open anything.
    fn sealed(
        &mut self,
        from: u32,
        body: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let _ = (from, body, random, out);
        Err(Error::DoesNotOpen)
    }

    /// [`Input::Resume`]; never called by a host that keeps the contract unless it was asked for.
    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        let _ = out;
        Err(Error::WrongCall("nothing to resume"))
    }

    /// [`Input::Confirmed`].
    fn confirmed(&mut self) -> Result<(), Error>;

    /// [`Input::Abort`].
    fn abort(&mut self);

    /// [`Input::Offer`]; the default offers nothing.
    fn offer(&mut self, random: &mut Random, out: &mut Outbox) -> Result<(), Error> {
        let _ = (random, out);
        Ok(())
    }

    /// The work since the last call.
    fn take_work(&mut self) -> Work;

    /// See [`KeyAgreement::inspect`].
    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn crate::conformance::Inspect> {
        None
    }
}

/// Runs a [`Protocol`] so that a failed event changes nothing: each event is handled by a copy,
/// which takes the original's place when it succeeds. Copies are cheap beside one exponentiation,
/// and no transition can forget to restore a field.
#[derive(Debug)]
pub struct Atomic<P> {
    protocol: P,
    members: u32,
    max_members: usize,
}

impl<P: Protocol> Atomic<P> {
    /// An instance of `protocol` for views of at most `max_members`.
    pub fn new(protocol: P, max_members: usize) -> Self {
        Self { protocol, members: 0, max_members }
    }

    fn apply(next: &mut P, event: &Event, members: u32, out: &mut Outbox) -> Result<(), Error> {
        let mut random = Random::new(&event.random);
        match &event.input {
            Input::Change(change) => next.change(change, &mut random, out),
            Input::Message { from, .. } if *from >= members => {
                Err(Error::UnknownSender { from: *from })
            }
            // Nobody signed it, so it is nobody's fault.
            Input::Sealed { from, .. } if *from >= members => Err(Error::DoesNotOpen),
            Input::Message { body, .. } | Input::Sealed { body, .. } if body.len() > MAX_BODY => {
                Err(Error::BadLength {
                    what: "a module message",
                    got: body.len(),
                    want: format!("at most {MAX_BODY}"),
                })
            }
            Input::Sealed { from, body } => next.sealed(*from, body, &mut random, out),
            Input::Message { from, body } => next.message(*from, body, &mut random, out),
            Input::Resume => next.resume(out),
            Input::Confirmed => next.confirmed(),
            Input::Abort => {
                next.abort();
                Ok(())
            }
            Input::Offer => next.offer(&mut random, out),
        }
    }
}

impl<P: Protocol> KeyAgreement for Atomic<P> {
    fn handle(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        let mut members = self.members;
        if let Input::Change(change) = &event.input {
            let got = change.members().len();
            if got > self.max_members {
                return Err(Error::TooManyMembers { got, max: self.max_members });
            }
            members = change.size();
        }
        let mut next = self.protocol.clone();
        let mut staged = Outbox::new();
        Self::apply(&mut next, event, members, &mut staged)?;
        let work = next.take_work();
        if work != Work::default() {
            staged.push(Action::Count(work));
        }
        self.protocol = next;
        self.members = members;
        out.append(&mut staged);
        Ok(())
    }

    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn crate::conformance::Inspect> {
        self.protocol.inspect()
    }
}
