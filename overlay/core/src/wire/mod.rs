//! Frames and their codec.

pub(crate) mod control;
