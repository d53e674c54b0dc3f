//! Elements as they travel and as they are kept: encoded, and decoded where they are used.
//!
//! A member needs few of the elements that it is sent. What it only keeps, for itself or for
//! others to come, stays as bytes; validated decoding happens right before the exponentiation that
//! it is counted with.

use cenacle_dh::{Calculator, DhGroup};
use cenacle_plugin::{Error, from_cbor};
use serde::de::DeserializeOwned;
use std::borrow::Borrow;
use std::ops::Deref;
use std::sync::Arc;

/// One encoded element: a slice of the message that it came with. Copies share the bytes.
#[derive(Clone)]
pub(super) struct Encoded {
    message: Arc<[u8]>,
    begin: usize,
    end: usize,
}

impl From<&[u8]> for Encoded {
    fn from(bytes: &[u8]) -> Self {
        Self { message: bytes.into(), begin: 0, end: bytes.len() }
    }
}

impl From<Vec<u8>> for Encoded {
    fn from(bytes: Vec<u8>) -> Self {
        Self { begin: 0, end: bytes.len(), message: bytes.into() }
    }
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.message.get(self.begin..self.end).unwrap_or_default()
    }
}

impl Borrow<[u8]> for Encoded {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Encoded {}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoded({} bytes)", self.len())
    }
}

/// A message that cannot be accepted.
pub(super) fn bad(from: u32, why: &'static str) -> Error {
    Error::BadMessage { from, why }
}

/// Reads a message of the member at `from`.
pub(super) fn read<T: DeserializeOwned>(from: u32, body: &[u8]) -> Result<T, Error> {
    from_cbor(body).map_err(|_| bad(from, "it is not a message of this protocol"))
}

/// Decodes an element that the member at `from` published.
pub(super) fn decode<G: DhGroup>(
    calculator: &Calculator<G>,
    from: u32,
    bytes: &[u8],
) -> Result<G::Element, Error> {
    calculator.decode(bytes).map_err(|_| bad(from, "an element is not in the group"))
}

/// Whether the bytes are exactly `count` encodings.
pub(super) fn counted<G: DhGroup>(from: u32, bytes: &[u8], count: usize) -> Result<(), Error> {
    if bytes.len() == count.saturating_mul(G::ELEMENT_LEN) {
        Ok(())
    } else {
        Err(bad(from, "it has not as many elements as it must"))
    }
}

/// Whether `told` holds each of `members`, which grow, once, and nothing else.
pub(super) fn holds_each(told: &[u32], members: &[u32]) -> bool {
    let mut seen = vec![false; members.len()];
    let is_new = |position: &u32| {
        let slot = members.binary_search(position).ok().and_then(|at| seen.get_mut(at));
        slot.is_some_and(|slot| !std::mem::replace(slot, true))
    };
    told.len() == members.len() && told.iter().all(is_new)
}

/// Cuts a concatenation of exactly `count` encodings.
pub(super) fn cut<G: DhGroup>(
    from: u32,
    bytes: &[u8],
    count: usize,
) -> Result<Vec<Encoded>, Error> {
    counted::<G>(from, bytes, count)?;
    let message: Arc<[u8]> = bytes.into();
    let cut = |index: usize| {
        let begin = index * G::ELEMENT_LEN;
        Encoded { message: Arc::clone(&message), begin, end: begin + G::ELEMENT_LEN }
    };
    Ok((0..count).map(cut).collect())
}

/// One element of the right length, not yet looked at.
pub(super) fn one<G: DhGroup>(from: u32, bytes: &[u8]) -> Result<Encoded, Error> {
    cut::<G>(from, bytes, 1).map(|_| bytes.into())
}

/// Encodes an element.
pub(super) fn encode<G: DhGroup>(calculator: &Calculator<G>, element: &G::Element) -> Encoded {
    calculator.encode(element).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_is_told_once() {
        let class = [1, 4, 7];
        for told in [[1, 4, 7], [7, 1, 4], [4, 7, 1]] {
            assert!(holds_each(&told, &class));
        }
        for told in [&[1, 4][..], &[1, 4, 7, 7], &[1, 4, 4], &[1, 4, 5], &[0, 1, 4], &[]] {
            assert!(!holds_each(told, &class), "{told:?}");
        }
        assert!(holds_each(&[], &[]));
    }
}
