//! Vectors of counts inside control frames: one byte string of compact numbers instead of a list.

use super::varint::{Reader, put_number};
use serde::{
    Deserializer, Serializer,
    de::{Error, Visitor},
};
use std::fmt;

/// One for each rank.
const MOST: usize = 1 << 16;

pub(super) fn serialize<S: Serializer>(counts: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(4 * counts.len());
    counts.iter().for_each(|&count| put_number(&mut bytes, count));
    serializer.serialize_bytes(&bytes)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u64>, D::Error> {
    source.deserialize_byte_buf(Counts)
}

struct Counts;

impl Visitor<'_> for Counts {
    type Value = Vec<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up to {MOST} compact numbers")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        // A number ends with a byte below 128.
        let numbers = bytes.iter().filter(|&&byte| byte < 0x80).count();
        if numbers > MOST {
            return Err(E::invalid_length(numbers, &self));
        }
        let mut reader = Reader::new(bytes, 0);
        let mut counts = Vec::with_capacity(numbers);
        while reader.remaining() > 0 {
            counts.push(reader.number().map_err(|_| E::custom("not a compact number"))?);
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::header::{from_cbor, to_cbor};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Vector(#[serde(with = "super")] Vec<u64>);

    #[test]
    fn numbers_are_read_as_written_and_have_one_spelling() {
        for counts in [vec![], vec![0], vec![1, 127, 128, (1 << 63) - 1, 0], vec![5; 10_000]] {
            let vector = Vector(counts);
            assert_eq!(from_cbor::<Vector>(&to_cbor(&vector).unwrap()).as_ref(), Ok(&vector));
        }
        let raw = |bytes: &[u8]| {
            let written = to_cbor(&bytes::Bytes::copy_from_slice(bytes)).unwrap();
            from_cbor::<Vector>(&written).map(|vector| vector.0)
        };
        assert_eq!(raw(&[5, 0x80, 1]), Ok(vec![5, 128]));
        assert!(raw(&[0x80]).is_err(), "cut");
        assert!(raw(&[0x81, 0]).is_err(), "another spelling of one");
        assert!(raw(&[0xff; 10]).is_err(), "more than 63 bits");
        assert!(raw(&vec![0; (1 << 16) + 1]).is_err(), "more than ranks");
    }
}
