//! What the conformance suites' attacker does with an instance over a Diffie-Hellman group.

use cenacle_dh::DhGroup;
use cenacle_plugin::conformance::{Combined, byte_strings};
use std::borrow::Borrow;
use zeroize::Zeroizing;

/// The exponents in their encoded form.
pub(super) fn secrets<G: DhGroup>(
    scalars: impl Iterator<Item = impl Borrow<G::Scalar>>,
) -> Vec<Zeroizing<Vec<u8>>> {
    scalars.map(|scalar| G::default().scalar_bytes(scalar.borrow())).collect()
}

/// The elements in a message.
pub(super) fn elements<G: DhGroup>(body: &[u8]) -> Vec<Vec<u8>> {
    let cut = |bytes: Vec<u8>| -> Vec<Vec<u8>> {
        let chunks = bytes.chunks_exact(G::ELEMENT_LEN).map(<[u8]>::to_vec);
        chunks.filter(|chunk| G::default().decode(chunk).is_ok()).collect()
    };
    byte_strings(body).into_iter().flat_map(cut).collect()
}

/// The element itself and to the power of the secret and of its inverse, each read as a secret and
/// as a key.
pub(super) fn combine<G: DhGroup>(
    secret_domain: &str,
    key_domain: &str,
    secret: &[u8],
    element: &[u8],
) -> Vec<Combined> {
    let group = G::default();
    let (Ok(scalar), Ok(element)) = (group.scalar_from_bytes(secret), group.decode(element)) else {
        return Vec::new();
    };
    let inverse = group.invert(&scalar);
    let powers = [group.exp(&element, &scalar), group.exp(&element, &inverse), element];
    let combined = |power: &G::Element| {
        let next = group.hash_to_scalar(key_domain, power);
        let mut public = Vec::new();
        group.encode(&group.exp_base(&next), &mut public);
        Combined {
            secret: group.hash_to_secret(secret_domain, power),
            next: group.scalar_bytes(&next),
            public,
        }
    };
    powers.iter().map(combined).collect()
}

/// Implements the suites' view of a protocol: its name, the domains of its group secret and of
/// its keys, and an expression for the exponents that `$held` holds.
macro_rules! inspect {
    ($protocol:ident, $secret:expr, $key:expr, |$held:ident| $scalars:expr) => {
        #[cfg(feature = "conformance")]
        impl<G: cenacle_dh::DhGroup> cenacle_plugin::conformance::Inspect for $protocol<G> {
            fn secrets(&self) -> Vec<zeroize::Zeroizing<Vec<u8>>> {
                let $held = self;
                $crate::agreement::inspect::secrets::<G>($scalars)
            }

            fn elements(&self, body: &[u8]) -> Vec<Vec<u8>> {
                $crate::agreement::inspect::elements::<G>(body)
            }

            fn combine(
                &self,
                secret: &[u8],
                element: &[u8],
            ) -> Vec<cenacle_plugin::conformance::Combined> {
                $crate::agreement::inspect::combine::<G>($secret, $key, secret, element)
            }
        }
    };
}
pub(super) use inspect;
