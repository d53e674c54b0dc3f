//! Byte strings for hashing and signing, in one form only.

/// What takes the bytes of a string built by hand.
pub(crate) trait Sink {
    /// Appends `bytes` as they are.
    fn bytes(&mut self, bytes: &[u8]);

    /// Appends `part` behind its length. With a length before every part, and a fixed order of
    /// parts, two different lists of parts never give the same string.
    fn part(&mut self, part: &[u8]) {
        self.bytes(&(part.len() as u64).to_le_bytes());
        self.bytes(part);
    }
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for blake3::Hasher {
    fn bytes(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}
