//! What a node tells its operator.

use super::shared::locked;
use atomic_waker::AtomicWaker;
use cenacle_net::Multiaddr;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Context, Poll};

/// More notices than this do not wait: the oldest are dropped, and counted. A reader that has not
/// come for so many wants the newest.
const MOST: usize = 256;

/// Something about the node as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The node listens there.
    Listening {
        /// The address.
        address: Multiaddr,
    },
    /// Something went wrong, or may.
    Warning {
        /// A word that programs can compare.
        reason: String,
        /// A sentence; text from peers in it is escaped.
        detail: String,
    },
}

/// A bounded queue of notices.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    queue: Mutex<Queue>,
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    notices: VecDeque<Notice>,
    dropped: u64,
    ended: bool,
}

impl Notices {
    pub(crate) fn push(&self, notice: Notice) {
        {
            let mut queue = locked(&self.queue);
            if queue.notices.len() >= MOST {
                queue.notices.pop_front();
                queue.dropped = queue.dropped.saturating_add(1);
            }
            queue.notices.push_back(notice);
        }
        self.reader.wake();
    }

    pub(crate) fn warn(&self, reason: &str, detail: String) {
        log::warn!("{reason}: {detail}");
        self.push(Notice::Warning { reason: reason.to_owned(), detail });
    }

    pub(crate) fn end(&self) {
        locked(&self.queue).ended = true;
        self.reader.wake();
    }

    pub(crate) fn dropped(&self) -> u64 {
        locked(&self.queue).dropped
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.reader.register(cx.waker());
        let mut queue = locked(&self.queue);
        match queue.notices.pop_front() {
            Some(notice) => Poll::Ready(Some(notice)),
            None if queue.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way() {
        let notices = Notices::default();
        for number in 0..MOST + 3 {
            notices.warn("test", number.to_string());
        }
        notices.end();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let first = notices.poll_next(&mut cx);
        let want = Notice::Warning { reason: "test".into(), detail: "3".into() };
        assert_eq!((first, notices.dropped()), (Poll::Ready(Some(want)), 3));
        for _ in 1..MOST {
            assert!(matches!(notices.poll_next(&mut cx), Poll::Ready(Some(_))));
        }
        assert_eq!(notices.poll_next(&mut cx), Poll::Ready(None));
    }
}
