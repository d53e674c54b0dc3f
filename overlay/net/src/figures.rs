//! Counters that all tasks write to.

use crate::status::Drop;
use std::sync::atomic::{AtomicU64, Ordering};

/// Since the start.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    drops: [AtomicU64; Drop::ALL.len()],
    pub(crate) frames_in: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) frames_out: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

impl Figures {
    /// One thing was dropped.
    pub(crate) fn dropped(&self, reason: Drop) {
        self.dropped_many(reason, 1);
    }

    pub(crate) fn dropped_many(&self, reason: Drop, count: u64) {
        if let Some(counter) = self.drops.get(reason as usize) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Frames were handed to the engine's queue.
    pub(crate) fn received(&self, frames: usize, bytes: usize) {
        self.frames_in.fetch_add(frames as u64, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Frames were given to a peer's stream or the gossip.
    pub(crate) fn sent(&self, frames: usize, bytes: usize) {
        self.frames_out.fetch_add(frames as u64, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The reasons that have occurred.
    pub(crate) fn drops(&self) -> Vec<(Drop, u64)> {
        let counted = Drop::ALL.iter().zip(&self.drops);
        let counted = counted.map(|(reason, counter)| (*reason, counter.load(Ordering::Relaxed)));
        counted.filter(|(_, count)| *count > 0).collect()
    }
}
