//! What a group remembers in the engine's table: what joins have used that counts once, such as
//! invitations, and the record of the layer above.
//!
//! The table is the same at all nodes of a class, so all find the same used. It is kept while the
//! group has members: with the last one the group is forgotten, and this with it.

use bytes::Bytes;
use cenacle_core::{MemberId, NodeId};
use cenacle_plugin::{MAX_PROOF, TOKEN_LEN, Use, Used};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes of uses that are remembered, proofs included: some 130 invitations of one holder.
/// With the names of members (30 KiB) they fit a record of the engine (64 KiB).
pub(crate) const MAX_USED: usize = 32 << 10;

/// How long a use is remembered beyond the time of what was used, in seconds. Leaders' clocks differ:
/// one that is ahead must not have a use forgotten that the next, behind it, would count as possible
/// again. A day, since clocks that differ by more than a time zone are wrong in other ways too.
const GRACE_S: u64 = 86_400;

/// Bytes of a use in a record, without its proof.
const ENTRY: usize = TOKEN_LEN + 32 + 8 + 4 + 8 + 8 + 2;

/// A use.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Who came in by it, the last time.
    member: MemberId,
    /// When its peer used it first: the leader's time then, in microseconds since 1970.
    at_us: u64,
    until_s: u64,
    /// At most [`MAX_PROOF`] bytes.
    proof: Vec<u8>,
}

impl Entry {
    fn len(&self) -> usize {
        ENTRY + self.proof.len()
    }
}

/// No more can be remembered: a join that uses something has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A member whose place another peer took first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) member: MemberId,
    pub(crate) first: MemberId,
}

/// The record of a group with keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Register {
    /// Of the layer above.
    pub(crate) above: Bytes,
    used: BTreeMap<[u8; TOKEN_LEN], Entry>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    above: Bytes,
    /// Entries, by growing token.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "serde_bytes")]
    used: Vec<u8>,
}

impl Register {
    /// The register that a record holds. What cannot be read is empty, alike at all: the class that
    /// wrote it answers for its table.
    pub(crate) fn read(record: &Bytes) -> Self {
        let wire: Wire =
            ciborium::de::from_reader_with_recursion_limit(record.as_ref(), 4).unwrap_or_default();
        let mut rest = wire.used.get(..MAX_USED).unwrap_or(&wire.used);
        let used = std::iter::from_fn(|| {
            let (token, entry, more) = decode(rest)?;
            rest = more;
            Some((token, entry))
        });
        Self { above: wire.above, used: used.collect() }
    }

    /// The record that holds this.
    pub(crate) fn write(&self) -> Bytes {
        let mut wire = Wire { above: self.above.clone(), used: Vec::with_capacity(self.len()) };
        self.used.iter().for_each(|(token, entry)| encode(token, entry, &mut wire.used));
        let mut bytes = Vec::new();
        // Into memory, of types that have a form: it does not fail.
        let _ = ciborium::into_writer(&wire, &mut bytes);
        bytes.into()
    }

    /// What has been used, as a policy is told it when `candidate` wants to join `members`.
    pub(crate) fn told(&self, candidate: &MemberId, members: &[MemberId]) -> Vec<Used> {
        let told = |(token, entry): (&[u8; TOKEN_LEN], &Entry)| {
            let by = entry.member.node.key;
            // A peer that has restarted takes the place of its earlier life, of which the table may
            // not know yet that it is over.
            let superseded = by == candidate.node.key
                && entry.member.node.incarnation < candidate.node.incarnation;
            let other = entry.member != *candidate && !superseded;
            Used { token: *token, by, present: other && members.contains(&entry.member) }
        };
        self.used.iter().map(told).collect()
    }

    /// Remembers what a join uses. What another peer has used stays that peer's.
    pub(crate) fn remember(
        &mut self,
        uses: &[Use],
        member: MemberId,
        at_us: u64,
    ) -> Result<(), Full> {
        for one in uses {
            let Use { token, until_s, ref proof } = *one;
            let new = || Entry { member, at_us, until_s, proof: proof.clone() };
            let entry = self.used.entry(token).or_insert_with(new);
            if entry.member.node.key == member.node.key {
                entry.member = member;
            }
        }
        if self.len() > MAX_USED { Err(Full) } else { Ok(()) }
    }

    /// Bytes of all uses in a record.
    fn len(&self) -> usize {
        self.used.values().map(Entry::len).sum()
    }

    /// Forgets what does not count any more, as of a leader's time in seconds since 1970. By what
    /// `members` came in they have to stay.
    pub(crate) fn forget(&mut self, now_s: u64, members: &[MemberId]) {
        self.used.retain(|_, entry| {
            now_s < entry.until_s.saturating_add(GRACE_S) || members.contains(&entry.member)
        });
    }

    /// What is remembered of each member that used something, whether it is there or not.
    pub(crate) fn uses(&self) -> BTreeMap<MemberId, Vec<Use>> {
        let mut uses: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (token, Entry { member, until_s, proof, .. }) in &self.used {
            let one = Use { token: *token, until_s: *until_s, proof: proof.clone() };
            uses.entry(*member).or_default().push(one);
        }
        uses
    }

    /// Keeps these alone.
    pub(crate) fn retain(&mut self, tokens: &BTreeSet<[u8; TOKEN_LEN]>) {
        self.used.retain(|token, _| tokens.contains(token));
    }

    /// What the parts of a group remember together, with their members: of two peers that used the
    /// same, the earlier one keeps it, and the members of the other are late. Nothing of the layer
    /// above.
    pub(crate) fn merge(parts: &[(Self, &[MemberId])]) -> (Self, Vec<Late>) {
        let is_present =
            |member: &MemberId| parts.iter().any(|(_, members)| members.contains(member));
        let mut all: BTreeMap<[u8; TOKEN_LEN], Vec<Entry>> = BTreeMap::new();
        for (token, entry) in parts.iter().flat_map(|(register, _)| &register.used) {
            all.entry(*token).or_default().push(entry.clone());
        }
        let (mut used, mut late) = (Vec::new(), Vec::new());
        for (token, entries) in all {
            // Equal times are settled by keys, so that all settle them alike.
            let Some(first) = entries.iter().min_by_key(|entry| (entry.at_us, entry.member)) else {
                continue;
            };
            let key = first.member.node.key;
            let (own, others): (Vec<&Entry>, Vec<&Entry>) =
                entries.iter().partition(|entry| entry.member.node.key == key);
            // The same peer may have come again in one of the parts.
            let latest =
                own.into_iter().max_by_key(|entry| (is_present(&entry.member), entry.member));
            let member = latest.map_or(first.member, |entry| entry.member);
            used.push((token, Entry { member, ..first.clone() }));
            let others = others.into_iter().map(|entry| entry.member).filter(is_present);
            late.extend(others.map(|other| Late { member: other, first: member }));
        }
        // Too many of several parts: those are kept by which members stay, and then those that could
        // be used again the longest.
        used.sort_by_key(|(token, entry)| {
            (Reverse(is_present(&entry.member)), Reverse(entry.until_s), *token)
        });
        let mut room = MAX_USED;
        let fits = |(_, entry): &(_, Entry)| {
            let rest = room.checked_sub(entry.len());
            room = rest.unwrap_or(0);
            rest.is_some()
        };
        let used = used.into_iter().take_while(fits).collect();
        (Self { above: Bytes::new(), used }, late)
    }
}

fn encode(token: &[u8; TOKEN_LEN], entry: &Entry, bytes: &mut Vec<u8>) {
    let MemberId { node, local } = entry.member;
    // What is longer is not taken in, and an empty proof is none.
    let proof = entry.proof.get(..MAX_PROOF).unwrap_or(&entry.proof);
    let length = u16::try_from(proof.len()).unwrap_or(0);
    let parts: [&[u8]; 8] = [
        token,
        &node.key,
        &node.incarnation.to_be_bytes(),
        &local.to_be_bytes(),
        &entry.at_us.to_be_bytes(),
        &entry.until_s.to_be_bytes(),
        &length.to_be_bytes(),
        proof,
    ];
    parts.into_iter().for_each(|part| bytes.extend_from_slice(part));
}

/// The first use, and what follows it.
fn decode(bytes: &[u8]) -> Option<([u8; TOKEN_LEN], Entry, &[u8])> {
    let (token, rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (incarnation, rest) = rest.split_first_chunk()?;
    let (local, rest) = rest.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (until, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (proof, rest) = rest.split_at_checked(length).filter(|_| length <= MAX_PROOF)?;
    let node = NodeId { key: *key, incarnation: u64::from_be_bytes(*incarnation) };
    let member = MemberId { node, local: u32::from_be_bytes(*local) };
    let (at_us, until_s) = (u64::from_be_bytes(*at), u64::from_be_bytes(*until));
    Some((*token, Entry { member, at_us, until_s, proof: proof.to_vec() }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(key: u8, incarnation: u64, local: u32) -> MemberId {
        MemberId { node: NodeId { key: [key; 32], incarnation }, local }
    }

    fn place(number: u8) -> Use {
        let until_s = 1_000 + u64::from(number);
        Use { token: [number; TOKEN_LEN], until_s, proof: vec![number; 3] }
    }

    fn with(uses: &[(u8, MemberId, u64)]) -> Register {
        let mut register = Register::default();
        for (number, member, at) in uses {
            register.remember(&[place(*number)], *member, *at).unwrap();
        }
        register
    }

    #[test]
    fn a_record_holds_it_all() {
        let mut register = with(&[(1, member(1, 2, 3), 4), (2, member(5, u64::MAX, 7), 8)]);
        register.above = Bytes::from_static(b"above");
        let record = register.write();
        assert_eq!(Register::read(&record), register);
        assert_eq!(Register::read(&Register::default().write()), Register::default());
        assert_eq!(Register::read(&Bytes::new()), Register::default());
        for cut in 0..record.len() {
            let _ = Register::read(&record.slice(..cut));
        }
        assert_eq!(Register::read(&Bytes::from_static(&[0xff; 300])), Register::default());
    }

    #[test]
    fn who_restarted_takes_its_own_place_and_nobody_elses() {
        let bob = member(1, 1, 0);
        let register = with(&[(1, bob, 10)]);
        let present = |candidate: MemberId, members: &[MemberId]| {
            let told = register.told(&candidate, members);
            assert_eq!((told.len(), told[0].by), (1, [1; 32]));
            told[0].present
        };
        assert!(!present(member(1, 1, 1), &[]), "it has gone");
        assert!(present(member(1, 1, 1), &[bob]), "another member of the same peer");
        assert!(!present(member(1, 2, 0), &[bob]), "a later life of the same peer");
        assert!(present(member(1, 0, 0), &[bob]), "an earlier one");
        assert!(present(member(2, 9, 0), &[bob]), "another peer");
        assert!(!present(bob, &[bob]));
    }

    #[test]
    fn a_use_stays_that_of_the_first_peer_and_of_its_first_time() {
        let mut register = with(&[(1, member(1, 1, 0), 10)]);
        register.remember(&[place(1)], member(1, 2, 0), 20).unwrap();
        register.remember(&[place(1)], member(2, 1, 0), 5).unwrap();
        let entry = &register.used[&[1; TOKEN_LEN]];
        assert_eq!((entry.member, entry.at_us), (member(1, 2, 0), 10));
    }

    #[test]
    fn what_is_over_is_forgotten_a_day_later() {
        let mut register = with(&[(1, member(1, 1, 0), 10), (9, member(1, 1, 0), 10)]);
        register.forget(1_001 + GRACE_S - 1, &[]);
        assert_eq!(register.used.len(), 2);
        register.forget(1_001 + GRACE_S, &[]);
        assert_eq!(register.used.len(), 1);
        register.forget(u64::MAX, &[member(1, 1, 0)]);
        assert_eq!(register.used.len(), 1, "its member is there");
        register.forget(u64::MAX, &[member(1, 1, 1)]);
        assert!(register.used.is_empty());
    }

    #[test]
    fn it_has_an_end() {
        let uses = |count: usize| -> Vec<Use> {
            let token = |n: usize| {
                let mut token = [0; TOKEN_LEN];
                token[..8].copy_from_slice(&n.to_be_bytes());
                token
            };
            let proof = vec![7; MAX_PROOF];
            let one = |n| Use { token: token(n), until_s: n as u64, proof: proof.clone() };
            (0..count).map(one).collect()
        };
        let most = MAX_USED / (ENTRY + MAX_PROOF);
        let mut register = Register::default();
        register.remember(&uses(most), member(1, 1, 0), 1).unwrap();
        assert_eq!(register.remember(&uses(most), member(1, 1, 0), 1), Ok(()), "the same");
        let full = register.clone();
        assert_eq!(register.remember(&uses(most + 1), member(1, 1, 0), 1), Err(Full));
        let names = Bytes::from(vec![0; 30 << 10]);
        let record = Register { above: names, ..full.clone() }.write();
        assert!(record.len() <= 64 << 10);
        assert_eq!(Register::read(&record).used, full.used);
        // Of too many that merge, those are kept that are of use the longest.
        let (merged, _) = Register::merge(&[(register.clone(), &[])]);
        assert_eq!(merged.used.len(), most);
        assert!(!merged.used.contains_key(&[0; TOKEN_LEN]), "the one whose time is over first");
        // But whoever is there keeps what it came in by.
        let first = register.used.get_mut(&[0; TOKEN_LEN]).unwrap();
        first.member = member(2, 1, 0);
        let (merged, _) = Register::merge(&[(register, &[member(2, 1, 0)])]);
        assert_eq!(merged.used.len(), most);
        assert!(merged.used.contains_key(&[0; TOKEN_LEN]));
    }

    #[test]
    fn the_earlier_use_wins_and_the_later_holder_is_late() {
        let (bob, carol) = (member(1, 1, 0), member(2, 1, 0));
        let one = (with(&[(1, bob, 20), (2, bob, 1)]), [bob]);
        let other = (with(&[(1, carol, 10), (3, carol, 1)]), [carol]);
        let merge = |parts: [&(Register, [MemberId; 1]); 2]| {
            Register::merge(
                &parts.map(|(register, members)| (register.clone(), members.as_slice())),
            )
        };
        let (merged, late) = merge([&one, &other]);
        assert_eq!(late, [Late { member: bob, first: carol }]);
        assert_eq!(merged.used[&[1; TOKEN_LEN]].member, carol);
        assert_eq!(merged.used.len(), 3);
        assert_eq!(merge([&other, &one]), (merged, late), "in any order of the parts");
        // At the same time: the same at all.
        let tie = (with(&[(1, bob, 10)]), [bob]);
        assert_eq!(merge([&tie, &other]).1, [Late { member: carol, first: bob }]);
        assert_eq!(merge([&other, &tie]).1, [Late { member: carol, first: bob }]);
        // Who has gone is not put out, and nobody in its place.
        let gone = (one.0.clone(), [member(7, 1, 0)]);
        assert_eq!(merge([&gone, &other]).1, []);
    }

    #[test]
    fn a_peer_that_came_again_in_one_part_stays() {
        let (before, after) = (member(1, 1, 0), member(1, 2, 0));
        let one = with(&[(1, before, 10)]);
        let mut other = one.clone();
        other.remember(&[place(1)], after, 30).unwrap();
        let (merged, late) = Register::merge(&[(one, &[]), (other, &[after])]);
        assert_eq!(late, []);
        let entry = &merged.used[&[1; TOKEN_LEN]];
        assert_eq!((entry.member, entry.at_us), (after, 10));
    }
}
