//! Elements as they travel and as they are kept: encoded, and decoded where they are used.
//!
//! A member needs few of the elements that it is sent. What it only keeps, for itself or for
//! others to come, stays as bytes; validated decoding happens right before the exponentiation that
//! it is counted with.

use cenacle_dh::{Calculator, DhGroup};
use cenacle_plugin::{Error, from_cbor};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// One encoded element; copies share the bytes.
pub(super) type Encoded = Arc<[u8]>;

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

/// Cuts a concatenation of exactly `count` encodings.
pub(super) fn cut<G: DhGroup>(
    from: u32,
    bytes: &[u8],
    count: usize,
) -> Result<Vec<Encoded>, Error> {
    if bytes.len() != count.saturating_mul(G::ELEMENT_LEN) {
        return Err(bad(from, "it has not as many elements as it must"));
    }
    Ok(bytes.chunks_exact(G::ELEMENT_LEN).map(Encoded::from).collect())
}

/// One element of the right length, not yet looked at.
pub(super) fn one<G: DhGroup>(from: u32, bytes: &[u8]) -> Result<Encoded, Error> {
    cut::<G>(from, bytes, 1).map(|_| bytes.into())
}

/// Encodes an element.
pub(super) fn encode<G: DhGroup>(calculator: &Calculator<G>, element: &G::Element) -> Encoded {
    calculator.encode(element).into()
}
