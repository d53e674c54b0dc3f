//! The envelope through its public interface; signatures with torsion components are made by hand
//! from the documented layout.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may stop, and choose small numbers"
)]

mod batch;
mod common;
mod context;
mod frame;
mod garbage;
mod numbers;
mod refusals;
mod ring;
mod torsion;
