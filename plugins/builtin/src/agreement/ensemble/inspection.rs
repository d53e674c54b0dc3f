//! What the conformance suites may see of an instance, and do with it.
//!
//! Secrets are all symmetric keys that the instance holds: of channels, of the key graph, of the run
//! under way. (Exponents are gone when a run ends, and their only use is one exchange.) Elements are
//! the sealed keys in a message, each behind the name of its run. A secret and an element combine by
//! trying whether the one opens the other; what comes out is a secret too. So the suite's attackers
//! try all their keys on every ciphertext.

use super::messages::Message;
use super::seal::{Key, RECORD_LEN, Sealing, Use, cipher};
use cenacle_plugin::conformance::Combined;
use cenacle_plugin::from_cbor;
use zeroize::Zeroizing;

/// How many numbers an attacker tries: no run seals more under one key.
const NUMBERS: u64 = 2;

/// All sealed keys in a message of the run of that name.
pub(super) fn elements(run: &[u8; 32], body: &[u8]) -> Vec<Vec<u8>> {
    let records = match from_cbor::<Message>(body) {
        Ok(Message::Wraps(records) | Message::Bundle(records)) => records,
        Ok(Message::Graph { wraps, .. }) => wraps,
        Ok(_) => Vec::new(),
        Err(_) => body.to_vec(),
    };
    let records = records.chunks_exact(RECORD_LEN);
    records.map(|record| [run.as_slice(), record].concat()).collect()
}

/// The keys as the suites take them.
pub(super) fn secrets<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<Zeroizing<Vec<u8>>> {
    keys.map(|key| Zeroizing::new(key.expose().to_vec())).collect()
}

/// What the key opens, and what it would be as a root.
pub(super) fn combine(secret_domain: &str, secret: &[u8], element: &[u8]) -> Vec<Combined> {
    let Ok(key) = <[u8; 32]>::try_from(secret).map(Key::new) else { return Vec::new() };
    let Some((run, record)) = element.split_first_chunk::<32>() else { return Vec::new() };
    let Ok(cipher) = cipher() else { return Vec::new() };
    let sealing = Sealing::of_run(cipher, *run);
    let as_root = |key: &Key, public: Vec<u8>| Combined {
        secret: sealing.group_secret(secret_domain, key),
        next: Zeroizing::new(key.expose().to_vec()),
        public,
    };
    let tries = [Use::Channel, Use::Node].into_iter().flat_map(|purpose| {
        (0..NUMBERS)
            .filter_map(|number| sealing.open(purpose, &key, number, record).ok())
            .collect::<Vec<_>>()
    });
    let sealing_key = as_root(&key, Vec::new());
    std::iter::once(sealing_key).chain(tries.map(|key| as_root(&key, element.to_vec()))).collect()
}

/// Implements the suites' view of a protocol, with the domain of its group secret and the keys that
/// `$held` holds.
macro_rules! inspect {
    ($protocol:ident, $domain:expr, |$held:ident| $keys:expr) => {
        #[cfg(feature = "conformance")]
        impl<G: cenacle_dh::DhGroup> cenacle_plugin::conformance::Inspect for $protocol<G> {
            fn secrets(&self) -> Vec<zeroize::Zeroizing<Vec<u8>>> {
                let $held = self;
                $crate::agreement::ensemble::inspection::secrets($keys)
            }

            fn elements(&self, _: &[u8]) -> Vec<Vec<u8>> {
                Vec::new()
            }

            fn elements_of_run(&self, run: &[u8; 32], body: &[u8]) -> Vec<Vec<u8>> {
                $crate::agreement::ensemble::inspection::elements(run, body)
            }

            fn combine(
                &self,
                secret: &[u8],
                element: &[u8],
            ) -> Vec<cenacle_plugin::conformance::Combined> {
                let domain: fn(&Self) -> &'static str = $domain;
                $crate::agreement::ensemble::inspection::combine(domain(self), secret, element)
            }
        }
    };
}
pub(super) use inspect;
