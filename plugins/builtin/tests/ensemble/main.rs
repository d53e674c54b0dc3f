//! What the conformance suites cannot know of `basic`, `binary`, `dist` and `wgl`.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod channels;
mod costs;
mod group;
mod received;
mod restarts;
mod safety;
