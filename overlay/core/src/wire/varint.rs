//! Bounds-checked reading and writing of compact fields: LEB128 numbers, bytes behind their length.

use crate::error::Drop;

/// Reads fields from a slice; every shortage is [`Drop::Malformed`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at `at`.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next field begins.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Bytes not yet read.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// One byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Drop> {
        let byte = *self.bytes.get(self.at).ok_or(Drop::Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    /// Eight bytes, little-endian.
    #[inline]
    pub(crate) fn fixed(&mut self) -> Result<u64, Drop> {
        let rest = self.bytes.get(self.at..).ok_or(Drop::Malformed)?;
        let bytes = rest.first_chunk::<8>().ok_or(Drop::Malformed)?;
        self.at += 8;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// A number of up to 63 bits in its shortest spelling: a longer one ends with a zero.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<u64, Drop> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return if byte == 0 && shift > 0 { Err(Drop::Malformed) } else { Ok(value) };
            }
        }
        Err(Drop::Malformed)
    }

    /// A number that fits.
    #[inline]
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Drop> {
        T::try_from(self.number()?).map_err(|_| Drop::Malformed)
    }

    /// Bytes behind their length: where they stand.
    #[inline]
    pub(crate) fn range(&mut self) -> Result<std::ops::Range<usize>, Drop> {
        let length: usize = self.small()?;
        let begin = self.at;
        let end = begin.checked_add(length).ok_or(Drop::Malformed)?;
        if end > self.bytes.len() {
            return Err(Drop::Malformed);
        }
        self.at = end;
        Ok(begin..end)
    }
}

/// Appends a number.
#[inline]
pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

/// Appends bytes behind their length.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
