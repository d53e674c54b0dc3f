//! Networks on one machine, for tests and benchmarks: every node has a network namespace of its own,
//! and what lies between them can be cut, made lossy, or slow.
//!
//! ```text
//!  Lab::new                                     Lab::delayed
//!  ┌ node 0 ┐  ┌ node 1 ┐  ┌ node 2 ┐            ┌ node 0 ┐  ┌ node 1 ┐
//!  │  eth0  │  │  eth0  │  │  eth0  │  veth      │  eth0  │  │  eth0  │  tap
//!  └───┬────┘  └───┬────┘  └───┬────┘            └───┬────┘  └───┬────┘
//!     p0          p1          p2                     └─ forwarder┘  a thread of this process
//!      └────── br0, in a namespace of its own ┘
//! ```
//!
//! Cuts and losses are rules of iptables where a frame arrives: a cut has a direction, and leaves the
//! other connections of a node alone. Needs root, `ip` and `iptables`: [`missing`] says what is not
//! there. Linux only; elsewhere the crate is empty.

#![cfg(target_os = "linux")]

mod error;
mod forwarder;
mod lab;
mod shell;

pub use error::Error;
pub use lab::{Lab, missing};
