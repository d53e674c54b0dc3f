//! How old configurations end: pure functions over the reports of a ballot's nodes, and the checks
//! of what peers claim.

use super::{MAX_EPOCH, follower::Installed};
use crate::{
    configuration::{Configuration, Peer},
    ids::{Ballot, NodeId},
    wire::control::{Plan, Report},
};
use std::collections::{BTreeMap, BTreeSet};

/// Clocks and numbers above this are refused, as in frames (`Position` has room for no more).
pub(super) const MAX_NUMBER: u64 = 1 << 48;

/// Whether `report` can be what `from` brings to `ballot`.
pub(super) fn is_report(report: &Report, from: NodeId, ballot: Ballot, max: usize) -> bool {
    let size = report.members.len();
    let distinct: BTreeSet<_> = report.members.iter().collect();
    let vectors = [&report.complete, &report.promises, &report.stable];
    report.configuration.epoch < ballot.epoch
        && report.base <= report.configuration
        && size <= max
        && distinct.len() == size
        && distinct.contains(&from)
        && vectors.iter().all(|vector| vector.len() == size)
        && vectors.iter().copied().flatten().all(|&number| number <= MAX_NUMBER)
}

/// Whether `plan` can be how the node with this report ends its configuration.
pub(super) fn is_plan(plan: &Plan, configuration: &Configuration, report: &Report) -> bool {
    let size = configuration.size();
    let is_survivor = |rank: &u16| plan.survivors.binary_search(rank).is_ok();
    let own = |vector: &[u64]| vector.get(usize::from(configuration.rank)).copied();
    plan.configuration == configuration.id
        && plan.survivors.is_sorted_by(|a, b| a < b)
        && plan.survivors.last().is_some_and(|&last| usize::from(last) < size)
        && is_survivor(&configuration.rank)
        && [&plan.target, &plan.promises, &plan.stable].iter().all(|vector| vector.len() == size)
        && plan.holders.len() == size
        && plan.holders.iter().all(is_survivor)
        && plan.target.iter().chain(&plan.promises).all(|&number| number <= MAX_NUMBER)
        && own(&plan.target) >= own(&report.complete)
}

/// Whether these can be the members and classes of a ballot of these nodes.
pub(super) fn is_installation(installed: &Installed, nodes: &BTreeSet<NodeId>) -> bool {
    let members = &installed.members;
    let named: BTreeSet<_> = members.iter().map(|peer| peer.node).collect();
    let mut ranks: Vec<_> = installed.classes.iter().flatten().copied().map(usize::from).collect();
    ranks.sort_unstable();
    members.len() == nodes.len()
        && named == *nodes
        && members.is_sorted_by_key(Peer::precedence)
        && ranks.iter().copied().eq(0..members.len())
}

/// Whether these can be the nodes of a ballot of epochs that this node can count.
pub(super) fn is_proposal(ballot: Ballot, nodes: &[NodeId], me: NodeId, max: usize) -> bool {
    let distinct: BTreeSet<_> = nodes.iter().collect();
    nodes.len() <= max
        && distinct.len() == nodes.len()
        && distinct.contains(&me)
        && distinct.contains(&ballot.proposer)
        && ballot.epoch < MAX_EPOCH
}

/// How each old configuration (`pasts`: its members) ends, given what its survivors have. `forget`
/// is a defect.
pub(super) fn plans(
    reports: &BTreeMap<NodeId, &Report>,
    pasts: &BTreeMap<Ballot, Vec<NodeId>>,
    proposer: NodeId,
    forget: bool,
) -> BTreeMap<Ballot, Plan> {
    let mut groups: BTreeMap<Ballot, BTreeMap<NodeId, &Report>> = BTreeMap::new();
    for (&node, &report) in reports {
        groups.entry(report.configuration).or_default().insert(node, report);
    }
    let ends = groups
        .into_iter()
        .filter_map(|(id, group)| Some((id, plan(id, &group, pasts.get(&id)?, proposer, forget))));
    ends.collect()
}

/// The end of one configuration: the join of what its survivors have is closed under dependency,
/// since each of them is (docs/protocol.md section 5).
fn plan(
    configuration: Ballot,
    group: &BTreeMap<NodeId, &Report>,
    members: &[NodeId],
    proposer: NodeId,
    forget: bool,
) -> Plan {
    let survivors: Vec<(u16, NodeId, &Report)> = (0..)
        .zip(members)
        .filter_map(|(rank, &node)| Some((rank, node, *group.get(&node)?)))
        .collect();
    let at = |vector: &[u64], origin: usize| vector.get(origin).copied().unwrap_or(0);
    let join = |pick: fn(&Report) -> &[u64], origin: usize| {
        survivors.iter().map(|&(_, _, report)| at(pick(report), origin)).max().unwrap_or(0)
    };
    let mut plan = Plan {
        configuration,
        survivors: survivors.iter().map(|&(rank, _, _)| rank).collect(),
        target: Vec::new(),
        holders: Vec::new(),
        promises: Vec::new(),
        stable: Vec::new(),
    };
    for (origin, node) in members.iter().enumerate() {
        let had = survivors.iter().map(|&(_, _, report)| at(&report.complete, origin));
        let departed = !group.contains_key(node);
        let target = if forget && departed { had.min() } else { had.max() }.unwrap_or(0);
        // Everybody reaches the proposer; the origin is the next best, it has no gaps.
        let holder = survivors
            .iter()
            .filter(|(_, _, report)| at(&report.complete, origin) >= target)
            .min_by_key(|&&(rank, holder, _)| (holder != proposer, holder != *node, rank));
        plan.target.push(target);
        plan.holders.push(holder.map_or(0, |&(rank, _, _)| rank));
        plan.promises.push(join(|report| &report.promises, origin));
        plan.stable.push(join(|report| &report.stable, origin));
    }
    plan
}

/// The members of the next configuration by rank, and the classes of those that hold the same
/// table: they come from one configuration, and theirs became whole in one.
pub(super) fn members(reports: &BTreeMap<NodeId, &Report>) -> (Vec<Peer>, Vec<Vec<u16>>) {
    let peers = reports.iter().map(|(&node, report)| Peer { node, priority: report.priority });
    let mut members: Vec<_> = peers.collect();
    members.sort_by_key(Peer::precedence);
    let mut classes: BTreeMap<(Ballot, Ballot), Vec<u16>> = BTreeMap::new();
    for (rank, peer) in (0..).zip(&members) {
        if let Some(report) = reports.get(&peer.node) {
            classes.entry((report.configuration, report.base)).or_default().push(rank);
        }
    }
    let mut classes: Vec<_> = classes.into_values().collect();
    classes.sort_unstable();
    (members, classes)
}
