//! The failure detector: who has been silent for longer than it usually is, or is known to be gone.

use crate::{
    ids::{NodeId, NodeMap},
    settings::Settings,
    time::Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What is known of the life of others. It holds the members of the configuration and the nodes of
/// the ballots followed since it was installed, and forgets the latter with the next installation.
#[derive(Default)]
pub(super) struct Detector {
    pulses: NodeMap<Pulse>,
    suspicions: BTreeMap<NodeId, Suspicion>,
    /// Members that another member cannot reach: suspected unless they are heard before this.
    doubts: BTreeMap<NodeId, (NodeId, Time)>,
    /// Members that speak of another configuration, since when.
    elsewhere: BTreeMap<NodeId, Time>,
    monitored: BTreeSet<NodeId>,
}

/// The signs of life of one node.
struct Pulse {
    /// Of the configuration, not just of a ballot.
    member: bool,
    last: Time,
    /// The last one that was measured: frames of one burst are one sign.
    measured: Time,
    /// Silence before this does not count: nobody listened.
    grace: Time,
    /// Its last heartbeat in this configuration.
    beat: Option<Time>,
    /// Interval between signs of life and its deviation, microseconds, as RFC 6298 smooths them.
    mean: u64,
    deviation: u64,
}

struct Suspicion {
    /// Signs of life do not take it back.
    lasting: bool,
}

impl Pulse {
    fn new(now: Time) -> Self {
        Self {
            member: false,
            last: now,
            measured: now,
            grace: now,
            beat: None,
            mean: 0,
            deviation: 0,
        }
    }

    fn heard(&mut self, now: Time, settings: &Settings) {
        let interval = now.since(self.measured);
        if interval >= settings.heartbeat / 2 {
            self.measure(u64::try_from(interval.as_micros()).unwrap_or(u64::MAX));
            self.measured = now;
        }
        self.last = now;
    }

    fn measure(&mut self, interval: u64) {
        if self.mean == 0 {
            (self.mean, self.deviation) = (interval, interval / 2);
            return;
        }
        let error = interval.abs_diff(self.mean);
        self.deviation = self.deviation - self.deviation / 4 + error / 4;
        self.mean = self.mean - self.mean / 8 + interval / 8;
    }

    /// Silence that is forgiven.
    fn limit(&self, settings: &Settings) -> Duration {
        let usual = self.mean.saturating_mul(2).saturating_add(self.deviation.saturating_mul(4));
        Duration::from_micros(usual).clamp(settings.suspect_after, settings.suspect_after * 4)
    }

    /// When a node that lives but does not count itself to this configuration is given up: four
    /// times the silence that is forgiven.
    fn mute_from(&self, settings: &Settings) -> Time {
        if !self.member {
            return Time(u64::MAX);
        }
        let beat = self.beat.unwrap_or(self.grace).max(self.grace);
        beat + settings.suspect_after * 4
    }

    fn until(&self, settings: &Settings) -> Time {
        self.last.max(self.grace) + self.limit(settings)
    }
}

impl Detector {
    /// A configuration begins, of these members by rank: everybody is trusted, intervals are kept.
    pub(super) fn begin(&mut self, now: Time, members: impl Iterator<Item = NodeId>) {
        let mut old = std::mem::take(self);
        for node in members {
            let mut pulse = old.pulses.swap_remove(&node).unwrap_or_else(|| Pulse::new(now));
            (pulse.member, pulse.grace, pulse.beat) = (true, now, None);
            self.pulses.insert(node, pulse);
        }
    }

    /// Also listen to this node until the next installation.
    pub(super) fn watch(&mut self, node: NodeId, now: Time, max: usize) {
        // Members, and as many again of a ballot.
        if self.pulses.len() < 2 * max {
            self.pulses.entry(node).or_insert_with(|| Pulse::new(now));
        }
    }

    /// A sign of life of a member, whose rank is known. False if nothing was done, since something
    /// may follow from it: then tell [`Detector::heard`].
    pub(super) fn heard_as_usual(
        &mut self,
        (rank, node): (u16, NodeId),
        now: Time,
        settings: &Settings,
    ) -> bool {
        if !(self.suspicions.is_empty() && self.doubts.is_empty()) {
            return false;
        }
        // The members were put in first, by rank.
        match self.pulses.get_index_mut(usize::from(rank)) {
            Some((&who, pulse)) if who == node => pulse.heard(now, settings),
            _ => return false,
        }
        true
    }

    /// A sign of life. Whether a suspicion was taken back.
    pub(super) fn heard(&mut self, node: NodeId, now: Time, settings: &Settings) -> bool {
        let Some(pulse) = self.pulses.get_mut(&node) else { return false };
        pulse.heard(now, settings);
        self.doubts.remove(&node);
        let taken_back = self.suspicions.get(&node).is_some_and(|s| !s.lasting);
        if taken_back {
            self.suspicions.remove(&node);
        }
        taken_back
    }

    /// A heartbeat of a member in this configuration: it is not elsewhere (any more).
    pub(super) fn beat(&mut self, node: NodeId, now: Time) {
        self.is_here(node);
        if let Some(pulse) = self.pulses.get_mut(&node) {
            pulse.beat = Some(now);
        }
    }

    /// A member says that this configuration is its own.
    pub(super) fn is_here(&mut self, node: NodeId) {
        self.elsewhere.remove(&node);
    }

    /// Whether the node's own heartbeat of this configuration came within `limit`.
    pub(super) fn beats(&self, node: NodeId, now: Time, limit: Duration) -> bool {
        let beat = self.pulses.get(&node).and_then(|pulse| pulse.beat);
        beat.is_some_and(|beat| now.since(beat) <= limit) && !self.is_suspected(node)
    }

    /// A member speaks of another configuration.
    pub(super) fn is_elsewhere(&mut self, node: NodeId, now: Time) {
        if !self.suspicions.get(&node).is_some_and(|suspicion| suspicion.lasting) {
            self.elsewhere.entry(node).or_insert(now);
        }
    }

    /// Another member cannot reach this one. Whether that is news.
    pub(super) fn doubt(&mut self, node: NodeId, by: NodeId, until: Time) -> bool {
        if self.doubts.contains_key(&node) || self.is_suspected(node) {
            return false;
        }
        self.doubts.insert(node, (by, until));
        true
    }

    /// Suspects a node, for life if `lasting`. Whether that is news.
    pub(super) fn suspect(&mut self, node: NodeId, lasting: bool) -> bool {
        self.doubts.remove(&node);
        let news = !self.is_suspected(node);
        let suspicion = self.suspicions.entry(node).or_insert(Suspicion { lasting });
        suspicion.lasting |= lasting;
        news
    }

    pub(super) fn is_suspected(&self, node: NodeId) -> bool {
        self.suspicions.contains_key(&node)
    }

    /// Who is suspected.
    pub(super) fn suspects(&self) -> impl Iterator<Item = NodeId> {
        self.suspicions.keys().copied()
    }

    /// From now on these are monitored; silence from before does not count.
    pub(super) fn monitor(&mut self, nodes: BTreeSet<NodeId>, now: Time) {
        for node in nodes.difference(&self.monitored) {
            if let Some(pulse) = self.pulses.get_mut(node) {
                pulse.grace = pulse.grace.max(now);
            }
        }
        self.monitored = nodes;
    }

    /// Everybody gets fresh patience.
    pub(super) fn forgive(&mut self, now: Time) {
        for pulse in self.pulses.values_mut() {
            pulse.grace = now;
        }
        // Who doubts will say so again.
        self.doubts.clear();
        for since in self.elsewhere.values_mut() {
            *since = now;
        }
    }

    /// Suspects whoever has been silent too long, or elsewhere, and says why.
    pub(super) fn check(&mut self, now: Time, settings: &Settings) -> Vec<(NodeId, String)> {
        let mut found = Vec::new();
        for node in &self.monitored {
            let Some(pulse) = self.pulses.get(node) else { continue };
            if now >= pulse.until(settings) {
                let silence = now.since(pulse.last.max(pulse.grace)).as_millis();
                let limit = pulse.limit(settings).as_millis();
                let reason = format!("silent for {silence} ms, the limit is {limit} ms");
                found.push((*node, reason, false));
            } else if now >= pulse.mute_from(settings) {
                let reason = "lives, but sends no heartbeats of this configuration".to_owned();
                found.push((*node, reason, true));
            }
        }
        for (node, (by, until)) in &self.doubts {
            if now >= *until {
                let reason = format!("{by} cannot reach it, nor does it answer a probe");
                found.push((*node, reason, false));
            }
        }
        for (node, since) in &self.elsewhere {
            if now >= *since + elsewhere_limit(settings) {
                found.push((*node, "is in another configuration".to_owned(), true));
            }
        }
        found.retain(|(node, _, lasting)| {
            if *lasting {
                self.elsewhere.remove(node);
            }
            self.suspect(*node, *lasting)
        });
        found.into_iter().map(|(node, reason, _)| (node, reason)).collect()
    }

    /// When `check` may find somebody next.
    pub(super) fn next_due(&self, settings: &Settings) -> Option<Time> {
        let trusted = self.monitored.iter().filter(|node| !self.is_suspected(**node));
        let silent = trusted
            .filter_map(|node| self.pulses.get(node))
            .map(|pulse| pulse.until(settings).min(pulse.mute_from(settings)));
        let doubted = self.doubts.values().map(|&(_, until)| until);
        let elsewhere = self.elsewhere.values().map(|&since| since + elsewhere_limit(settings));
        silent.chain(doubted).chain(elsewhere).min()
    }
}

/// How long an installation may take to reach everybody.
fn elsewhere_limit(settings: &Settings) -> Duration {
    settings.propose_limit * 2
}
