//! Engine and secure machines as one: what the driver and the simulator drive.
//!
//! ```text
//!  commands ──▶ Stack ──▶ member of a secure group ──▶ engine ──▶ frames
//!  events  ◀──       ◀── opened, secure views       ◀──       ◀──
//! ```
//!
//! Groups without keys pass through untouched.

mod between;
mod joining;

use crate::charter::Charter;
use crate::entropy::Entropy;
use crate::event::Event;
use crate::member::{Member, Outgoing, Patience};
use crate::{Signer, member};
use bytes::Bytes;
use cenacle_core::{
    Engine, Error as Refused, GroupName, Input, NodeId, Outbox, Output as EngineOutput, Service,
    Time,
};
use cenacle_plugin::{Executor, ModuleSource, Secret, Work};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Rounds of giving and taking between members and engine in one turn.
const MOST_ROUNDS: usize = 64;

/// What a member of a secure group brings.
#[derive(Clone)]
pub struct SecureJoin {
    /// Which member of this node.
    pub local: u32,
    /// What it expects of the group; the group's name is in it.
    pub charter: Charter,
    /// What it shows for itself.
    pub evidence: Bytes,
    /// Of the layer above, for its admission.
    pub above: Bytes,
    /// The application answers flush requests itself.
    pub manual_flush: bool,
}

impl std::fmt::Debug for SecureJoin {
    /// Without what it shows for itself.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecureJoin")
            .field("local", &self.local)
            .field("charter", &self.charter)
            .field("manual_flush", &self.manual_flush)
            .finish_non_exhaustive()
    }
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Of the engine; never an event.
    Engine(EngineOutput),
    /// For a member of this node.
    Event {
        /// The group.
        group: GroupName,
        /// Which member.
        local: u32,
        /// What.
        event: Event,
    },
}

/// What a stack refuses; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// The engine refuses.
    #[error(transparent)]
    Engine(#[from] Refused),
    /// A module that the charter names is not there, or cannot be used so.
    #[error("group {group}: {detail}")]
    Module {
        /// The group.
        group: String,
        /// What to do.
        detail: String,
    },
    /// Too much of this member waits to be sealed and sent, perhaps for a key: wait for
    /// [`EngineOutput::Writable`]. Other members are not concerned.
    #[error("too much of this member of {group} waits to be sent: wait until there is room")]
    MemberFull {
        /// The group.
        group: GroupName,
    },
    /// The member may only listen.
    #[error("this member of {group} may only read: {detail}")]
    ReadOnly {
        /// The group.
        group: GroupName,
        /// Why.
        detail: String,
    },
}

type Key = (GroupName, u32);

/// Members whose last numbers are remembered after they have gone.
const MAX_NUMBERS: usize = 65_536;

/// The last messages' numbers of members that have gone: one that comes again goes on from there.
#[derive(Debug, Default)]
struct Numbers {
    last: BTreeMap<u32, u64>,
    /// Whoever is not among them counts from here.
    first: u64,
}

impl Numbers {
    fn take(&mut self, local: u32) -> u64 {
        self.last.remove(&local).unwrap_or(self.first)
    }

    fn keep(&mut self, local: u32, last: u64) {
        self.last.insert(local, last);
        while self.last.len() > MAX_NUMBERS {
            let forgotten = self.last.pop_first().map_or(0, |(_, last)| last);
            self.first = self.first.max(forgotten);
        }
    }
}

struct Seat {
    member: Member,
    /// What the engine had no room for.
    backlog: VecDeque<Input>,
    /// A message was refused for want of room here.
    blocked: bool,
}

/// The stack of one node.
pub struct Stack {
    engine: Engine,
    node: NodeId,
    modules: Arc<dyn ModuleSource>,
    executor: Arc<dyn Executor>,
    signer: Arc<Signer>,
    entropy: Entropy,
    patience: Patience,
    max_message: usize,
    seats: BTreeMap<Key, Seat>,
    numbers: Numbers,
    /// Warnings of members, by reason.
    warned: BTreeMap<&'static str, u64>,
    /// Members with something to work on.
    busy: BTreeSet<Key>,
    /// Of the engine, to be worked on.
    engine_out: Outbox,
    /// The engine is to be shut down once all members have said what they had to say.
    stopping: bool,
    #[cfg(feature = "defects")]
    defect: Option<crate::Defect>,
}

/// What a stack is made of besides its engine.
pub struct Parts {
    /// Whose stack it is.
    pub node: NodeId,
    /// Where modules are found by name.
    pub modules: Arc<dyn ModuleSource>,
    /// For independent work.
    pub executor: Arc<dyn Executor>,
    /// The node's key; its public half is in `node`.
    pub signer: Arc<Signer>,
    /// 32 bytes of the operating system's.
    pub seed: Secret<32>,
    /// Times and limits.
    pub patience: Patience,
    /// The engine's.
    pub max_message: usize,
}

impl Stack {
    /// Puts secure machines above `engine`.
    pub fn new(engine: Engine, parts: Parts) -> Self {
        let Parts { node, modules, executor, signer, seed, patience, max_message } = parts;
        Self {
            engine,
            node,
            modules,
            executor,
            signer,
            entropy: Entropy::new(seed),
            patience,
            max_message,
            seats: BTreeMap::new(),
            numbers: Numbers::default(),
            warned: BTreeMap::new(),
            busy: BTreeSet::new(),
            engine_out: Outbox::new(),
            stopping: false,
            #[cfg(feature = "defects")]
            defect: None,
        }
    }

    /// Leaves a rule out for members that join from now on.
    #[cfg(feature = "defects")]
    pub fn leave_out(&mut self, defect: Option<crate::Defect>) {
        self.defect = defect;
    }

    /// The engine below.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Adds fresh bytes of the operating system's: best once a second or so while keys change.
    pub fn add_entropy(&mut self, fresh: &Secret<32>) {
        self.entropy.add(fresh);
        for seat in self.seats.values_mut() {
            seat.member.add_entropy(&self.entropy.draw());
        }
    }

    /// When [`Input::Tick`] and [`Input::Drained`] are due at the latest.
    pub fn deadline(&self) -> Option<Time> {
        let members = self.seats.values().filter_map(|seat| seat.member.deadline());
        members.chain(self.engine.deadline()).min()
    }

    /// What key agreement has cost a member.
    pub fn work(&self, group: &GroupName, local: u32) -> Option<Work> {
        Some(self.seats.get(&(group.clone(), local))?.member.work())
    }

    /// A key for the application, from the present epoch of a member's group.
    pub fn export(
        &self,
        group: &GroupName,
        local: u32,
        label: &[u8],
        context: &[u8],
    ) -> Option<Secret<32>> {
        self.seats.get(&(group.clone(), local))?.member.export(label, context)
    }

    /// How often members were warned of something, by reason: dropped and refused messages, runs that
    /// were given up, and the like.
    pub fn warned(&self) -> &BTreeMap<&'static str, u64> {
        &self.warned
    }

    /// The largest message of a secure group.
    pub fn max_message(&self) -> usize {
        member::largest(self.max_message)
    }

    /// Wants a new key for a group, without a change of members.
    pub fn refresh(
        &mut self,
        now: Time,
        group: &GroupName,
        local: u32,
        out: &mut Vec<Output>,
    ) -> Result<(), StackError> {
        let key = (group.clone(), local);
        let Some(seat) = self.seats.get_mut(&key) else {
            return Err(Refused::NotJoined { group: group.clone(), local }.into());
        };
        let mut wishes = Vec::new();
        seat.member.refresh(&mut wishes);
        self.weigh(now, 0, &wishes);
        self.grant(now, &key, wishes, out);
        self.work_off(now, out);
        Ok(())
    }

    /// Takes an input, as [`Engine::handle`] does. What concerns a member of a secure group is its
    /// machine's; everything else is the engine's.
    pub fn handle(
        &mut self,
        now: Time,
        input: Input,
        out: &mut Vec<Output>,
    ) -> Result<(), StackError> {
        let result = self.take(now, input, out);
        self.work_off(now, out);
        result
    }

    fn take(&mut self, now: Time, input: Input, out: &mut Vec<Output>) -> Result<(), StackError> {
        match input {
            Input::Send { group, local, service, body } if self.has(&group, local) => {
                if service == Service::Unicast {
                    return Err(Refused::NoAddressee.into());
                }
                self.say(group, local, Outgoing { service, to: None, body })
            }
            Input::Unicast { group, local, to, body } if self.has(&group, local) => {
                let message = Outgoing { service: Service::Unicast, to: Some(to), body };
                self.say(group, local, message)
            }
            Input::FlushOk { group, local, .. } if self.has(&group, local) => {
                let seat = self.seats.get_mut(&(group.clone(), local));
                if !seat.is_some_and(|seat| seat.member.flush_ok()) {
                    return Err(Refused::NoFlush { group }.into());
                }
                self.busy.insert((group, local));
                Ok(())
            }
            Input::Leave { group, local } if self.has(&group, local) => {
                let key = (group, local);
                if let Some(seat) = self.seats.get_mut(&key) {
                    seat.member.leave();
                }
                self.busy.insert(key);
                Ok(())
            }
            Input::Shutdown if !self.seats.is_empty() => {
                self.stopping = true;
                for (key, seat) in &mut self.seats {
                    seat.member.leave();
                    self.busy.insert(key.clone());
                }
                Ok(())
            }
            // The engine does not know yet that it stops.
            Input::Join(_) if self.stopping => Err(Refused::Stopping.into()),
            Input::Drained => {
                self.drain(now, out);
                Ok(())
            }
            Input::Tick => {
                let due = |seat: &Seat| seat.member.deadline().is_some_and(|when| when <= now);
                let due: Vec<Key> =
                    self.seats.iter().filter(|(_, s)| due(s)).map(|(key, _)| key.clone()).collect();
                for key in due {
                    let mut wishes = Vec::new();
                    if let Some(seat) = self.seats.get_mut(&key) {
                        seat.member.tick(now, &mut wishes);
                    }
                    self.weigh(now, 0, &wishes);
                    self.grant(now, &key, wishes, out);
                    self.busy.insert(key);
                }
                Ok(self.engine.handle(now, Input::Tick, &mut self.engine_out)?)
            }
            input => Ok(self.engine.handle(now, input, &mut self.engine_out)?),
        }
    }

    fn has(&self, group: &GroupName, local: u32) -> bool {
        self.seats.contains_key(&(group.clone(), local))
    }

    fn say(&mut self, group: GroupName, local: u32, message: Outgoing) -> Result<(), StackError> {
        let max = match message.service {
            Service::Unicast | Service::Unreliable => member::largest(Engine::MAX_UNCUT),
            _ => self.max_message(),
        };
        if message.body.len() > max {
            return Err(Refused::TooLarge { max }.into());
        }
        let key = (group, local);
        let Some(seat) = self.seats.get_mut(&key) else { return Ok(()) };
        if let Some(detail) = seat.member.silence() {
            let detail = detail.to_owned();
            return Err(StackError::ReadOnly { group: key.0, detail });
        }
        match seat.member.send(message) {
            Ok(()) => {
                self.busy.insert(key);
                Ok(())
            }
            Err(_) => {
                seat.blocked = true;
                Err(StackError::MemberFull { group: key.0 })
            }
        }
    }

    /// Members work on what they have, until nothing more comes of it.
    fn drain(&mut self, now: Time, out: &mut Vec<Output>) {
        // The engine tells when its queue has room, but not when the application has read enough.
        self.give_waiting(now, out);
        for _ in 0..MOST_ROUNDS {
            let busy = std::mem::take(&mut self.busy);
            for key in busy {
                let mut wishes = Vec::new();
                if let Some(seat) = self.seats.get_mut(&key) {
                    seat.member.settle(now, &mut wishes);
                }
                self.weigh(now, 0, &wishes);
                self.grant(now, &key, wishes, out);
            }
            self.stop_when_said(now);
            // It has no reason to refuse.
            let _ = self.engine.handle(now, Input::Drained, &mut self.engine_out);
            self.work_off(now, out);
            if self.busy.is_empty() {
                break;
            }
        }
        let mut room = false;
        for seat in self.seats.values_mut().filter(|seat| seat.blocked && seat.member.has_room()) {
            (seat.blocked, room) = (false, true);
        }
        if room {
            out.push(Output::Engine(EngineOutput::Writable));
        }
    }

    fn stop_when_said(&mut self, now: Time) {
        if self.stopping && self.seats.values().all(|seat| seat.member.is_leaving()) {
            self.stopping = false;
            let _ = self.engine.handle(now, Input::Shutdown, &mut self.engine_out);
        }
    }
}
