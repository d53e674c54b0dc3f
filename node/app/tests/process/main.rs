//! Real processes on loopback: the built command, its event lines, and what the oracle says of them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

mod agreement;
mod bench;
mod company;
mod crowd;
mod entry;
mod figures;
mod invited;
mod large;
mod lines;
mod people;
mod reader;
