//! What an overlay's nodes are told at the start: names, times and limits, with their reasons.

use crate::{
    error::Error,
    ids::{NodeId, overlay_tag},
};
use std::time::Duration;

/// Who this engine is and how it behaves. All nodes of an overlay should agree on times; nothing
/// breaks if they do not, but the slowest sets the pace. On `max_message`, `max_groups`,
/// `max_members` and `max_blob` they must agree, since what these refuse must be refused alike: nodes
/// with others are another overlay.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node.
    pub node: NodeId,
    /// The overlay's name; frames of another one are refused.
    pub overlay: String,
    /// The highest leads.
    pub priority: u32,
    /// For jitter only; any value, best a different one for every node.
    pub seed: u64,
    /// How often members say that they live.
    pub heartbeat: Duration,
    /// Silence that the failure detector forgives at least: four heartbeats, so that three may be
    /// lost.
    pub suspect_after: Duration,
    /// How often leaders look for other configurations of the overlay.
    pub beacon: Duration,
    /// How long the acting leader waits for events that come together.
    pub gather_window: Duration,
    /// The head start of each rank over the next when the leader is gone.
    pub stagger: Duration,
    /// Silence to a proposal or plan after which a node is left out of the next ballot.
    pub propose_limit: Duration,
    /// Repetition of a request that is not answered.
    pub retry: Duration,
    /// Patience with a frame that overtook another before it is asked for.
    pub repair_delay: Duration,
    /// Acknowledgements travel at least this often while something is new.
    pub ack_interval: Duration,
    /// An idle node gives its turn back after this.
    pub turn_idle: Duration,
    /// With more active nodes than this, promises travel through the leader (a guess from counting
    /// frames: n^2 against 2n and one more hop).
    pub direct_promises: usize,
    /// How long a node gathers promises that go through the leader.
    pub promise_gather: Duration,
    /// How many clocks ahead a node promises that has sent nothing ordered for `promise_idle`: then
    /// others' messages need not wait for it. Its own next one stands behind what it promised.
    pub promise_ahead: u64,
    /// See `promise_ahead`; a guess at the pause that means that a node has no more to say now.
    pub promise_idle: Duration,
    /// With more active nodes than this the leader asks the idlest for its turn.
    pub max_active: usize,
    /// Time for the application to answer a flush request: a warning after it, exclusion after twice.
    pub flush_limit: Duration,
    /// A member that holds everyone's window up for so long is reported, and excluded after twice.
    pub slow_limit: Duration,
    /// How long a shutdown waits for its last messages to be stable.
    pub shutdown_limit: Duration,
    /// Bytes of its own entries that a node may have in its stream and not yet stable. At 1 Gbit/s
    /// and 20 ms to stability 2.5 MB are under way.
    pub window: usize,
    /// Bytes that wait to enter the stream, per node; above it `send` waits.
    pub queue: usize,
    /// The largest message.
    pub max_message: usize,
    /// The weight of the events that the application has not read ([`crate::Event::weight`]), above
    /// which the node withholds acknowledgements.
    pub max_unread: usize,
    /// The most nodes of one configuration.
    pub max_nodes: usize,
    /// The most groups in the table, and the most members of one group.
    pub max_groups: usize,
    /// The most members of one group.
    pub max_members: usize,
    /// The most bytes of one charter, record or blob of the layer above.
    pub max_blob: usize,
    /// A rule to leave out, in tests of tests.
    #[cfg(feature = "defects")]
    pub defect: Option<crate::Defect>,
}

impl Settings {
    /// The defaults, for this node in this overlay.
    pub fn new(node: NodeId, overlay: impl Into<String>) -> Self {
        let ms = Duration::from_millis;
        Self {
            node,
            overlay: overlay.into(),
            priority: 0,
            seed: 0,
            heartbeat: ms(250),
            suspect_after: ms(1000),
            beacon: ms(1000),
            gather_window: ms(10),
            stagger: ms(30),
            propose_limit: ms(400),
            retry: ms(60),
            repair_delay: ms(4),
            ack_interval: ms(50),
            turn_idle: ms(1000),
            direct_promises: 8,
            promise_gather: ms(5),
            promise_ahead: 1 << 14,
            promise_idle: ms(10),
            max_active: 256,
            flush_limit: ms(10_000),
            slow_limit: ms(10_000),
            shutdown_limit: ms(5_000),
            window: 4 << 20,
            queue: 8 << 20,
            max_message: 64 << 20,
            max_unread: 16 << 20,
            max_nodes: 1024,
            max_groups: 4096,
            max_members: 4096,
            max_blob: 64 << 10,
            #[cfg(feature = "defects")]
            defect: None,
        }
    }

    /// Whether this rule is left out on purpose; never, without the feature `defects`.
    pub(crate) fn lacks(&self, defect: crate::defect::Defect) -> bool {
        #[cfg(feature = "defects")]
        return self.defect == Some(defect);
        #[cfg(not(feature = "defects"))]
        {
            let _ = defect;
            false
        }
    }

    /// Stands for the overlay in control frames: its name, and the limits that all must share.
    pub(crate) fn overlay_tag(&self) -> u64 {
        let limits = [self.max_message, self.max_groups, self.max_members, self.max_blob];
        overlay_tag(&self.overlay, limits)
    }

    /// The most bytes of charters, records, blobs and rows in the table of groups, and of what waits
    /// to change it: with the tables of a merge they fit one ordered entry.
    pub(crate) fn budget(&self) -> usize {
        self.max_message / 4
    }

    /// Checks what would make the engine misbehave.
    pub(crate) fn check(&self) -> Result<(), Error> {
        const MOST: Duration = Duration::from_secs(24 * 60 * 60);
        let wrong = |what| Err(Error::Settings(what));
        if self.overlay.is_empty() || self.overlay.len() > 64 {
            return wrong("the overlay's name must have 1 to 64 bytes");
        }
        let times = [
            self.heartbeat,
            self.suspect_after,
            self.beacon,
            self.gather_window,
            self.stagger,
            self.propose_limit,
            self.retry,
            self.repair_delay,
            self.ack_interval,
            self.turn_idle,
            self.promise_gather,
            self.promise_idle,
            self.flush_limit,
            self.slow_limit,
            self.shutdown_limit,
        ];
        if times.iter().any(|time| time.is_zero() || *time > MOST) {
            return wrong("times must be above zero and not above a day");
        }
        if self.suspect_after < 3 * self.heartbeat {
            return wrong("suspect_after must be at least three heartbeats");
        }
        if self.max_active == 0 {
            return wrong("max_active must be at least 1: the leader is always active");
        }
        if self.promise_ahead > 1 << 20 {
            return wrong("promise_ahead must be 2^20 at most: clocks end at 2^48");
        }
        if self.max_message < 64 << 10 || self.max_blob > self.budget() {
            return wrong(
                "max_message must be at least 64 KiB, and max_blob a quarter of it at most",
            );
        }
        if self.window < 64 << 10 || self.max_nodes == 0 || self.max_nodes > usize::from(u16::MAX) {
            return wrong("the window must be at least 64 KiB, max_nodes 1 to 65535");
        }
        Ok(())
    }
}
