//! How configurations of one overlay find each other: beacons, probes, backoff.

use super::{Effect, Membership, courtship::Courtship, departure::Departure, step::Step};
use crate::{
    configuration::Peer,
    error::Drop,
    ids::{Ballot, NodeId},
    settings::Settings,
    time::Time,
    wire::control::Membership as Message,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long an exchange of probes vouches for both directions: a few ballots.
const VOUCHES: Duration = Duration::from_secs(3);

/// What this node knows of nodes outside its configuration. Every map is bounded by
/// `settings.max_nodes`; what does not fit is found again at a later beacon.
pub(super) struct Merge {
    announce_at: Time,
    nonce: u64,
    pub(super) courtship: Courtship,
    /// When a probe of the node, or its answer, was here last.
    verified: BTreeMap<NodeId, Time>,
    backoff: BTreeMap<NodeId, Backoff>,
    shunned: BTreeMap<NodeId, Shunned>,
    told: BTreeMap<(Topic, NodeId), Time>,
}

/// This node held the others up.
struct Shunned {
    until: Time,
    times: u32,
}

/// Merges with this node failed.
struct Backoff {
    until: Time,
    failures: u32,
}

/// What is said again and again, but not more often than useful.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Heard,
    Beacon,
    Install,
    Probe,
}

impl Merge {
    pub(super) fn new(now: Time) -> Self {
        Self {
            announce_at: now,
            nonce: 0,
            courtship: Courtship::new(now),
            verified: BTreeMap::new(),
            backoff: BTreeMap::new(),
            shunned: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    pub(super) fn next_nonce(&mut self) -> u64 {
        self.nonce = self.nonce.wrapping_add(1);
        self.nonce
    }

    /// Whether a probe went back and forth lately.
    pub(super) fn is_verified(&self, node: NodeId, now: Time) -> bool {
        self.verified.get(&node).is_some_and(|&at| now.since(at) <= VOUCHES)
    }

    fn verify(&mut self, step: &Step<'_>, node: NodeId) {
        let now = step.now;
        if self.verified.len() >= step.settings.max_nodes {
            self.verified.retain(|_, at| now.since(*at) <= VOUCHES);
        }
        if self.verified.len() < step.settings.max_nodes || self.verified.contains_key(&node) {
            self.verified.insert(node, now);
        }
    }

    /// Whether it is time to tell `node` this again (and then it counts as told).
    pub(super) fn may_tell(
        &mut self,
        step: &Step<'_>,
        topic: Topic,
        node: NodeId,
        every: Duration,
    ) -> bool {
        let now = step.now;
        if self.told.get(&(topic, node)).is_some_and(|&at| now.since(at) < every) {
            return false;
        }
        if self.told.len() >= step.settings.max_nodes {
            self.told.retain(|_, at| now.since(*at) < step.settings.beacon);
        }
        let room = self.told.len() < step.settings.max_nodes;
        if room {
            self.told.insert((topic, node), now);
        }
        room
    }

    /// Keeps a node out for a while, each time twice as long, up to 32 beacons.
    pub(super) fn shun(&mut self, node: NodeId, settings: &Settings, now: Time) {
        self.verified.remove(&node);
        // Who is let in again holds the others up for twice the limit before it is put out again.
        let memory = settings.slow_limit * 4;
        self.shunned.retain(|_, shunned| shunned.until + memory > now);
        if self.shunned.len() >= settings.max_nodes
            && let Some(ends_first) = self.shunned.iter().min_by_key(|(_, shunned)| shunned.until)
        {
            let ends_first = *ends_first.0;
            self.shunned.remove(&ends_first);
        }
        let shunned = self.shunned.entry(node).or_insert(Shunned { until: now, times: 0 });
        if now < shunned.until {
            return; // It is said again until it is out.
        }
        shunned.until = now + settings.beacon * (1 << shunned.times.min(5));
        shunned.times += 1;
    }

    fn is_shunned(&self, node: NodeId, now: Time) -> bool {
        self.shunned.get(&node).is_some_and(|shunned| now < shunned.until)
    }

    fn backs_off(&self, node: NodeId, now: Time) -> bool {
        self.backoff.get(&node).is_some_and(|backoff| now < backoff.until)
    }

    /// A configuration begins: counts who came along, and announces it.
    pub(super) fn begin(&mut self, step: &Step<'_>) {
        self.announce_at = step.now;
        for node in step.configuration.nodes() {
            self.backoff.remove(&node);
        }
        let beacon = step.settings.beacon;
        self.backoff.retain(|_, backoff| step.now < backoff.until + beacon * 2);
        for node in self.courtship.end() {
            if !step.is_member(node) && self.backoff.len() < step.settings.max_nodes {
                let backoff =
                    self.backoff.entry(node).or_insert(Backoff { until: step.now, failures: 0 });
                let wait = (beacon / 8) * (1 << backoff.failures.min(3));
                backoff.until = step.now + wait.min(beacon);
                backoff.failures += 1;
            }
        }
    }
}

impl Membership {
    fn beacon(step: &Step<'_>) -> Option<Message> {
        let leader = *step.configuration.members.first()?;
        let size = u32::try_from(step.configuration.size()).unwrap_or(u32::MAX);
        Some(Message::Beacon { configuration: step.configuration.id, leader, size })
    }

    /// Whether this node may bring its configuration together with others: not if it goes, and not
    /// if it leads and its application does not read, since it would hold the others up.
    pub(super) fn mingles(&self, step: &Step<'_>) -> bool {
        matches!(self.departure, Departure::Staying)
            && !(step.backlogged && step.configuration.is_led_here())
    }

    /// Tells `node` of this configuration, not too often.
    pub(super) fn introduce(&mut self, step: &mut Step<'_>, node: NodeId) {
        let every = step.settings.beacon / 4;
        if self.mingles(step)
            && self.merge.may_tell(step, Topic::Beacon, node, every)
            && let Some(beacon) = Self::beacon(step)
        {
            step.send(node, beacon);
        }
    }

    /// A connection opened: the other side learns of this configuration.
    pub(super) fn connected(&mut self, step: &mut Step<'_>, node: NodeId) {
        self.heard(step, node);
        self.supersede(step, node);
        let foreign = !step.is_member(node) && self.mingles(step);
        if let Some(beacon) = Self::beacon(step).filter(|_| foreign) {
            step.send(node, beacon);
        }
    }

    /// A member of the same key and a lower incarnation has restarted as `node`. Whether `node`
    /// itself is the older one.
    fn supersede(&mut self, step: &mut Step<'_>, node: NodeId) -> bool {
        let mut members = step.configuration.nodes();
        let Some(member) = members.find(|m| m.key == node.key) else { return false };
        if member.incarnation < node.incarnation
            && member != step.me()
            && self.detector.suspect(member, true)
        {
            step.warn(member, format!("has restarted as {node}"));
        }
        member.incarnation > node.incarnation
    }

    pub(super) fn on_beacon(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        configuration: Ballot,
        leader: Peer,
    ) {
        if Some(configuration) == self.awaited() {
            self.installed_elsewhere(step, from);
        } else if step.is_member(from) && configuration != step.configuration.id {
            self.on_estranged(step, from, from == leader.node);
        }
        self.on_foreign(step, configuration, leader);
    }

    /// A member brings the beacon of another configuration: of its own, or it only passes it on.
    fn on_estranged(&mut self, step: &mut Step<'_>, member: NodeId, certainly: bool) {
        let every = step.settings.beacon / 4;
        if certainly {
            self.detector.is_elsewhere(member, step.now);
        } else if self.merge.may_tell(step, Topic::Probe, member, every) {
            let nonce = self.merge.next_nonce();
            step.send(member, Message::Probe { nonce });
        }
    }

    pub(super) fn on_heard(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        configuration: Ballot,
        leader: Peer,
    ) {
        if step.is_member(from) {
            self.on_foreign(step, configuration, leader);
        } else {
            step.figures.dropped(Drop::Stranger);
        }
    }

    /// There is another configuration. Of two leaders the one that would lead both courts.
    fn on_foreign(&mut self, step: &mut Step<'_>, configuration: Ballot, leader: Peer) {
        let node = leader.node;
        if configuration == step.configuration.id || step.is_member(node) {
            return;
        }
        if self.supersede(step, node) || self.merge.is_shunned(node, step.now) {
            return step.figures.dropped(Drop::Stranger);
        }
        if !self.is_operational() || !self.mingles(step) {
            return;
        }
        if !step.configuration.is_led_here() {
            let every = step.settings.beacon / 4;
            if self.merge.may_tell(step, Topic::Heard, node, every) {
                let to = self.acting_leader(step);
                step.send(to, Message::Heard { configuration, leader });
            }
            return;
        }
        if step.me_as_peer().precedence() < leader.precedence() {
            self.court(step, node, None);
        } else {
            self.introduce(step, node);
        }
    }

    /// Sees whether `node` hears this node and the other way round. Members `of` a configuration are
    /// courted with their leader.
    fn court(&mut self, step: &mut Step<'_>, node: NodeId, of: Option<Ballot>) {
        let courtship = &self.merge.courtship;
        let full = step.configuration.size() + courtship.len() >= step.settings.max_nodes;
        if full
            || courtship.gives_way(step.now)
            || courtship.includes(node)
            || step.is_member(node)
            || of.is_none() && self.merge.backs_off(node, step.now)
            || self.merge.is_shunned(node, step.now)
            || self.supersede(step, node)
        {
            return;
        }
        let nonce = self.merge.next_nonce();
        self.merge.courtship.add(node, (nonce, of), step.now, step.settings);
        step.send(node, Message::Probe { nonce });
    }

    pub(super) fn on_probe(&mut self, step: &mut Step<'_>, from: NodeId, nonce: u64) {
        let waits = !step.is_member(from) && !self.mingles(step);
        if self.supersede(step, from) || self.merge.is_shunned(from, step.now) || waits {
            return step.figures.dropped(Drop::Stranger);
        }
        let foreign = !step.is_member(from);
        if foreign && !self.is_operational() && !self.in_ballot(from) {
            // Whoever is in a ballot cannot follow another; it is asked again soon.
            return step.figures.dropped(Drop::Stale);
        }
        self.merge.verify(step, from);
        if foreign {
            self.merge.courtship.give_way(step.now, step.settings);
        }
        let configuration = step.configuration;
        let mut members = configuration.members.clone();
        if !configuration.is_led_here() {
            // The leader, who is first, and this node.
            let leader = configuration.leader();
            members.retain(|peer| peer.node == leader || peer.node == step.me());
        }
        let (epoch, configuration) = (self.epoch, configuration.id);
        step.send(from, Message::ProbeReply { nonce, epoch, configuration, members });
    }

    pub(super) fn on_probe_reply(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        nonce: u64,
        configuration: Ballot,
        members: &[Peer],
    ) {
        let distinct: BTreeSet<_> = members.iter().map(|peer| peer.node).collect();
        if members.len() > step.settings.max_nodes
            || distinct.len() != members.len()
            || !distinct.contains(&from)
        {
            return step.figures.dropped(Drop::Malformed);
        }
        if step.is_member(from) {
            if configuration == step.configuration.id {
                self.detector.is_here(from);
            } else if Some(configuration) != self.awaited() {
                self.detector.is_elsewhere(from, step.now);
            }
            return;
        }
        let Some(leader) = members.first() else { return };
        let (courtship, leads) = (&mut self.merge.courtship, leader.node == from);
        let Ok(before) = courtship.answer(from, nonce, configuration, leads) else {
            return step.figures.dropped(Drop::Stale);
        };
        self.merge.verify(step, from);
        if step.me_as_peer().precedence() > leader.precedence() {
            // It has found a better leader meanwhile, who courts this node.
            self.merge.courtship.drop(from);
            self.introduce(step, leader.node);
        } else if configuration != step.configuration.id {
            let before = before.filter(|_| leads);
            self.merge.courtship.regroup(before, configuration, &distinct);
            for node in distinct {
                self.court(step, node, Some(configuration));
            }
        }
    }

    pub(super) fn merge_due(&self, step: &Step<'_>) -> Option<Time> {
        let leads = step.configuration.is_led_here() && self.is_operational();
        let announce = leads.then_some(self.merge.announce_at);
        let courtship = self.merge.courtship.due(step.now, step.settings);
        announce.into_iter().chain(courtship).min()
    }

    /// Announces this configuration, and goes on courting.
    pub(super) fn act_on_merge(&mut self, step: &mut Step<'_>) {
        let leads = step.configuration.is_led_here() && self.is_operational();
        let mingles = self.mingles(step);
        if leads && step.now >= self.merge.announce_at {
            let beacon = step.settings.beacon;
            self.merge.announce_at = step.now + beacon * 3 / 4 + self.random.below(beacon / 2);
            if let Some(beacon) = Self::beacon(step).filter(|_| mingles) {
                step.push(Effect::Announce(beacon));
            }
        }
        for (node, nonce) in self.merge.courtship.act(step.now, step.settings) {
            step.send(node, Message::Probe { nonce });
        }
    }
}
