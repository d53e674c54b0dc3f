//! The verification keys of a view, each decoded once as long as its member stays.

use super::EnvelopeError;
use super::parts::Sink;
use cenacle_plugin::{MAX_MEMBERS, Member};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::VerificationKey;
use std::collections::{BTreeMap, BTreeSet};

// Positions travel as 16 bits, and two values above all positions mean "all".
const _: () = assert!(MAX_MEMBERS < 0xfffe);

/// The members' public keys by position, decompressed and checked: built once a view, from the ring
/// of the view before where there is one, and shared by all the view's runs.
///
/// Two members may have the same key (members of one node do), for signatures bind the sender's
/// position. A key with a torsion component is accepted as ZIP 215 has it; one that is nothing but
/// torsion is refused.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<VerificationKey>,
    digest: [u8; 32],
    decoded: usize,
}

impl KeyRing {
    /// The ring of `members`, by seniority.
    ///
    /// Fails when there are none or more than [`MAX_MEMBERS`], when a name is there twice, and
    /// when a key is no point of the curve or has small order. All members of a view reach the
    /// same verdict; to judge a joiner before a view lists it, make a ring of it alone.
    pub fn new(members: &[Member]) -> Result<Self, EnvelopeError> {
        Self::build(members, |_| None)
    }

    /// The ring of the view that follows: as [`new`](Self::new) makes it, but keys that are in this
    /// ring need not be decoded and checked again. What a key's bytes decode to, and whether they
    /// are refused, follows from the bytes alone, so a key may come from any member's place.
    ///
    /// Decoding is nearly all that a ring costs: about 9 µs a key, of which the others take 0.2.
    pub fn following(&self, members: &[Member]) -> Result<Self, EnvelopeError> {
        let known: BTreeMap<&[u8], &VerificationKey> =
            self.keys.iter().map(|key| (key.as_ref(), key)).collect();
        Self::build(members, |bytes| known.get(bytes.as_slice()).copied())
    }

    fn build<'k>(
        members: &[Member],
        known: impl Fn(&[u8; 32]) -> Option<&'k VerificationKey>,
    ) -> Result<Self, EnvelopeError> {
        if members.is_empty() {
            return Err(EnvelopeError::NoMembers);
        }
        if members.len() > MAX_MEMBERS {
            return Err(EnvelopeError::TooManyMembers { got: members.len() });
        }
        let mut names = BTreeSet::new();
        let mut keys = Vec::with_capacity(members.len());
        let mut decoded = 0;
        let mut hasher = blake3::Hasher::new_derive_key("cenacle key agreement members v1");
        for (position, member) in (0u32..).zip(members) {
            if !names.insert(&member.id) {
                return Err(EnvelopeError::DuplicateMember { position });
            }
            keys.push(match known(&member.public_key) {
                Some(key) => *key,
                None => {
                    decoded += 1;
                    checked_key(position, member.public_key)?
                }
            });
            hasher.part(member.id.as_bytes());
            hasher.part(&member.public_key);
        }
        Ok(Self { keys, digest: hasher.finalize().into(), decoded })
    }

    /// How many keys had to be decoded to make it.
    pub fn decoded(&self) -> usize {
        self.decoded
    }

    /// How many members the view has.
    pub fn size(&self) -> usize {
        self.keys.len()
    }

    /// Hash of the ordered list of names and public keys.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The key of the member at `position`.
    pub(super) fn key(&self, position: u16) -> Option<&VerificationKey> {
        self.keys.get(usize::from(position))
    }

    /// `position` in its wire form, if it is in the view.
    pub(super) fn position(&self, position: u32) -> Result<u16, EnvelopeError> {
        u16::try_from(position)
            .ok()
            .filter(|position| self.key(*position).is_some())
            .ok_or(EnvelopeError::NoSuchMember { position })
    }
}

/// Under a key of small order, R = identity and s = 0 sign every message (the cofactored equation
/// multiplies the key away): such a signature proves nothing. ed25519-zebra leaves the refusal to
/// its users, so the point is decoded a second time here.
pub(super) fn checked_key(
    position: u32,
    bytes: [u8; 32],
) -> Result<VerificationKey, EnvelopeError> {
    let point =
        CompressedEdwardsY(bytes).decompress().ok_or(EnvelopeError::NotAKey { position })?;
    if point.is_small_order() {
        return Err(EnvelopeError::WeakKey { position });
    }
    VerificationKey::try_from(bytes).map_err(|_| EnvelopeError::NotAKey { position })
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} members)", self.keys.len())
    }
}
