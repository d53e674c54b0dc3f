//! The stack of members: whose leaf is where, and what is known of it.
//!
//! A stack is put together from the parts of the classes, the base's at the bottom, then the others
//! in the order in which the view names them. Only a class itself knows the order inside its part.

use super::super::encoded::{Encoded, bad, cut};
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
#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) position: u32,
    /// Who told the share: to blame for it if it is no element.
    pub(super) told_by: u32,
    /// The blinded share. Nobody needs those of the base's members below its own.
    pub(super) share: Option<Encoded>,
}

/// What is known of a class.
#[derive(Clone)]
pub(super) struct Part {
    /// Its leaves, bottom first.
    pub(super) leaves: Option<Arc<[Leaf]>>,
    /// Whether its sponsor will still tell.
    pub(super) awaited: bool,
}

impl Part {
    /// A class that this member is not in.
    pub(super) fn unknown() -> Self {
        Self { leaves: None, awaited: true }
    }

    /// A member without company whose share came with the change.
    pub(super) fn single(position: u32, share: Encoded) -> Self {
        let leaf = Leaf { position, told_by: position, share: Some(share) };
        Self { leaves: Some([leaf].into()), awaited: false }
    }

    /// What the sponsor of this class, which is its bottom, tells all others.
    pub(super) fn told(&self) -> Result<Told, Error> {
        let leaves = self.leaves.as_deref().ok_or(Error::Bug("an unknown class to tell"))?;
        let mut shares = Vec::new();
        for leaf in leaves {
            shares.extend_from_slice(leaf.share.as_ref().ok_or(Error::Bug("an unknown share"))?);
        }
        Ok(Told { order: leaves.iter().map(|leaf| leaf.position).collect(), shares })
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
            Some(known) => merge(known, told, from)?.into(),
            None => told.into(),
        });
        Ok(())
    }
}

impl Told {
    /// The leaves, if they are those of the class.
    fn leaves<G: DhGroup>(
        &self,
        from: u32,
        class: &[u32],
        is_base: bool,
    ) -> Result<Vec<Leaf>, Error> {
        let shares = cut::<G>(from, &self.shares, if is_base { 1 } else { class.len() })?;
        if self.order.len() != class.len() {
            return Err(bad(from, "not as many members as its class has"));
        }
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        if sorted != class {
            return Err(bad(from, "other members than its class has"));
        }
        if !is_base && self.order.first() != Some(&from) {
            return Err(bad(from, "a class told by a member that is not its sponsor"));
        }
        let mut shares = shares.into_iter();
        let leaf = |&position: &u32| {
            let is_told = !is_base || position == from;
            let share = if is_told { shares.next() } else { None };
            Leaf { position, told_by: from, share }
        };
        Ok(self.order.iter().map(leaf).collect())
    }
}

/// The sponsor tells of one's own class: what is known must be there, but for a new share of its
/// own; what it does not tell is as it was.
fn merge(known: &[Leaf], told: Vec<Leaf>, from: u32) -> Result<Vec<Leaf>, Error> {
    let mut merged = Vec::with_capacity(known.len());
    for (known, told) in known.iter().zip(told) {
        if known.position != told.position {
            return Err(bad(from, "another order than its class has"));
        }
        let agree = known.share.is_none() || known.share == told.share;
        merged.push(match &told.share {
            None => known.clone(),
            Some(_) if agree || told.position == from => told,
            Some(_) => return Err(bad(from, "another share than a member of its class has")),
        });
    }
    Ok(merged)
}

/// A member of this instance's class that continues with it.
pub(super) struct Kept {
    /// Its place in the stack that was confirmed last, from 0 at the bottom.
    pub(super) place: usize,
    pub(super) position: u32,
    /// Its blinded share, if it is known.
    pub(super) share: Option<Encoded>,
}
