//! The primes are the ones of their formula, and safe.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use cenacle_dh::{Prime512, Prime1024, Prime2048, Prime3072, SafePrime};
use crypto_bigint::modular::ConstMontyParams;
use crypto_bigint::{Odd, Uint};
use crypto_primes::hazmat::MillerRabin;
use crypto_primes::{Flavor, is_prime};
use num_bigint::BigUint;

/// ⌊2^bits · π⌋ by Machin's formula, π = 16 arctan(1/5) - 4 arctan(1/239).
fn pi(bits: u32) -> BigUint {
    const GUARD: u32 = 64;
    let one = BigUint::from(1u8) << (bits + GUARD);
    let arctan_of_inverse = |x: u32| {
        let (mut plus, mut minus) = (BigUint::ZERO, BigUint::ZERO);
        let (mut term, mut odd) = (&one / x, 1u32);
        while term != BigUint::ZERO {
            if odd % 4 == 1 {
                plus += &term / odd
            } else {
                minus += &term / odd
            }
            term /= x * x;
            odd += 2;
        }
        plus - minus
    };
    (arctan_of_inverse(5) * 16u8 - arctan_of_inverse(239) * 4u8) >> GUARD
}

fn formula(bits: u32, k: u32) -> BigUint {
    let one = || BigUint::from(1u8);
    (one() << bits) - (one() << (bits - 64)) - one() + ((pi(bits - 130) + k) << 64)
}

/// Primality of q by the library (Miller-Rabin and Lucas, no known counterexample); then primality
/// of p = 2q + 1 by proof.
fn check<P: SafePrime<LIMBS>, const LIMBS: usize>(bits: u32, k: u32)
where
    Uint<LIMBS>: crypto_bigint::Unsigned + crypto_bigint::UnsignedWithMontyForm,
{
    let p = common::prime::<P, LIMBS>();
    assert_eq!(p, formula(bits, k), "the formula of RFC 2412, appendix E");
    assert_eq!(&p % 8u8, BigUint::from(7u8), "two is a square");
    assert_eq!(p.bits(), u64::from(bits));

    let q = P::Order::PARAMS.modulus();
    let order = BigUint::from_bytes_be(q.as_ref().to_be_bytes().as_ref());
    assert_eq!(&order * 2u8 + 1u8, p);
    assert_eq!(BigUint::from_bytes_be(P::EXPONENTS.as_ref().to_be_bytes().as_ref()) + 1u8, order);
    assert!(is_prime(Flavor::Any, q.as_ref()));
    assert!(is_prime(Flavor::Safe, P::Field::PARAMS.modulus().as_ref()));

    // Pocklington: q divides p - 1, q is prime and above the square root of p, 3^(p-1) = 1 modulo
    // p, and 3^((p-1)/q) - 1 = 8 has no divisor in common with the odd p. So p is prime.
    assert!(&order * &order > p);
    let three = BigUint::from(3u8);
    assert_eq!(three.modpow(&(&p - 1u8), &p), BigUint::from(1u8));

    // The order of 2 divides q, which is prime; 2 is not 1, so the order is q.
    assert_eq!(BigUint::from(2u8).modpow(&order, &p), BigUint::from(1u8));
}

#[test]
fn modp_512() {
    check::<Prime512, { Prime512::LIMBS }>(512, 131);
}

#[test]
fn modp_1024() {
    check::<Prime1024, { Prime1024::LIMBS }>(1024, 129_093);
}

#[test]
fn modp_2048() {
    check::<Prime2048, { Prime2048::LIMBS }>(2048, 124_476);
}

#[test]
fn modp_3072() {
    check::<Prime3072, { Prime3072::LIMBS }>(3072, 1_690_314);
}

/// Nothing was chosen about the one prime that no standard lists: every smaller k fails.
#[test]
fn modp_512_is_the_first_of_its_form() {
    const LIMBS: usize = Prime512::LIMBS;
    for k in 0..=131 {
        let p = Uint::<LIMBS>::from_be_slice(&formula(512, k).to_bytes_be());
        assert_eq!(is_prime(Flavor::Safe, &p), k == 131, "k = {k}");
    }
}

/// The library's test does refuse: a Carmichael number, and a strong pseudoprime to base two.
#[test]
fn the_primality_test_bites() {
    assert!(!is_prime(Flavor::Any, &Uint::<1>::from_u64(561)));
    let pseudoprime = Odd::new(Uint::<1>::from_u64(2047)).unwrap();
    assert!(MillerRabin::new(pseudoprime).test_base_two().is_probably_prime());
    assert!(!is_prime(Flavor::Any, pseudoprime.as_ref()));
}

/// The primes as RFC 3526 prints them, in its own layout, so that a reader can compare by eye.
#[test]
fn rfc_3526_text() {
    let group_14 = "
      FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1
      29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD
      EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245
      E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED
      EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE45B3D
      C2007CB8 A163BF05 98DA4836 1C55D39A 69163FA8 FD24CF5F
      83655D23 DCA3AD96 1C62F356 208552BB 9ED52907 7096966D
      670C354E 4ABC9804 F1746C08 CA18217C 32905E46 2E36CE3B
      E39E772C 180E8603 9B2783A2 EC07A28F B5C55DF0 6F4C52C9
      DE2BCBF6 95581718 3995497C EA956AE5 15D22618 98FA0510
      15728E5A 8AACAA68 FFFFFFFF FFFFFFFF";
    let group_15 = "
      FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1
      29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD
      EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245
      E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED
      EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE45B3D
      C2007CB8 A163BF05 98DA4836 1C55D39A 69163FA8 FD24CF5F
      83655D23 DCA3AD96 1C62F356 208552BB 9ED52907 7096966D
      670C354E 4ABC9804 F1746C08 CA18217C 32905E46 2E36CE3B
      E39E772C 180E8603 9B2783A2 EC07A28F B5C55DF0 6F4C52C9
      DE2BCBF6 95581718 3995497C EA956AE5 15D22618 98FA0510
      15728E5A 8AAAC42D AD33170D 04507A33 A85521AB DF1CBA64
      ECFB8504 58DBEF0A 8AEA7157 5D060C7D B3970F85 A6E1E4C7
      ABF5AE8C DB0933D7 1E8C94E0 4A25619D CEE3D226 1AD2EE6B
      F12FFA06 D98A0864 D8760273 3EC86A64 521F2B18 177B200C
      BBE11757 7A615D6C 770988C0 BAD946E2 08E24FA0 74E5AB31
      43DB5BFC E0FD108E 4B82D120 A93AD2CA FFFFFFFF FFFFFFFF";
    let number = |text: &str| {
        let digits: String = text.split_whitespace().collect();
        BigUint::from_bytes_be(&common::unhex(&digits))
    };
    assert_eq!(number(group_14), common::prime::<Prime2048, { Prime2048::LIMBS }>());
    assert_eq!(number(group_15), common::prime::<Prime3072, { Prime3072::LIMBS }>());
}
