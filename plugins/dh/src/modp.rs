//! The squares modulo a safe prime: classic Diffie-Hellman groups.
//!
//! With p = 2q + 1 and q prime, the nonzero squares modulo p are a group of prime order q. An
//! integer from 1 to p - 1 belongs to it exactly if its Legendre symbol is 1, so membership costs
//! a greatest common divisor, not an exponentiation. All primes here are 7 modulo 8, so 2 is a
//! square and generates the group.
//!
//! Exponents are as long as q. RFC 3526 and RFC 7919 allow shorter ones with the same security
//! against known attacks; key agreement inverts and multiplies exponents and hashes elements into
//! them, which makes them full-sized, and the papers' costs are those of full-sized ones.
//!
//! An element is encoded as p is long, in network byte order with leading zeros (RFC 8446, section
//! 4.2.8.1; RFC 7919, section 3); an exponent likewise.

mod comb;
mod legendre;
mod prime;
mod scalar;

pub use comb::Comb;
pub use prime::{Prime512, Prime1024, Prime2048, Prime3072, SafePrime};
pub use scalar::ModpScalar;

use crate::{DecodeError, DhGroup, hash};
use cenacle_plugin::Random;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{U512, U1024, U2048, U3072, Uint};
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use zeroize::{Zeroize, Zeroizing};

/// The squares modulo the safe prime `P` of `LIMBS` machine words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modp<P, const LIMBS: usize>(PhantomData<P>);

/// RFC 3526, group 14: 2048 bits, about as strong as 112 bits.
pub type Modp2048 = Modp<Prime2048, { U2048::LIMBS }>;
/// RFC 3526, group 15: 3072 bits, about as strong as 128 bits.
pub type Modp3072 = Modp<Prime3072, { U3072::LIMBS }>;
/// RFC 2409, group 2: 1024 bits. For benchmarks only: too weak to use.
pub type Modp1024 = Modp<Prime1024, { U1024::LIMBS }>;
/// 512 bits, the length that the papers measured. For benchmarks only: broken.
pub type Modp512 = Modp<Prime512, { U512::LIMBS }>;

/// A nonzero square modulo `P`, in Montgomery form.
#[derive(Clone, PartialEq, Eq)]
pub struct ModpElement<P: SafePrime<LIMBS>, const LIMBS: usize>(ConstMontyForm<P::Field, LIMBS>);

impl<P: SafePrime<LIMBS>, const LIMBS: usize> Zeroize for ModpElement<P, LIMBS> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<P: SafePrime<LIMBS>, const LIMBS: usize> fmt::Debug for ModpElement<P, LIMBS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hash::debug(&Modp::<P, LIMBS>::default(), self, f)
    }
}

impl<P: SafePrime<LIMBS>, const LIMBS: usize> DhGroup for Modp<P, LIMBS> {
    type Element = ModpElement<P, LIMBS>;
    type Scalar = ModpScalar<P, LIMBS>;

    const NAME: &'static str = P::NAME;
    const ELEMENT_LEN: usize = Uint::<LIMBS>::BYTES;
    const SCALAR_LEN: usize = Uint::<LIMBS>::BYTES;

    fn generator(&self) -> Self::Element {
        ModpElement(ConstMontyForm::new(&P::GENERATOR))
    }

    fn identity(&self) -> Self::Element {
        ModpElement(ConstMontyForm::ONE)
    }

    fn is_identity(&self, element: &Self::Element) -> bool {
        element.0 == ConstMontyForm::ONE
    }

    fn decode_with_identity(&self, bytes: &[u8]) -> Result<Self::Element, DecodeError> {
        if bytes.len() != Self::ELEMENT_LEN {
            let (expected, actual) = (Self::ELEMENT_LEN, bytes.len());
            return Err(DecodeError::Length { expected, actual });
        }
        let value = Uint::<LIMBS>::from_be_slice(bytes);
        let prime = P::Field::PARAMS.modulus();
        if value == Uint::ZERO || value >= *prime.as_ref() {
            return Err(DecodeError::OutOfRange);
        }
        if !legendre::is_square(&value, prime) {
            return Err(DecodeError::NotMember);
        }
        Ok(ModpElement(ConstMontyForm::new(&value)))
    }

    fn encode(&self, element: &Self::Element, out: &mut Vec<u8>) {
        out.extend_from_slice(element.0.retrieve().to_be_bytes().as_ref());
    }

    fn random_scalar(&self, random: &mut Random) -> Self::Scalar {
        ModpScalar::from_uniform(|bytes| random.fill(bytes))
    }

    fn hash_to_scalar(&self, domain: &str, element: &Self::Element) -> Self::Scalar {
        ModpScalar::from_uniform(|bytes| hash::expand(self, domain, element, bytes))
    }

    fn scalar_from_bytes(&self, bytes: &[u8]) -> Result<Self::Scalar, DecodeError> {
        ModpScalar::from_bytes(bytes)
    }

    fn scalar_bytes(&self, scalar: &Self::Scalar) -> Zeroizing<Vec<u8>> {
        scalar.to_bytes()
    }

    fn scalar_from_u32(&self, value: NonZeroU32) -> Self::Scalar {
        ModpScalar::from_u32(value)
    }

    fn invert(&self, scalar: &Self::Scalar) -> Self::Scalar {
        scalar.invert()
    }

    fn multiply(&self, left: &Self::Scalar, right: &Self::Scalar) -> Self::Scalar {
        left.multiply(right)
    }

    fn exp_base(&self, exponent: &Self::Scalar) -> Self::Element {
        ModpElement(P::comb().pow(exponent.value()))
    }

    fn exp(&self, base: &Self::Element, exponent: &Self::Scalar) -> Self::Element {
        ModpElement(base.0.pow(exponent.value()))
    }

    fn product(&self, left: &Self::Element, right: &Self::Element) -> Self::Element {
        ModpElement(left.0.mul(&right.0))
    }

    fn quotient(&self, left: &Self::Element, right: &Self::Element) -> Self::Element {
        // An element is never zero, so the inverse exists.
        ModpElement(left.0.mul(&right.0.invert().to_inner_unchecked()))
    }
}
