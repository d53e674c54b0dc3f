//! What the pump's handle, the swarm's task and the connections' tasks share.

use crate::{
    announce::Announcements,
    board::Board,
    desk::Desk,
    events::{Inbox, NetEvent},
    figures::Figures,
    hello::{Entry, Introduced, Refused},
    identity::Identity,
    links::Links,
    settings::Limits,
    status::Drop,
};
use bytes::Bytes;
use cenacle_core::NodeId;
use libp2p::PeerId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// One for each network.
pub(crate) struct Shared {
    pub(crate) node: NodeId,
    pub(crate) peer: PeerId,
    pub(crate) identity: Identity,
    /// Random for this process.
    pub(crate) instance: [u8; 16],
    pub(crate) entry: Entry,
    pub(crate) limits: Limits,
    pub(crate) figures: Figures,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) links: Links,
    pub(crate) desk: Desk,
    pub(crate) announcements: Announcements,
    /// This node's signed address record.
    record: Mutex<Bytes>,
    /// The latest life of each key that has introduced itself, and its record.
    introduced: Mutex<BTreeMap<[u8; 32], Introduced>>,
    board: Mutex<Board>,
    stopping: AtomicBool,
    /// Who has been warned of, and why.
    warned: Mutex<BTreeSet<(&'static str, Option<PeerId>)>>,
}

impl Shared {
    pub(crate) fn new(
        node: NodeId,
        identity: Identity,
        instance: [u8; 16],
        entry: Entry,
        limits: Limits,
    ) -> Self {
        Self {
            node,
            peer: identity.peer_id(),
            identity,
            instance,
            entry,
            inbox: Inbox::new(limits.inbox, limits.inbox_per_peer),
            desk: Desk::new(limits.gossip_queue),
            announcements: Announcements::new(limits.max_known),
            limits,
            figures: Figures::default(),
            links: Links::default(),
            record: Mutex::default(),
            introduced: Mutex::default(),
            board: Mutex::default(),
            stopping: AtomicBool::new(false),
            warned: Mutex::default(),
        }
    }

    pub(crate) fn record(&self) -> Bytes {
        lock(&self.record).clone()
    }

    pub(crate) fn set_record(&self, record: Bytes) {
        *lock(&self.record) = record;
    }

    /// From here on streams are written to their end, and closed.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.links.all().iter().for_each(|link| link.wake());
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(crate) fn board(&self) -> Board {
        lock(&self.board).clone()
    }

    pub(crate) fn set_board(&self, board: Board) {
        *lock(&self.board) = board;
    }

    /// Decides on who introduces itself: is it this process, or an older life of a node that is here?
    pub(crate) fn judge(&self, key: &[u8; 32], theirs: &Introduced) -> Result<(), Refused> {
        if *key == self.node.key {
            let own = theirs.instance == self.instance;
            return Err(if own { Refused::Own } else { Refused::Twice });
        }
        let newer = |link: &Arc<_>| -> bool {
            let link: &crate::links::Link = link;
            link.node.incarnation > theirs.incarnation && link.is_connected()
        };
        if self.links.of_key(key).iter().any(newer) {
            return Err(Refused::Superseded);
        }
        Ok(())
    }

    /// A peer has been admitted; its connection is about to be.
    pub(crate) fn admit(&self, key: [u8; 32], theirs: Introduced) {
        let mut introduced = lock(&self.introduced);
        let latest = introduced.get(&key).map_or(0, |known| known.incarnation);
        if theirs.incarnation >= latest {
            introduced.insert(key, theirs);
        }
        // More than can be connected, since those that are not connected are forgotten first.
        let most = usize::try_from(self.limits.max_connections).unwrap_or(usize::MAX);
        if introduced.len() > most.saturating_add(self.limits.max_known) {
            let gone = introduced.keys().find(|key| self.links.of_key(key).is_empty()).copied();
            gone.and_then(|key| introduced.remove(&key));
        }
    }

    /// Who introduced itself with this key last.
    pub(crate) fn introduced(&self, key: &[u8; 32]) -> Option<Introduced> {
        lock(&self.introduced).get(key).cloned()
    }

    /// Tells of a connection, or of its end.
    pub(crate) fn happened(&self, event: NetEvent) {
        if let Err(reason) = self.inbox.happened(event) {
            self.figures.dropped(reason);
        }
    }

    /// Hands frames to the engine's queue.
    pub(crate) fn frames(&self, from: NodeId, frames: Vec<Bytes>, source: &crate::events::Waiting) {
        if frames.is_empty() {
            return;
        }
        self.figures.received(frames.len(), frames.iter().map(Bytes::len).sum());
        self.inbox.frames(from, frames, source);
    }

    /// Warns of a peer once for each reason; of so many peers at most, the rest is only counted.
    pub(crate) fn warn(&self, reason: &'static str, peer: Option<PeerId>, detail: String) {
        let mut warned = lock(&self.warned);
        let known = warned.contains(&(reason, peer));
        if known || warned.len() >= self.limits.max_warned {
            log::debug!("{reason}: {detail}");
            return;
        }
        warned.insert((reason, peer));
        drop(warned);
        log::warn!("{reason}: {detail}");
        if let Err(reason) = self.inbox.warning(reason, detail) {
            self.figures.dropped(reason);
        }
    }

    /// A handshake failed: counts and, for what an operator can mend, warns.
    pub(crate) fn refused(&self, peer: PeerId, refused: Refused, by_them: bool) {
        self.figures.dropped(refused.reason());
        let word = match refused {
            Refused::Own => return,
            Refused::Superseded | Refused::Twice => "identity_twice",
            _ => refused.reason().as_str(),
        };
        let who = if by_them { "this node is refused by" } else { "refused" };
        self.warn(word, Some(peer), format!("{who} peer {peer}: {refused}"));
    }

    /// A connection was above a limit.
    pub(crate) fn denied(&self) {
        self.figures.dropped(Drop::Connections);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({})", self.node)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
