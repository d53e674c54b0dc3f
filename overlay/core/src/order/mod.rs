//! The total order: promises, turns, and what may be delivered (docs/protocol.md section 4).

mod promises;
#[cfg(test)]
mod tests;
mod turns;

pub(crate) use promises::{Announcement, Announcer};
pub(crate) use turns::Turns;

use crate::{
    defect::Defect,
    ids::Position,
    settings::Settings,
    streams::{Stability, Streams},
    wire::data::Entry,
};

/// By which rules entries are released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// While the configuration lives, and at its end until the signal: promises and stability, in the
    /// end the joined ones.
    Live,
    /// After the signal: all that is left, in order.
    Rest,
}

/// An entry that is delivered now.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) origin: u16,
    /// Of ordered entries.
    pub(crate) position: Option<Position>,
    pub(crate) entry: Entry,
}

/// Decides what is delivered next.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) turns: Turns,
    phase: Phase,
    /// The stream that had the smallest position, and the smallest one of the others: entries of the
    /// former below the latter need no further search.
    run: Option<(u16, Position)>,
    /// The first position that some active node has not promised beyond, once computed.
    horizon: Option<Position>,
    no_promises: bool,
    no_dependencies: bool,
    safe_at_once: bool,
    by_arrival: bool,
}

impl Order {
    pub(crate) fn new(turns: Turns, settings: &Settings) -> Self {
        Self {
            turns,
            phase: Phase::Live,
            run: None,
            horizon: None,
            no_promises: settings.lacks(Defect::NoPromises),
            no_dependencies: settings.lacks(Defect::NoDependencies),
            safe_at_once: settings.lacks(Defect::SafeAtOnce),
            by_arrival: settings.lacks(Defect::OrderByArrival),
        }
    }

    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.renew();
    }

    /// Frames, promises, turns or stability have changed: what was found before may not hold.
    pub(crate) fn renew(&mut self) {
        self.run = None;
        self.horizon = None;
    }

    /// The next entry to deliver, if there is one.
    pub(crate) fn next(
        &mut self,
        streams: &mut Streams,
        stability: &Stability,
    ) -> Option<Delivered> {
        if let Some((rank, limit)) = self.run
            && let Some(delivered) = self.continue_run(streams, stability, rank, limit)
        {
            return Some(delivered);
        }
        self.run = None;
        self.next_unordered(streams).or_else(|| self.next_ordered(streams, stability))
    }

    /// An unordered entry whose dependencies are delivered, of any stream.
    fn next_unordered(&mut self, streams: &mut Streams) -> Option<Delivered> {
        let mut next = streams.heads().at_or_after(0);
        while let Some(rank) = next {
            let (ordered, _) = streams.get_mut(rank)?.peek()?;
            if !ordered && self.is_ready(streams, rank) {
                return deliver(streams, rank);
            }
            next = streams.heads().at_or_after(rank.checked_add(1)?);
        }
        None
    }

    /// The ordered entry with the smallest position, if all conditions hold.
    fn next_ordered(&mut self, streams: &mut Streams, stability: &Stability) -> Option<Delivered> {
        let mut least: Option<(Position, u16)> = None;
        let mut second = Position::new((1 << 48) - 1, u16::MAX);
        for rank in streams.heads().iter() {
            let Some(clock) = streams.get(rank)?.next_clock() else { continue };
            let position =
                if self.by_arrival { Position::new(0, rank) } else { Position::new(clock, rank) };
            match least {
                Some((best, _)) if best < position => second = second.min(position),
                _ => {
                    if let Some((best, _)) = least {
                        second = best;
                    }
                    least = Some((position, rank));
                }
            }
        }
        let (_, rank) = least?;
        let delivered = self.continue_run(streams, stability, rank, second)?;
        self.run = Some((rank, second));
        Some(delivered)
    }

    /// The head of this stream, if it may be delivered and stands below `limit`.
    fn continue_run(
        &mut self,
        streams: &mut Streams,
        stability: &Stability,
        rank: u16,
        limit: Position,
    ) -> Option<Delivered> {
        let (ordered, safe) = streams.get_mut(rank)?.peek()?;
        if !self.is_ready(streams, rank) {
            return None;
        }
        if !ordered {
            return deliver(streams, rank);
        }
        let stream = streams.get(rank)?;
        let position = Position::new(stream.next_clock()?, rank);
        let number = stream.delivered() + 1;
        if position > limit && !self.by_arrival {
            return None;
        }
        if self.phase == Phase::Rest
            || self.is_allowed(streams, stability, (position, number, safe))
        {
            deliver(streams, rank)
        } else {
            None
        }
    }

    fn is_allowed(
        &mut self,
        streams: &Streams,
        stability: &Stability,
        (position, number, safe): (Position, u64, bool),
    ) -> bool {
        let rank = (position.as_u64() & 0xffff) as u16;
        let horizon = *self.horizon.get_or_insert_with(|| self.turns.horizon(streams));
        (self.no_promises || position < horizon)
            && (!safe || self.safe_at_once || stability.is_stable(rank, number))
    }

    fn is_ready(&self, streams: &mut Streams, rank: u16) -> bool {
        if self.no_dependencies {
            return true;
        }
        // The stream looks at its siblings: it is taken out meanwhile.
        let Some(slot) = streams.get_mut(rank) else { return false };
        if slot.is_head_ready() {
            return true;
        }
        let mut stream = std::mem::take(slot);
        let ready = stream.is_ready(|other| streams.delivered(other));
        if let Some(slot) = streams.get_mut(rank) {
            *slot = stream;
        }
        ready
    }
}

fn deliver(streams: &mut Streams, origin: u16) -> Option<Delivered> {
    let (ordered, _) = streams.get_mut(origin)?.peek()?;
    let (entry, clock) = streams.deliver(origin)?;
    let position = ordered.then(|| Position::new(clock, origin));
    Some(Delivered { origin, position, entry })
}
