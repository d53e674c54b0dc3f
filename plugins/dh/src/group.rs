//! The one trait that every key agreement module computes with.

use crate::{DecodeError, hash};
use cenacle_plugin::{Random, Secret};
use std::fmt::Debug;
use std::num::NonZeroU32;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A group of prime order in which the decisional Diffie-Hellman problem is believed to be hard,
/// written multiplicatively as the key agreement papers do.
///
/// Implementations are zero-sized: a group is a type, and its constants are known to the compiler.
///
/// Everything that takes a [`Scalar`](Self::Scalar) is constant-time in it.
pub trait DhGroup: Clone + Copy + Default + Send + Sync + 'static {
    /// A member of the group.
    ///
    /// Mostly a public value; a shared key before it is hashed is one too, hence `Zeroize` (wrap
    /// such a value in [`Zeroizing`]) and a `Debug` that shows a short fingerprint only.
    type Element: Clone + PartialEq + Eq + Debug + Zeroize + Send + Sync + 'static;

    /// A secret exponent, between 1 and the group order less 1; zeroised on drop, never printed.
    type Scalar: Clone + Send + Sync + ZeroizeOnDrop + ConstantTimeEq + 'static;

    /// The name in configurations and charters.
    const NAME: &'static str;

    /// Bytes of one encoded element; all elements have the same.
    const ELEMENT_LEN: usize;

    /// Bytes of one encoded scalar.
    const SCALAR_LEN: usize;

    /// The generator that [`exp_base`](Self::exp_base) raises.
    fn generator(&self) -> Self::Element;

    /// The neutral element.
    fn identity(&self) -> Self::Element;

    /// Whether `element` is the neutral element.
    fn is_identity(&self, element: &Self::Element) -> bool;

    /// Decodes what a peer sent. Variable time: the bytes are public.
    ///
    /// # Errors
    ///
    /// Refuses a wrong length, an encoding that is not the canonical one, a value outside the
    /// prime-order group, and the identity (with which a peer would dictate the key).
    fn decode(&self, bytes: &[u8]) -> Result<Self::Element, DecodeError> {
        let element = self.decode_with_identity(bytes)?;
        if self.is_identity(&element) { Err(DecodeError::Identity) } else { Ok(element) }
    }

    /// Decodes what a peer sent where the identity is a legal value: a Burmester-Desmedt X of two
    /// members is always the identity. Variable time: the bytes are public.
    ///
    /// # Errors
    ///
    /// The same as [`decode`](Self::decode), but for the identity.
    fn decode_with_identity(&self, bytes: &[u8]) -> Result<Self::Element, DecodeError>;

    /// Appends the [`ELEMENT_LEN`](Self::ELEMENT_LEN) bytes of `element` to `out`.
    fn encode(&self, element: &Self::Element, out: &mut Vec<u8>);

    /// A uniform exponent; its distance from uniform is below 2^-128.
    fn random_scalar(&self, random: &mut Random) -> Self::Scalar;

    /// An exponent from a group element, under `domain`, a string that names this one use
    /// ([`Secret::derive`] has the same rule). Distributed as [`random_scalar`](Self::random_scalar)
    /// when BLAKE3 is seen as a random oracle.
    fn hash_to_scalar(&self, domain: &str, element: &Self::Element) -> Self::Scalar;

    /// A key from a group element, under `domain`: a shared element is never used as a key
    /// directly.
    fn hash_to_secret(&self, domain: &str, element: &Self::Element) -> Secret<32> {
        let mut bytes = Zeroizing::new([0; 32]);
        hash::expand(self, domain, element, bytes.as_mut());
        Secret::new(*bytes)
    }

    /// The exponent that `bytes` encode: [`SCALAR_LEN`](Self::SCALAR_LEN) bytes, in the byte order
    /// that the group's specification uses for elements.
    ///
    /// # Errors
    ///
    /// Refuses a wrong length, zero, and the group order and above. Whether it was refused is not
    /// a secret; of an accepted value nothing shows in the time.
    fn scalar_from_bytes(&self, bytes: &[u8]) -> Result<Self::Scalar, DecodeError>;

    /// The encoding that [`scalar_from_bytes`](Self::scalar_from_bytes) reads.
    fn scalar_bytes(&self, scalar: &Self::Scalar) -> Zeroizing<Vec<u8>>;

    /// A small exponent. Not zero, because no scalar is; every group order is above 2^32.
    fn scalar_from_u32(&self, value: NonZeroU32) -> Self::Scalar;

    /// The inverse modulo the group order.
    fn invert(&self, scalar: &Self::Scalar) -> Self::Scalar;

    /// The product modulo the group order.
    fn multiply(&self, left: &Self::Scalar, right: &Self::Scalar) -> Self::Scalar;

    /// The generator to the power of `exponent`, from a precomputed table.
    fn exp_base(&self, exponent: &Self::Scalar) -> Self::Element;

    /// `base` to the power of `exponent`.
    fn exp(&self, base: &Self::Element, exponent: &Self::Scalar) -> Self::Element;

    /// Appends the encodings of all `bases` raised to one `exponent`. What is sent and not used any
    /// further is cheaper this way where encodings of several elements share their dearest step.
    fn exp_encoded(&self, bases: &[Self::Element], exponent: &Self::Scalar, out: &mut Vec<u8>) {
        bases.iter().for_each(|base| self.encode(&self.exp(base, exponent), out));
    }

    /// `base` to the power of a small public `exponent`, such as a number of members. Variable
    /// time in the exponent, constant time in the base.
    fn exp_small(&self, base: &Self::Element, exponent: u32) -> Self::Element {
        let mut power = self.identity();
        for bit in (0..u32::BITS - exponent.leading_zeros()).rev() {
            power = self.product(&power, &power);
            if exponent >> bit & 1 == 1 {
                power = self.product(&power, base);
            }
        }
        power
    }

    /// `left` times `right`.
    fn product(&self, left: &Self::Element, right: &Self::Element) -> Self::Element;

    /// `left` divided by `right`. For integers modulo a prime this costs an inversion, about a
    /// tenth of an exponentiation.
    fn quotient(&self, left: &Self::Element, right: &Self::Element) -> Self::Element;
}
