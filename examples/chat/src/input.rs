//! The line that is being written: a cursor between characters, and what was written before.

use crate::text;
use std::collections::VecDeque;
use unicode_segmentation::UnicodeSegmentation;

/// The most bytes of a line. A message may be larger; what a person writes or pastes is not, and a
/// line that cannot be overlooked is sent by mistake.
pub(crate) const LONGEST: usize = 8 << 10;
/// So many lines are remembered.
const REMEMBERED: usize = 100;

/// A line under the writer's hands.
#[derive(Debug, Default)]
pub(crate) struct Input {
    text: String,
    /// The byte before which the next character is put; between two characters.
    cursor: usize,
    /// Written before, the latest last.
    past: VecDeque<String>,
    /// Which of these is shown, counted from the latest; and what was being written.
    recalled: Option<(usize, String)>,
}

impl Input {
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What stands before the cursor, and behind it.
    pub(crate) fn halves(&self) -> (&str, &str) {
        self.text.split_at_checked(self.cursor).unwrap_or((&self.text, ""))
    }

    /// Puts in what was typed or pasted; false if there is no room for all of it, and then puts in
    /// nothing.
    pub(crate) fn insert(&mut self, more: &str) -> bool {
        // Terminals paste line ends as carriage returns.
        let more = more.replace("\r\n", "\n").replace('\r', "\n");
        if self.text.len().saturating_add(more.len()) > LONGEST {
            return false;
        }
        let (before, after) = self.halves();
        let text = format!("{before}{more}{after}");
        // A mark may join the character behind it: the cursor then stands behind both.
        let end = before.len().saturating_add(more.len());
        self.cursor = boundary_from(&text, end);
        self.text = text;
        true
    }

    /// Takes the line away, and remembers it.
    pub(crate) fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.text);
        (self.cursor, self.recalled) = (0, None);
        if !line.is_empty() && self.past.back() != Some(&line) {
            self.past.push_back(line.clone());
            if self.past.len() > REMEMBERED {
                self.past.pop_front();
            }
        }
        line
    }

    /// Puts a line back that could not be sent, unless another one is being written.
    pub(crate) fn give_back(&mut self, line: &str) {
        if self.text.is_empty() {
            self.replace(line.to_owned());
        }
    }

    pub(crate) fn left(&mut self) {
        self.cursor = self.before().grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
    }

    pub(crate) fn right(&mut self) {
        let step = self.halves().1.graphemes(true).next().map_or(0, str::len);
        self.cursor = self.cursor.saturating_add(step);
    }

    pub(crate) fn word_left(&mut self) {
        self.cursor = word_begin(self.before());
    }

    pub(crate) fn word_right(&mut self) {
        let after = self.halves().1;
        let words = after.split_word_bound_indices();
        let word = words.into_iter().find(|(_, word)| !word.trim().is_empty());
        self.cursor = match word {
            Some((at, word)) => self.cursor.saturating_add(at).saturating_add(word.len()),
            None => self.text.len(),
        };
    }

    pub(crate) fn begin(&mut self) {
        self.cursor = 0;
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.text.len();
    }

    pub(crate) fn delete_before(&mut self) {
        let end = self.cursor;
        self.left();
        self.remove(self.cursor, end);
    }

    pub(crate) fn delete_after(&mut self) {
        let begin = self.cursor;
        self.right();
        self.remove(begin, self.cursor);
    }

    pub(crate) fn delete_word(&mut self) {
        let end = self.cursor;
        self.word_left();
        self.remove(self.cursor, end);
    }

    pub(crate) fn delete_to_begin(&mut self) {
        self.remove(0, self.cursor);
    }

    pub(crate) fn delete_to_end(&mut self) {
        self.remove(self.cursor, self.text.len());
    }

    /// The line before the one that is shown.
    pub(crate) fn older(&mut self) {
        let (at, draft) = match self.recalled.take() {
            Some((at, draft)) => (at.saturating_add(1), draft),
            None => (0, self.text.clone()),
        };
        let line = self.past.iter().rev().nth(at).cloned();
        match line {
            Some(line) => {
                self.replace(line);
                self.recalled = Some((at, draft));
            }
            None => self.recalled = at.checked_sub(1).map(|at| (at, draft)),
        }
    }

    /// The line after the one that is shown; behind the latest, what was being written.
    pub(crate) fn newer(&mut self) {
        let Some((at, draft)) = self.recalled.take() else { return };
        match at.checked_sub(1) {
            None => self.replace(draft),
            Some(at) => {
                self.replace(self.past.iter().rev().nth(at).cloned().unwrap_or_default());
                self.recalled = Some((at, draft));
            }
        }
    }

    /// The line as it shows in so many columns, and the cursor's column in it: around the cursor
    /// where all of it does not fit.
    pub(crate) fn shown(&self, columns: usize) -> (String, usize) {
        let (before, after) = self.halves();
        let (before, after) = (text::line(before), text::line(after));
        // The cursor stands behind the last character, in a column of its own.
        let room = columns.saturating_sub(1);
        let mut kept = Vec::new();
        let mut column: usize = 0;
        for character in before.graphemes(true).rev() {
            let wide = column.saturating_add(text::width(character));
            if wide > room {
                break;
            }
            column = wide;
            kept.push(character);
        }
        let mut shown: String = kept.into_iter().rev().collect();
        let mut taken = column;
        for character in after.graphemes(true) {
            taken = taken.saturating_add(text::width(character));
            if taken > columns {
                break;
            }
            shown.push_str(character);
        }
        (shown, column)
    }

    fn before(&self) -> &str {
        self.halves().0
    }

    fn replace(&mut self, line: String) {
        self.cursor = line.len();
        self.text = line;
    }

    fn remove(&mut self, from: usize, to: usize) {
        let (before, after) = (self.text.get(..from), self.text.get(to..));
        if let (Some(before), Some(after)) = (before, after) {
            self.text = format!("{before}{after}");
            // What stood apart may be one character now.
            self.cursor = boundary_from(&self.text, from);
        }
    }
}

/// The first place between two characters that is not before `at`.
fn boundary_from(text: &str, at: usize) -> usize {
    let places = text.grapheme_indices(true).map(|(place, _)| place);
    places.chain([text.len()]).find(|place| *place >= at).unwrap_or(text.len())
}

/// Where the last word of a text begins.
fn word_begin(text: &str) -> usize {
    let mut words = text.split_word_bound_indices().rev();
    words.find(|(_, word)| !word.trim().is_empty()).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Input {
        let mut input = Input::default();
        assert!(input.insert(text));
        input
    }

    #[test]
    fn the_cursor_moves_by_characters() {
        let mut input = with("ae\u{301}日");
        input.left();
        input.left();
        assert_eq!(input.halves(), ("a", "e\u{301}日"));
        input.delete_after();
        assert_eq!(input.halves(), ("a", "日"));
        input.right();
        input.right();
        input.delete_before();
        assert_eq!(input.text(), "a");
        input.delete_before();
        input.delete_before();
        assert_eq!((input.text(), input.halves()), ("", ("", "")));
    }

    #[test]
    fn words_are_passed_and_deleted() {
        let mut input = with("one two  three");
        input.word_left();
        input.word_left();
        assert_eq!(input.halves(), ("one ", "two  three"));
        input.word_right();
        assert_eq!(input.halves(), ("one two", "  three"));
        input.delete_word();
        assert_eq!(input.halves(), ("one ", "  three"));
        input.delete_to_end();
        input.delete_to_begin();
        assert!(input.is_empty());
    }

    #[test]
    fn what_was_written_comes_back() {
        let mut input = with("one");
        assert_eq!(input.take(), "one");
        input.insert("two");
        input.take();
        input.insert("draft");
        input.older();
        assert_eq!(input.text(), "two");
        input.older();
        input.older();
        assert_eq!(input.text(), "one");
        input.newer();
        input.newer();
        input.newer();
        assert_eq!(input.text(), "draft");
        for number in 0..2 * REMEMBERED {
            input.insert(&number.to_string());
            input.take();
        }
        assert_eq!(input.past.len(), REMEMBERED);
    }

    #[test]
    fn a_line_has_an_end_and_a_paste_is_whole_or_not_at_all() {
        let mut input = with(&"x".repeat(LONGEST - 2));
        assert!(!input.insert("abc"));
        assert!(input.insert("a\r"));
        assert!(input.text().ends_with("xa\n"));
        assert!(!input.insert("b"));
    }

    #[test]
    fn what_does_not_fit_is_shown_around_the_cursor() {
        let mut input = with("abcdefgh");
        assert_eq!(input.shown(20), ("abcdefgh".to_owned(), 8));
        assert_eq!(input.shown(5), ("efgh".to_owned(), 4));
        input.begin();
        assert_eq!(input.shown(5), ("abcde".to_owned(), 0));
        assert_eq!(input.shown(0), (String::new(), 0));
        let wide = with("日本\n\u{1b}");
        assert_eq!(wide.shown(9), ("⏎\\u{1b}".to_owned(), 7));
    }

    #[test]
    fn marks_join_what_they_are_put_beside() {
        let mut input = with("e");
        input.insert("\u{301}");
        input.left();
        assert_eq!(input.halves().0, "");
        input.insert("👨\u{200d}");
        input.insert("👩");
        assert!(input.text().is_char_boundary(input.cursor));
    }
}
