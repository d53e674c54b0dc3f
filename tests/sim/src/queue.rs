//! What will happen, by time; what is due at the same time happens in the order of its scheduling.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Things that will happen. Entries of the heap are small; what happens waits beside it, in places
/// that are used again.
#[derive(Debug)]
pub struct Queue<T> {
    /// Time, sequence, place.
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    places: Vec<Option<T>>,
    free: Vec<u32>,
    sequence: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), places: Vec::new(), free: Vec::new(), sequence: 0 }
    }
}

impl<T> Queue<T> {
    /// Lets `what` happen at a time.
    pub fn push(&mut self, time: u64, what: T) {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.places.push(None);
                u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(slot) = self.places.get_mut(place as usize) {
            *slot = Some(what);
        }
        self.sequence += 1;
        self.heap.push(Reverse((time, self.sequence, place)));
    }

    /// When the next thing happens.
    pub fn next_time(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((time, _, _))| *time)
    }

    /// The next thing, and when it happens.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        let Reverse((time, _, place)) = self.heap.pop()?;
        self.free.push(place);
        let what = self.places.get_mut(place as usize)?.take()?;
        Some((time, what))
    }

    /// How many things wait.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_then_by_scheduling() {
        let mut queue = Queue::default();
        for (time, what) in [(5, 'a'), (3, 'b'), (5, 'c'), (3, 'd'), (4, 'e')] {
            queue.push(time, what);
        }
        assert_eq!(queue.next_time(), Some(3));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "bdeac");
        assert!(queue.is_empty());
    }

    #[test]
    fn places_are_used_again() {
        let mut queue = Queue::default();
        for round in 0..100_u64 {
            queue.push(round, round);
            queue.push(round, round);
            assert_eq!(queue.pop(), Some((round, round)));
            assert_eq!(queue.pop(), Some((round, round)));
        }
        assert_eq!((queue.len(), queue.places.len()), (0, 2));
    }
}
