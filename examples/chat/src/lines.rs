//! The chat as lines: for pipes, logs and screen readers.

use crate::clock::Clock;
use crate::input::LONGEST;
use crate::log::Entry;
use crate::model::{Chat, Happening};
use crate::text::LINE_END;
use futures::SinkExt;
use futures::channel::mpsc;
use std::io::{self, BufRead, BufReader, Read, Write};

/// Writes each line of the log once.
#[derive(Debug)]
pub(crate) struct Lines<W> {
    out: W,
    clock: Clock,
    next: u64,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(out: W, clock: Clock) -> Self {
        Self { out, clock, next: 0 }
    }

    /// Writes what is new. A reader that is too slow makes the chat wait, and the group with it.
    pub(crate) fn show(&mut self, chat: &Chat) -> io::Result<()> {
        let mut written = false;
        for entry in chat.log.since(self.next) {
            writeln!(self.out, "{}", shown(entry, &self.clock))?;
            written = true;
        }
        self.next = chat.log.next();
        if written { self.out.flush() } else { Ok(()) }
    }
}

fn shown(entry: &Entry, clock: &Clock) -> String {
    // One line an entry: nobody else's words begin one.
    let text = entry.text.replace('\n', &format!("{LINE_END} "));
    format!("{} {}{text}", clock.time(entry.time_us), entry.label())
}

/// Reads `source` on a thread of its own, which ends with it or with the process. It waits while
/// nobody takes what it has read.
pub(crate) fn start(source: impl Read + Send + 'static) -> io::Result<mpsc::Receiver<Happening>> {
    let (mut sender, receiver) = mpsc::channel(0);
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        let mut source = BufReader::new(source);
        loop {
            let happening = next(&mut source);
            let ends = matches!(happening, Happening::EndOfInput);
            if futures::executor::block_on(sender.send(happening)).is_err() || ends {
                return;
            }
        }
    })?;
    Ok(receiver)
}

fn next(source: &mut impl BufRead) -> Happening {
    let mut line = Vec::new();
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(2);
    match source.by_ref().take(most).read_until(b'\n', &mut line) {
        Ok(1..) => {}
        // What cannot be read any more has ended.
        Ok(0) | Err(_) => return Happening::EndOfInput,
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() > LONGEST && source.skip_until(b'\n').is_err() {
        return Happening::EndOfInput;
    }
    if line.len() > LONGEST {
        return Happening::BadLine(format!("not sent: a line has at most {LONGEST} bytes"));
    }
    match String::from_utf8(line) {
        Ok(line) => Happening::Line(line),
        Err(_) => Happening::BadLine("not sent: a line is UTF-8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[test]
    fn lines_are_bounded_and_a_bad_one_harms_no_other() {
        let text =
            [b"a\r\n\xff\n".as_slice(), &vec![b'x'; 3 * LONGEST], b"\n", &[b'y'; LONGEST]].concat();
        let lines = start(io::Cursor::new(text)).unwrap();
        let lines: Vec<Happening> = futures::executor::block_on(lines.collect());
        let shown: Vec<String> =
            lines.iter().map(|line| format!("{line:?}").chars().take(40).collect()).collect();
        assert_eq!(shown[0], "Line(\"a\")");
        assert!(shown[1].contains("UTF-8") && shown[2].contains("at most"), "{shown:?}");
        assert!(shown[3].starts_with("Line(\"yyy") && shown[4] == "EndOfInput", "{shown:?}");
        assert_eq!(lines.len(), 5);
    }
}
