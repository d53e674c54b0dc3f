//! Lines from standard input, one batch for each time they are asked for.
//!
//! Standard input blocks, so a thread reads it; it reads only when asked, so that events are written
//! before the next input is read.

use futures::StreamExt;
use futures::channel::mpsc;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, ready};

/// The longest line: the largest message that the engine takes, 64 MiB, in base64.
pub(super) const LONGEST_LINE: usize = 96 << 20;
/// The most lines of a batch: complete lines that are there already.
const MOST_LINES: usize = 1024;
/// What is read at once.
const BUFFER: usize = 64 << 10;

/// What the input gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Line(String),
    TooLong,
    NotUtf8,
    /// The end, or what reading failed with.
    End(Option<String>),
}

/// The input of a command.
#[derive(Debug)]
pub(super) struct Input {
    wanted: SyncSender<()>,
    asked: bool,
    batches: mpsc::Receiver<Vec<Taken>>,
    lines: VecDeque<Taken>,
    ended: bool,
}

impl Input {
    /// Reads `source` on a thread of its own, which ends with the source or with the process.
    pub(super) fn start(source: impl Read + Send + 'static) -> io::Result<Self> {
        let (wanted, wants) = sync_channel(1);
        let (batches_in, batches) = mpsc::channel(1);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || serve(BufReader::with_capacity(BUFFER, source), &wants, batches_in))?;
        Ok(Self { wanted, asked: false, batches, lines: VecDeque::new(), ended: false })
    }

    /// The next line; `End` once, and nothing after it.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Taken> {
        loop {
            if let Some(taken) = self.lines.pop_front() {
                self.ended |= matches!(taken, Taken::End(_));
                return Poll::Ready(taken);
            }
            if self.ended {
                return Poll::Pending;
            }
            if !self.asked {
                // Only one question is open, and there is room for it.
                self.asked = self.wanted.try_send(()).is_ok();
            }
            let batch = ready!(self.batches.poll_next_unpin(cx));
            self.asked = false;
            self.lines.extend(batch.unwrap_or_else(|| vec![Taken::End(None)]));
        }
    }
}

fn serve(
    mut source: BufReader<impl Read>,
    wants: &Receiver<()>,
    mut batches: mpsc::Sender<Vec<Taken>>,
) {
    while wants.recv().is_ok() {
        let mut batch = vec![next(&mut source, LONGEST_LINE)];
        while batch.len() < MOST_LINES
            && !matches!(batch.last(), Some(Taken::End(_)))
            && source.buffer().contains(&b'\n')
        {
            batch.push(next(&mut source, LONGEST_LINE));
        }
        let ends = matches!(batch.last(), Some(Taken::End(_)));
        if batches.try_send(batch).is_err() || ends {
            return;
        }
    }
}

/// The next line without its end.
fn next(source: &mut impl BufRead, longest: usize) -> Taken {
    let mut line = Vec::new();
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    match source.by_ref().take(most).read_until(b'\n', &mut line) {
        Ok(0) => return Taken::End(None),
        Ok(_) => {}
        Err(error) => return Taken::End(Some(error.to_string())),
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > longest {
        return match skip(source) {
            Ok(()) => Taken::TooLong,
            Err(error) => Taken::End(Some(error.to_string())),
        };
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_or(Taken::NotUtf8, Taken::Line)
}

/// Passes over the rest of a line.
fn skip(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = source.fill_buf()?;
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                source.consume(at.saturating_add(1));
                return Ok(());
            }
            None if buffer.is_empty() => return Ok(()),
            None => {
                let all = buffer.len();
                source.consume(all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], longest: usize) -> Vec<Taken> {
        let mut source = BufReader::with_capacity(4, text);
        let mut taken = Vec::new();
        while !matches!(taken.last(), Some(Taken::End(_))) {
            taken.push(next(&mut source, longest));
        }
        taken
    }

    fn line(text: &str) -> Taken {
        Taken::Line(text.to_owned())
    }

    #[test]
    fn lines_are_bounded_and_a_bad_one_harms_no_other() {
        let taken = all(b"ab\n\nabcdefghij\nabcde\r\n\xff\nend", 6);
        let want = vec![
            line("ab"),
            line(""),
            Taken::TooLong,
            line("abcde"),
            Taken::NotUtf8,
            line("end"),
            Taken::End(None),
        ];
        assert_eq!(taken, want);
        assert_eq!(all(b"0123456789", 6), [Taken::TooLong, Taken::End(None)]);
    }

    #[test]
    fn all_lines_come_and_the_end_once() {
        let text: String = (0..3000).map(|number| format!("{number}\n")).collect();
        let mut input = Input::start(io::Cursor::new(text)).unwrap();
        let lines = futures::executor::block_on(async {
            let mut lines = 0;
            loop {
                match std::future::poll_fn(|cx| input.poll_next(cx)).await {
                    Taken::Line(text) => {
                        assert_eq!(text, lines.to_string());
                        lines += 1;
                    }
                    other => {
                        assert_eq!(other, Taken::End(None));
                        return lines;
                    }
                }
            }
        });
        assert_eq!(lines, 3000);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(input.poll_next(&mut cx).is_pending());
    }
}
