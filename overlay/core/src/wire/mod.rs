//! Frames and their codec.

pub(crate) mod control;
pub(crate) mod varint;

/// The version of the protocol, the first byte of every frame.
pub(crate) const VERSION: u8 = 1;

/// The kind of an unreliable message's frame, the second byte of every frame.
pub(crate) const UNRELIABLE: u8 = 6;
/// The kind of a unicast's frame.
pub(crate) const UNICAST: u8 = 7;
/// The kind of a frame that acknowledges unicasts.
pub(crate) const UNICAST_ACK: u8 = 8;
