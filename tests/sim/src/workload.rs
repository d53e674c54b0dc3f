//! What members do: which messages they send, and who joins and leaves.

use crate::{
    body, door,
    member::{Member, Standing},
    node::Node,
    random::Random,
    shared::{Happening, Shared},
};
use bytes::Bytes;
use cenacle_core::{GroupName, Input, Join, MemberId, Semantics, Service};

/// What members of a run do.
#[derive(Clone, Debug)]
pub struct Habits {
    groups: Vec<(GroupName, Semantics)>,
    /// Services, as often as they occur here.
    pub services: Vec<Service>,
    /// The length of every message; by chance if there is none.
    pub length: Option<usize>,
    /// The most bytes of a message of several pieces.
    pub largest: u64,
    /// The probability that some member answers a message.
    pub answer: f64,
    /// The probability that a member says several things at once.
    pub volley: f64,
    /// The probability that a member answers flush requests itself.
    pub manual_flush: f64,
    /// The longest that it takes for that, in microseconds.
    pub flush_after: u64,
    /// The mean time between the messages of a member, in microseconds; 0: all are silent.
    pub pace: u64,
    /// The probability that a member that has left joins again at once.
    pub rejoin: f64,
    /// The probability that a member expects another charter than usual.
    pub other_charter: f64,
    /// The most bytes that a member says with a join or flush; joins with some of them are refused.
    pub blob: u64,
    /// What agrees on keys, if the groups have keys.
    pub key_agreement: Option<String>,
    /// The probability that a member asks for a new key instead of saying something.
    pub refresh: f64,
    /// Admissions decide by who decides: a layer above that breaks its word.
    pub partial: bool,
}

impl Habits {
    /// Members that are silent until something is set.
    pub fn new(groups: Vec<(GroupName, Semantics)>) -> Self {
        Self {
            groups,
            services: vec![Service::Agreed],
            length: None,
            largest: 260_000,
            answer: 0.0,
            volley: 0.0,
            manual_flush: 0.0,
            flush_after: 0,
            pace: 0,
            rejoin: 0.0,
            other_charter: 0.0,
            blob: 0,
            key_agreement: None,
            refresh: 0.0,
            partial: false,
        }
    }

    /// All services, the common ones more often.
    pub fn every_service() -> Vec<Service> {
        use Service::{Agreed, Causal, Fifo, Safe, Unicast, Unreliable};
        vec![
            Agreed, Agreed, Agreed, Agreed, Causal, Causal, Causal, Fifo, Fifo, Safe, Safe,
            Unicast, Unreliable,
        ]
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The name of a group.
    pub fn group(&self, number: usize) -> Option<&GroupName> {
        self.groups.get(number).map(|(name, _)| name)
    }

    /// What a group promises.
    pub fn semantics(&self, number: usize) -> Semantics {
        self.groups.get(number).map_or(Semantics::Vs, |(_, semantics)| *semantics)
    }

    fn draw_length(&self, random: &mut Random) -> usize {
        let length = match (self.length, random.below(1000)) {
            (Some(length), _) => return length,
            (_, 0..=3) => random.between(64 << 10, self.largest.max(64 << 10)),
            (_, 4..=29) => random.between(4_000, 40_000),
            (_, 30..=249) => random.between(300, 4_000),
            _ => random.between(0, 300),
        };
        usize::try_from(length).unwrap_or(0)
    }

    /// Some message of a member; none if it is addressed to nobody.
    pub fn message(&self, member: &Member, now: u64, random: &mut Random) -> Option<Input> {
        let group = self.group(member.group)?.clone();
        let local = member.id.local;
        let service =
            self.services.get(random.index(self.services.len())).copied().unwrap_or(Service::Fifo);
        let mut length = self.draw_length(random);
        if !crate::member::is_reliable_multicast(service) {
            // The engine may have a limit for these: they are not cut into pieces.
            length = length.min(8_000);
        }
        let body = body::make(member.id, now, length);
        if service != Service::Unicast {
            return Some(Input::Send { group, local, service, body });
        }
        let to: MemberId = member.members.get(random.index(member.members.len())).copied()?;
        (to != member.id).then_some(Input::Unicast { group, local, to, body })
    }
}

impl Node {
    /// A member of this node wants into a group: one that was there and has left, or a new one.
    pub fn join(&mut self, group: usize, shared: &mut Shared) {
        let gone = |member: &&Member| member.group == group && member.standing == Standing::Gone;
        let gone = self.members.iter().find(gone).map(|member| member.id.local);
        let local = match gone.filter(|_| shared.random.chance(0.5)) {
            Some(local) => local,
            None => self.add_member(group, Standing::Gone, shared),
        };
        self.enter(local, None, shared);
    }

    /// A member that is not in its group wants in, with this charter if there is one.
    pub(crate) fn enter(&mut self, local: u32, charter: Option<Bytes>, shared: &mut Shared) {
        let Some(member) = self.members.get_mut(local as usize) else { return };
        let (group, semantics) = (member.group, member.semantics);
        let Some(name) = shared.habits.group(group).cloned() else { return };
        let manual = shared.random.chance(shared.habits.manual_flush);
        member.flush_after =
            manual.then(|| shared.random.below(shared.habits.flush_after.saturating_add(1)));
        member.standing = Standing::Wanted;
        member.charter = charter.unwrap_or_else(|| {
            let habits = &shared.habits;
            let key_agreement = habits.key_agreement.as_deref();
            door::draw_charter(&mut shared.random, habits.other_charter, &name, key_agreement)
        });
        member.blob = door::draw_blob(&mut shared.random, shared.habits.blob);
        let (charter, blob) = (member.charter.clone(), member.blob.clone());
        self.begin_talk(local, shared);
        self.wishes.push(Input::Join(Join {
            group: name,
            local,
            semantics,
            charter,
            blob,
            manual_flush: manual,
        }));
        self.wake_at(shared.now, shared);
    }

    /// Somebody here sends to an open group without being in it.
    pub fn add_outsider(&mut self, group: usize, shared: &mut Shared) {
        if shared.habits.semantics(group) == Semantics::Evs {
            let local = self.add_member(group, Standing::Outsider, shared);
            self.begin_talk(local, shared);
        }
    }

    fn add_member(&mut self, group: usize, standing: Standing, shared: &mut Shared) -> u32 {
        let local = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let id = MemberId { node: self.id, local };
        let mut member = Member::new(id, group, shared.habits.semantics(group), standing);
        member.pace = shared.habits.pace;
        self.members.push(member);
        local
    }

    fn begin_talk(&mut self, local: u32, shared: &mut Shared) {
        let Some(member) = self.members.get_mut(local as usize) else { return };
        if member.pace > 0 && !member.talking {
            member.talking = true;
            let first = shared.now + shared.random.below(member.pace);
            shared.queue.push(first, Happening::Talk { node: self.id, local });
        }
    }

    /// A member wants out.
    pub fn leave(&mut self, local: u32, shared: &mut Shared) {
        let Some(member) = self.members.get(local as usize) else { return };
        if member.standing != Standing::Wanted {
            return;
        }
        if let Some(group) = shared.habits.group(member.group).cloned() {
            self.wishes.push(Input::Leave { group, local });
            self.wake_at(shared.now, shared);
        }
    }

    /// A member says something, and will again.
    pub fn talk(&mut self, local: u32, shared: &mut Shared) {
        let Some(member) = self.members.get_mut(local as usize) else { return };
        if shared.healed || matches!(member.standing, Standing::Leaving | Standing::Gone) {
            member.talking = false;
            return;
        }
        let pace = member.pace;
        let several = shared.random.chance(shared.habits.volley);
        let count = if several { shared.random.between(2, 8) } else { 1 };
        self.say(local, count, shared);
        let next = shared.now + shared.random.waiting(pace);
        shared.queue.push(next, Happening::Talk { node: self.id, local });
    }

    /// A member sends so many messages, if it is in a mood for it.
    pub fn say(&mut self, local: u32, count: u64, shared: &mut Shared) {
        let Some(member) = self.members.get(local as usize) else { return };
        if !member.may_send(shared.now) || self.stopping {
            return;
        }
        if shared.habits.refresh > 0.0
            && shared.random.chance(shared.habits.refresh)
            && let Some(group) = shared.habits.group(member.group).cloned()
        {
            self.wishes.push(Input::Renew { group, local });
        }
        for _ in 0..count {
            let message = shared.habits.message(member, shared.now, &mut shared.random);
            self.wishes.extend(message);
        }
        self.wake_at(shared.now, shared);
    }

    /// A member has done what it had to before the next view.
    pub fn flush(&mut self, local: u32, view: cenacle_core::ViewId, shared: &mut Shared) {
        let Some(member) = self.members.get(local as usize) else { return };
        if member.flushing
            && member.view == Some(view)
            && let Some(group) = shared.habits.group(member.group).cloned()
        {
            let blob = door::draw_blob(&mut shared.random, shared.habits.blob);
            self.wishes.push(Input::FlushOk { group, local, blob });
            self.wake_at(shared.now, shared);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming;

    #[test]
    fn all_services_and_sizes_occur() {
        let group: GroupName = "g".parse().unwrap();
        let mut habits = Habits::new(vec![(group, Semantics::Vs)]);
        habits.services = Habits::every_service();
        let mut random = Random::new(1);
        let [a, b] =
            [0, 1].map(|place| MemberId { node: naming::node(&random, place, 1), local: 0 });
        let mut member = Member::new(a, 0, Semantics::Vs, Standing::Wanted);
        member.members = vec![a, b];
        let (mut services, mut large, mut empty) = ([0; 6], 0, 0);
        for now in 0..20_000 {
            let (service, body) = match habits.message(&member, now, &mut random) {
                Some(Input::Send { service, body, .. }) => (service, body),
                Some(Input::Unicast { to, body, .. }) if to == b => (Service::Unicast, body),
                None => continue,
                other => panic!("{other:?}"),
            };
            services[service as usize] += 1;
            large += u32::from(body.len() > 64 << 10);
            empty += u32::from(body.is_empty());
        }
        assert!(services.iter().all(|count| *count > 200), "{services:?}");
        assert!((20..150).contains(&large) && empty > 5);
    }
}
