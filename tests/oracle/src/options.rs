//! What the caller knows about a run.

use std::collections::BTreeMap;

use crate::line::Semantics;

/// What the caller knows about a run, and how much of the report to keep.
#[derive(Clone, Debug)]
pub struct Options {
    /// The run ended quiescent: faults had ceased, nobody sent, and there was time enough. Views
    /// that are open at the end of the trace are judged too, and the groups must have settled.
    pub settled: bool,
    /// The semantics of groups, by name. Needed only where joins do not tell: a join line's
    /// `semantics` is enough, and without either a group is VS.
    pub semantics: BTreeMap<String, Semantics>,
    /// How many violations of each property the report explains; the others are counted.
    pub explained: usize,
    /// The longest line that is read, in bytes. The default has room for a message of the largest
    /// size that the engine takes (64 MiB) in base64.
    pub longest_line: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settled: false,
            semantics: BTreeMap::new(),
            explained: 10,
            longest_line: 96 * 1024 * 1024,
        }
    }
}
