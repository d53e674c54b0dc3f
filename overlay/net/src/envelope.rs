//! Frames that travel over others: packed, and signed by their origin. Whoever passes them on can
//! neither change them nor speak for another.
//!
//! gossipsub's own signature is not used: it is checked for every copy of a message, this one once,
//! after duplicates are dropped (`docs/overlay.md`).

use crate::{
    error::Error,
    identity::Identity,
    keys,
    status::Drop,
    wire::{Reader, put_short},
};
use bytes::Bytes;
use cenacle_core::NodeId;

const VERSION: u8 = 1;
/// The most bytes around frames: fields, an address record, a signature.
pub(crate) const OVERHEAD: usize = 256 + crate::record::MAX_RECORD;
/// Bytes around each frame.
pub(crate) const PER_FRAME: usize = 4;

/// For whom the frames are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Audience {
    /// The members of the origin's configuration.
    Members,
    /// Everyone in the overlay.
    Everyone,
    /// One node.
    One(NodeId),
}

/// Packed frames of one origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Envelope {
    pub(crate) origin: NodeId,
    /// Counts the envelopes of this life of the origin, from 1.
    pub(crate) sequence: u64,
    pub(crate) audience: Audience,
    /// The origin's address record, or nothing.
    pub(crate) record: Bytes,
    pub(crate) frames: Vec<Bytes>,
}

impl Envelope {
    /// Signs it for the overlay `tag`.
    pub(crate) fn seal(&self, identity: &Identity, tag: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let size: usize = self.frames.iter().map(|frame| frame.len() + PER_FRAME).sum();
        let mut out = Vec::with_capacity(size + self.record.len() + 256);
        out.push(VERSION);
        put_node(&mut out, &self.origin);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        match &self.audience {
            Audience::Members => out.push(0),
            Audience::Everyone => out.push(1),
            Audience::One(node) => {
                out.push(2);
                put_node(&mut out, node);
            }
        }
        put_short(&mut out, &self.record)
            .ok_or(Error::Settings("an address record is too long"))?;
        for frame in &self.frames {
            let length = u32::try_from(frame.len());
            let length = length.map_err(|_| Error::Settings("a frame is too long"))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(frame);
        }
        let signature = identity.sign(&signed(tag, &out))?;
        out.extend_from_slice(&signature);
        Ok(out)
    }

    /// Whom an envelope claims to be of, which number, and for whom: enough to know duplicates and
    /// strangers before a signature is verified.
    pub(crate) fn peek(bytes: &[u8]) -> Option<(NodeId, u64, Audience)> {
        let mut reader = Reader(bytes);
        head(&mut reader)
    }

    /// Reads and verifies it; the frames are slices of `bytes`.
    pub(crate) fn open(bytes: &Bytes, tag: &[u8; 32], max_frame: usize) -> Result<Self, Drop> {
        let (body, signature) = bytes.split_last_chunk::<64>().ok_or(Drop::Malformed)?;
        let mut reader = Reader(body);
        let (origin, sequence, audience) = head(&mut reader).ok_or(Drop::Malformed)?;
        let record = bytes.slice_ref(reader.short().ok_or(Drop::Malformed)?);
        if !keys::verify(&origin.key, &signed(tag, body), signature) {
            return Err(Drop::Signature);
        }
        let mut frames = Vec::new();
        while reader.end().is_none() {
            let length = reader.u32().ok_or(Drop::Malformed)?;
            let length = usize::try_from(length).map_err(|_| Drop::Malformed)?;
            if length > max_frame {
                return Err(Drop::TooLarge);
            }
            frames.push(bytes.slice_ref(reader.bytes(length).ok_or(Drop::Malformed)?));
        }
        Ok(Self { origin, sequence, audience, record, frames })
    }
}

fn put_node(out: &mut Vec<u8>, node: &NodeId) {
    out.extend_from_slice(&node.key);
    out.extend_from_slice(&node.incarnation.to_be_bytes());
}

fn node(reader: &mut Reader<'_>) -> Option<NodeId> {
    Some(NodeId { key: reader.array()?, incarnation: reader.u64()? })
}

fn head(reader: &mut Reader<'_>) -> Option<(NodeId, u64, Audience)> {
    if reader.u8()? != VERSION {
        return None;
    }
    let (origin, sequence) = (node(reader)?, reader.u64()?);
    let audience = match reader.u8()? {
        0 => Audience::Members,
        1 => Audience::Everyone,
        2 => Audience::One(node(reader)?),
        _ => return None,
    };
    Some((origin, sequence, audience))
}

/// What is signed: a domain of its own, the overlay, and the hash of the body, since bodies are
/// large and Ed25519 reads what it signs twice.
fn signed(tag: &[u8; 32], body: &[u8]) -> [u8; 96] {
    let mut out = [0; 96];
    let (domain, rest) = out.split_at_mut(32);
    let (overlay, hash) = rest.split_at_mut(32);
    domain.copy_from_slice(b"cenacle 2026 frame envelope v1\0\0");
    overlay.copy_from_slice(tag);
    hash.copy_from_slice(blake3::hash(body).as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_was_sealed_and_no_other_way() {
        let identity = Identity::generate().unwrap();
        let origin = NodeId { key: identity.public_key(), incarnation: 4 };
        let tag = [1; 32];
        for audience in [Audience::Members, Audience::Everyone, Audience::One(origin)] {
            let envelope = Envelope {
                origin,
                sequence: 8,
                audience,
                record: Bytes::from_static(b"record"),
                frames: vec![Bytes::new(), Bytes::from_static(b"one"), Bytes::from(vec![7; 300])],
            };
            let sealed = Bytes::from(envelope.seal(&identity, &tag).unwrap());
            assert_eq!(Envelope::peek(&sealed), Some((origin, 8, audience)));
            assert_eq!(Envelope::open(&sealed, &tag, 300), Ok(envelope));
            assert_eq!(Envelope::open(&sealed, &tag, 299), Err(Drop::TooLarge));
            assert_eq!(Envelope::open(&sealed, &[2; 32], 300), Err(Drop::Signature));
            for at in 0..sealed.len() {
                let mut torn = sealed.to_vec();
                torn[at] ^= 0x10;
                assert!(Envelope::open(&torn.into(), &tag, 300).is_err(), "byte {at} touched");
                assert!(Envelope::open(&sealed.slice(..at), &tag, 300).is_err(), "cut at {at}");
            }
        }
    }
}
