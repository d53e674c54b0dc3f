//! A view of a few members and what they need to write to each other.

use cenacle_plugin::{Member, MemberId, Order, Random, Secret};
use cenacle_secure::{Destination, KeyRing, Opener, Run, RunContext, Sealer, Signer};
use std::sync::Arc;

pub(crate) const FIFO: Destination = Destination::All(Order::Fifo);
pub(crate) const AGREED: Destination = Destination::All(Order::Agreed);

/// Where the fields of a sealed message lie.
pub(crate) const TAG_AT: usize = 1;
pub(crate) const NUMBER_AT: usize = 9;
pub(crate) const FROM_AT: usize = 13;
pub(crate) const TO_AT: usize = 15;
pub(crate) const SIGNATURE_AT: usize = 17;
pub(crate) const BODY_AT: usize = 81;

pub(crate) struct View {
    pub(crate) signers: Vec<Arc<Signer>>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) context: RunContext,
}

pub(crate) fn random(seed: u64) -> Random {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Random::new(&Secret::new(bytes))
}

/// A number below `bound`.
pub(crate) fn below(random: &mut Random, bound: usize) -> usize {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    (u64::from_le_bytes(bytes) % bound as u64) as usize
}

pub(crate) fn signers(count: usize) -> Vec<Arc<Signer>> {
    let mut random = random(1);
    (0..count).map(|_| Arc::new(Signer::new(&random.secret()))).collect()
}

pub(crate) fn member(name: &str, public_key: [u8; 32]) -> Member {
    Member { id: MemberId::new(name.as_bytes()).unwrap(), public_key }
}

pub(crate) fn members_of(keys: &[[u8; 32]]) -> Vec<Member> {
    keys.iter().enumerate().map(|(n, key)| member(&format!("member {n}"), *key)).collect()
}

pub(crate) fn context_of(ring: &KeyRing, number: u64) -> RunContext {
    let run = Run {
        suite: "tgdh/ristretto255",
        group: b"group",
        view: b"view 7",
        members: ring,
        charter: &[3; 32],
        number,
    };
    run.context().unwrap()
}

impl View {
    pub(crate) fn new(count: usize) -> Self {
        let signers = signers(count);
        let keys: Vec<_> = signers.iter().map(|signer| *signer.public_key()).collect();
        let ring = Arc::new(KeyRing::new(&members_of(&keys)).unwrap());
        let context = context_of(&ring, 0);
        Self { signers, ring, context }
    }

    pub(crate) fn sealer(&self, me: u32) -> Sealer {
        self.sealer_in(self.context, me)
    }

    pub(crate) fn sealer_in(&self, context: RunContext, me: u32) -> Sealer {
        let signer = self.signers[me as usize].clone();
        Sealer::new(context, self.ring.clone(), me, signer).unwrap()
    }

    pub(crate) fn opener(&self, me: u32) -> Opener {
        Opener::new(self.context, self.ring.clone(), me).unwrap()
    }
}
