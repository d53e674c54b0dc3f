//! Keys sealed under keys, for one run.
//!
//! Every key that seals is first bound to the run: what is sealed in one run opens in no other, and
//! a count that starts anew with each run repeats no nonce, though runs are broken off at any step
//! (decision 0020). The cipher is ChaCha20-Poly1305 whatever the group seals its messages with: a
//! group may choose one that hides nothing.

use crate::ciphers::ChaCha20Poly1305;
use cenacle_plugin::{
    Cipher, CipherModule, Error, GroupSecret, KEY_LEN, Nonce, Options, Secret, ViewChange,
};
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// A key that is chosen, sent and sealed with.
pub(super) type Key = Secret<KEY_LEN>;

/// Bytes of a proof of possession: a sealed nothing.
pub(super) const PROOF_LEN: usize = 16;

/// Bytes of a sealed key.
pub(super) const RECORD_LEN: usize = KEY_LEN + PROOF_LEN;

/// What a key seals; each under a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A key of one direction of a channel: whatever goes that way.
    Channel,
    /// A key of the key graph: the key above it.
    Node,
    /// A group secret: that its holder has it.
    Acknowledgement,
}

impl Use {
    fn domain(self) -> &'static str {
        match self {
            Self::Channel => "cenacle ensemble channel in a run v1",
            Self::Node => "cenacle ensemble node in a run v1",
            Self::Acknowledgement => "cenacle ensemble acknowledgement in a run v1",
        }
    }
}

/// The cipher, and the run for which it seals. Copies share the cipher.
#[derive(Clone)]
pub(super) struct Sealing {
    cipher: Arc<dyn Cipher>,
    run: [u8; 32],
}

/// The cipher that keys are sealed with.
pub(super) fn cipher() -> Result<Arc<dyn Cipher>, Error> {
    let cipher = ChaCha20Poly1305::default().create(&Options::default())?;
    Ok(Arc::from(cipher))
}

impl Sealing {
    /// Seals for the run that `change` begins.
    pub(super) fn new(cipher: &Arc<dyn Cipher>, change: &ViewChange) -> Result<Self, Error> {
        let run = change.run().ok_or(Error::BadChange("the run has no name to bind keys to"))?;
        Ok(Self { cipher: Arc::clone(cipher), run: *run })
    }

    /// Seals for the run of that name.
    #[cfg(feature = "conformance")]
    pub(super) fn of_run(cipher: Arc<dyn Cipher>, run: [u8; 32]) -> Self {
        Self { cipher, run }
    }

    /// The name of the run.
    pub(super) fn run(&self) -> &[u8; 32] {
        &self.run
    }

    /// Seals `text`, the message of that number under `key` in this run.
    pub(super) fn seal(
        &self,
        purpose: Use,
        key: &Key,
        number: u64,
        text: &Key,
    ) -> Result<Vec<u8>, Error> {
        // Room for the tag, so that no unsealed copy is left behind in freed memory.
        let mut record = Vec::with_capacity(RECORD_LEN);
        record.extend_from_slice(text.expose());
        let key = self.cipher.key(&self.bound(purpose, key))?;
        key.seal(Nonce::from_counter(number), &self.run, &mut record)?;
        Ok(record)
    }

    /// Opens what [`seal`](Self::seal) made.
    pub(super) fn open(
        &self,
        purpose: Use,
        key: &Key,
        number: u64,
        record: &[u8],
    ) -> Result<Key, Error> {
        if record.len() != RECORD_LEN {
            return Err(Error::DoesNotOpen);
        }
        let mut text = Zeroizing::new(record.to_vec());
        let key = self.cipher.key(&self.bound(purpose, key))?;
        key.open(Nonce::from_counter(number), &self.run, &mut text)?;
        let mut bytes: [u8; KEY_LEN] =
            text.as_slice().try_into().map_err(|_| Error::Bug("a record of another length"))?;
        let opened = Key::new(bytes);
        bytes.zeroize();
        Ok(opened)
    }

    /// The proof that whoever is number `number` has `key`.
    pub(super) fn prove(&self, key: &Key, number: u64) -> Result<Vec<u8>, Error> {
        let mut proof = Vec::with_capacity(PROOF_LEN);
        let key = self.cipher.key(&self.bound(Use::Acknowledgement, key))?;
        key.seal(Nonce::from_counter(number), &self.run, &mut proof)?;
        Ok(proof)
    }

    /// Whether `proof` is what [`prove`](Self::prove) makes.
    pub(super) fn proves(&self, key: &Key, number: u64, proof: &[u8]) -> Result<bool, Error> {
        let mut proof = proof.to_vec();
        let key = self.cipher.key(&self.bound(Use::Acknowledgement, key))?;
        match key.open(Nonce::from_counter(number), &self.run, &mut proof) {
            Ok(()) => Ok(proof.is_empty()),
            Err(Error::DoesNotOpen) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The group secret that follows from the key that all members have. A root may seal the next
    /// one: the secret must not tell it.
    pub(super) fn group_secret(&self, domain: &str, key: &Key) -> GroupSecret {
        self.derive(domain, key)
    }

    fn bound(&self, purpose: Use, key: &Key) -> Key {
        self.derive(purpose.domain(), key)
    }

    fn derive(&self, domain: &str, key: &Key) -> Key {
        let mut material = Zeroizing::new([0; KEY_LEN + 32]);
        let (front, back) = material.split_at_mut(KEY_LEN);
        front.copy_from_slice(key.expose());
        back.copy_from_slice(&self.run);
        Key::derive(domain, material.as_slice())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;
    use cenacle_plugin::{Class, Member, MemberId};

    fn sealing(run: u8) -> Sealing {
        let member = Member { id: MemberId::new(b"a").unwrap(), public_key: [0; 32] };
        let class = Class { members: vec![0], left: Vec::new() };
        let change = ViewChange::new(0, vec![member], vec![class]).unwrap();
        let cipher = cipher().unwrap();
        assert!(Sealing::new(&cipher, &change).is_err(), "a run without a name");
        Sealing::new(&cipher, &change.named([run; 32])).unwrap()
    }

    #[test]
    fn a_record_opens_in_its_run_for_its_use_with_its_key_and_number_alone() {
        let (key, text) = (Key::new([1; 32]), Key::new([2; 32]));
        let record = sealing(7).seal(Use::Node, &key, 3, &text).unwrap();
        assert_eq!(record.len(), RECORD_LEN);
        assert!(sealing(7).open(Use::Node, &key, 3, &record).unwrap() == text);
        assert!(sealing(8).open(Use::Node, &key, 3, &record).is_err());
        assert!(sealing(7).open(Use::Channel, &key, 3, &record).is_err());
        assert!(sealing(7).open(Use::Node, &text, 3, &record).is_err());
        assert!(sealing(7).open(Use::Node, &key, 4, &record).is_err());
        assert!(sealing(7).open(Use::Node, &key, 3, &record[..47]).is_err());
    }

    #[test]
    fn a_proof_is_of_one_member_in_one_run() {
        let key = Key::new([1; 32]);
        let proof = sealing(7).prove(&key, 3).unwrap();
        assert_eq!(proof.len(), PROOF_LEN);
        assert!(sealing(7).proves(&key, 3, &proof).unwrap());
        assert!(!sealing(7).proves(&key, 2, &proof).unwrap());
        assert!(!sealing(6).proves(&key, 3, &proof).unwrap());
        assert!(!sealing(7).proves(&Key::new([2; 32]), 3, &proof).unwrap());
    }

    #[test]
    fn the_group_secret_is_not_the_key() {
        let key = Key::new([1; 32]);
        let one = sealing(7).group_secret("cenacle test one v1", &key);
        assert!(one != key && one != sealing(8).group_secret("cenacle test one v1", &key));
    }
}
