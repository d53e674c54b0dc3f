//! One origin's stream at one node: frames, gaps, and the place of delivery.

use crate::{
    error::Drop,
    wire::data::{Cursor, DataFrame, Entry, Met},
};
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeMap, VecDeque};

/// What an origin has multicast in this configuration, as far as it is here.
/// `delivered <= complete <= received`, all counted in entries.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Received without a gap, and not yet both stable and delivered.
    frames: VecDeque<DataFrame>,
    received: u64,
    complete: u64,
    delivered: u64,
    /// How many of `frames` are complete.
    complete_frames: usize,
    /// How many of `frames` are wholly delivered; the next one is the head.
    delivered_frames: usize,
    /// The place in the head, once one of its entries has been looked at.
    cursor: Option<Cursor>,
    /// Entries delivered of the head.
    head_entries: u32,
    /// How far the dependencies of the head, and of the first incomplete frame, are satisfied.
    head_met: Met,
    next_met: Met,
    /// Beyond a gap, by first entry.
    ahead: BTreeMap<u64, DataFrame>,
    /// Bytes of all frames kept; of those ahead; of those complete and not delivered.
    bytes: usize,
    ahead_bytes: usize,
    undelivered_bytes: usize,
    /// The effective promise, and the latest one whose entries are not complete yet.
    promise: u64,
    pending: Option<(u64, u64)>,
    /// The largest number heard of.
    known: u64,
    /// Pieces before the last, of messages and of control entries.
    pieces: [Pieces; 2],
}

/// The most bytes of frames kept of one stream: beyond a gap, and in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) ahead: usize,
    pub(crate) most: usize,
}

/// A piece counts as at least so many bytes, which its place in memory costs.
const LEAST_PIECE: usize = 64;

#[derive(Debug, Default)]
struct Pieces {
    parts: Vec<Bytes>,
    bytes: usize,
    /// There were more than the limit: nothing of this message is delivered.
    too_many: bool,
}

impl Stream {
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn complete(&self) -> u64 {
        self.complete
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(crate) fn promise(&self) -> u64 {
        self.promise
    }

    /// Bytes kept in all.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.pieces.iter().map(|p| p.bytes).sum::<usize>()
    }

    /// The complete prefix, less what exceeds `limit` undelivered bytes. One undelivered frame is
    /// always part of it: a safe entry could not become stable otherwise.
    pub(crate) fn acknowledgeable(&self, limit: usize) -> u64 {
        if self.undelivered_bytes <= limit {
            return self.complete;
        }
        let mut bytes = 0;
        let undelivered = self.frames.range(self.delivered_frames..self.complete_frames);
        let fits = undelivered.take_while(|f| {
            let first = bytes == 0;
            bytes += f.bytes.len();
            first || bytes <= limit
        });
        fits.last().map_or(self.complete, DataFrame::last)
    }

    pub(crate) fn is_incomplete(&self) -> bool {
        self.complete_frames < self.frames.len()
    }

    /// Takes a frame.
    pub(crate) fn take(&mut self, frame: DataFrame, limits: Limits) -> Result<(), Drop> {
        if frame.last() <= self.received {
            return Err(Drop::Duplicate);
        }
        if frame.first <= self.received {
            return Err(Drop::Overlap);
        }
        if self.bytes.saturating_add(frame.bytes.len()) > limits.most {
            return Err(Drop::Limit);
        }
        if frame.first > self.received + 1 {
            if self.ahead.contains_key(&frame.first) {
                return Err(Drop::Duplicate);
            }
            if self.ahead_bytes + frame.bytes.len() > limits.ahead {
                return Err(Drop::Limit);
            }
            self.known = self.known.max(frame.last());
            self.ahead_bytes += frame.bytes.len();
            self.bytes += frame.bytes.len();
            self.ahead.insert(frame.first, frame);
            return Ok(());
        }
        self.known = self.known.max(frame.last());
        self.bytes += frame.bytes.len();
        self.push(frame);
        self.close_gap();
        Ok(())
    }

    fn push(&mut self, frame: DataFrame) {
        self.received = frame.last();
        self.frames.push_back(frame);
    }

    /// Takes in what stood beyond a gap that is closed now.
    fn close_gap(&mut self) {
        while let Some(entry) = self.ahead.first_entry() {
            if *entry.key() > self.received + 1 {
                break;
            }
            let frame = entry.remove();
            self.ahead_bytes -= frame.bytes.len();
            if frame.first == self.received + 1 {
                self.push(frame);
            } else {
                self.bytes -= frame.bytes.len();
            }
        }
    }

    /// Somebody says that the stream has at least so many entries.
    pub(crate) fn heard_of(&mut self, number: u64) {
        self.known = self.known.max(number);
    }

    /// The first gap: its first and last entry.
    pub(crate) fn gap(&self) -> Option<(u64, u64)> {
        let last = match self.ahead.first_key_value() {
            Some((&first, _)) => first - 1,
            None if self.known > self.received => self.known,
            None => return None,
        };
        Some((self.received + 1, last))
    }

    /// Moves the complete prefix one frame on, if what that frame depends on is complete. Returns the
    /// largest clock of the frame's ordered entries, 0 without any.
    pub(crate) fn advance(&mut self, complete: impl Fn(u16) -> u64) -> Option<u64> {
        let frame = self.frames.get(self.complete_frames)?;
        if !frame.is_met(&mut self.next_met, complete) {
            return None;
        }
        self.next_met = Met::default();
        let top = frame.top_clock();
        self.complete = frame.last();
        self.promise = self.promise.max(frame.promise);
        self.undelivered_bytes += frame.bytes.len();
        self.complete_frames += 1;
        if let Some((_, clock)) = self.pending.filter(|&(number, _)| number <= self.complete) {
            self.promise = self.promise.max(clock);
            self.pending = None;
        }
        Some(top)
    }

    /// A promise that does not stand in a frame with entries. True if it is effective and new.
    pub(crate) fn promised(&mut self, number: u64, clock: u64) -> bool {
        self.known = self.known.max(number);
        if clock <= self.promise {
            return false;
        }
        if number <= self.complete {
            self.promise = clock;
            return true;
        }
        if self.pending.is_none_or(|(_, pending)| clock > pending) {
            self.pending = Some((number, clock));
        }
        false
    }

    /// Whether something complete waits to be delivered.
    pub(crate) fn has_head(&self) -> bool {
        self.delivered < self.complete
    }

    fn head(&self) -> Option<&DataFrame> {
        if self.delivered_frames < self.complete_frames {
            self.frames.get(self.delivered_frames)
        } else {
            None
        }
    }

    /// Whether the head entry is ordered, and whether it is safe.
    pub(crate) fn peek(&mut self) -> Option<(bool, bool)> {
        let frame = self.frames.get(self.delivered_frames)?;
        if self.delivered_frames >= self.complete_frames {
            return None;
        }
        Some(self.cursor.get_or_insert_with(|| frame.cursor()).peek(frame))
    }

    /// The clock of the first undelivered, complete, ordered entry.
    pub(crate) fn next_clock(&self) -> Option<u64> {
        let head = self.head()?;
        let clock = self.cursor.map_or(head.base, |c| c.clock());
        if clock < head.base + u64::from(head.ordered) {
            return Some(clock + 1);
        }
        let rest = self.delivered_frames + 1..self.complete_frames;
        self.frames.range(rest).find(|f| f.ordered > 0).map(|f| f.base + 1)
    }

    /// Whether the head is known to have no undelivered dependency.
    #[inline]
    pub(crate) fn is_head_ready(&self) -> bool {
        self.head_entries > 0
    }

    /// Whether what the head depends on is delivered.
    pub(crate) fn is_ready(&mut self, delivered: impl Fn(u16) -> u64) -> bool {
        let Some(frame) = self.frames.get(self.delivered_frames) else { return false };
        self.head_entries > 0 || frame.is_met(&mut self.head_met, delivered)
    }

    /// Takes the head entry out for delivery; the clock is its own, if it is ordered.
    pub(crate) fn deliver(&mut self) -> Option<(Entry, u64)> {
        if self.delivered_frames >= self.complete_frames {
            return None;
        }
        let frame = self.frames.get(self.delivered_frames)?;
        let cursor = self.cursor.get_or_insert_with(|| frame.cursor());
        let entry = cursor.next(frame)?;
        let clock = cursor.clock();
        self.delivered += 1;
        self.head_entries += 1;
        if self.head_entries == frame.count {
            self.undelivered_bytes -= frame.bytes.len();
            self.delivered_frames += 1;
            self.head_entries = 0;
            self.head_met = Met::default();
            self.cursor = None;
        }
        Some((entry, clock))
    }

    /// Keeps a piece until its message is whole. An origin that sends more than `limit` lies, and
    /// all nodes see it alike.
    pub(crate) fn keep_piece(&mut self, control: bool, body: Bytes, limit: usize) {
        let Some(pieces) = self.pieces.get_mut(usize::from(control)) else { return };
        let bytes = body.len().max(LEAST_PIECE);
        if pieces.too_many || pieces.bytes + bytes > limit {
            *pieces = Pieces { too_many: true, ..Pieces::default() };
            return;
        }
        pieces.bytes += bytes;
        pieces.parts.push(body);
    }

    /// The whole message, of which `last` is the last piece; none if it is larger than any may be.
    pub(crate) fn assemble(&mut self, control: bool, last: Bytes) -> Option<Bytes> {
        let pieces = self.pieces.get_mut(usize::from(control))?;
        if pieces.parts.is_empty() && !pieces.too_many {
            return Some(last);
        }
        let pieces = std::mem::take(pieces);
        if pieces.too_many {
            return None;
        }
        let mut whole = BytesMut::with_capacity(pieces.bytes + last.len());
        for part in pieces.parts {
            whole.extend_from_slice(&part);
        }
        whole.extend_from_slice(&last);
        Some(whole.freeze())
    }

    /// Whether pieces wait for their last one.
    pub(crate) fn has_pieces(&self) -> bool {
        self.pieces.iter().any(|p| !p.parts.is_empty())
    }

    /// Forgets delivered frames up to the stable entry. Returns the bytes freed.
    pub(crate) fn forget(&mut self, stable: u64) -> usize {
        let mut freed = 0;
        while self.delivered_frames > 0 {
            let Some(frame) = self.frames.front().filter(|f| f.last() <= stable) else { break };
            freed += frame.bytes.len();
            self.frames.pop_front();
            self.delivered_frames -= 1;
            self.complete_frames -= 1;
        }
        self.bytes -= freed;
        freed
    }

    /// The frames of this range of entries that are here, in order, up to a number of bytes.
    pub(crate) fn frames_of(&self, first: u64, last: u64, limit: usize) -> Vec<Bytes> {
        let begin = self.frames.partition_point(|f| f.last() < first);
        let mut left = limit;
        self.frames
            .range(begin..)
            .chain(self.ahead.range(first..).map(|(_, f)| f))
            .take_while(|f| f.first <= last)
            .map_while(|f| {
                left = left.checked_sub(f.bytes.len())?;
                Some(f.bytes.clone())
            })
            .collect()
    }

    /// Ends the stream at `target`, a frame's end at or below the complete prefix: forgets the rest.
    /// True if something complete was cut.
    pub(crate) fn cut(&mut self, target: u64) -> bool {
        self.ahead.clear();
        while self.frames.back().is_some_and(|f| f.last() > target)
            && self.frames.len() > self.delivered_frames
        {
            self.frames.pop_back();
        }
        let cut = self.complete > target;
        self.received = self.received.min(target);
        self.complete = self.complete.min(target);
        self.complete_frames = self.complete_frames.min(self.frames.len());
        cut
    }

    /// What every kept frame depends on, complete frames only. What is not kept has been delivered, and
    /// so has what it depends on.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = (u16, u64)> {
        self.frames.iter().take(self.complete_frames).flat_map(DataFrame::dependencies)
    }

    /// The effective promise becomes the one that the survivors joined.
    pub(crate) fn settle_promise(&mut self, promise: u64) {
        self.promise = promise;
        self.pending = None;
    }
}
