//! The proposer's side of a ballot: gather reports, send plans, install.

use super::{Membership, plans, step::Step};
use crate::{
    defect::Defect,
    error::Drop,
    figures::Rare,
    ids::{Ballot, NodeId},
    time::Time,
    wire::control::{Membership as Message, Plan, Report},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Proposal limits for the recovery: nodes fetch at most a window per stream in it, from peers that
/// answer.
pub(super) const RECOVERY_LIMITS: u32 = 8;

/// A ballot that this node leads.
pub(super) struct Proposal {
    ballot: Ballot,
    answers: BTreeMap<NodeId, Answer>,
    /// The members of the old configurations, kept once for all that come from them.
    pasts: BTreeMap<Ballot, Vec<NodeId>>,
    /// How each old configuration ends, once all have reported.
    plans: Option<BTreeMap<Ballot, Plan>>,
    /// When this phase began.
    since: Time,
    again: Time,
    /// Somebody follows a higher ballot: propose above it then, if it has not come here.
    outbid: Option<Time>,
    /// The leader was counted out and in again: not a second time.
    reconsidered: bool,
}

#[derive(Default)]
struct Answer {
    /// Without the members, which `pasts` has.
    report: Option<Report>,
    recovered: bool,
    refused: bool,
}

impl Proposal {
    pub(super) fn ballot(&self) -> Ballot {
        self.ballot
    }

    pub(super) fn names(&self, node: NodeId) -> bool {
        self.answers.contains_key(&node)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.answers.keys().copied()
    }

    /// This node stood still: the others get fresh patience.
    pub(super) fn forgive(&mut self, now: Time) {
        self.since = now;
    }

    /// Who has done what this phase asks.
    fn is_done(&self, answer: &Answer) -> bool {
        if self.plans.is_some() { answer.recovered } else { answer.report.is_some() }
    }

    fn all_done(&self) -> bool {
        self.answers.values().all(|answer| self.is_done(answer))
    }

    fn done(&self) -> impl Iterator<Item = NodeId> {
        self.answers.iter().filter(|(_, answer)| self.is_done(answer)).map(|(&node, _)| node)
    }

    fn undone(&self) -> impl Iterator<Item = NodeId> {
        self.answers.iter().filter(|(_, answer)| !self.is_done(answer)).map(|(&node, _)| node)
    }

    fn reports(&self) -> BTreeMap<NodeId, &Report> {
        let answers = self.answers.iter();
        answers.filter_map(|(&node, answer)| Some((node, answer.report.as_ref()?))).collect()
    }

    fn limit(&self, step: &Step<'_>) -> Time {
        let limits = if self.plans.is_some() { RECOVERY_LIMITS } else { 1 };
        self.since + step.settings.propose_limit * limits
    }

    /// What this phase asks of a node.
    fn question(&self, node: NodeId) -> Option<Message> {
        let ballot = self.ballot;
        let Some(plans) = &self.plans else {
            return Some(Message::Propose { ballot, nodes: self.nodes().collect() });
        };
        let report = self.answers.get(&node)?.report.as_ref()?;
        let plan = plans.get(&report.configuration)?.clone();
        Some(Message::Recover { ballot, plan })
    }

    /// Asks all that have not done what this phase asks.
    fn ask(&mut self, step: &mut Step<'_>, first: bool) {
        self.again = step.now + step.settings.retry;
        for node in self.undone() {
            if let Some(question) = self.question(node).filter(|_| first || node != step.me()) {
                step.send(node, question);
            }
        }
    }
}

impl Membership {
    /// Begins a ballot above all that this node knows of.
    pub(super) fn propose(&mut self, step: &mut Step<'_>, mut nodes: BTreeSet<NodeId>) {
        nodes.insert(step.me());
        self.epoch = self.epoch.max(self.highest(step).epoch) + 1;
        self.attempts += 1;
        for &node in &nodes {
            self.detector.watch(node, step.now, step.settings.max_nodes);
        }
        let mut proposal = Proposal {
            ballot: Ballot { epoch: self.epoch, proposer: step.me() },
            answers: nodes.into_iter().map(|node| (node, Answer::default())).collect(),
            pasts: BTreeMap::new(),
            plans: None,
            since: step.now,
            again: step.now,
            outbid: None,
            reconsidered: false,
        };
        proposal.ask(step, true);
        self.proposal = Some(proposal);
    }

    /// A node follows.
    pub(super) fn on_accept(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        ballot: Ballot,
        mut report: Report,
    ) {
        let Some(proposal) = self.proposal_of(step, from, ballot) else { return };
        if proposal.plans.is_some() {
            // It has not seen its plan, or still fetches.
            if let Some(question) = proposal.question(from).filter(|_| from != step.settings.node) {
                step.send(from, question);
            }
            return;
        }
        let max = step.settings.max_nodes;
        let past = proposal.pasts.get(&report.configuration);
        let fits = plans::is_report(&report, from, ballot, max)
            && past.is_none_or(|members| *members == report.members);
        let Some(answer) = proposal.answers.get_mut(&from).filter(|_| fits) else {
            return step.figures.dropped(Drop::Malformed);
        };
        proposal.pasts.insert(report.configuration, std::mem::take(&mut report.members));
        (answer.report, answer.refused) = (Some(report), false);
        if proposal.all_done() {
            let forget = step.settings.lacks(Defect::ForgetDepartedStream);
            let (reports, proposer) = (proposal.reports(), step.settings.node);
            proposal.plans = Some(plans::plans(&reports, &proposal.pasts, proposer, forget));
            proposal.since = step.now;
            proposal.ask(step, true);
        }
    }

    /// A node has reached its target.
    pub(super) fn on_recovered(&mut self, step: &mut Step<'_>, from: NodeId, ballot: Ballot) {
        let Some(proposal) = self.proposal_of(step, from, ballot) else { return };
        let Some(answer) = proposal.answers.get_mut(&from).filter(|_| proposal.plans.is_some())
        else {
            return step.figures.dropped(Drop::Malformed);
        };
        answer.recovered = true;
        if proposal.all_done() {
            self.install(step);
        }
    }

    /// The proposal that an answer is for; otherwise the answer that its sender needs is given.
    fn proposal_of(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        ballot: Ballot,
    ) -> Option<&mut Proposal> {
        let current = self.proposal.as_ref().is_some_and(|p| p.ballot == ballot && p.names(from));
        if current {
            return self.proposal.as_mut();
        }
        if self.installed.as_ref().is_some_and(|installed| installed.ballot == ballot) {
            self.serve_install(step, from, ballot);
        } else {
            step.figures.dropped(Drop::Stale);
            let promised = self.highest(step);
            if ballot.proposer == step.me() && promised > ballot && from != step.me() {
                step.send(from, Message::Reject { ballot, promised });
            }
        }
        None
    }

    /// All have recovered: nothing that anyone delivers from here on can be lost by another.
    fn install(&mut self, step: &mut Step<'_>) {
        let Some(proposal) = self.proposal.take() else { return };
        let reports = proposal.reports();
        let (members, classes) = plans::members(&reports);
        if proposal.pasts.len() > 2 {
            step.figures.saw(Rare::ThreeWayMerge);
        }
        for node in proposal.nodes() {
            let (ballot, members, classes) = (proposal.ballot, members.clone(), classes.clone());
            step.send(node, Message::Install { ballot, members, classes });
        }
    }

    /// A node does not follow.
    pub(super) fn on_reject(
        &mut self,
        step: &mut Step<'_>,
        from: NodeId,
        ballot: Ballot,
        promised: Ballot,
    ) {
        // Two that outbid each other give each other more time with every try.
        let spread = step.settings.retry * (1 << self.attempts.min(4));
        let wait = step.settings.retry * 2 + spread + step.settings.stagger * self.place(step);
        let Some(proposal) = &mut self.proposal else {
            return self.given_up(from, ballot, step.now);
        };
        let Some(answer) = proposal.answers.get_mut(&from).filter(|_| proposal.ballot == ballot)
        else {
            step.figures.dropped(Drop::Stale);
            return self.given_up(from, ballot, step.now);
        };
        answer.refused = true;
        // A suitor goes with others now; who would outbid them would hold up both.
        let outbids = promised > ballot && !self.merge.courtship.is_suitor(from);
        if outbids && proposal.outbid.is_none() {
            proposal.outbid = Some(step.now + wait + self.random.below(spread));
        }
    }

    /// Nobody is waited for any more but suitors that do not come along.
    fn is_jilted(&self) -> bool {
        self.proposal.as_ref().is_some_and(|proposal| {
            let mut waiting =
                proposal.answers.iter().filter(|(_, a)| !proposal.is_done(a)).peekable();
            let jilts = |(node, answer): (&NodeId, &Answer)| {
                answer.refused && self.merge.courtship.is_suitor(*node)
            };
            waiting.peek().is_some() && waiting.all(jilts)
        })
    }

    /// Repeats questions, and gives up on those that do not answer.
    pub(super) fn act_as_proposer(&mut self, step: &mut Step<'_>) {
        let Some(proposal) = &self.proposal else { return };
        let stays = |node: &NodeId| *node == step.me() || !self.is_out(step, *node);
        if proposal.outbid.is_some_and(|at| step.now >= at)
            || proposal.undone().any(|node| !stays(&node))
        {
            let nodes = proposal.nodes().filter(stays).collect();
            self.propose(step, nodes);
        } else if self.is_jilted() {
            let nodes = proposal.done().filter(stays).collect();
            self.propose(step, nodes);
        } else if proposal.outbid.is_none() && step.now >= proposal.limit(step) {
            self.propose_less(step);
        } else if proposal.outbid.is_none()
            && step.now >= proposal.again
            && let Some(proposal) = &mut self.proposal
        {
            proposal.ask(step, false);
        }
    }

    /// The phase is over: goes on with those that have done their part.
    fn propose_less(&mut self, step: &mut Step<'_>) {
        let Some(proposal) = &self.proposal else { return };
        let leader = step.configuration.leader();
        let refused = proposal.answers.values().any(|answer| answer.refused);
        let mut nodes: BTreeSet<_> = proposal.done().filter(|&n| !self.is_out(step, n)).collect();
        // Those that refused said that the leader is alive, and by now it is heard here too.
        let reconsider = refused
            && !proposal.reconsidered
            && !proposal.names(leader)
            && !self.is_out(step, leader);
        let reconsidered = proposal.reconsidered || reconsider;
        if reconsider {
            nodes.extend(self.remaining(step));
        }
        self.propose(step, nodes);
        if let Some(proposal) = &mut self.proposal {
            proposal.reconsidered = reconsidered;
        }
    }

    pub(super) fn proposer_due(&self, step: &Step<'_>) -> Option<Time> {
        let proposal = self.proposal.as_ref()?;
        let patient = || proposal.again.min(proposal.limit(step));
        Some(proposal.outbid.unwrap_or_else(patient).max(step.now + Duration::from_micros(1)))
    }
}
