//! Text as a terminal shows it: cleaned of what others may have put into it, and measured in columns.
//!
//! What a peer writes is hostile until it has been here: an escape sequence would command the
//! terminal, a mark of direction would turn other words round, a thousand combining marks on one
//! letter would run over the lines beside it.

use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The most bytes of one message that are shown; the rest is counted. What a person writes is far
/// shorter.
pub(crate) const LONGEST_SHOWN: usize = 16 << 10;
/// The most line ends of one message that begin a line; others are shown as a sign, so that nobody
/// pushes what others said off the screen.
const MOST_LINES: usize = 24;
/// The most code points of one character: families of emoji have seven, and joiners; Vietnamese
/// letters have three.
const LONGEST_CHARACTER: usize = 16;
/// The mark of a line end that begins no line.
pub(crate) const LINE_END: char = '⏎';

/// A message's bytes as text that is harmless in a terminal; its only control character is the line
/// end.
pub(crate) fn message(body: &[u8]) -> String {
    let (shown, rest) = body.split_at_checked(LONGEST_SHOWN).unwrap_or((body, &[]));
    let mut lines = 0;
    let mut text = cleaned(&String::from_utf8_lossy(shown), |text| {
        lines += 1;
        text.push(if lines < MOST_LINES { '\n' } else { LINE_END });
    });
    if !rest.is_empty() {
        text.push_str(&format!(" [… and {} bytes more]", rest.len()));
    }
    text
}

/// Text of one line.
pub(crate) fn line(text: &str) -> String {
    cleaned(text, |text| text.push(LINE_END))
}

/// A name as it can stand before a colon.
pub(crate) fn name(text: &str) -> String {
    let name = line(text).trim().replace(':', "\\:");
    match name.chars().next() {
        None => "\\".to_owned(),
        // The mark of the program's own lines.
        Some('*') => format!("\\{name}"),
        Some(_) => name,
    }
}

fn cleaned(text: &str, mut line_end: impl FnMut(&mut String)) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.graphemes(true) {
        if matches!(character, "\n" | "\r\n") {
            line_end(&mut clean);
            continue;
        }
        let mut points = character.chars();
        for point in points.by_ref().take(LONGEST_CHARACTER) {
            match point {
                '\t' => clean.push_str("    "),
                point if is_harmless(point) => clean.push(point),
                point => clean.extend(point.escape_unicode()),
            }
        }
        if points.next().is_some() {
            clean.push('…');
        }
    }
    clean
}

/// Whether a code point does nothing but show itself or what it stands beside.
fn is_harmless(point: char) -> bool {
    !(point.is_control()
        || matches!(point,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' // unseen, or turn the direction
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers
            | '\u{200b}' | '\u{200e}' | '\u{200f}' // the joiners between them are parts of emoji
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'))
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text, in at most so many columns; a cut one ends with `…`.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut room = columns.saturating_sub(1);
    for character in text.graphemes(true) {
        match room.checked_sub(width(character)) {
            Some(rest) => room = rest,
            None => break,
        }
        kept.push_str(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// A text in rows of at most so many columns (at least one), broken between words where that is
/// possible; the first row begins behind `taken` columns.
pub(crate) fn wrapped(text: &str, columns: usize, taken: usize) -> Vec<String> {
    let mut rows = Rows::new(columns.max(1), taken);
    for (number, paragraph) in text.split('\n').enumerate() {
        if number > 0 {
            rows.end();
        }
        paragraph.split_word_bounds().for_each(|word| rows.word(word));
    }
    rows.end();
    rows.done
}

struct Rows {
    done: Vec<String>,
    row: String,
    columns: usize,
    /// What the present row has taken.
    taken: usize,
}

impl Rows {
    fn new(columns: usize, taken: usize) -> Self {
        Self { done: Vec::new(), row: String::new(), columns, taken }
    }

    fn word(&mut self, word: &str) {
        let (wide, free) = (width(word), self.columns.saturating_sub(self.taken));
        if wide > free && word.chars().all(char::is_whitespace) {
            // The end of a row stands for it.
            self.end();
        } else if wide <= free || (self.taken == 0 && wide <= self.columns) {
            self.push(word, wide);
        } else if wide <= self.columns {
            self.end();
            self.push(word, wide);
        } else {
            word.graphemes(true).for_each(|character| self.character(character));
        }
    }

    fn character(&mut self, character: &str) {
        let wide = width(character);
        if self.taken.saturating_add(wide) > self.columns && self.taken > 0 {
            self.end();
        }
        self.push(character, wide);
    }

    fn push(&mut self, text: &str, wide: usize) {
        self.row.push_str(text);
        self.taken = self.taken.saturating_add(wide);
    }

    fn end(&mut self) {
        self.done.push(std::mem::take(&mut self.row));
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_write_commands_the_terminal() {
        let bad = b"a\x1b[2J\x07\xff\x9b\r\nb\tc \xe2\x80\xae d";
        assert_eq!(message(bad), "a\\u{1b}[2J\\u{7}\u{fffd}\u{fffd}\nb    c \\u{202e} d");
        for point in '\0'..='\u{10ffff}' {
            let text = message(point.to_string().as_bytes());
            let bad = text.chars().any(|point| point != '\n' && !is_harmless(point));
            assert!(!bad, "{point:?}");
        }
    }

    #[test]
    fn a_letter_carries_a_few_marks() {
        let tower = format!("a{}b", "\u{301}".repeat(500));
        assert_eq!(message(tower.as_bytes()).chars().count(), 2 + LONGEST_CHARACTER);
        let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
        assert_eq!((message(family.as_bytes()).as_str(), width(family)), (family, 2));
    }

    #[test]
    fn a_message_has_an_end_and_few_lines() {
        let long = message(&vec![b'x'; LONGEST_SHOWN + 7]);
        assert!(long.ends_with("x [… and 7 bytes more]"), "{}", &long[long.len() - 40..]);
        let lines = message(&[b'\n'; 1000]);
        assert_eq!(lines.matches('\n').count(), MOST_LINES - 1);
        assert_eq!(lines.chars().count(), 1000);
    }

    #[test]
    fn names_cannot_end_themselves() {
        assert_eq!(name("bob: hi\n"), "bob\\: hi⏎");
        assert_eq!(name("* alice has left"), "\\* alice has left");
        assert_eq!(name("  "), "\\");
    }

    #[test]
    fn rows_break_between_words_and_count_columns() {
        assert_eq!(wrapped("one two three", 7, 0), ["one two", "three"]);
        assert_eq!(wrapped("one two", 7, 4), ["one", "two"]);
        assert_eq!(wrapped("abcdefghij", 4, 0), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("日本語のテキスト", 5, 0).concat(), "日本語のテキスト");
        assert!(wrapped("日本語のテキスト", 5, 0).iter().all(|row| width(row) <= 5));
        assert_eq!(wrapped("a\n\nb", 5, 0), ["a", "", "b"]);
        assert_eq!(wrapped("", 5, 0), [""]);
        // Nothing fits, and still there is an end.
        assert_eq!(wrapped("日本", 1, 0), ["日", "本"]);
        assert_eq!(wrapped("日", 0, 9), ["", "日"]);
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("alice", 5), "alice");
        assert_eq!(cut("alice", 4), "ali…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("alice", 0), "");
    }
}
