//! Views: what an `InstallView` (VS), or a change of the table or configuration (EVS), gives to this
//! node's members.

use super::{Below, Groups, Todo, local::Held};
use crate::{
    configuration::Configuration,
    defect::Defect,
    error::Drop,
    figures::{Figures, Rare},
    ids::{Channel, GroupName, MemberId, NodeId, Order, ViewId},
    input::Semantics,
    output::{Class, Event, Outbox, View},
    streams::Ranks,
    wire::control::InstallView,
};
use bytes::Bytes;
use std::collections::BTreeSet;

/// The present view of a group at this node.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) id: ViewId,
    pub(super) channel: Channel,
    sorted: Vec<MemberId>,
    /// The nodes that have moved together with this one since then, sorted.
    pub(super) running: Vec<NodeId>,
    /// Their ranks in the installed configuration.
    running_ranks: Ranks,
}

impl Current {
    fn new(
        group: &GroupName,
        id: ViewId,
        members: &[MemberId],
        configuration: &Configuration,
    ) -> Self {
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        let mut running: Vec<_> = sorted.iter().map(|member| member.node).collect();
        running.dedup();
        let running_ranks = ranks(&running, configuration);
        Self { id, channel: Channel::of_view(group, id), sorted, running, running_ranks }
    }

    pub(super) fn has(&self, member: MemberId) -> bool {
        self.sorted.binary_search(&member).is_ok()
    }

    pub(super) fn runs(&self, node: NodeId) -> bool {
        self.running.binary_search(&node).is_ok()
    }

    /// Whether the node of this rank runs; asked for every message.
    pub(super) fn runs_at(&self, rank: u16) -> bool {
        self.running_ranks.has(rank)
    }

    /// A configuration is installed. If only some of the previous one's nodes moved to it, these are
    /// they, sorted.
    pub(super) fn moved_on(&mut self, survivors: Option<&[NodeId]>, configuration: &Configuration) {
        if let Some(survivors) = survivors {
            self.running.retain(|node| survivors.binary_search(node).is_ok());
        }
        self.running_ranks = ranks(&self.running, configuration);
    }
}

fn ranks(nodes: &[NodeId], configuration: &Configuration) -> Ranks {
    let mut ranks = Ranks::new(configuration.size());
    for rank in nodes.iter().filter_map(|&node| configuration.rank_of(node)) {
        ranks.set(rank, true);
    }
    ranks
}

/// A view on its way to this node's members.
struct Next {
    group: GroupName,
    view: View,
    after_signal: bool,
}

impl Groups {
    /// An `InstallView` at its place in the order.
    pub(super) fn take_view(
        &mut self,
        below: &Below<'_>,
        order: Order,
        mut entry: InstallView,
        after_signal: bool,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let any = below.settings.lacks(Defect::AnyRound);
        let due = self.table.pending.contains(&entry.group);
        let group =
            self.table.groups.get_mut(&entry.group).filter(|g| {
                g.semantics == Semantics::Vs && (any || (due && g.round == entry.round))
            });
        let Some(group) = group.filter(|_| self.merging.is_none()) else {
            return figures.saw(Rare::ViewOfOtherRound);
        };
        let members = group.members();
        let Some(classes) = classes(&mut entry, &members) else {
            return figures.dropped(Drop::Malformed);
        };
        let mut blobs: Vec<_> =
            group.rows.iter_mut().map(|row| std::mem::take(&mut row.blob)).collect();
        for (index, blob) in entry.blobs {
            if let Some(place) = blobs.get_mut(index as usize) {
                *place = blob;
            }
        }
        let view = View {
            id: ViewId { order, proposer: below.configuration.id.proposer },
            configuration: below.configuration.id,
            semantics: Semantics::Vs,
            blobs: said(&members, blobs),
            members,
            transitional: Vec::new(),
            classes,
            charter: group.charter.clone(),
            record: group.record.clone(),
        };
        self.table.pending.remove(&entry.group);
        self.coordinator.view_delivered(&entry.group);
        if self.comes_from(below.configuration.me(), &entry.group, &view.classes) {
            if after_signal {
                figures.saw(Rare::ViewAfterSignal);
            }
            let next = Next { group: entry.group, view, after_signal };
            self.give_view(below, next, figures, out, todo);
        }
    }

    /// Whether this node has members in the view, and what it says of their previous view is so.
    fn comes_from(&self, me: NodeId, group: &GroupName, classes: &[Class]) -> bool {
        let Some(local) = self.locals.named(group) else { return false };
        let present = local.view.as_ref().map(|view| view.id);
        let mut any = false;
        for class in classes {
            for member in class.members.iter().filter(|member| member.node == me) {
                let Some(here) = local.members.get(&member.local).filter(|m| m.joined) else {
                    continue;
                };
                any = true;
                if class.previous != present.filter(|_| here.in_view) {
                    return false;
                }
            }
        }
        any
    }

    /// The next view of an EVS group, from the table.
    pub(super) fn renew_evs(
        &mut self,
        below: &Below<'_>,
        name: &GroupName,
        order: Order,
        after_signal: bool,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let Some(group) = self.table.groups.get_mut(name) else { return };
        let members = group.members();
        // Every node forgets them, whether it has members or not: tables stay alike.
        let blobs = group.rows.iter_mut().map(|row| std::mem::take(&mut row.blob)).collect();
        let Some(local) = self.locals.named(name) else { return };
        let previous = local.view.as_ref().filter(|_| local.in_view().next().is_some());
        let moved = |member: &MemberId| {
            previous.is_some_and(|view| view.has(*member) && view.runs(member.node))
        };
        let (together, alone): (Vec<_>, Vec<_>) = members.iter().partition(|m| moved(m));
        let mut classes: Vec<_> =
            alone.into_iter().map(|m| Class { previous: None, members: vec![m] }).collect();
        if !together.is_empty() {
            let first = together.first().and_then(|m| members.iter().position(|n| n == m));
            let before =
                |c: &Class| members.iter().position(|n| c.members.first() == Some(n)) < first;
            let at = classes.iter().take_while(|c| before(c)).count();
            classes.insert(at, Class { previous: previous.map(|v| v.id), members: together });
        }
        let view = View {
            id: ViewId { order, proposer: below.configuration.id.proposer },
            configuration: below.configuration.id,
            semantics: Semantics::Evs,
            blobs: said(&members, blobs),
            members,
            transitional: Vec::new(),
            classes,
            charter: group.charter.clone(),
            record: group.record.clone(),
        };
        let next = Next { group: name.clone(), view, after_signal };
        self.give_view(below, next, figures, out, todo);
    }

    /// Tells the members, then lets go what waited for this view; a view that comes after the
    /// configuration's signal gets its own at once.
    fn give_view(
        &mut self,
        below: &Below<'_>,
        next: Next,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let Next { group, mut view, after_signal } = next;
        let Some(slot) = self.locals.slot(&group) else { return };
        let Some(local) = self.locals.get_mut(slot) else { return };
        let me = below.configuration.me();
        if below.settings.lacks(Defect::RecomputeTransitional) {
            recompute(&mut view, local.view.as_ref());
        }
        local.answered = None;
        let mut joined = local.members.iter_mut().filter(|(_, m)| m.joined).peekable();
        if joined.peek().is_none() {
            return;
        }
        for (&local, member) in joined {
            member.in_view = true;
            member.flushed = None;
            let own = MemberId { node: me, local };
            let class = view.classes.iter().find(|class| class.members.contains(&own));
            view.transitional = class.map_or_else(|| vec![own], |class| class.members.clone());
            let event = Event::View(Box::new(view.clone()));
            out.push(crate::Output::Event { group: group.clone(), local, event });
        }
        let current = Current::new(&group, view.id, &view.members, below.configuration);
        let channel = current.channel;
        if let Some(old) = self.locals.set_view(slot, Some(current)) {
            self.unicasts.retire(old);
        }
        self.deliver_early(channel, out);
        self.release(below, slot, figures, out, todo);
        if after_signal && let Some(local) = self.locals.get_mut(slot) {
            local.signal(self.leader, out);
        }
    }

    /// What members said while they had no view to say it in.
    fn release(
        &mut self,
        below: &Below<'_>,
        slot: usize,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let Some(local) = self.locals.get_mut(slot) else { return };
        let members = local.members.iter_mut().filter(|(_, m)| m.in_view);
        let held: Vec<_> = members.map(|(&l, m)| (l, std::mem::take(&mut m.held))).collect();
        for (local, messages) in held {
            for message in messages {
                self.held = self.held.saturating_sub(message.bytes());
                match message {
                    Held::Multicast(service, body) => {
                        self.dispatch(below, slot, local, service, body, out, todo);
                    }
                    Held::Unicast(to, body) if self.can_reach(slot, to) => {
                        self.start_unicast(below, slot, local, to, body, out, todo);
                    }
                    Held::Unicast(..) => figures.dropped(Drop::OtherView),
                }
            }
        }
    }
}

/// The classes by name, in the members' order; `None` if they cannot be. Who is left out of them
/// had no view.
fn classes(entry: &mut InstallView, members: &[MemberId]) -> Option<Vec<Class>> {
    let mut left: BTreeSet<u32> = (0..).zip(members).map(|(index, _)| index).collect();
    let mut classes = Vec::new();
    for (previous, indices) in std::mem::take(&mut entry.classes) {
        let mut together = Vec::with_capacity(indices.len());
        for index in &indices {
            if !left.remove(index) {
                return None;
            }
            together.push(*members.get(*index as usize)?);
        }
        classes.push(Class { previous, members: together });
    }
    for index in left {
        let member = *members.get(index as usize)?;
        classes.push(Class { previous: None, members: vec![member] });
    }
    Some(classes)
}

fn said(members: &[MemberId], blobs: Vec<Bytes>) -> Vec<(MemberId, Bytes)> {
    members.iter().copied().zip(blobs).filter(|(_, blob)| !blob.is_empty()).collect()
}

/// The defect: whoever was there and is there.
fn recompute(view: &mut View, old: Option<&Current>) {
    let Some(old) = old else { return };
    let (members, rest): (Vec<_>, Vec<_>) = view.members.iter().partition(|m| old.has(**m));
    let alone = |member| Class { previous: None, members: vec![member] };
    view.classes = rest.into_iter().map(alone).collect();
    view.classes.push(Class { previous: Some(old.id), members });
}
