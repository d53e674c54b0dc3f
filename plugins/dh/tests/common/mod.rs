//! What several tests need.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "shared by tests, each of which uses a part"
)]

use cenacle_dh::{DhGroup, SafePrime};
use cenacle_plugin::{Random, Secret};
use crypto_bigint::modular::ConstMontyParams;
use num_bigint::BigUint;

/// A stream of its own for each test.
pub fn random(test: &str) -> Random {
    Random::new(&Secret::derive("cenacle dh tests v1", test.as_bytes()))
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

pub fn encoding<G: DhGroup>(group: &G, element: &G::Element) -> Vec<u8> {
    let mut bytes = Vec::new();
    group.encode(element, &mut bytes);
    assert_eq!(bytes.len(), G::ELEMENT_LEN);
    bytes
}

/// A number as the big-endian bytes of an element or scalar of `G`.
pub fn padded<G: DhGroup>(number: &BigUint) -> Vec<u8> {
    let digits = number.to_bytes_be();
    let mut bytes = vec![0; G::ELEMENT_LEN - digits.len()];
    bytes.extend(digits);
    bytes
}

pub fn prime<P: SafePrime<LIMBS>, const LIMBS: usize>() -> BigUint {
    BigUint::from_bytes_be(P::Field::PARAMS.modulus().as_ref().to_be_bytes().as_ref())
}
