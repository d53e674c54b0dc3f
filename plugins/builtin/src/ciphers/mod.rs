//! The ciphers. Each seals in place and appends its tag.

mod aead;
mod aes256gcm;
mod blake3_mac;
mod chacha20poly1305;

use aes256gcm::Aes256Gcm;
use blake3_mac::Blake3Mac;
use cenacle_plugin::{CipherModule, Descriptor, Error, KEY_LEN, MAX_PLAINTEXT, Properties};
pub(crate) use chacha20poly1305::ChaCha20Poly1305;
use std::sync::Arc;

/// Every built-in cipher, the default first.
pub fn ciphers() -> Vec<Arc<dyn CipherModule>> {
    vec![
        Arc::new(ChaCha20Poly1305::default()),
        Arc::new(Aes256Gcm::default()),
        Arc::new(Blake3Mac::default()),
    ]
}

/// The descriptor of a cipher that has no options and takes keys as the host has them.
fn describe(
    name: &str,
    summary: &str,
    confidential: bool,
    overhead: usize,
    max_messages: u64,
) -> Descriptor {
    // Both lengths are small constants.
    let bytes = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    let (key_len, overhead) = (bytes(KEY_LEN), bytes(overhead));
    Descriptor {
        name: name.to_owned(),
        version: "1".to_owned(),
        summary: summary.to_owned(),
        properties: Properties::Cipher { confidential, key_len, overhead, max_messages },
        options: Vec::new(),
    }
}

/// Refuses text that is longer than one call may seal.
fn check_text(len: usize) -> Result<(), Error> {
    if len > MAX_PLAINTEXT {
        return Err(Error::BadLength {
            what: "a message to seal",
            got: len,
            want: format!("at most {MAX_PLAINTEXT}"),
        });
    }
    Ok(())
}

/// Cuts a sealed buffer into its text and its tag of `TAG` bytes; refuses one too short for a tag,
/// and one so long that no call can have sealed it, before any work is spent on it.
fn split_sealed<const TAG: usize>(buffer: &mut [u8]) -> Result<(&mut [u8], &[u8; TAG]), Error> {
    let (text, tag) = buffer.split_last_chunk_mut::<TAG>().ok_or(Error::DoesNotOpen)?;
    if text.len() > MAX_PLAINTEXT {
        return Err(Error::BadLength {
            what: "a sealed message",
            got: text.len().saturating_add(TAG),
            want: format!("at most {}", MAX_PLAINTEXT.saturating_add(TAG)),
        });
    }
    Ok((text, tag))
}
