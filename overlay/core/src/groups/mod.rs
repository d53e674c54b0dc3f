//! Named groups: tables, joins and leaves, flushes and views, unicast and unreliable messages
//! (docs/protocol.md sections 7 and 8).
#![expect(
    clippy::too_many_arguments,
    reason = "what a step looks at and what it leads to come in apart, so that they can be borrowed apart"
)]

mod application;
mod changes;
mod coordinator;
mod local;
mod settle;
mod table;
#[cfg(test)]
mod tests;
mod unicast;
mod unreliable;
mod view;

use crate::{
    admission::Admission,
    configuration::Configuration,
    defect::Defect,
    error::Drop,
    figures::{Figures, Rare},
    ids::{Ballot, Channel, GroupName, NodeId, Order},
    input::{Semantics, Service},
    output::{Event, Outbox, Warning},
    settings::Settings,
    time::Time,
    wire::{
        UNICAST, UNICAST_ACK, UNRELIABLE,
        control::{Ask, ControlEntry},
    },
};
use bytes::Bytes;
use changes::Merging;
use coordinator::Coordinator;
use local::Locals;
use std::collections::BTreeMap;
use table::Table;
use unicast::{MOST_EARLY, Unicasts};

/// What the machine may look at while it works.
pub(crate) struct Below<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    pub(crate) configuration: &'a Configuration,
    /// Delivered entries per rank, for `end`s in asks.
    pub(crate) delivered: &'a dyn Fn(u16) -> u64,
    /// The end of this node's own stream.
    pub(crate) sent: u64,
    /// How many messages of a channel still wait to be stamped, those included that this machine
    /// has put into `Todo::Queue` (they are to be in the sender's queue before `settle`).
    pub(crate) waiting: &'a dyn Fn(Channel) -> usize,
    /// False while the next configuration is being agreed: nothing can be asked or stamped.
    pub(crate) operational: bool,
    /// The application is so far behind that nothing is taken that can be refused.
    pub(crate) backlogged: bool,
}

/// What the machine wants done besides events, in order.
#[derive(Debug)]
pub(crate) enum Todo {
    /// Ask the leader, who is not this node: its own asks it answers itself.
    Ask(Ask),
    /// Stamp this control entry into this node's stream.
    Stamp(ControlEntry),
    /// A message for the sender's queue.
    Queue(Message),
    /// A frame (unicast, its acknowledgement) for one node.
    Send(NodeId, Bytes),
    /// A frame (unreliable) for all members of the configuration.
    Multicast(Bytes),
    /// Tell the operator.
    Warning(Warning),
}

/// A message on its way to the own stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) channel: Channel,
    pub(crate) local: u32,
    pub(crate) service: Service,
    pub(crate) body: Bytes,
}

impl Message {
    /// What it counts while it waits; more than its body, so that empty ones are bounded too.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.body.len()
    }
}

/// An application entry that the order delivers.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) origin: NodeId,
    /// Of the origin.
    pub(crate) rank: u16,
    pub(crate) channel: Channel,
    pub(crate) local: u32,
    pub(crate) number: u64,
    pub(crate) service: Service,
    /// For agreed and safe ones.
    pub(crate) order: Option<Order>,
    pub(crate) body: Bytes,
}

/// A member of this node in the table that nobody wants any more.
struct Ghost {
    life: u64,
    /// When its leave was asked, in this configuration.
    asked: Option<Time>,
}

/// Local members whose numbers are remembered, present or not.
const MAX_NUMBERS: usize = 65_536;

/// The machine.
pub(crate) struct Groups {
    admission: Box<dyn Admission>,
    table: Table,
    base: Ballot,
    /// While the tables of several classes are on their way.
    merging: Option<Merging>,
    locals: Locals,
    coordinator: Coordinator,
    unicasts: Unicasts,
    /// The last message's number, by local member.
    numbers: BTreeMap<u32, u64>,
    /// Whoever is not among them counts from here.
    first_number: u64,
    /// The last member's life: joins of this node's members, counted. What is asked for a member
    /// names its life, since copies come late, and the next one may have the same local number.
    lives: u64,
    ghosts: BTreeMap<(GroupName, u32), Ghost>,
    /// Bytes of messages that wait for a view.
    held: usize,
    /// Who goes on together, between the signal and the installation; sorted.
    survivors: Option<Vec<NodeId>>,
    leader: NodeId,
    checks_running: bool,
    due: Option<Time>,
}

/// The earlier of two moments that may never come.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    one.into_iter().chain(other).min()
}

impl Groups {
    pub(crate) fn new(settings: &Settings, admission: Box<dyn Admission>, base: Ballot) -> Self {
        Self {
            admission,
            table: Table::default(),
            base,
            merging: None,
            locals: Locals::default(),
            coordinator: Coordinator::default(),
            unicasts: Unicasts::default(),
            numbers: BTreeMap::new(),
            first_number: 0,
            lives: 0,
            ghosts: BTreeMap::new(),
            held: 0,
            survivors: None,
            leader: settings.node,
            checks_running: !settings.lacks(Defect::NoRunning),
            due: None,
        }
    }

    /// The configuration in which the table last became whole.
    pub(crate) fn base(&self) -> Ballot {
        self.base
    }

    /// Whether application messages may enter the stream (the tables are merged).
    pub(crate) fn is_whole(&self) -> bool {
        self.merging.is_none()
    }

    /// Bytes of charters, records, blobs and rows, of what waits to change them, and of unicasts that
    /// came early; and the most of it, with so many nodes.
    pub(crate) fn kept(&self, settings: &Settings, size: usize) -> (usize, usize) {
        let merging = self.merging.as_ref().map_or(0, Merging::bytes);
        let table = self.table.weight() + merging + self.coordinator.bytes();
        // The table; each class's, while they merge, and what is deferred; asked; flushed, with what
        // the first group may have besides.
        let tables = (5 + size) * settings.budget();
        (table + self.unicasts.early_bytes(), tables + size * MOST_EARLY)
    }

    /// Bytes of messages that wait for a next view, or for room on their way to one member.
    pub(crate) fn held(&self) -> usize {
        self.held + self.unicasts.waiting
    }

    // -- from the network, from members of the present configuration

    /// At the leader: `Join`, `Leave` and `Flushed` of a member (or of this node).
    pub(crate) fn ask(
        &mut self,
        below: &Below<'_>,
        from: NodeId,
        ask: Ask,
        figures: &mut Figures,
        todo: &mut Vec<Todo>,
    ) {
        let _ = todo; // what it leads to comes with `settle`, for a batch of asks together
        self.take_ask(below, from, ask, figures);
    }

    fn take_ask(&mut self, below: &Below<'_>, from: NodeId, ask: Ask, figures: &mut Figures) {
        if !below.operational || !below.configuration.is_led_here() {
            return figures.dropped(Drop::Stale);
        }
        if below.configuration.rank_of(from).is_none() {
            return figures.dropped(Drop::Stranger);
        }
        let table = self.merging.is_none().then_some(&self.table);
        if let Err(reason) = self.coordinator.ask(below.settings, table, from, ask) {
            figures.dropped(reason);
        }
    }

    /// A frame of kind unreliable, unicast or unicast acknowledgement; `body` follows version, kind
    /// and configuration tag. An error is counted by the engine.
    pub(crate) fn frame(
        &mut self,
        below: &Below<'_>,
        from: NodeId,
        kind: u8,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Drop> {
        match kind {
            // Neither has a window that withheld acknowledgements would close.
            UNRELIABLE | UNICAST if below.backlogged => Err(Drop::Limit),
            UNRELIABLE => self.take_unreliable(from, body, out),
            UNICAST => self.take_unicast(from, body, out),
            UNICAST_ACK => self.take_unicast_ack(below, from, body, todo),
            _ => Err(Drop::Malformed),
        }
    }

    // -- from the sender and the order

    /// A message enters the stream now: gives it its number and tells its sender (`Event::Sent`).
    /// `None` if its sender has been put out of its VS group meanwhile, or its view is gone.
    pub(crate) fn stamp(&mut self, message: &Message, out: &mut Outbox) -> Option<u64> {
        let group = self.locals.of_channel(message.channel)?;
        let inside = group.members.get(&message.local).is_some_and(|member| member.in_view);
        if !inside && group.semantics == Semantics::Vs {
            return None;
        }
        let view = group.view.as_ref().filter(|_| inside).map(|view| view.id);
        let number = self.next_number(message.local);
        let event = Event::Sent { number, view, service: message.service, to: None };
        let group = self.locals.of_channel(message.channel)?;
        group.tell(message.local, event, out);
        Some(number)
    }

    fn next_number(&mut self, local: u32) -> u64 {
        if self.numbers.len() >= MAX_NUMBERS && !self.numbers.contains_key(&local) {
            self.forget_numbers();
        }
        let number = self.numbers.entry(local).or_insert(self.first_number);
        *number += 1;
        *number
    }

    /// Of whom is no member now; whoever comes again counts on from the largest of them.
    fn forget_numbers(&mut self) {
        let here = |local: u32| {
            let mut groups = self.locals.all().into_iter().filter_map(|slot| self.locals.get(slot));
            groups.any(|group| group.members.contains_key(&local))
        };
        let gone: Vec<_> = self.numbers.keys().copied().filter(|&local| !here(local)).collect();
        for local in gone {
            let last = self.numbers.remove(&local).unwrap_or(0);
            self.first_number = self.first_number.max(last);
        }
    }

    /// A message is delivered; counts it in `figures.delivered` once for each member.
    pub(crate) fn message(&mut self, delivery: Delivery, figures: &mut Figures, out: &mut Outbox) {
        let Some(group) = self.locals.of_channel(delivery.channel) else { return };
        let Some(view) = &group.view else { return };
        let is_vs = group.semantics == Semantics::Vs;
        if is_vs && self.checks_running && !view.runs_at(delivery.rank) {
            return figures.saw(Rare::NotRunning);
        }
        if !is_vs && self.merging.is_some() {
            // After the signal of a configuration whose tables were not whole here before it: the
            // message was sent in a view that nobody has here.
            return figures.saw(Rare::NotRunning);
        }
        let from = crate::MemberId { node: delivery.origin, local: delivery.local };
        let Delivery { number, service, order, body, .. } = delivery;
        for local in group.in_view() {
            figures.delivered += 1;
            let (view, body) = (view.id, body.clone());
            group.tell(local, Event::Message { from, number, view, service, order, body }, out);
        }
    }

    /// A control entry (never `Grant`) is delivered. `after_signal`: of the old configuration, after
    /// its signal.
    pub(crate) fn control(
        &mut self,
        below: &Below<'_>,
        origin: u16,
        order: Order,
        entry: ControlEntry,
        after_signal: bool,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        self.take_control(below, origin, order, entry, after_signal, figures, out, todo);
    }

    // -- from membership

    /// The signal of the configuration, with the nodes that go on together.
    pub(crate) fn signal(&mut self, survivors: &[NodeId], out: &mut Outbox) {
        let mut survivors = survivors.to_vec();
        survivors.sort_unstable();
        self.survivors = Some(survivors);
        for slot in self.locals.all() {
            self.locals.busy.insert(slot);
            if let Some(local) = self.locals.get_mut(slot) {
                local.signal(self.leader, out);
            }
        }
    }

    /// `below.configuration` is installed. With several classes of ranks, this node stamps its table
    /// if it is the first of its class.
    pub(crate) fn install(
        &mut self,
        below: &Below<'_>,
        classes: &[Vec<u16>],
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        self.take_installation(below, classes, figures, out, todo);
    }

    // -- time

    /// Repeats asks and flush answers whose time has come, sends flush answers that have become
    /// possible, installs views that have become possible. Called at the end of every batch, too.
    pub(crate) fn settle(
        &mut self,
        below: &Below<'_>,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let _ = out;
        let mut due = self.unicasts.settle(below, todo);
        if below.operational {
            let busy: Vec<_> = self.locals.busy.iter().copied().collect();
            for slot in busy {
                due = earlier(due, self.settle_local(below, slot, figures, todo));
            }
            due = earlier(due, self.settle_ghosts(below, figures, todo));
            if below.configuration.is_led_here() {
                let table = self.merging.is_none().then_some(&self.table);
                due = earlier(due, self.coordinator.settle(below, table, figures, todo));
            }
        }
        self.due = due;
    }

    /// When `settle` is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.due
    }
}
