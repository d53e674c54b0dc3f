//! Nothing that a stranger sends does anything.

use crate::common::{AGREED, FROM_AT, NUMBER_AT, TAG_AT, TO_AT, View, below, random};
use cenacle_secure::{Destination, Received};

#[test]
fn random_bytes_are_refused_and_change_nothing() {
    let view = View::new(4);
    let mut opener = view.opener(0);
    let mut random = random(2);
    for round in 0..10_000u32 {
        let mut bytes = vec![0; below(&mut random, 200)];
        random.fill(&mut bytes);
        // Most get further than the version: some to the sender, some to the signature.
        if round % 8 > 0 && bytes.len() > TO_AT + 2 {
            bytes[0] = 1;
            if round % 8 > 3 {
                bytes[TAG_AT..TAG_AT + 8].copy_from_slice(&view.context.tag());
            }
            if round % 8 > 6 {
                bytes[FROM_AT..FROM_AT + 4].copy_from_slice(&[0, 1, 0xff, 0xff]);
            }
        }
        let _ = Received::parse(&bytes);
        assert!(opener.open(&bytes).is_err());
        let mut copies = [bytes.clone(), bytes.clone(), bytes];
        for (number, copy) in (1..).zip(&mut copies) {
            if let Some(field) = copy.get_mut(NUMBER_AT + 3) {
                *field = number; // Replays of each other would be no batch.
            }
            if let Some(field) = copy.get_mut(NUMBER_AT) {
                *field |= 0x40; // Spent by mistake, it would shut out what follows the loop.
            }
        }
        let [one, two, three] = &copies;
        let opened = opener.open_batch(&[one, two, three], &mut random);
        assert!(opened.iter().all(Result::is_err));
    }
    assert!(opener.verifications().failed_batches > 100);
    for me in 0..4 {
        let bytes = view.sealer(me).seal(AGREED, b"first").unwrap();
        assert_eq!(bytes[NUMBER_AT + 3], 1);
        assert!(opener.open(&bytes).is_ok());
    }
    let bytes = view.sealer(1).seal(Destination::Member(0), b"first").unwrap();
    assert!(opener.open(&bytes).is_ok());
}
