//! What a network tells of itself.

use cenacle_core::NodeId;
use libp2p::{Multiaddr, PeerId};
use std::time::Duration;

/// A picture of the network at one moment.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Where this node listens.
    pub listening: Vec<Multiaddr>,
    /// The peers: connected ones, and members of the configuration that are not.
    pub peers: Vec<Peer>,
    /// How multicasts travel now.
    pub gossip: bool,
    /// Drops since the start, those that occurred, by reason.
    pub drops: Vec<(Drop, u64)>,
    /// Frames handed to the engine.
    pub frames_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Frames given out, counted once for each peer or gossip message they went to.
    pub frames_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Bytes that wait for the engine.
    pub inbox_bytes: usize,
    /// Bytes that wait to be gossiped.
    pub gossip_bytes: usize,
    /// Peers in the address book.
    pub known: usize,
}

/// How frames reach a peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Path {
    /// A connection of our own over TCP.
    Tcp,
    /// A connection of our own over QUIC.
    Quic,
    /// A circuit through another peer.
    Relay,
    /// Only the gossip.
    Gossip,
    /// Not at all.
    None,
}

impl Path {
    /// A word for figures and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
            Self::Relay => "relay",
            Self::Gossip => "gossip",
            Self::None => "none",
        }
    }
}

/// One peer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Who.
    pub node: NodeId,
    /// Its key as libp2p spells it.
    pub peer_id: PeerId,
    /// Where it can be reached, as far as known.
    pub addresses: Vec<Multiaddr>,
    /// How frames go to it.
    pub path: Path,
    /// Whether it is in the configuration.
    pub member: bool,
    /// The last measured round trip.
    pub round_trip: Option<Duration>,
    /// Bytes that wait for it.
    pub queue_bytes: usize,
}

/// Why something was dropped or refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Drop {
    /// A peer's queue was full.
    QueueFull,
    /// The queue of the gossip was full, or gossip did not take it.
    GossipFull,
    /// No way to the node.
    Unreachable,
    /// A frame above the limit, ours or a peer's.
    TooLarge,
    /// What cannot be decoded.
    Malformed,
    /// A signature that does not hold.
    Signature,
    /// Seen before.
    Replayed,
    /// Of an origin that is not admitted.
    NotAdmitted,
    /// A peer that could not prove that it belongs here.
    Admission,
    /// A peer of another overlay.
    Overlay,
    /// A peer of a version that is not spoken here.
    Version,
    /// A handshake that took too long or broke off.
    Handshake,
    /// An older life of a node whose newer one is here.
    Superseded,
    /// A connection above the limits.
    Connections,
    /// Waited in a queue whose peer went away.
    PeerGone,
    /// A warning, since the engine does not read.
    Events,
}

impl Drop {
    /// All reasons, for counting.
    pub const ALL: [Self; 16] = [
        Self::QueueFull,
        Self::GossipFull,
        Self::Unreachable,
        Self::TooLarge,
        Self::Malformed,
        Self::Signature,
        Self::Replayed,
        Self::NotAdmitted,
        Self::Admission,
        Self::Overlay,
        Self::Version,
        Self::Handshake,
        Self::Superseded,
        Self::Connections,
        Self::PeerGone,
        Self::Events,
    ];

    /// A word for figures and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::GossipFull => "gossip_full",
            Self::Unreachable => "unreachable",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Replayed => "replayed",
            Self::NotAdmitted => "not_admitted",
            Self::Admission => "admission",
            Self::Overlay => "overlay",
            Self::Version => "version",
            Self::Handshake => "handshake",
            Self::Superseded => "superseded",
            Self::Connections => "connections",
            Self::PeerGone => "peer_gone",
            Self::Events => "events",
        }
    }
}

impl std::fmt::Display for Drop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
