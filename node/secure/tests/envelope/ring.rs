//! Which views get a ring.

use crate::common::{FIFO, FROM_AT, View, context_of, member, members_of, signers};
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
fn a_ring_that_follows_decodes_newcomers_only() {
    let signers = signers(6);
    let keys: Vec<_> = signers.iter().map(|signer| *signer.public_key()).collect();
    let members = members_of(&keys);
    let first = KeyRing::new(&members[..5]).unwrap();
    let view: Vec<_> = [5, 1, 3, 2, 4].map(|n: usize| members[n].clone()).into();
    let second = Arc::new(first.following(&view).unwrap());
    assert_eq!((first.decoded(), second.decoded(), second.size()), (5, 1, 5));
    let fresh = Arc::new(KeyRing::new(&view).unwrap());
    assert_eq!((second.digest(), fresh.decoded()), (fresh.digest(), 5));

    // Every member's messages are accepted under it, and none as another's.
    let context = context_of(&fresh, 0);
    for (at, number) in [5, 1, 3, 2, 4].into_iter().enumerate() {
        let me = u32::try_from(at).unwrap();
        let mut sealer = Sealer::new(context, fresh.clone(), me, signers[number].clone()).unwrap();
        let mut sealed = sealer.seal(FIFO, b"x").unwrap();
        let opener = || Opener::new(context, second.clone(), 0).unwrap();
        assert_eq!(opener().open(&sealed).unwrap().from(), me);
        sealed[FROM_AT + 1] = u8::try_from((at + 1) % 5).unwrap();
        assert!(matches!(opener().open(&sealed), Err(EnvelopeError::BadSignature { .. })));
    }

    // Who left is forgotten: its key costs again when it comes back.
    assert_eq!(second.following(&members).unwrap().decoded(), 1);
    assert_eq!(first.following(&members[..5]).unwrap().decoded(), 0);
}

/// A name vouches for nothing: what counts is the key that the view lists now.
#[test]
fn a_ring_that_follows_refuses_what_a_new_one_does() {
    let keys: Vec<_> = signers(4).iter().map(|signer| *signer.public_key()).collect();
    let members = members_of(&keys[..3]);
    let ring = KeyRing::new(&members).unwrap();
    let mut changed = members.clone();
    changed[1].public_key = keys[3];
    let followed = ring.following(&changed).unwrap();
    assert_eq!(
        (followed.decoded(), followed.digest()),
        (1, KeyRing::new(&changed).unwrap().digest())
    );
    assert_ne!(followed.digest(), ring.digest());

    let mut no_key = [0; 32];
    no_key[0] = 2;
    let bad_keys = small_order_encodings().into_iter().chain([no_key]);
    for bad in bad_keys {
        changed[1].public_key = bad;
        let refused = KeyRing::new(&changed).unwrap_err();
        assert_eq!(ring.following(&changed).unwrap_err(), refused);
    }
    assert_eq!(ring.following(&[]).unwrap_err(), EnvelopeError::NoMembers);
    let twice = [members[0].clone(), members[1].clone(), members[0].clone()];
    let refused = ring.following(&twice).unwrap_err();
    assert_eq!(refused, EnvelopeError::DuplicateMember { position: 2 });
    // Members of one node share a key.
    let shared = [member("a", keys[0]), member("b", keys[0]), member("c", keys[3])];
    assert_eq!(ring.following(&shared).unwrap().decoded(), 1);
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
