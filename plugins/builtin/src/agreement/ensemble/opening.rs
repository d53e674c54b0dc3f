//! How a run begins: what the member brings along, and who leads.

use super::super::epoch::places;
use super::channels::{Cache, Channels};
use super::seal::{Sealing, cipher};
use cenacle_dh::DhGroup;
use cenacle_plugin::{Cipher, Error, MemberId, ViewChange};
use std::sync::Arc;

/// What a confirmed run left.
pub(super) struct Epoch<T> {
    /// Its members, by the seniority they had.
    pub(super) members: Vec<MemberId>,
    /// The channels of this member.
    pub(super) channels: Arc<Cache>,
    /// What the module keeps besides.
    pub(super) state: T,
}

impl<T> Epoch<T> {
    /// Where the members of the epoch are in a view, by the place that they had: `None` for those
    /// that do not continue with it.
    pub(super) fn positions(&self, change: &ViewChange) -> Result<Vec<Option<u32>>, Error> {
        let class = change.my_class();
        let places = places(&self.members, change, class);
        let places =
            places.ok_or(Error::BadChange("a class continues that this instance was not in"))?;
        let mut positions = vec![None; self.members.len()];
        for (place, position) in places.into_iter().zip(class) {
            if let Some(slot) = positions.get_mut(place) {
                *slot = Some(*position);
            }
        }
        Ok(positions)
    }
}

/// What all these modules need to begin.
#[derive(Clone)]
pub(super) struct Opening {
    cipher: Arc<dyn Cipher>,
    degree: u32,
    keeps: bool,
    last_run: Option<[u8; 32]>,
}

/// A run that has begun.
pub(super) struct Begun<T> {
    /// Seals for this run.
    pub(super) sealing: Sealing,
    /// The most senior member of the base class.
    pub(super) leader: u32,
    /// The confirmed state that this member's class continues with.
    pub(super) continued: Option<Arc<Epoch<T>>>,
}

impl Opening {
    /// Of an instance whose acknowledgements go up a tree of that degree, and that keeps channels
    /// for later changes or does not.
    pub(super) fn new(degree: u32, keeps: bool) -> Result<Self, Error> {
        Ok(Self { cipher: cipher()?, degree, keeps, last_run: None })
    }

    /// The degree of the tree of acknowledgements.
    pub(super) fn degree(&self) -> u32 {
        self.degree
    }

    /// The channels to start with, if the state that continues has any.
    pub(super) fn cached<T>(&self, continued: Option<&Arc<Epoch<T>>>) -> Option<Arc<Cache>> {
        continued.filter(|_| self.keeps).map(|epoch| Arc::clone(&epoch.channels))
    }

    /// What a run leaves: `state` is the module's own.
    pub(super) fn epoch<G: DhGroup, T>(&self, channels: &Channels<G>, state: T) -> Epoch<T> {
        let members = channels.change().members().iter().map(|member| member.id.clone()).collect();
        let kept = if self.keeps { channels.confirmed() } else { Cache::new() };
        Epoch { members, channels: Arc::new(kept), state }
    }

    /// Begins the run of `change` at a member whose last confirmed state is `base`.
    pub(super) fn begin<T>(
        &mut self,
        change: &ViewChange,
        base: Option<&Arc<Epoch<T>>>,
    ) -> Result<Begun<T>, Error> {
        let sealing = Sealing::new(&self.cipher, change)?;
        // Two runs of one name would seal under the same keys and numbers.
        if self.last_run.replace(*sealing.run()) == Some(*sealing.run()) {
            return Err(Error::BadChange("two runs have the same name"));
        }
        let leader = *change.base().first().ok_or(Error::BadChange("no base class"))?;
        let continued = match base {
            _ if change.is_afresh() => None,
            None if change.my_class().len() > 1 => {
                return Err(Error::BadChange("a class continues that this instance was not in"));
            }
            base => base.cloned(),
        };
        if let Some(epoch) = &continued {
            epoch.positions(change)?;
        }
        Ok(Begun { sealing, leader, continued })
    }
}
