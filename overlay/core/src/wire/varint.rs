//! Compact numbers: LEB128, and a reader and a writer of the binary frames around them.

use crate::error::Drop;
use bytes::{Buf, Bytes};

/// Takes a frame apart; whatever is missing or cannot be is [`Drop::Malformed`]. Byte strings are
/// slices of the frame, not copies.
pub(crate) struct Reader {
    rest: Bytes,
}

impl Reader {
    pub(crate) fn new(frame: Bytes) -> Self {
        Self { rest: frame }
    }

    /// Bytes not yet taken.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take_u8(&mut self) -> Result<u8, Drop> {
        self.rest.try_get_u8().map_err(|_| Drop::Malformed)
    }

    /// Eight bytes, little-endian: tags and channels, which a varint would not shorten.
    pub(crate) fn take_u64(&mut self) -> Result<u64, Drop> {
        self.rest.try_get_u64_le().map_err(|_| Drop::Malformed)
    }

    /// A number in 1 to 10 bytes; only its shortest spelling, so that a frame has one meaning and
    /// one spelling.
    pub(crate) fn take_varint(&mut self) -> Result<u64, Drop> {
        let mut value = 0;
        for (at, &byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if (at == 9 && bits > 1) || (at > 0 && byte == 0) {
                return Err(Drop::Malformed);
            }
            value |= bits << (7 * at);
            if byte < 0x80 {
                self.rest.advance(at + 1);
                return Ok(value);
            }
        }
        Err(Drop::Malformed)
    }

    pub(crate) fn take_u32(&mut self) -> Result<u32, Drop> {
        u32::try_from(self.take_varint()?).map_err(|_| Drop::Malformed)
    }

    pub(crate) fn take_u16(&mut self) -> Result<u16, Drop> {
        u16::try_from(self.take_varint()?).map_err(|_| Drop::Malformed)
    }

    /// So many bytes.
    pub(crate) fn take_bytes(&mut self, length: usize) -> Result<Bytes, Drop> {
        if length > self.rest.len() {
            return Err(Drop::Malformed);
        }
        Ok(self.rest.split_to(length))
    }

    /// All that is left.
    pub(crate) fn take_rest(self) -> Bytes {
        self.rest
    }
}

/// Puts a frame together.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    frame: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { frame: Vec::with_capacity(bytes) }
    }

    pub(crate) fn len(&self) -> usize {
        self.frame.len()
    }

    pub(crate) fn put_u8(&mut self, value: u8) {
        self.frame.push(value);
    }

    pub(crate) fn put_u64(&mut self, value: u64) {
        self.frame.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.frame.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.frame.push(value.to_le_bytes()[0]);
    }

    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        self.frame.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Bytes {
        self.frame.into()
    }
}

/// How many bytes [`Writer::put_varint`] takes for `value`.
pub(crate) fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_as_many_bytes_as_told() {
        let edges = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]).chain([u64::MAX]);
        for value in edges {
            let mut writer = Writer::default();
            writer.put_varint(value);
            assert_eq!(writer.len(), varint_len(value));
            let mut reader = Reader::new(writer.finish());
            assert_eq!(reader.take_varint(), Ok(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn short_long_and_overlong_numbers_are_malformed() {
        for bytes in [&[][..], &[0x80], &[0x80, 0], &[0xff; 10], &[0xff; 11]] {
            let mut reader = Reader::new(Bytes::copy_from_slice(bytes));
            assert_eq!(reader.take_varint(), Err(Drop::Malformed), "{bytes:?}");
        }
        let mut reader = Reader::new(Bytes::from_static(b"abc"));
        assert_eq!(reader.take_bytes(4), Err(Drop::Malformed));
        assert_eq!(reader.take_u64(), Err(Drop::Malformed));
        assert_eq!(reader.take_bytes(2), Ok(Bytes::from_static(b"ab")));
        assert_eq!(reader.remaining(), 1);
        assert_eq!(reader.take_u8(), Ok(b'c'));
    }
}
