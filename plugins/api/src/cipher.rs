//! The interface of cipher modules.

use crate::{Descriptor, Error, Options, Secret};

/// Bytes of a key, whatever the cipher: shorter keys take a part derived from it.
pub const KEY_LEN: usize = 32;

/// The most bytes that one call seals.
pub const MAX_PLAINTEXT: usize = 64 << 20;

/// A number used once under one key. The host derives a key for each epoch and sender and counts,
/// so that no two messages under one key share a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 12]);

impl Nonce {
    /// The nonce of message number `counter` under its key: four zero bytes and the number, most
    /// significant byte first (RFC 5116, section 3.2).
    pub fn from_counter(counter: u64) -> Self {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&counter.to_be_bytes());
        Self(bytes)
    }

    /// A nonce as it stands in a published test vector.
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The twelve bytes.
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

/// A cipher module: describes itself and prepares ciphers for one group.
pub trait CipherModule: Send + Sync {
    /// Name, properties, options.
    fn descriptor(&self) -> &Descriptor;

    /// The cipher with a group's options, which were checked against the descriptor.
    fn create(&self, options: &Options) -> Result<Box<dyn Cipher>, Error>;
}

/// A cipher with its options.
pub trait Cipher: Send + Sync {
    /// Prepares `key` for use; what was prepared is zeroised when it is dropped.
    fn key(&self, key: &Secret<KEY_LEN>) -> Result<Box<dyn CipherKey>, Error>;
}

/// A key ready for use. Sealing and opening are pure: the same input gives the same output.
pub trait CipherKey: Send + Sync {
    /// Seals `buffer` in place under `nonce`, bound to `header`, and appends the tag.
    fn seal(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error>;

    /// Opens `buffer` in place and cuts the tag off. On error `buffer` holds what it held.
    fn open(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error>;
}
