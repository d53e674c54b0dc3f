//! The suites that every module must pass, one for each kind. Authors of modules run the same.
//!
//! A suite returns what it found: a [`Summary`] of the rules that were kept, or [`Failures`] with
//! every broken rule in words.

mod agreement;
mod cipher;
mod outcome;
mod policy;

pub use agreement::{
    Combined, CostRow, Effort, Feeder, Inspect, Overheard, byte_strings, combined, cost_table,
    feed_decoders, key_agreement_suite, key_agreement_suite_with, replayed,
};
pub use cipher::{CipherVector, cipher_suite, cipher_suite_with};
pub use outcome::{Failure, Failures, Rule, Summary};
pub use policy::{PolicyCase, policy_suite, policy_suite_with};
