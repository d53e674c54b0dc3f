//! Names of nodes: made from seed and place, and the place read back.

use crate::{random::Random, secure};
use cenacle_core::NodeId;

/// The last byte of a name that is no key; keys that end so are not used.
pub(crate) const PLAIN: u8 = 0xff;

/// The node of a place in one of its lives. The first two bytes are random, so that ranks have
/// nothing to do with places; the next two are the place, so that four bytes tell nodes apart.
pub fn node(random: &Random, place: usize, life: u64) -> NodeId {
    let mut random = random.fork(place as u64);
    let mut key = [0; 32];
    for chunk in key.as_chunks_mut::<8>().0 {
        *chunk = random.draw().to_le_bytes();
    }
    let [high, low] = u16::try_from(place).unwrap_or(u16::MAX).to_be_bytes();
    [key[2], key[3]] = [high, low];
    key[31] = PLAIN;
    NodeId { key, incarnation: life }
}

/// The place of a node.
pub(crate) fn place(node: NodeId) -> usize {
    if node.key[31] != PLAIN {
        return secure::place(node).unwrap_or(usize::MAX);
    }
    let [_, _, high, low, ..] = node.key;
    usize::from(u16::from_be_bytes([high, low]))
}

/// The name of a group.
pub(crate) fn group(number: usize) -> String {
    format!("g{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_back() {
        let random = Random::new(5);
        for at in [0, 1, 99, 1023] {
            let id = node(&random, at, 3);
            assert_eq!((place(id), id.incarnation), (at, 3));
            assert_eq!(id.key, node(&random, at, 4).key);
        }
        assert_ne!(node(&random, 0, 1).key[..2], node(&random, 1, 1).key[..2]);
    }
}
