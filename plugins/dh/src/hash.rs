//! From a group element to uniform bytes.

use crate::DhGroup;
use zeroize::{Zeroize, Zeroizing};

/// Fills `bytes` from BLAKE3 in `derive_key` mode, with `domain` as the context string.
///
/// The group's name goes in ahead of the element, with its length, so that the same bytes read in
/// two groups never give the same result.
pub(crate) fn expand<G: DhGroup>(group: &G, domain: &str, element: &G::Element, bytes: &mut [u8]) {
    let mut encoding = Zeroizing::new(Vec::with_capacity(G::ELEMENT_LEN));
    group.encode(element, &mut encoding);
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    hasher.update(&(G::NAME.len() as u64).to_le_bytes());
    hasher.update(G::NAME.as_bytes());
    hasher.update(&encoding);
    let mut output = hasher.finalize_xof();
    output.fill(bytes);
    output.zeroize();
    hasher.zeroize();
}

/// Writes four bytes of the element's hash: enough to tell two apart in a failed test, and nothing
/// of a shared key in a log.
pub(crate) fn debug<G: DhGroup>(
    group: &G,
    element: &G::Element,
    f: &mut std::fmt::Formatter<'_>,
) -> std::fmt::Result {
    let mut fingerprint = [0; 4];
    expand(group, "cenacle group element fingerprint v1", element, &mut fingerprint);
    write!(f, "{}(#{:08x})", G::NAME, u32::from_be_bytes(fingerprint))
}
