//! `blake3-mac`: protects messages from change without hiding them, with keyed BLAKE3 (BLAKE3
//! specification, section 2.3).
//!
//! The tag is the keyed hash of nonce, header and text, each behind its length as eight bytes, least
//! significant first: no two different triples give the same bytes to hash.

use super::{check_text, describe, split_sealed};
use blake3::Hasher;
use cenacle_plugin::{
    Cipher, CipherKey, CipherModule, Descriptor, Error, KEY_LEN, Nonce, Options, Secret,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of the tag: the whole output of the hash.
const TAG_LEN: usize = 32;

/// The most messages under one key. As a pseudorandom function with a 256-bit key, keyed BLAKE3
/// sets no limit of its own (BLAKE3 specification, section 5); this is the same as for the cipher
/// that the counter limits.
const MAX_MESSAGES: u64 = 1 << 62;

/// The module `blake3-mac`.
pub(super) struct Blake3Mac {
    descriptor: Descriptor,
}

impl Default for Blake3Mac {
    fn default() -> Self {
        let summary = "Keyed BLAKE3: protects messages from change, does not hide them";
        Self { descriptor: describe("blake3-mac", summary, false, TAG_LEN, MAX_MESSAGES) }
    }
}

impl CipherModule for Blake3Mac {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(&self, _options: &Options) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(Mac))
    }
}

struct Mac;

impl Cipher for Mac {
    fn key(&self, key: &Secret<KEY_LEN>) -> Result<Box<dyn CipherKey>, Error> {
        Ok(Box::new(MacKey(key.clone())))
    }
}

struct MacKey(Secret<KEY_LEN>);

impl MacKey {
    fn tag(&self, nonce: Nonce, header: &[u8], text: &[u8]) -> [u8; TAG_LEN] {
        let mut hasher = Hasher::new_keyed(self.0.expose());
        for part in [nonce.as_bytes().as_slice(), header, text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let tag = hasher.finalize();
        hasher.zeroize();
        tag.into()
    }
}

impl CipherKey for MacKey {
    fn seal(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        check_text(buffer.len())?;
        let tag = self.tag(nonce, header, buffer);
        buffer.extend_from_slice(&tag);
        Ok(())
    }

    fn open(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        let (text, tag) = split_sealed::<TAG_LEN>(buffer)?;
        let len = text.len();
        // The tag that is right for a forged text is a secret too: its forger wants it.
        let mut right = self.tag(nonce, header, text);
        let same = bool::from(right.ct_eq(tag));
        right.zeroize();
        if !same {
            return Err(Error::DoesNotOpen);
        }
        buffer.truncate(len);
        Ok(())
    }
}
