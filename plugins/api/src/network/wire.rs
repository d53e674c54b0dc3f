//! Messages under way: FIFO channels from member to member, and one agreed order.

use super::clock::Clock;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// The channel that a message travels on; channels overtake one another freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Unicast { from: u32 },
    Fifo { from: u32 },
    Agreed,
}

/// What proves a message, and in which column it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Signed,
    /// By the module itself, under a key of its own.
    Sealed,
    /// The same, and it says only that a key has arrived.
    Acknowledgement,
}

/// A message on its way to one member.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) from: u32,
    pub(super) sealed: Rc<[u8]>,
    pub(super) kind: Kind,
    pub(super) clock: Clock,
    /// Grows with every send: ties in time are broken by it.
    pub(super) number: u64,
}

/// When a message is there: nanoseconds, then rounds where time stands still, then its number.
pub(super) type Arrival = (u64, u32, u64);

/// After everything.
pub(super) const END: Arrival = (u64::MAX, u32::MAX, u64::MAX);

impl Packet {
    fn arrival(&self) -> Arrival {
        let rounds = self.clock.rounds.saturating_add(self.clock.acknowledgement_rounds);
        (self.clock.time_ns, rounds, self.number)
    }
}

/// What waits for one member.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox(BTreeMap<Channel, VecDeque<Packet>>);

impl Inbox {
    pub(super) fn push(&mut self, channel: Channel, packet: Packet) {
        self.0.entry(channel).or_default().push_back(packet);
    }

    /// How many channels have something to deliver.
    pub(super) fn ready(&self) -> usize {
        self.0.len()
    }

    /// Takes the oldest message of the `index`-th channel that has one.
    pub(super) fn take(&mut self, index: usize) -> Option<Packet> {
        let channel = *self.0.keys().nth(index)?;
        self.take_from(channel)
    }

    /// When the next message is here, if there is one.
    pub(super) fn next_arrival(&self) -> Option<Arrival> {
        self.heads().map(|(arrival, _)| arrival).min()
    }

    /// Takes everything that is here by then, in order of arrival.
    pub(super) fn take_until(&mut self, end: Arrival) -> Vec<Packet> {
        let mut taken = Vec::new();
        while let Some((_, channel)) = self.heads().filter(|(at, _)| *at <= end).min() {
            taken.extend(self.take_from(channel));
        }
        taken
    }

    fn heads(&self) -> impl Iterator<Item = (Arrival, Channel)> {
        self.0.iter().filter_map(|(channel, queue)| Some((queue.front()?.arrival(), *channel)))
    }

    fn take_from(&mut self, channel: Channel) -> Option<Packet> {
        let queue = self.0.get_mut(&channel)?;
        let packet = queue.pop_front();
        if queue.is_empty() {
            self.0.remove(&channel);
        }
        packet
    }
}
