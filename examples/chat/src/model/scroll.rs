//! Where in the log one reads: by line and row, so that it stays there whatever comes below.

use crate::log::{Entry, Log, Voice};

/// What is at the bottom of the message pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scroll {
    /// The latest, always.
    #[default]
    End,
    /// This row of this line.
    At { number: u64, row: usize },
}

/// The message pane: columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pane {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Scroll {
    pub(crate) fn up(self, log: &Log, pane: Pane, by: usize) -> Self {
        let Some((mut number, mut row)) = self.bottom(log, pane) else { return Self::End };
        let mut left = by;
        while left > 0 {
            if row > 0 {
                let step = row.min(left);
                (row, left) = (row.saturating_sub(step), left.saturating_sub(step));
            } else {
                let before = number.checked_sub(1).and_then(|number| log.at(number));
                let Some(entry) = before.filter(|entry| entry.number < number) else { break };
                (number, row) = (entry.number, last_row(entry, pane));
                left = left.saturating_sub(1);
            }
        }
        Self::At { number, row }.max(Self::begin(log, pane)).settled(log, pane)
    }

    pub(crate) fn down(self, log: &Log, pane: Pane, by: usize) -> Self {
        let Some((mut number, mut row)) = self.bottom(log, pane) else { return Self::End };
        let mut left = by;
        while let Some(entry) = log.at(number) {
            let step = last_row(entry, pane).saturating_sub(row).min(left);
            (row, left) = (row.saturating_add(step), left.saturating_sub(step));
            if left == 0 {
                return Self::At { number, row }.settled(log, pane);
            }
            (number, row) = (number.saturating_add(1), 0);
            left = left.saturating_sub(1);
        }
        Self::End
    }

    /// The oldest lines fill the pane.
    pub(crate) fn begin(log: &Log, pane: Pane) -> Self {
        let Some(first) = log.first() else { return Self::End };
        Self::At { number: first.number, row: 0 }.down(log, pane, pane.rows.saturating_sub(1))
    }

    /// The line and row at the bottom; none of an empty log.
    pub(crate) fn bottom(self, log: &Log, pane: Pane) -> Option<(u64, usize)> {
        let entry = match self {
            Self::End => log.last()?,
            Self::At { number, .. } => log.at(number).or_else(|| log.last())?,
        };
        let last = last_row(entry, pane);
        match self {
            // The line may have gone, and another stands in its place; or the pane is wider now.
            Self::At { number, row } if number == entry.number => Some((number, row.min(last))),
            _ => Some((entry.number, last)),
        }
    }

    /// How many messages are below.
    pub(crate) fn unread(self, log: &Log) -> usize {
        match self {
            Self::End => 0,
            Self::At { number, .. } => log
                .since(number.saturating_add(1))
                .filter(|entry| matches!(entry.voice, Voice::Member { .. }))
                .count(),
        }
    }

    fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::At { number, row }, Self::At { number: least, row: least_row }) => {
                let (number, row) = (number, row).max((least, least_row));
                Self::At { number, row }
            }
            _ => Self::End,
        }
    }

    /// Whoever stands at the last row follows what comes.
    fn settled(self, log: &Log, pane: Pane) -> Self {
        match self.bottom(log, pane) == Self::End.bottom(log, pane) {
            true => Self::End,
            false => self,
        }
    }
}

fn last_row(entry: &Entry, pane: Pane) -> usize {
    entry.rows(pane.columns).texts.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Tone;
    use crate::people::tests::member;

    const PANE: Pane = Pane { columns: 20, rows: 4 };

    fn log(lines: usize) -> Log {
        let mut log = Log::default();
        for number in 0..lines {
            let voice = Voice::Member { member: member(1), label: "a".to_owned() };
            // Three rows each.
            log.push(0, voice, format!("{number}\nx\ny"));
        }
        log
    }

    #[test]
    fn rows_are_passed_one_by_one_and_the_ends_hold() {
        let log = log(4);
        let mut place = Scroll::End;
        let mut seen = Vec::new();
        for _ in 0..20 {
            place = place.up(&log, PANE, 1);
            seen.push(place.bottom(&log, PANE).unwrap());
        }
        assert_eq!(seen[..3], [(3, 1), (3, 0), (2, 2)]);
        // The first four rows fill the pane.
        assert_eq!(seen.last(), Some(&(1, 0)));
        assert_eq!(place, Scroll::begin(&log, PANE));
        assert_eq!(place.down(&log, PANE, 7), Scroll::At { number: 3, row: 1 });
        assert_eq!(place.down(&log, PANE, 8), Scroll::End);
        assert_eq!(Scroll::End.up(&log, PANE, 5).down(&log, PANE, 5), Scroll::End);
    }

    #[test]
    fn what_fits_does_not_scroll() {
        for lines in [0, 1] {
            let log = log(lines);
            assert_eq!(Scroll::End.up(&log, PANE, 3), Scroll::End);
            assert_eq!(Scroll::begin(&log, PANE), Scroll::End);
        }
    }

    #[test]
    fn what_comes_below_is_counted_and_moves_nothing() {
        let mut log = log(4);
        let place = Scroll::End.up(&log, PANE, 3);
        assert_eq!((place, place.unread(&log)), (Scroll::At { number: 2, row: 2 }, 1));
        log.push(0, Voice::Program(Tone::Plain), "no message".to_owned());
        let voice = Voice::Member { member: member(1), label: "a".to_owned() };
        log.push(0, voice, "new".to_owned());
        assert_eq!((place.bottom(&log, PANE), place.unread(&log)), (Some((2, 2)), 2));
    }

    #[test]
    fn a_place_that_is_gone_is_the_oldest_there_is() {
        let mut log = log(4);
        let place = Scroll::At { number: 1, row: 1 };
        for _ in 0..crate::log::MOST_LINES {
            log.push(0, Voice::Program(Tone::Plain), "x".to_owned());
        }
        let first = log.first().unwrap().number;
        assert_eq!(place.bottom(&log, PANE).map(|(number, _)| number), Some(first));
        assert_eq!(place.up(&log, PANE, 1), Scroll::begin(&log, PANE));
    }
}
