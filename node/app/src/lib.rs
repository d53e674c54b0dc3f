//! Secure group communication for peers: the library behind the `cenacle` command.
//!
//! ```text
//!  your program ── Node, Group ──▶ pump ──▶ engine (cenacle-core) ──▶ network (cenacle-net)
//!       ▲   ▲                       │
//!       │   └────── events ◀────────┘
//!  cenacle.toml, CENACLE_…, flags ──▶ config ──▶ Builder ──▶ Node
//! ```
//!
//! [`config`] reads what a node is told, checks it once and whole, and hands out typed values; nothing
//! behind it looks at a file or at the environment again. A [`Node`] finds the others and joins
//! groups; a [`Group`] is a stream of [`Event`]s and a way to send. [`mod@event`] is the same in JSON,
//! for scripts.

mod builtin;
pub mod config;
mod error;
pub mod event;
mod metrics;
mod node;

pub use builtin::built_in_modules;
pub use cenacle_core::{
    Ballot, GroupName, MemberId, NodeId, Order, Refusal, Semantics, Service, ViewId,
};
pub use cenacle_net::{
    Admission, Dissemination, Identity, Limits, Multiaddr, PeerId, Psk, StateFolder,
};
pub use config::Config;
pub use error::Error;
pub use node::{
    Builder, Event, Fingerprint, Group, GroupOptions, GroupStatus, Message, Modules, Node, Notice,
    Payload, Sender, Sent, State, Status, Stopper, View,
};
