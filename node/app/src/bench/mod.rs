//! `cenacle bench`: measurements.

mod keys;
mod rekey_study;

pub(crate) use keys::keys;
pub(crate) use rekey_study::rekey_study;
