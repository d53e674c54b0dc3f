//! Whole stacks in memory: engines, secure machines and the built-in modules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    clippy::cast_possible_truncation,
    reason = "tests may stop, and choose small numbers"
)]

mod bad;
mod bribed;
mod invited;
mod net;
mod rogue;
mod rules;
mod spy;
mod views;
