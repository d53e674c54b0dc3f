//! The follower's side of a ballot: which ones this node follows, and its way to the installation.

use super::{
    Effect, Installation, Membership, departure::Departure, merge::Topic, plans, step::Step,
};
use crate::{
    configuration::Peer,
    error::Drop,
    figures::Rare,
    ids::{Ballot, NodeId},
    time::Time,
    wire::control::{Membership as Message, Plan, Report},
};
use std::{collections::BTreeSet, time::Duration};

/// Proposal limits that a proposer that is alive may spend on recovery, as its followers see it.
/// More than the proposer's own patience ([`super::proposer::RECOVERY_LIMITS`]).
const RECOVERY_LIMITS: u32 = 10;

/// Between two configurations or in one.
pub(super) enum State {
    Operational,
    /// A ballot is followed: gathering until its plan is here, then recovering.
    Following(Box<Following>),
    /// The engine has been told to install this ballot.
    Installing(Ballot),
}

/// A ballot that this node follows.
pub(super) struct Following {
    pub(super) ballot: Ballot,
    nodes: BTreeSet<NodeId>,
    /// What was said in `Accept`, and is repeated.
    report: Report,
    /// The last step forward.
    since: Time,
    again: Time,
    /// Since when the proposer is gone, or has given the ballot up.
    lost: Option<Time>,
    plan: Option<Plan>,
    reached: bool,
}

/// What `Install` said, kept for those that missed it.
#[derive(Clone)]
pub(super) struct Installed {
    pub(super) ballot: Ballot,
    pub(super) members: Vec<Peer>,
    pub(super) classes: Vec<Vec<u16>>,
}

impl State {
    pub(super) fn followed(&self) -> Option<&Following> {
        if let Self::Following(following) = self { Some(following) } else { None }
    }

    fn followed_mut(&mut self) -> Option<&mut Following> {
        if let Self::Following(following) = self { Some(following) } else { None }
    }

    /// This node stood still: the ballot gets fresh patience.
    pub(super) fn forgive(&mut self, now: Time) {
        if let Some(following) = self.followed_mut() {
            (following.since, following.lost) = (now, None);
        }
    }
}

impl Membership {
    /// Whether `node` is in the ballot that this node follows or leads.
    pub(crate) fn in_ballot(&self, node: NodeId) -> bool {
        self.state.followed().is_some_and(|following| following.nodes.contains(&node))
            || self.proposal.as_ref().is_some_and(|proposal| proposal.names(node))
    }

    /// The highest ballot that this node has followed or installed.
    pub(super) fn highest(&self, step: &Step<'_>) -> Ballot {
        self.promised.map_or(step.configuration.id, |ballot| ballot.max(step.configuration.id))
    }

    /// A proposal: followed if it is the highest and nothing speaks against its proposer.
    pub(super) fn on_propose(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        ballot: Ballot,
        nodes: Vec<NodeId>,
    ) {
        let max = step.settings.max_nodes;
        if ballot.proposer != from || !plans::is_proposal(ballot, &nodes, step.me(), max) {
            step.figures.dropped(Drop::Malformed);
        } else if self.awaited() == Some(ballot) {
            self.repeat_answer(step);
        } else if self.outranks(step, ballot) {
            self.refuse_stale(step, from, ballot);
        } else if from == step.me() || self.may_follow(step, from, &nodes) {
            self.follow(step, ballot, nodes.into_iter().collect());
        } else {
            // Not "there is a higher one", but "not now": the proposer may repeat itself.
            let promised = self.highest(step).min(ballot);
            step.send(from, Message::Reject { ballot, promised });
        }
    }

    /// Whether this node is beyond `ballot`.
    fn outranks(&self, step: &Step<'_>, ballot: Ballot) -> bool {
        ballot <= self.highest(step) || ballot.epoch <= step.configuration.id.epoch
    }

    /// Tells a proposer that its ballot is too low.
    fn refuse_stale(&mut self, step: &mut Step<'_>, from: NodeId, ballot: Ballot) {
        step.figures.dropped(Drop::Stale);
        if self.state_is(ballot) || ballot == step.configuration.id {
            return; // A duplicate of what has been installed.
        }
        // Of two ballots of one epoch the higher may still be too low, if the other one is
        // installed: then the answer names the next epoch.
        let mut promised = self.highest(step);
        if promised < ballot {
            promised = Ballot { epoch: ballot.epoch + 1, proposer: ballot.proposer };
        }
        step.send(from, Message::Reject { ballot, promised });
    }

    fn state_is(&self, ballot: Ballot) -> bool {
        matches!(self.state, State::Installing(installing) if installing == ballot)
    }

    /// The rules that keep a node that hears badly from tearing others away.
    fn may_follow(&mut self, step: &mut Step<'_>, from: NodeId, nodes: &[NodeId]) -> bool {
        let leader = step.configuration.leader();
        let patience = (step.settings.heartbeat * 3 / 2).min(step.settings.suspect_after);
        if from != leader
            && !nodes.contains(&leader)
            && !self.leaving.contains(&leader)
            && self.detector.beats(leader, step.now, patience)
        {
            step.figures.saw(Rare::LeaderAlive);
            return false;
        }
        // Who was in a ballot that may have been installed elsewhere is as good as a member.
        let following = self.state.followed();
        let shared = following.is_some_and(|f| f.reached && f.nodes.contains(&from));
        let verified = self.mingles(step) && self.merge.is_verified(from, step.now);
        let known = step.is_member(from) || shared || verified;
        if !known {
            step.figures.dropped(Drop::Stranger);
        }
        known
    }

    fn follow(&mut self, step: &mut Step<'_>, ballot: Ballot, nodes: BTreeSet<NodeId>) {
        match &self.state {
            State::Operational | State::Installing(_) => step.push(Effect::Freeze),
            State::Following(before) if before.plan.is_none() => {
                step.figures.saw(Rare::GatheringInterrupted);
            }
            State::Following(_) => {
                step.figures.saw(Rare::RecoveryInterrupted);
                step.push(Effect::GiveUp);
                self.plan_given_up = true;
            }
        }
        if self.proposal.as_ref().is_some_and(|proposal| proposal.ballot() < ballot) {
            self.proposal = None;
        }
        self.merge.courtship.pause();
        self.promised = Some(ballot);
        self.detector.watch(ballot.proposer, step.now, step.settings.max_nodes);
        self.state = State::Following(Box::new(Following {
            ballot,
            nodes,
            report: step.past.report(),
            since: step.now,
            again: step.now + step.settings.retry,
            lost: None,
            plan: None,
            reached: false,
        }));
        self.repeat_answer(step);
    }

    /// Says where this node stands in the ballot that it follows.
    fn repeat_answer(&mut self, step: &mut Step<'_>) {
        let Some(following) = self.state.followed_mut() else { return };
        following.again = step.now + step.settings.retry;
        let ballot = following.ballot;
        let message = if following.reached {
            Message::Recovered { ballot }
        } else {
            Message::Accept { ballot, report: following.report.clone() }
        };
        step.send(ballot.proposer, message);
    }

    /// How this node's old configuration ends, if the ballot is installed.
    pub(super) fn on_recover(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        ballot: Ballot,
        plan: Plan,
    ) {
        if ballot.proposer != from {
            return step.figures.dropped(Drop::Malformed);
        }
        if self.awaited() != Some(ballot) {
            return self.refuse_stale(step, from, ballot);
        }
        let Some(following) = self.state.followed_mut() else { return };
        if following.plan.is_some() {
            if following.reached {
                self.repeat_answer(step);
            }
        } else if plans::is_plan(&plan, step.configuration, &following.report) {
            following.plan = Some(plan.clone());
            following.since = step.now;
            step.push(Effect::Recover(plan));
        } else {
            step.figures.dropped(Drop::Malformed);
        }
    }

    /// The streams are where the plan wants them.
    pub(super) fn reached(&mut self, step: &mut Step<'_>) {
        let Some(following) = self.state.followed_mut() else { return };
        if following.plan.is_some() && !following.reached {
            following.reached = true;
            following.since = step.now;
            self.repeat_answer(step);
        }
    }

    /// The ballot that this node waits for is a configuration.
    pub(super) fn on_install(&mut self, step: &mut Step<'_>, installed: Installed) {
        let following = self.state.followed();
        let Some(following) = following.filter(|f| f.reached && f.ballot == installed.ballot)
        else {
            step.figures.dropped(Drop::Stale);
            return;
        };
        let plan = following.plan.clone();
        let Some(plan) = plan.filter(|_| plans::is_installation(&installed, &following.nodes))
        else {
            step.figures.dropped(Drop::Malformed);
            return;
        };
        if std::mem::take(&mut self.plan_given_up) {
            step.figures.saw(Rare::InstallationMissed);
        }
        self.state = State::Installing(installed.ballot);
        let Installed { ballot, members, classes } = installed.clone();
        self.installed = Some(installed);
        step.push(Effect::Install(Installation { ballot, members, classes, plan }));
    }

    /// `node` has installed what this node waits for: it can tell how.
    pub(super) fn installed_elsewhere(&mut self, step: &mut Step<'_>, node: NodeId) {
        let Some(following) = self.state.followed().filter(|f| f.reached) else { return };
        let ballot = following.ballot;
        if node != step.me() && self.merge.may_tell(step, Topic::Install, node, step.settings.retry)
        {
            step.send(node, Message::WantInstall { ballot });
        }
    }

    /// Tells how the present configuration was installed, if that is what `from` waits for.
    pub(super) fn serve_install(&mut self, step: &mut Step<'_>, from: NodeId, ballot: Ballot) {
        match &self.installed {
            Some(installed)
                if installed.ballot == ballot
                    && installed.members.iter().any(|peer| peer.node == from) =>
            {
                let Installed { ballot, members, classes } = installed.clone();
                step.send(from, Message::Install { ballot, members, classes });
            }
            _ => step.figures.dropped(Drop::Stale),
        }
    }

    /// The ballot's proposer says that it has given the ballot up.
    pub(super) fn given_up(&mut self, from: NodeId, ballot: Ballot, now: Time) {
        if let Some(following) = self.state.followed_mut()
            && following.ballot == ballot
            && ballot.proposer == from
        {
            following.lost.get_or_insert(now);
        }
    }

    /// The engine has installed the configuration.
    pub(super) fn begin(&mut self, step: &mut Step<'_>) {
        let id = step.configuration.id;
        self.state = State::Operational;
        self.promised = Some(self.highest(step));
        self.epoch = self.epoch.max(id.epoch);
        (self.proposal, self.attempts, self.noticed) = (None, 0, None);
        self.detector.begin(step.now, step.configuration.nodes());
        self.leaving.retain(|&node| step.configuration.rank_of(node).is_some());
        // Who missed the installation learns of it from the first sign of life.
        (self.heartbeat_at, self.complain_at) = (step.now, step.now);
        self.merge.begin(step);
    }

    /// Repeats what awaits an answer, and proposes if nothing comes of the ballot.
    pub(super) fn act_as_follower(&mut self, step: &mut Step<'_>) {
        let Some(proposer) = self.awaited().map(|ballot| ballot.proposer) else { return };
        if proposer == step.me() && self.proposal.is_some() {
            return;
        }
        let gone = self.is_out(step, proposer) || proposer == step.me();
        let Some(following) = self.state.followed_mut() else { return };
        if gone {
            following.lost.get_or_insert(step.now);
        }
        if step.now >= following.again && !gone {
            self.repeat_answer(step);
        }
        if self.follow_until(step).is_some_and(|until| step.now >= until) {
            self.state.forgive(step.now);
            let nodes = self.remaining(step);
            self.propose(step, nodes);
        }
    }

    /// How long this node follows without a step forward.
    fn follow_until(&self, step: &Step<'_>) -> Option<Time> {
        let following = self.state.followed()?;
        if !matches!(self.departure, Departure::Staying) {
            return None;
        }
        let head_start = step.settings.stagger * self.place(step);
        let limits = if following.plan.is_some() { RECOVERY_LIMITS } else { 2 };
        let patience = following.since + step.settings.propose_limit * limits + head_start;
        let lost = following.lost.map(|lost| lost + step.settings.gather_window + head_start);
        Some(lost.map_or(patience, |lost| lost.min(patience)))
    }

    pub(super) fn follower_due(&self, step: &Step<'_>) -> Option<Time> {
        let following = self.state.followed()?;
        if following.ballot.proposer == step.me() && self.proposal.is_some() {
            return None;
        }
        let far = step.now + Duration::from_secs(1);
        let again = if following.lost.is_none() { following.again } else { far };
        Some(self.follow_until(step).map_or(again, |until| until.min(again)))
    }
}
