//! An installed configuration: its members by rank.

use crate::ids::{Ballot, ConfigurationTag, NodeId, NodeMap};
use serde::{Deserialize, Serialize};

/// A member of a configuration. Sorts by rank: highest priority first, then smallest id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Peer {
    /// Who.
    pub node: NodeId,
    /// The highest leads.
    pub priority: u32,
}

impl Peer {
    /// What peers are sorted by; the smallest leads.
    pub fn precedence(&self) -> (std::cmp::Reverse<u32>, NodeId) {
        (std::cmp::Reverse(self.priority), self.node)
    }
}

/// The set of nodes that this node agrees on with all of them.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The ballot that installed it.
    pub id: Ballot,
    /// Its members by rank; the first leads.
    pub members: Vec<Peer>,
    /// This node's rank.
    pub rank: u16,
    pub(crate) tag: ConfigurationTag,
    by_node: NodeMap<u16>,
}

impl Configuration {
    /// `members` in any order, without repetitions, `me` among them.
    pub(crate) fn new(overlay: &str, id: Ballot, mut members: Vec<Peer>, me: NodeId) -> Self {
        members.sort_by_key(Peer::precedence);
        let by_node = (0..).zip(&members).map(|(rank, peer)| (peer.node, rank)).collect();
        let tag = ConfigurationTag::new(overlay, id);
        let mut configuration = Self { id, members, rank: 0, tag, by_node };
        configuration.rank = configuration.rank_of(me).unwrap_or(0);
        configuration
    }

    /// The rank of `node`, if it is a member.
    pub fn rank_of(&self, node: NodeId) -> Option<u16> {
        self.by_node.get(&node).copied()
    }

    /// The node of a rank.
    pub fn node(&self, rank: u16) -> Option<NodeId> {
        self.members.get(usize::from(rank)).map(|p| p.node)
    }

    /// This node.
    pub fn me(&self) -> NodeId {
        self.members.get(usize::from(self.rank)).map_or(self.id.proposer, |p| p.node)
    }

    /// The node of rank 0.
    pub fn leader(&self) -> NodeId {
        self.members.first().map_or(self.id.proposer, |p| p.node)
    }

    /// Whether this node is the leader.
    pub fn is_led_here(&self) -> bool {
        self.rank == 0
    }

    /// How many members.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// All members' nodes, by rank.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.members.iter().map(|p| p.node)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Of one node.
    pub(crate) fn alone() -> Configuration {
        let node = NodeId { key: [3; 32], incarnation: 1 };
        let members = vec![Peer { node, priority: 0 }];
        Configuration::new("test", Ballot { epoch: 1, proposer: node }, members, node)
    }
}
