//! `aes256gcm`: AES-256 in Galois/Counter Mode (NIST SP 800-38D). The fastest where the processor
//! has instructions for AES and carry-less products, which are found at run time; elsewhere a
//! constant-time implementation in software stands in.

use super::aead::{Aead, TAG_LEN};
use super::describe;
use cenacle_plugin::{Cipher, CipherModule, Descriptor, Error, Options};

/// The most messages under one key.
///
/// With `q` messages of at most `l` blocks of 16 bytes an attacker's advantage is at most
/// `2 (q l)^2 / 2^128` (RFC 9001, appendix B.1). This limit is the one of RFC 9001, section 6.6:
/// with messages of 64 KiB the advantage stays below 2^-57, the target of that section. (RFC 8446,
/// section 5.5 comes to 2^24.5 records of 16 KiB, about the same number of blocks.)
///
/// Counting messages bounds blocks only as far as messages are of that size on average; a
/// `rekey_bytes` of the group's policy bounds them in any case. A single message never comes near
/// the 2^32 blocks that its counter has room for (SP 800-38D, section 5.2.1.1): the interface's
/// bound is 2^22 blocks.
const MAX_MESSAGES: u64 = 1 << 23;

/// The module `aes256gcm`.
pub(super) struct Aes256Gcm {
    descriptor: Descriptor,
}

impl Default for Aes256Gcm {
    fn default() -> Self {
        let summary = "AES-256 in Galois/Counter Mode (NIST SP 800-38D): fast where the processor has AES \
             instructions";
        Self { descriptor: describe("aes256gcm", summary, true, TAG_LEN, MAX_MESSAGES) }
    }
}

impl CipherModule for Aes256Gcm {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(&self, _options: &Options) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(Aead::<aes_gcm::Aes256Gcm>::new()))
    }
}
