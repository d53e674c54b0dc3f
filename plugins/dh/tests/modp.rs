//! The safe-prime groups against plain integers, and what their decoding refuses.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use cenacle_dh::{DecodeError, DhGroup, Modp, SafePrime};
use cenacle_dh::{Prime512, Prime1024, Prime2048, Prime3072};
use common::{encoding, padded};
use crypto_bigint::modular::ConstMontyParams;
use num_bigint::BigUint;

/// Runs one generic check for every prime.
macro_rules! for_each_prime {
    ($($name:ident: $check:ident, $times:expr;)*) => { $(
        #[test]
        fn $name() {
            let times: [usize; 4] = $times;
            $check::<Prime512, { Prime512::LIMBS }>(times[0]);
            $check::<Prime1024, { Prime1024::LIMBS }>(times[1]);
            $check::<Prime2048, { Prime2048::LIMBS }>(times[2]);
            $check::<Prime3072, { Prime3072::LIMBS }>(times[3]);
        }
    )* };
}

for_each_prime! {
    exponentiation_is_that_of_integers: exponentiation, [300, 60, 12, 4];
    extreme_exponents: extremes, [1, 1, 1, 1];
    exponents_compute_modulo_the_order: exponents, [200, 100, 40, 20];
    decoding_refuses_what_is_no_member: refusals, [200, 50, 20, 8];
}

fn setup<P: SafePrime<L>, const L: usize>() -> (Modp<P, L>, BigUint, BigUint) {
    let p = common::prime::<P, L>();
    let q = &p >> 1u8;
    (Modp::default(), p, q)
}

fn exponentiation<P: SafePrime<L>, const L: usize>(times: usize) {
    let (group, p, q) = setup::<P, L>();
    let mut random = common::random("exponentiation");
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    for _ in 0..times {
        let (a, b) = (group.random_scalar(&mut random), group.random_scalar(&mut random));
        let (x, y) = (number(&group.scalar_bytes(&a)), number(&group.scalar_bytes(&b)));
        assert!(x < q && x != BigUint::ZERO);

        let base = BigUint::from(2u8).modpow(&x, &p);
        let element = group.exp_base(&a);
        assert_eq!(encoding(&group, &element), padded::<Modp<P, L>>(&base));
        assert_eq!(group.exp(&group.generator(), &a), element);
        assert_eq!(group.decode(&padded::<Modp<P, L>>(&base)), Ok(element.clone()));

        let power = group.exp(&element, &b);
        assert_eq!(number(&encoding(&group, &power)), base.modpow(&y, &p));
        let product = group.product(&element, &power);
        assert_eq!(number(&encoding(&group, &product)), base.modpow(&(y + 1u8), &p));
    }
}

/// The first and the last exponents, and single bits: every row and block of the table.
fn extremes<P: SafePrime<L>, const L: usize>(_: usize) {
    let (group, p, q) = setup::<P, L>();
    let bits = (0..q.bits()).step_by(23).map(|bit| BigUint::from(1u8) << bit);
    let edges = [BigUint::from(1u8), &q - 1u8, &q - 2u8, BigUint::from(1u8) << (q.bits() - 1)];
    let exponents: Vec<BigUint> =
        if L > 16 { edges.to_vec() } else { edges.into_iter().chain(bits).collect() };
    for exponent in exponents {
        let scalar = group.scalar_from_bytes(&padded::<Modp<P, L>>(&exponent)).unwrap();
        let expected = padded::<Modp<P, L>>(&BigUint::from(2u8).modpow(&exponent, &p));
        assert_eq!(encoding(&group, &group.exp_base(&scalar)), expected);
        assert_eq!(encoding(&group, &group.exp(&group.generator(), &scalar)), expected);
    }
}

fn exponents<P: SafePrime<L>, const L: usize>(times: usize) {
    let (group, _, q) = setup::<P, L>();
    let mut random = common::random("exponents");
    let number = |scalar: &_| BigUint::from_bytes_be(&group.scalar_bytes(scalar));
    for _ in 0..times {
        let (a, b) = (group.random_scalar(&mut random), group.random_scalar(&mut random));
        assert_eq!(number(&group.multiply(&a, &b)), number(&a) * number(&b) % &q);
        assert_eq!(number(&a) * number(&group.invert(&a)) % &q, BigUint::from(1u8));
    }
    for refused in [BigUint::ZERO, q.clone(), &q + 1u8, (BigUint::from(1u8) << q.bits()) + 1u8] {
        let bytes = padded::<Modp<P, L>>(&refused);
        assert_eq!(group.scalar_from_bytes(&bytes).err(), Some(DecodeError::OutOfRange));
    }
}

fn refusals<P: SafePrime<L>, const L: usize>(times: usize) {
    let (group, p, q) = setup::<P, L>();
    let decode = |number: &BigUint| group.decode(&padded::<Modp<P, L>>(number)).err();
    let one = BigUint::from(1u8);

    for out_of_range in [BigUint::ZERO, p.clone(), &p + 1u8, &p + 2u8, (&one << p.bits()) - 1u8] {
        assert_eq!(decode(&out_of_range), Some(DecodeError::OutOfRange));
    }
    assert_eq!(decode(&one), Some(DecodeError::Identity));
    assert_eq!(
        group.decode_with_identity(&padded::<Modp<P, L>>(&one)),
        Ok(group.identity()),
        "allowed where it is asked for"
    );
    assert_eq!(decode(&(&p - 1u8)), Some(DecodeError::NotMember), "the element of order two");
    assert_eq!(decode(&(&p - 2u8)), Some(DecodeError::NotMember), "of order 2q");
    assert_eq!(decode(&BigUint::from(2u8)), None);

    let expected = Modp::<P, L>::ELEMENT_LEN;
    assert_eq!(expected as u64 * 8, p.bits());
    for length in [0, 1, expected - 1, expected + 1] {
        let refused = group.decode(&vec![0; length]).err();
        assert_eq!(refused, Some(DecodeError::Length { expected, actual: length }));
    }

    // Euler's criterion decides as decoding does, on values that nobody chose.
    let mut random = common::random("refusals");
    let mut members = 0;
    for _ in 0..times {
        let mut bytes = padded::<Modp<P, L>>(&one);
        random.fill(&mut bytes);
        let number = BigUint::from_bytes_be(&bytes) % &p;
        let is_member = number.modpow(&q, &p) == one;
        assert_eq!(decode(&number), (!is_member).then_some(DecodeError::NotMember));
        members += usize::from(is_member);
    }
    assert!(members > 0 && members < times, "both kinds were tried");
}
