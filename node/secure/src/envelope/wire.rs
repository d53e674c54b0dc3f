//! The sealed message as bytes, and the bytes that its signature covers.

use super::parts::Sink;
use super::{EnvelopeError, RunContext, SIGNATURE_LEN, TAG_LEN};
use cenacle_plugin::{MAX_BODY, Order};

/// The version of the envelope that this crate writes, and the only one that it reads.
pub const VERSION: u8 = 1;

/// Bytes that sealing adds to a body.
pub const OVERHEAD: usize = 1 + TAG_LEN + 4 + 2 + 2 + SIGNATURE_LEN;

/// The most bytes of a sealed message.
pub const MAX_SEALED: usize = OVERHEAD + MAX_BODY;

/// What every signature of an envelope begins with.
const DOMAIN: &[u8] = b"cenacle envelope v1";

/// Length prefixes, domain and fixed fields of the signed bytes.
const SIGNED_OVERHEAD: usize = 6 * 8 + DOMAIN.len() + 32 + 4 + 2 + 2;

const TO_ALL_FIFO: u16 = 0xffff;
const TO_ALL_AGREED: u16 = 0xfffe;

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the member at this position of the view.
    Member(u32),
    /// To every member, in the named order.
    All(Order),
}

impl Destination {
    pub(super) fn from_code(code: u16) -> Self {
        match code {
            TO_ALL_FIFO => Self::All(Order::Fifo),
            TO_ALL_AGREED => Self::All(Order::Agreed),
            position => Self::Member(position.into()),
        }
    }
}

/// The wire form of a multicast's destination.
pub(super) fn code_of_all(order: Order) -> u16 {
    match order {
        Order::Fifo => TO_ALL_FIFO,
        Order::Agreed => TO_ALL_AGREED,
    }
}

/// The fields that travel in the clear and are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) number: u32,
    pub(super) from: u16,
    /// A position or one of the two codes for all.
    pub(super) to: u16,
}

impl Fields {
    pub(super) fn destination(self) -> Destination {
        Destination::from_code(self.to)
    }
}

/// Replaces what is in `buffer` by the bytes that a signature covers.
pub(super) fn write_signed(
    buffer: &mut Vec<u8>,
    context: &RunContext,
    fields: Fields,
    body: &[u8],
) {
    buffer.clear();
    buffer.reserve(SIGNED_OVERHEAD + body.len());
    buffer.part(DOMAIN);
    buffer.part(context.as_bytes());
    buffer.part(&fields.number.to_be_bytes());
    buffer.part(&fields.from.to_be_bytes());
    buffer.part(&fields.to.to_be_bytes());
    buffer.part(body);
}

/// The sealed message.
pub(super) fn write_sealed(
    context: &RunContext,
    fields: Fields,
    signature: &[u8; SIGNATURE_LEN],
    body: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(OVERHEAD + body.len());
    bytes.push(VERSION);
    bytes.bytes(&context.tag());
    bytes.bytes(&fields.number.to_be_bytes());
    bytes.bytes(&fields.from.to_be_bytes());
    bytes.bytes(&fields.to.to_be_bytes());
    bytes.bytes(signature);
    bytes.bytes(body);
    bytes
}

/// A sealed message as received: it has the right form, and nothing else is known of it.
///
/// The body is a slice of the received bytes; it can be reached only through an
/// [`Opener`](super::Opener).
#[derive(Clone, Debug)]
pub struct Received<'a> {
    tag: [u8; TAG_LEN],
    pub(super) fields: Fields,
    pub(super) signature: [u8; SIGNATURE_LEN],
    pub(super) body: &'a [u8],
}

impl<'a> Received<'a> {
    /// Reads a sealed message. Fails on another version, and on too few or too many bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&got) => return Err(EnvelopeError::UnknownVersion { got }),
            None => return Err(EnvelopeError::TooShort { got: 0 }),
        }
        if bytes.len() > MAX_SEALED {
            return Err(EnvelopeError::TooLong { got: bytes.len() });
        }
        Self::split(bytes).ok_or(EnvelopeError::TooShort { got: bytes.len() })
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (_version, rest) = bytes.split_first()?;
        let (tag, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (from, rest) = rest.split_first_chunk()?;
        let (to, rest) = rest.split_first_chunk()?;
        let (signature, body) = rest.split_first_chunk()?;
        let fields = Fields {
            number: u32::from_be_bytes(*number),
            from: u16::from_be_bytes(*from),
            to: u16::from_be_bytes(*to),
        };
        Some(Self { tag: *tag, fields, signature: *signature, body })
    }

    /// The run that it claims to belong to: compare with [`RunContext::tag`] to keep a message of
    /// a run that this member has not begun yet.
    pub fn tag(&self) -> [u8; TAG_LEN] {
        self.tag
    }

    /// The position that it claims to come from.
    pub fn claimed_sender(&self) -> u32 {
        self.fields.from.into()
    }

    /// Where it claims to go.
    pub fn claimed_destination(&self) -> Destination {
        self.fields.destination()
    }
}
