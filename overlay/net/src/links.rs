//! The peers that frames go to: for each a bounded queue, and the connection that empties it.
//!
//! A link is one life of one peer. It may have several connections, when both dialled at once or
//! one replaces another; everyone reads on all of them, and writes on one, the link's *port*.

use crate::{events::Waiting, frames::Kind, status::Path};
use bytes::Bytes;
use cenacle_core::NodeId;
use futures::task::AtomicWaker;
use libp2p::{PeerId, swarm::ConnectionId};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What a frame costs beside its bytes, so that empty ones are bounded too.
const FRAME_COST: usize = 64;

/// Something for a peer's stream.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) kind: Kind,
    pub(crate) frame: Bytes,
}

/// A connection as its link sees it.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) connection: ConnectionId,
    pub(crate) path: Path,
    /// Dialled by the side with the smaller key: when both dialled at once, both prefer this one.
    pub(crate) by_smaller: bool,
    /// Whether the link writes on it.
    pub(crate) active: AtomicBool,
    /// The connection's task.
    pub(crate) waker: AtomicWaker,
}

impl Port {
    /// The smallest is preferred, by both sides alike.
    fn rank(&self) -> (bool, bool, ConnectionId) {
        (self.path == Path::Relay, !self.by_smaller, self.connection)
    }
}

/// One life of one peer.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) node: NodeId,
    pub(crate) peer: PeerId,
    queue: Mutex<Queue>,
    /// Bytes from it that wait for the engine.
    pub(crate) waiting: Waiting,
    /// When something was last received, in milliseconds since `born`.
    heard: AtomicU64,
    born: Instant,
    /// Whether the peer has read this node's stream to its end.
    pub(crate) seen: AtomicBool,
    /// Whether what is sent on its connections may be stuck, although it is heard: after a cut each
    /// direction of TCP waits for its own timer, which has doubled with every try.
    doubted: AtomicBool,
    /// Microseconds; 0 if not measured.
    round_trip: AtomicU64,
}

/// What waits for a peer, and where it goes.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    frames: VecDeque<Outgoing>,
    bytes: usize,
    ports: Vec<Arc<Port>>,
    port: Option<Arc<Port>>,
}

/// What a link did with a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pushed {
    Taken,
    /// It has no connection.
    Unreachable,
    Full,
}

impl Queue {
    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        let outgoing = self.frames.pop_front()?;
        self.bytes -= outgoing.frame.len() + FRAME_COST;
        Some(outgoing)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn path(&self) -> Path {
        self.port.as_ref().map_or(Path::None, |port| port.path)
    }

    fn activate(&mut self, port: &Arc<Port>) {
        if let Some(old) = self.port.replace(port.clone()) {
            old.active.store(false, Ordering::SeqCst);
            old.waker.wake();
        }
        port.active.store(true, Ordering::SeqCst);
        port.waker.wake();
    }
}

impl Link {
    pub(crate) fn new(node: NodeId, peer: PeerId) -> Self {
        Self {
            node,
            peer,
            queue: Mutex::default(),
            waiting: Waiting::default(),
            heard: AtomicU64::new(0),
            born: Instant::now(),
            seen: AtomicBool::new(false),
            doubted: AtomicBool::new(false),
            round_trip: AtomicU64::new(0),
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a frame in the queue; nobody is woken.
    pub(crate) fn push(&self, kind: Kind, frame: Bytes, limit: usize) -> Pushed {
        let mut queue = self.queue();
        if queue.port.is_none() {
            return Pushed::Unreachable;
        }
        let cost = frame.len() + FRAME_COST;
        // A frame always fits into an empty queue.
        if queue.bytes + cost > limit && queue.bytes > 0 {
            return Pushed::Full;
        }
        queue.bytes += cost;
        queue.frames.push_back(Outgoing { kind, frame });
        Pushed::Taken
    }

    /// Wakes the task that writes.
    pub(crate) fn wake(&self) {
        let port = self.queue().port.clone();
        if let Some(port) = port {
            port.waker.wake();
        }
    }

    /// A connection is there. It becomes the port if it is preferred, or if nothing has been heard
    /// on the others for `quiet`, or they are doubted: then they are as good as dead, nobody has
    /// noticed, and they are given back to be closed.
    pub(crate) fn attach(&self, port: Arc<Port>, quiet: Duration) -> Vec<ConnectionId> {
        let dead = self.doubted.swap(false, Ordering::SeqCst) || self.silence() > quiet;
        let mut queue = self.queue();
        let others: Vec<_> = queue.ports.iter().map(|port| port.connection).collect();
        queue.ports.push(port.clone());
        let better = queue.port.as_ref().is_none_or(|old| dead || port.rank() < old.rank());
        if better {
            queue.activate(&port);
        }
        drop(queue);
        self.hear();
        if dead { others } else { Vec::new() }
    }

    /// A connection is gone. Gives the number of frames that waited for nobody, if it was the last.
    pub(crate) fn detach(&self, connection: ConnectionId) -> Option<u64> {
        let mut queue = self.queue();
        queue.ports.retain(|port| port.connection != connection);
        if queue.port.as_ref().is_some_and(|port| port.connection != connection) {
            return None;
        }
        queue.port = None;
        if let Some(next) = queue.ports.iter().min_by_key(|port| port.rank()).cloned() {
            queue.activate(&next);
            return None;
        }
        let lost = queue.frames.len() as u64;
        queue.frames.clear();
        queue.bytes = 0;
        Some(lost)
    }

    /// The connections, for closing them.
    pub(crate) fn connections(&self) -> Vec<ConnectionId> {
        self.queue().ports.iter().map(|port| port.connection).collect()
    }

    /// Whether frames can go to it.
    pub(crate) fn is_connected(&self) -> bool {
        self.queue().port.is_some()
    }

    /// What is sent may be stuck: the next connection takes over. Or it is not any more.
    pub(crate) fn doubt(&self, doubted: bool) {
        self.doubted.store(doubted, Ordering::SeqCst);
    }

    /// Something was received.
    pub(crate) fn hear(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
    }

    /// For how long nothing was received.
    pub(crate) fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(heard)
    }

    pub(crate) fn set_round_trip(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.round_trip.store(micros.max(1), Ordering::Relaxed);
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }
}

/// All links, by node. The pump keeps what it found until the generation changes.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: RwLock<BTreeMap<NodeId, Arc<Link>>>,
    generation: AtomicU64,
}

impl Links {
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self, node: &NodeId) -> Option<Arc<Link>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Link>> {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        links.values().cloned().collect()
    }

    /// The links of all lives of a key.
    pub(crate) fn of_key(&self, key: &[u8; 32]) -> Vec<Arc<Link>> {
        let first = NodeId { key: *key, incarnation: 0 };
        let last = NodeId { key: *key, incarnation: u64::MAX };
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        links.range(first..=last).map(|(_, link)| link.clone()).collect()
    }

    /// The link of a node, made if there is none.
    pub(crate) fn enter(&self, node: NodeId, peer: PeerId) -> Arc<Link> {
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        let link = links.entry(node).or_insert_with(|| Arc::new(Link::new(node, peer)));
        self.generation.fetch_add(1, Ordering::Release);
        link.clone()
    }

    /// Forgets a link that has no connection.
    pub(crate) fn leave(&self, node: &NodeId) {
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        if links.get(node).is_some_and(|link| !link.is_connected()) {
            links.remove(node);
            self.generation.fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const QUIET: Duration = Duration::from_secs(60);

    fn port(number: usize, by_smaller: bool) -> Arc<Port> {
        Arc::new(Port {
            connection: ConnectionId::new_unchecked(number),
            path: Path::Tcp,
            by_smaller,
            active: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        })
    }

    fn active(link: &Link) -> ConnectionId {
        link.queue().port.as_ref().unwrap().connection
    }

    #[test]
    fn a_connection_in_doubt_gives_way_to_the_next_although_it_is_heard() {
        let link = Link::new(NodeId { key: [1; 32], incarnation: 1 }, PeerId::random());
        let [first, second, third] = [port(1, true), port(2, false), port(3, false)];
        assert_eq!(link.attach(first.clone(), QUIET), []);
        assert_eq!(link.attach(second.clone(), QUIET), []);
        assert_eq!(active(&link), first.connection, "both dialled at once: one is preferred");
        link.doubt(true);
        link.hear();
        let dead = link.attach(third.clone(), QUIET);
        assert_eq!(dead, [first.connection, second.connection]);
        assert_eq!(active(&link), third.connection);
        // The doubt was of those before.
        assert_eq!(link.attach(port(4, false), QUIET), []);
        assert_eq!(active(&link), third.connection);
    }
}
