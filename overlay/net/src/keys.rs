//! Between libp2p's peer ids and the 32 bytes of an Ed25519 key.

use libp2p::{
    PeerId,
    identity::{PublicKey, ed25519},
};

/// The key inside a peer id; none for other kinds of keys, which this overlay does not know.
pub(crate) fn key_of(peer: &PeerId) -> Option<[u8; 32]> {
    /// Ed25519 keys are small enough to stand in the id itself.
    const IDENTITY: u64 = 0;
    let hash = peer.as_ref();
    if hash.code() != IDENTITY {
        return None;
    }
    let key = PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    Some(key.try_into_ed25519().ok()?.to_bytes())
}

/// The peer id of a key; none if the bytes are no key.
pub(crate) fn peer_of(key: &[u8; 32]) -> Option<PeerId> {
    Some(public(key)?.to_peer_id())
}

/// Whether `signature` over `message` is this key's.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    public(key).is_some_and(|key| key.verify(message, signature))
}

fn public(key: &[u8; 32]) -> Option<PublicKey> {
    Some(ed25519::PublicKey::try_from_bytes(key).ok()?.into())
}
