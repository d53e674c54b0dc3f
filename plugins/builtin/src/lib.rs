//! The modules that every node has: nine key agreement protocols, three ciphers, five policies.
//!
//! Each kind is an explicit list; nothing registers itself. A node hands the lists to its registry.

mod agreement;
mod ciphers;
mod policies;

pub use agreement::{MAX_MEMBERS, agreements, agreements_for_benchmarks};
pub use ciphers::ciphers;
pub use policies::{Draft, Invitation, InvitationError, MAX_HOLDERS, peer_key, policies};
