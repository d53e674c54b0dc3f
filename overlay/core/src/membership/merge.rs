//! How configurations of one overlay find each other: beacons, probes, backoff.

use super::{Effect, Membership, departure::Departure, step::Step};
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
    /// Foreign nodes that are probed now, with the nonce, and whether they have answered.
    courted: BTreeMap<NodeId, (u64, bool)>,
    since: Time,
    again: Time,
    /// Foreign nodes in this node's last proposal.
    suitors: BTreeSet<NodeId>,
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
            courted: BTreeMap::new(),
            since: now,
            again: now,
            suitors: BTreeSet::new(),
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
        shunned.until = now + settings.beacon * (1 << shunned.times.min(5));
        shunned.times += 1;
    }

    fn is_shunned(&self, node: NodeId, now: Time) -> bool {
        self.shunned.get(&node).is_some_and(|shunned| now < shunned.until)
    }

    fn backs_off(&self, node: NodeId, now: Time) -> bool {
        self.backoff.get(&node).is_some_and(|backoff| now < backoff.until)
    }

    /// A ballot goes on: whoever is courted is found again later.
    pub(super) fn pause(&mut self) {
        self.courted.clear();
    }

    /// Whether there are foreign nodes to propose to: all that are probed have answered, or some,
    /// and it has taken long.
    pub(super) fn is_ready(&self, now: Time, settings: &Settings) -> bool {
        let mut answers = self.courted.values().map(|&(_, answered)| answered);
        let late = now >= self.since + courtship_limit(settings);
        if late {
            answers.any(|answered| answered)
        } else {
            answers.len() > 0 && answers.all(|a| a)
        }
    }

    /// The foreign nodes that have answered; they are in the proposal now.
    pub(super) fn take_suitors(&mut self, max: usize) -> BTreeSet<NodeId> {
        let courted = std::mem::take(&mut self.courted);
        let answered = courted.into_iter().filter(|&(_, (_, answered))| answered);
        self.suitors = answered.map(|(node, _)| node).take(max).collect();
        self.suitors.clone()
    }

    /// A configuration begins: counts who came along, and announces it.
    pub(super) fn begin(&mut self, step: &Step<'_>) {
        self.announce_at = step.now;
        self.courted.clear();
        for node in step.configuration.nodes() {
            self.backoff.remove(&node);
        }
        let beacon = step.settings.beacon;
        self.backoff.retain(|_, backoff| step.now < backoff.until + beacon * 2);
        for node in std::mem::take(&mut self.suitors) {
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

/// How long a leader waits for answers to its probes before it goes on with those it has.
fn courtship_limit(settings: &Settings) -> Duration {
    settings.propose_limit / 2
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
        let me = Peer { node: step.me(), priority: step.settings.priority };
        if me.precedence() < leader.precedence() {
            self.court(step, node);
        } else {
            self.introduce(step, node);
        }
    }

    /// Sees whether `node` hears this node and the other way round.
    fn court(&mut self, step: &mut Step<'_>, node: NodeId) {
        let full = step.configuration.size() + self.merge.courted.len() >= step.settings.max_nodes;
        if full
            || step.is_member(node)
            || self.merge.courted.contains_key(&node)
            || self.merge.backs_off(node, step.now)
            || self.merge.is_shunned(node, step.now)
            || self.supersede(step, node)
        {
            return;
        }
        if self.merge.courted.is_empty() {
            self.merge.since = step.now;
            self.merge.again = step.now + step.settings.retry;
        }
        let nonce = self.merge.next_nonce();
        self.merge.courted.insert(node, (nonce, false));
        step.send(node, Message::Probe { nonce });
    }

    pub(super) fn on_probe(&mut self, step: &mut Step<'_>, from: NodeId, nonce: u64) {
        let waits = !step.is_member(from) && !self.mingles(step);
        if self.supersede(step, from) || self.merge.is_shunned(from, step.now) || waits {
            return step.figures.dropped(Drop::Stranger);
        }
        self.merge.verify(step, from);
        let configuration = step.configuration;
        let members = if configuration.is_led_here() {
            configuration.members.clone()
        } else {
            vec![Peer { node: step.me(), priority: step.settings.priority }]
        };
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
        match self.merge.courted.get_mut(&from) {
            Some((asked, answered)) if *asked == nonce => *answered = true,
            _ => return step.figures.dropped(Drop::Stale),
        }
        self.merge.verify(step, from);
        if configuration != step.configuration.id {
            for node in distinct {
                self.court(step, node);
            }
        }
    }

    pub(super) fn merge_due(&self, step: &Step<'_>) -> Option<Time> {
        let leads = step.configuration.is_led_here() && self.is_operational();
        let announce = leads.then_some(self.merge.announce_at);
        if self.merge.courted.is_empty() || self.merge.is_ready(step.now, step.settings) {
            return announce;
        }
        let courtship = self.merge.since + courtship_limit(step.settings);
        Some(announce.unwrap_or(courtship).min(courtship).min(self.merge.again))
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
        let late = step.now >= self.merge.since + courtship_limit(step.settings);
        if late && !self.merge.is_ready(step.now, step.settings) {
            self.merge.courted.clear();
        }
        if step.now >= self.merge.again {
            self.merge.again = step.now + step.settings.retry;
            for (&node, &(nonce, answered)) in &self.merge.courted {
                if !answered {
                    step.send(node, Message::Probe { nonce });
                }
            }
        }
    }
}
