//! A batch gives the results, and leaves the state, of opening one by one.

use crate::common::{
    AGREED, FIFO, NUMBER_AT, SIGNATURE_AT, TAG_AT, View, below, context_of, members_of, random,
};
use crate::torsion::{Bent, non_canonical};
use cenacle_plugin::Random;
use cenacle_secure::{Destination, EnvelopeError, KeyRing, MAX_BATCH, MIN_BATCH, Sealer};
use std::sync::Arc;

const HONEST: u32 = 4;

/// A view of four members with plain keys and two with bent ones.
struct Mix {
    view: View,
    bent: Vec<Bent>,
    sealers: Vec<Sealer>,
    foreign: Sealer,
    bent_number: u32,
}

impl Mix {
    fn new(random: &mut Random) -> Self {
        let mut view = View::new(HONEST as usize);
        let bent = vec![Bent::new(1, random), Bent::new(6, random)];
        let keys: Vec<_> = (view.signers.iter().map(|signer| *signer.public_key()))
            .chain(bent.iter().map(|bent| bent.public_key))
            .collect();
        view.ring = Arc::new(KeyRing::new(&members_of(&keys)).unwrap());
        view.context = context_of(&view.ring, 0);
        let sealers = (0..HONEST).map(|me| view.sealer(me)).collect();
        let foreign = view.sealer_in(context_of(&view.ring, 1), 1);
        Self { view, bent, sealers, foreign, bent_number: 0 }
    }

    fn honest(&mut self, random: &mut Random) -> Vec<u8> {
        let from = 1 + below(random, HONEST as usize - 1);
        let to = [FIFO, AGREED, Destination::Member(0)][below(random, 3)];
        self.sealers[from].seal(to, &[from as u8; 5]).unwrap()
    }

    fn bent(&mut self, random: &mut Random) -> Vec<u8> {
        let which = below(random, 2);
        self.bent_number += 1;
        let torsion = below(random, 8);
        let from = HONEST as u16 + which as u16;
        self.bent[which].seal(&self.view.context, self.bent_number, from, torsion, random)
    }

    /// One message; of the first eight kinds none has a bad signature behind a new number.
    fn message(&mut self, kinds: usize, earlier: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
        match below(random, kinds) {
            0..=2 => self.honest(random),
            3 => self.bent(random),
            4 if !earlier.is_empty() => earlier[below(random, earlier.len())].clone(),
            5 => self.foreign.seal(FIFO, b"foreign").unwrap(),
            6 => self.sealers[2].seal(Destination::Member(1), b"for another").unwrap(),
            7 => self.honest(random)[..below(random, 80)].to_vec(),
            8 => non_canonical(&self.honest(random)),
            9 => {
                let mut bytes = self.bent(random);
                bytes[SIGNATURE_AT + below(random, 68)] ^= 1 << below(random, 8);
                bytes
            }
            10 => {
                // A number far ahead, forged: what follows must not be taken for a replay.
                let mut bytes = self.honest(random);
                bytes[NUMBER_AT] = 0x80;
                bytes
            }
            11 => {
                let mut bytes = self.foreign.seal(AGREED, b"foreign").unwrap();
                bytes[TAG_AT..TAG_AT + 8].copy_from_slice(&self.view.context.tag());
                bytes
            }
            _ => self.honest(random),
        }
    }
}

#[test]
fn results_and_state_are_those_of_one_by_one() {
    let mut batches_that_held = 0;
    for seed in 0..60 {
        let mut random = random(1000 + seed);
        let mut mix = Mix::new(&mut random);
        // Half of the rounds have no bad signature, so that whole batches hold.
        let kinds = if seed % 2 == 0 { 8 } else { 13 };
        let mut alone = mix.view.opener(0);
        let mut together = mix.view.opener(0);
        let mut sealed: Vec<Vec<u8>> = Vec::new();
        for _ in 0..4 {
            let begin = sealed.len();
            for _ in 0..below(&mut random, 24) {
                let message = mix.message(kinds, &sealed, &mut random);
                sealed.push(message);
            }
            if below(&mut random, 2) == 0 && sealed.len() > begin + 2 {
                sealed.swap(begin, begin + 2);
            }
            let some: Vec<&[u8]> = sealed[begin..].iter().map(Vec::as_slice).collect();
            let expected: Vec<_> = some.iter().map(|bytes| alone.open(bytes)).collect();
            assert_eq!(together.open_batch(&some, &mut random), expected, "seed {seed}");
        }
        if kinds == 8 {
            assert_eq!(together.verifications().failed_batches, 0);
            assert_eq!(together.verifications().total(), alone.verifications().total());
            batches_that_held += u32::from(together.verifications().batched > 0);
        }
        // The same numbers are spent: both judge everything, and a next message, alike.
        for bytes in &sealed {
            assert_eq!(together.open(bytes), alone.open(bytes));
        }
        let next = mix.honest(&mut random);
        assert!(alone.open(&next).is_ok() && together.open(&next).is_ok());
    }
    assert!(batches_that_held > 20);
}

#[test]
fn twice_in_a_batch_is_accepted_once() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    let sealed: Vec<_> = (0..3u8).map(|n| sealer.seal(FIFO, &[n]).unwrap()).collect();
    let all: Vec<&[u8]> = [0, 0, 2, 1, 2].iter().map(|n| sealed[*n].as_slice()).collect();
    let mut opener = view.opener(0);
    let opened = opener.open_batch(&all, &mut random(6));
    assert_eq!(opened[0].clone().unwrap().body(), [0]);
    assert_eq!(opened[1], Err(EnvelopeError::Replayed { from: 1, number: 1 }));
    assert_eq!(opened[2].clone().unwrap().body(), [2]);
    assert_eq!(opened[3], Err(EnvelopeError::Replayed { from: 1, number: 2 }));
    assert_eq!(opened[4], Err(EnvelopeError::Replayed { from: 1, number: 3 }));
    assert_eq!(opener.verifications().total(), 2);
}

#[test]
fn the_counter_tells_how_signatures_were_verified() {
    let view = View::new(2);
    let mut sealer = view.sealer(1);
    let mut sealed: Vec<_> =
        (0..MAX_BATCH + MIN_BATCH).map(|_| sealer.seal(FIFO, b"body").unwrap()).collect();
    let mut opener = view.opener(0);
    let few: Vec<&[u8]> = sealed[..MIN_BATCH - 1].iter().map(Vec::as_slice).collect();
    opener.open_batch(&few, &mut random(7));
    assert_eq!(opener.verifications().single, MIN_BATCH as u64 - 1);
    assert_eq!(opener.verifications().batched, 0);

    // A bad signature makes its own batch be verified again, and no other.
    *sealed[MAX_BATCH].last_mut().unwrap() ^= 1;
    let mut opener = view.opener(0);
    let all: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();
    let opened = opener.open_batch(&all, &mut random(8));
    let bad: Vec<_> = (0..opened.len()).filter(|at| opened[*at].is_err()).collect();
    assert_eq!(bad, [MAX_BATCH]);
    let counted = opener.verifications();
    assert_eq!(counted.batched, (MAX_BATCH + MIN_BATCH) as u64);
    assert_eq!(counted.single, MIN_BATCH as u64);
    assert_eq!(counted.failed_batches, 1);
    assert!(opener.open_batch(&[], &mut random(8)).is_empty());
}
