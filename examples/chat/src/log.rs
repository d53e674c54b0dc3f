//! What has been said and what has happened, in bounded room.

use crate::text;
use cenacle::MemberId;
use std::collections::VecDeque;

/// So many lines are kept, with so many bytes: some evenings of talk; who floods the group pushes
/// out old lines and no memory.
pub(crate) const MOST_LINES: usize = 5_000;
const MOST_BYTES: usize = 4 << 20;
/// Columns of the time before a line, and of a line's further rows; none where the screen is narrow.
const INDENT: usize = 6;
/// Below so many columns the screen is narrow.
const NARROW: usize = 30;

/// How a line of the program itself is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// The course of things.
    Plain,
    /// About the key and who can read.
    Key,
    /// Something is wrong, or may be.
    Bad,
}

/// Whose line it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    Member { member: MemberId, label: String },
    Program(Tone),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Grows by one from line to line.
    pub(crate) number: u64,
    /// Microseconds since the Unix epoch.
    pub(crate) time_us: u64,
    pub(crate) voice: Voice,
    /// Harmless already.
    pub(crate) text: String,
}

/// A line in rows: what stands before the first row's text, and the rows' texts.
pub(crate) struct Rows {
    /// Columns before every row.
    pub(crate) indent: usize,
    pub(crate) label: String,
    pub(crate) texts: Vec<String>,
}

impl Entry {
    /// What stands before its text.
    pub(crate) fn label(&self) -> String {
        match &self.voice {
            Voice::Member { label, .. } => format!("{label}: "),
            Voice::Program(_) => "* ".to_owned(),
        }
    }

    pub(crate) fn rows(&self, columns: usize) -> Rows {
        rows(&self.label(), &self.text, columns)
    }
}

/// A text behind its label, in rows of so many columns.
pub(crate) fn rows(label: &str, text: &str, columns: usize) -> Rows {
    let indent = if columns < NARROW { 0 } else { INDENT };
    let columns = columns.saturating_sub(indent).max(1);
    // A long name leaves some of the row to what its owner says.
    let most = columns.saturating_mul(2) / 3;
    let label = match text::width(label) > most && label.ends_with(": ") {
        true => {
            let name = label.trim_end_matches(": ");
            format!("{}: ", text::cut(name, most.saturating_sub(2).max(4)))
        }
        false => label.to_owned(),
    };
    let texts = text::wrapped(text, columns, text::width(&label));
    Rows { indent, label, texts }
}

/// All lines that are kept.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    next: u64,
    gone: u64,
}

impl Log {
    pub(crate) fn push(&mut self, time_us: u64, voice: Voice, text: String) {
        let entry = Entry { number: self.next, time_us, voice, text };
        self.next = self.next.saturating_add(1);
        self.bytes = self.bytes.saturating_add(weight(&entry));
        self.entries.push_back(entry);
        if self.entries.len() > MOST_LINES || self.bytes > MOST_BYTES {
            self.make_room();
        }
    }

    /// Takes away the oldest lines; a line in their place counts them.
    fn make_room(&mut self) {
        let has_note = self.gone > 0;
        let mut note = has_note.then(|| self.pop()).flatten();
        // One more than is needed: the room of the note.
        while self.entries.len() >= MOST_LINES || self.bytes > MOST_BYTES {
            let Some(entry) = self.pop() else { break };
            self.gone = self.gone.saturating_add(1);
            note = Some(entry);
        }
        if let Some(Entry { number, time_us, .. }) = note {
            let text = format!("{} older lines are not kept any more", self.gone);
            let note = Entry { number, time_us, voice: Voice::Program(Tone::Plain), text };
            self.bytes = self.bytes.saturating_add(weight(&note));
            self.entries.push_front(note);
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes = self.bytes.saturating_sub(weight(&entry));
        Some(entry)
    }

    /// The number that the next line will have.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The line of that number, the oldest one in place of those that are gone.
    pub(crate) fn at(&self, number: u64) -> Option<&Entry> {
        let first = self.entries.front()?.number;
        let at = usize::try_from(number.saturating_sub(first)).ok()?;
        self.entries.get(at)
    }

    pub(crate) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(crate) fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    /// The lines from that number on.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        let first = self.entries.front().map_or(0, |entry| entry.number);
        let at = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(at)
    }

    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.entries.iter().map(|entry| format!("{}{}", entry.label(), entry.text)).collect()
    }
}

fn weight(entry: &Entry) -> usize {
    let label = match &entry.voice {
        Voice::Member { label, .. } => label.len(),
        Voice::Program(_) => 0,
    };
    size_of::<Entry>().saturating_add(entry.text.len()).saturating_add(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(lines: usize, text: &str) -> Log {
        let mut log = Log::default();
        for number in 0..lines {
            log.push(0, Voice::Program(Tone::Plain), format!("{text}{number}"));
        }
        log
    }

    #[test]
    fn old_lines_go_and_are_counted() {
        let log = filled(MOST_LINES + 10, "");
        let first = log.first().unwrap();
        assert_eq!(first.text, "11 older lines are not kept any more");
        assert_eq!(log.entries.len(), MOST_LINES);
        assert_eq!(log.at(first.number + 1).unwrap().text, "11");
        assert_eq!(log.at(3).unwrap().number, first.number, "the note stands for what is gone");
        let numbers: Vec<u64> = log.entries.iter().map(|entry| entry.number).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        assert_eq!(log.last().unwrap().number + 1, log.next());
    }

    #[test]
    fn long_lines_push_out_more() {
        let log = filled(1000, &"x".repeat(16 << 10));
        assert!(log.bytes <= MOST_BYTES + 1000, "{}", log.bytes);
        let sum: usize = log.entries.iter().map(weight).sum();
        assert_eq!(sum, log.bytes);
        assert!(log.first().unwrap().text.contains("older lines"));
    }

    #[test]
    fn names_leave_room_to_speak() {
        let rows = rows(&format!("{}: ", "x".repeat(64)), "hello", 20);
        assert_eq!((rows.label.as_str(), rows.indent), ("xxxxxxxxxx…: ", 0));
        assert_eq!(rows.texts, ["hello"]);
    }
}
