//! What the two AEAD ciphers (RFC 5116) have in common: a 32-byte key, a 12-byte nonce, a 16-byte
//! tag behind the text.

use super::{check_text, split_sealed};
use aes_gcm::aead::{
    AeadCore, AeadInOut, KeyInit, KeySizeUser,
    consts::{U12, U16, U32},
};
use cenacle_plugin::{Cipher, CipherKey, Error, KEY_LEN, Nonce, Secret};
use std::marker::PhantomData;
use zeroize::ZeroizeOnDrop;

/// Bytes of the tag.
pub(super) const TAG_LEN: usize = 16;

/// An AEAD algorithm of that shape whose prepared key overwrites itself when it is dropped.
pub(super) trait Algorithm:
    KeyInit
    + KeySizeUser<KeySize = U32>
    + AeadInOut
    + AeadCore<NonceSize = U12, TagSize = U16>
    + ZeroizeOnDrop
    + Send
    + Sync
    + 'static
{
}

impl<A> Algorithm for A where
    A: KeyInit
        + KeySizeUser<KeySize = U32>
        + AeadInOut
        + AeadCore<NonceSize = U12, TagSize = U16>
        + ZeroizeOnDrop
        + Send
        + Sync
        + 'static
{
}

/// A cipher without options: only the algorithm.
pub(super) struct Aead<A>(PhantomData<fn() -> A>);

impl<A> Aead<A> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A: Algorithm> Cipher for Aead<A> {
    fn key(&self, key: &Secret<KEY_LEN>) -> Result<Box<dyn CipherKey>, Error> {
        Ok(Box::new(AeadKey(A::new(key.expose().into()))))
    }
}

struct AeadKey<A>(A);

impl<A: Algorithm> CipherKey for AeadKey<A> {
    fn seal(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        check_text(buffer.len())?;
        let tag = self
            .0
            .encrypt_inout_detached(nonce.as_bytes().into(), header, buffer.as_mut_slice().into())
            .map_err(|_| Error::Bug("a cipher refused a message within its bounds"))?;
        // Grown only now: what a reallocation leaves behind in freed memory is sealed already.
        buffer.extend_from_slice(&tag);
        Ok(())
    }

    fn open(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        let (text, tag) = split_sealed::<TAG_LEN>(buffer)?;
        let len = text.len();
        // The tag is compared, in constant time, before the first byte is decrypted, so a refused
        // message leaves the buffer as it was.
        self.0
            .decrypt_inout_detached(nonce.as_bytes().into(), header, text.into(), tag.into())
            .map_err(|_| Error::DoesNotOpen)?;
        buffer.truncate(len);
        Ok(())
    }
}
