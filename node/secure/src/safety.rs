//! Safety numbers: what two people read to each other to know that they mean the same members and
//! the same charter, whatever an attacker between them shows to each.

use crate::envelope::Sink;
use cenacle_core::MemberId;
use std::collections::BTreeSet;

/// Groups of digits of a safety number.
const GROUPS: usize = 6;

/// The digest of members and charter. It names people by their keys, so that it stays the same
/// through restarts, changes of the key, and whatever order the members stand in.
pub fn digest(members: &[MemberId], charter: &[u8; 32]) -> [u8; 32] {
    let keys: BTreeSet<[u8; 32]> = members.iter().map(|member| member.node.key).collect();
    let mut hasher = blake3::Hasher::new_derive_key("cenacle safety number v1");
    hasher.part(charter);
    for key in &keys {
        hasher.part(key);
    }
    hasher.finalize().into()
}

/// The digest as six groups of five digits: 99 bits, so that nobody finds another group with the
/// same number.
pub fn number(digest: &[u8; 32]) -> String {
    let (chunks, _) = digest.as_chunks::<5>();
    let group = |chunk: &[u8; 5]| {
        let value = chunk.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        format!("{:05}", value % 100_000)
    };
    chunks.iter().take(GROUPS).map(group).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cenacle_core::NodeId;

    fn member(key: u8, incarnation: u64) -> MemberId {
        MemberId { node: NodeId { key: [key; 32], incarnation }, local: 0 }
    }

    #[test]
    fn the_number_is_of_people_and_charter() {
        let one = digest(&[member(1, 1), member(2, 1)], &[0; 32]);
        assert_eq!(one, digest(&[member(2, 9), member(1, 1)], &[0; 32]), "restarted, other order");
        assert_ne!(one, digest(&[member(1, 1)], &[0; 32]));
        assert_ne!(one, digest(&[member(1, 1), member(2, 1)], &[1; 32]));
        let digits = number(&one);
        assert_eq!(digits.len(), 6 * 5 + 5);
        assert!(digits.split(' ').all(|group| group.len() == 5 && group.parse::<u32>().is_ok()));
    }
}
