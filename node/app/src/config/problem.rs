//! What is wrong with a configuration: where, which key, and a way out; everything at once.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most problems that are told: who has more has given the wrong file.
const MAX_PROBLEMS: usize = 100;

/// The most characters of a value or an unknown key that a problem repeats.
const MAX_SHOWN: usize = 64;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Place {
    /// A file, and the line and column in it, both from 1, where one can be told.
    File {
        /// As it was named.
        file: String,
        /// The line.
        line: Option<usize>,
        /// The character in the line.
        column: Option<usize>,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        variable: String,
    },
    /// `--set` on the command line.
    Flag {
        /// The flag, and the key that it sets.
        flag: String,
    },
    /// [`super::Builder`].
    Code {},
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line), column: Some(column) } => {
                write!(f, "{file}:{line}:{column}")
            }
            Self::File { file, line: Some(line), .. } => write!(f, "{file}:{line}"),
            Self::File { file, .. } => f.write_str(file),
            Self::Variable { variable } => f.write_str(variable),
            Self::Flag { flag } => f.write_str(flag),
            Self::Code {} => f.write_str("configuration"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Where; JSON has its fields beside the others.
    #[serde(flatten)]
    pub place: Place,
    /// The key, such as `node.listen[1]`; none where the problem is not one of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub way_out: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}; {}", self.problem, self.way_out)
    }
}

/// Everything that is wrong with a configuration, at least one thing, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    /// How many more there are than are listed.
    untold: usize,
}

impl Problems {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many there are, those that are not listed among them.
    pub fn count(&self) -> usize {
        self.list.len().saturating_add(self.untold)
    }

    /// The first in one sentence, and how many more there are.
    pub fn in_a_sentence(&self) -> String {
        match (self.list.first(), self.count().saturating_sub(1)) {
            (None, _) => "the configuration cannot be used".to_owned(),
            (Some(first), 0) => first.to_string(),
            (Some(first), 1) => format!("{first} (and one more problem: see `cenacle check`)"),
            (Some(first), more) => {
                format!("{first} (and {more} more problems: see `cenacle check`)")
            }
        }
    }

    /// One problem alone.
    pub(super) fn one(
        place: Place,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        let (problem, way_out) = (problem.into(), way_out.into());
        Self { list: vec![Problem { place, key: None, problem, way_out }], untold: 0 }
    }
}

impl fmt::Display for Problems {
    /// One to a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.list.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if self.untold > 0 {
            write!(f, "\nand {} more problems", self.untold)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where a value is, and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) shown: String,
}

/// Gathers problems while a configuration is read, and knows where its values are.
#[derive(Debug)]
pub(super) struct Report {
    /// Where what has no spot of its own is: the file as a whole.
    whole: Place,
    spots: BTreeMap<String, Spot>,
    /// The keys that have a problem: nothing is concluded from their values.
    broken: BTreeSet<String>,
    list: Vec<Problem>,
    untold: usize,
}

impl Report {
    pub(super) fn new(whole: Place) -> Self {
        Self { whole, spots: BTreeMap::new(), broken: BTreeSet::new(), list: Vec::new(), untold: 0 }
    }

    /// Says where the value of the key `path` is.
    pub(super) fn put(&mut self, path: String, place: Place, written: &str) {
        self.spots.insert(path, Spot { place, shown: shown(written) });
    }

    /// Says the same of a value that a later layer puts in the place of another, with all its items.
    pub(super) fn replace(&mut self, path: String, place: Place, written: &str) {
        let is_item = |other: &String| {
            other.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('['))
        };
        self.spots.retain(|other, _| !is_item(other));
        self.put(path, place, written);
    }

    /// The spot of `path`, or of the nearest thing that it is in.
    pub(super) fn spot(&self, path: &str) -> Option<&Spot> {
        let mut path = path;
        loop {
            if let Some(spot) = self.spots.get(path) {
                return Some(spot);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// Whether `path` itself was given, in whichever layer.
    pub(super) fn has(&self, path: &str) -> bool {
        self.spots.contains_key(path)
    }

    /// The text of the value as it was written.
    pub(super) fn written(&self, path: &str) -> Option<&str> {
        self.spots.get(path).map(|spot| spot.shown.as_str())
    }

    /// The place of `path` or of the nearest thing that it is in.
    pub(super) fn place(&self, path: &str) -> Place {
        self.spot(path).map_or(&self.whole, |spot| &spot.place).clone()
    }

    /// A problem of the key `path`.
    pub(super) fn wrong(
        &mut self,
        path: &str,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.broken.insert(path.to_owned());
        let place = self.place(path);
        self.push(place, Some(path.to_owned()), problem.into(), way_out.into());
    }

    /// A problem at a place that is no key's.
    pub(super) fn wrong_at(
        &mut self,
        place: Place,
        key: Option<String>,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.push(place, key, problem.into(), way_out.into());
    }

    /// A problem that is only counted, where no more are told; whether that is so. Spares its maker
    /// the work.
    pub(super) fn only_counts(&mut self) -> bool {
        let full = self.list.len() >= MAX_PROBLEMS;
        if full {
            self.untold = self.untold.saturating_add(1);
        }
        full
    }

    /// Whether the key, a part of its value, or something that it is in has a problem: nothing is
    /// concluded from it then.
    pub(super) fn is_broken(&self, path: &str) -> bool {
        let inside = |other: &String| {
            let rest = other.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let mut around = path;
        while let Some(outer) = around.rfind(['.', '[']).and_then(|end| around.get(..end)) {
            if self.broken.contains(outer) {
                return true;
            }
            around = outer;
        }
        self.broken.range(path.to_owned()..).take_while(|key| key.starts_with(path)).any(inside)
    }

    fn push(&mut self, place: Place, key: Option<String>, problem: String, way_out: String) {
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(Problem { place, key, problem, way_out });
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// `value` where nothing is wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Problems> {
        if self.is_empty() { Ok(value) } else { Err(self.into_problems()) }
    }

    /// What is wrong, in the order of the file.
    pub(super) fn into_problems(mut self) -> Problems {
        self.list.sort_by(|a, b| a.place.cmp(&b.place));
        Problems { list: self.list, untold: self.untold }
    }
}

/// `text` as it is printed, cut where it is long.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = printable(text.chars().take(MAX_SHOWN)).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// What is no letter, sign or space, escaped: it would be a command to a terminal, or hide
/// something in a log.
pub(super) fn printable(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    text.flat_map(|c| {
        let kept = matches!(c, '"' | '\'' | '\\').then_some(c);
        kept.into_iter().chain(kept.is_none().then(|| c.escape_debug()).into_iter().flatten())
    })
}
