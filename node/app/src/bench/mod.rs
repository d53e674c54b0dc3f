//! `cenacle bench`: measurements.

mod keys;

pub(crate) use keys::keys;
