//! What a change of view is to a key agreement module: a pure function of the view and of what its
//! members said, so that all members give their instances the same.

use crate::names::module_member;
use crate::words::Words;
use cenacle_core::MemberId;
use cenacle_plugin::{Class, Error, Member, Share, ViewChange};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The change to a view of `members`, by seniority, as the member at position `me` sees it.
///
/// Members that confirmed the same epoch last are a class, whatever views they went through since;
/// who confirmed none is one by itself. The largest class is the base, of equal ones the one with
/// the most senior member.
pub(crate) fn of_view(
    me: u32,
    members: &[MemberId],
    said: &BTreeMap<MemberId, Words>,
) -> Result<ViewChange, Error> {
    let mut epochs: BTreeMap<[u8; 32], Vec<u32>> = BTreeMap::new();
    let mut classes = Vec::new();
    let mut shares = Vec::new();
    let mut refresher = None;
    for (position, member) in (0u32..).zip(members) {
        let words = said.get(member);
        match words.and_then(|words| words.epoch) {
            Some(epoch) => epochs.entry(epoch).or_default().push(position),
            None => classes.push(vec![position]),
        }
        if let Some(body) = words.and_then(|words| words.share.clone()) {
            shares.push(Share { member: position, body });
        }
        if words.is_some_and(|words| words.asks) {
            refresher = refresher.or(Some(position));
        }
    }
    classes.extend(epochs.into_values());
    classes.sort_by_key(|class| (Reverse(class.len()), class.first().copied()));
    let classes = classes.into_iter().map(|members| Class { members, left: Vec::new() }).collect();
    let change = ViewChange::new(me, named(members)?, classes)?.with_shares(shares)?;
    match refresher {
        Some(position) => change.refreshed_by(position),
        None => Ok(change),
    }
}

/// The change of a run that builds on nothing, after one that was aborted.
pub(crate) fn afresh(me: u32, members: &[MemberId]) -> Result<ViewChange, Error> {
    ViewChange::afresh(me, named(members)?)
}

/// What all members were told, as 32 bytes that are the same at each of them.
pub(crate) fn digest(change: &ViewChange) -> Result<[u8; 32], Error> {
    let mut hasher = blake3::Hasher::new_derive_key("cenacle view change v1");
    hasher.update(&cenacle_plugin::to_cbor(&change.seen_by(0)?)?);
    Ok(hasher.finalize().into())
}

fn named(members: &[MemberId]) -> Result<Vec<Member>, Error> {
    members.iter().map(module_member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cenacle_core::NodeId;

    fn members(count: u8) -> Vec<MemberId> {
        (0..count)
            .map(|n| MemberId { node: NodeId { key: [n; 32], incarnation: 1 }, local: 0 })
            .collect()
    }

    fn said(epochs: &[Option<u8>]) -> BTreeMap<MemberId, Words> {
        let words =
            epochs.iter().map(|epoch| Words { epoch: epoch.map(|e| [e; 32]), ..Words::default() });
        members(9).into_iter().zip(words).collect()
    }

    fn classes(change: &ViewChange) -> Vec<Vec<u32>> {
        change.classes().iter().map(|class| class.members.clone()).collect()
    }

    #[test]
    fn members_of_one_epoch_are_a_class_and_the_largest_is_the_base() {
        let said = said(&[None, Some(2), Some(1), Some(2), None, Some(1), Some(2)]);
        let change = of_view(0, &members(7), &said).unwrap();
        assert_eq!(classes(&change), [vec![1, 3, 6], vec![2, 5], vec![0], vec![4]]);
        assert_eq!(change.joined(), [0, 2, 4, 5]);
    }

    #[test]
    fn of_equal_classes_the_senior_one_is_the_base() {
        let change = of_view(0, &members(4), &said(&[Some(9), Some(1), Some(1), Some(9)]));
        assert_eq!(classes(&change.unwrap()), [vec![0, 3], vec![1, 2]]);
    }

    #[test]
    fn who_said_nothing_is_a_newcomer() {
        let change = of_view(1, &members(3), &said(&[Some(1), Some(1)])).unwrap();
        assert_eq!(classes(&change), [vec![0, 1], vec![2]]);
        assert_eq!(change.refresher(), None);
    }

    #[test]
    fn the_senior_of_those_who_asked_refreshes() {
        let mut said = said(&[Some(1), Some(1), Some(1)]);
        for member in members(3).iter().skip(1) {
            said.get_mut(member).unwrap().asks = true;
        }
        let change = of_view(0, &members(3), &said).unwrap();
        assert_eq!((classes(&change).len(), change.refresher()), (1, Some(1)));
    }

    #[test]
    fn all_members_see_the_same_change() {
        let mut said = said(&[Some(1), None, Some(1)]);
        said.get_mut(&members(2)[1]).unwrap().share = Some(vec![7; 32]);
        let digests: Vec<_> =
            (0..3).map(|me| digest(&of_view(me, &members(3), &said).unwrap()).unwrap()).collect();
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
        assert_ne!(digests[0], digest(&afresh(0, &members(3)).unwrap()).unwrap());
    }
}
