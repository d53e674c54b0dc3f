//! Every check refuses under its own name.

use crate::common::{
    BODY_AT, FIFO, FROM_AT, SIGNATURE_AT, TAG_AT, TO_AT, View, context_of, members_of,
};
use cenacle_plugin::{Family, MAX_BODY};
use cenacle_secure::{
    Destination, EnvelopeError, KeyRing, MAX_SEALED, OVERHEAD, Opener, Received, Sealer, VERSION,
};
use std::sync::Arc;

#[test]
fn what_was_sealed_opens_without_a_copy() {
    let view = View::new(2);
    let bytes = view.sealer(1).seal(Destination::Member(0), b"body").unwrap();
    assert_eq!(bytes.len(), OVERHEAD + 4);
    let mut opener = view.opener(0);
    let verified = opener.open(&bytes).unwrap();
    assert_eq!((verified.from(), verified.body()), (1, &b"body"[..]));
    assert!(std::ptr::eq(verified.body(), &bytes[BODY_AT..]));

    let received = Received::parse(&bytes).unwrap();
    assert_eq!(received.tag(), view.context.tag());
    assert_eq!(received.claimed_sender(), 1);
    assert_eq!(received.claimed_destination(), Destination::Member(0));
}

#[test]
fn every_single_bit_counts() {
    let view = View::new(2);
    for to in [FIFO, Destination::Member(0)] {
        let bytes = view.sealer(1).seal(to, b"abc").unwrap();
        let mut opener = view.opener(0);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = opener.open(&changed).unwrap_err();
            match bit / 8 {
                0 => assert_eq!(refused, EnvelopeError::UnknownVersion { got: changed[0] }),
                1..9 => assert!(matches!(refused, EnvelopeError::ForeignRun { .. })),
                SIGNATURE_AT.. => assert_eq!(refused, EnvelopeError::BadSignature { from: 1 }),
                _ => {}
            }
        }
        assert!(opener.open(&bytes).is_ok(), "the state was untouched");
    }
}

#[test]
fn every_other_length_is_refused() {
    let view = View::new(2);
    let bytes = view.sealer(1).seal(FIFO, b"abc").unwrap();
    let mut opener = view.opener(0);
    for length in 0..bytes.len() {
        let refused = opener.open(&bytes[..length]).unwrap_err();
        if length < OVERHEAD {
            assert_eq!(refused, EnvelopeError::TooShort { got: length });
        } else {
            assert_eq!(refused, EnvelopeError::BadSignature { from: 1 });
        }
    }
    for more in [&[0][..], &[0; 64], &bytes] {
        let longer = [&bytes, more].concat();
        assert_eq!(opener.open(&longer), Err(EnvelopeError::BadSignature { from: 1 }));
    }
    assert!(opener.open(&bytes).is_ok());
}

#[test]
fn bodies_are_bounded() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    let most = vec![7; MAX_BODY];
    let mut bytes = sealer.seal(FIFO, &most).unwrap();
    assert_eq!(bytes.len(), MAX_SEALED);
    assert_eq!(view.opener(0).open(&bytes).unwrap().body(), most);
    bytes.push(0);
    let refused = view.opener(0).open(&bytes).unwrap_err();
    assert_eq!(refused, EnvelopeError::TooLong { got: MAX_SEALED + 1 });
    assert_eq!(refused.family(), Family::BadInput);
    let refused = sealer.seal(FIFO, &vec![7; MAX_BODY + 1]).unwrap_err();
    assert_eq!(refused, EnvelopeError::BodyTooLong { got: MAX_BODY + 1 });
    assert_eq!(refused.family(), Family::Limit);
    assert!(view.sealer(1).seal(FIFO, b"").is_ok_and(|empty| view.opener(0).open(&empty).is_ok()));
}

#[test]
fn another_version_is_refused_by_name() {
    let view = View::new(2);
    let mut bytes = view.sealer(1).seal(FIFO, b"").unwrap();
    bytes[0] = VERSION + 1;
    let refused = view.opener(0).open(&bytes).unwrap_err();
    assert_eq!(refused.to_string(), "envelope version 2 is not known; this is version 1");
    // Even where nothing else is there to read.
    assert_eq!(view.opener(0).open(&[9]), Err(EnvelopeError::UnknownVersion { got: 9 }));
}

#[test]
fn another_run_is_told_without_a_verification() {
    let view = View::new(2);
    let other = context_of(&view.ring, 1);
    let mut bytes = view.sealer_in(other, 1).seal(FIFO, b"body").unwrap();
    let mut opener = view.opener(0);
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::ForeignRun { tag: other.tag() }));
    assert_eq!(opener.verifications().total(), 0);
    // With a forged tag it is the signature that does not fit the run.
    bytes[TAG_AT..TAG_AT + 8].copy_from_slice(&view.context.tag());
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::BadSignature { from: 1 }));
    assert_eq!(opener.verifications().single, 1);
}

#[test]
fn another_recipient_or_kind_of_destination_is_refused() {
    let view = View::new(3);
    let bytes = view.sealer(1).seal(Destination::Member(2), b"body").unwrap();
    let mut opener = view.opener(0);
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::WrongRecipient { from: 1, to: 2 }));
    assert_eq!(opener.verifications().total(), 0);
    for code in [0u16, 0xfffe, 0xffff] {
        let mut redirected = bytes.clone();
        redirected[TO_AT..TO_AT + 2].copy_from_slice(&code.to_be_bytes());
        assert_eq!(opener.open(&redirected), Err(EnvelopeError::BadSignature { from: 1 }));
    }
    // An agreed multicast does not pass as one in the sender's order, nor the other way round.
    let mut bytes = view.sealer(1).seal(FIFO, b"body").unwrap();
    bytes[TO_AT + 1] ^= 1;
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::BadSignature { from: 1 }));
}

#[test]
fn another_sender_is_refused() {
    let view = View::new(3);
    let mut bytes = view.sealer(1).seal(FIFO, b"body").unwrap();
    let mut opener = view.opener(0);
    bytes[FROM_AT + 1] = 2;
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::BadSignature { from: 2 }));
    bytes[FROM_AT + 1] = 3;
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::UnknownSender { from: 3 }));
    assert_eq!(opener.verifications().total(), 1);
}

#[test]
fn members_with_one_key_are_told_apart() {
    let signer = View::new(1).signers.remove(0);
    let keys = [*signer.public_key(); 2];
    let ring = Arc::new(KeyRing::new(&members_of(&keys)).unwrap());
    let context = context_of(&ring, 0);
    let mut sealer = Sealer::new(context, ring.clone(), 0, signer).unwrap();
    let mut bytes = sealer.seal(FIFO, b"body").unwrap();
    let mut opener = Opener::new(context, ring, 1).unwrap();
    bytes[FROM_AT + 1] = 1;
    assert_eq!(opener.open(&bytes), Err(EnvelopeError::BadSignature { from: 1 }));
    bytes[FROM_AT + 1] = 0;
    assert_eq!(opener.open(&bytes).unwrap().from(), 0);
}
