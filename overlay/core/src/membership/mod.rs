//! Who is in: failure detector, ballots, recovery, installation, merges (docs/protocol.md section 6).

use crate::{
    configuration::{Configuration, Peer},
    figures::Figures,
    ids::{Ballot, NodeId},
    output::Warning,
    settings::Settings,
    time::Time,
    wire::control::{Membership as Message, Plan, Report},
};

/// What the machine may look at while it handles an event.
pub(crate) struct Context<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    /// The installed configuration; the last one, while the next is being agreed.
    pub(crate) configuration: &'a Configuration,
    /// What this node would bring to a recovery now.
    pub(crate) past: &'a dyn Past,
}

/// What the streams and tables below know.
pub(crate) trait Past {
    /// For `Accept`.
    fn report(&self) -> Report;
    /// For heartbeats: received entries per rank, and, for the leader, effective promises per rank.
    fn digest(&self) -> (Vec<u64>, Vec<u64>);
}

/// What happens to the machine.
pub(crate) enum Happening {
    /// A message; `from` is not this node.
    Message(NodeId, Message),
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
    /// This member must go (it holds all the others up).
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
    /// Tell the overlay.
    Announce(Message),
    /// Stop adding to the old stream, acknowledging and delivering (until `Install`).
    Freeze,
    /// Bring the old streams to the plan's target, fetch what lacks, take over its promises and
    /// stability; then say `Reached` (at once, if nothing lacks).
    Recover(Plan),
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
pub(crate) struct Membership {}

impl Membership {
    pub(crate) fn new(settings: &Settings, now: Time) -> Self {
        let _ = (settings, now);
        Self {}
    }

    /// Whether the installed configuration lives: entries may be sent and delivered.
    pub(crate) fn is_operational(&self) -> bool {
        true
    }

    /// The ballot whose configuration may come next, if one has been accepted.
    pub(crate) fn awaited(&self) -> Option<Ballot> {
        None
    }

    /// Handles one happening.
    pub(crate) fn handle(
        &mut self,
        context: &Context<'_>,
        happening: Happening,
        figures: &mut Figures,
        effects: &mut Vec<Effect>,
    ) {
        let _ = (context, happening, figures, effects);
    }

    /// When `Tick` is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        None
    }
}
