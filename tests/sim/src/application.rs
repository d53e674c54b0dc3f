//! The application at a node: hears what its members are told, writes the trace, and reacts.

use crate::{
    body,
    door::Door,
    member::{Member, Standing},
    node::Node,
    shared::{Happening, Shared},
    trace::{Received, Sent},
};
use bytes::Bytes;
use cenacle_core::{Error, Event, GroupName, Input, MemberId, Service, Warning};
use cenacle_secure::Event as Told;

/// How long a member rests when the engine takes no more.
const REST: u64 = 50_000;
/// The probability that a member that was refused tries again.
const AGAIN: f64 = 0.9;

impl Node {
    /// The member of this number.
    pub fn member_mut(&mut self, local: u32) -> Option<&mut Member> {
        self.members.get_mut(local as usize)
    }

    fn member(&self, local: u32) -> Option<&Member> {
        self.members.get(local as usize)
    }

    /// Whether a wish has lost its sense since it was made: the member has gone, or flushed.
    pub(crate) fn is_void(&self, wish: &Input) -> bool {
        let of = |local: u32| self.member(local);
        match wish {
            Input::FlushOk { local, .. } => of(*local).is_none_or(|member| !member.flushing),
            Input::Send { local, .. } => of(*local).is_none_or(|member| match member.standing {
                Standing::Wanted => !member.asked,
                Standing::Outsider => false,
                Standing::Leaving | Standing::Gone => true,
            }),
            Input::Unicast { local, to, .. } => {
                of(*local).is_none_or(|m| m.standing != Standing::Wanted || !m.members.contains(to))
            }
            Input::Leave { local, .. } | Input::Renew { local, .. } => {
                of(*local).is_none_or(|member| member.standing != Standing::Wanted)
            }
            _ => false,
        }
    }

    /// What the engine said to a wish.
    pub(crate) fn answered(
        &mut self,
        wish: Input,
        result: Result<(), Error>,
        moment: u64,
        shared: &mut Shared,
    ) {
        match result {
            Ok(()) => self.granted(wish, moment, shared),
            Err(error) => self.denied(&wish, &error, moment, shared),
        }
    }

    fn granted(&mut self, wish: Input, moment: u64, shared: &mut Shared) {
        match wish {
            Input::Send { local, service, body, .. } => {
                shared.counts.taken += 1;
                if let Some(member) = self.member_mut(local) {
                    member.took(service, body.len());
                }
            }
            Input::Unicast { .. } => shared.counts.taken += 1,
            Input::Join(join) => {
                if let Some(member) = self.member_mut(join.local) {
                    member.asked = true;
                    shared.trace.join(moment, member.group, member.id, member.semantics);
                }
            }
            Input::FlushOk { local, blob, .. } => {
                if let Some(member) = self.member_mut(local) {
                    member.flushed_with = blob;
                    let (group, id, view) = (member.group, member.id, member.view);
                    shared.trace.of_view(moment, group, id, "flush_ok", view);
                }
            }
            Input::Leave { local, .. } => {
                if let Some(member) = self.member_mut(local) {
                    member.standing = Standing::Leaving;
                }
            }
            Input::Shutdown => self.stopping = true,
            _ => {}
        }
    }

    fn denied(&mut self, wish: &Input, error: &Error, moment: u64, shared: &mut Shared) {
        let sends = match wish {
            Input::Send { local, .. } | Input::Unicast { local, .. } => Some(*local),
            _ => None,
        };
        match (sends, error) {
            (Some(local), Error::QueueFull { .. } | Error::Backlog { .. }) => {
                shared.counts.postponed += 1;
                if let Some(member) = self.member_mut(local) {
                    member.rests_until = moment + REST;
                }
            }
            // Known to the application only when the events of this batch are read.
            (Some(_), Error::NotJoined { .. } | Error::NotInView { .. } | Error::Stopping) => {
                shared.counts.postponed += 1;
            }
            (None, Error::Stopping | Error::NotJoined { .. } | Error::NoFlush { .. }) => {}
            _ => {
                let what = kind(wish);
                shared.problem(|| format!("{} refused to {what}: {error}", self.id));
            }
        }
    }

    /// There is room again.
    pub(crate) fn may_write(&mut self, moment: u64) {
        for member in &mut self.members {
            member.rests_until = member.rests_until.min(moment);
        }
    }

    /// A member is told something.
    pub(crate) fn told(
        &mut self,
        group: &GroupName,
        local: u32,
        event: Told,
        moment: u64,
        shared: &mut Shared,
    ) {
        let node = self.id;
        let Some(member) = self.members.get_mut(local as usize) else {
            shared.problem(|| format!("{node} tells member {local}, which never was"));
            return;
        };
        if shared.habits.group(member.group) != Some(group) {
            shared.problem(|| format!("{} is told about {group}, not its group", member.id));
            return;
        }
        let (id, number) = (member.id, member.group);
        let (event, key) = match event {
            Told::Plain(event) => (event, None),
            Told::Secure(secure) => (Event::View(Box::new(secure.view)), Some(secure.fingerprint)),
            Told::Warning { reason, detail } => {
                if reason == "blamed" {
                    // Nobody here sends what it should not.
                    shared.problem(|| format!("{id} is told: {detail}"));
                }
                return shared.trace.warning(moment, node, reason, &detail);
            }
            _ => return,
        };
        match event {
            Event::Sent { number: message, view, service, to } => {
                shared.counts.sent += 1;
                let sent = Sent { number: message, view, service, to };
                shared.trace.send(moment, number, id, &sent);
            }
            Event::Message { from, number: message, view, service, order, body } => {
                let bytes = body.len();
                let received = Received { from, number: message, view, service, order, bytes };
                shared.trace.message(moment, number, id, &received);
                member.delivered(from, service, bytes);
                self.heard(local, from, service, &body, moment, shared);
            }
            Event::Transitional { view } => {
                member.signalled = true;
                shared.trace.of_view(moment, number, id, "transitional", Some(view));
            }
            Event::FlushRequest { view } => {
                member.flushing = true;
                shared.trace.of_view(moment, number, id, "flush_request", Some(view));
                if let Some(delay) = member.flush_after {
                    let delay = if shared.healed { delay.min(HEALED_FLUSH) } else { delay };
                    let flushed = Happening::Flushed { node, local, view };
                    shared.queue.push(moment + delay, flushed);
                }
            }
            Event::View(view) => {
                shared.counts.views += 1;
                shared.trace.view(moment, number, id, &view, key);
                shared.counts.blobs += view.blobs.len() as u64;
                if let Err(wrong) = shared.door.view(member, &view, key.is_some()) {
                    shared.problem(|| format!("{id} {wrong}"));
                }
                member.installed(*view);
            }
            Event::Left => {
                if member.standing == Standing::Wanted && !self.stopping {
                    shared
                        .problem(|| format!("{id} is told that it has left, and did not want to"));
                }
                shared.trace.leave(moment, number, id);
                let was_in = member.view.is_some();
                member.gone();
                // Who was never in may yet be in the others' views; in a trace these would name the
                // next life of the same name. A node gives every member a number of its own.
                if was_in {
                    self.come_again(local, shared.habits.rejoin, None, shared);
                }
            }
            Event::Refused(refusal) => {
                shared.counts.refused += 1;
                if let Err(wrong) = Door::refusal(member, &refusal) {
                    shared.problem(|| format!("{id} {wrong}"));
                }
                shared.trace.refused(moment, number, id, &refusal.code, &refusal.detail);
                if member.view.is_some() {
                    // It was in, and is put out: for those who read the trace it has left.
                    shared.trace.leave(moment, number, id);
                }
                member.gone();
                self.come_again(local, AGAIN, refusal.charter, shared);
            }
        }
    }

    /// A member that is out of its group may join again at once, with this charter if there is one.
    fn come_again(&mut self, local: u32, chance: f64, charter: Option<Bytes>, shared: &mut Shared) {
        if !self.stopping && !shared.healed && shared.random.chance(chance) {
            self.enter(local, charter, shared);
        }
    }

    /// A message was read: checks that it is what was sent, and perhaps answers.
    fn heard(
        &mut self,
        local: u32,
        from: MemberId,
        service: Service,
        body: &[u8],
        moment: u64,
        shared: &mut Shared,
    ) {
        shared.counts.delivered += 1;
        match body::check(body, from) {
            Err(wrong) => {
                let id = self.id;
                shared.problem(|| format!("{id}/{local} got a {service:?} of {from}: {wrong}"));
            }
            Ok(Some(sent)) if service == Service::Agreed => {
                if let Some(latencies) = &mut shared.latencies {
                    latencies.push(moment.saturating_sub(sent));
                }
            }
            Ok(_) => {}
        }
        let Some(member) = self.members.get(local as usize) else { return };
        let chance = shared.habits.answer / (member.members.len().max(1) as f64);
        if from != member.id && !shared.healed && shared.random.chance(chance) {
            let answer = shared.habits.message(member, moment, &mut shared.random);
            self.wishes.extend(answer);
        }
    }

    /// The operator is told something.
    pub(crate) fn warned(&mut self, warning: &Warning, moment: u64, shared: &mut Shared) {
        let (reason, detail) = match warning {
            Warning::Suspected { node, reason } => ("suspected", format!("{node}: {reason}")),
            Warning::Slow { node } => ("slow", node.to_string()),
            Warning::FlushLate { group, node } => ("flush_late", format!("{node} in {group}")),
            other => ("other", format!("{other:?}")),
        };
        shared.trace.warning(moment, self.id, reason, &detail);
    }
}

/// The longest that a member takes to flush after faults have ended, in microseconds.
pub(crate) const HEALED_FLUSH: u64 = 200_000;

fn kind(wish: &Input) -> &'static str {
    match wish {
        Input::Join(_) => "join",
        Input::Leave { .. } => "leave",
        Input::Send { .. } => "send",
        Input::Unicast { .. } => "unicast",
        Input::FlushOk { .. } => "flush",
        Input::Consumed { .. } => "take what was read",
        Input::Renew { .. } => "renew",
        Input::Shutdown => "shut down",
        Input::Connected { .. } | Input::Closed { .. } => "take a hint",
        _ => "go on",
    }
}
