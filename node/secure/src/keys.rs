//! What follows from a group secret: the keys of one epoch, each for one use.
//!
//! ```text
//!  context, change, group secret ──▶ epoch secret ─┬─▶ confirm   proves that a member holds it
//!                                                  ├─▶ seal ──▶ one key a sender (records)
//!                                                  ├─▶ export ──▶ keys of the application
//!                                                  ├─▶ topic     names rendezvous points
//!                                                  └─▶ fingerprint, key id (public)
//! ```
//!
//! The epoch secret itself is forgotten as soon as these are derived.

use crate::RunContext;
use cenacle_plugin::{GroupSecret, Secret};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of a confirmation.
pub const CONFIRMATION_LEN: usize = 32;
/// Bytes of the name by which a record says under which epoch it was sealed.
pub const KEY_ID_LEN: usize = 4;
/// The most bytes of the label and of the context of an exported key.
pub const MAX_EXPORT_PART: usize = 1024;

/// The keys of one epoch of a group. Zeroised when they are dropped.
pub struct Epoch {
    context: [u8; 32],
    confirm: Secret<32>,
    seal: Secret<32>,
    export: Secret<32>,
    topic: Secret<32>,
    fingerprint: [u8; 8],
    key_id: [u8; KEY_ID_LEN],
}

impl Epoch {
    /// The keys that follow from the secret that the run `context` agreed on; `change` is the digest
    /// of what the run was told (classes, shares, who asked for it), so that members who were told
    /// different things hold different keys and notice it.
    pub fn new(context: &RunContext, change: &[u8; 32], secret: &GroupSecret) -> Self {
        let mut material = [0; 96];
        let (parts, _) = material.as_chunks_mut::<32>();
        for (part, bytes) in parts.iter_mut().zip([context.as_bytes(), change, secret.expose()]) {
            *part = *bytes;
        }
        let epoch: Secret<32> = Secret::derive("cenacle epoch secret v1", &material);
        material.zeroize();
        let sub = |label: &str| Secret::<32>::derive(label, epoch.expose());
        Self {
            context: *context.as_bytes(),
            confirm: sub("cenacle epoch confirm key v1"),
            seal: sub("cenacle epoch seal key v1"),
            export: sub("cenacle epoch export key v1"),
            topic: sub("cenacle epoch topic key v1"),
            fingerprint: public("cenacle epoch fingerprint v1", &epoch),
            key_id: public("cenacle epoch key id v1", &epoch),
        }
    }

    /// The name of the epoch: the context of the run that made it. Public, never the same twice.
    pub fn id(&self) -> &[u8; 32] {
        &self.context
    }

    /// What people compare to see that they have the same key.
    pub fn fingerprint(&self) -> [u8; 8] {
        self.fingerprint
    }

    /// What records name the epoch by.
    pub fn key_id(&self) -> [u8; KEY_ID_LEN] {
        self.key_id
    }

    /// The proof that the member at `position` holds the secret; only who holds it can make it.
    pub fn confirmation(&self, position: u32) -> [u8; CONFIRMATION_LEN] {
        let mut hasher = blake3::Hasher::new_keyed(self.confirm.expose());
        hasher.update(&position.to_le_bytes());
        let proof = hasher.finalize().into();
        hasher.zeroize();
        proof
    }

    /// Whether `proof` is the confirmation of the member at `position`; in constant time.
    pub fn confirms(&self, position: u32, proof: &[u8; CONFIRMATION_LEN]) -> bool {
        self.confirmation(position).ct_eq(proof).into()
    }

    /// The proof that all members have confirmed, by the one who collected.
    pub fn seal_of_all(&self) -> [u8; CONFIRMATION_LEN] {
        self.confirmation(u32::MAX)
    }

    /// The key under which this member seals: its own, so that counters of different senders never
    /// meet under one key. `sender` is the member's name.
    pub fn sender_key(&self, sender: &[u8]) -> Secret<32> {
        let mut material = self.seal.expose().to_vec();
        material.extend_from_slice(sender);
        let key = Secret::derive("cenacle sender key v1", &material);
        material.zeroize();
        key
    }

    /// A key for the application, equal at all members of the epoch, different for every label and
    /// context; nothing about it follows from other exports. None if either is too long.
    pub fn export(&self, label: &[u8], context: &[u8]) -> Option<Secret<32>> {
        if label.len() > MAX_EXPORT_PART || context.len() > MAX_EXPORT_PART {
            return None;
        }
        let mut material = self.export.expose().to_vec();
        material.extend_from_slice(&(label.len() as u64).to_le_bytes());
        material.extend_from_slice(label);
        material.extend_from_slice(context);
        let key = Secret::derive("cenacle exported key v1", &material);
        material.zeroize();
        Some(key)
    }

    /// Names a place of rendezvous that only members of the epoch can find.
    pub fn topic(&self) -> Secret<32> {
        self.topic.clone()
    }
}

impl std::fmt::Debug for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Epoch({:02x?})", self.fingerprint)
    }
}

/// A few bytes that tell nothing of the secret.
fn public<const N: usize>(label: &str, epoch: &Secret<32>) -> [u8; N] {
    *Secret::<N>::derive(label, epoch.expose()).expose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyRing, Run};
    use cenacle_plugin::{Member, MemberId};

    fn epoch(number: u64, secret: u8, change: u8) -> Epoch {
        let id = MemberId::new(b"a").unwrap();
        let public_key = *crate::Signer::new(&Secret::new([1; 32])).public_key();
        let ring = KeyRing::new(&[Member { id, public_key }]).unwrap();
        let run =
            Run { suite: "s", group: b"g", view: b"v", members: &ring, charter: &[0; 32], number };
        Epoch::new(&run.context().unwrap(), &[change; 32], &Secret::new([secret; 32]))
    }

    #[test]
    fn everything_that_is_different_makes_other_keys() {
        let one = epoch(0, 1, 1);
        for other in [epoch(1, 1, 1), epoch(0, 2, 1), epoch(0, 1, 2)] {
            assert_ne!(one.fingerprint(), other.fingerprint());
            assert_ne!(one.key_id(), other.key_id());
            assert!(one.sender_key(b"x") != other.sender_key(b"x"));
            assert!(!other.confirms(0, &one.confirmation(0)));
        }
        assert_eq!(one.fingerprint(), epoch(0, 1, 1).fingerprint());
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let epoch = epoch(0, 1, 1);
        let keys = [
            epoch.sender_key(b"x"),
            epoch.sender_key(b"y"),
            epoch.export(b"x", b"").unwrap(),
            epoch.export(b"", b"x").unwrap(),
            epoch.export(b"xy", b"").unwrap(),
            epoch.export(b"x", b"y").unwrap(),
            epoch.topic(),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(index + 1).all(|other| other != key), "{index}");
        }
        assert!(epoch.export(&[0; MAX_EXPORT_PART + 1], b"").is_none());
    }

    #[test]
    fn a_confirmation_is_one_members() {
        let epoch = epoch(0, 1, 1);
        assert!(epoch.confirms(3, &epoch.confirmation(3)));
        assert!(!epoch.confirms(2, &epoch.confirmation(3)));
        assert!(!epoch.confirms(0, &epoch.seal_of_all()));
    }
}
