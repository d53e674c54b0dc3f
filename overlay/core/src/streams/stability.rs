//! Who has what: acknowledgements to the leader, the stable vector from it.

use super::{Streams, stream::Stream};
use crate::{settings::Settings, time::Time};

/// What is acknowledged, and what is stable.
#[derive(Debug)]
pub(crate) struct Stability {
    /// What this node acknowledges, per origin; held back where it falls behind.
    acked: Vec<u64>,
    /// What every node has.
    stable: Vec<u64>,
    /// At the leader: acknowledgements by member, and when a member's last moved or nothing was
    /// missing.
    acks: Vec<Vec<u64>>,
    moved_at: Vec<Time>,
    /// How many limits each has been late for.
    late: Vec<u32>,
    /// When the last vector left here, and when one was last thought of.
    sent_at: Time,
    looked_at: Time,
    sent: Vec<u64>,
    fresh_bytes: usize,
    urgent: bool,
    /// Something may have to be said at the next interval.
    pending: bool,
    answers: Vec<u16>,
}

impl Stability {
    /// `leads`: keep everybody's acknowledgements.
    pub(crate) fn new(size: usize, leads: bool, now: Time) -> Self {
        let rows = if leads { size } else { 0 };
        Self {
            acked: vec![0; size],
            stable: vec![0; size],
            acks: vec![vec![0; size]; rows],
            moved_at: vec![now; rows],
            late: vec![0; rows],
            sent_at: now,
            looked_at: now,
            sent: vec![0; size],
            fresh_bytes: 0,
            urgent: false,
            pending: false,
            answers: Vec::new(),
        }
    }

    pub(crate) fn stable(&self) -> &[u64] {
        &self.stable
    }

    pub(crate) fn is_stable(&self, rank: u16, number: u64) -> bool {
        self.stable.get(usize::from(rank)).is_some_and(|&s| s >= number)
    }

    /// An entry waits for stability: do not wait for the interval.
    pub(crate) fn hurry(&mut self) {
        self.urgent = true;
    }

    /// Bytes have arrived.
    pub(crate) fn arrived(&mut self, bytes: usize) {
        self.fresh_bytes += bytes;
        self.pending = true;
    }

    /// Takes what is complete into the acknowledgement, except where the node falls behind: its
    /// application does not read, or more than a window of the stream is undelivered.
    fn refresh(&mut self, streams: &Streams, window: usize, withhold: bool) {
        if withhold {
            return;
        }
        for (acked, (_, stream)) in self.acked.iter_mut().zip(streams.ranks()) {
            *acked = stream.acknowledgeable(window).max(*acked);
        }
    }

    /// At the leader: an acknowledgement came. True if the stable vector may have moved.
    pub(crate) fn acknowledged(&mut self, rank: u16, counts: &[u64], now: Time) {
        let Some(row) = self.acks.get_mut(usize::from(rank)) else { return };
        self.pending = true;
        let mut moved = false;
        for (have, &count) in row.iter_mut().zip(counts) {
            moved |= count > *have;
            *have = count.max(*have);
        }
        if moved {
            if let Some(at) = self.moved_at.get_mut(usize::from(rank)) {
                *at = now;
            }
        } else if self.answers.len() < self.acks.len() {
            // It repeats itself: it has missed the stable vector.
            self.answers.push(rank);
        }
    }

    /// At a member: the stable vector came. True if it moved.
    pub(crate) fn settled(&mut self, counts: &[u64]) -> bool {
        let mut moved = false;
        for (have, &count) in self.stable.iter_mut().zip(counts) {
            moved |= count > *have;
            *have = count.max(*have);
        }
        moved
    }

    /// At the end of a configuration: what all survivors take to be stable, exactly that.
    pub(crate) fn replace(&mut self, counts: &[u64]) {
        self.stable.clear();
        self.stable.extend_from_slice(counts);
    }

    /// At the end of a batch: what to send. At the leader it is the stable vector, for all; at the
    /// others the acknowledgement, for the leader.
    pub(crate) fn due(
        &mut self,
        (streams, me): (&Streams, u16),
        settings: &Settings,
        (withhold, now): (bool, Time),
    ) -> Option<Vec<u64>> {
        let leads = !self.acks.is_empty();
        let waited = now >= self.looked_at + settings.ack_interval;
        let enough = self.fresh_bytes >= settings.window / 8;
        if !(self.urgent || enough || waited) {
            // The vectors below cost time: not at every batch.
            return None;
        }
        self.looked_at = now;
        self.refresh(streams, settings.window, withhold);
        if leads {
            self.acknowledge_own(me, streams, now);
        }
        // What is held back, and what others have not acknowledged, is looked at again.
        let behind =
            |(&acked, (_, stream)): (&u64, (u16, &Stream))| Stream::complete(stream) > acked;
        self.pending =
            self.stable != self.acked || self.acked.iter().zip(streams.ranks()).any(behind);
        let current = if leads { &self.stable } else { &self.acked };
        let changed = *current != self.sent;
        // While something acknowledged is not stable yet, say it again now and then: either vector
        // may have been lost.
        let repeat =
            !leads && self.stable != self.acked && now >= self.sent_at + 4 * settings.ack_interval;
        if !changed && !repeat {
            return None;
        }
        self.sent.clone_from(current);
        self.sent_at = now;
        self.fresh_bytes = 0;
        self.urgent = false;
        Some(self.sent.clone())
    }

    fn acknowledge_own(&mut self, me: u16, streams: &Streams, now: Time) {
        if let Some(row) = self.acks.get_mut(usize::from(me)) {
            row.clone_from(&self.acked);
        }
        for (origin, stable) in self.stable.iter_mut().enumerate() {
            let least = self.acks.iter().filter_map(|row| row.get(origin)).min();
            *stable = least.copied().unwrap_or(0).max(*stable);
        }
        // Who has everything that the leader has is not slow.
        for (row, at) in self.acks.iter().zip(&mut self.moved_at) {
            if row.iter().zip(streams.ranks()).all(|(&ack, (_, s))| ack >= s.complete()) {
                *at = now;
            }
        }
    }

    /// Members that repeat their acknowledgement and want the stable vector again.
    pub(crate) fn answers(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.answers)
    }

    /// When to look again whether something should be said.
    pub(crate) fn deadline(&self, settings: &Settings) -> Option<Time> {
        self.pending.then(|| self.looked_at + settings.ack_interval)
    }

    /// At the leader: when a member may be slow next, or slower. Nothing more is due for one that is
    /// twice the limit late: it has been told of.
    pub(crate) fn slow_deadline(&self, settings: &Settings) -> Option<Time> {
        let rows = self.moved_at.iter().zip(&self.late).filter(|&(_, &late)| late < 2);
        rows.map(|(&at, &late)| at + settings.slow_limit * (late + 1)).min()
    }

    /// Everybody gets fresh patience.
    pub(crate) fn forgive(&mut self, now: Time) {
        self.moved_at.fill(now);
    }

    /// At the leader: members whose acknowledgements have not moved for `limit` though something is
    /// missing; each is told once, and again (`true`) at twice the limit.
    pub(crate) fn slow(&mut self, limit: std::time::Duration, now: Time) -> Vec<(u16, bool)> {
        let mut slow = Vec::new();
        for (rank, (at, late)) in (0..).zip(self.moved_at.iter().zip(&mut self.late)) {
            let silent = now.since(*at);
            let before = *late;
            *late = if silent < limit { 0 } else { 1 + u32::from(silent >= 2 * limit) };
            if *late == 2 || *late > before {
                slow.push((rank, *late == 2));
            }
        }
        slow
    }
}
