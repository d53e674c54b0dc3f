//! Rows with dense, typed numbers; and rows that are found by name.
//!
//! An id is made only by the table that it indexes, and rows are never taken away: indexing with an
//! id cannot fail.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A dense number of one kind of row.
pub(crate) trait Id: Copy + Eq + Ord {
    fn new(place: u32) -> Self;
    fn place(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl Id for $name {
            fn new(place: u32) -> Self {
                Self(place)
            }
            fn place(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A member as the trace names it, whatever its groups.
    MemberId,
    GroupId,
    /// A member in one group: what the paper calls a process.
    ProcessId,
    ViewId,
    /// What messages belong to: a view (VS) or a configuration (EVS) of one group.
    PeriodId,
    /// One process in one period.
    StayId,
    /// One view as installed by one process.
    InstallId,
    /// A set of processes.
    SetId,
    MessageId,
}

/// A table holds as many rows as it has numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Rows with dense numbers.
#[derive(Debug)]
pub(crate) struct Table<I, T> {
    rows: Vec<T>,
    id: PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), id: PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    pub(crate) fn push(&mut self, row: T) -> Result<I, Full> {
        let place = number(self.rows.len())?;
        self.rows.push(row);
        Ok(I::new(place))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        // Every place was counted by `push`.
        (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).map(I::new)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.ids().zip(&self.rows)
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;
    fn index(&self, id: I) -> &T {
        &self.rows[id.place()]
    }
}

impl<I: Id, T> IndexMut<I> for Table<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.place()]
    }
}

/// The number of the next row. `u32::MAX` is kept free: it marks an empty slot.
fn number(rows: usize) -> Result<u32, Full> {
    u32::try_from(rows).ok().filter(|place| *place < u32::MAX).ok_or(Full)
}

/// Rows that are found by a name within a scope (say, a message's id within a group).
#[derive(Debug)]
pub(crate) struct Named<I, T> {
    rows: Table<I, T>,
    scopes: Vec<u32>,
    /// All names, one after the other; `ends` says where each ends.
    text: String,
    ends: Vec<usize>,
    /// Open addressing, a power of two long, at most three quarters full.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    place: u32,
}

const EMPTY: Slot = Slot { hash: 0, place: u32::MAX };

impl<I, T> Default for Named<I, T> {
    fn default() -> Self {
        Self {
            rows: Table::default(),
            scopes: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
            slots: vec![EMPTY; 16],
        }
    }
}

impl<I: Id, T> Named<I, T> {
    pub(crate) fn find(&self, scope: u32, name: &str) -> Option<I> {
        let place = self.slots[self.slot(scope, name, hash(scope, name))].place;
        (place != EMPTY.place).then(|| I::new(place))
    }

    /// The row of that name; a new one if there is none.
    pub(crate) fn get(
        &mut self,
        scope: u32,
        name: &str,
        make: impl FnOnce() -> T,
    ) -> Result<I, Full> {
        let hash = hash(scope, name);
        let slot = self.slot(scope, name, hash);
        let place = self.slots[slot].place;
        if place != EMPTY.place {
            return Ok(I::new(place));
        }
        let place = number(self.rows.len())?;
        let id = self.rows.push(make())?;
        self.scopes.push(scope);
        self.text.push_str(name);
        self.ends.push(self.text.len());
        self.slots[slot] = Slot { hash, place };
        if self.rows.len() > self.slots.len() / 4 * 3 {
            self.grow();
        }
        Ok(id)
    }

    pub(crate) fn name(&self, id: I) -> &str {
        let begin = id.place().checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[id.place()]]
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        self.rows.ids()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.rows.iter()
    }

    /// Where that name is, or the empty slot where it belongs.
    fn slot(&self, scope: u32, name: &str, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let Slot { hash: other, place } = self.slots[slot];
            if place == EMPTY.place {
                return slot;
            }
            if other == hash
                && self.scopes[place as usize] == scope
                && self.name(I::new(place)) == name
            {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let doubled = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; doubled]);
        for entry in old {
            if entry.place == EMPTY.place {
                continue;
            }
            let mut slot = entry.hash as usize & (doubled - 1);
            while self.slots[slot].place != EMPTY.place {
                slot = (slot + 1) & (doubled - 1);
            }
            self.slots[slot] = entry;
        }
    }
}

impl<I: Id, T> Index<I> for Named<I, T> {
    type Output = T;
    fn index(&self, id: I) -> &T {
        &self.rows[id]
    }
}

impl<I: Id, T> IndexMut<I> for Named<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id]
    }
}

/// Eight bytes at a time: turn, mix in, multiply by a large odd number. Names come from our own
/// runs, so nobody aims at collisions.
fn hash(scope: u32, name: &str) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio
    let mut sum = u64::from(scope).wrapping_mul(ODD);
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    for word in words {
        sum = (sum.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(ODD);
    }
    let last = rest.iter().fold(1, |word, byte| word << 8 | u64::from(*byte));
    sum = (sum.rotate_left(29) ^ last).wrapping_mul(ODD);
    sum = (sum ^ sum >> 29).wrapping_mul(ODD);
    (sum >> 32) as u32
}

/// A set of rows that is emptied in no time: for questions asked again and again.
#[derive(Debug)]
pub(crate) struct Marks<I> {
    rounds: Vec<u32>,
    round: u32,
    id: PhantomData<I>,
}

impl<I: Id> Marks<I> {
    pub(crate) fn new(rows: usize) -> Self {
        Self { rounds: vec![0; rows], round: 1, id: PhantomData }
    }

    pub(crate) fn clear(&mut self) {
        if self.round == u32::MAX {
            self.rounds.fill(0);
            self.round = 0;
        }
        self.round += 1;
    }

    /// Says whether the row was not yet in the set.
    pub(crate) fn insert(&mut self, id: I) -> bool {
        std::mem::replace(&mut self.rounds[id.place()], self.round) != self.round
    }

    pub(crate) fn contains(&self, id: I) -> bool {
        self.rounds[id.place()] == self.round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_within_their_scope() {
        let mut names: Named<MessageId, u32> = Named::default();
        for number in 0..10_000 {
            let id = names.get(number % 3, &format!("n{}#{number}", number % 7), || number);
            assert_eq!(id.map(|id| id.place()), Ok(number as usize));
        }
        for number in 0..10_000 {
            let name = format!("n{}#{number}", number % 7);
            let id = names.find(number % 3, &name).unwrap();
            assert_eq!((names[id], names.name(id)), (number, name.as_str()));
            assert_eq!(names.find(number % 3 + 1, &name), None);
        }
    }

    #[test]
    fn marks_are_forgotten_at_once() {
        let mut marks = Marks::new(2);
        assert!(marks.insert(StayId::new(1)) && !marks.insert(StayId::new(1)));
        marks.clear();
        assert!(!marks.contains(StayId::new(1)) && marks.insert(StayId::new(1)));
    }
}
