//! Several machines in an in-memory net, in virtual time.

mod ballots;
mod detection;
mod effects;
mod merging;
mod net;
mod refusals;

use crate::ids::NodeId;

/// A node whose id is its number: without priorities, lower numbers lead.
pub(super) fn node(number: u8) -> NodeId {
    NodeId { key: [number; 32], incarnation: 1 }
}
