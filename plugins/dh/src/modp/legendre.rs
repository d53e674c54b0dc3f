//! Membership in the group: the Legendre symbol of public values.
//!
//! The library's Jacobi symbol works bit by bit on whole numbers and takes a tenth of an
//! exponentiation. This one does 62 bits' worth of steps on the lowest machine words alone and
//! then applies them to the whole numbers at once, as in Bernstein and Yang, "Fast constant-time
//! gcd computation and modular inversion" (2019), with steps that keep both numbers positive so
//! that the symbol can be followed.
//!
//! Variable time, for public values only.

use crypto_bigint::{Odd, Uint};

/// Bits removed in one round; two bits fewer than a word has, because the law for a factor of two
/// looks two bits further.
const STEPS: u32 = 62;

/// Whether `value`, from 1 to `prime` - 1, is a square modulo `prime`.
pub(super) fn is_square<const LIMBS: usize>(value: &Uint<LIMBS>, prime: &Odd<Uint<LIMBS>>) -> bool {
    // Nobody has proved how many rounds the positive steps may need. Random values were measured
    // at 1.45 rounds for every 62 bits of both numbers, never above 1.6; whoever crafts one that
    // takes more than 3 gets the slow way, which always ends.
    let rounds = 3 * (2 * Uint::<LIMBS>::BITS / STEPS);
    jacobi(&words(value), &words(prime.as_ref()), rounds)
        .unwrap_or_else(|| value.jacobi_symbol_vartime(prime).is_one().into())
}

/// The little-endian 64-bit words of `value`, whatever the machine's word is.
fn words<const LIMBS: usize>(value: &Uint<LIMBS>) -> Vec<u64> {
    let join = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    value.to_le_bytes().as_ref().chunks(8).map(join).collect()
}

/// Whether the Jacobi symbol of `value` over the odd `modulus` is 1, or nothing after so many
/// rounds without an end. Both have the same number of words, at least one.
fn jacobi(value: &[u64], modulus: &[u64], rounds: u32) -> Option<bool> {
    let (mut upper, mut lower) = (value.to_vec(), modulus.to_vec());
    let (mut delta, mut flips) = (1, 0);
    for _ in 0..rounds {
        if let ([upper], [lower]) = (&upper[..], &lower[..]) {
            return Some(jacobi_of_words(*upper, *lower, flips));
        }
        let round = Round::new(upper[0], lower[0], &mut delta, &mut flips);
        round.apply(&mut upper, &mut lower);
        while upper.len() > 1 && upper.last() == Some(&0) && lower.last() == Some(&0) {
            upper.pop();
            lower.pop();
        }
    }
    None
}

/// 62 steps as a matrix: upper' = (q·upper + r·lower) / 2^62 and lower' = (u·upper + v·lower) / 2^62.
///
/// No step makes an entry negative, and the two of a row never add up to more than 2^62.
struct Round {
    q: u64,
    r: u64,
    u: u64,
    v: u64,
}

impl Round {
    /// The steps that the lowest words call for. `delta` says which number is probably the longer
    /// one; bit 0 of `flips` turns over with every change of sign of the symbol.
    fn new(mut upper: u64, mut lower: u64, delta: &mut i64, flips: &mut u64) -> Self {
        let Self { mut q, mut r, mut u, mut v } = Self { q: 1, r: 0, u: 0, v: 1 };
        let mut left = STEPS;
        loop {
            // (2·a | b) = -(a | b) if b is 3 or 5 modulo 8.
            let zeros = (upper | u64::MAX << left).trailing_zeros();
            *flips ^= u64::from(zeros) & (lower >> 1 ^ lower >> 2);
            upper >>= zeros;
            u <<= zeros;
            v <<= zeros;
            *delta += i64::from(zeros);
            left -= zeros;
            if left == 0 {
                return Self { q, r, u, v };
            }
            // (a | b) = -(b | a) if both are 3 modulo 4.
            if *delta > 0 {
                *delta = -*delta;
                *flips ^= (upper & lower) >> 1;
                (upper, lower, q, r, u, v) = (lower, upper, u, v, q, r);
            }
            // (a + w·b | b) = (a | b), with the w that clears the lowest bits of a: six, as far as
            // the formula for -1/b modulo 64 reaches, but none beyond the round or the next swap.
            let bits = left.min(6).min(u32::try_from(1 - *delta).unwrap_or(6));
            let negated_inverse = lower.wrapping_mul(lower.wrapping_mul(lower).wrapping_sub(2));
            let w = upper.wrapping_mul(negated_inverse) & ((1 << bits) - 1);
            upper = upper.wrapping_add(w.wrapping_mul(lower));
            q += w * u;
            r += w * v;
        }
    }

    fn apply(&self, upper: &mut [u64], lower: &mut [u64]) {
        let (mut carry_upper, mut carry_lower) = (0, 0);
        let (mut last_upper, mut last_lower) = (0, 0);
        for index in 0..upper.len() {
            let (a, b) = (u128::from(upper[index]), u128::from(lower[index]));
            let sum_upper = u128::from(self.q) * a + u128::from(self.r) * b + carry_upper;
            let sum_lower = u128::from(self.u) * a + u128::from(self.v) * b + carry_lower;
            (carry_upper, carry_lower) = (sum_upper >> 64, sum_lower >> 64);
            let (low_upper, low_lower) = (low_word(sum_upper), low_word(sum_lower));
            if index > 0 {
                upper[index - 1] = last_upper >> STEPS | low_upper << (64 - STEPS);
                lower[index - 1] = last_lower >> STEPS | low_lower << (64 - STEPS);
            }
            (last_upper, last_lower) = (low_upper, low_lower);
        }
        if let (Some(upper), Some(lower)) = (upper.last_mut(), lower.last_mut()) {
            *upper = last_upper >> STEPS | low_word(carry_upper) << (64 - STEPS);
            *lower = last_lower >> STEPS | low_word(carry_lower) << (64 - STEPS);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
fn low_word(sum: u128) -> u64 {
    sum as u64
}

/// The symbol of two words, by the textbook.
fn jacobi_of_words(mut upper: u64, mut lower: u64, mut flips: u64) -> bool {
    while upper != 0 {
        let zeros = upper.trailing_zeros();
        flips ^= u64::from(zeros) & (lower >> 1 ^ lower >> 2);
        upper >>= zeros;
        flips ^= (upper & lower) >> 1;
        (upper, lower) = (lower % upper, upper);
    }
    lower == 1 && flips & 1 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modp::{Prime512, Prime2048, Prime3072, SafePrime};
    use crypto_bigint::modular::ConstMontyParams;

    fn random<const LIMBS: usize>(number: u64) -> Uint<LIMBS> {
        let mut bytes = vec![0; Uint::<LIMBS>::BYTES];
        let hash = blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof();
        { hash }.fill(&mut bytes);
        Uint::from_be_slice(&bytes)
    }

    fn agrees_with_the_library<P: SafePrime<LIMBS>, const LIMBS: usize>(values: u64) {
        let prime = P::Field::PARAMS.modulus();
        let random = (0..values).map(random::<LIMBS>);
        let small = (1..40u32).map(Uint::from_u32);
        let powers =
            (0..Uint::<LIMBS>::BITS).step_by(LIMBS + 3).map(|bit| Uint::ONE.shl_vartime(bit));
        for value in random.chain(small).chain(powers).filter(|value| value < prime.as_ref()) {
            let expected: bool = value.jacobi_symbol_vartime(prime).is_one().into();
            assert_eq!(is_square(&value, prime), expected, "{value}");
            let negative = prime.as_ref().wrapping_sub(&value);
            assert_eq!(is_square(&negative, prime), !expected, "the prime is 3 modulo 4");
        }
    }

    #[test]
    fn squares_are_those_of_the_library() {
        agrees_with_the_library::<Prime512, { Prime512::LIMBS }>(2000);
        agrees_with_the_library::<Prime2048, { Prime2048::LIMBS }>(100);
        agrees_with_the_library::<Prime3072, { Prime3072::LIMBS }>(30);
    }

    #[test]
    fn symbols_over_composites_are_those_of_the_library() {
        for number in 0..2000 {
            let value = random::<{ Prime512::LIMBS }>(number).shr_vartime((number % 500) as u32);
            let modulus = random::<{ Prime512::LIMBS }>(!number) | Uint::ONE;
            let modulus = modulus.to_odd().unwrap();
            let expected: bool = value.jacobi_symbol_vartime(&modulus).is_one().into();
            let symbol = jacobi(&words(&value), &words(modulus.as_ref()), 200);
            // A common divisor above 64 bits never gets short enough to end; none is expected here.
            assert_eq!(symbol, Some(expected), "{value} over {modulus:?}");
        }
    }

    #[test]
    fn random_values_are_far_from_the_limit() {
        fn check<P: SafePrime<LIMBS>, const LIMBS: usize>() {
            let prime = words(P::Field::PARAMS.modulus().as_ref());
            let rounds = 2 * (2 * Uint::<LIMBS>::BITS / STEPS);
            for number in 0..200 {
                assert!(jacobi(&words(&random::<LIMBS>(number)), &prime, rounds).is_some());
            }
        }
        check::<Prime512, { Prime512::LIMBS }>();
        check::<Prime3072, { Prime3072::LIMBS }>();
    }

    #[test]
    fn what_does_not_end_is_left_to_the_library() {
        let prime = Prime512::PARAMS.modulus();
        assert_eq!(
            jacobi(&words(&random::<{ Prime512::LIMBS }>(1)), &words(prime.as_ref()), 3),
            None
        );
    }
}
