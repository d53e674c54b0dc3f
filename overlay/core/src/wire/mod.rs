//! Frames and their codec. A frame begins with a version and a kind; data frames and what is as
//! frequent are compact, the rest is CBOR.

pub(crate) mod control;
mod counts;
pub(crate) mod data;
pub(crate) mod header;
pub(crate) mod heartbeat;
pub(crate) mod varint;
pub(crate) mod vectors;

#[cfg(test)]
mod round_trips;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use header::{Header, Kind, VERSION};

/// The most bytes of a frame that is not control. Entries are cut into pieces so that frames stay
/// near [`FRAME`]; twice that leaves room for vectors.
pub(crate) const MAX_FRAME: usize = 256 << 10;

/// The largest unicast or unreliable message: these are not cut into pieces, and travel in one frame
/// with their names.
pub(crate) const UNCUT: usize = MAX_FRAME - (4 << 10);

/// Where the sender closes a frame: one write of the transports, and what gossip carries well.
pub(crate) const FRAME: usize = 60 << 10;

/// The largest piece of an entry.
pub(crate) const PIECE: usize = 48 << 10;

/// The most bytes of a control frame: a plan of 1,024 nodes needs 100 KB, a relayed data frame
/// MAX_FRAME.
pub(crate) const MAX_CONTROL: usize = 1 << 20;

/// Clocks and entry numbers stay below 2^48: at a million entries a second that is nine years in
/// one configuration.
pub(crate) const MAX_COUNT: u64 = (1 << 48) - 1;

pub(crate) const UNRELIABLE: u8 = 6;
pub(crate) const UNICAST: u8 = 7;
pub(crate) const UNICAST_ACK: u8 = 8;
