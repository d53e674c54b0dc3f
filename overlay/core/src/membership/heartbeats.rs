//! Signs of life: heartbeats out, suspicions in, and what is done with others' doubts.

use super::{Departure, Effect, Membership, step::Step};
use crate::{
    error::Drop,
    figures::Rare,
    ids::NodeId,
    time::Time,
    wire::{control::Membership as Message, heartbeat::Heartbeat},
};
use std::collections::BTreeSet;

/// Ranks that hear everybody's heartbeats, so that two may fail at once without losing sight.
const WATCHERS: u16 = 3;

impl Membership {
    /// Whether this member is on its way out: suspected, or leaving.
    pub(super) fn is_out(&self, step: &Step<'_>, node: NodeId) -> bool {
        if node == step.me() {
            return !matches!(self.departure, Departure::Staying);
        }
        self.detector.is_suspected(node) || self.leaving.contains(&node)
    }

    /// The first rank that is neither suspected nor leaving: it decides on changes.
    pub(super) fn acting_leader(&self, step: &Step<'_>) -> NodeId {
        let mut nodes = step.configuration.nodes();
        nodes.find(|&node| !self.is_out(step, node)).unwrap_or(step.me())
    }

    /// How many ranks before this node's are neither suspected nor leaving.
    pub(super) fn place(&self, step: &Step<'_>) -> u32 {
        let before = step.configuration.nodes().take(usize::from(step.configuration.rank));
        (0..).zip(before.filter(|&node| !self.is_out(step, node))).count().try_into().unwrap_or(0)
    }

    /// A frame came from `node`. Whether that took a suspicion back.
    pub(super) fn heard(&mut self, step: &Step<'_>, node: NodeId) -> bool {
        self.detector.heard(node, step.now, step.settings)
    }

    /// A connection closed and its redial was refused.
    pub(super) fn closed(&mut self, step: &mut Step<'_>, node: NodeId) {
        let listened = step.is_member(node) || self.in_ballot(node);
        // Who has said that it goes is expected to close.
        let goes = self.leaving.contains(&node);
        if listened && !goes && node != step.me() && self.detector.suspect(node, false) {
            step.warn(node, "its connection closed and a new one was refused".into());
            self.complain_at = step.now;
        }
    }

    /// This member holds the others up; it may come back after a while.
    pub(super) fn exclude(&mut self, step: &mut Step<'_>, node: NodeId) {
        if node == step.me() {
            self.step_aside(step);
        } else if step.is_member(node) {
            if self.detector.suspect(node, true) {
                step.warn(node, "holds the others up and is put out".into());
                step.figures.saw(Rare::Expelled);
            }
            self.merge.shun(node, step.settings, step.now);
        }
    }

    /// This node, which leads, holds the others up: they are to go on without it.
    fn step_aside(&mut self, step: &mut Step<'_>) {
        if step.now >= self.step_aside_at {
            self.step_aside_at = step.now + step.settings.heartbeat;
            let node = step.me();
            for to in step.others() {
                step.send(to, Message::Suspect { node });
            }
        }
    }

    /// `from` cannot reach `node`: see for oneself. Of itself it knows: whoever leads and does not
    /// keep up says so, for all to go on without it.
    pub(super) fn on_suspect(&mut self, step: &mut Step<'_>, from: NodeId, node: NodeId) {
        if !step.is_member(from) || !step.is_member(node) || node == step.me() {
            step.figures.dropped(Drop::Stranger);
            return;
        }
        if node == from {
            if self.leaving.insert(node) {
                step.warn(node, "does not keep up and steps aside".into());
                step.figures.saw(Rare::SteppedAside);
                self.merge.shun(node, step.settings, step.now);
            }
            return;
        }
        let until = step.now + step.settings.suspect_after / 4;
        if self.detector.doubt(node, from, until) {
            let nonce = self.merge.next_nonce();
            step.send(node, Message::Probe { nonce });
        }
    }

    /// A heartbeat. Whether it was routine: nothing follows from it but that the sender lives.
    pub(super) fn on_heartbeat(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        heartbeat: &Heartbeat,
    ) -> bool {
        if !self.learn_epoch(heartbeat.epoch) {
            step.figures.dropped(Drop::Malformed);
            return true;
        }
        let taken_back = self.heard(step, from);
        let (size, promises) = (step.configuration.size(), heartbeat.promises.len());
        let leads = from == step.configuration.leader();
        if self.awaited().is_some_and(|ballot| step.is_of(heartbeat, ballot)) {
            self.installed_elsewhere(step, from);
        } else if !step.is_member(from) {
            return self.on_foreign_heartbeat(step, from);
        } else if heartbeat.tag != step.configuration.tag {
            self.detector.is_elsewhere(from, step.now);
            return false;
        } else if heartbeat.epoch != step.configuration.id.epoch
            || heartbeat.received.len() != size
            || promises != if leads { size } else { 1 }
        {
            step.figures.dropped(Drop::Malformed);
        } else {
            self.detector.beat(from, step.now);
        }
        !taken_back
    }

    /// The sender counts this node in, but not the other way round: tell it where this node is.
    fn on_foreign_heartbeat(&mut self, step: &mut Step<'_>, from: NodeId) -> bool {
        if !self.in_ballot(from) {
            step.figures.dropped(Drop::Stranger);
            self.introduce(step, from);
        }
        true
    }

    /// Finds out who is silent, and tells the operator and the acting leader.
    pub(super) fn act_on_silence(&mut self, step: &mut Step<'_>) {
        let monitored = self.monitored(step);
        self.detector.monitor(monitored, step.now);
        for (node, reason) in self.detector.check(step.now, step.settings) {
            step.warn(node, reason);
            self.complain_at = step.now;
        }
        let leader = self.acting_leader(step);
        if leader == step.me() || !self.is_operational() || step.now < self.complain_at {
            return;
        }
        // Nobody but the acting leader acts on it, and that one may see things differently.
        self.complain_at = step.now + step.settings.heartbeat * 4;
        let suspects: Vec<_> = self.detector.suspects().collect();
        for node in suspects {
            step.send(leader, Message::Suspect { node });
        }
    }

    /// Who must send this node signs of life.
    fn monitored(&self, step: &Step<'_>) -> BTreeSet<NodeId> {
        let mut nodes = BTreeSet::new();
        if step.configuration.rank < WATCHERS {
            nodes.extend(step.configuration.nodes());
        } else {
            nodes.insert(step.configuration.leader());
            nodes.insert(self.acting_leader(step));
        }
        // A proposer says that it lives to all that follow it, and they to it.
        nodes.extend(self.awaited().map(|ballot| ballot.proposer));
        if let Some(proposal) = &self.proposal {
            nodes.extend(proposal.nodes());
        }
        nodes.remove(&step.me());
        nodes
    }

    /// Who is sent signs of life.
    fn listeners(&self, step: &Step<'_>) -> BTreeSet<NodeId> {
        let leads = step.configuration.is_led_here() || self.acting_leader(step) == step.me();
        let ranks = if leads { step.configuration.size() } else { usize::from(WATCHERS) };
        let mut nodes: BTreeSet<_> = step.configuration.nodes().take(ranks).collect();
        nodes.insert(self.acting_leader(step));
        nodes.extend(self.awaited().map(|ballot| ballot.proposer));
        if let Some(proposal) = &self.proposal {
            nodes.extend(proposal.nodes());
        }
        nodes.remove(&step.me());
        nodes
    }

    /// Says that this node lives, and what it has.
    pub(super) fn send_heartbeats(&mut self, step: &mut Step<'_>) {
        if step.now < self.heartbeat_at {
            return;
        }
        self.heartbeat_at = step.now + step.settings.heartbeat;
        let listeners = self.listeners(step);
        if listeners.is_empty() {
            return;
        }
        let (received, mut promises) = step.past.digest();
        if !step.configuration.is_led_here() {
            // Its own alone: of what it told and was lost nobody else knows.
            let own = promises.get(usize::from(step.configuration.rank)).copied();
            promises = own.into_iter().collect();
        }
        let (tag, epoch) = (step.configuration.tag, step.configuration.id.epoch);
        let heartbeat = Heartbeat { tag, epoch, received, promises };
        step.push(Effect::Heartbeat(listeners, heartbeat));
    }

    /// When this node would act on a change of its configuration, if one is due.
    pub(super) fn change_due(&self, step: &Step<'_>) -> Option<Time> {
        let noticed = self.noticed?;
        let acts = self.acting_leader(step) == step.me();
        let leader_is_out = self.is_out(step, step.configuration.leader());
        // While the leader is there, it alone decides. When it is gone, each rank gives those
        // before it a head start: they may be gone too.
        (acts || leader_is_out).then(|| {
            noticed + step.settings.gather_window + step.settings.stagger * self.place(step)
        })
    }

    /// Proposes the next configuration when this one should change and this node is to act.
    pub(super) fn act_on_change(&mut self, step: &mut Step<'_>) {
        let changes = self.is_operational()
            && (step.configuration.nodes().any(|node| self.is_out(step, node))
                || self.merge.courtship.is_ready(step.now, step.settings));
        if !changes || !matches!(self.departure, Departure::Staying) {
            self.noticed = None;
            return;
        }
        self.noticed.get_or_insert(step.now);
        if self.change_due(step).is_some_and(|due| step.now >= due) {
            self.noticed = None;
            let mut nodes = self.remaining(step);
            let room = step.settings.max_nodes.saturating_sub(nodes.len());
            nodes.extend(self.merge.courtship.take_suitors(step.now, step.settings, room));
            self.propose(step, nodes);
        }
    }

    /// The members that are neither suspected nor leaving.
    pub(super) fn remaining(&self, step: &Step<'_>) -> BTreeSet<NodeId> {
        let nodes = step.configuration.nodes();
        nodes.filter(|&node| node == step.me() || !self.is_out(step, node)).collect()
    }
}
