//! Replays, gaps and overtaking.

use crate::common::{AGREED, FIFO, NUMBER_AT, View};
use cenacle_secure::{Channel, Destination, EnvelopeError};

#[test]
fn a_message_is_accepted_once() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    let mut opener = view.opener(0);
    for to in [FIFO, AGREED, Destination::Member(0)] {
        let bytes = sealer.seal(to, b"body").unwrap();
        assert!(opener.open(&bytes).is_ok());
        for _ in 0..2 {
            assert!(matches!(opener.open(&bytes), Err(EnvelopeError::Replayed { from: 1, .. })));
        }
    }
    assert_eq!(opener.verifications().total(), 3);
}

#[test]
fn one_channel_is_in_order_with_gaps() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    let sent: Vec<_> = (0..4u8).map(|n| sealer.seal(FIFO, &[n]).unwrap()).collect();
    let mut opener = view.opener(0);
    assert_eq!(opener.open(&sent[0]).unwrap().body(), [0]);
    assert_eq!(opener.open(&sent[2]).unwrap().body(), [2]);
    assert_eq!(opener.open(&sent[1]), Err(EnvelopeError::Replayed { from: 1, number: 2 }));
    assert_eq!(opener.open(&sent[3]).unwrap().body(), [3]);
}

#[test]
fn channels_may_overtake_each_other() {
    let view = View::new(3);
    let mut sealer = view.sealer(1);
    let agreed = sealer.seal(AGREED, b"agreed").unwrap();
    let unicast = sealer.seal(Destination::Member(0), b"unicast").unwrap();
    let other = sealer.seal(Destination::Member(2), b"other").unwrap();
    let fifo = sealer.seal(FIFO, b"fifo").unwrap();

    let mut opener = view.opener(0);
    let expected = [
        (&fifo, Channel::Fifo, "fifo"),
        (&unicast, Channel::Unicast, "unicast"),
        (&agreed, Channel::Agreed, "agreed"),
    ];
    for (bytes, channel, body) in expected {
        let verified = opener.open(bytes).unwrap();
        assert_eq!(verified.channel(), channel);
        assert_eq!(verified.body(), body.as_bytes());
        assert_eq!(verified.from(), 1);
    }
    assert_eq!(opener.open(&other), Err(EnvelopeError::WrongRecipient { from: 1, to: 2 }));
    assert!(view.opener(2).open(&other).is_ok());
}

#[test]
fn a_forged_number_spends_nothing() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    let first = sealer.seal(FIFO, b"first").unwrap();
    let mut forged = first.clone();
    forged[NUMBER_AT..NUMBER_AT + 4].fill(0xff);
    let mut opener = view.opener(0);
    assert_eq!(opener.open(&forged), Err(EnvelopeError::BadSignature { from: 1 }));
    assert!(opener.open(&first).is_ok());
    let mut zero = first.clone();
    zero[NUMBER_AT..NUMBER_AT + 4].fill(0);
    assert_eq!(opener.open(&zero), Err(EnvelopeError::Replayed { from: 1, number: 0 }));
}

#[test]
fn senders_count_apart() {
    let view = View::new(3);
    let mut opener = view.opener(0);
    for me in 0..3 {
        let bytes = view.sealer(me).seal(FIFO, b"first").unwrap();
        assert_eq!(opener.open(&bytes).unwrap().from(), me);
    }
}

#[test]
fn a_failed_seal_uses_no_number() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    assert!(sealer.seal(Destination::Member(1), b"me").is_err());
    let bytes = sealer.seal(FIFO, b"first").unwrap();
    assert_eq!(bytes[NUMBER_AT..NUMBER_AT + 4], 1u32.to_be_bytes());
}
