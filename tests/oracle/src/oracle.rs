//! The oracle as its callers see it: lines in, a verdict out.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Read};

use crate::history::History;
use crate::line::{Line, Semantics};
use crate::options::Options;
use crate::properties::judge;
use crate::recorder::Fault;
use crate::report::{Findings, Report, Sizes};

/// Reads a trace line by line and judges it at its end.
#[derive(Debug)]
pub struct Oracle {
    options: Options,
    history: History,
    lines: u64,
}

impl Oracle {
    /// An oracle that has read nothing yet.
    pub fn new(options: Options) -> Self {
        Self { options, history: History::default(), lines: 0 }
    }

    /// Takes the next line, without its end. Empty lines are skipped.
    ///
    /// # Errors
    ///
    /// A line that is no event of a trace, or contradicts what groups are. It counts as not read,
    /// and the oracle can go on.
    pub fn line(&mut self, line: &str) -> Result<(), BadLine> {
        self.lines += 1;
        if line.len() > self.options.longest_line {
            return Err(self.too_long());
        }
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let parsed = Line::parse(line).map_err(|problem| self.bad(&problem))?;
        match self.history.record(&parsed, &self.options) {
            Ok(()) => self.history.events += 1,
            Err(Fault::TooMany) => {
                return Err(self.bad("more names than can be numbered; judge the run in parts"));
            }
            Err(Fault::Semantics { group, known }) => {
                let known = match known {
                    Semantics::Vs => "vs",
                    Semantics::Evs => "evs",
                };
                return Err(self.bad(&format!(
                    "group {group} is {known} until here; let all its joins say the same, \
                     before its first view, or set `Options::semantics`"
                )));
            }
        }
        Ok(())
    }

    /// Judges what was read.
    pub fn finish(mut self) -> Report {
        let mut findings = Findings::new(self.options.explained);
        judge(&mut self.history, self.options.settled, &mut findings);
        let history = &self.history;
        findings.into_report(Sizes {
            events: history.events,
            members: history.members.len(),
            views: history.views.len(),
            messages: history.messages.len(),
            deliveries: history.deliveries(),
        })
    }

    fn too_long(&self) -> BadLine {
        let most = self.options.longest_line;
        self.bad(&format!("longer than {most} bytes; raise `Options::longest_line`"))
    }

    fn bad(&self, problem: &str) -> BadLine {
        const SHOWN: usize = 300;
        BadLine { line: self.lines, problem: problem.chars().take(SHOWN).collect() }
    }
}

/// Judges a whole trace.
///
/// # Errors
///
/// The first line that cannot be read, see [`Oracle::line`], or what reading failed with.
pub fn check(mut trace: impl BufRead, options: Options) -> Result<Report, CheckError> {
    let longest = u64::try_from(options.longest_line).unwrap_or(u64::MAX);
    let mut oracle = Oracle::new(options);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        // One byte for the end of the line, one more to notice that it is too long.
        let most = longest.saturating_add(2);
        if trace.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(oracle.finish());
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        match str::from_utf8(&bytes) {
            Ok(line) => oracle.line(line)?,
            // A line that was cut may be cut within a character.
            Err(_) if bytes.len() as u64 > longest => {
                oracle.lines += 1;
                return Err(oracle.too_long().into());
            }
            Err(_) => {
                oracle.lines += 1;
                return Err(oracle.bad("not UTF-8; write text as JSON strings").into());
            }
        }
    }
}

/// A line that is no event of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "line {} of the trace cannot be read: {}; it must be one JSON object with `time_us`, \
             `member`, `group`, `event` and the fields of that event",
            self.line, self.problem
        )
    }
}

impl Error for BadLine {}

/// Why a trace could not be judged.
#[derive(Debug)]
pub enum CheckError {
    /// A line is no event.
    Line(BadLine),
    /// Reading failed.
    Read(io::Error),
}

impl From<BadLine> for CheckError {
    fn from(line: BadLine) -> Self {
        Self::Line(line)
    }
}

impl From<io::Error> for CheckError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => line.fmt(out),
            Self::Read(error) => write!(out, "reading the trace failed: {error}"),
        }
    }
}

impl Error for CheckError {}
