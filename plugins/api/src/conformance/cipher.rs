//! The suite for cipher modules: what is sealed opens, what was touched does not, and sealed bytes
//! tell nothing.

mod separation;
mod tampering;

use super::outcome::{Findings, Rule};
use super::{Failures, Summary};
use crate::{
    Cipher, CipherKey, CipherModule, Error, Family, KEY_LEN, MAX_PLAINTEXT, Nonce, Options,
    Properties, Random, Secret,
};

const DESCRIPTOR: Rule = Rule {
    name: "descriptor",
    says: "the descriptor is well formed and describes a usable cipher",
};
const ROUND_TRIP: Rule =
    Rule { name: "round-trip", says: "what was sealed opens to what it was, at every length" };
const OVERHEAD: Rule =
    Rule { name: "overhead", says: "sealing adds as many bytes as the descriptor says" };
const PURE: Rule = Rule { name: "pure", says: "the same input gives the same sealed bytes" };
const BOUNDS: Rule =
    Rule { name: "bounds", says: "the longest message is sealed, a longer one refused" };
const BUFFER_KEPT: Rule =
    Rule { name: "buffer-kept", says: "an error leaves the buffer as it was" };
const VECTORS: Rule =
    Rule { name: "vectors", says: "published test vectors come out as published" };
const CONFIDENTIAL: Rule =
    Rule { name: "confidential", says: "no part of a text is visible in its sealed bytes" };

/// The fewest bytes of overhead: shorter tags are guessed too easily (RFC 5116, section 5, has 16
/// bytes for all its algorithms; NIST SP 800-38D, appendix C, warns of shorter ones).
const MIN_OVERHEAD: u32 = 16;

/// A published test vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CipherVector {
    /// Where it was published.
    pub name: String,
    /// The key.
    pub key: [u8; KEY_LEN],
    /// The nonce.
    pub nonce: [u8; 12],
    /// The header, called associated data where it was published.
    pub header: Vec<u8>,
    /// The plaintext.
    pub plain: Vec<u8>,
    /// The ciphertext and the tag behind it.
    pub sealed: Vec<u8>,
}

/// Tries every rule on a cipher module, with its options at their defaults.
pub fn cipher_suite(
    module: &dyn CipherModule,
    vectors: &[CipherVector],
) -> Result<Summary, Failures> {
    let options = Options::defaults(&module.descriptor().options);
    cipher_suite_with(module, &options, vectors)
}

/// Tries every rule on a cipher module with these options.
pub fn cipher_suite_with(
    module: &dyn CipherModule,
    options: &Options,
    vectors: &[CipherVector],
) -> Result<Summary, Failures> {
    let mut found = Findings::new(&module.descriptor().name);
    let mut subject = None;
    found.rule(DESCRIPTOR, |found| {
        subject = Some(Subject::new(module, options, found)?);
        Ok(())
    });
    if let Some(subject) = subject {
        found.rule(ROUND_TRIP, |found| subject.round_trip(found));
        found.rule(PURE, |found| subject.pure(found));
        found.rule(VECTORS, |found| subject.vectors(vectors, found));
        tampering::rules(&subject, &mut found);
        separation::rules(&subject, &mut found);
        if subject.confidential {
            found.rule(CONFIDENTIAL, |found| subject.hides(found));
        }
        found.rule(BOUNDS, |found| subject.bounds(found));
    }
    found.finish()
}

/// The module under test.
struct Subject<'a> {
    module: &'a dyn CipherModule,
    options: &'a Options,
    cipher: Box<dyn Cipher>,
    confidential: bool,
    overhead: usize,
}

impl<'a> Subject<'a> {
    fn new(
        module: &'a dyn CipherModule,
        options: &'a Options,
        found: &mut Findings,
    ) -> Result<Self, String> {
        let descriptor = module.descriptor();
        descriptor.check()?;
        let Properties::Cipher { confidential, key_len, overhead, max_messages } =
            &descriptor.properties
        else {
            return Err("these are not the properties of a cipher".to_owned());
        };
        found.check(DESCRIPTOR, (1..=KEY_LEN).contains(&(*key_len as usize)), || {
            format!("keys of {key_len} bytes; the host has {KEY_LEN}")
        });
        found.check(DESCRIPTOR, *overhead >= MIN_OVERHEAD, || {
            format!("a tag of {overhead} bytes is too short; use at least {MIN_OVERHEAD}")
        });
        found.check(DESCRIPTOR, *max_messages > 0, || "it may seal no message".to_owned());
        found.check(DESCRIPTOR, !descriptor.summary.is_empty(), || "no summary".to_owned());
        Ok(Self {
            module,
            options,
            cipher: create(module, options)?,
            confidential: *confidential,
            overhead: *overhead as usize,
        })
    }

    fn key(&self, key: &Secret<KEY_LEN>) -> Result<Box<dyn CipherKey>, String> {
        self.cipher.key(key).map_err(|error| format!("a key was refused: {error}"))
    }

    fn round_trip(&self, found: &mut Findings) -> Result<(), String> {
        let key = self.key(&key(1))?;
        // Every border of blocks, of whatever size, is among the short lengths.
        let long = [511, 512, 513, 1023, 1024, 1025, 4096, 65_535, 65_536, 65_537];
        for len in (0..=300).chain(long) {
            for header in [&b""[..], b"h", &noise(len as u64, 40)] {
                let plain = noise(len as u64, len);
                let nonce = Nonce::from_counter(len as u64);
                let mut buffer = seal(&*key, nonce, header, &plain)?;
                found.check(OVERHEAD, buffer.len() == len.saturating_add(self.overhead), || {
                    let (sealed, overhead) = (buffer.len(), self.overhead);
                    format!("{len} bytes became {sealed}; {overhead} more were announced")
                });
                let opened = key.open(nonce, header, &mut buffer);
                found.check(ROUND_TRIP, opened.is_ok(), || format!("{len} bytes: {opened:?}"));
                found.check(ROUND_TRIP, opened.is_err() || buffer == plain, || {
                    format!("{len} bytes opened to something else")
                });
            }
        }
        Ok(())
    }

    fn pure(&self, found: &mut Findings) -> Result<(), String> {
        let other = create(self.module, self.options)?;
        let keys = [
            self.key(&key(1))?,
            self.key(&key(1))?,
            other.key(&key(1)).map_err(|error| format!("a key was refused: {error}"))?,
        ];
        for len in [0, 1, 16, 100, 1000] {
            let plain = noise(7, len);
            let nonce = Nonce::from_counter(3);
            let mut first = None;
            for round in 0..3 {
                for key in &keys {
                    let sealed = seal(&**key, nonce, b"header", &plain)?;
                    // Something else in between, which must leave no trace.
                    seal(&**key, Nonce::from_counter(round), b"", b"between")?;
                    let first = first.get_or_insert_with(|| sealed.clone());
                    found.check(PURE, sealed == *first, || {
                        format!("{len} bytes sealed twice gave different bytes")
                    });
                }
            }
        }
        Ok(())
    }

    fn vectors(&self, vectors: &[CipherVector], found: &mut Findings) -> Result<(), String> {
        for vector in vectors {
            let name = &vector.name;
            let key = self.key(&Secret::new(vector.key))?;
            let nonce = Nonce::from_bytes(vector.nonce);
            let sealed = seal(&*key, nonce, &vector.header, &vector.plain)?;
            found.check(VECTORS, sealed == vector.sealed, || format!("{name}: sealed otherwise"));
            let mut buffer = vector.sealed.clone();
            let opened = key.open(nonce, &vector.header, &mut buffer);
            found.check(VECTORS, opened.is_ok() && buffer == vector.plain, || {
                format!("{name}: opened otherwise")
            });
        }
        Ok(())
    }

    /// No eight bytes of a text are found in its sealed form; among the lengths here that happens
    /// by chance less than once in 2^40 runs.
    fn hides(&self, found: &mut Findings) -> Result<(), String> {
        const WINDOW: usize = 8;
        let key = self.key(&key(1))?;
        let story = b"It was the best of times, it was the worst of times. ".repeat(20);
        for (what, plain) in [
            ("noise", noise(5, 1024)),
            ("zeros", vec![0; 1024]),
            ("ones", vec![0xff; 1024]),
            ("a story", story),
            ("eight bytes", noise(6, WINDOW)),
        ] {
            let sealed = seal(&*key, Nonce::from_counter(1), b"", &plain)?;
            let windows: std::collections::BTreeSet<_> = plain.windows(WINDOW).collect();
            let seen = sealed.windows(WINDOW).any(|window| windows.contains(window));
            found.check(CONFIDENTIAL, !seen, || format!("{what} can be read in the sealed bytes"));
        }
        Ok(())
    }

    fn bounds(&self, found: &mut Findings) -> Result<(), String> {
        let key = self.key(&key(1))?;
        let nonce = Nonce::from_counter(u64::MAX);
        let mut buffer = vec![0; MAX_PLAINTEXT];
        let sealed = key.seal(nonce, b"", &mut buffer);
        found.check(BOUNDS, sealed.is_ok(), || format!("{MAX_PLAINTEXT} bytes: {sealed:?}"));
        let opened = key.open(nonce, b"", &mut buffer);
        found.check(BOUNDS, opened.is_ok() && buffer.len() == MAX_PLAINTEXT, || {
            format!("{MAX_PLAINTEXT} bytes do not open: {opened:?}")
        });

        buffer.clear();
        buffer.resize(MAX_PLAINTEXT.saturating_add(1), 0);
        let sealed = key.seal(nonce, b"", &mut buffer);
        found.check(BOUNDS, is_bad_input(&sealed), || {
            format!("a byte more than {MAX_PLAINTEXT}: {sealed:?}")
        });
        let same = buffer.len() == MAX_PLAINTEXT.saturating_add(1) && is_zero(&buffer);
        found.check(BUFFER_KEPT, sealed.is_ok() || same, || {
            "refusing to seal a message that is too long changed it".to_owned()
        });

        let too_long = MAX_PLAINTEXT.saturating_add(self.overhead).saturating_add(1);
        buffer.clear();
        buffer.resize(too_long, 0);
        let opened = key.open(nonce, b"", &mut buffer);
        found.check(BOUNDS, is_bad_input(&opened), || {
            format!("a byte more than the longest sealed message: {opened:?}")
        });
        let same = buffer.len() == too_long && is_zero(&buffer);
        found.check(BUFFER_KEPT, opened.is_ok() || same, || {
            "refusing to open a message that is too long changed it".to_owned()
        });
        Ok(())
    }
}

fn create(module: &dyn CipherModule, options: &Options) -> Result<Box<dyn Cipher>, String> {
    module.create(options).map_err(|error| format!("it cannot be created: {error}"))
}

/// Seals a copy of `plain`.
fn seal(key: &dyn CipherKey, nonce: Nonce, header: &[u8], plain: &[u8]) -> Result<Vec<u8>, String> {
    let mut buffer = plain.to_vec();
    match key.seal(nonce, header, &mut buffer) {
        Ok(()) => Ok(buffer),
        Err(error) => Err(format!("{} bytes were not sealed: {error}", plain.len())),
    }
}

/// A key for each `number`.
fn key(number: u64) -> Secret<KEY_LEN> {
    Secret::derive("cenacle cipher suite key v1", &number.to_be_bytes())
}

/// Bytes without a pattern, the same for the same `number`.
fn noise(number: u64, len: usize) -> Vec<u8> {
    let seed = Secret::derive("cenacle cipher suite noise v1", &number.to_be_bytes());
    let mut bytes = vec![0; len];
    Random::new(&seed).fill(&mut bytes);
    bytes
}

fn is_bad_input(outcome: &Result<(), Error>) -> bool {
    outcome.as_ref().is_err_and(|error| error.family() == Family::BadInput)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
