//! Groups with keys: their charters, the modules, and the identities of nodes.

use crate::{naming, random::Random};
use bytes::Bytes;
use cenacle_core::NodeId;
use cenacle_host::{Origin, Registry};
use cenacle_plugin::{ModuleSource, Options, Secret};
use cenacle_secure::{Charter, Choice, Signer};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// Places that have identities, and how many each has to choose from: which one it is decides on its
/// rank.
const PLACES: usize = 128;
const CHOICES: usize = 8;
/// The cipher of most members' charters, and of the others'.
const CIPHERS: [&str; 2] = ["chacha20poly1305", "aes256gcm"];

/// The modules that every node has.
static MODULES: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    let registry = Registry::new();
    for module in cenacle_builtin::agreements() {
        // A fresh registry has room, and built-in names are different.
        let _ = registry.register_key_agreement(module, Origin::BuiltIn);
    }
    for module in cenacle_builtin::ciphers() {
        let _ = registry.register_cipher(module, Origin::BuiltIn);
    }
    for module in cenacle_builtin::policies() {
        let _ = registry.register_policy(module, Origin::BuiltIn);
    }
    Arc::new(registry)
});

/// Identities take 30 µs each to make, so all runs share them.
static IDENTITIES: LazyLock<Identities> = LazyLock::new(Identities::new);

struct Identities {
    signers: Vec<Arc<Signer>>,
    places: BTreeMap<[u8; 32], usize>,
}

impl Identities {
    fn new() -> Self {
        let (mut signers, mut places) = (Vec::new(), BTreeMap::new());
        let made = (0u32..).map(|number| {
            Signer::new(&Secret::derive("cenacle simulated identity v1", &number.to_le_bytes()))
        });
        let usable = made.filter(|signer| signer.public_key()[31] != naming::PLAIN);
        for (number, signer) in usable.take(PLACES * CHOICES).enumerate() {
            places.insert(*signer.public_key(), number / CHOICES);
            signers.push(Arc::new(signer));
        }
        Self { signers, places }
    }
}

/// Where modules are found.
pub(crate) fn modules() -> Arc<dyn ModuleSource> {
    Arc::<Registry>::clone(&MODULES)
}

/// The key of a place.
pub(crate) fn signer(random: &Random, place: usize) -> Arc<Signer> {
    let choice = random.fork(place as u64).draw() % CHOICES as u64;
    let number = place * CHOICES + usize::try_from(choice).unwrap_or(0);
    let signers = &IDENTITIES.signers;
    Arc::clone(&signers[number % signers.len()])
}

/// The place of a node with such a key.
pub(crate) fn place(node: NodeId) -> Option<usize> {
    IDENTITIES.places.get(&node.key).copied()
}

/// The largest number of nodes of a run with keys.
pub(crate) const MOST: usize = PLACES;

/// The names of the key agreement modules.
pub fn key_agreements() -> Vec<String> {
    cenacle_builtin::agreements().iter().map(|m| m.descriptor().name.clone()).collect()
}

/// The charter of a group; `other` is one that most members do not expect.
pub(crate) fn charter(group: &str, key_agreement: &str, other: bool) -> Option<Charter> {
    let agreement = MODULES.key_agreement(key_agreement)?;
    let cipher = MODULES.cipher(CIPHERS[usize::from(other)])?;
    let policy = MODULES.policy("open")?;
    let defaults = |descriptor: &cenacle_plugin::Descriptor| {
        Choice::new(descriptor, &Options::defaults(&descriptor.options))
    };
    let [agreement, cipher, policy] =
        [agreement.descriptor(), cipher.descriptor(), policy.descriptor()].map(defaults);
    Some(Charter::new(group, agreement, cipher, policy))
}

/// A charter that a member expects, from its bytes.
pub(crate) fn read(charter: &Bytes) -> Option<Charter> {
    Charter::decode(charter).ok()
}
