//! Different nonces and different keys give unrelated sealed bytes.

use super::{Subject, key, noise, seal};
use crate::conformance::outcome::{Findings, Rule};
use crate::{KEY_LEN, Nonce, Secret};
use std::collections::BTreeMap;

const NONCES: Rule =
    Rule { name: "nonce-separation", says: "different nonces seal the same text differently" };
const SWAPPED: Rule =
    Rule { name: "nonces-swapped", says: "a message opens under its own nonce alone" };
const KEYSTREAM: Rule =
    Rule { name: "keystream", says: "what hides the text never repeats under one key" };
const KEYS: Rule = Rule {
    name: "key-separation",
    says: "different keys seal differently, and open only their own",
};

/// Bytes of the pieces that must not repeat. Among the pieces looked at here, chance makes two of
/// them equal less than once in 2^90 runs.
const PIECE: usize = 16;

/// Bytes of the texts; not a multiple of [`PIECE`].
const LEN: usize = 1000;

pub(super) fn rules(subject: &Subject<'_>, found: &mut Findings) {
    found.rule(NONCES, |found| differ(subject, found));
    found.rule(SWAPPED, |found| swapped(subject, found));
    if subject.confidential {
        found.rule(KEYSTREAM, |found| keystream(subject, found));
    }
    found.rule(KEYS, |found| keys(subject, found));
}

/// Counters from both ends, single bits, and nonces that differ in the leading bytes alone.
fn nonces() -> Vec<Nonce> {
    let counters = (0..32).chain((5..64).map(|bit| 1u64 << bit)).chain([
        u64::MAX - 1,
        u64::MAX,
        u64::from(u32::MAX) - 1,
        u64::from(u32::MAX),
    ]);
    let leading = (0..32).map(|bit: u32| {
        let mut bytes = [0; 12];
        if let Some(byte) = bytes.get_mut((bit / 8) as usize) {
            *byte = 1 << (bit % 8);
        }
        Nonce::from_bytes(bytes)
    });
    counters.map(Nonce::from_counter).chain(leading).collect()
}

/// Different nonces differ in what they add to a text too: a message without text has only that.
fn differ(subject: &Subject<'_>, found: &mut Findings) -> Result<(), String> {
    let key = subject.key(&key(1))?;
    for len in [0, 1, 16, LEN] {
        let mut seen = BTreeMap::new();
        for nonce in nonces() {
            let sealed = seal(&*key, nonce, b"header", &noise(3, len))?;
            let other = seen.insert(sealed, nonce);
            found.check(NONCES, other.is_none(), || {
                format!("{len} bytes are sealed alike under {nonce:?} and {other:?}")
            });
        }
    }
    Ok(())
}

fn swapped(subject: &Subject<'_>, found: &mut Findings) -> Result<(), String> {
    let key = subject.key(&key(1))?;
    let nonces = nonces();
    for right in &nonces {
        let sealed = seal(&*key, *right, b"header", &noise(4, 50))?;
        for wrong in nonces.iter().filter(|wrong| *wrong != right) {
            let opened = key.open(*wrong, b"header", &mut sealed.clone());
            found.check(SWAPPED, opened.is_err(), || {
                format!("sealed under {right:?}, opened under {wrong:?}")
            });
        }
    }
    Ok(())
}

/// A text of zeros shows what hides it. No aligned piece of that is seen twice: not within one
/// message (blocks hidden alike show where the text repeats), not under two nonces (what hides two
/// texts alike cancels out of their sum).
fn keystream(subject: &Subject<'_>, found: &mut Findings) -> Result<(), String> {
    let key = subject.key(&key(1))?;
    let mut seen = BTreeMap::new();
    for nonce in nonces() {
        let sealed = seal(&*key, nonce, b"header", &[0; LEN])?;
        for (index, piece) in sealed.chunks_exact(PIECE).enumerate() {
            let other = seen.insert(piece.to_vec(), (nonce, index));
            found.check(KEYSTREAM, other.is_none(), || {
                format!("piece {index} under {nonce:?} is the same as {other:?}")
            });
        }
    }
    Ok(())
}

fn keys(subject: &Subject<'_>, found: &mut Findings) -> Result<(), String> {
    let nonce = Nonce::from_counter(1);
    let mut all = vec![Secret::new([0; KEY_LEN]), Secret::new([0xff; KEY_LEN])];
    all.extend((1..15).map(key));
    let mut seen = BTreeMap::new();
    for (number, right) in all.iter().enumerate() {
        let sealed = seal(&*subject.key(right)?, nonce, b"header", &noise(4, 50))?;
        for (other, wrong) in all.iter().enumerate().filter(|(other, _)| *other != number) {
            let opened = subject.key(wrong)?.open(nonce, b"header", &mut sealed.clone());
            found.check(KEYS, opened.is_err(), || {
                format!("sealed with key {number}, opened with key {other}")
            });
        }
        let other = seen.insert(sealed, number);
        found.check(KEYS, other.is_none(), || format!("key {number} seals as key {other:?} does"));
    }
    Ok(())
}
