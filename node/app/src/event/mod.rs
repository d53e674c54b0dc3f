//! Events and commands as JSON: what `run --json` writes and reads, one object a line.
//!
//! The names are a contract with scripts and with the oracle; the simulator's
//! traces use the same.

mod command;
mod label;
mod line;

pub use command::{BadLine, Command, Manner, Request};
pub use label::Label;
pub use line::{Body, Content, Line, NetworkStatus, PeerStatus, StatusBody, StatusGroup};
