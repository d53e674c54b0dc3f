//! The stable CBOR form of events and actions, bounded in size and depth.
//!
//! What crosses the boundary to a loaded module, and what modules send, is one CBOR item
//! (RFC 8949) written by serde. Nothing is ever signed or hashed as CBOR, so there is no canonical
//! form to keep: a reader accepts any encoding of the same item, and refuses what follows it.

use crate::Error;
use serde::{Serialize, de::DeserializeOwned};

/// The most bytes of one encoded event or action list.
pub const MAX_ENCODED: usize = 16 << 20;

/// The deepest nesting that a reader follows; events need 6.
const MAX_DEPTH: usize = 24;

/// Encodes `value` as one CBOR item.
pub fn to_cbor<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes)
        .map_err(|_| Error::Bug("a value of ours has no CBOR form"))?;
    Ok(bytes)
}

/// Decodes exactly one CBOR item; anything else is [`Error::Malformed`] and nothing panics.
pub fn from_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.len() > MAX_ENCODED {
        return Err(Error::Malformed(format!(
            "{} bytes of CBOR are more than the limit of {MAX_ENCODED}",
            bytes.len()
        )));
    }
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
        .map_err(|error| Error::Malformed(shorten(&error.to_string())))?;
    if !rest.is_empty() {
        return Err(Error::Malformed(format!("{} bytes after the CBOR item", rest.len())));
    }
    Ok(value)
}

/// A decoder's message may quote the input: keep it short and on one line.
fn shorten(text: &str) -> String {
    text.chars().take(160).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_item_is_refused() {
        assert!(from_cbor::<u32>(&[7]).is_ok());
        assert!(matches!(from_cbor::<u32>(&[7, 0]), Err(Error::Malformed(_))));
        assert!(matches!(from_cbor::<u32>(&[]), Err(Error::Malformed(_))));
    }

    #[test]
    fn depth_is_bounded() {
        let mut bytes = vec![0x81; 100_000];
        bytes.push(0);
        assert!(matches!(from_cbor::<crate::Event>(&bytes), Err(Error::Malformed(_))));
    }

    #[test]
    fn a_lying_length_allocates_nothing() {
        // A byte string and an array that claim 2^62 items.
        for head in [0x5b, 0x9b, 0xbb] {
            let mut bytes = vec![head];
            bytes.extend_from_slice(&(1u64 << 62).to_be_bytes());
            assert!(matches!(from_cbor::<Vec<crate::Action>>(&bytes), Err(Error::Malformed(_))));
        }
    }
}
