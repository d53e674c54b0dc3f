//! The total order: promises, turns, and what may be delivered (docs/protocol.md section 4).

mod promises;
#[cfg(test)]
mod tests;
mod turns;

pub(crate) use promises::{Announcement, Announcer, State};
pub(crate) use turns::Turns;

use crate::{
    defect::Defect,
    ids::Position,
    settings::Settings,
    streams::{NO_CLOCK, Stability, Streams},
    wire::data::Entry,
};

/// By which rules entries are released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// While the configuration lives: promises and stability.
    Live,
    /// At its end, before the signal: the joined promises and stability, and, per rank, what entries of
    /// the target depend on: their origins had delivered it before they sent.
    Released(Vec<u64>),
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
    /// The number of every stream's last ordered entry that was delivered, by rank.
    ordered: Vec<u64>,
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
            ordered: Vec::new(),
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

    /// The streams' promises are no longer what grew out of the ones seen before.
    pub(crate) fn promises_were_replaced(&mut self) {
        self.turns.promises_were_replaced();
        self.renew();
    }

    /// Frames or turns have changed: what was found before may not hold.
    pub(crate) fn renew(&mut self) {
        self.run = None;
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
        let mut next = streams.unordered().at_or_after(0);
        while let Some(rank) = next {
            if self.is_ready(streams, rank) {
                return self.deliver(streams, rank);
            }
            next = streams.unordered().at_or_after(rank.checked_add(1)?);
        }
        None
    }

    /// The ordered entry with the smallest position, if all conditions hold.
    fn next_ordered(&mut self, streams: &mut Streams, stability: &Stability) -> Option<Delivered> {
        let mut least: Option<(Position, u16)> = None;
        let mut second = Position::new((1 << 48) - 1, u16::MAX);
        for (rank, &clock) in (0..).zip(streams.clocks()) {
            if clock == NO_CLOCK {
                continue;
            }
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
            return self.deliver(streams, rank);
        }
        let position = Position::new(*streams.clocks().get(usize::from(rank))?, rank);
        let number = streams.delivered(rank) + 1;
        if position > limit && !self.by_arrival {
            return None;
        }
        let released = match &self.phase {
            Phase::Live => false,
            Phase::Released(release) => {
                release.get(usize::from(rank)).is_some_and(|&most| number <= most)
            }
            Phase::Rest => true,
        };
        if released || self.is_allowed(streams, stability, (position, number, safe)) {
            self.deliver(streams, rank)
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
        let rank = position.rank();
        let horizon = self.turns.horizon(streams);
        (self.no_promises || position < horizon)
            && (!safe || self.safe_at_once || self.is_safe(stability, rank, number))
    }

    /// Whether every member has this entry and all ordered ones before it: a join among these may
    /// have made the view that the entry is delivered in.
    fn is_safe(&self, stability: &Stability, rank: u16, number: u64) -> bool {
        let mut before = self.ordered.iter().zip(stability.stable());
        stability.is_stable(rank, number) && before.all(|(ordered, stable)| ordered <= stable)
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

    fn deliver(&mut self, streams: &mut Streams, origin: u16) -> Option<Delivered> {
        let (entry, position) = streams.deliver(origin)?;
        if position.is_some() {
            let at = usize::from(origin);
            if at >= self.ordered.len() {
                self.ordered.resize(at + 1, 0);
            }
            if let Some(last) = self.ordered.get_mut(at) {
                *last = streams.delivered(origin);
            }
        }
        Some(Delivered { origin, position, entry })
    }
}
