//! Which views get a ring.

use crate::common::{View, member, members_of, signers};
use cenacle_plugin::{MAX_MEMBERS, Secret};
use cenacle_secure::{Destination, EnvelopeError, KeyRing, Opener, Sealer, Signer};
use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_zebra::{Signature, VerificationKey};
use std::sync::Arc;

/// The encodings of the points of small order: eight canonical ones, and six that are not
/// (y = 0 and 1 plus the field's prime, and x = 0 with its sign set).
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut encodings: Vec<_> = EIGHT_TORSION.iter().map(|p| p.compress().to_bytes()).collect();
    let word = |first: u8, rest: u8, last: u8| {
        let mut bytes = [rest; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    encodings.extend([
        word(0xed, 0xff, 0x7f),
        word(0xed, 0xff, 0xff),
        word(0xee, 0xff, 0x7f),
        word(0xee, 0xff, 0xff),
        word(0x01, 0x00, 0x80),
        word(0xec, 0xff, 0xff),
    ]);
    encodings
}

#[test]
fn keys_of_small_order_are_refused() {
    let good = *signers(1)[0].public_key();
    let mut forgery = [0; 64];
    forgery[0] = 1;
    for weak in small_order_encodings() {
        // Why: one signature fits every message.
        let key = VerificationKey::try_from(weak).unwrap();
        assert!(key.verify(&Signature::from_bytes(&forgery), b"anything").is_ok());

        let refused = KeyRing::new(&members_of(&[good, weak])).unwrap_err();
        assert_eq!(refused, EnvelopeError::WeakKey { position: 1 });
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let good = *signers(1)[0].public_key();
    let mut two = [0; 32];
    two[0] = 2; // y = 2 is on no point.
    let refused = KeyRing::new(&members_of(&[good, good, two])).unwrap_err();
    assert_eq!(refused, EnvelopeError::NotAKey { position: 2 });
}

#[test]
fn the_list_is_checked() {
    let key = *signers(1)[0].public_key();
    assert_eq!(KeyRing::new(&[]).unwrap_err(), EnvelopeError::NoMembers);
    let twice = [member("a", key), member("b", key), member("a", key)];
    let refused = KeyRing::new(&twice).unwrap_err();
    assert_eq!(refused, EnvelopeError::DuplicateMember { position: 2 });
    let many = members_of(&vec![key; MAX_MEMBERS + 1]);
    let refused = KeyRing::new(&many).unwrap_err();
    assert_eq!(refused, EnvelopeError::TooManyMembers { got: MAX_MEMBERS + 1 });
    assert_eq!(KeyRing::new(&many[1..]).unwrap().size(), MAX_MEMBERS);
}

#[test]
fn sealers_and_openers_fit_the_view() {
    let view = View::new(2);
    let stranger = Arc::new(Signer::new(&Secret::new([9; 32])));
    let sealer = |me, signer: &Arc<Signer>| {
        Sealer::new(view.context, view.ring.clone(), me, signer.clone()).map(|_| ())
    };
    assert_eq!(sealer(1, &view.signers[1]), Ok(()));
    assert_eq!(sealer(1, &view.signers[0]), Err(EnvelopeError::NotMyKey { position: 1 }));
    assert_eq!(sealer(0, &stranger), Err(EnvelopeError::NotMyKey { position: 0 }));
    let outside = EnvelopeError::NoSuchMember { position: 2 };
    assert_eq!(sealer(2, &view.signers[1]), Err(outside.clone()));
    assert_eq!(Opener::new(view.context, view.ring.clone(), 2).map(|_| ()), Err(outside.clone()));
    assert_eq!(view.sealer(0).seal(Destination::Member(2), b""), Err(outside));
    for position in [0, 0xfffe, 0xffff, 0x1_0001, u32::MAX] {
        let refused = view.sealer(0).seal(Destination::Member(position), b"");
        assert_eq!(refused, Err(EnvelopeError::NoSuchMember { position }));
    }
}
