//! What is repeated, or becomes possible with time: asks, flush answers, the end of what lingers.

use super::{Below, Ghost, Groups, Todo, earlier, local::Local, table::Table, unicast::Unicasts};
use crate::{
    defect::Defect,
    figures::{Figures, Rare},
    ids::Order,
    input::Semantics,
    time::Time,
    wire::control::{Ask, Flushed},
};

impl Groups {
    /// Looks at one group of this node; when to look again, and whether to.
    pub(super) fn settle_local(
        &mut self,
        below: &Below<'_>,
        slot: usize,
        figures: &mut Figures,
        todo: &mut Vec<Todo>,
    ) -> Option<Time> {
        let Some(local) = self.locals.get(slot) else {
            self.locals.busy.remove(&slot);
            return None;
        };
        if local.members.is_empty() {
            return self.linger(below, slot);
        }
        let wants = local.renewing.is_some() || !local.expelling.is_empty();
        let restless =
            wants || local.members.values().any(|member| !member.joined || member.leaving);
        let pending = self.table.pending.contains(&local.group);
        if !restless && !pending {
            self.locals.busy.remove(&slot);
            return None;
        }
        let mut asks = Vec::new();
        let mut due = None;
        if restless && let Some(local) = self.locals.get_mut(slot) {
            due = ask_for_members(below, local, &self.unicasts, &mut asks);
            due = earlier(due, ask_for_group(below, local, &self.table, &mut asks));
        }
        if pending && self.merging.is_none() {
            due = earlier(due, self.flush(below, slot, figures, &mut asks));
        }
        for ask in asks {
            self.put(below, ask, figures, todo);
        }
        due
    }

    /// A group that nobody here is in: its last messages enter the stream, then it is forgotten.
    /// An EVS group stays as long as others are in it, since one may send to it.
    fn linger(&mut self, below: &Below<'_>, slot: usize) -> Option<Time> {
        let local = self.locals.get(slot)?;
        let evs = local.semantics == Semantics::Evs;
        if local.channel().is_some_and(|channel| (below.waiting)(channel) > 0) {
            return Some(below.now + below.settings.retry);
        }
        if evs && local.view.is_none() && self.table.groups.contains_key(&local.group) {
            self.locals.busy.remove(&slot);
        } else if let Some(old) = self.locals.remove(slot) {
            self.unicasts.retire(old);
        }
        None
    }

    /// Answers the flush of a VS group, if its members have, and all that they said is on its way.
    fn flush(
        &mut self,
        below: &Below<'_>,
        slot: usize,
        figures: &mut Figures,
        asks: &mut Vec<Ask>,
    ) -> Option<Time> {
        let local = self.locals.get_mut(slot)?;
        let round = self.table.groups.get(&local.group)?.round;
        if !local.members.values().any(|member| member.joined) {
            return None;
        }
        let retry = below.settings.retry;
        let defect = below.settings.lacks(Defect::NoFlush);
        if !local.all_flushed() && !defect {
            let opened = *local.opened.get_or_insert(below.now);
            let limit = opened + below.settings.flush_limit;
            // The leader puts a late member out after twice the limit. All that it said must be on
            // its way by then, or some would have it in the old view and others not at all.
            local.closed |= below.now >= limit;
            return Some(limit).filter(|_| !local.closed);
        }
        let waits = local.channel().is_some_and(|channel| (below.waiting)(channel) > 0);
        if waits && !defect {
            return Some(below.now + retry);
        }
        // What goes to one member arrives in its view too, unless its node takes very long.
        let view = local.view.as_ref().map(|view| view.channel);
        if view.is_some_and(|channel| self.unicasts.are_pending(channel)) {
            let opened = *local.opened.get_or_insert(below.now);
            if below.now < opened + below.settings.flush_limit {
                return Some(below.now + retry);
            }
        }
        match local.answered {
            Some((last, at)) if last == round && below.now < at + retry => return Some(at + retry),
            _ => {}
        }
        if local.opened_under.is_some_and(|leader| leader != self.leader) {
            figures.saw(Rare::FlushAcrossLeaders);
            local.opened_under = Some(self.leader);
        }
        local.answered = Some((round, below.now));
        asks.push(Ask::Flushed(answer(below, local, round)));
        Some(below.now + retry)
    }

    /// Asks the leader, who may be this node.
    pub(super) fn put(
        &mut self,
        below: &Below<'_>,
        ask: Ask,
        figures: &mut Figures,
        todo: &mut Vec<Todo>,
    ) {
        if below.configuration.is_led_here() {
            self.take_ask(below, below.configuration.me(), ask, figures);
        } else {
            todo.push(Todo::Ask(ask));
        }
    }

    /// Members in the table that nobody wants any more.
    pub(super) fn settle_ghosts(
        &mut self,
        below: &Below<'_>,
        figures: &mut Figures,
        todo: &mut Vec<Todo>,
    ) -> Option<Time> {
        let (mut due, mut asks) = (None, Vec::new());
        for ((group, local), Ghost { life, asked }) in &mut self.ghosts {
            let at = asked.map_or(below.now, |at| at + below.settings.retry);
            if at <= below.now {
                *asked = Some(below.now);
                let (group, local, life) = (group.clone(), *local, *life);
                asks.push(Ask::Leave { group, local, life, end: below.sent });
            }
            due = earlier(due, asked.map(|at| at + below.settings.retry));
        }
        for ask in asks {
            self.put(below, ask, figures, todo);
        }
        due
    }
}

/// Joins and leaves of a group's members whose time has come.
fn ask_for_members(
    below: &Below<'_>,
    local: &mut Local,
    unicasts: &Unicasts,
    asks: &mut Vec<Ask>,
) -> Option<Time> {
    let retry = below.settings.retry;
    let channel = local.channel();
    let view = local.view.as_ref().map(|view| view.channel);
    let mut due = None;
    for (&id, member) in &mut local.members {
        if member.joined && !member.leaving {
            continue;
        }
        let waits = channel.is_some_and(|channel| (below.waiting)(channel) > 0)
            || view.is_some_and(|view| unicasts.is_pending(view, id));
        if member.joined && member.leaving && (waits || !member.held.is_empty()) {
            due = earlier(due, Some(below.now + retry));
            continue;
        }
        let (at, end) = match member.asked {
            Some((at, _)) if below.now < at + retry => {
                due = earlier(due, Some(at + retry));
                continue;
            }
            Some((_, end)) => (below.now, end),
            None => (below.now, below.sent),
        };
        member.asked = Some((at, end));
        due = earlier(due, Some(at + retry));
        let (group, life) = (local.group.clone(), member.life);
        asks.push(if member.joined {
            Ask::Leave { group, local: id, life, end }
        } else {
            let wish = &member.wish;
            let (charter, blob) = (wish.charter.clone(), wish.blob.clone());
            Ask::Join { group, local: id, life, semantics: wish.semantics, charter, blob }
        });
    }
    due
}

/// What a group's members want of the group, until its table says that it is so.
fn ask_for_group(
    below: &Below<'_>,
    local: &mut Local,
    table: &Table,
    asks: &mut Vec<Ask>,
) -> Option<Time> {
    let retry = below.settings.retry;
    let is_due = |asked: &mut Option<Time>| {
        let due = asked.is_none_or(|at| at + retry <= below.now);
        if due {
            *asked = Some(below.now);
        }
        due
    };
    let standing = table.groups.get(&local.group);
    let rests = !table.pending.contains(&local.group);
    local.renewing = local
        .renewing
        .filter(|(round, _)| rests && standing.is_some_and(|group| group.round == *round));
    local.expelling.retain(|member, (life, ..)| table.lives(&local.group, *member, *life));
    if let Some((round, asked)) = &mut local.renewing
        && is_due(asked)
    {
        asks.push(Ask::Renew { group: local.group.clone(), round: *round });
    }
    for (&member, (life, reason, asked)) in &mut local.expelling {
        if is_due(asked) {
            let (group, life, reason) = (local.group.clone(), *life, reason.clone());
            asks.push(Ask::Expel { group, member, life, reason });
        }
    }
    let asked = local.renewing.iter().map(|(_, asked)| *asked);
    let asked = asked.chain(local.expelling.values().map(|(_, _, asked)| *asked));
    asked.flatten().map(|at| at + retry).min()
}

fn answer(below: &Below<'_>, local: &Local, round: Order) -> Flushed {
    let locals: Vec<_> = local.in_view().collect();
    let view = local.view.as_ref().filter(|_| !locals.is_empty());
    let blobs = local.members.iter().filter_map(|(&id, member)| {
        let blob = member.flushed.as_ref().filter(|blob| !blob.is_empty())?;
        Some((id, blob.clone()))
    });
    Flushed {
        group: local.group.clone(),
        round,
        view: view.map(|view| view.id),
        running: view.map(|view| view.running.clone()).unwrap_or_default(),
        end: below.sent,
        blobs: blobs.collect(),
        locals,
    }
}
