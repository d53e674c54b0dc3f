//! Announcements reach everyone in the overlay, linked or not: each node passes a new one on to the
//! peers that its origin does not reach itself. What was announced before goes to everyone else each
//! time, but to the members of the configuration in turn: they know it, and only pass it on.

use crate::{
    desk::Arrived,
    envelope::{Audience, Envelope},
    frames::Kind,
    links::{Link, Pushed},
    replay::Window,
    shared::Shared,
    status::Drop,
};
use bytes::Bytes;
use cenacle_core::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// One member in so many gets an announcement that says nothing new. Whoever is linked to a member
/// alone, and missed what that member told it when they met, waits for so many announcements.
const TURNS: usize = 4;

/// What has been announced, and who is in the configuration.
#[derive(Debug)]
pub(crate) struct Announcements {
    known: Mutex<Origins>,
    members: Mutex<Arc<BTreeSet<NodeId>>>,
    said: Mutex<Said>,
    /// Numbers of this node's own.
    sequence: AtomicU64,
}

/// This node's last announcement, and whose turn it was to get it again.
#[derive(Debug, Default)]
struct Said {
    frame: Bytes,
    record: Bytes,
    turn: usize,
}

impl Said {
    /// Takes the next announcement. Whose turn it is, if it says nothing new.
    fn say(&mut self, frame: &Bytes, record: &Bytes) -> Option<usize> {
        if self.frame == frame && self.record == record {
            self.turn = (self.turn + 1) % TURNS;
            return Some(self.turn);
        }
        *self = Self { frame: frame.clone(), record: record.clone(), turn: 0 };
        None
    }
}

/// For each origin which of its envelopes have been seen. Bounded: the origin that was heard of
/// longest ago is forgotten.
#[derive(Debug)]
pub(crate) struct Origins {
    windows: BTreeMap<[u8; 32], (u64, u64, Window)>,
    clock: u64,
    limit: usize,
}

impl Origins {
    pub(crate) fn new(limit: usize) -> Self {
        Self { windows: BTreeMap::new(), clock: 0, limit: limit.max(1) }
    }

    /// Whether an envelope is new, and not of an older life than has been heard of.
    pub(crate) fn check(&self, origin: &NodeId, sequence: u64) -> Result<(), Drop> {
        match self.windows.get(&origin.key) {
            Some((incarnation, ..)) if *incarnation > origin.incarnation => Err(Drop::Superseded),
            Some((incarnation, _, window)) if *incarnation == origin.incarnation => {
                if window.is_new(sequence) { Ok(()) } else { Err(Drop::Replayed) }
            }
            _ => Ok(()),
        }
    }

    /// The envelope has been verified: it is not new any more.
    pub(crate) fn take(&mut self, origin: &NodeId, sequence: u64) -> Result<(), Drop> {
        self.check(origin, sequence)?;
        self.clock += 1;
        let fresh = || (origin.incarnation, 0, Window::default());
        let entry = self.windows.entry(origin.key).or_insert_with(fresh);
        if entry.0 < origin.incarnation {
            *entry = fresh();
        }
        entry.1 = self.clock;
        let new = entry.2.take(sequence);
        if self.windows.len() > self.limit {
            let oldest = self.windows.iter().min_by_key(|(_, entry)| entry.1);
            let oldest = oldest.map(|(key, _)| *key);
            oldest.and_then(|key| self.windows.remove(&key));
        }
        if new { Ok(()) } else { Err(Drop::Replayed) }
    }
}

impl Announcements {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            known: Mutex::new(Origins::new(limit)),
            members: Mutex::default(),
            said: Mutex::default(),
            sequence: AtomicU64::new(0),
        }
    }

    fn known(&self) -> MutexGuard<'_, Origins> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn configure(&self, members: BTreeSet<NodeId>) {
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(members);
    }

    fn members(&self) -> Arc<BTreeSet<NodeId>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Announces a frame of this node to all linked peers; if it is the last one again, to the
    /// members among them in turn.
    pub(crate) fn send(&self, shared: &Shared, frame: Bytes) {
        let record = shared.record();
        let turn = self.said().say(&frame, &record);
        let members = self.members();
        let mut place = 0;
        let gets_it = |link: &Link| {
            if !members.contains(&link.node) {
                return true;
            }
            place += 1;
            turn.is_none_or(|turn| place % TURNS == turn)
        };
        let envelope = Envelope {
            origin: shared.node,
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            audience: Audience::Everyone,
            record,
            frames: vec![frame],
        };
        match envelope.seal(&shared.identity, &shared.entry.tag) {
            Ok(sealed) => pass_on(shared, &Bytes::from(sealed), gets_it),
            Err(error) => log::error!("cannot announce: {error}"),
        }
    }

    /// An announcement has come over a link: verifies it, hands it up and passes it on, if it is new.
    pub(crate) fn receive(&self, shared: &Shared, via: &Link, bytes: &Bytes) -> Result<(), Drop> {
        let (origin, sequence, audience) = Envelope::peek(bytes).ok_or(Drop::Malformed)?;
        if audience != Audience::Everyone {
            return Err(Drop::Malformed);
        }
        if origin.key == shared.node.key {
            return Ok(());
        }
        // The usual duplicate comes over another link; it costs no signature, and is no drop.
        match self.known().check(&origin, sequence) {
            Ok(()) => {}
            Err(Drop::Replayed) if via.node.key != origin.key => return Ok(()),
            Err(reason) => return Err(reason),
        }
        let envelope = Envelope::open(bytes, &shared.entry.tag, shared.limits.max_frame)?;
        if !crate::keys::peer_of(&origin.key).is_some_and(|peer| shared.entry.allows(&peer)) {
            return Err(Drop::NotAdmitted);
        }
        self.known().take(&origin, sequence)?;
        if !envelope.record.is_empty() {
            shared.desk.record(Arrived { record: envelope.record.clone(), from: via.node });
        }
        shared.frames(origin, envelope.frames, &via.waiting);
        // Members reach each other: one's announcement goes on to those who are not members.
        let members = self.members();
        let by_member = members.contains(&origin);
        pass_on(shared, bytes, |link| {
            link.node.key != via.node.key
                && link.node.key != origin.key
                && !(by_member && members.contains(&link.node))
        });
        Ok(())
    }
}

fn pass_on(shared: &Shared, bytes: &Bytes, mut to: impl FnMut(&Link) -> bool) {
    for link in shared.links.all().iter().filter(|link| to(link)) {
        match link.push(Kind::Announcement, bytes.clone(), shared.limits.peer_queue) {
            Pushed::Taken => link.wake(),
            Pushed::Full => shared.figures.dropped(Drop::QueueFull),
            Pushed::Unreachable => {}
        }
    }
}
