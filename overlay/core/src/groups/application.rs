//! What the application asks of its members; an error changes nothing.

use super::{
    Below, Groups, Todo,
    local::{Held, Member, queued},
};
use crate::{
    error::Error,
    ids::{GroupName, MemberId},
    input::{Input, Join, Semantics, Service},
    output::{Event, Outbox},
    settings::Settings,
    wire::MAX_CONTROL,
};
use bytes::Bytes;
use std::collections::VecDeque;

/// The most bytes of the blobs in one flush answer: half a control frame.
const MOST_FLUSHED: usize = MAX_CONTROL / 2;

impl Groups {
    /// A new member wants in; it is asked for with the next `settle`.
    pub(crate) fn join(
        &mut self,
        below: &Below<'_>,
        join: Join,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        let _ = (out, todo);
        let group = self.locals.named(&join.group);
        if group.is_some_and(|group| group.members.contains_key(&join.local)) {
            return Err(Error::Joined { group: join.group, local: join.local });
        }
        fits(below.settings, &join.charter)?;
        fits(below.settings, &join.blob)?;
        let (groups, members) = (below.settings.max_groups, below.settings.max_members);
        if group.is_none() && self.locals.len() >= groups {
            return Err(Error::TooMany { what: "groups at this node", max: groups });
        }
        if group.is_some_and(|group| group.members.len() >= members) {
            return Err(Error::TooMany { what: "members of the group at this node", max: members });
        }
        let slot = self.locals.open(&join.group, join.semantics);
        self.lives += 1;
        if let Some(group) = self.locals.get_mut(slot) {
            let local = join.local;
            let member = Member {
                wish: join,
                life: self.lives,
                joined: false,
                in_view: false,
                signalled_in: None,
                flushed: None,
                leaving: false,
                asked: None,
                held: VecDeque::new(),
            };
            group.members.insert(local, member);
        }
        Ok(())
    }

    /// The member leaves, after all that it sent.
    pub(crate) fn leave(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        let _ = (below, todo);
        let member = self.present(group, local)?;
        if !member.joined && member.held.is_empty() {
            // If its join comes nevertheless, its leave is asked for then.
            let Some(standing) = self.locals.named_mut(group) else { return Ok(()) };
            standing.members.remove(&local);
            standing.tell(local, Event::Left, out);
        } else if let Some(standing) = self.locals.named_mut(group) {
            let signalled = standing.signalled && standing.semantics == Semantics::Vs;
            if let Some(member) = standing.members.get_mut(&local) {
                member.leaving = true;
                // What it has said already it wants to be said: it joins first.
                member.asked = member.asked.filter(|_| !member.joined);
                if signalled && member.in_view && member.flushed.is_none() {
                    member.flushed = Some(Bytes::new());
                }
            }
        }
        self.locals.touch(group);
        Ok(())
    }

    /// Queues the message in the present view, or keeps it for the next one after a flush answer.
    /// (The engine has checked size and queue limits, which count `held` bytes too.)
    pub(crate) fn send(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        service: Service,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        let slot = match self.locals.slot(group) {
            Some(slot) => slot,
            None => self.outsider(group, local)?,
        };
        let absent = || Error::NotJoined { group: group.clone(), local };
        let standing = self.locals.get_mut(slot).ok_or_else(absent)?;
        match standing.members.get(&local) {
            Some(member) if member.leaving => return Err(absent()),
            Some(member) if standing.holds(member) => {
                let held = Held::Multicast(service, body);
                self.held += held.bytes();
                if let Some(member) = standing.members.get_mut(&local) {
                    member.held.push_back(held);
                }
                return Ok(());
            }
            Some(_) => {}
            None => _ = self.outsider(group, local)?,
        }
        self.dispatch(below, slot, local, service, body, out, todo);
        Ok(())
    }

    /// Who is no member may send to an EVS group that there is.
    fn outsider(&mut self, group: &GroupName, local: u32) -> Result<usize, Error> {
        let standing = self.table.groups.get(group);
        if standing.is_none_or(|standing| standing.semantics != Semantics::Evs) {
            return Err(Error::NotJoined { group: group.clone(), local });
        }
        Ok(self.locals.slot(group).unwrap_or_else(|| self.locals.open(group, Semantics::Evs)))
    }

    /// A message goes out now.
    pub(super) fn dispatch(
        &mut self,
        below: &Below<'_>,
        slot: usize,
        local: u32,
        service: Service,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        if service == Service::Unreliable {
            self.send_unreliable(below, slot, local, body, out, todo);
        } else if let Some(channel) = self.locals.channel(slot) {
            todo.push(queued(channel, local, service, body));
        }
    }

    /// Sends to one member of the present view, or, where a multicast would wait, of the next.
    pub(crate) fn unicast(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        to: MemberId,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        let slot = self.locals.slot(group);
        let member = self.present(group, local)?;
        let holds = self.locals.named(group).is_some_and(|standing| standing.holds(member));
        let Some(slot) = slot else { return Ok(()) };
        if !holds && !self.can_reach(slot, to) {
            return Err(Error::NotInView { group: group.clone(), member: to });
        }
        if !holds {
            self.start_unicast(below, slot, local, to, body, out, todo);
        } else if let Some(standing) = self.locals.get_mut(slot) {
            let held = Held::Unicast(to, body);
            self.held += held.bytes();
            if let Some(member) = standing.members.get_mut(&local) {
                member.held.push_back(held);
            }
        }
        Ok(())
    }

    /// The member sends no more in its view.
    pub(crate) fn flush_ok(
        &mut self,
        below: &Below<'_>,
        group: &GroupName,
        local: u32,
        blob: Bytes,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Error> {
        let _ = todo;
        fits(below.settings, &blob)?;
        self.present(group, local)?;
        self.fits_a_view(below.settings, group, &blob)?;
        let standing = self.locals.named_mut(group);
        let open = standing.filter(|g| g.signalled && g.semantics == Semantics::Vs);
        let member = open.and_then(|group| group.members.get_mut(&local));
        let Some(member) = member.filter(|m| m.in_view && m.flushed.is_none()) else {
            return Err(Error::NoFlush { group: group.clone() });
        };
        member.flushed = Some(blob);
        self.locals.touch(group);
        Ok(())
    }

    /// A new view is wanted; asked of the leader with the next `settle`.
    pub(crate) fn want_renewal(&mut self, group: &GroupName, local: u32) -> Result<(), Error> {
        self.present(group, local)?;
        let rests = !self.table.pending.contains(group);
        let standing = self.table.groups.get(group).filter(|_| rests);
        let round = standing.map(|standing| standing.round);
        if let (Some(round), Some(standing)) = (round, self.locals.named_mut(group))
            && standing.semantics == Semantics::Vs
        {
            standing.renewing.get_or_insert((round, None));
        }
        self.locals.touch(group);
        Ok(())
    }

    /// A member is wanted out; asked of the leader with the next `settle`.
    pub(crate) fn want_out(
        &mut self,
        group: &GroupName,
        local: u32,
        member: MemberId,
        reason: String,
    ) -> Result<(), Error> {
        if reason.len() > Input::MAX_REASON {
            return Err(Error::TooMany { what: "bytes of a reason", max: Input::MAX_REASON });
        }
        self.present(group, local)?;
        let life = self.table.groups.get(group).and_then(|standing| standing.life(member));
        let life = life.ok_or_else(|| Error::NotInView { group: group.clone(), member })?;
        if let Some(standing) = self.locals.named_mut(group) {
            standing.expelling.insert(member, (life, reason, None));
        }
        self.locals.touch(group);
        Ok(())
    }

    /// All blobs of a view fit the budget, and those of this node's members one answer to the leader.
    fn fits_a_view(
        &self,
        settings: &Settings,
        name: &GroupName,
        blob: &Bytes,
    ) -> Result<(), Error> {
        let members = self.table.groups.get(name).map_or(1, |group| group.rows.len().max(1));
        let here = self.locals.named(name).into_iter().flat_map(|group| group.members.values());
        let said: usize = here.filter_map(|member| member.flushed.as_ref()).map(Bytes::len).sum();
        let max = (settings.budget() / members).min(MOST_FLUSHED.saturating_sub(said));
        if blob.len() <= max {
            return Ok(());
        }
        Err(Error::TooMany { what: "bytes in a blob with so many members and blobs", max })
    }

    /// The member, if it has joined or wants to, and is not on its way out.
    fn present(&self, group: &GroupName, local: u32) -> Result<&Member, Error> {
        let member = self.locals.named(group).and_then(|standing| standing.members.get(&local));
        let absent = || Error::NotJoined { group: group.clone(), local };
        member.filter(|member| !member.leaving).ok_or_else(absent)
    }

    /// The node stops: every member that has joined is told that it is out.
    pub(crate) fn close(&mut self, out: &mut Outbox) {
        for slot in self.locals.all() {
            if let Some(group) = self.locals.get(slot) {
                for (&local, _) in group.members.iter().filter(|(_, member)| member.joined) {
                    group.tell(local, Event::Left, out);
                }
            }
            self.locals.remove(slot);
        }
        self.unicasts.forget(|_, _| true);
        self.held = 0;
    }
}

fn fits(settings: &Settings, blob: &Bytes) -> Result<(), Error> {
    let max = settings.max_blob;
    if blob.len() <= max {
        return Ok(());
    }
    Err(Error::TooMany { what: "bytes in a charter or blob", max })
}
