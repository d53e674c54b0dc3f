//! Named groups: tables, joins and leaves, flushes and views, unicast and unreliable messages
//! (docs/protocol.md sections 7 and 8).

use crate::{
    admission::Admission,
    configuration::Configuration,
    error::Error,
    figures::Figures,
    ids::{Ballot, Channel, GroupName, MemberId, NodeId, Order},
    input::{Join, Service},
    output::{Outbox, Warning},
    settings::Settings,
    time::Time,
    wire::control::{Ask, ControlEntry},
};
use bytes::Bytes;

/// What the machine may look at while it works.
pub(crate) struct Below<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    pub(crate) configuration: &'a Configuration,
    /// Delivered entries per rank, for `end`s in asks.
    pub(crate) delivered: &'a dyn Fn(u16) -> u64,
    /// The end of this node's own stream.
    pub(crate) sent: u64,
    /// How many messages of a channel still wait to be stamped.
    pub(crate) waiting: &'a dyn Fn(Channel) -> usize,
    /// False while the next configuration is being agreed: nothing can be asked or stamped.
    pub(crate) operational: bool,
}

/// What the machine wants done besides events, in order.
#[derive(Debug)]
pub(crate) enum Todo {
    /// Ask the leader (the engine hands it back to `Groups::ask` if this node leads).
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

/// An application entry that the order delivers.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) origin: NodeId,
    pub(crate) channel: Channel,
    pub(crate) local: u32,
    pub(crate) number: u64,
    pub(crate) service: Service,
    /// For agreed and safe ones.
    pub(crate) order: Option<Order>,
    pub(crate) body: Bytes,
}

/// The machine.
pub(crate) struct Groups {}

#[expect(unused_variables, reason = "an outline")]
impl Groups {
    pub(crate) fn new(settings: &Settings, admission: Box<dyn Admission>, base: Ballot) -> Self {
        Self {}
    }

    /// The configuration in which the table last became whole.
    pub(crate) fn base(&self) -> Ballot {
        todo!()
    }

    /// Whether application messages may enter the stream (the tables are merged).
    pub(crate) fn is_whole(&self) -> bool {
        todo!()
    }

    // -- from the application; an error changes nothing

    pub(crate) fn join(
        &mut self,
        below: &Below<'_>,
        join: Join,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        todo!()
    }

    pub(crate) fn leave(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        todo!()
    }

    /// Queues the message in the present view, or keeps it for the next one after a flush answer.
    /// (The engine has checked size and queue limits, which count `held` bytes too.)
    pub(crate) fn send(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        service: Service,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        todo!()
    }

    /// Bytes of messages that wait for a next view.
    pub(crate) fn held(&self) -> usize {
        todo!()
    }

    pub(crate) fn unicast(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        to: MemberId,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        todo!()
    }

    pub(crate) fn flush_ok(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        blob: Bytes,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        todo!()
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
        todo!()
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
    ) -> Result<(), crate::error::Drop> {
        todo!()
    }

    // -- from the sender and the order

    /// A message enters the stream now: gives it its number and tells its sender (`Event::Sent`).
    pub(crate) fn stamp(&mut self, message: &Message, out: &mut Outbox) -> u64 {
        todo!()
    }

    /// A message is delivered.
    pub(crate) fn message(&mut self, delivery: Delivery, figures: &mut Figures, out: &mut Outbox) {
        todo!()
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
        todo!()
    }

    // -- from membership

    /// The signal of the configuration, with the nodes that go on together.
    pub(crate) fn signal(&mut self, survivors: &[NodeId], out: &mut Outbox) {
        todo!()
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
        todo!()
    }

    pub(crate) fn close(&mut self, out: &mut Outbox) {
        todo!()
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
        todo!()
    }

    /// When `settle` is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
