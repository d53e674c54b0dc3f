//! Random bytes as data: each event carries a seed, and a module stretches it as far as it needs.

use crate::Secret;
use zeroize::Zeroize;

/// A stream of random bytes expanded from the seed that one event carried
/// (BLAKE3 as an extendable-output function under a context of its own).
///
/// The same seed gives the same bytes: whoever replays an event gets the same answer. The seed must
/// come from the operating system and must serve one event only.
pub struct Random {
    seed: Secret<32>,
    /// Made when the first byte is asked for: most events ask for none.
    output: Option<blake3::OutputReader>,
}

impl Random {
    /// Begins the stream of `seed`.
    pub fn new(seed: &Secret<32>) -> Self {
        Self { seed: seed.clone(), output: None }
    }

    /// Fills `bytes` with the next bytes of the stream.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.output.get_or_insert_with(|| expand(&self.seed)).fill(bytes);
    }

    /// The next 32 bytes as a secret.
    pub fn secret(&mut self) -> Secret<32> {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        let secret = Secret::new(bytes);
        bytes.zeroize();
        secret
    }
}

fn expand(seed: &Secret<32>) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_derive_key("cenacle module randomness v1");
    hasher.update(seed.expose());
    let output = hasher.finalize_xof();
    hasher.zeroize();
    output
}

impl Drop for Random {
    fn drop(&mut self) {
        if let Some(output) = &mut self.output {
            output.zeroize();
        }
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(…)")
    }
}
