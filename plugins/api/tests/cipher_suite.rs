//! The cipher suite finds nothing in a sound cipher, and in each broken one the rule it breaks.
#![cfg(feature = "conformance")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_plugin::conformance::{CipherVector, Failures, cipher_suite};
use cenacle_plugin::{
    Cipher, CipherKey, CipherModule, Descriptor, Error, MAX_PLAINTEXT, Nonce, Options, Properties,
    Secret,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is wrong with a toy cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Nothing.
    None,
    IgnoresHeader,
    /// Only the first sixteen bytes of the header count.
    CutsHeader,
    /// Header and text are hashed without their lengths.
    JoinsHeaderAndText,
    /// Half of the tag is compared.
    HalfTag,
    /// Every message is sealed under nonce 0.
    NonceZero,
    /// Every message is hidden by the same bytes; the tag knows the nonce.
    OnePad,
    /// The leading four bytes of the nonce do not count.
    CounterOnly,
    /// The text is hidden by sixteen bytes, again and again.
    ShortPad,
    HalfKey,
    /// Decrypts before it compares.
    OpensFirst,
    /// Cuts the tag off before it compares.
    CutsFirst,
    /// Claims to hide the text.
    Identity,
    TellsWhy,
    MoreThanAnnounced,
    Unbounded,
    /// Refuses what the interface allows.
    TooNarrow,
    RemembersCalls,
    PanicsWithoutText,
    /// Sound, but not the published algorithm.
    AnotherAlgorithm,
    ShortTag,
    /// Its descriptor is a policy's.
    NoCipher,
}

struct Toy {
    flaw: Flaw,
    descriptor: Descriptor,
}

fn toy(flaw: Flaw) -> Toy {
    let properties = match flaw {
        Flaw::NoCipher => Properties::Policy { admits_anyone: true },
        _ => Properties::Cipher {
            confidential: true,
            key_len: 32,
            overhead: if flaw == Flaw::ShortTag { 8 } else { 16 },
            max_messages: 1 << 20,
        },
    };
    let descriptor = Descriptor {
        name: "toy".to_owned(),
        version: "1".to_owned(),
        summary: "A toy".to_owned(),
        properties,
        options: Vec::new(),
    };
    Toy { flaw, descriptor }
}

impl CipherModule for Toy {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(ToyCipher(self.flaw)))
    }
}

struct ToyCipher(Flaw);

impl Cipher for ToyCipher {
    fn key(&self, key: &Secret<32>) -> Result<Box<dyn CipherKey>, Error> {
        let mut key = *key.expose();
        if self.0 == Flaw::HalfKey {
            key[16..].fill(0);
        }
        Ok(Box::new(ToyKey { flaw: self.0, key, calls: AtomicU64::new(0) }))
    }
}

struct ToyKey {
    flaw: Flaw,
    key: [u8; 32],
    calls: AtomicU64,
}

impl ToyKey {
    fn hide(&self, nonce: Nonce, text: &mut [u8]) {
        let nonce = match self.flaw {
            Flaw::OnePad | Flaw::NonceZero => Nonce::from_counter(0),
            _ => nonce,
        };
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"pad").update(self.nonce(&nonce));
        if self.flaw == Flaw::RemembersCalls {
            hasher.update(&self.calls.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        }
        if self.flaw == Flaw::AnotherAlgorithm {
            hasher.update(b"another");
        }
        let mut pad = vec![0; text.len()];
        hasher.finalize_xof().fill(&mut pad);
        if self.flaw == Flaw::ShortPad {
            for index in 16..pad.len() {
                pad[index] = pad[index - 16];
            }
        }
        if self.flaw != Flaw::Identity {
            text.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        }
    }

    fn nonce<'a>(&self, nonce: &'a Nonce) -> &'a [u8] {
        &nonce.as_bytes()[if self.flaw == Flaw::CounterOnly { 4 } else { 0 }..]
    }

    fn tag(&self, nonce: Nonce, header: &[u8], text: &[u8]) -> Vec<u8> {
        let header = match self.flaw {
            Flaw::IgnoresHeader => &[],
            Flaw::CutsHeader => &header[..header.len().min(16)],
            _ => header,
        };
        let nonce = if self.flaw == Flaw::NonceZero { Nonce::from_counter(0) } else { nonce };
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"tag").update(self.nonce(&nonce));
        if self.flaw != Flaw::JoinsHeaderAndText {
            hasher.update(&(header.len() as u64).to_le_bytes());
        }
        hasher.update(header).update(text);
        let len = match self.flaw {
            Flaw::MoreThanAnnounced => 20,
            Flaw::ShortTag => 8,
            _ => 16,
        };
        hasher.finalize().as_bytes()[..len].to_vec()
    }

    fn fits(&self, len: usize) -> bool {
        match self.flaw {
            Flaw::Unbounded => true,
            Flaw::TooNarrow => len < MAX_PLAINTEXT,
            _ => len <= MAX_PLAINTEXT,
        }
    }
}

fn too_long(got: usize) -> Error {
    Error::BadLength { what: "a message", got, want: "less".to_owned() }
}

impl CipherKey for ToyKey {
    fn seal(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        if !self.fits(buffer.len()) {
            return Err(too_long(buffer.len()));
        }
        if self.flaw == Flaw::PanicsWithoutText {
            assert!(!buffer.is_empty(), "nothing to do");
        }
        self.hide(nonce, buffer);
        let tag = self.tag(nonce, header, buffer);
        buffer.extend(tag);
        Ok(())
    }

    fn open(&self, nonce: Nonce, header: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        let tag_len = self.tag(nonce, &[], &[]).len();
        let Some(len) = buffer.len().checked_sub(tag_len) else {
            return Err(Error::DoesNotOpen);
        };
        if !self.fits(len) {
            return Err(too_long(buffer.len()));
        }
        let mut right = self.tag(nonce, header, &buffer[..len]);
        let mut tag = buffer[len..].to_vec();
        match self.flaw {
            Flaw::OpensFirst => self.hide(nonce, &mut buffer[..len]),
            Flaw::CutsFirst => buffer.truncate(len),
            Flaw::HalfTag => (right, tag) = (right[..8].to_vec(), tag[..8].to_vec()),
            _ => {}
        }
        if right != tag {
            return Err(match self.flaw {
                Flaw::TellsWhy if right[..8] == tag[..8] => Error::Malformed("nearly".to_owned()),
                Flaw::TellsWhy => Error::Malformed("far from it".to_owned()),
                _ => Error::DoesNotOpen,
            });
        }
        if self.flaw != Flaw::OpensFirst {
            self.hide(nonce, &mut buffer[..len]);
        }
        buffer.truncate(len);
        Ok(())
    }
}

/// A vector as the sound toy makes it.
fn vector() -> CipherVector {
    let (key, nonce, header, plain) = ([7; 32], [9; 12], b"header".to_vec(), b"text".to_vec());
    let mut sealed = plain.clone();
    ToyCipher(Flaw::None)
        .key(&Secret::new(key))
        .and_then(|key| key.seal(Nonce::from_bytes(nonce), &header, &mut sealed))
        .expect("the toy seals");
    CipherVector { name: "toy 1".to_owned(), key, nonce, header, plain, sealed }
}

fn broken(flaw: Flaw) -> Failures {
    cipher_suite(&toy(flaw), &[vector()]).expect_err(&format!("{flaw:?} was not found"))
}

#[test]
fn a_sound_cipher_keeps_all_rules() {
    let summary = cipher_suite(&toy(Flaw::None), &[vector()]).unwrap_or_else(|f| panic!("{f}"));
    assert!(summary.checks > 10_000, "{summary}");
    for name in ["round-trip", "tamper-header", "keystream", "vectors", "bounds", "one-error"] {
        assert!(summary.rules.iter().any(|rule| rule.name == name), "{name} was not tried");
    }
}

#[test]
fn broken_ciphers_are_found_by_the_rules_they_break() {
    let expected: &[(Flaw, &[&str])] = &[
        (Flaw::IgnoresHeader, &["vectors", "tamper-header"]),
        (Flaw::CutsHeader, &["tamper-header"]),
        (Flaw::JoinsHeaderAndText, &["vectors", "tamper-header"]),
        (Flaw::HalfTag, &["tamper-sealed"]),
        (
            Flaw::NonceZero,
            &["vectors", "tamper-nonce", "nonce-separation", "nonces-swapped", "keystream"],
        ),
        (Flaw::OnePad, &["vectors", "keystream"]),
        (
            Flaw::CounterOnly,
            &["vectors", "tamper-nonce", "nonce-separation", "nonces-swapped", "keystream"],
        ),
        (Flaw::ShortPad, &["keystream"]),
        (Flaw::HalfKey, &["vectors", "tamper-key"]),
        (Flaw::OpensFirst, &["buffer-kept"]),
        (Flaw::CutsFirst, &["buffer-kept"]),
        (Flaw::Identity, &["vectors", "keystream", "confidential"]),
        (Flaw::TellsWhy, &["one-error"]),
        (Flaw::MoreThanAnnounced, &["overhead", "vectors"]),
        (Flaw::Unbounded, &["bounds"]),
        (Flaw::TooNarrow, &["bounds"]),
        (Flaw::RemembersCalls, &["round-trip", "pure", "vectors"]),
        (Flaw::PanicsWithoutText, &["no-panic"]),
        (Flaw::AnotherAlgorithm, &["vectors"]),
        (Flaw::ShortTag, &["descriptor", "vectors"]),
        (Flaw::NoCipher, &["descriptor"]),
    ];
    for (flaw, rules) in expected {
        let failures = broken(*flaw);
        let names: Vec<&str> = failures.broken.iter().map(|failure| failure.rule.name).collect();
        assert_eq!(names, *rules, "{flaw:?}: {failures}");
    }
}

#[test]
fn findings_are_in_words_and_few() {
    let failures = broken(Flaw::HalfTag);
    let text = failures.to_string();
    assert!(text.contains("tamper-sealed: changed sealed bytes do not open"), "{text}");
    assert!(text.contains("and ") && text.lines().count() < 20, "{text}");
    let text = broken(Flaw::PanicsWithoutText).to_string();
    assert!(text.contains("panicked when round-trip was tried: nothing to do"), "{text}");
}
