//! A picture of the whole node at one moment.

use super::desk::Desk;
use super::event::State;
use super::shared::Shared;
use cenacle_core::{
    Ballot, Configuration, Drop, Engine, Figures, GroupName, MemberId, Memory, NodeId, ViewId,
};
use cenacle_net::Network;
use cenacle_secure::Stack;
use std::collections::BTreeMap;

/// What a node is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// This node.
    pub node: NodeId,
    /// The installed configuration.
    pub configuration: Ballot,
    /// Its members by rank; the first leads.
    pub members: Vec<NodeId>,
    /// Whether no next configuration is being agreed.
    pub operational: bool,
    /// The groups that this node's members are in.
    pub groups: Vec<GroupStatus>,
    /// Peers, addresses, queues, drops by reason.
    pub network: cenacle_net::Status,
    /// What the engine has counted.
    pub figures: Figures,
    /// Warnings of groups with keys, by reason.
    pub secure: BTreeMap<&'static str, u64>,
    /// What the engine holds in memory.
    pub memory: Memory,
    /// The weight of the events that the application has not read.
    pub unread: usize,
    /// Notices that were dropped since nobody read them.
    pub notices_dropped: u64,
}

impl Status {
    /// The node of rank 0.
    pub fn leader(&self) -> NodeId {
        self.members.first().copied().unwrap_or(self.node)
    }

    /// Drops by reason, those that occurred: the engine's, the network's, those of groups with keys.
    pub fn drops(&self) -> Vec<(&'static str, &'static str, u64)> {
        let engine =
            Drop::ALL.iter().map(|reason| ("engine", reason.as_str(), self.figures.drops(*reason)));
        let network = self.network.drops.iter();
        let network = network.map(|(reason, count)| ("network", reason.as_str(), *count));
        let secure = self.secure.iter().map(|(reason, count)| ("secure", *reason, *count));
        engine.chain(network).chain(secure).filter(|(_, _, count)| *count > 0).collect()
    }
}

/// One member of this node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupStatus {
    /// The group.
    pub name: GroupName,
    /// The member.
    pub member: MemberId,
    /// How it stands.
    pub state: State,
    /// Its view, if there is one.
    pub view: Option<ViewId>,
    /// The view's members by seniority.
    pub members: Vec<MemberId>,
    /// The weight of the events that are not read.
    pub unread: usize,
    /// Bytes of messages that wait for room in the engine.
    pub queued: usize,
}

pub(crate) fn gather(stack: &Stack, network: &Network, shared: &Shared, desk: &Desk) -> Status {
    let engine: &Engine = stack.engine();
    let configuration: &Configuration = engine.configuration();
    let groups = desk.seats().map(|(seat, state)| {
        let view = seat.view();
        GroupStatus {
            name: seat.group.clone(),
            member: seat.member,
            state: state.unwrap_or(State::Offline),
            view: view.as_ref().map(|view| view.id),
            members: view.map(|view| view.members.clone()).unwrap_or_default(),
            unread: seat.unread(),
            queued: seat.queued(),
        }
    });
    Status {
        node: shared.node,
        configuration: configuration.id,
        members: configuration.nodes().collect(),
        operational: engine.is_operational(),
        groups: groups.collect(),
        network: network.status(),
        figures: engine.figures().clone(),
        secure: stack.warned().clone(),
        memory: engine.memory(),
        unread: shared.unread(),
        notices_dropped: shared.notices.dropped(),
    }
}
