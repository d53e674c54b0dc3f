//! The first bytes of every frame: version, kind, and the tag of configuration or overlay.

use crate::{
    error::Drop,
    ids::ConfigurationTag,
    wire::{MAX_CONTROL, MAX_FRAME, UNICAST, UNICAST_ACK, UNRELIABLE, control::Control},
};
use bytes::Bytes;

/// The version of the protocol that this engine speaks.
pub(crate) const VERSION: u8 = 1;

/// Version, kind and tag.
pub(crate) const HEADER: usize = 10;

/// The deepest nesting of a control frame; plans and tables need eight.
const MAX_DEPTH: usize = 16;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    Data = 1,
    Promises = 2,
    Ack = 3,
    Stable = 4,
    Need = 5,
    Unreliable = UNRELIABLE,
    Unicast = UNICAST,
    UnicastAck = UNICAST_ACK,
    Control = 9,
    Heartbeat = 10,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Data,
            2 => Self::Promises,
            3 => Self::Ack,
            4 => Self::Stable,
            5 => Self::Need,
            UNRELIABLE => Self::Unreliable,
            UNICAST => Self::Unicast,
            UNICAST_ACK => Self::UnicastAck,
            9 => Self::Control,
            10 => Self::Heartbeat,
            _ => return None,
        })
    }
}

/// A frame's first bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Of the configuration; of the overlay in control frames.
    pub(crate) tag: u64,
}

impl Header {
    /// Reads and checks version, kind and size.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Drop> {
        let (&[version, kind], rest) = bytes.split_first_chunk::<2>().ok_or(Drop::Malformed)?;
        if version != VERSION {
            return Err(Drop::Version);
        }
        let kind = Kind::from_byte(kind).ok_or(Drop::Malformed)?;
        let tag = u64::from_le_bytes(*rest.first_chunk::<8>().ok_or(Drop::Malformed)?);
        let max = if kind == Kind::Control { MAX_CONTROL } else { MAX_FRAME };
        if bytes.len() > max {
            return Err(Drop::Limit);
        }
        Ok(Self { kind, tag })
    }

    /// Begins a frame of a configuration.
    pub(crate) fn begin(kind: Kind, tag: ConfigurationTag, capacity: usize) -> Vec<u8> {
        Self::begin_tagged(kind, tag.0, capacity)
    }

    fn begin_tagged(kind: Kind, tag: u64, capacity: usize) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER + capacity);
        frame.extend_from_slice(&[VERSION, kind as u8]);
        frame.extend_from_slice(&tag.to_le_bytes());
        frame
    }
}

/// Writes a control frame. `None` if a value of ours is too large or has no form, which no value
/// within the limits of the settings has.
pub(crate) fn control_frame(overlay: u64, control: &Control) -> Option<Bytes> {
    let mut frame = Header::begin_tagged(Kind::Control, overlay, 120);
    ciborium::into_writer(control, &mut frame).ok()?;
    (frame.len() <= MAX_CONTROL).then(|| frame.into())
}

/// Reads the body of a control frame: exactly one item.
pub(crate) fn read_control(frame: &[u8]) -> Result<Control, Drop> {
    from_cbor(frame.get(HEADER..).ok_or(Drop::Malformed)?)
}

/// Exactly one CBOR item of bounded depth.
pub(crate) fn from_cbor<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Drop> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
        .map_err(|_| Drop::Malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(Drop::Malformed) }
}

/// One item of ours.
pub(crate) fn to_cbor<T: serde::Serialize>(value: &T) -> Option<Bytes> {
    let mut bytes = Vec::with_capacity(120);
    ciborium::into_writer(value, &mut bytes).ok()?;
    Some(bytes.into())
}
