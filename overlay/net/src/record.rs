//! A node's addresses, signed by the node: they travel from peer to peer and stay true.

use crate::{
    error::Error,
    identity::Identity,
    keys,
    wire::{Reader, put_short},
};
use libp2p::Multiaddr;

/// The form of the record.
const VERSION: u8 = 1;
/// No address is longer: a circuit through a named relay to a named peer has half of it.
pub(crate) const MAX_ADDRESS: usize = 256;
/// No record is larger: it fits into an introduction.
pub(crate) const MAX_RECORD: usize = 6 << 10;

/// The addresses of one life of a node. A later life's, or a higher sequence number of the same,
/// replaces it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) key: [u8; 32],
    pub(crate) incarnation: u64,
    pub(crate) sequence: u64,
    pub(crate) addresses: Vec<Multiaddr>,
}

impl Record {
    /// Signs it for the overlay `tag`. Addresses beyond the limits are left out.
    pub(crate) fn seal(&self, identity: &Identity, tag: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.incarnation.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        for address in &self.addresses {
            if address.len() <= MAX_ADDRESS && out.len() + address.len() + 66 <= MAX_RECORD {
                let _ = put_short(&mut out, address.as_ref());
            }
        }
        let signature = identity.sign(&signed(tag, &out))?;
        out.extend_from_slice(&signature);
        Ok(out)
    }

    /// Reads and verifies it; at most `max` addresses.
    pub(crate) fn open(bytes: &[u8], tag: &[u8; 32], max: usize) -> Option<Self> {
        if bytes.len() > MAX_RECORD {
            return None;
        }
        let (body, signature) = bytes.split_last_chunk::<64>()?;
        let mut reader = Reader(body);
        if reader.u8()? != VERSION {
            return None;
        }
        let (key, incarnation, sequence) = (reader.array()?, reader.u64()?, reader.u64()?);
        if !keys::verify(&key, &signed(tag, body), signature) {
            return None;
        }
        let mut addresses = Vec::new();
        while reader.end().is_none() {
            let address = reader.short()?;
            if addresses.len() == max || address.len() > MAX_ADDRESS {
                return None;
            }
            addresses.push(Multiaddr::try_from(address.to_vec()).ok()?);
        }
        Some(Self { key, incarnation, sequence, addresses })
    }

    /// Whether it replaces `other` of the same key.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        (self.incarnation, self.sequence) > (other.incarnation, other.sequence)
    }
}

/// What is signed: a domain of its own, the overlay, the body.
fn signed(tag: &[u8; 32], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + body.len());
    out.extend_from_slice(b"cenacle 2026 address record v1\0");
    out.extend_from_slice(tag);
    out.extend_from_slice(&(body.len() as u64).to_be_bytes());
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_sealed_and_no_other_way() {
        let identity = Identity::generate().unwrap();
        let tag = [7; 32];
        let address: Multiaddr = "/ip4/10.0.0.1/tcp/7101".parse().unwrap();
        let record = Record {
            key: identity.public_key(),
            incarnation: 9,
            sequence: 3,
            addresses: vec![address.clone(), address],
        };
        let bytes = record.seal(&identity, &tag).unwrap();
        assert_eq!(Record::open(&bytes, &tag, 2), Some(record.clone()));
        assert_eq!(Record::open(&bytes, &tag, 1), None, "too many addresses");
        assert_eq!(Record::open(&bytes, &[8; 32], 2), None, "another overlay");
        for at in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert_eq!(Record::open(&torn, &tag, 2), None, "byte {at} touched");
            assert_eq!(Record::open(&bytes[..at], &tag, 2), None, "cut at {at}");
        }
        let later = Record { incarnation: 10, sequence: 0, ..record.clone() };
        assert!(later.replaces(&record) && !record.replaces(&later) && !record.replaces(&record));
    }

    #[test]
    fn what_is_sealed_stays_within_the_limit() {
        let identity = Identity::generate().unwrap();
        let long = format!("/dns4/{}.example/tcp/1", "a".repeat(200)).parse().unwrap();
        let record = Record {
            key: identity.public_key(),
            incarnation: 1,
            sequence: 1,
            addresses: vec![long; 100],
        };
        let bytes = record.seal(&identity, &[0; 32]).unwrap();
        assert!(bytes.len() <= MAX_RECORD);
        assert!(Record::open(&bytes, &[0; 32], 100).is_some());
    }
}
