//! Signatures at the edges of the predicate: those that cofactorless and cofactored verification
//! judge differently get one verdict here, alone or in a batch.

use crate::common::{context_of, members_of, random, signers};
use cenacle_plugin::Random;
use cenacle_secure::{EnvelopeError, KeyRing, Opener, RunContext};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};
use std::sync::Arc;

/// A signing key whose public key has a torsion component.
pub(crate) struct Bent {
    secret: Scalar,
    pub(crate) public_key: [u8; 32],
}

fn scalar(random: &mut Random) -> Scalar {
    let mut bytes = [0; 64];
    random.fill(&mut bytes);
    Scalar::from_bytes_mod_order_wide(&bytes)
}

impl Bent {
    pub(crate) fn new(torsion: usize, random: &mut Random) -> Self {
        let secret = scalar(random);
        let point = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[torsion];
        Self { secret, public_key: point.compress().to_bytes() }
    }

    /// A sealed multicast in the sender's order, from the documented layout, its R bent too.
    pub(crate) fn seal(
        &self,
        context: &RunContext,
        number: u32,
        from: u16,
        torsion: usize,
        random: &mut Random,
    ) -> Vec<u8> {
        let body = b"bent";
        let (number, from, to) = (number.to_be_bytes(), from.to_be_bytes(), [0xff, 0xff]);
        let parts: [&[u8]; 6] =
            [b"cenacle envelope v1", context.as_bytes(), &number, &from, &to, body];
        let signed: Vec<u8> = parts
            .iter()
            .flat_map(|part| [&(part.len() as u64).to_le_bytes(), *part].concat())
            .collect();
        let nonce = scalar(random);
        let r = (EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[torsion]).compress().to_bytes();
        let hash = Sha512::new().chain_update(r).chain_update(self.public_key).chain_update(signed);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let s = (nonce + k * self.secret).to_bytes();
        [&[1], &context.tag()[..], &number, &from, &to, &r, &s, body].concat()
    }
}

/// The order of the group (RFC 8032, section 5.1), least significant byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The same signature with s + order for s.
pub(crate) fn non_canonical(sealed: &[u8]) -> Vec<u8> {
    let mut bytes = sealed.to_vec();
    let mut carry = 0;
    for (byte, order) in bytes[49..81].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry as u8;
        carry >>= 8;
    }
    bytes
}

#[test]
fn torsion_changes_no_verdict() {
    let mut random = random(3);
    let bent: Vec<_> = (0..8).map(|torsion| Bent::new(torsion, &mut random)).collect();
    let keys: Vec<_> = bent.iter().map(|bent| bent.public_key).collect();
    let ring = Arc::new(KeyRing::new(&members_of(&keys)).unwrap());
    let context = context_of(&ring, 0);
    let mut sealed = Vec::new();
    for (from, bent) in (0u16..).zip(&bent) {
        for torsion in 0..8 {
            sealed.push(bent.seal(&context, torsion as u32 + 1, from, torsion, &mut random));
        }
    }
    let all: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();

    let mut alone = Opener::new(context, ring.clone(), 0).unwrap();
    assert!(all.iter().all(|bytes| alone.open(bytes).is_ok()));
    // In batches cut in many ways, so that torsion components meet in all combinations.
    for size in [3, 5, 8, 64] {
        let mut together = Opener::new(context, ring.clone(), 0).unwrap();
        for some in all.chunks(size) {
            assert!(together.open_batch(some, &mut random).iter().all(Result::is_ok));
        }
        assert_eq!(together.verifications().failed_batches, 0);
    }
}

#[test]
fn a_second_form_of_s_is_refused() {
    let mut random = random(4);
    let straight = Bent::new(0, &mut random);
    let ring = Arc::new(KeyRing::new(&members_of(&[straight.public_key])).unwrap());
    let context = context_of(&ring, 0);
    let sealed: Vec<_> =
        (1..5).map(|number| straight.seal(&context, number, 0, 0, &mut random)).collect();
    let mut mixed = sealed.clone();
    mixed[2] = non_canonical(&sealed[2]);
    let mixed: Vec<&[u8]> = mixed.iter().map(Vec::as_slice).collect();
    let mut opener = Opener::new(context, ring, 0).unwrap();
    let refused = Err(EnvelopeError::BadSignature { from: 0 });
    assert_eq!(opener.open(mixed[2]), refused);
    let opened = opener.open_batch(&mixed, &mut random);
    let good: Vec<_> = opened.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, false, true]);
    assert_eq!(opened[2], refused);
}

/// Two bad signatures whose errors cancel in a sum without coefficients.
#[test]
fn errors_that_cancel_are_found() {
    let mut random = random(5);
    let signer = Bent::new(0, &mut random);
    let keys = [signer.public_key, *signers(1)[0].public_key()];
    let ring = Arc::new(KeyRing::new(&members_of(&keys)).unwrap());
    let context = context_of(&ring, 0);
    let mut sealed: Vec<_> =
        (1..5).map(|number| signer.seal(&context, number, 0, 0, &mut random)).collect();
    for (at, difference) in [(0, Scalar::ONE), (1, -Scalar::ONE)] {
        let s: [u8; 32] = sealed[at][49..81].try_into().unwrap();
        let s = Scalar::from_canonical_bytes(s).unwrap() + difference;
        sealed[at][49..81].copy_from_slice(s.as_bytes());
    }
    let all: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();
    let mut opener = Opener::new(context, ring, 1).unwrap();
    let good: Vec<_> = opener.open_batch(&all, &mut random).iter().map(Result::is_ok).collect();
    assert_eq!(good, [false, false, true, true]);
    assert_eq!(opener.verifications().failed_batches, 1);
}
