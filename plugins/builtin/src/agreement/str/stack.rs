//! The stack of members: whose leaf is where, and what is known of it.
//!
//! A stack is put together from the parts of the classes, the base's at the bottom, then the others
//! in the order in which the view names them. Only a class itself knows the order inside its part.

use super::super::encoded::{Encoded, bad, counted, holds_each};
use cenacle_dh::DhGroup;
use cenacle_plugin::Error;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A class's part of the stack as its sponsor tells it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    /// Positions of the class's members, bottom first.
    pub(super) order: Vec<u32>,
    /// Blinded shares: of all of them; for the base class the sponsor's alone, because whoever is
    /// above it needs no others.
    #[serde(with = "serde_bytes")]
    pub(super) shares: Vec<u8>,
}

/// A member's place in the stack.
pub(super) struct Leaf<'s> {
    pub(super) position: u32,
    /// Who told the share: to blame for it if it is no element.
    pub(super) told_by: u32,
    /// The blinded share. Nobody needs those of the base's members below its own.
    pub(super) share: Option<&'s [u8]>,
}

#[derive(Clone, Copy)]
struct Entry {
    position: u32,
    told_by: u32,
    known: bool,
}

/// Leaves, bottom first. They lie in one array, their shares in another: leaves are copied by
/// copying two blocks of memory.
#[derive(Clone)]
pub(super) struct Leaves {
    entries: Vec<Entry>,
    /// `share_len` bytes a leaf; zeros where none is known.
    shares: Vec<u8>,
    share_len: usize,
}

impl Leaves {
    /// No leaves, and room for so many.
    pub(super) fn with_capacity(share_len: usize, leaves: usize) -> Self {
        let shares = Vec::with_capacity(leaves * share_len);
        Self { entries: Vec::with_capacity(leaves), shares, share_len }
    }

    /// Puts a leaf on top.
    pub(super) fn push(&mut self, leaf: &Leaf<'_>) {
        let Leaf { position, told_by, share } = *leaf;
        let share = share.filter(|share| share.len() == self.share_len);
        self.entries.push(Entry { position, told_by, known: share.is_some() });
        self.shares.extend_from_slice(share.unwrap_or_default());
        self.shares.resize(self.entries.len() * self.share_len, 0);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<Leaf<'_>> {
        let Entry { position, told_by, known } = *self.entries.get(at)?;
        let begin = at * self.share_len;
        let share = self.shares.get(begin..begin + self.share_len).filter(|_| known);
        Some(Leaf { position, told_by, share })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Leaf<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Where that member's leaf is.
    pub(super) fn find(&self, position: u32) -> Option<usize> {
        self.entries.iter().position(|entry| entry.position == position)
    }

    /// Takes a share that another member told.
    fn tell(&mut self, at: usize, told_by: u32, share: &[u8]) {
        let begin = at * self.share_len;
        let slot = self.shares.get_mut(begin..begin + self.share_len);
        let slot = slot.filter(|slot| slot.len() == share.len());
        if let (Some(entry), Some(slot)) = (self.entries.get_mut(at), slot) {
            *entry = Entry { told_by, known: true, ..*entry };
            slot.copy_from_slice(share);
        }
    }
}

/// What is known of a class.
#[derive(Clone)]
pub(super) struct Part {
    /// Its leaves, bottom first.
    pub(super) leaves: Option<Arc<Leaves>>,
    /// Whether its sponsor will still tell.
    pub(super) awaited: bool,
}

/// The parts of all classes, the base's at the bottom. Copies share the leaves.
#[derive(Clone)]
pub(super) struct Stack(pub(super) Vec<Part>);

impl Stack {
    /// Whether nobody has anything to tell any more.
    pub(super) fn is_told(&self) -> bool {
        self.0.iter().all(|part| !part.awaited && part.leaves.is_some())
    }

    /// From the bottom to the top, as far as known.
    pub(super) fn leaves(&self) -> impl Iterator<Item = Leaf<'_>> {
        self.0.iter().flat_map(|part| part.leaves.iter().flat_map(|leaves| leaves.iter()))
    }

    /// The leaf at that level, if all below are known too.
    pub(super) fn leaf(&self, level: usize) -> Option<Leaf<'_>> {
        let mut at = level.checked_sub(1)?;
        for part in &self.0 {
            let leaves = part.leaves.as_deref()?;
            if let Some(leaf) = leaves.get(at) {
                return Some(leaf);
            }
            at -= leaves.len();
        }
        None
    }
}

impl Part {
    /// A class that this member is not in.
    pub(super) fn unknown() -> Self {
        Self { leaves: None, awaited: true }
    }

    /// A member without company whose share came with the change.
    pub(super) fn single(position: u32, share: &[u8]) -> Self {
        let mut leaves = Leaves::with_capacity(share.len(), 1);
        leaves.push(&Leaf { position, told_by: position, share: Some(share) });
        Self { leaves: Some(leaves.into()), awaited: false }
    }

    /// What the sponsor of this class, which is its bottom, tells all others.
    pub(super) fn told(&self) -> Result<Told, Error> {
        let leaves = self.leaves.as_deref().ok_or(Error::Bug("an unknown class to tell"))?;
        if leaves.iter().any(|leaf| leaf.share.is_none()) {
            return Err(Error::Bug("an unknown share"));
        }
        let order = leaves.iter().map(|leaf| leaf.position).collect();
        Ok(Told { order, shares: leaves.shares.clone() })
    }

    /// What the sponsor of this class, if it is the base, tells all others.
    pub(super) fn told_as_base(&self, share: &Encoded) -> Result<Told, Error> {
        let leaves = self.leaves.as_deref().ok_or(Error::Bug("an unknown class to tell"))?;
        Ok(Told {
            order: leaves.iter().map(|leaf| leaf.position).collect(),
            shares: share.to_vec(),
        })
    }

    /// Takes what the member at `from` tells of its class, whose members are `class`.
    pub(super) fn tell<G: DhGroup>(
        &mut self,
        from: u32,
        class: &[u32],
        is_base: bool,
        told: &Told,
    ) -> Result<(), Error> {
        if !std::mem::replace(&mut self.awaited, false) {
            return Err(bad(from, "a class that is known already"));
        }
        let told = told.leaves::<G>(from, class, is_base)?;
        self.leaves = Some(match &self.leaves {
            Some(known) => Arc::new(merge(known, &told, from)?),
            None => Arc::new(told),
        });
        Ok(())
    }
}

impl Told {
    /// The leaves, if they are those of the class.
    fn leaves<G: DhGroup>(&self, from: u32, class: &[u32], is_base: bool) -> Result<Leaves, Error> {
        counted::<G>(from, &self.shares, if is_base { 1 } else { class.len() })?;
        if self.order.len() != class.len() {
            return Err(bad(from, "not as many members as its class has"));
        }
        if !holds_each(&self.order, class) {
            return Err(bad(from, "other members than its class has"));
        }
        if !is_base && self.order.first() != Some(&from) {
            return Err(bad(from, "a class told by a member that is not its sponsor"));
        }
        let mut shares = self.shares.chunks_exact(G::ELEMENT_LEN);
        let mut leaves = Leaves::with_capacity(G::ELEMENT_LEN, class.len());
        for &position in &self.order {
            let is_told = !is_base || position == from;
            let share = if is_told { shares.next() } else { None };
            leaves.push(&Leaf { position, told_by: from, share });
        }
        Ok(leaves)
    }
}

/// The sponsor tells of one's own class: what is known must be there, but for a new share of its
/// own; what it does not tell is as it was.
fn merge(known: &Leaves, told: &Leaves, from: u32) -> Result<Leaves, Error> {
    let mut merged = known.clone();
    for (at, (known, told)) in known.iter().zip(told.iter()).enumerate() {
        if known.position != told.position {
            return Err(bad(from, "another order than its class has"));
        }
        let agree = known.share.is_none() || known.share == told.share;
        match told.share {
            None => {}
            Some(share) if agree || told.position == from => merged.tell(at, from, share),
            Some(_) => return Err(bad(from, "another share than a member of its class has")),
        }
    }
    Ok(merged)
}

/// A member of this instance's class that continues with it.
pub(super) struct Kept {
    /// Its place in the stack that was confirmed last, from 0 at the bottom.
    pub(super) place: usize,
    pub(super) position: u32,
}
