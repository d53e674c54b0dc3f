//! The frame of a message that its module has sealed itself: the fields of an envelope, and no
//! signature.
//!
//! | bytes | field | |
//! |---|---|---|
//! | 1 | version | 129: that of the envelope, with the highest bit set |
//! | 8 | tag | names the run; not trusted |
//! | 2 | sender | position in the view; not trusted |
//! | 2 | recipient | position in the view |
//! | rest | body | at most `MAX_BODY` |
//!
//! Nothing in it is proven. A module that takes such a message opens it under a key that was agreed
//! on by signed messages and that is bound to the run; the tag and the recipient only keep strays
//! away. So there is no number either: a message that comes twice is told by its module.

use super::parts::Sink;
use super::{EnvelopeError, KeyRing, RunContext, TAG_LEN, VERSION};
use cenacle_plugin::MAX_BODY;

/// Bytes that framing adds to a body.
pub const FRAME_OVERHEAD: usize = 1 + TAG_LEN + 2 + 2;

/// What tells a frame from an envelope.
const UNSIGNED: u8 = 0x80 | VERSION;

/// A message that its module has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    from: u16,
    body: &'a [u8],
}

impl<'a> Framed<'a> {
    /// Frames what the member at position `from` has sealed for the one at `to`.
    ///
    /// Fails when the body is above [`MAX_BODY`] or a position is not in the view.
    pub fn write(
        context: &RunContext,
        ring: &KeyRing,
        from: u32,
        to: u32,
        body: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        if body.len() > MAX_BODY {
            return Err(EnvelopeError::BodyTooLong { got: body.len() });
        }
        let (from, to) = (ring.position(from)?, ring.position(to)?);
        let mut bytes = Vec::with_capacity(FRAME_OVERHEAD.saturating_add(body.len()));
        bytes.bytes(&[UNSIGNED]);
        bytes.bytes(&context.tag());
        bytes.bytes(&from.to_be_bytes());
        bytes.bytes(&to.to_be_bytes());
        bytes.bytes(body);
        Ok(bytes)
    }

    /// Reads a frame of this run for the member at position `me`.
    pub fn read(
        context: &RunContext,
        ring: &KeyRing,
        me: u32,
        bytes: &'a [u8],
    ) -> Result<Self, EnvelopeError> {
        match bytes.first() {
            Some(&UNSIGNED) => {}
            Some(&got) => return Err(EnvelopeError::UnknownVersion { got }),
            None => return Err(EnvelopeError::TooShort { got: 0 }),
        }
        if bytes.len() > FRAME_OVERHEAD.saturating_add(MAX_BODY) {
            return Err(EnvelopeError::TooLong { got: bytes.len() });
        }
        let short = || EnvelopeError::TooShort { got: bytes.len() };
        let (tag, from, to, body) = split(bytes).ok_or_else(short)?;
        if tag != context.tag() {
            return Err(EnvelopeError::ForeignRun { tag });
        }
        let (from, to) = (u16::from_be_bytes(from), u16::from_be_bytes(to));
        if ring.key(from).is_none() {
            return Err(EnvelopeError::UnknownSender { from: from.into() });
        }
        if u32::from(to) != me {
            return Err(EnvelopeError::WrongRecipient { from: from.into(), to: to.into() });
        }
        Ok(Self { from, body })
    }

    /// The position that it claims to come from.
    pub fn claimed_sender(&self) -> u32 {
        self.from.into()
    }

    /// What the module has sealed: a slice of the bytes that were read.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// Whether these bytes claim to be a frame and no envelope.
pub fn is_frame(bytes: &[u8]) -> bool {
    bytes.first() == Some(&UNSIGNED)
}

type Split<'a> = ([u8; TAG_LEN], [u8; 2], [u8; 2], &'a [u8]);

fn split(bytes: &[u8]) -> Option<Split<'_>> {
    let (_version, rest) = bytes.split_first()?;
    let (tag, rest) = rest.split_first_chunk()?;
    let (from, rest) = rest.split_first_chunk()?;
    let (to, body) = rest.split_first_chunk()?;
    Some((*tag, *from, *to, body))
}
