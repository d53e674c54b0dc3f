//! The node's signing key.

use super::ring::checked_key;
use cenacle_plugin::Secret;
use ed25519_zebra::{Signature, SigningKey, VerificationKeyBytes};
use zeroize::Zeroize;

/// Bytes of an Ed25519 signature (RFC 8032, section 5.1.6).
pub const SIGNATURE_LEN: usize = 64;

/// The node's Ed25519 signing key; overwritten when it is dropped.
///
/// Signing is deterministic (RFC 8032), so it needs no randomness. What is signed always begins
/// with a domain string of its own; that keeps these signatures apart from others that the node's
/// identity makes, and is why arbitrary bytes cannot be signed from outside the crate.
pub struct Signer {
    // Boxed, so that moving the signer leaves no copy of the key behind. The library's type is
    // `Copy`: never take it out of here.
    key: Box<SigningKey>,
    public_key: [u8; 32],
}

impl Signer {
    /// The signer whose private key is `seed` (RFC 8032, section 5.1.5).
    pub fn new(seed: &Secret<32>) -> Self {
        let key = Box::new(SigningKey::from_bytes(seed.expose()));
        let public_key = VerificationKeyBytes::from(key.as_ref()).into();
        Self { key, public_key }
    }

    /// The public key, as views list it.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Signs `message`, which begins with a domain string.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.key.sign(message).to_bytes()
    }
}

/// Whether `signature` is that of `public_key` over `message` (ZIP 215, as of envelopes); never of a
/// key of small order, under which everything is signed.
pub(crate) fn is_signed_by(
    public_key: &[u8; 32],
    signature: &[u8; SIGNATURE_LEN],
    message: &[u8],
) -> bool {
    checked_key(0, *public_key)
        .is_ok_and(|key| key.verify(&Signature::from_bytes(signature), message).is_ok())
}

impl Drop for Signer {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
    const VECTORS: [[&str; 4]; 3] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
    ];

    #[test]
    fn rfc_8032_section_7_1() {
        for [seed, public_key, message, signature] in VECTORS {
            let signer = Signer::new(&Secret::new(bytes(seed).try_into().unwrap()));
            assert_eq!(signer.public_key().as_slice(), bytes(public_key));
            assert_eq!(signer.sign(&bytes(message)).as_slice(), bytes(signature));
        }
    }

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Signer::new(&Secret::new([7; 32]))), "Signer(…)");
    }
}
