//! The secure group machine: what stands between the engine's views and a key that all members
//! of a view hold, and nobody else.
//!
//! [`Stack`] puts it above the engine: groups with a [`Charter`] agree on a key at every view, and
//! what their members say is sealed under it. The [envelope](RunContext) signs the messages of key
//! agreement modules, binds them to their run, and verifies them.
//!
//! The crate is pure: no clock, no randomness of its own, no threads. Keys, seeds and received
//! bytes come in as data.

mod admission;
mod agreement;
mod change;
mod charter;
mod control;
#[cfg(feature = "defects")]
mod defect;
mod entropy;
mod envelope;
mod event;
mod keys;
mod member;
mod names;
mod primary;
mod records;
mod register;
mod safety;
mod stack;
mod words;

pub use admission::SecureAdmission;
pub use charter::{Architecture, Charter, CharterError, Choice, Difference, MAX_CHARTER};
#[cfg(feature = "defects")]
pub use defect::Defect;
pub use envelope::{
    Channel, Destination, EnvelopeError, FRAME_OVERHEAD, Framed, KeyRing, MAX_BATCH,
    MAX_CONTEXT_PART, MAX_SEALED, MIN_BATCH, OVERHEAD, Opener, Received, Run, RunContext,
    SIGNATURE_LEN, Sealer, Signer, TAG_LEN, VERSION, Verifications, Verified, is_frame,
};
pub use event::{Event, SecureView, Standing};
pub use keys::{CONFIRMATION_LEN, Epoch, KEY_ID_LEN, MAX_EXPORT_PART};
pub use member::{Patience, largest};
pub use records::{Opened, Reader, RecordError, Writer};
pub use safety::{digest as safety_digest, number as safety_number};
pub use stack::{Output, Parts, SecureJoin, Stack, StackError};
