//! The interface between Cenacle and its modules.
//!
//! A group chooses three modules by name: one that agrees on its key, one that seals its messages,
//! one that decides who may do what. Modules are pure: what they know of the world arrives in
//! events, time and random bytes included, and what they want done leaves as actions.
//!
//! ```text
//!                 Input: Change, Message, Sealed, Confirmed, Abort, Offer
//!  secure machine ───────────────────────────────────────────────▶ KeyAgreement
//!                 ◀───────────────────────────────────────────────
//!                 Action: Unicast, Multicast, Sealed, Install, Offer, Count
//!
//!  secure machine ──── key, nonce, header, bytes ────▶ Cipher ────▶ sealed bytes
//!  secure machine ──── question ─────────────────────▶ Policy ────▶ answer
//! ```
//!
//! An author implements [`KeyAgreementModule`] and, most easily, [`Protocol`] wrapped in
//! [`Atomic`]; or [`CipherModule`]; or [`PolicyModule`]. The feature `conformance` brings the suites
//! that every module of this project passes.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agreement;
mod cbor;
mod cipher;
mod cost;
mod descriptor;
mod error;
mod executor;
mod options;
mod policy;
mod random;
mod secret;
mod source;
mod view;
mod work;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "network")]
pub mod network;

pub use agreement::{
    Action, Atomic, Event, GroupSecret, Input, KeyAgreement, KeyAgreementModule, MAX_BODY, Order,
    Outbox, Protocol,
};
pub use cbor::{MAX_ENCODED, from_cbor, to_cbor};
pub use cipher::{Cipher, CipherKey, CipherModule, KEY_LEN, MAX_PLAINTEXT, Nonce};
pub use cost::{Apart, Bound, Costs, Expected, Occasion, Scenario};
pub use descriptor::{Descriptor, Kind, MAX_NAME, Properties};
pub use error::{Error, Family};
pub use executor::{Arithmetic, Executor, Inline, Job};
pub use options::{
    MAX_TABLE_DEPTH, OptionError, OptionSpec, OptionType, Options, Value, parse_duration,
};
pub use policy::{
    Claim, Component, History, JoinRequest, KeyUse, MAX_EVIDENCE, MAX_PROOF, Policy, PolicyModule,
    RekeyReason, TOKEN_LEN, Use, Used, Verdict,
};
pub use random::Random;
pub use secret::Secret;
pub use source::ModuleSource;
pub use view::{Class, MAX_MEMBER_ID, MAX_MEMBERS, MAX_SHARE, Member, MemberId, Share, ViewChange};
pub use work::Work;

/// "did you mean …", or the whole list: for errors that name something unknown. The time it takes
/// grows with the length of `name`: cut what comes from outside.
pub fn hint(name: &str, known: &[&str], verb: &str) -> String {
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min();
    let list = if known.is_empty() {
        format!("{verb} none")
    } else {
        format!("{verb} {}", known.join(", "))
    };
    match near {
        Some((_, candidate)) => format!("did you mean {candidate:?}? ({list})"),
        None => list,
    }
}
