//! Who is in: failure detector, ballots, recovery, installation, merges (docs/protocol.md section 6).
//!
//! | file | concern |
//! |---|---|
//! | `detector.rs` | who is suspected, and why |
//! | `heartbeats.rs` | signs of life, and what others say about a third node |
//! | `follower.rs` | which ballots this node follows, and its way to the installation |
//! | `proposer.rs` | when this node proposes, and how it leads a ballot |
//! | `plans.rs` | how old configurations end: pure functions over reports |
//! | `merge.rs` | beacons, probes, backoff |
//! | `courtship.rs` | foreign nodes that are probed before a proposal |
//! | `departure.rs` | leaving |
//! | `step.rs` | what one call looks at and fills |

mod courtship;
mod departure;
mod detector;
mod follower;
mod heartbeats;
mod merge;
mod plans;
mod proposer;
mod step;
#[cfg(test)]
mod tests;

use crate::{
    configuration::{Configuration, Peer},
    error::Drop,
    figures::Figures,
    ids::{Ballot, NodeId},
    output::Warning,
    settings::Settings,
    time::Time,
    wire::{
        control::{Membership as Message, Plan, Report},
        heartbeat::Heartbeat,
    },
};
use departure::Departure;
use detector::Detector;
use follower::{Installed, State};
use merge::Merge;
use proposer::Proposal;
use std::collections::BTreeSet;
use step::{Random, Step};

/// Epochs above this are refused: they grow by one a change, so nobody gets there honestly, and
/// arithmetic on them cannot overflow.
const MAX_EPOCH: u64 = 1 << 62;

/// Epochs so far above all that this node knows are not believed, so that one lie does not spend
/// them all: components that change every millisecond are as far apart after seven weeks.
const MAX_LEAP: u64 = 1 << 32;

/// What the machine may look at while it handles an event.
pub(crate) struct Context<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    /// The installed configuration; the last one, while the next is being agreed.
    pub(crate) configuration: &'a Configuration,
    /// What this node would bring to a recovery now.
    pub(crate) past: &'a dyn Past,
    /// The application is so far behind that this node acknowledges nothing.
    pub(crate) backlogged: bool,
}

/// What the streams and tables below know.
pub(crate) trait Past {
    /// For `Accept`.
    fn report(&self) -> Report;
    /// For heartbeats: received entries per rank, and effective promises per rank.
    fn digest(&self) -> (Vec<u64>, Vec<u64>);
}

/// What happens to the machine.
pub(crate) enum Happening {
    /// A message; `from` is not this node.
    Message(NodeId, Message),
    /// A heartbeat; `from` is not this node.
    Heartbeat(NodeId, Heartbeat),
    /// Any frame came directly from this node (before the frame itself is handled).
    Alive(NodeId),
    /// A connection opened.
    Connected(NodeId),
    /// A connection closed and its redial was refused.
    Closed(NodeId),
    /// A frame of the configuration that this ballot would install came from this node.
    InstalledElsewhere(NodeId),
    /// The streams have reached the target of the present plan.
    Reached,
    /// The engine has installed the configuration (it is `Context::configuration` now).
    Installed,
    /// This member, which may be this node itself, must go: it holds all the others up.
    Exclude(NodeId),
    /// This node wants to go; everything it sent is stable.
    Leave,
    /// Time has passed.
    Tick,
}

/// What the machine wants done, in order.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// Send to this node (never to oneself).
    Send(NodeId, Message),
    /// Send to each of these (never to oneself).
    Heartbeat(BTreeSet<NodeId>, Heartbeat),
    /// Tell the overlay.
    Announce(Message),
    /// Stop adding to the old stream, acknowledging and delivering (until `Install`).
    Freeze,
    /// Bring the old streams to the plan's target, fetch what lacks, take over its promises and
    /// stability; then say `Reached` (at once, if nothing lacks). A later plan replaces it.
    Recover(Plan),
    /// Another ballot is followed: nothing of the last plan may be taken over any more, since what this
    /// node has is reported to the new one.
    GiveUp,
    /// End the old configuration by the plan, begin the new one; then say `Installed`.
    Install(Installation),
    /// Tell the operator.
    Warning(Warning),
    /// This node has left.
    Gone,
}

/// A configuration to install.
#[derive(Debug, PartialEq, Clone)]
pub(crate) struct Installation {
    pub(crate) ballot: Ballot,
    /// By rank.
    pub(crate) members: Vec<Peer>,
    /// Ranks that hold the same table, class by class.
    pub(crate) classes: Vec<Vec<u16>>,
    /// How the old configuration ends here.
    pub(crate) plan: Plan,
}

/// The machine.
pub(crate) struct Membership {
    /// The highest epoch that this node knows of.
    epoch: u64,
    /// The highest ballot that this node has followed or installed.
    promised: Option<Ballot>,
    state: State,
    /// What made the present configuration, for those that missed it.
    installed: Option<Installed>,
    /// A plan came since the last installation, for a ballot that was given up.
    plan_given_up: bool,
    proposal: Option<Proposal>,
    /// Own ballots since the last installation.
    attempts: u32,
    /// Since when this configuration should change.
    noticed: Option<Time>,
    detector: Detector,
    /// Members that said they go.
    leaving: BTreeSet<NodeId>,
    departure: Departure,
    merge: Merge,
    random: Random,
    heartbeat_at: Time,
    /// This node holds the others up and asks them to go on without it, again then.
    step_aside_at: Time,
    /// Suspicions of others go to the acting leader, again then.
    complain_at: Time,
    /// The earliest moment at which something may be due.
    due: Time,
}

impl Membership {
    /// The machine of a node that has installed the configuration of itself alone.
    pub(crate) fn new(settings: &Settings, now: Time) -> Self {
        Self {
            epoch: 1,
            promised: None,
            state: State::Operational,
            installed: None,
            plan_given_up: false,
            proposal: None,
            attempts: 0,
            noticed: None,
            detector: Detector::default(),
            leaving: BTreeSet::new(),
            departure: Departure::Staying,
            merge: Merge::new(now),
            random: Random::new(settings),
            heartbeat_at: now,
            complain_at: now,
            step_aside_at: now,
            due: now,
        }
    }

    /// Whether the installed configuration lives: entries may be sent and delivered.
    pub(crate) fn is_operational(&self) -> bool {
        matches!(self.state, State::Operational)
    }

    /// The ballot whose configuration may come next, if one has been accepted.
    pub(crate) fn awaited(&self) -> Option<Ballot> {
        self.state.followed().map(|following| following.ballot)
    }

    /// A sign of life of a member, whose rank is known. False if nothing was done, since something
    /// may follow from it, or something else is due: then tell of it ([`Happening::Alive`]).
    pub(crate) fn hears_as_usual(
        &mut self,
        member: (u16, NodeId),
        settings: &Settings,
        now: Time,
    ) -> bool {
        now < self.due && self.detector.heard_as_usual(member, now, settings)
    }

    /// Handles one happening.
    pub(crate) fn handle(
        &mut self,
        context: &Context<'_>,
        happening: Happening,
        figures: &mut Figures,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(self.departure, Departure::Gone) {
            return;
        }
        let mut step = Step::new(context, figures, effects);
        self.forgive_own_absence(&step);
        // Frames come by the thousand, and only push what is due further away.
        let routine = matches!(happening, Happening::Alive(_) | Happening::Heartbeat(..));
        let settled = self.take(&mut step, happening);
        if routine && settled && step.now < self.due {
            return;
        }
        self.act(&mut step);
        self.answer_myself(&mut step);
        self.due = self.next_due(&step);
    }

    /// When `Tick` is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        (!matches!(self.departure, Departure::Gone)).then_some(self.due)
    }

    /// Takes the happening in; whether nothing that others must know of has changed.
    fn take(&mut self, step: &mut Step<'_>, happening: Happening) -> bool {
        match happening {
            Happening::Alive(node) => return !self.heard(step, node),
            Happening::Heartbeat(from, heartbeat) => {
                return self.on_heartbeat(step, from, &heartbeat);
            }
            Happening::Message(from, message) => self.receive(step, from, message),
            Happening::Connected(node) => self.connected(step, node),
            Happening::Closed(node) => self.closed(step, node),
            Happening::InstalledElsewhere(node) => self.installed_elsewhere(step, node),
            Happening::Reached => self.reached(step),
            Happening::Installed => self.begin(step),
            Happening::Exclude(node) => self.exclude(step, node),
            Happening::Leave => self.leave(step),
            Happening::Tick => {}
        }
        false
    }

    /// One message of a peer, or of this node to itself.
    fn receive(&mut self, step: &mut Step<'_>, from: NodeId, message: Message) {
        if !self.learn_epochs(&message) {
            return step.figures.dropped(Drop::Malformed);
        }
        match message {
            Message::Beacon { configuration, leader, size: _ } => {
                self.on_beacon(step, from, configuration, leader);
            }
            Message::Heard { configuration, leader } => {
                self.on_heard(step, from, configuration, leader);
            }
            Message::Probe { nonce } => self.on_probe(step, from, nonce),
            Message::ProbeReply { nonce, epoch: _, configuration, members } => {
                self.on_probe_reply(step, from, nonce, configuration, &members);
            }
            Message::Propose { ballot, nodes } => self.on_propose(step, from, ballot, nodes),
            Message::Accept { ballot, report } => self.on_accept(step, from, ballot, report),
            Message::Reject { ballot, promised } => self.on_reject(step, from, ballot, promised),
            Message::Recover { ballot, plan } => self.on_recover(step, from, ballot, plan),
            Message::Recovered { ballot } => self.on_recovered(step, from, ballot),
            Message::Install { ballot, members, classes } => {
                self.on_install(step, Installed { ballot, members, classes });
            }
            Message::WantInstall { ballot } => self.serve_install(step, from, ballot),
            Message::Leaving => self.on_leaving(step, from),
            Message::Farewell => self.on_farewell(step, from),
            Message::Suspect { node } => self.on_suspect(step, from, node),
        }
    }

    /// Every message may tell of a higher epoch; the next proposal is above all of them.
    fn learn_epochs(&mut self, message: &Message) -> bool {
        let epoch = match message {
            Message::Beacon { configuration, .. } | Message::Heard { configuration, .. } => {
                configuration.epoch
            }
            Message::ProbeReply { epoch, configuration, .. } => configuration.epoch.max(*epoch),
            Message::Propose { ballot, .. }
            | Message::Recover { ballot, .. }
            | Message::Recovered { ballot }
            | Message::Install { ballot, .. }
            | Message::WantInstall { ballot } => ballot.epoch,
            Message::Accept { ballot, report } => ballot.epoch.max(report.configuration.epoch),
            Message::Reject { ballot, promised } => ballot.epoch.max(promised.epoch),
            Message::Probe { .. }
            | Message::Leaving
            | Message::Farewell
            | Message::Suspect { .. } => return true,
        };
        self.learn_epoch(epoch)
    }

    /// False if the epoch is not to be believed.
    fn learn_epoch(&mut self, epoch: u64) -> bool {
        if epoch > MAX_EPOCH.min(self.epoch.saturating_add(MAX_LEAP)) {
            return false;
        }
        self.epoch = self.epoch.max(epoch);
        true
    }

    /// Does all that is due.
    fn act(&mut self, step: &mut Step<'_>) {
        self.act_on_silence(step);
        self.send_heartbeats(step);
        self.act_as_follower(step);
        self.act_as_proposer(step);
        self.act_on_merge(step);
        self.act_on_change(step);
        self.act_on_departure(step);
    }

    /// A proposer is its own follower: what it says to itself is handled within the call.
    fn answer_myself(&mut self, step: &mut Step<'_>) {
        while let Some(message) = step.to_myself.pop_front() {
            let me = step.me();
            self.receive(step, me, message);
        }
    }

    fn next_due(&self, step: &Step<'_>) -> Time {
        let timers = [
            self.detector.next_due(step.settings),
            self.follower_due(step),
            self.proposer_due(step),
            self.change_due(step),
            self.merge_due(step),
            self.departure_due(step),
        ];
        timers.into_iter().flatten().fold(self.heartbeat_at, Time::min)
    }

    /// If this node itself stood still, silence says nothing about the others.
    fn forgive_own_absence(&mut self, step: &Step<'_>) {
        if step.now.since(self.due) > step.settings.suspect_after / 2 {
            self.detector.forgive(step.now);
            self.state.forgive(step.now);
            if let Some(proposal) = &mut self.proposal {
                proposal.forgive(step.now);
            }
        }
    }
}
