//! What the swarm's task shows to whoever asks for the status.

use libp2p::Multiaddr;
use std::collections::BTreeMap;

/// Written by the swarm's task only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    /// Where this node listens.
    pub(crate) listening: Vec<Multiaddr>,
    /// Addresses of linked peers and members, by key.
    pub(crate) addresses: BTreeMap<[u8; 32], Vec<Multiaddr>>,
    /// Peers in the address book.
    pub(crate) known: usize,
}
