//! Frames on streams of their own: each side opens one stream of a connection and writes; it reads
//! the other's. Both are driven inside the connection's task, where the cryptography is done, so a
//! frame crosses no other task between the engine's and the socket.

pub(crate) mod behaviour;
mod block;
mod codec;
mod handler;
mod writer;

pub(crate) use codec::Kind;
