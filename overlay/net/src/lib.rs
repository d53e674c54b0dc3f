//! The driver of Cenacle: carries the engine's frames over libp2p, finds peers, and admits them.
//!
//! ```text
//!   pump (engine)                      one task; never does transport cryptography
//!     │ Network: send, multicast, announce, flush        ▲ Events: frames, connections
//!     ▼                                                  │ one bounded queue, counted in bytes
//!   links: a bounded queue a peer                        │
//!     │ wakes                                            │
//!   connection tasks: frames ⇄ stream ⇄ yamux ⇄ TLS/Noise ⇄ socket      (QUIC likewise)
//!     ▲ made by
//!   swarm task: dials, listens, discovers; gossip        │ admission: inside the transport's
//!                                                        │ upgrade, before libp2p sees the peer
//! ```
//!
//! A frame crosses one task on its way out (the connection's) and one on its way in (the pump's).
//! What is not admitted never becomes a connection: the handshake of [`Admission`] is part of
//! setting the transport up. `docs/overlay.md` tells the protocols.

mod admission;
mod announce;
mod board;
mod book;
mod desk;
mod envelope;
mod error;
mod events;
mod figures;
mod frames;
mod gossip;
mod hello;
mod hex;
mod identity;
mod keys;
mod links;
mod muxer;
mod network;
mod record;
mod redial;
mod replay;
mod runtime;
mod settings;
mod shared;
mod state;
mod status;
mod swarm;
mod transport;
mod wire;

pub use admission::{Admission, Psk};
pub use error::Error;
pub use events::{Events, NetEvent};
pub use identity::Identity;
pub use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
pub use network::Network;
pub use settings::{Dissemination, Limits, Settings};
pub use state::StateFolder;
pub use status::{Drop, Path, Peer, Status};
