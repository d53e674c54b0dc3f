//! Exponents modulo the order q, constant-time throughout.

use super::SafePrime;
use crate::DecodeError;
use crypto_bigint::Uint;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// An exponent: an integer from 1 to q - 1.
#[derive(Clone)]
pub struct ModpScalar<P, const LIMBS: usize> {
    value: Uint<LIMBS>,
    prime: PhantomData<P>,
}

impl<P, const LIMBS: usize> Zeroize for ModpScalar<P, LIMBS> {
    fn zeroize(&mut self) {
        self.value.zeroize();
    }
}

impl<P, const LIMBS: usize> Drop for ModpScalar<P, LIMBS> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<P, const LIMBS: usize> ZeroizeOnDrop for ModpScalar<P, LIMBS> {}

impl<P, const LIMBS: usize> ConstantTimeEq for ModpScalar<P, LIMBS> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.value.ct_eq(&other.value)
    }
}

impl<P: SafePrime<LIMBS>, const LIMBS: usize> ModpScalar<P, LIMBS> {
    fn new(value: Uint<LIMBS>) -> Self {
        Self { value, prime: PhantomData }
    }

    pub(super) fn value(&self) -> &Uint<LIMBS> {
        &self.value
    }

    /// Twice as many uniform bits as the modulus has, reduced modulo q - 1, plus one: never zero,
    /// without a branch, and with a bias below 2^-500 even for the shortest modulus.
    pub(super) fn from_uniform(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Zeroizing::new(vec![0; 2 * Uint::<LIMBS>::BYTES]);
        fill(&mut bytes);
        let (low, high) = bytes.split_at(Uint::<LIMBS>::BYTES);
        let wide = Zeroizing::new((Uint::<LIMBS>::from_be_slice(low), Uint::from_be_slice(high)));
        // Variable in the time of the modulus only, which is public.
        let reduced = Uint::rem_wide_vartime(*wide, &P::EXPONENTS);
        Self::new(reduced.wrapping_add(&Uint::ONE))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() != Uint::<LIMBS>::BYTES {
            let (expected, actual) = (Uint::<LIMBS>::BYTES, bytes.len());
            return Err(DecodeError::Length { expected, actual });
        }
        // Made a scalar first, so that it is zeroised on the error path as well.
        let scalar = Self::new(Uint::from_be_slice(bytes));
        let too_small = scalar.value.ct_eq(&Uint::ZERO);
        let too_large =
            !subtle::ConstantTimeLess::ct_lt(&scalar.value, P::Order::PARAMS.modulus().as_ref());
        if bool::from(too_small | too_large) { Err(DecodeError::OutOfRange) } else { Ok(scalar) }
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bytes = Zeroizing::new(self.value.to_be_bytes());
        Zeroizing::new(bytes.as_ref().to_vec())
    }

    pub(super) fn from_u32(value: NonZeroU32) -> Self {
        Self::new(Uint::from_u32(value.get()))
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        let left = Zeroizing::new(ConstMontyForm::<P::Order, LIMBS>::new(&self.value));
        let right = Zeroizing::new(ConstMontyForm::<P::Order, LIMBS>::new(&other.value));
        let product = Zeroizing::new(left.mul(&right));
        Self::new(product.retrieve())
    }

    pub(super) fn invert(&self) -> Self {
        let form = Zeroizing::new(ConstMontyForm::<P::Order, LIMBS>::new(&self.value));
        // A scalar is not zero and q is prime, so the inverse exists.
        let inverse = Zeroizing::new(form.invert().to_inner_unchecked());
        Self::new(inverse.retrieve())
    }
}
