//! Where a command writes, and whether colours help there.

use std::io::{self, IsTerminal, Write};

/// The widest line of running text.
pub(crate) const WIDTH: usize = 96;

/// How a piece of text stands out on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Heading,
    Good,
    Bad,
}

/// Standard output, or whatever a test puts in its place.
pub(crate) struct Screen<'a> {
    out: Box<dyn Write + 'a>,
    colours: bool,
}

impl<'a> Screen<'a> {
    /// A screen that writes to `out`.
    pub(crate) fn new(out: impl Write + 'a, colours: bool) -> Self {
        Self { out: Box::new(out), colours }
    }

    /// `text` as it shows in that style.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Heading => "1",
            Style::Good => "32",
            Style::Bad => "1;31",
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Writes `text` in lines of up to [`WIDTH`] characters, each behind `indent`.
    pub(crate) fn paragraph(&mut self, indent: &str, text: &str) -> io::Result<()> {
        self.item(indent, indent, text)
    }

    /// Writes `text` like [`Self::paragraph`], the first line behind `first`, the others behind
    /// `rest`.
    pub(crate) fn item(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        let mut line = String::from(first);
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            line.push_str(word);
            match words.peek() {
                Some(next) if line.chars().count() + 1 + next.chars().count() <= WIDTH => {
                    line.push(' ');
                }
                _ => writeln!(self, "{}", std::mem::replace(&mut line, String::from(rest)))?,
            }
        }
        Ok(())
    }

    /// Whether colours are shown.
    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }
}

impl Screen<'static> {
    /// Standard output, in colours on a terminal that has them, unless `NO_COLOR` is set
    /// (no-color.org).
    pub(crate) fn standard_output() -> Self {
        let out = io::stdout();
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = out.is_terminal() && !unwanted && !dumb;
        // Not locked: members of benchmarks say what they see from tasks.
        Self::new(out, colours)
    }
}

impl Write for Screen<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_break_between_words() {
        let mut out = Vec::new();
        let words = vec!["word"; 40].join(" ");
        Screen::new(&mut out, false).item("- ", "  ", &words).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(text.matches("word").count(), 40);
        assert!(text.lines().skip(1).all(|line| line.starts_with("  word")));
    }

    #[test]
    fn without_colours_nothing_is_added() {
        let plain = Screen::new(io::sink(), false);
        assert_eq!(plain.paint(Style::Bad, "no"), "no");
        let coloured = Screen::new(io::sink(), true);
        assert_eq!(coloured.paint(Style::Good, "yes"), "\x1b[32myes\x1b[0m");
    }
}
