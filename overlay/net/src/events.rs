//! What comes from the network: one queue, bounded in bytes, from all connections to the pump.

use crate::status::Drop;
use bytes::Bytes;
use cenacle_core::NodeId;
use futures::{Stream, task::AtomicWaker};
use libp2p::Multiaddr;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// What a frame costs beside its bytes, so that empty ones are bounded too.
const FRAME_COST: usize = 64;
/// Warnings that wait for a pump that does not read; more are counted.
const MAX_WARNINGS: usize = 256;
/// Connections that came and went, and wait for a pump that does not read; more are counted, and
/// the engine's detector finds out by itself.
const MAX_HAPPENINGS: usize = 16_384;

/// Something from the network.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NetEvent {
    /// Frames of one node, in the order it sent them; slices of received blocks.
    Frames {
        /// The origin, vouched for by the transport or by its signature.
        from: NodeId,
        /// The frames.
        frames: Vec<Bytes>,
    },
    /// A first connection to this node is there, and it is admitted.
    Connected {
        /// Who.
        node: NodeId,
    },
    /// The last connection to this node closed and a redial was refused.
    Closed {
        /// Who.
        node: NodeId,
    },
    /// An address of this node.
    Listening {
        /// The address, without the peer id.
        address: Multiaddr,
    },
    /// Something for the operator; there is no text of peers in it.
    Warning {
        /// A word that programs can compare.
        reason: &'static str,
        /// A sentence.
        detail: String,
    },
}

/// Bytes of one source that wait in the queue.
pub(crate) type Waiting = Arc<AtomicUsize>;

/// The queue's writing end.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    /// Bytes that wait, whether in the queue or taken out by [`Events`] and not yet handed on.
    bytes: AtomicUsize,
    /// Whether sources wait for room.
    starved: AtomicBool,
    reader: AtomicWaker,
    limit: usize,
    limit_per_source: usize,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Queued>,
    warnings: usize,
    happenings: usize,
    starved: Vec<Waker>,
    closed: bool,
}

#[derive(Debug)]
struct Queued {
    event: NetEvent,
    cost: usize,
    source: Option<Waiting>,
}

impl Inbox {
    pub(crate) fn new(limit: usize, limit_per_source: usize) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            bytes: AtomicUsize::new(0),
            starved: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            limit,
            limit_per_source,
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this source may put more in; if not, its task is woken when it may.
    pub(crate) fn has_room(&self, source: &Waiting, cx: &mut Context<'_>) -> bool {
        if self.is_roomy(source) {
            return true;
        }
        let mut queue = self.queue();
        if !queue.starved.iter().any(|waker| waker.will_wake(cx.waker())) {
            queue.starved.push(cx.waker().clone());
        }
        self.starved.store(true, Ordering::SeqCst);
        // The pump may have read everything between the look and the lock.
        self.is_roomy(source)
    }

    /// Whether this source may put more in.
    pub(crate) fn is_roomy(&self, source: &Waiting) -> bool {
        self.bytes.load(Ordering::SeqCst) < self.limit
            && source.load(Ordering::SeqCst) < self.limit_per_source
    }

    /// Puts frames in. Sources ask for room first; the limit is passed by what one read brings.
    pub(crate) fn frames(&self, from: NodeId, frames: Vec<Bytes>, source: &Waiting) {
        let cost = frames.iter().map(|frame| frame.len() + FRAME_COST).sum();
        self.bytes.fetch_add(cost, Ordering::SeqCst);
        source.fetch_add(cost, Ordering::SeqCst);
        let event = NetEvent::Frames { from, frames };
        self.queue().events.push_back(Queued { event, cost, source: Some(source.clone()) });
        self.reader.wake();
    }

    /// Puts in what happened to a connection or listener.
    pub(crate) fn happened(&self, event: NetEvent) -> Result<(), Drop> {
        let mut queue = self.queue();
        if queue.happenings == MAX_HAPPENINGS {
            return Err(Drop::Events);
        }
        queue.happenings += 1;
        queue.events.push_back(Queued { event, cost: 0, source: None });
        self.reader.wake();
        Ok(())
    }

    /// Puts a warning in, or none if too many wait.
    pub(crate) fn warning(&self, reason: &'static str, detail: String) -> Result<(), Drop> {
        let mut queue = self.queue();
        if queue.warnings == MAX_WARNINGS {
            return Err(Drop::Events);
        }
        queue.warnings += 1;
        let event = NetEvent::Warning { reason, detail };
        queue.events.push_back(Queued { event, cost: 0, source: None });
        self.reader.wake();
        Ok(())
    }

    /// Nothing comes any more.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.reader.wake();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }
}

/// What comes from the network. Not reading it makes the readers of sockets wait: nothing is lost,
/// and memory stays bounded. Ends after [`crate::Network::stop`].
#[derive(Debug)]
pub struct Events {
    inbox: Arc<Inbox>,
    /// Taken out of the queue at once, so that the lock is taken once a batch.
    taken: VecDeque<Queued>,
}

impl Events {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, taken: VecDeque::new() }
    }

    /// The next event if one is at hand.
    pub fn try_next(&mut self) -> Option<NetEvent> {
        if self.taken.is_empty() {
            let mut queue = self.inbox.queue();
            (queue.warnings, queue.happenings) = (0, 0);
            std::mem::swap(&mut queue.events, &mut self.taken);
        }
        let queued = self.taken.pop_front()?;
        if let Some(source) = queued.source {
            source.fetch_sub(queued.cost, Ordering::SeqCst);
            let left = self.inbox.bytes.fetch_sub(queued.cost, Ordering::SeqCst) - queued.cost;
            self.feed(left, &source);
        }
        Some(queued.event)
    }

    /// Wakes sources that wait, when there is room for more than a frame or two.
    fn feed(&self, left: usize, source: &Waiting) {
        let inbox = &self.inbox;
        if !inbox.starved.load(Ordering::SeqCst) {
            return;
        }
        let roomy =
            left <= inbox.limit / 2 && source.load(Ordering::SeqCst) <= inbox.limit_per_source / 2;
        if roomy {
            let mut queue = inbox.queue();
            inbox.starved.store(false, Ordering::SeqCst);
            let wakers = std::mem::take(&mut queue.starved);
            // Woken outside of the lock: they will want it.
            drop(queue);
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}

impl Stream for Events {
    type Item = NetEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<NetEvent>> {
        if let Some(event) = self.try_next() {
            return Poll::Ready(Some(event));
        }
        self.inbox.reader.register(cx.waker());
        // Something may have come between the look and the registration.
        match self.try_next() {
            Some(event) => Poll::Ready(Some(event)),
            None if self.inbox.queue().closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
