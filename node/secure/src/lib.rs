//! The secure group machine: what stands between the engine's views and a key that all members
//! of a view hold, and nobody else.
//!
//! It holds the [envelope](RunContext): how the messages of key agreement modules are
//! signed, bound to their run, and verified.
//!
//! The crate is pure: no clock, no randomness of its own, no threads. Keys, seeds and received
//! bytes come in as data.

mod envelope;

pub use envelope::{
    Channel, Destination, EnvelopeError, FRAME_OVERHEAD, Framed, KeyRing, MAX_BATCH,
    MAX_CONTEXT_PART, MAX_SEALED, MIN_BATCH, OVERHEAD, Opener, Received, Run, RunContext,
    SIGNATURE_LEN, Sealer, Signer, TAG_LEN, VERSION, Verifications, Verified, is_frame,
};
