//! What a network is told at the start, and every limit with its reason.

use crate::{admission::Admission, error::Error, identity::Identity, state::StateFolder};
use libp2p::Multiaddr;
use std::time::Duration;

/// How a frame for everyone travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dissemination {
    /// Directly in small configurations, by gossip in larger ones ([`Limits::direct_up_to`]).
    #[default]
    Auto,
    /// A stream to each node, always.
    Direct,
    /// Over the gossip, always.
    Gossip,
}

/// Who this node is and how it finds the others.
#[derive(Debug)]
pub struct Settings {
    /// The overlay's name, 1 to 64 bytes without control characters; another one is refused.
    pub overlay: String,
    /// This node's key.
    pub identity: Identity,
    /// Where incarnation and addresses are kept; nothing is kept without.
    pub state: Option<StateFolder>,
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// Addresses to begin with.
    pub bootstrap: Vec<Multiaddr>,
    /// Look for peers of the local network.
    pub mdns: bool,
    /// Who may take part.
    pub admission: Admission,
    /// How multicasts travel.
    pub dissemination: Dissemination,
    /// Also carry connections of peers that cannot reach each other.
    pub relay: bool,
    /// Bounds of everything.
    pub limits: Limits,
}

impl Settings {
    /// The defaults: direct or gossip by size, no discovery but `bootstrap`, listening nowhere.
    pub fn new(overlay: impl Into<String>, identity: Identity, admission: Admission) -> Self {
        Self {
            overlay: overlay.into(),
            identity,
            state: None,
            listen: Vec::new(),
            bootstrap: Vec::new(),
            mdns: false,
            admission,
            dissemination: Dissemination::Auto,
            relay: false,
            limits: Limits::default(),
        }
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let name = &self.overlay;
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            return Err(Error::Settings(
                "an overlay's name has 1 to 64 bytes and no control characters",
            ));
        }
        self.limits.check()
    }
}

/// Bounds of everything; the defaults suit a few hundred nodes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the largest frame. The engine's largest are control frames of 1 MiB; a frame above
    /// the limit is dropped and counted at the sender, a stream that announces one is closed.
    pub max_frame: usize,
    /// Bytes that wait for one peer. Two windows of the engine, so that only a peer that is
    /// stalled loses frames.
    pub peer_queue: usize,
    /// Bytes that wait for the engine, from all peers. The engine reads at hundreds of MB/s; this
    /// bridges a tenth of a second.
    pub inbox: usize,
    /// Bytes of one peer among these: one peer that floods leaves room for the others.
    pub inbox_per_peer: usize,
    /// Time for a transport's handshake together with the admission. Ten round trips at 300 ms are
    /// 3 s; a peer that takes longer is of no use.
    pub handshake: Duration,
    /// Time for the first answer of a dialled address. A round trip is below this even by satellite;
    /// a lost packet is repeated by the next dial sooner than by the kernel.
    pub connect: Duration,
    /// Connections in all: one a peer, and some for changes over.
    pub max_connections: u32,
    /// Connections of one peer: two by a simultaneous dial; and after a cut both sides may have four
    /// dials under way that all come through.
    pub max_connections_per_peer: u32,
    /// Connections that have not been admitted yet, each direction: those of a cold start at once.
    pub max_pending: u32,
    /// Streams of one connection, each of which may hold 256 KiB: frames, gossip, ping, identify
    /// both ways are ten, the rest is for circuits through a relay.
    pub max_streams: usize,
    /// Bytes that one connection may have received and not read: the receive windows of its
    /// streams. At least 256 KiB for each stream.
    pub receive_window: usize,
    /// Addresses in one peer's record: listeners times interfaces, and circuits.
    pub max_addresses: usize,
    /// Peers in the address book; the longest unseen is forgotten.
    pub max_known: usize,
    /// Peers that are warned of by name; the rest is only counted.
    pub max_warned: usize,
    /// With more members than this, `auto` gossips. A guess from counting bytes: a direct multicast
    /// costs its sender one copy a member, the gossip costs everyone about two copies.
    pub direct_up_to: usize,
    /// Bytes that wait to be gossiped.
    pub gossip_queue: usize,
    /// How often a peer that was lost lately is dialled again, and for how long.
    pub redial: Duration,
    /// How long a lost peer counts as lost lately.
    pub redial_fast_for: Duration,
    /// The longest pause between two dials of the same peer.
    pub redial_slowest: Duration,
    /// Connections to nodes outside the configuration that carry nothing are closed after this.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 1 << 20,
            peer_queue: 8 << 20,
            inbox: 32 << 20,
            inbox_per_peer: 8 << 20,
            handshake: Duration::from_secs(5),
            connect: Duration::from_millis(1000),
            max_connections: 2048,
            max_connections_per_peer: 8,
            max_pending: 256,
            max_streams: 64,
            receive_window: 16 << 20,
            max_addresses: 16,
            max_known: 1024,
            max_warned: 64,
            direct_up_to: 16,
            gossip_queue: 8 << 20,
            redial: Duration::from_millis(200),
            redial_fast_for: Duration::from_secs(60),
            redial_slowest: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        }
    }
}

impl Limits {
    fn check(&self) -> Result<(), Error> {
        if self.receive_window < self.max_streams.saturating_mul(256 << 10) {
            return Err(Error::Settings(
                "receive_window is at least 256 KiB for each of max_streams",
            ));
        }
        if self.max_frame == 0 || self.max_frame > 16 << 20 {
            return Err(Error::Settings("max_frame is between 1 byte and 16 MiB"));
        }
        if self.peer_queue < self.max_frame || self.inbox_per_peer < self.max_frame {
            return Err(Error::Settings("peer_queue and inbox_per_peer hold at least max_frame"));
        }
        if self.inbox < self.inbox_per_peer || self.gossip_queue < self.max_frame {
            return Err(Error::Settings(
                "inbox holds at least inbox_per_peer, gossip_queue at least max_frame",
            ));
        }
        Ok(())
    }
}
