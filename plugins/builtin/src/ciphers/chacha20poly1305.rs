//! `chacha20poly1305`: ChaCha20 and Poly1305 (RFC 8439). Fast without special instructions, and in
//! constant time everywhere: the default.

use super::aead::{Aead, TAG_LEN};
use super::describe;
use cenacle_plugin::{Cipher, CipherModule, Descriptor, Error, Options};

/// The most messages under one key. The bound on what an attacker gains does not depend on their
/// number before the counter ends (RFC 8446, section 5.5; RFC 9001, section 6.6, whose packet
/// numbers end at the same value).
const MAX_MESSAGES: u64 = 1 << 62;

/// The module `chacha20poly1305`.
pub(crate) struct ChaCha20Poly1305 {
    descriptor: Descriptor,
}

impl Default for ChaCha20Poly1305 {
    fn default() -> Self {
        let summary = "ChaCha20 with Poly1305 (RFC 8439): fast on every machine";
        Self { descriptor: describe("chacha20poly1305", summary, true, TAG_LEN, MAX_MESSAGES) }
    }
}

impl CipherModule for ChaCha20Poly1305 {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(&self, _options: &Options) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(Aead::<chacha20poly1305::ChaCha20Poly1305>::new()))
    }
}
