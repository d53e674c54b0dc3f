//! ristretto255 (RFC 9496): a group of prime order about 2^252, built on Curve25519.
//!
//! Every 32-byte string decodes to at most one element and there is no cofactor, so decoding is
//! the whole membership check (RFC 9496, section 4.3.1).

use crate::{DecodeError, DhGroup, hash};
use cenacle_plugin::Random;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use std::fmt;
use std::num::NonZeroU32;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The default group: the fastest at its strength, and the smallest messages (32 bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ristretto255;

/// An element of [`Ristretto255`].
#[derive(Clone, PartialEq, Eq, Zeroize)]
pub struct RistrettoElement(RistrettoPoint);

impl fmt::Debug for RistrettoElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hash::debug(&Ristretto255, self, f)
    }
}

/// An exponent of [`Ristretto255`]: an integer from 1 up to the group order less 1.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RistrettoScalar(Scalar);

impl ConstantTimeEq for RistrettoScalar {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// 512 bits reduced modulo a 253-bit order: a bias below 2^-259.
fn reduce(wide: &[u8; 64]) -> RistrettoScalar {
    let scalar = Scalar::from_bytes_mod_order_wide(wide);
    // Zero has a probability of 2^-252; one stands in, so that there is no branch and no error.
    let zero = scalar.ct_eq(&Scalar::ZERO);
    RistrettoScalar(Scalar::conditional_select(&scalar, &Scalar::ONE, zero))
}

impl DhGroup for Ristretto255 {
    type Element = RistrettoElement;
    type Scalar = RistrettoScalar;

    const NAME: &'static str = "ristretto255";
    const ELEMENT_LEN: usize = 32;
    const SCALAR_LEN: usize = 32;

    fn generator(&self) -> RistrettoElement {
        RistrettoElement(RISTRETTO_BASEPOINT_POINT)
    }

    fn identity(&self) -> RistrettoElement {
        RistrettoElement(RistrettoPoint::identity())
    }

    fn is_identity(&self, element: &RistrettoElement) -> bool {
        element.0 == RistrettoPoint::identity()
    }

    fn decode_with_identity(&self, bytes: &[u8]) -> Result<RistrettoElement, DecodeError> {
        let encoding = CompressedRistretto::from_slice(bytes).map_err(|_| DecodeError::Length {
            expected: Self::ELEMENT_LEN,
            actual: bytes.len(),
        })?;
        encoding.decompress().map(RistrettoElement).ok_or(DecodeError::NotMember)
    }

    fn encode(&self, element: &RistrettoElement, out: &mut Vec<u8>) {
        out.extend_from_slice(element.0.compress().as_bytes());
    }

    fn random_scalar(&self, random: &mut Random) -> RistrettoScalar {
        let mut wide = Zeroizing::new([0; 64]);
        random.fill(wide.as_mut());
        reduce(&wide)
    }

    fn hash_to_scalar(&self, domain: &str, element: &RistrettoElement) -> RistrettoScalar {
        let mut wide = Zeroizing::new([0; 64]);
        hash::expand(self, domain, element, wide.as_mut());
        reduce(&wide)
    }

    /// Little-endian, as RFC 9496 writes scalars (section 4.4).
    fn scalar_from_bytes(&self, bytes: &[u8]) -> Result<RistrettoScalar, DecodeError> {
        let wrong = DecodeError::Length { expected: Self::SCALAR_LEN, actual: bytes.len() };
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.try_into().map_err(|_| wrong)?);
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(*bytes).into();
        match scalar {
            Some(scalar) if scalar != Scalar::ZERO => Ok(RistrettoScalar(scalar)),
            _ => Err(DecodeError::OutOfRange),
        }
    }

    fn scalar_bytes(&self, scalar: &RistrettoScalar) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(scalar.0.as_bytes().to_vec())
    }

    fn scalar_from_u32(&self, value: NonZeroU32) -> RistrettoScalar {
        RistrettoScalar(Scalar::from(value.get()))
    }

    fn invert(&self, scalar: &RistrettoScalar) -> RistrettoScalar {
        RistrettoScalar(scalar.0.invert())
    }

    fn multiply(&self, left: &RistrettoScalar, right: &RistrettoScalar) -> RistrettoScalar {
        RistrettoScalar(left.0 * right.0)
    }

    fn exp_base(&self, exponent: &RistrettoScalar) -> RistrettoElement {
        RistrettoElement(RistrettoPoint::mul_base(&exponent.0))
    }

    fn exp(&self, base: &RistrettoElement, exponent: &RistrettoScalar) -> RistrettoElement {
        RistrettoElement(base.0 * exponent.0)
    }

    /// The library encodes the doubles of many points with one inversion for all (0.8 µs each
    /// instead of 5), so the bases are raised to half the exponent: the order is odd, so it has one.
    fn exp_encoded(
        &self,
        bases: &[RistrettoElement],
        exponent: &RistrettoScalar,
        out: &mut Vec<u8>,
    ) {
        let half = RistrettoScalar(exponent.0.div_by_2());
        let roots: Vec<RistrettoPoint> = bases.iter().map(|base| base.0 * half.0).collect();
        for encoding in RistrettoPoint::double_and_compress_batch(&roots) {
            out.extend_from_slice(encoding.as_bytes());
        }
    }

    fn product(&self, left: &RistrettoElement, right: &RistrettoElement) -> RistrettoElement {
        RistrettoElement(left.0 + right.0)
    }

    fn quotient(&self, left: &RistrettoElement, right: &RistrettoElement) -> RistrettoElement {
        RistrettoElement(left.0 - right.0)
    }
}
