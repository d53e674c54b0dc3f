//! One member as the pump and its owner share it: a queue of events, and room for what it sends.

use super::event::{Event, Modules, View};
use super::shared::locked;
use super::state::Standing;
use atomic_waker::AtomicWaker;
use cenacle_core::{GroupName, MemberId, Time};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

/// Bytes that one member may hand to the pump before the engine has taken them: enough to keep the
/// engine busy while the sender's task is woken, little enough that thousands of groups fit.
const LANE: usize = 1 << 20;

/// An event that waits to be read.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) event: Event,
    /// What it counts for, see `cenacle_core::Event::weight`.
    pub(crate) weight: usize,
    /// When it happened.
    pub(crate) time: Time,
}

/// A member: one end is the application's, the other the pump's.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) group: GroupName,
    pub(crate) member: MemberId,
    /// What its group uses, if it has keys.
    pub(crate) modules: Option<Modules>,
    /// The largest message that it can send.
    pub(crate) max_message: usize,
    mail: Mutex<Mail>,
    reader: AtomicWaker,
    standing: AtomicU8,
    view: Mutex<Option<Arc<View>>>,
    /// The cost of the commands that the engine has not taken yet.
    lane: AtomicUsize,
    /// Tasks that wait to send.
    writers: Mutex<Vec<Waker>>,
    /// The weight of the events that are handed over and not read.
    unread: AtomicUsize,
}

#[derive(Debug)]
struct Mail {
    items: VecDeque<Item>,
    /// The application still reads.
    read: bool,
    /// Nothing comes any more.
    ended: bool,
}

/// What a reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Items,
    Nothing,
    End,
}

impl Seat {
    pub(crate) fn new(
        group: GroupName,
        member: MemberId,
        modules: Option<Modules>,
        max_message: usize,
    ) -> Self {
        Self {
            group,
            member,
            modules,
            max_message,
            mail: Mutex::new(Mail { items: VecDeque::new(), read: true, ended: false }),
            reader: AtomicWaker::new(),
            standing: AtomicU8::new(Standing::Joining as u8),
            view: Mutex::default(),
            lane: AtomicUsize::new(0),
            writers: Mutex::default(),
            unread: AtomicUsize::new(0),
        }
    }

    // -- the application's side

    /// Takes all that waits; `items` must be empty, and its room is used again.
    pub(crate) fn take(&self, items: &mut VecDeque<Item>) -> Found {
        let mut mail = locked(&self.mail);
        if !mail.items.is_empty() {
            std::mem::swap(&mut mail.items, items);
            Found::Items
        } else if mail.ended {
            Found::End
        } else {
            Found::Nothing
        }
    }

    /// Is woken when something comes.
    pub(crate) fn await_mail(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    /// The application reads no more; the weight of what it has not read.
    pub(crate) fn stop_reading(&self) -> usize {
        let mut mail = locked(&self.mail);
        mail.read = false;
        drop(std::mem::take(&mut mail.items));
        self.unread.swap(0, Ordering::AcqRel)
    }

    /// Events of this weight have been read.
    pub(crate) fn has_read(&self, weight: usize) {
        self.unread.fetch_sub(weight, Ordering::AcqRel);
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing::from_number(self.standing.load(Ordering::Acquire))
    }

    /// The present view, as the pump knows it: perhaps newer than what was read.
    pub(crate) fn view(&self) -> Option<Arc<View>> {
        locked(&self.view).clone()
    }

    /// Reserves room for a command of this cost. An empty lane takes any.
    pub(crate) fn reserve(&self, cost: usize) -> bool {
        let grown = |lane: usize| {
            let sum = lane.saturating_add(cost);
            (lane == 0 || sum <= LANE).then_some(sum)
        };
        self.lane.fetch_update(Ordering::AcqRel, Ordering::Acquire, grown).is_ok()
    }

    /// Is woken when sending may go on.
    pub(crate) fn await_room(&self, waker: &Waker) {
        let mut writers = locked(&self.writers);
        if !writers.iter().any(|other| other.will_wake(waker)) {
            writers.push(waker.clone());
        }
    }

    // -- the pump's side

    /// The engine has taken, or refused for good, commands of this cost.
    pub(crate) fn release(&self, cost: usize) {
        let before = self.lane.fetch_sub(cost, Ordering::AcqRel);
        let after = before.saturating_sub(cost);
        if before > LANE / 2 && after <= LANE / 2 {
            self.wake_writers();
        }
    }

    pub(crate) fn queued(&self) -> usize {
        self.lane.load(Ordering::Acquire)
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        self.standing.store(standing as u8, Ordering::Release);
        self.wake_writers();
    }

    pub(crate) fn set_view(&self, view: Option<Arc<View>>) {
        *locked(&self.view) = view;
    }

    pub(crate) fn wake_writers(&self) {
        let writers = std::mem::take(&mut *locked(&self.writers));
        writers.into_iter().for_each(Waker::wake);
    }

    /// Puts events behind those that wait; `staged` is empty afterwards. If nobody reads, they are
    /// dropped: what they weighed.
    pub(crate) fn put(&self, staged: &mut VecDeque<Item>, ended: bool) -> Option<usize> {
        let weight: usize = staged.iter().map(|item| item.weight).sum();
        {
            let mut mail = locked(&self.mail);
            if !mail.read {
                staged.clear();
                return Some(weight);
            }
            mail.ended |= ended;
            self.unread.fetch_add(weight, Ordering::AcqRel);
            if mail.items.is_empty() {
                std::mem::swap(&mut mail.items, staged);
            } else {
                mail.items.append(staged);
            }
        }
        self.reader.wake();
        None
    }

    /// Drops what waits to be read and ends with `last`; the weight of what was dropped.
    pub(crate) fn cut_short(&self, last: Item) -> usize {
        let weight = {
            let mut mail = locked(&self.mail);
            mail.ended = true;
            let weight = mail.items.drain(..).map(|item| item.weight).sum();
            mail.items = VecDeque::from([last]);
            weight
        };
        self.unread.fetch_sub(weight, Ordering::AcqRel);
        self.reader.wake();
        weight
    }

    /// The weight of the events that are not read.
    pub(crate) fn unread(&self) -> usize {
        self.unread.load(Ordering::Acquire)
    }
}
