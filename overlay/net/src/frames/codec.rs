//! The form of frames on a stream: a header of four bytes, then the frame.
//!
//! The header is a little-endian number: the length in its lower 24 bits, the kind above them.

/// Bytes of a header.
pub(crate) const HEADER: usize = 4;
/// A stream begins with the incarnation of its writer, so that one that outlived its process is told.
pub(crate) const OPENING: usize = 8;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// For the engine.
    Engine,
    /// An envelope for everyone, passed on from node to node.
    Announcement,
    /// An address record.
    Record,
    /// Empty: the other side's stream has been read to its end.
    Seen,
}

/// The header of a frame; none if the frame is too long for any header.
pub(crate) fn header(kind: Kind, length: usize) -> Option<[u8; HEADER]> {
    let length = u32::try_from(length).ok().filter(|length| *length < 1 << 24)?;
    let kind = match kind {
        Kind::Engine => 0,
        Kind::Announcement => 1,
        Kind::Record => 2,
        Kind::Seen => 3,
    };
    Some((length | (kind << 24)).to_le_bytes())
}

/// The kind and length that a header tells; an unknown kind is none, its frame is skipped.
pub(crate) fn parse(header: [u8; HEADER]) -> (Option<Kind>, usize) {
    let number = u32::from_le_bytes(header);
    let kind = match number >> 24 {
        0 => Some(Kind::Engine),
        1 => Some(Kind::Announcement),
        2 => Some(Kind::Record),
        3 => Some(Kind::Seen),
        _ => None,
    };
    (kind, usize::try_from(number & 0xff_ffff).unwrap_or(usize::MAX))
}
