//! Members, groups and views as the bytes that are signed, hashed and handed to modules.

use cenacle_core::{MemberId, ViewId};
use cenacle_plugin::{Error, Member};

/// Bytes of a member's name.
pub(crate) const MEMBER_LEN: usize = 32 + 8 + 4;

/// A member's name as modules see it: its node's key and incarnation, and its number there.
pub(crate) fn member_bytes(member: &MemberId) -> [u8; MEMBER_LEN] {
    let mut bytes = [0; MEMBER_LEN];
    let (key, rest) = bytes.split_at_mut(32);
    let (incarnation, local) = rest.split_at_mut(8);
    key.copy_from_slice(&member.node.key);
    incarnation.copy_from_slice(&member.node.incarnation.to_be_bytes());
    local.copy_from_slice(&member.local.to_be_bytes());
    bytes
}

/// A member as modules see it: its node's key is the one that it signs with.
pub(crate) fn module_member(member: &MemberId) -> Result<Member, Error> {
    let id = cenacle_plugin::MemberId::new(&member_bytes(member))?;
    Ok(Member { id, public_key: member.node.key })
}

/// A view's name.
pub(crate) fn view_bytes(view: &ViewId) -> [u8; 56] {
    let mut bytes = [0; 56];
    let parts: [&[u8]; 4] = [
        &view.order.epoch.to_be_bytes(),
        &view.order.position.as_u64().to_be_bytes(),
        &view.proposer.key,
        &view.proposer.incarnation.to_be_bytes(),
    ];
    let mut rest = bytes.as_mut_slice();
    for part in parts {
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
    }
    bytes
}
