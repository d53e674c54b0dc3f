//! The top machine: it routes between the machines below, and nothing else.
//!
//! `incoming` takes frames, `pump` delivers and packs at the end of a batch, `change` carries out
//! what membership decides.

mod change;
mod incoming;
mod past;
mod pump;
mod state;
#[cfg(test)]
mod tests;

use crate::{
    admission::Admission,
    configuration::{Configuration, Peer},
    error::{Drop, Error},
    figures::Figures,
    groups::{Below, Groups, Todo},
    ids::{Ballot, NodeId},
    input::{Input, Service},
    membership::{Happening, Membership},
    order::{Announcer, Order, Turns},
    output::{Outbox, Output},
    sender::Sender,
    settings::Settings,
    streams::{Repair, Stability, Streams},
    time::Time,
    wire::{
        MAX_FRAME, UNCUT, VERSION,
        control::{Ask, Control, Plan},
        header::control_frame,
    },
};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The engine of one node.
///
/// The contract: every input with a time that does not go back; [`Input::Drained`] when no further
/// input is at hand; [`Input::Tick`] and `Drained` at [`Engine::deadline`] at the latest; outputs
/// carried out in their order.
pub struct Engine {
    settings: Settings,
    /// Instead of the overlay's name.
    overlay: u64,
    now: Time,
    configuration: Configuration,
    membership: Membership,
    groups: Groups,
    sender: Sender,
    figures: Figures,
    // Of the present configuration; the last one, while the next is being agreed.
    streams: Streams,
    stability: Stability,
    repair: Repair,
    order: Order,
    announcer: Announcer,
    /// (origin, subscriber): whose frames to forward to whom, and until when.
    subscribers: BTreeMap<(u16, u16), Time>,
    /// Members that do not hear this node: until when, and through whom they are written to.
    routes: BTreeMap<u16, (Time, NodeId)>,
    /// How the present configuration ends, once that is known.
    plan: Option<Plan>,
    /// Nothing is added, acknowledged or delivered until the next installation.
    frozen: bool,
    /// What was complete when the configuration froze.
    frozen_at: Option<Vec<u64>>,
    early: Early,
    /// Frames may have become stable since some were forgotten.
    forgettable: bool,
    /// The weight of the events that the application has not read.
    unread: usize,
    /// That is more than it may be.
    backlog: Option<Backlog>,
    /// A send was refused for want of room.
    blocked: bool,
    stopping: Option<Stopping>,
}

/// Frames of a configuration that is about to be installed here.
#[derive(Debug, Default)]
struct Early {
    frames: Vec<(NodeId, Bytes)>,
    bytes: usize,
}

/// The most bytes kept for a configuration that is about to be installed: what is lost is repaired,
/// so this is a guess at what comes within one delay.
const MAX_EARLY: usize = 4 << 20;

/// The most bytes of frames kept of one stream. An origin has little more than a window that is not
/// stable; what is stable already, as its peers are about to learn, comes on top.
fn most_of_a_stream(settings: &Settings) -> usize {
    4 * settings.window + settings.max_message
}

/// The application does not keep up.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    /// Since when more is unread than may be.
    since: Time,
    /// The operator has been told.
    told: bool,
}

/// How far a shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    /// Until then, what was sent may become stable.
    Draining { until: Time },
    /// The others have been told.
    Leaving,
    /// It is over.
    Stopped,
}

/// What the engine holds in memory, and the most that it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of frames and messages held.
    pub held: usize,
    /// The bound that follows from the settings and the size of the configuration.
    pub limit: usize,
    /// Bytes of own entries that are not stable, and their bound: the window, a quarter for control
    /// entries, and the frame that fills it.
    pub unstable: (usize, usize),
    /// The weight of the events that the application has not read. Above `max_unread` only what was
    /// under way comes: a window of each stream.
    pub unread: usize,
}

impl Engine {
    /// The most bytes of a message that is not cut into pieces: to one member, or unreliable.
    pub const MAX_UNCUT: usize = UNCUT;

    /// A node that is alone: its own configuration is installed at once and told in `out`.
    pub fn new(
        settings: Settings,
        admission: Box<dyn Admission>,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Self, Error> {
        settings.check()?;
        let me = settings.node;
        let id = Ballot { epoch: 1, proposer: me };
        let members = vec![Peer { node: me, priority: settings.priority }];
        out.push(Output::Configuration { id, members: members.clone() });
        let configuration = Configuration::new(&settings.overlay, id, members, me);
        let turns = Turns::new(0, std::iter::empty(), &settings, now);
        let mut sender = Sender::default();
        sender.begin(1);
        Ok(Self {
            overlay: settings.overlay_tag(),
            now,
            configuration,
            membership: Membership::new(&settings, now),
            groups: Groups::new(&settings, admission, id),
            sender,
            figures: Figures::default(),
            streams: Streams::new(1, 0, settings.window, most_of_a_stream(&settings)),
            stability: Stability::new(1, true, now),
            repair: Repair::new(),
            order: Order::new(turns, &settings),
            announcer: Announcer::new(1, now),
            subscribers: BTreeMap::new(),
            routes: BTreeMap::new(),
            plan: None,
            frozen: false,
            frozen_at: None,
            early: Early::default(),
            forgettable: false,
            unread: 0,
            backlog: None,
            blocked: false,
            stopping: None,
            settings,
        })
    }

    /// Takes one input. After an error the state and `out` are as they were, but for the count of
    /// the error. A refused frame of this overlay was still a sign of life: what membership answers
    /// to that, and what repeats itself to a peer that repeats itself, may be in `out`.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) -> Result<(), Error> {
        if now.since(self.now) >= self.settings.slow_limit {
            // This node stood still: that others fell behind meanwhile says nothing about them.
            self.stability.forgive(now);
            self.backlog = self.backlog.map(|backlog| Backlog { since: now, ..backlog });
        }
        self.now = self.now.max(now);
        let before = out.len();
        let result = self.take(input, out);
        self.count_unread(out, before);
        result
    }

    fn take(&mut self, input: Input, out: &mut Outbox) -> Result<(), Error> {
        if self.stopping == Some(Stopping::Stopped) {
            // What the network and the clock still bring is nobody's fault.
            return if input.is_command() { Err(Error::Stopping) } else { Ok(()) };
        }
        match input {
            Input::Frame { from, bytes } => {
                let version = bytes.first().copied().unwrap_or(0);
                return self.take_frame(from, bytes, out).map_err(|reason| {
                    self.figures.dropped(reason);
                    match reason {
                        Drop::Version => Error::Version { from, theirs: version, ours: VERSION },
                        reason => Error::Dropped { from, reason },
                    }
                });
            }
            Input::Connected { node } => self.happen(Happening::Connected(node), out),
            Input::Closed { node } => self.happen(Happening::Closed(node), out),
            Input::Consumed { bytes } => self.consumed(bytes),
            Input::Unread { bytes } => self.add_unread(bytes),
            Input::Shutdown => {
                let until = self.now + self.settings.shutdown_limit;
                self.stopping.get_or_insert(Stopping::Draining { until });
            }
            Input::Tick => self.happen(Happening::Tick, out),
            Input::Drained => self.pump(out),
            command => return self.command(command, out),
        }
        Ok(())
    }

    /// What the application wants.
    fn command(&mut self, command: Input, out: &mut Outbox) -> Result<(), Error> {
        if self.stopping.is_some() {
            return Err(Error::Stopping);
        }
        let max = self.settings.max_message;
        match &command {
            Input::Send { service: Service::Unreliable, body, .. }
            | Input::Unicast { body, .. } => self.check_room(body.len(), max.min(UNCUT))?,
            Input::Send { body, .. } => self.check_room(body.len(), max)?,
            _ => {}
        }
        let mut todo = Vec::new();
        let below = below!(self);
        match command {
            Input::Join(join) => self.groups.join(&below, join, out, &mut todo),
            Input::Leave { group, local } => {
                self.groups.leave(&below, &group, local, out, &mut todo)
            }
            Input::Send { service: Service::Unicast, .. } => Err(Error::NoAddressee),
            Input::Send { group, local, service, body } => {
                self.groups.send(&below, &group, local, service, body, out, &mut todo)
            }
            Input::Unicast { group, local, to, body } => {
                self.groups.unicast(&below, &group, local, to, body, out, &mut todo)
            }
            Input::FlushOk { group, local, blob } => {
                self.groups.flush_ok(&below, &group, local, blob, &mut todo)
            }
            Input::Renew { group, local } => self.groups.want_renewal(&group, local),
            Input::Expel { group, local, member, reason } => {
                self.groups.want_out(&group, local, member, reason)
            }
            _ => Ok(()),
        }?;
        self.carry_out(todo, out);
        Ok(())
    }

    /// Whether a message of so many bytes may be queued.
    fn check_room(&mut self, bytes: usize, max: usize) -> Result<(), Error> {
        if bytes > max {
            return Err(Error::TooLarge { max });
        }
        if self.backlog.is_some() {
            return Err(Error::Backlog { unread: self.unread, max: self.settings.max_unread });
        }
        let waiting = self.sender.bytes() + self.groups.held();
        let max = self.settings.queue;
        // An empty queue takes any message.
        if waiting > 0 && waiting + bytes > max {
            self.blocked = true;
            return Err(Error::QueueFull { waiting, max });
        }
        Ok(())
    }

    /// Does what the groups want done.
    fn carry_out(&mut self, todo: Vec<Todo>, out: &mut Outbox) {
        // Asking oneself may bring more to do; it ends, since nobody asks in answering.
        let mut next = todo;
        while !next.is_empty() {
            for todo in std::mem::take(&mut next) {
                match todo {
                    Todo::Ask(ask) => self.ask_leader(ask, &mut next, out),
                    Todo::Stamp(entry) if !self.frozen => {
                        if let Some(entry) = crate::wire::header::to_cbor(&entry) {
                            self.sender.queue_control(entry);
                        }
                    }
                    Todo::Stamp(_) => {}
                    Todo::Queue(message) => self.sender.queue(message),
                    Todo::Send(to, frame) => self.send_to(to, frame, out),
                    Todo::Multicast(frame) => out.push(Output::Multicast { frame }),
                    Todo::Warning(warning) => out.push(Output::Warning(warning)),
                }
            }
        }
    }

    fn ask_leader(&mut self, ask: Ask, next: &mut Vec<Todo>, out: &mut Outbox) {
        if self.frozen {
            return;
        }
        let (leader, me) = (self.configuration.leader(), self.settings.node);
        if leader == me {
            let below = below!(self);
            self.groups.ask(&below, me, ask, &mut self.figures, next);
        } else {
            let control = Control::Ask(self.configuration.id, ask);
            self.send_control(leader, &control, out);
        }
    }

    fn send_control(&self, to: NodeId, control: &Control, out: &mut Outbox) {
        if let Some(frame) = control_frame(self.overlay, control) {
            out.push(Output::Send { to, frame });
        }
    }

    /// Sends a frame to a member, through another one if the two do not hear each other.
    fn send_to(&self, to: NodeId, frame: Bytes, out: &mut Outbox) {
        let rank = self.configuration.rank_of(to);
        let route = rank.and_then(|rank| self.routes.get(&rank)).map(|&(_, through)| through);
        let unheard = rank.is_some_and(|rank| self.repair.is_unheard(rank));
        let through = route.or_else(|| unheard.then(|| self.configuration.leader()));
        match through.filter(|&node| node != to && node != self.settings.node) {
            Some(through) => self.send_through(through, to, frame, out),
            None => out.push(Output::Send { to, frame }),
        }
    }

    fn send_through(&self, through: NodeId, to: NodeId, frame: Bytes, out: &mut Outbox) {
        let control = Control::Relay { origin: self.settings.node, to, inner: frame };
        self.send_control(through, &control, out);
    }

    /// When to call with [`Input::Tick`] and [`Input::Drained`] at the latest.
    pub fn deadline(&self) -> Option<Time> {
        if self.stopping == Some(Stopping::Stopped) {
            return None;
        }
        let mut deadline = self.membership.deadline();
        let mut at = |time: Option<Time>| {
            deadline = [deadline, time].into_iter().flatten().min();
        };
        at(self.repair.deadline());
        if !self.frozen {
            let settings = &self.settings;
            at(self.groups.deadline());
            at(self.stability.deadline(settings));
            at(self.order.turns.deadline(self.sender.wants_turn(), settings));
            if self.order.turns.is_mine() && self.has_many_active() {
                at(self.announcer.deadline(self.streams.top_clock(), settings));
            }
            if self.configuration.is_led_here() && self.configuration.size() > 1 {
                at(self.stability.slow_deadline(settings));
            }
            if let Some(Backlog { since, told }) = self.backlog {
                let due = since + self.settings.slow_limit * (1 + u32::from(told));
                // Later it goes by heartbeats.
                at(Some(due).filter(|&due| due > self.now || !told));
            }
            // A node that stops waits for the next configuration like all others.
            if let Some(Stopping::Draining { until }) = self.stopping {
                at(Some(until));
            }
        }
        deadline
    }

    /// The installed configuration.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Whether the installed configuration lives: no next one is being agreed.
    pub fn is_operational(&self) -> bool {
        !self.frozen
    }

    /// Counters since the start.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// What is held, and the bound.
    pub fn memory(&self) -> Memory {
        let (settings, size) = (&self.settings, self.configuration.size());
        let (kept, most_kept) = self.groups.kept(settings, size);
        let waiting = self.sender.bytes() + self.groups.held();
        let held =
            self.streams.bytes() + waiting + self.sender.control_bytes() + self.early.bytes + kept;
        // Frames, and the pieces of a message and of a control entry.
        let per_stream = most_of_a_stream(settings) + 2 * settings.max_message;
        // An empty queue takes any message; control entries are what was asked, or a table.
        let queue = settings.queue + settings.max_message;
        let control = 2 * settings.max_message;
        let limit = size * per_stream + queue + control + MAX_EARLY + most_kept;
        let most_unstable = settings.window + settings.window / 4 + MAX_FRAME;
        let unstable = (self.streams.unstable(), most_unstable);
        Memory { held, limit, unstable, unread: self.unread }
    }
}

/// What the groups may look at: a macro, since it borrows some fields of the engine and leaves the
/// others free.
macro_rules! below {
    ($engine:expr) => {
        Below {
            now: $engine.now,
            settings: &$engine.settings,
            configuration: &$engine.configuration,
            delivered: &|rank| $engine.streams.delivered(rank),
            sent: $engine.streams.sent(),
            waiting: &|channel| $engine.sender.waiting(channel),
            operational: !$engine.frozen,
            backlogged: $engine.backlog.is_some(),
        }
    };
}
use below;
