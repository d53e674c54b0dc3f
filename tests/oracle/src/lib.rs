//! The oracle: reads a trace of a run, one JSON object a line, and says which properties of group
//! communication it breaks. It knows nothing of the engine; a trace may come from the simulator, a
//! model, or real processes.
//!
//! ```text
//!  lines ──parse──▶ recorder ──▶ history ──sort──▶ streams, companies ──▶ properties ──▶ report
//!        (line.rs)              (tables)          (who owes what to whom)  (one file each)
//! ```
//!
//! # What is read
//!
//! Each line has `time_us`, `member`, `event` and, but for `start` and some `crash` lines, `group`.
//! A member in a group is what the paper calls a process. Only the order of the lines of *one*
//! member counts: traces of several processes may simply be put one behind the other, and a `crash`
//! line, which somebody else writes, may stand anywhere. Therefore nothing is judged before
//! [`Oracle::finish`]. A first `view` without a `join` counts as a join.
//!
//! Messages belong to a *period*: a view in a VS group, a configuration in an EVS group (named by
//! the view lines' `configuration`; without it each view is a configuration of its own). Where the
//! paper says *view* of something that concerns messages, it is read as *period*; what it says of
//! views themselves (1, 2, 7) holds in both kinds of groups, view by view. The transitional signal
//! is the period's.
//!
//! # What is demanded
//!
//! One property a file, in `properties`; each begins with the paper's words and says how they are
//! read. In general:
//!
//! - *Reliable multicasts* (`fifo`, `causal`, `agreed`, `safe`) owe everything. `unreliable` owes
//!   No Duplication, Delivery Integrity and Sending View Delivery; `unicast` owes these, reaches
//!   none but its addressee, and is FIFO between two processes within a period.
//! - "Unless it crashes": whoever crashed or left owes nothing in the period in which that happened.
//!   What a process owed in a period it owes once it has installed the next one, even if it crashed
//!   later.
//! - A period that is still open at the end of the trace is judged for what was done there (order,
//!   duplicates…), and for what is missing there only if [`Options::settled`] says so.
//!
//! ```
//! use cenacle_oracle::{Options, Property, check};
//!
//! let trace = r#"
//! {"time_us":0,"member":"a.1","group":"g","event":"view","view":"1","order":[1,0],"members":["b.1"],"transitional":["a.1"]}
//! "#;
//! let report = check(trace.as_bytes(), Options::default())?;
//! assert!(report.broken().contains(&Property::SelfInclusion));
//! # Ok::<(), cenacle_oracle::CheckError>(())
//! ```

mod history;
mod line;
mod options;
mod oracle;
mod properties;
mod recorder;
mod report;
mod streams;
mod table;

pub use line::Semantics;
pub use options::Options;
pub use oracle::{BadLine, CheckError, Oracle, check};
pub use report::{Property, Report, Violation};
