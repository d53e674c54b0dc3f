//! The envelope of a key agreement message: who sent it, to whom, in which run, and the signature
//! that proves it (key agreement design, section 2).
//!
//! ```text
//!                 Run ──▶ RunContext        members ──▶ KeyRing (once a view)
//!                             │                            │
//!  body ──▶ Sealer (Signer) ──┴──▶ bytes ──▶ Opener ◀──────┘
//!                                              │
//!             Received (parsed) ─▶ Admitted (this run, a member, for me, new) ─▶ Verified
//! ```
//!
//! On the wire, integers most significant byte first:
//!
//! | bytes | field | |
//! |---|---|---|
//! | 1 | version | 1 |
//! | 8 | tag | names the run, so that a foreign one is told without a verification; not trusted |
//! | 4 | number | counts the sender's messages of the run, from 1 |
//! | 2 | sender | position in the view |
//! | 2 | destination | position in the view; 0xffff: all, in the sender's order; 0xfffe: all, in agreed order |
//! | 64 | signature | Ed25519 (RFC 8032), judged by ZIP 215 |
//! | rest | body | at most `MAX_BODY` |
//!
//! The signature covers, each part preceded by its length as 8 bytes, least significant first:
//! `"cenacle envelope v1" ‖ context ‖ number ‖ sender ‖ destination ‖ body`. The context itself
//! does not travel: both ends know it.
//!
//! What a module has sealed itself travels in a [frame](Framed) without a signature, which no
//! reader takes for an envelope: its first byte is another.
//!
//! Departures from the design's `context ‖ round ‖ number ‖ recipient ‖ body`: there is no round,
//! for rounds are the module's own affair and the number already tells a sender's messages apart;
//! the sender's position is signed, because members of one node share a key (a member is a node
//! and a local number), so that the key alone does not name the member; and the order of a
//! multicast is signed with its destination, so that who forwards an agreed message cannot pass it
//! off as one that the sender meant for no agreed order.

mod context;
mod error;
mod frame;
mod numbers;
mod open;
mod parts;
mod ring;
mod seal;
mod signer;
mod wire;

pub use context::{MAX_CONTEXT_PART, Run, RunContext, TAG_LEN};
pub use error::EnvelopeError;
pub use frame::{FRAME_OVERHEAD, Framed, is_frame};
pub use numbers::Channel;
pub use open::{MAX_BATCH, MIN_BATCH, Opener, Verifications, Verified};
pub(crate) use parts::Sink;
pub use ring::KeyRing;
pub use seal::Sealer;
pub(crate) use signer::is_signed_by;
pub use signer::{SIGNATURE_LEN, Signer};
pub use wire::{Destination, MAX_SEALED, OVERHEAD, Received, VERSION};
