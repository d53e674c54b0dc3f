//! The bytes of the fuzzer, read as numbers.

/// Reads a script.
pub struct Script<'a> {
    pub bytes: &'a [u8],
}

impl Script<'_> {
    pub fn byte(&mut self) -> usize {
        let Some((&byte, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        byte.into()
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.bytes.split_at(count.min(self.bytes.len()));
        self.bytes = rest;
        taken.to_vec()
    }

    /// A number that hurts.
    pub fn number(&mut self) -> u64 {
        let byte = self.byte() as u64;
        match byte >> 5 {
            0..=2 => byte,
            3 => (1 << 48) - 1 - (byte & 3),
            4 => 1 << (byte & 63),
            5 => (1 << 62) + (byte & 31),
            6 => u64::MAX - (byte & 31),
            _ => (byte & 31) << 11,
        }
    }
}
