//! Ensemble's key distribution: `basic`, `binary`, `dist` and `wgl` (papers 000 and 002).
//!
//! ```text
//!   basic, binary            dist                  wgl
//!   a key down a tree        a key graph that      a key graph that
//!   of channels              its members keep      its leader keeps
//!        │                     │         │           │
//!        │                     │         └─ tree ────┤  falls apart, is merged
//!        │                     │         └─ graph ───┤  new keys under those below
//!        └──────── channels ───┴─────────────────────┤  two-party keys, cached
//!                  acks                              ┘  all have it before it is installed
//! ```
//!
//! What the four have in common:
//!
//! * Keys are chosen by a member and handed out: they are no contributory protocols.
//! * They go over [secure channels](channels), which outlive the change that set them up. Who learns
//!   a member's channels learns the keys of all epochs to come until they are dropped; so these
//!   modules promise no key independence, and a policy may refuse them. The channels rest on fresh
//!   shares and long-term keys only sign, so forward secrecy remains.
//! * What is sealed under a key is not signed ([`cenacle_plugin::Action::Sealed`]).
//! * [Acknowledgements](acks) go up a tree before a key is installed, in columns of their own.
//! * The leader is the most senior member of the base class. A leader that is gone is replaced by
//!   the next change's, which begins anew with what the members have confirmed.

mod acks;
mod channels;
mod costs;
mod dist;
mod graph;
mod handout;
#[cfg(feature = "conformance")]
mod inspection;
mod layout;
mod messages;
mod module;
mod opening;
mod seal;
mod tree;
mod waiting;
mod wgl;

pub(super) use module::modules;
