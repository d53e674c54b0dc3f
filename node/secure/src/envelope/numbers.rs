//! Each message is accepted once: which numbers of a run are spent.
//!
//! A sender counts all its messages of a run, whatever they are and wherever they go. They reach
//! a member by three channels: multicasts in the sender's order, multicasts in agreed order, and
//! unicasts. The engine delivers each channel in the order of sending (group communication design,
//! sections 2 and 4) and nothing is assumed about the order between channels: a unicast may
//! overtake a multicast, and an agreed multicast waits for promises of others. Hence the rule:
//! *a number must be above the last one accepted from that sender on that channel*.
//!
//! - No message is accepted twice: on its channel numbers only grow, and it cannot come by another
//!   channel, since the channel follows from the destination, which is signed. Nor do two
//!   messages share a number: the sender has one count for all.
//! - No honest message is refused: a channel is delivered in order, so its numbers grow; gaps are
//!   those of other channels, other recipients, and messages refused before.
//! - It is bounded: three numbers a member, and no window to size. (A window over one common count
//!   would have to span whatever a sender unicasts to others between two messages to this member:
//!   thousands in a view of thousands.)
//! - A forged message spends nothing: a number is taken only after the signature was verified. A
//!   member that signs a huge number silences none but itself.

use super::wire::Fields;
use super::{Destination, EnvelopeError};
use cenacle_plugin::Order;

/// The way by which a message reached a member; each is in the order of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A multicast in the sender's order.
    Fifo,
    /// A multicast in agreed order.
    Agreed,
    /// A unicast to this member.
    Unicast,
}

impl From<Destination> for Channel {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::All(Order::Fifo) => Self::Fifo,
            Destination::All(Order::Agreed) => Self::Agreed,
            Destination::Member(_) => Self::Unicast,
        }
    }
}

/// The last numbers of one sender; 0 where none was accepted, so that 0 is never accepted itself.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    fifo: u32,
    agreed: u32,
    unicast: u32,
}

impl Last {
    fn on(&mut self, channel: Channel) -> &mut u32 {
        match channel {
            Channel::Fifo => &mut self.fifo,
            Channel::Agreed => &mut self.agreed,
            Channel::Unicast => &mut self.unicast,
        }
    }
}

/// The last number accepted from each sender on each channel, in one run.
#[derive(Clone, Debug)]
pub(super) struct Numbers(Vec<Last>);

impl Numbers {
    /// Nothing accepted yet from any of `members` senders.
    pub(super) fn new(members: usize) -> Self {
        Self(vec![Last::default(); members])
    }

    /// Whether the message's number is new; changes nothing.
    pub(super) fn check(&self, fields: Fields) -> Result<(), EnvelopeError> {
        let from = fields.from.into();
        let mut last =
            *self.0.get(usize::from(fields.from)).ok_or(EnvelopeError::UnknownSender { from })?;
        if fields.number > *last.on(fields.destination().into()) {
            Ok(())
        } else {
            Err(EnvelopeError::Replayed { from, number: fields.number })
        }
    }

    /// Spends the number, and with it all lower ones of the channel.
    pub(super) fn spend(&mut self, fields: Fields) {
        if let Some(last) = self.0.get_mut(usize::from(fields.from)) {
            *last.on(fields.destination().into()) = fields.number;
        }
    }
}
