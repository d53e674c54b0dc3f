//! Addresses: this node's own record, and the book of the others'.

use super::{behaviour::Peers, driver::Driver, driver::State};
use crate::{
    board::Board,
    book::{Book, bare},
    frames::Kind,
    keys,
    links::{Link, Pushed},
    record::Record,
    redial::Target,
    runtime,
    shared::Shared,
    status::Drop,
};
use bytes::Bytes;
use cenacle_core::NodeId;
use libp2p::{Multiaddr, PeerId, Swarm};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The book is written at most this often.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(2);
/// Of two that learn of each other the one with the smaller key dials, and has this long for it.
const HEAD_START: Duration = Duration::from_millis(500);
/// Records of others that a peer is told when it comes: those of who is linked. More reach it by
/// and by.
const TOLD_AT_ONCE: usize = 32;
/// Peers that a new record is passed on to, as a rumour: each of them passes it on as often.
const PASSED_ON_TO: usize = 3;

/// The book, its file, and this node's own record.
pub(super) struct Addresses {
    book: Book,
    state: Arc<Mutex<State>>,
    saving: Option<runtime::Task<Option<String>>>,
    saved: Instant,
    sequence: u64,
    own: Vec<Multiaddr>,
}

impl Addresses {
    pub(super) fn new(shared: &Shared, mut state: State) -> Self {
        // Twice what a record has: the rest are addresses that were reached and are not in it.
        let mut book = Book::new(shared.limits.max_known, shared.limits.max_addresses * 2);
        if let Some(folder) = &mut state {
            read_book(&mut book, folder, shared);
            for detail in folder.take_warnings() {
                shared.warn("state", None, detail);
            }
        }
        Self {
            book,
            state: Arc::new(Mutex::new(state)),
            saving: None,
            saved: Instant::now(),
            sequence: 0,
            own: Vec::new(),
        }
    }

    /// What a write holds until the disk has it.
    #[cfg(test)]
    pub(super) fn state(&self) -> Arc<Mutex<State>> {
        self.state.clone()
    }

    pub(super) fn known(&self) -> Vec<PeerId> {
        self.book.peers()
    }

    /// Where a peer may be.
    pub(super) fn of(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.book.addresses(peer)
    }

    pub(super) fn knows(&self, peer: &PeerId) -> bool {
        self.book.knows(peer)
    }

    pub(super) fn is_ours(&self, address: &Multiaddr) -> bool {
        self.own.contains(&bare(address))
    }

    pub(super) fn hint(&mut self, peer: PeerId, address: &Multiaddr) {
        self.book.hint(peer, address);
    }

    pub(super) fn met(&mut self, peer: PeerId, dialled: Option<&Multiaddr>) {
        self.book.met(peer, dialled, unix_seconds());
    }

    /// Signs a new record if this node's addresses have changed.
    pub(super) fn renew(&mut self, shared: &Shared, swarm: &Swarm<Peers>) {
        let own: BTreeSet<_> =
            swarm.listeners().chain(swarm.external_addresses()).map(bare_circuit).collect();
        let own: Vec<_> = own.into_iter().take(shared.limits.max_addresses).collect();
        if own == self.own && self.sequence > 0 {
            return;
        }
        self.own = own;
        self.sequence += 1;
        let record = Record {
            key: shared.node.key,
            incarnation: shared.node.incarnation,
            sequence: self.sequence,
            addresses: self.own.clone(),
        };
        match record.seal(&shared.identity, &shared.entry.tag) {
            Ok(sealed) => {
                let sealed = Bytes::from(sealed);
                shared.set_record(sealed.clone());
                shared.links.all().iter().for_each(|link| pass(shared, link, &sealed));
            }
            Err(error) => log::error!("cannot sign this node's addresses: {error}"),
        }
    }

    /// Writes the book if it has changed, on a thread that may wait for the disk.
    pub(super) fn save(&mut self, shared: &Arc<Shared>) {
        use futures::FutureExt;
        if let Some(saving) = &mut self.saving {
            let Some(failure) = saving.now_or_never() else { return };
            self.saving = None;
            if let Some(detail) = failure {
                shared.warn("state", None, detail);
            }
        }
        if self.saved.elapsed() >= SAVE_EVERY {
            self.saving = self.begin_save(shared);
            self.saved = Instant::now();
        }
    }

    fn begin_save(&mut self, shared: &Shared) -> Option<runtime::Task<Option<String>>> {
        let bytes = self.book.write(&shared.entry.tag)?;
        let state = self.state.clone();
        Some(runtime::spawn_blocking(move || {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.as_ref()?.write_book(&bytes).err().map(|error| error.to_string())
        }))
    }

    /// Writes the book, and lets the state folder go.
    pub(super) async fn save_now(&mut self, shared: &Arc<Shared>) {
        if let Some(saving) = self.saving.take() {
            let _ = saving.await;
        }
        if let Some(saving) = self.begin_save(shared)
            && let Some(detail) = saving.await
        {
            shared.warn("state", None, detail);
        }
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Driver {
    /// An address record: verified, kept, and passed on if it says anything new.
    pub(super) fn learn(&mut self, sealed: &Bytes, from: Option<NodeId>) {
        let limits = &self.shared.limits;
        let tag = &self.shared.entry.tag;
        let Some(record) = Record::open(sealed, tag, limits.max_addresses) else {
            self.shared.figures.dropped(Drop::Signature);
            return;
        };
        let peer = keys::peer_of(&record.key).filter(|peer| self.shared.entry.allows(peer));
        let Some(peer) = peer else {
            self.shared.figures.dropped(Drop::NotAdmitted);
            return;
        };
        if peer == self.shared.peer {
            return;
        }
        if !self.addresses.book.learn(peer, &record) {
            return;
        }
        // Both learn of each other at once: one dials, and the other only if nothing comes of it.
        let head_start =
            if self.shared.node.key < record.key { Duration::ZERO } else { HEAD_START };
        let (then, target) = (self.now() + head_start, Target::Peer(peer));
        self.dialling.schedule.know(target.clone(), then);
        self.dialling.schedule.hopeful(&target, then);
        if self.dialling.schedule.len() > 2 * self.shared.limits.max_known {
            // Keys that somebody makes up give way in the book, and so here.
            let addresses = &self.addresses;
            self.dialling.schedule.keep(|peer| addresses.knows(peer));
        }
        let others = self.shared.links.all();
        let others = others.iter().filter(|link| {
            link.node.key != record.key && from.is_none_or(|from| link.node.key != from.key)
        });
        others.take(PASSED_ON_TO).for_each(|link| pass(&self.shared, link, sealed));
    }

    /// Tells a peer that has come where the others are.
    pub(super) fn send_records(&mut self, node: NodeId, peer: PeerId) {
        let Some(link) = self.shared.links.get(&node) else { return };
        let links = self.shared.links.all();
        let others = links.iter().filter(|other| other.peer != peer);
        for other in others.take(TOLD_AT_ONCE) {
            if let Some(introduced) = self.shared.introduced(&other.node.key) {
                pass(&self.shared, &link, &introduced.record.into());
            }
        }
    }

    /// Shows the addresses to whoever asks for the status.
    pub(super) fn show(&mut self) {
        let links = self.shared.links.all();
        let keys = links.iter().map(|link| link.node.key);
        let keys = keys.chain(self.members.iter().map(|node| node.key));
        let of = |key| Some((key, self.addresses.of(&keys::peer_of(&key)?)));
        self.shared.set_board(Board {
            listening: self.swarm.listeners().cloned().collect(),
            addresses: keys.filter_map(of).collect(),
            known: self.addresses.book.len(),
        });
    }
}

fn read_book(book: &mut Book, folder: &mut crate::state::StateFolder, shared: &Shared) {
    let read = folder.read_book();
    let outcome = match read {
        Ok(None) => return,
        Ok(Some(bytes)) if book.read(&bytes, &shared.entry.tag).is_some() => return,
        Ok(Some(_)) => folder.set_book_aside(),
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        shared.warn("state", None, format!("the address book is not used: {error}"));
    }
}

fn pass(shared: &Shared, link: &Link, sealed: &Bytes) {
    match link.push(Kind::Record, sealed.clone(), shared.limits.peer_queue) {
        Pushed::Taken => link.wake(),
        Pushed::Full => shared.figures.dropped(Drop::QueueFull),
        Pushed::Unreachable => {}
    }
}

/// A circuit's address as the others dial it: without this node's own id at its end.
fn bare_circuit(address: &Multiaddr) -> Multiaddr {
    bare(address)
}

/// The wall clock, for "last seen" alone.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
