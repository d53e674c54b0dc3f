//! One line of the result, as scripts read it.

use super::plan::{Cache, Story, Subject};
use super::play::Played;
use cenacle_plugin::network::{Carrier, Outcome, Plain};
use cenacle_secure::{FRAME_OVERHEAD, OVERHEAD};
use serde::Serialize;

/// A mean over all members that the story can be about, and the worst of those that were tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) mean: f64,
    pub(super) worst: u64,
}

/// A story in groups of one size. The names of the fields are a contract.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// `costs`; lines of the other kind have `window`.
    study: &'static str,
    pub(super) module: String,
    pub(super) contributory: bool,
    pub(super) group: Option<String>,
    pub(super) size: u32,
    pub(super) scenario: &'static str,
    pub(super) cache: &'static str,
    /// Runs that were counted.
    pub(super) runs: usize,
    /// Exponentiations of all members, making one's own share left out as in the paper.
    pub(super) load: Figure,
    /// Exponentiations one after the other.
    pub(super) latency: Figure,
    /// Making one's own share, all members together.
    pub(super) own_shares: Figure,
    pub(super) channels: Figure,
    pub(super) rounds: Figure,
    pub(super) messages: Figure,
    pub(super) bytes: Figure,
    pub(super) multicast_bytes: Figure,
    pub(super) acknowledgements: Figure,
    pub(super) acknowledgement_rounds: Figure,
    /// Longest chain of work, and all work, with signatures, acknowledgements included.
    pub(super) critical_us: Figure,
    pub(super) total_us: Figure,
}

impl Row {
    /// The row of a story.
    pub(super) fn new(
        subject: &Subject,
        size: u32,
        story: Story,
        cache: Cache,
        played: &Played,
    ) -> Self {
        let counted = |column: fn(&Outcome) -> u64| figure(&played.counted, column);
        let timed = |column: fn(&Outcome) -> u64| figure(&played.timed, column);
        Self {
            study: "costs",
            module: subject.name.clone(),
            contributory: subject.contributory,
            group: subject.module(cache).options().text("group").map(str::to_owned),
            size,
            scenario: story.name(),
            cache: cache.name(),
            runs: played.counted.len(),
            load: counted(|outcome| outcome.total.exponentiations.into()),
            latency: counted(|outcome| outcome.costs.exponentiations.into()),
            own_shares: counted(|outcome| outcome.total.own_share.into()),
            channels: counted(|outcome| outcome.apart.channels.into()),
            rounds: counted(|outcome| outcome.costs.rounds.into()),
            messages: counted(|outcome| outcome.costs.messages.into()),
            bytes: counted(bytes),
            multicast_bytes: counted(multicast_bytes),
            acknowledgements: counted(|outcome| outcome.apart.acknowledgements.into()),
            acknowledgement_rounds: counted(|outcome| outcome.apart.acknowledgement_rounds.into()),
            critical_us: timed(|outcome| outcome.time_critical_ns.div_ceil(1000)),
            total_us: timed(|outcome| outcome.time_total_ns.div_ceil(1000)),
        }
    }
}

fn figure(runs: &[(Outcome, u32)], column: fn(&Outcome) -> u64) -> Figure {
    let all: u64 = runs.iter().map(|(_, many)| u64::from(*many)).sum();
    let sum: u64 = runs.iter().map(|(outcome, many)| column(outcome) * u64::from(*many)).sum();
    let worst = runs.iter().map(|(outcome, _)| column(outcome)).max().unwrap_or(0);
    // To a tenth: what is behind it depends on which members were tried.
    let tenths = (sum * 10 + all / 2) / all.max(1);
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds are far below 2^52")]
    let mean = tenths as f64 / 10.0;
    Figure { mean, worst }
}

/// What an envelope, or a frame, adds beyond what the plain carrier does.
fn beyond_plain(overhead: usize) -> u64 {
    (overhead - Plain::default().seal(0, None, &[]).len()) as u64
}

fn bytes(outcome: &Outcome) -> u64 {
    let sealed = outcome.apart.sealed;
    outcome.bytes
        + u64::from(outcome.costs.messages - sealed) * beyond_plain(OVERHEAD)
        + u64::from(sealed) * beyond_plain(FRAME_OVERHEAD)
}

fn multicast_bytes(outcome: &Outcome) -> u64 {
    outcome.multicast_bytes + u64::from(outcome.costs.multicasts) * beyond_plain(OVERHEAD)
}
