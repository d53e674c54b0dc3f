//! Announcements reach everyone in the overlay, linked or not: each node passes a new one on to the
//! peers that its origin does not reach itself.

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

/// What has been announced, and who is in the configuration.
#[derive(Debug)]
pub(crate) struct Announcements {
    known: Mutex<Origins>,
    members: Mutex<Arc<BTreeSet<NodeId>>>,
    /// Numbers of this node's own.
    sequence: AtomicU64,
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
            sequence: AtomicU64::new(0),
        }
    }

    fn known(&self) -> MutexGuard<'_, Origins> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn configure(&self, members: BTreeSet<NodeId>) {
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(members);
    }

    fn members(&self) -> Arc<BTreeSet<NodeId>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Announces a frame of this node to all linked peers.
    pub(crate) fn send(&self, shared: &Shared, frame: Bytes) {
        let envelope = Envelope {
            origin: shared.node,
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            audience: Audience::Everyone,
            record: shared.record(),
            frames: vec![frame],
        };
        match envelope.seal(&shared.identity, &shared.entry.tag) {
            Ok(sealed) => pass_on(shared, &Bytes::from(sealed), |_| true),
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

fn pass_on(shared: &Shared, bytes: &Bytes, to: impl Fn(&Link) -> bool) {
    for link in shared.links.all().iter().filter(|link| to(link)) {
        match link.push(Kind::Announcement, bytes.clone(), shared.limits.peer_queue) {
            Pushed::Taken => link.wake(),
            Pushed::Full => shared.figures.dropped(Drop::QueueFull),
            Pushed::Unreachable => {}
        }
    }
}
