//! The leader's side: it collects what members ask and how they flush, stamps joins and leaves, and
//! installs views. It forgets everything with the configuration, since askers repeat.

use super::{Below, Todo, table::Table};
use crate::{
    defect::Defect,
    error::Drop,
    figures::{Figures, Rare},
    ids::{GroupName, MemberId, NodeId, Order, ViewId},
    input::Input,
    output::Warning,
    settings::Settings,
    time::Time,
    wire::control::{Ask, ControlEntry, Flushed, InstallView},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// Joins and leaves that wait at the leader, altogether: askers repeat what finds no room. A guess:
/// sixteen for each of as many nodes as a configuration may have.
const MAX_ASKED: usize = 16_384;
/// Flush answers for groups that the leader's table does not know yet.
const MAX_EARLY: usize = 1024;

type Key = (GroupName, MemberId);

/// Classes of an `InstallView`: a previous view, indices into the table's members.
type Classes = Vec<(Option<ViewId>, Vec<u32>)>;

/// A view change as the leader sees it.
#[derive(Debug)]
struct Opened {
    since: Time,
    /// The round then; an answer to an earlier one is a late copy from the last change.
    round: Order,
    /// Nodes that the operator has been told of.
    warned: BTreeSet<NodeId>,
}

#[derive(Default)]
pub(super) struct Coordinator {
    joins: BTreeMap<Key, Ask>,
    /// Which life of the member leaves, and the end of its node's stream.
    leaves: BTreeMap<Key, (u64, u64)>,
    /// Who is to be put out: which life, and why.
    expelled: BTreeMap<Key, (u64, String)>,
    /// Groups that want a new view instead of that of this round; whether that is stamped.
    renewals: BTreeMap<GroupName, (Order, bool)>,
    /// Stamped and not yet delivered, with the bytes of charter and blob.
    stamped: BTreeMap<(bool, Key), usize>,
    /// Bytes of charters and blobs of the joins asked and stamped.
    joining: usize,
    flushed: BTreeMap<GroupName, BTreeMap<NodeId, Flushed>>,
    /// Bytes of the blobs in the flush answers.
    flushing: usize,
    opened: BTreeMap<GroupName, Opened>,
    /// The round for which a view has been stamped.
    installed: BTreeMap<GroupName, Order>,
}

impl Coordinator {
    /// Takes what a member asks. An error says why it cannot be.
    pub(super) fn ask(
        &mut self,
        settings: &Settings,
        table: Option<&Table>,
        from: NodeId,
        ask: Ask,
    ) -> Result<(), Drop> {
        match ask {
            Ask::Join { ref group, local, ref charter, ref blob, .. } => {
                let key = (group.clone(), MemberId { node: from, local });
                // An oversized one is stamped too: its asker must learn that it is refused.
                if charter.len().max(blob.len()) > 2 * settings.max_blob {
                    return Err(Drop::Limit);
                }
                let known = table.is_some_and(|t| t.has(group, key.1));
                if known || self.stamped.contains_key(&(true, key.clone())) {
                    return Ok(());
                }
                let bytes = charter.len() + blob.len();
                if self.joining > 0 && self.joining + bytes > settings.budget() {
                    return Err(Drop::Limit);
                }
                self.room()?;
                self.joining += bytes;
                if let Some(earlier) = self.joins.insert(key, ask) {
                    self.joining -= weight(&earlier);
                }
            }
            Ask::Leave { group, local, mut life, end } => {
                let key = (group, MemberId { node: from, local });
                if settings.lacks(Defect::LateLeave) {
                    let row = table.and_then(|t| t.groups.get(&key.0)?.life(key.1));
                    life = row.unwrap_or(life);
                }
                let unknown = table.is_some_and(|t| !t.lives(&key.0, key.1, life));
                if unknown || self.stamped.contains_key(&(false, key.clone())) {
                    return Ok(());
                }
                self.room()?;
                self.leaves.insert(key, (life, end));
            }
            Ask::Flushed(answer) => self.take_flushed(settings, table, from, answer)?,
            Ask::Renew { group, round } => {
                let standing = table.and_then(|t| t.groups.get(&group));
                let asked = self.renewals.get(&group).is_some_and(|(last, _)| *last == round);
                let new = standing.is_some_and(|g| g.is_at(from) && g.round == round) && !asked;
                if new {
                    self.renewals.insert(group, (round, false));
                }
            }
            Ask::Expel { group, member, life, reason } => {
                let standing = table.and_then(|t| t.groups.get(&group));
                let may = standing.is_some_and(|g| g.is_at(from) && g.life(member) == Some(life));
                let key = (group, member);
                if !may || self.stamped.contains_key(&(false, key.clone())) {
                    return Ok(());
                }
                if reason.len() > Input::MAX_REASON {
                    return Err(Drop::Limit);
                }
                self.room()?;
                self.expelled.insert(key, (life, reason));
            }
            Ask::Turn { .. } | Ask::Recall | Ask::Subscribe { .. } => return Err(Drop::Malformed),
        }
        Ok(())
    }

    fn room(&self) -> Result<(), Drop> {
        let gone = self.leaves.len() + self.expelled.len();
        let asked = self.joins.len() + gone + self.stamped.len();
        if asked < MAX_ASKED { Ok(()) } else { Err(Drop::Limit) }
    }

    fn take_flushed(
        &mut self,
        settings: &Settings,
        table: Option<&Table>,
        from: NodeId,
        mut answer: Flushed,
    ) -> Result<(), Drop> {
        let blobs = answer.blobs.iter().any(|(_, blob)| blob.len() > settings.max_blob);
        let members = answer.locals.len().max(answer.blobs.len()) > settings.max_members;
        if blobs || members || answer.running.len() > settings.max_nodes {
            return Err(Drop::Limit);
        }
        answer.running.sort_unstable();
        answer.running.dedup();
        let group = table.and_then(|t| t.groups.get(&answer.group));
        let over = table.is_some_and(|t| !t.pending.contains(&answer.group));
        if over && group.is_some_and(|group| answer.round <= group.round) {
            return Err(Drop::Stale);
        }
        let known = group.is_some();
        if !known && self.flushed.len() >= MAX_EARLY + table.map_or(0, |t| t.groups.len()) {
            return Err(Drop::Limit);
        }
        let answers = self.flushed.entry(answer.group.clone()).or_default();
        // Asks may overtake each other.
        if answers.get(&from).is_some_and(|last| last.round > answer.round) {
            return Err(Drop::Stale);
        }
        self.flushing -= answers.remove(&from).map_or(0, |last| said(&last));
        let of_group: usize = answers.values().map(said).sum();
        let fits = of_group + said(&answer) <= settings.budget();
        if !fits {
            // Groups that merge may say more than one view can hold: it comes without the last.
            answer.blobs.clear();
        }
        let is_first = self.flushed.keys().next() == Some(&answer.group);
        if !is_first && self.flushing + said(&answer) > settings.budget() {
            // It is asked again. One group always goes on, and then the next.
            return Err(Drop::Limit);
        }
        self.flushing += said(&answer);
        if let Some(answers) = self.flushed.get_mut(&answer.group) {
            answers.insert(from, answer);
        }
        if fits { Ok(()) } else { Err(Drop::Limit) }
    }

    /// Bytes of what is asked, stamped and answered and has not been delivered.
    pub(super) fn bytes(&self) -> usize {
        self.joining + self.flushing
    }

    /// A join or leave is delivered: it may be asked again.
    pub(super) fn delivered(&mut self, is_join: bool, group: &GroupName, member: MemberId) {
        let stamped = self.stamped.remove(&(is_join, (group.clone(), member)));
        self.joining -= stamped.unwrap_or(0);
    }

    /// A view is delivered: what led to it is over.
    pub(super) fn view_delivered(&mut self, group: &GroupName) {
        let answers = self.flushed.remove(group);
        self.flushing -= answers.iter().flat_map(BTreeMap::values).map(said).sum::<usize>();
        self.opened.remove(group);
        self.installed.remove(group);
        self.renewals.remove(group);
    }

    /// Stamps what can be stamped; when to come back.
    pub(super) fn settle(
        &mut self,
        below: &Below<'_>,
        table: Option<&Table>,
        figures: &mut Figures,
        todo: &mut Vec<Todo>,
    ) -> Option<Time> {
        self.stamp_joins(below, todo);
        self.stamp_leaves(below, todo);
        self.stamp_renewals(todo);
        let table = table?;
        let mut due = None;
        for name in &table.pending {
            self.try_view(below, table, name, todo);
            let next = self.press(below, table, name, figures, todo);
            due = super::earlier(due, next);
        }
        due
    }

    /// All joins of a batch go together: they make one view.
    fn stamp_joins(&mut self, below: &Below<'_>, todo: &mut Vec<Todo>) {
        for (key, ask) in std::mem::take(&mut self.joins) {
            let bytes = weight(&ask);
            let rank = below.configuration.rank_of(key.1.node);
            let (Some(rank), Ask::Join { group, local, life, semantics, charter, blob }) =
                (rank, ask)
            else {
                self.joining -= bytes;
                continue;
            };
            todo.push(Todo::Stamp(ControlEntry::Join {
                rank,
                local,
                life,
                group,
                semantics,
                charter,
                blob,
                stamped_at: below.now.0,
            }));
            self.stamped.insert((true, key), bytes);
        }
    }

    /// A leave comes after all that its member sent: when that has been delivered here.
    fn stamp_leaves(&mut self, below: &Below<'_>, todo: &mut Vec<Todo>) {
        for (key, (life, end)) in std::mem::take(&mut self.leaves) {
            let Some(rank) = below.configuration.rank_of(key.1.node) else { continue };
            if (below.delivered)(rank) < end {
                self.leaves.insert(key, (life, end));
                continue;
            }
            self.stamp_leave((rank, life), key, None, todo);
        }
        for (key, (life, reason)) in std::mem::take(&mut self.expelled) {
            if let Some(rank) = below.configuration.rank_of(key.1.node) {
                self.stamp_leave((rank, life), key, Some(reason), todo);
            }
        }
    }

    fn stamp_renewals(&mut self, todo: &mut Vec<Todo>) {
        for (group, (round, stamped)) in &mut self.renewals {
            if !std::mem::replace(stamped, true) {
                let (group, round) = (group.clone(), *round);
                todo.push(Todo::Stamp(ControlEntry::Renew { group, round }));
            }
        }
    }

    fn stamp_leave(
        &mut self,
        (rank, life): (u16, u64),
        key: Key,
        expelled: Option<String>,
        todo: &mut Vec<Todo>,
    ) {
        if self.stamped.insert((false, key.clone()), 0).is_none() {
            let (group, MemberId { local, .. }) = key;
            todo.push(Todo::Stamp(ControlEntry::Leave { rank, local, life, group, expelled }));
        }
    }

    /// Installs the group's view if all nodes have flushed in its round, and their messages are here.
    fn try_view(
        &mut self,
        below: &Below<'_>,
        table: &Table,
        name: &GroupName,
        todo: &mut Vec<Todo>,
    ) {
        let Some(group) = table.groups.get(name) else { return };
        if self.installed.get(name) == Some(&group.round) {
            return;
        }
        let Some(answers) = self.flushed.get(name) else { return };
        let waits = !below.settings.lacks(Defect::NoFlush);
        let mut checked = BTreeSet::new();
        for node in group.rows.iter().map(|row| row.member.node) {
            if checked.insert(node) {
                let Some(rank) = below.configuration.rank_of(node) else { return };
                let Some(answer) = answers.get(&node) else { return };
                let here = (below.delivered)(rank) >= answer.end;
                if answer.round != group.round || (waits && !here) {
                    return;
                }
            }
        }
        let members: Vec<_> = group.members();
        let entry = InstallView {
            group: name.clone(),
            round: group.round,
            classes: classes(&members, answers),
            blobs: blobs(&members, answers),
        };
        self.installed.insert(name.clone(), group.round);
        todo.push(Todo::Stamp(ControlEntry::InstallView(entry)));
    }

    /// Warns of nodes that have not flushed, and puts their members out in the end. Who has answered
    /// some round has flushed: the application is not asked twice.
    fn press(
        &mut self,
        below: &Below<'_>,
        table: &Table,
        name: &GroupName,
        figures: &mut Figures,
        todo: &mut Vec<Todo>,
    ) -> Option<Time> {
        let group = table.groups.get(name)?;
        let limit = below.settings.flush_limit;
        let (since, round) = (below.now, group.round);
        let fresh = || Opened { since, round, warned: BTreeSet::new() };
        let opened = self.opened.entry(name.clone()).or_insert_with(fresh);
        if below.now < opened.since + limit {
            return Some(opened.since + limit);
        }
        let answers = self.flushed.get(name);
        let answer = |member: &MemberId| answers?.get(&member.node);
        let in_time = |member: &MemberId| answer(member).is_some_and(|a| a.round >= opened.round);
        let late = group.rows.iter().filter(|row| !in_time(&row.member));
        let late: Vec<_> = late.map(|row| (row.member, row.life)).collect();
        for (member, _) in &late {
            if opened.warned.insert(member.node) {
                let (group, node) = (name.clone(), member.node);
                todo.push(Todo::Warning(Warning::FlushLate { group, node }));
            }
        }
        if below.now < opened.since + 2 * limit {
            return Some(opened.since + 2 * limit);
        }
        // Whoever joins meanwhile has as much time again.
        *opened = fresh();
        for (member, life) in late {
            let Some(rank) = below.configuration.rank_of(member.node) else { continue };
            figures.saw(Rare::Expelled);
            let reason = Some("flush_timeout".into());
            self.stamp_leave((rank, life), (name.clone(), member), reason, todo);
        }
        Some(below.now + limit)
    }
}

/// The bytes of charter and blob of a join.
fn weight(ask: &Ask) -> usize {
    match ask {
        Ask::Join { charter, blob, .. } => charter.len() + blob.len(),
        _ => 0,
    }
}

/// The bytes of a flush answer's blobs.
fn said(answer: &Flushed) -> usize {
    answer.blobs.iter().map(|(_, blob)| blob.len()).sum()
}

/// Members with the same previous view and the same running set, in it, are a class; everyone else
/// is alone. In the order of their first members.
fn classes(members: &[MemberId], answers: &BTreeMap<NodeId, Flushed>) -> Classes {
    let mut together: BTreeMap<(ViewId, &[NodeId]), Vec<u32>> = BTreeMap::new();
    let mut classes = Classes::new();
    for (index, member) in (0..).zip(members) {
        let answer = answers.get(&member.node);
        let previous = answer.filter(|a| a.locals.contains(&member.local));
        match previous.and_then(|answer| Some((answer, answer.view?))) {
            Some((answer, view)) if answer.running.binary_search(&member.node).is_ok() => {
                together.entry((view, &answer.running)).or_default().push(index);
            }
            Some((_, view)) => classes.push((Some(view), vec![index])),
            None => classes.push((None, vec![index])),
        }
    }
    classes.extend(together.into_iter().map(|((view, _), indices)| (Some(view), indices)));
    classes.sort_by_key(|(_, indices)| indices.first().copied());
    classes
}

/// What members said with their flush, by index.
fn blobs(members: &[MemberId], answers: &BTreeMap<NodeId, Flushed>) -> Vec<(u32, Bytes)> {
    let of = |member: &MemberId| {
        let blobs = &answers.get(&member.node)?.blobs;
        blobs.iter().find(|(local, blob)| *local == member.local && !blob.is_empty())
    };
    let blobs = (0..).zip(members);
    blobs.filter_map(|(index, member)| Some((index, of(member)?.1.clone()))).collect()
}
