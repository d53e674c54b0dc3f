//! Whatever is changed, cut off or added, the message does not open, the buffer stays as it was,
//! and the error does not tell what was wrong.

use super::{BUFFER_KEPT, Subject, key, noise, seal};
use crate::conformance::outcome::{Findings, Rule};
use crate::{CipherKey, Error, Nonce, Secret};

const SEALED: Rule = Rule { name: "tamper-sealed", says: "changed sealed bytes do not open" };
const HEADER: Rule = Rule { name: "tamper-header", says: "nothing opens with another header" };
const NONCE: Rule = Rule { name: "tamper-nonce", says: "nothing opens with another nonce" };
const KEY: Rule = Rule { name: "tamper-key", says: "nothing opens with another key" };
const LENGTH: Rule = Rule { name: "tamper-length", says: "what was cut or extended does not open" };
const ONE_ERROR: Rule = Rule {
    name: "one-error",
    says: "a message that does not open is answered by that error alone",
};

/// Lengths of messages of which every bit is changed.
const SHORT: [usize; 6] = [0, 1, 15, 16, 17, 65];

/// Lengths of messages of which some bits are changed.
const LONG: [usize; 2] = [1024, 65_536];

/// How many bits of a long message are changed.
const SAMPLES: usize = 128;

pub(super) fn rules(subject: &Subject<'_>, found: &mut Findings) {
    let attacks: [(Rule, Attack); 5] = [
        (SEALED, |message, _, found| message.sealed(found)),
        (HEADER, |message, _, found| message.header(found)),
        (NONCE, |message, _, found| message.nonce(found)),
        (KEY, |message, subject, found| message.key(subject, found)),
        (LENGTH, |message, _, found| message.length(found)),
    ];
    for (rule, attack) in attacks {
        found.rule(rule, |found| {
            messages(subject)?.iter().try_for_each(|message| attack(message, subject, found))
        });
    }
}

/// Changes one part of a message in every way.
type Attack = fn(&Message, &Subject<'_>, &mut Findings) -> Result<(), String>;

fn messages(subject: &Subject<'_>) -> Result<Vec<Message>, String> {
    let message = |len: usize| -> Result<Message, String> {
        let key = subject.key(&key(1))?;
        let nonce = Nonce::from_counter(0x0102_0304_0506_0708);
        let header = noise(9, 24);
        let sealed = seal(&*key, nonce, &header, &noise(10, len))?;
        Ok(Message { len, key, nonce, header, sealed })
    };
    SHORT.into_iter().chain(LONG).map(message).collect()
}

/// A message that opens; everything else must not.
struct Message {
    len: usize,
    key: Box<dyn CipherKey>,
    nonce: Nonce,
    header: Vec<u8>,
    sealed: Vec<u8>,
}

impl Message {
    fn sealed(&self, found: &mut Findings) -> Result<(), String> {
        let mut refused = |bytes: &[u8], how: &dyn Fn() -> String| {
            Attempt { bytes, ..self.attempt() }.refused(SEALED, found, how);
        };
        for (bit, changed) in flipped(&self.sealed) {
            refused(&changed, &|| format!("bit {bit} changed"));
        }
        // All at once too: not only single bits count.
        let inverted: Vec<u8> = self.sealed.iter().map(|byte| !byte).collect();
        refused(&inverted, &|| "all bits changed".to_owned());
        refused(&vec![0; self.sealed.len()], &|| "all bytes zero".to_owned());
        let reversed: Vec<u8> = self.sealed.iter().rev().copied().collect();
        refused(&reversed, &|| "its bytes reversed".to_owned());
        Ok(())
    }

    fn header(&self, found: &mut Findings) -> Result<(), String> {
        let mut refused = |header: &[u8], bytes: &[u8], how: &dyn Fn() -> String| {
            Attempt { header, bytes, ..self.attempt() }.refused(HEADER, found, how);
        };
        let (header, sealed) = (self.header.as_slice(), self.sealed.as_slice());
        for (bit, changed) in flipped(header) {
            refused(&changed, sealed, &|| format!("bit {bit} of its header changed"));
        }
        for len in 0..header.len() {
            let (front, back) = header.split_at_checked(len).unwrap_or_default();
            refused(front, sealed, &|| format!("its header cut to {len} bytes"));
            if len > 0 {
                refused(back, sealed, &|| format!("{len} bytes cut off its header's front"));
            }
        }
        for more in 1..=17 {
            let longer = [header, &vec![0; more]].concat();
            refused(&longer, sealed, &|| format!("{more} zeros behind its header"));
        }
        // Header and text must be told apart: a byte that moves from one to the other is a change.
        if let Some((last, shorter)) = header.split_last() {
            let moved = [&[*last], sealed].concat();
            refused(shorter, &moved, &|| "a byte of its header moved into the text".to_owned());
        }
        if let (Some((first, rest)), 1..) = (sealed.split_first(), self.len) {
            let longer = [header, &[*first]].concat();
            refused(&longer, rest, &|| "a byte of its text moved into the header".to_owned());
        }
        Ok(())
    }

    fn nonce(&self, found: &mut Findings) -> Result<(), String> {
        for (bit, changed) in flipped(self.nonce.as_bytes()) {
            let Ok(nonce) = changed.try_into().map(Nonce::from_bytes) else { continue };
            let how = || format!("bit {bit} of its nonce changed");
            Attempt { nonce, ..self.attempt() }.refused(NONCE, found, &how);
        }
        Ok(())
    }

    fn key(&self, subject: &Subject<'_>, found: &mut Findings) -> Result<(), String> {
        for (bit, changed) in flipped(key(1).expose()) {
            let Ok(changed) = changed.try_into().map(Secret::new) else { continue };
            let key = subject.key(&changed)?;
            let how = || format!("bit {bit} of its key changed");
            Attempt { key: &*key, ..self.attempt() }.refused(KEY, found, &how);
        }
        Ok(())
    }

    fn length(&self, found: &mut Findings) -> Result<(), String> {
        let mut refused = |bytes: &[u8], how: &dyn Fn() -> String| {
            Attempt { bytes, ..self.attempt() }.refused(LENGTH, found, how);
        };
        let all = self.sealed.len();
        // The shortest and the longest pieces too, whatever the steps.
        let steps = (0..all).step_by(all.div_ceil(SAMPLES).max(1));
        for len in steps.chain(0..all.min(40)).chain(all.saturating_sub(40)..all) {
            let front = self.sealed.get(..len).unwrap_or_default();
            refused(front, &|| format!("cut to {len} bytes"));
            let back = self.sealed.get(all.saturating_sub(len)..).unwrap_or_default();
            refused(back, &|| format!("only its last {len} bytes"));
        }
        for more in 1..=40 {
            for byte in [0, 0xff] {
                let added = vec![byte; more];
                let longer = [&self.sealed[..], &added].concat();
                refused(&longer, &|| format!("{more} bytes behind it"));
                let longer = [&added[..], &self.sealed].concat();
                refused(&longer, &|| format!("{more} bytes before it"));
            }
        }
        refused(&self.sealed.repeat(2), &|| "twice in a row".to_owned());
        Ok(())
    }

    /// What opens; the rules change one part of it.
    fn attempt(&self) -> Attempt<'_> {
        Attempt {
            len: self.len,
            key: &*self.key,
            nonce: self.nonce,
            header: &self.header,
            bytes: &self.sealed,
        }
    }
}

struct Attempt<'a> {
    len: usize,
    key: &'a dyn CipherKey,
    nonce: Nonce,
    header: &'a [u8],
    bytes: &'a [u8],
}

impl Attempt<'_> {
    /// The bytes do not open, and stay as they are.
    fn refused(&self, rule: Rule, found: &mut Findings, how: &dyn Fn() -> String) {
        let mut buffer = self.bytes.to_vec();
        let opened = self.key.open(self.nonce, self.header, &mut buffer);
        let case = || format!("a message of {} bytes, {}", self.len, how());
        found.check(rule, opened.is_err(), || format!("{} opened", case()));
        if let Err(error) = opened {
            let kept = buffer == self.bytes;
            found.check(BUFFER_KEPT, kept, || format!("{} was left changed", case()));
            let one = error == Error::DoesNotOpen;
            found.check(ONE_ERROR, one, || format!("{}: {error}", case()));
        }
    }
}

/// Copies of `bytes` with one bit changed, and its number: every bit of a short text, some of a
/// long one, those of its first and last bytes among them.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let bits = bytes.len().saturating_mul(8);
    let (step, ends) = if bits > 2048 { (bits.div_ceil(SAMPLES), 512) } else { (1, 0) };
    let chosen = (0..bits).step_by(step).chain(0..ends).chain(bits.saturating_sub(ends)..bits);
    chosen.map(|bit| {
        let mut changed = bytes.to_vec();
        if let Some(byte) = changed.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        (bit, changed)
    })
}
