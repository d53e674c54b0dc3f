//! Secret bytes: zeroised on drop, compared in constant time, never printed.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes.
///
/// There is no `Debug` that shows them, equality takes the same time wherever the first difference
/// lies, and the memory is overwritten when the value is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes the bytes over; the caller's copy is the caller's to zeroise.
    pub fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one place that must hand them to a primitive.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// A secret derived from `material` under `context`, a string that names this one use
    /// (BLAKE3's `derive_key` mode; BLAKE3 specification, section 2.3).
    pub fn derive(context: &str, material: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(material);
        let mut bytes = [0; N];
        hasher.finalize_xof().fill(&mut bytes);
        hasher.zeroize();
        let secret = Self(bytes);
        bytes.zeroize();
        secret
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> std::fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret<{N}>(…)")
    }
}

/// For the boundary to a loaded module alone: a secret crosses it as a byte string.
impl<const N: usize> Serialize for Secret<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Secret<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec();
        let array: Result<[u8; N], _> = bytes.as_slice().try_into();
        bytes.zeroize();
        array.map(Self).map_err(|_| D::Error::custom(format!("a secret has {N} bytes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Secret::new([7u8; 4])), "Secret<4>(…)");
    }

    #[test]
    fn derivation_separates_contexts() {
        let one: Secret<32> = Secret::derive("cenacle test one", b"material");
        let two: Secret<32> = Secret::derive("cenacle test two", b"material");
        assert!(one != two);
        assert!(one == Secret::derive("cenacle test one", b"material"));
    }
}
