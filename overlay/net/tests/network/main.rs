//! Networks in one process over loopback, and a process that is killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test that fails says so by panicking"
)]

mod admission;
mod carriage;
mod discovery;
mod gossip;
mod harness;
mod hostile;
mod lives;
