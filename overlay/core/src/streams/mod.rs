//! What every node of the configuration multicast in it: reception, repair, acknowledgement,
//! stability (docs/protocol.md section 3).

mod ranks;
mod repair;
mod stability;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use repair::{Repair, Request, SUBSCRIPTION};
pub(crate) use stability::Stability;

use crate::{
    error::Drop,
    ids::Position,
    wire::{
        data::{DataFrame, Entry},
        vectors::Promise,
    },
};
pub(crate) use ranks::Ranks;
use stream::{Limits, Stream};

/// The clock of nothing.
pub(crate) const NO_CLOCK: u64 = u64::MAX;

/// The streams of one configuration, by rank of their origin.
#[derive(Debug)]
pub(crate) struct Streams {
    streams: Vec<Stream>,
    me: u16,
    /// Bytes of the own entries that are not stable yet.
    unstable: usize,
    limits: Limits,
    /// Streams whose head, the first complete entry that is not delivered, is unordered; is safe.
    unordered: Ranks,
    safe: Ranks,
    /// The clock of every stream's first complete, undelivered, ordered entry, or [`NO_CLOCK`]. They
    /// are looked through at every batch, the streams themselves are far apart in memory.
    clocks: Vec<u64>,
    /// Streams with frames that are not complete.
    incomplete: Ranks,
    /// Streams of which something was delivered since some was forgotten.
    touched: Ranks,
    /// A gap may have opened since repair looked last.
    gaps: bool,
    /// The largest clock of a complete ordered entry.
    top_clock: u64,
}

impl Streams {
    /// `most`: bytes of frames kept of one stream, which no origin that keeps to its window reaches.
    pub(crate) fn new(size: usize, me: u16, window: usize, most: usize) -> Self {
        let streams = (0..size).map(|_| Stream::default()).collect();
        Self {
            streams,
            me,
            unstable: 0,
            limits: Limits { ahead: window + window / 2, most },
            unordered: Ranks::new(size),
            safe: Ranks::new(size),
            clocks: vec![NO_CLOCK; size],
            incomplete: Ranks::new(size),
            touched: Ranks::new(size),
            gaps: false,
            top_clock: 0,
        }
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

    /// The largest clock of a complete ordered entry, delivered or not; 0 without any.
    pub(crate) fn top_clock(&self) -> u64 {
        self.top_clock
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
        if frame.count == 0 {
            let (number, clock) = (frame.last(), frame.promise);
            return Ok(self.promised(Promise { rank: origin, number, clock }));
        }
        let stream = self.get_mut(origin).ok_or(Drop::Malformed)?;
        stream.take(frame, limits)?;
        self.gaps |= stream.gap().is_some();
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

    /// How many entries of each stream the origins of complete frames had delivered before they sent.
    pub(crate) fn past(&self) -> Vec<u64> {
        let mut past = vec![0; self.size()];
        for (other, count) in self.ranks().flat_map(|(_, stream)| stream.dependencies()) {
            if let Some(most) = past.get_mut(usize::from(other)) {
                *most = count.max(*most);
            }
        }
        past
    }

    /// A promise told by its node or by the leader.
    pub(crate) fn promised(&mut self, promise: Promise) -> bool {
        self.heard_of(promise.rank, promise.number);
        self.get_mut(promise.rank).is_some_and(|s| s.promised(promise.number, promise.clock))
    }

    /// Somebody says that a stream has at least so many entries.
    pub(crate) fn heard_of(&mut self, rank: u16, number: u64) {
        let Some(stream) = self.get_mut(rank) else { return };
        stream.heard_of(number);
        self.gaps |= number > self.get(rank).map_or(0, Stream::received);
    }

    /// Whether a gap may have opened since this was asked last.
    pub(crate) fn take_gaps(&mut self) -> bool {
        std::mem::take(&mut self.gaps)
    }

    /// The streams whose head is unordered.
    pub(crate) fn unordered(&self) -> &Ranks {
        &self.unordered
    }

    /// The clock of every stream's next ordered entry, or [`NO_CLOCK`], by rank.
    pub(crate) fn clocks(&self) -> &[u64] {
        &self.clocks
    }

    /// Takes the head entry of a stream out for delivery. The position is its own, if it is ordered.
    pub(crate) fn deliver(&mut self, rank: u16) -> Option<(Entry, Option<Position>)> {
        let stream = self.get_mut(rank)?;
        let (ordered, _) = stream.peek()?;
        let (entry, clock) = stream.deliver()?;
        self.touched.set(rank, true);
        self.look_at_head(rank, ordered);
        Some((entry, ordered.then(|| Position::new(clock, rank))))
    }

    /// The head of a stream is another one; with `ordered`, its next ordered entry may be, too.
    fn look_at_head(&mut self, rank: u16, ordered: bool) {
        let Some(stream) = self.streams.get_mut(usize::from(rank)) else { return };
        let head = stream.peek();
        self.unordered.set(rank, head.is_some_and(|(ordered, _)| !ordered));
        self.safe.set(rank, head == Some((true, true)));
        if ordered && let Some(clock) = self.clocks.get_mut(usize::from(rank)) {
            *clock = stream.next_clock().unwrap_or(NO_CLOCK);
        }
    }

    /// Ends a stream at `target`.
    pub(crate) fn cut(&mut self, rank: u16, target: u64, promise: u64) {
        let Some(stream) = self.get_mut(rank) else { return };
        stream.cut(target);
        stream.settle_promise(promise);
        self.look_at_head(rank, true);
    }

    /// Completes what can be, beginning with this stream.
    fn complete_from(&mut self, origin: u16) -> bool {
        if !self.complete_one(origin) {
            return false;
        }
        // What moved may be what other streams waited for.
        loop {
            let mut moved = false;
            let mut next = self.incomplete.at_or_after(0);
            while let Some(rank) = next {
                moved |= self.complete_one(rank);
                next = rank.checked_add(1).and_then(|rank| self.incomplete.at_or_after(rank));
            }
            if !moved {
                return true;
            }
        }
    }

    fn complete_one(&mut self, rank: u16) -> bool {
        let at = usize::from(rank);
        // The stream is taken out, so that it can look at its siblings.
        let Some(slot) = self.streams.get_mut(at) else { return false };
        let mut stream = std::mem::take(slot);
        let had_head = stream.has_head();
        let mut moved = false;
        while let Some(top) = stream.advance(|other| self.complete(other)) {
            moved = true;
            self.top_clock = self.top_clock.max(top);
        }
        self.incomplete.set(rank, stream.is_incomplete());
        if let Some(slot) = self.streams.get_mut(at) {
            *slot = stream;
        }
        let orders_nothing = self.clocks.get(at) == Some(&NO_CLOCK);
        if moved && (!had_head || orders_nothing) {
            self.look_at_head(rank, orders_nothing);
        }
        moved
    }

    /// Whether a safe entry stands first in its stream: it waits for stability, perhaps.
    pub(crate) fn is_head_safe(&self) -> bool {
        !self.safe.is_empty()
    }

    /// Forgets what is stable and delivered, where something was delivered since the last time; of
    /// all streams, if more may have become `stable`.
    pub(crate) fn forget(&mut self, stable: &[u64], all: bool) {
        let size = u16::try_from(self.streams.len()).unwrap_or(u16::MAX);
        let mut next = Some(0);
        while let Some(from) = next {
            let rank = if all { Some(from) } else { self.touched.at_or_after(from) };
            let Some(rank) = rank.filter(|&rank| rank < size) else { break };
            self.forget_one(rank, stable.get(usize::from(rank)).copied().unwrap_or(0));
            next = rank.checked_add(1);
        }
        self.touched.clear();
    }

    fn forget_one(&mut self, rank: u16, stable: u64) {
        let freed = self.get_mut(rank).map_or(0, |stream| stream.forget(stable));
        if rank == self.me {
            self.unstable = self.unstable.saturating_sub(freed);
        }
    }
}
