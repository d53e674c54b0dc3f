//! What holds in every group.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use cenacle_dh::{DecodeError, DhGroup, GroupId, with_group};
use common::encoding;
use std::num::NonZeroU32;
use zeroize::{Zeroize, ZeroizeOnDrop};

fn for_each_group(check: impl Fn(GroupId)) {
    GroupId::ALL.into_iter().for_each(check);
}

#[test]
fn exponents_commute_and_cancel() {
    fn check<G: DhGroup>() {
        let group = G::default();
        let mut random = common::random("laws");
        for _ in 0..3 {
            let (a, b) = (group.random_scalar(&mut random), group.random_scalar(&mut random));
            let (left, right) = (group.exp_base(&a), group.exp_base(&b));
            let shared = group.exp(&left, &b);
            assert_eq!(shared, group.exp(&right, &a));
            assert_eq!(shared, group.exp_base(&group.multiply(&a, &b)));
            assert_eq!(group.exp(&shared, &group.invert(&b)), left, "what GDH factors out");
            let one = group.multiply(&a, &group.invert(&a));
            assert!(bool::from(one.ct_eq(&group.scalar_from_u32(NonZeroU32::MIN))));
            assert!(!bool::from(a.ct_eq(&b)));
        }
    }
    use subtle::ConstantTimeEq;
    for_each_group(|id| with_group!(id, G => check::<G>()));
}

#[test]
fn products_and_quotients() {
    fn check<G: DhGroup>() {
        let group = G::default();
        let mut random = common::random("products");
        let a = group.exp_base(&group.random_scalar(&mut random));
        let b = group.exp_base(&group.random_scalar(&mut random));
        assert_eq!(group.product(&a, &b), group.product(&b, &a));
        assert_eq!(group.quotient(&group.product(&a, &b), &b), a);
        assert_eq!(group.product(&a, &group.identity()), a);
        assert!(group.is_identity(&group.quotient(&a, &a)));
        assert!(!group.is_identity(&a));
        let exponent = group.random_scalar(&mut random);
        assert!(group.is_identity(&group.exp(&group.identity(), &exponent)));

        let bases = [a, group.identity(), b];
        let mut encoded = vec![7];
        group.exp_encoded(&bases, &exponent, &mut encoded);
        let each = bases.iter().map(|base| encoding(&group, &group.exp(base, &exponent)));
        assert_eq!(encoded[1..], each.collect::<Vec<_>>().concat(), "appended");
    }
    for_each_group(|id| with_group!(id, G => check::<G>()));
}

#[test]
fn small_exponents_agree_with_the_general_way() {
    fn check<G: DhGroup>() {
        let group = G::default();
        let base = group.exp_base(&group.random_scalar(&mut common::random("small")));
        let mut power = group.identity();
        for exponent in 0..20 {
            assert_eq!(group.exp_small(&base, exponent), power);
            if let Some(exponent) = NonZeroU32::new(exponent) {
                assert_eq!(group.exp(&base, &group.scalar_from_u32(exponent)), power);
            }
            power = group.product(&power, &base);
        }
        let largest = group.scalar_from_u32(NonZeroU32::MAX);
        assert_eq!(group.exp_small(&base, u32::MAX), group.exp(&base, &largest));
    }
    for_each_group(|id| with_group!(id, G => check::<G>()));
}

#[test]
fn encodings_round_trip() {
    fn check<G: DhGroup>() {
        let group = G::default();
        let mut random = common::random("encodings");
        let scalar = group.random_scalar(&mut random);
        let bytes = group.scalar_bytes(&scalar);
        assert_eq!(bytes.len(), G::SCALAR_LEN);
        assert_eq!(group.scalar_bytes(&group.scalar_from_bytes(&bytes).unwrap()), bytes);
        assert_eq!(
            group.scalar_from_bytes(&bytes[1..]).err(),
            Some(DecodeError::Length { expected: G::SCALAR_LEN, actual: G::SCALAR_LEN - 1 })
        );
        let zero = vec![0; G::SCALAR_LEN];
        assert_eq!(group.scalar_from_bytes(&zero).err(), Some(DecodeError::OutOfRange));

        let element = group.exp_base(&scalar);
        let bytes = encoding(&group, &element);
        assert_eq!(group.decode(&bytes), Ok(element.clone()));
        let actual = G::ELEMENT_LEN + 1;
        assert_eq!(
            group.decode(&[&bytes[..], &[0]].concat()),
            Err(DecodeError::Length { expected: G::ELEMENT_LEN, actual })
        );
        let identity = encoding(&group, &group.identity());
        assert_eq!(group.decode(&identity), Err(DecodeError::Identity));
        assert_eq!(group.decode_with_identity(&identity), Ok(group.identity()));
    }
    for_each_group(|id| with_group!(id, G => check::<G>()));
}

#[test]
fn random_bytes_are_decoded_or_refused() {
    fn check<G: DhGroup>() {
        let group = G::default();
        let mut random = common::random("noise");
        for round in 0..300 {
            let length = if round % 3 == 0 { round } else { G::ELEMENT_LEN };
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            if let Ok(element) = group.decode(&bytes) {
                assert_eq!(encoding(&group, &element), bytes, "one encoding for one element");
            }
        }
    }
    for_each_group(|id| with_group!(id, G => check::<G>()));
}

#[test]
fn hashing_separates_domains_elements_and_groups() {
    fn check<G: DhGroup>() -> [u8; 32] {
        let group = G::default();
        let element = group.exp_base(&group.random_scalar(&mut common::random("hashing")));
        let hash = |domain, element| group.scalar_bytes(&group.hash_to_scalar(domain, element));
        let first = hash("cenacle test one", &element);
        assert_eq!(first, hash("cenacle test one", &element));
        assert_ne!(first, hash("cenacle test two", &element));
        assert_ne!(first, hash("cenacle test one", &group.generator()));
        assert!(group.scalar_from_bytes(&first).is_ok());

        let key = |domain, element| group.hash_to_secret(domain, element);
        assert!(key("cenacle test one", &element) == key("cenacle test one", &element));
        assert!(key("cenacle test one", &element) != key("cenacle test two", &element));
        *key("cenacle test one", &group.identity()).expose()
    }
    let mut keys: Vec<_> =
        GroupId::ALL.into_iter().map(|id| with_group!(id, G => check::<G>())).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), GroupId::ALL.len());
}

/// Fails to compile if a secret type stops being zeroised.
#[test]
fn secrets_are_zeroised() {
    fn on_drop<T: ZeroizeOnDrop>() {}
    fn on_demand<T: Zeroize>() {}
    for_each_group(|id| {
        with_group!(id, G => {
            on_drop::<<G as DhGroup>::Scalar>();
            on_demand::<<G as DhGroup>::Element>();
        });
    });
}

#[test]
fn debug_shows_a_fingerprint_only() {
    fn check<G: DhGroup>() {
        let group = G::default();
        let element = group.exp_base(&group.random_scalar(&mut common::random("debug")));
        let text = format!("{element:?}");
        assert_eq!(text.len(), G::NAME.len() + "(#00000000)".len(), "{text}");
    }
    for_each_group(|id| with_group!(id, G => check::<G>()));
}
