//! What waits to enter this node's own stream, and the frames it becomes.

use crate::{
    groups::Message,
    ids::{Channel, ConfigurationTag},
    input::Service,
    streams::Streams,
    wire::{
        FRAME, PIECE,
        data::{Builder, DataFrame},
    },
};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// The channel of no group.
const NOBODY: Channel = Channel(0);

/// What the sender may do now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leave {
    /// Messages may enter (the group tables are whole).
    pub(crate) messages: bool,
    /// Ordered entries may.
    pub(crate) ordered: bool,
    /// Bytes not yet stable, and how many there may be.
    pub(crate) unstable: usize,
    pub(crate) window: usize,
    /// Lamport's clock.
    pub(crate) clock: u64,
}

/// The queues.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    control: VecDeque<Bytes>,
    control_bytes: usize,
    control_cut: usize,
    turn_back: Option<u64>,
    messages: VecDeque<Message>,
    /// Bytes of the first message that have gone as pieces.
    cut: usize,
    /// How many messages of each channel wait, and the weight of all.
    waiting: BTreeMap<Channel, usize>,
    bytes: usize,
    /// What the own stream's last frame told to be delivered, per rank.
    told: Vec<u64>,
}

impl Sender {
    /// A new configuration: what was cut begins again, what was control is void. True if a message
    /// was cut.
    pub(crate) fn begin(&mut self, size: usize) -> bool {
        self.control.clear();
        self.control_bytes = 0;
        self.control_cut = 0;
        self.turn_back = None;
        self.told = vec![0; size];
        std::mem::take(&mut self.cut) > 0
    }

    pub(crate) fn queue(&mut self, message: Message) {
        self.bytes += message.weight();
        *self.waiting.entry(message.channel).or_default() += 1;
        self.messages.push_back(message);
    }

    pub(crate) fn queue_control(&mut self, entry: Bytes) {
        self.control_bytes += entry.len();
        self.control.push_back(entry);
    }

    /// Gives the turn back behind what has been sent.
    pub(crate) fn queue_turn_back(&mut self, number: u64) {
        self.turn_back = Some(number);
    }

    /// How many messages of this channel have not entered the stream.
    pub(crate) fn waiting(&self, channel: Channel) -> usize {
        self.waiting.get(&channel).copied().unwrap_or(0)
    }

    /// The weight of the messages that have not entered the stream.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of control entries that have not entered the stream.
    pub(crate) fn control_bytes(&self) -> usize {
        self.control_bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.control.is_empty()
    }

    /// Whether the first message needs a turn.
    pub(crate) fn wants_turn(&self) -> bool {
        let ordered = |m: &Message| matches!(m.service, Service::Agreed | Service::Safe);
        !self.control.is_empty() || self.messages.front().is_some_and(ordered)
    }

    /// Packs one frame of what waits, as much as may go. `stamp` gives each message its number when
    /// its last piece enters.
    pub(crate) fn pack(
        &mut self,
        leave: Leave,
        streams: &Streams,
        (tag, me): (ConfigurationTag, u16),
        mut stamp: impl FnMut(&Message) -> Option<u64>,
    ) -> Option<DataFrame> {
        let mut builder = Builder::new();
        let reserve = leave.window + leave.window / 4;
        if leave.ordered && leave.unstable < reserve {
            self.pack_control(&mut builder);
        }
        if leave.messages && leave.unstable < leave.window {
            self.pack_messages(leave.ordered, &mut builder, &mut stamp);
        }
        if builder.size() < FRAME
            && let Some(number) = self.turn_back.take()
        {
            builder.turn_back(number);
        }
        if builder.count() == 0 {
            return None;
        }
        let dependencies = self.dependencies(streams, me);
        let first = streams.sent() + 1;
        let promise = leave.clock + u64::from(builder.ordered());
        Some(builder.finish(tag, me, first, (leave.clock, promise), &dependencies))
    }

    fn pack_control(&mut self, builder: &mut Builder) {
        while builder.size() < FRAME {
            let Some(entry) = self.control.front() else { break };
            let rest = entry.get(self.control_cut..).unwrap_or_default();
            if rest.len() > PIECE {
                let (piece, _) = rest.split_at(PIECE);
                builder.piece(true, piece);
                self.control_cut += PIECE;
            } else {
                builder.control(rest);
                self.control_bytes -= entry.len();
                self.control_cut = 0;
                self.control.pop_front();
            }
        }
    }

    fn pack_messages(
        &mut self,
        ordered: bool,
        builder: &mut Builder,
        stamp: &mut impl FnMut(&Message) -> Option<u64>,
    ) {
        while builder.size() < FRAME {
            let Some(message) = self.messages.front() else { break };
            if matches!(message.service, Service::Agreed | Service::Safe) && !ordered {
                break;
            }
            let rest = message.body.get(self.cut..).unwrap_or_default();
            if rest.len() > PIECE {
                let (piece, _) = rest.split_at(PIECE);
                builder.piece(false, piece);
                self.cut += PIECE;
                continue;
            }
            match stamp(message) {
                Some(number) => {
                    let from = (message.channel, message.local, number);
                    builder.message(from, message.service, rest);
                }
                // Its sender is gone. Pieces of it that have entered need an end, for nobody.
                None if self.cut > 0 => builder.message((NOBODY, 0, 0), Service::Fifo, &[]),
                None => {}
            }
            self.cut = 0;
            self.sent_first();
        }
    }

    fn sent_first(&mut self) {
        let Some(message) = self.messages.pop_front() else { return };
        self.bytes -= message.weight();
        if let Some(waiting) = self.waiting.get_mut(&message.channel) {
            *waiting -= 1;
            if *waiting == 0 {
                self.waiting.remove(&message.channel);
            }
        }
    }

    /// What has been delivered since the last frame of ours.
    fn dependencies(&mut self, streams: &Streams, me: u16) -> Vec<(u16, u64)> {
        let mut changed = Vec::new();
        for ((rank, stream), told) in streams.ranks().zip(&mut self.told) {
            if rank != me && stream.delivered() > *told {
                *told = stream.delivered();
                changed.push((rank, *told));
            }
        }
        changed
    }
}
