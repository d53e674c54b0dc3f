//! Gossip: for configurations too large for a stream to each, and for nodes that cannot be reached
//! otherwise. gossipsub carries envelopes; what is in them is checked here, once for each.

use crate::{
    announce::Origins,
    desk::{Arrived, Parcel},
    envelope::{Audience, Envelope, OVERHEAD, PER_FRAME},
    error::Error,
    events::Waiting,
    keys,
    shared::Shared,
    status::Drop,
};
use bytes::Bytes;
use libp2p::{
    PeerId,
    gossipsub::{
        self, Behaviour, ConfigBuilder, IdentTopic, Message, MessageAcceptance,
        MessageAuthenticity, MessageId, PublishError, ValidationMode, WhitelistSubscriptionFilter,
    },
};
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

/// gossipsub with the overlay's own topic and no other.
pub(crate) type Gossipsub = Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

/// Frames are packed up to this: a gossiped message costs 40 to 200 µs whatever its size.
pub(crate) const PACK: usize = 128 << 10;
/// gossipsub keeps so many heartbeats of messages for who missed them.
const HISTORY: usize = 3;
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Bytes of others' messages within that time; more are not taken, so that gossipsub's memory is
/// bounded whoever floods.
const MEMORY: usize = 64 << 20;
/// Messages that wait for one peer in gossipsub's queues: with [`PACK`] 8 MiB.
const QUEUE: usize = 64;
/// A peer that passes on so many messages which cannot be right is not listened to any more.
const PATIENCE: u32 = 16;

/// The gossip of one node.
pub(crate) struct Gossip {
    topic: IdentTopic,
    sequence: u64,
    origins: Origins,
    taken: VecDeque<(Instant, usize)>,
    taken_bytes: usize,
    offences: BTreeMap<PeerId, u32>,
    waiting: Waiting,
}

impl Gossip {
    /// The topic derives from the overlay's secret, or from its name where there is none.
    pub(crate) fn new(shared: &Shared) -> Self {
        let topic = blake3::derive_key("cenacle 2026 overlay gossip topic v1", &shared.entry.tag);
        let topic = blake3::Hash::from_bytes(topic).to_hex();
        Self {
            topic: IdentTopic::new(format!("cenacle/1/{topic}")),
            sequence: 0,
            origins: Origins::new(shared.limits.max_known),
            taken: VecDeque::new(),
            taken_bytes: 0,
            offences: BTreeMap::new(),
            waiting: Waiting::default(),
        }
    }

    /// gossipsub, subscribed.
    pub(crate) fn behaviour(&self, shared: &Shared) -> Result<Gossipsub, Error> {
        let failed = |detail: String| Error::Transport { what: "gossip", detail };
        let config = ConfigBuilder::default()
            // Messages are signed inside, see `envelope.rs`.
            .validation_mode(ValidationMode::Anonymous)
            .validate_messages()
            .message_id_fn(|message| MessageId::new(blake3::hash(&message.data).as_bytes()))
            // A frame of the largest size travels whole.
            .max_transmit_size(shared.limits.max_frame + OVERHEAD + PER_FRAME + (4 << 10))
            .heartbeat_interval(HEARTBEAT)
            .heartbeat_initial_delay(Duration::from_millis(100))
            .history_length(HISTORY)
            .history_gossip(HISTORY - 1)
            // Each node has two or three neighbours in the mesh and passes a message on to those that
            // it did not come from: bytes stay near twice the payload. Who lacks a message is told of
            // it by others at the next heartbeats, and the engine asks for what is missing besides.
            .mesh_n(3)
            .mesh_n_low(2)
            .mesh_n_high(4)
            .mesh_outbound_min(1)
            .gossip_lazy(3)
            .flood_publish(false)
            .connection_handler_queue_len(QUEUE)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let filter = WhitelistSubscriptionFilter(HashSet::from([self.topic.hash()]));
        let mut behaviour =
            Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
                .map_err(|error| failed(error.to_owned()))?;
        behaviour.subscribe(&self.topic).map_err(|error| failed(error.to_string()))?;
        Ok(behaviour)
    }

    /// Publishes a parcel of this node.
    pub(crate) fn publish(&mut self, shared: &Shared, behaviour: &mut Gossipsub, parcel: Parcel) {
        self.sequence += 1;
        let frames = parcel.frames.len();
        let bytes = parcel.frames.iter().map(Bytes::len).sum();
        let envelope = Envelope {
            origin: shared.node,
            sequence: self.sequence,
            audience: parcel.to.map_or(Audience::Members, Audience::One),
            record: Bytes::new(),
            frames: parcel.frames,
        };
        let sealed = match envelope.seal(&shared.identity, &shared.entry.tag) {
            Ok(sealed) => sealed,
            Err(error) => return log::error!("cannot gossip: {error}"),
        };
        match behaviour.publish(self.topic.clone(), sealed) {
            Ok(_) => shared.figures.sent(frames, bytes),
            Err(error) => {
                let reason = match error {
                    PublishError::NoPeersSubscribedToTopic => Drop::Unreachable,
                    PublishError::MessageTooLarge => Drop::TooLarge,
                    PublishError::AllQueuesFull(_) => Drop::GossipFull,
                    _ => Drop::Malformed,
                };
                shared.figures.dropped_many(reason, frames as u64);
                log::debug!("not gossiped: {error}");
            }
        }
    }

    /// A message of others, new to gossipsub: checked, handed up, and passed on if it is right.
    pub(crate) fn receive(
        &mut self,
        shared: &Shared,
        behaviour: &mut Gossipsub,
        source: &PeerId,
        id: &MessageId,
        message: Message,
    ) {
        let verdict = self.check(shared, message.data.into());
        let acceptance = match verdict {
            Ok(()) => MessageAcceptance::Accept,
            Err(reason) => {
                shared.figures.dropped(reason);
                match reason {
                    // An honest peer passes none of these on.
                    Drop::Malformed | Drop::Signature | Drop::TooLarge | Drop::NotAdmitted => {
                        self.offended(shared, behaviour, source);
                        MessageAcceptance::Reject
                    }
                    _ => MessageAcceptance::Ignore,
                }
            }
        };
        behaviour.report_message_validation_result(id, source, acceptance);
    }

    fn check(&mut self, shared: &Shared, data: Bytes) -> Result<(), Drop> {
        let (origin, sequence, audience) = Envelope::peek(&data).ok_or(Drop::Malformed)?;
        if origin.key == shared.node.key || audience == Audience::Everyone {
            return Err(Drop::Replayed);
        }
        self.origins.check(&origin, sequence)?;
        self.make_room(data.len())?;
        let envelope = Envelope::open(&data, &shared.entry.tag, shared.limits.max_frame)?;
        if !keys::peer_of(&origin.key).is_some_and(|peer| shared.entry.allows(&peer)) {
            return Err(Drop::NotAdmitted);
        }
        self.origins.take(&origin, sequence)?;
        self.taken.push_back((Instant::now(), data.len()));
        self.taken_bytes += data.len();
        if !envelope.record.is_empty() {
            shared.desk.record(Arrived { record: envelope.record, from: origin });
        }
        let for_us = match audience {
            Audience::One(node) => node == shared.node,
            Audience::Members | Audience::Everyone => true,
        };
        if for_us {
            // The swarm's task cannot wait for the engine; the engine asks again for what is lost.
            if shared.inbox.is_roomy(&self.waiting) {
                shared.frames(origin, envelope.frames, &self.waiting);
            } else {
                shared.figures.dropped_many(Drop::GossipFull, envelope.frames.len() as u64);
            }
        }
        Ok(())
    }

    fn make_room(&mut self, bytes: usize) -> Result<(), Drop> {
        let history = HEARTBEAT * u32::try_from(HISTORY + 1).unwrap_or(u32::MAX);
        while let Some((when, size)) = self.taken.front() {
            if when.elapsed() < history {
                break;
            }
            self.taken_bytes -= size;
            self.taken.pop_front();
        }
        if self.taken_bytes + bytes > MEMORY { Err(Drop::GossipFull) } else { Ok(()) }
    }

    fn offended(&mut self, shared: &Shared, behaviour: &mut Gossipsub, source: &PeerId) {
        let offences = self.offences.entry(*source).or_default();
        *offences += 1;
        if *offences == PATIENCE {
            behaviour.blacklist_peer(source);
            let detail = format!(
                "peer {source} passes on gossip that cannot be right; this node does not listen to \
                 its gossip any more"
            );
            shared.warn("gossip", Some(*source), detail);
        }
        if self.offences.len() > shared.limits.max_known {
            self.offences.pop_first();
        }
    }
}
