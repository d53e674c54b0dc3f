//! What every node of the configuration multicast in it: reception, repair, acknowledgement,
//! stability (docs/protocol.md section 3).

mod repair;
mod stability;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use repair::{Repair, Request, SUBSCRIPTION};
pub(crate) use stability::Stability;

use crate::{
    error::Drop,
    wire::{data::DataFrame, vectors::Promise},
};
use stream::{Limits, Stream};

/// The streams of one configuration, by rank of their origin.
#[derive(Debug)]
pub(crate) struct Streams {
    streams: Vec<Stream>,
    me: u16,
    /// Bytes of the own entries that are not stable yet.
    unstable: usize,
    limits: Limits,
}

impl Streams {
    /// `most`: bytes of frames kept of one stream, which no origin that keeps to its window reaches.
    pub(crate) fn new(size: usize, me: u16, window: usize, most: usize) -> Self {
        let streams = (0..size).map(|_| Stream::default()).collect();
        Self { streams, me, unstable: 0, limits: Limits { ahead: window + window / 2, most } }
    }

    pub(crate) fn size(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn get(&self, rank: u16) -> Option<&Stream> {
        self.streams.get(usize::from(rank))
    }

    pub(crate) fn get_mut(&mut self, rank: u16) -> Option<&mut Stream> {
        self.streams.get_mut(usize::from(rank))
    }

    pub(crate) fn ranks(&self) -> impl Iterator<Item = (u16, &Stream)> {
        (0..).zip(&self.streams)
    }

    pub(crate) fn delivered(&self, rank: u16) -> u64 {
        self.get(rank).map_or(0, Stream::delivered)
    }

    pub(crate) fn complete(&self, rank: u16) -> u64 {
        self.get(rank).map_or(0, Stream::complete)
    }

    /// The end of the own stream.
    pub(crate) fn sent(&self) -> u64 {
        self.get(self.me).map_or(0, Stream::received)
    }

    /// One number of every stream.
    pub(crate) fn vector(&self, of: impl Fn(&Stream) -> u64) -> Vec<u64> {
        self.streams.iter().map(of).collect()
    }

    /// Bytes kept in all streams.
    pub(crate) fn bytes(&self) -> usize {
        self.streams.iter().map(Stream::bytes).sum()
    }

    /// Bytes of the own entries that are not stable yet.
    pub(crate) fn unstable(&self) -> usize {
        self.unstable
    }

    /// Takes a frame of another node, from whoever brought it. True if a complete prefix or a
    /// promise moved.
    pub(crate) fn take(&mut self, frame: DataFrame) -> Result<bool, Drop> {
        let origin = frame.origin;
        let limits = self.limits;
        if origin == self.me {
            // What this node has said it knows, and nobody else may say more in its name.
            return Err(Drop::Duplicate);
        }
        let stream = self.get_mut(origin).ok_or(Drop::Malformed)?;
        if frame.count == 0 {
            return Ok(stream.promised(frame.last(), frame.promise));
        }
        stream.take(frame, limits)?;
        Ok(self.complete_from(origin))
    }

    /// Appends an own frame. Own frames depend on what has been delivered here, so they are
    /// complete.
    pub(crate) fn append(&mut self, frame: DataFrame) {
        self.unstable += frame.bytes.len();
        let me = self.me;
        if let Some(stream) = self.get_mut(me) {
            // A frame of ours begins where the last one ended.
            if stream.take(frame, Limits { ahead: 0, most: usize::MAX }).is_ok() {
                self.complete_from(me);
            }
        }
    }

    /// A promise told by its node or by the leader.
    pub(crate) fn promised(&mut self, promise: Promise) -> bool {
        self.get_mut(promise.rank).is_some_and(|s| s.promised(promise.number, promise.clock))
    }

    /// Completes what can be, beginning with this stream.
    fn complete_from(&mut self, origin: u16) -> bool {
        if !self.complete_one(origin) {
            return false;
        }
        // What moved may be what other streams waited for.
        loop {
            let mut moved = false;
            for rank in 0..u16::try_from(self.streams.len()).unwrap_or(u16::MAX) {
                if self.get(rank).is_some_and(Stream::is_incomplete) {
                    moved |= self.complete_one(rank);
                }
            }
            if !moved {
                return true;
            }
        }
    }

    fn complete_one(&mut self, rank: u16) -> bool {
        let at = usize::from(rank);
        let mut moved = false;
        loop {
            // The stream is taken out, so that it can look at its siblings.
            let Some(slot) = self.streams.get_mut(at) else { return moved };
            let mut stream = std::mem::take(slot);
            let advanced = stream
                .advance(|other| self.streams.get(usize::from(other)).map_or(0, Stream::complete));
            if let Some(slot) = self.streams.get_mut(at) {
                *slot = stream;
            }
            if !advanced {
                return moved;
            }
            moved = true;
        }
    }

    /// Whether a safe entry stands first in its stream: it waits for stability, perhaps.
    pub(crate) fn is_head_safe(&mut self) -> bool {
        self.streams.iter_mut().any(|s| s.has_head() && s.peek() == Some((true, true)))
    }

    /// Forgets what is stable and delivered.
    pub(crate) fn forget(&mut self, stable: &[u64]) {
        let me = usize::from(self.me);
        for (rank, (stream, &stable)) in self.streams.iter_mut().zip(stable).enumerate() {
            let freed = stream.forget(stable);
            if rank == me {
                self.unstable = self.unstable.saturating_sub(freed);
            }
        }
    }
}
