//! The handle that the pump owns.

use crate::{
    desk::Parcel,
    envelope::PER_FRAME,
    error::Error,
    events::Events,
    frames::Kind,
    gossip::PACK,
    hello::Entry,
    keys,
    links::{Link, Pushed},
    runtime,
    settings::{Dissemination, Settings},
    shared::Shared,
    status::{Drop, Path, Peer, Status},
    swarm::Driver,
};
use bytes::Bytes;
use cenacle_core::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The network as the pump sees it: no method blocks, and none does cryptography but the signature
/// of an announcement.
#[derive(Debug)]
pub struct Network {
    shared: Arc<Shared>,
    driver: Option<runtime::Task<()>>,
    dissemination: Dissemination,
    /// The configuration, without this node.
    members: Vec<NodeId>,
    links: Found,
    /// What is gossiped at the next flush.
    parcel: Vec<Bytes>,
    parcel_bytes: usize,
    /// The same for one node each, and the sum of its bytes.
    strays: BTreeMap<NodeId, (Vec<Bytes>, usize)>,
    /// Nodes outside the configuration that something was to go to before there was a connection.
    expected: BTreeMap<NodeId, Instant>,
}

/// A node outside the configuration has so long to connect. What goes to it is said again later, and
/// gossip costs every node what a connection costs one.
const CONNECTS_IN: Duration = Duration::from_millis(500);

/// Links that were looked up, until something has changed.
#[derive(Debug, Default)]
struct Found {
    generation: u64,
    /// Those of the members, in the members' order.
    members: Vec<Option<Arc<Link>>>,
    others: BTreeMap<NodeId, Arc<Link>>,
    /// Those with something new in their queue.
    dirty: Vec<Arc<Link>>,
}

impl Network {
    /// Listens, dials, discovers. Must run inside async-std (any of its tasks, or `block_on`).
    ///
    /// # Errors
    /// Settings that cannot work, an address that cannot be listened on, a transport that cannot be
    /// set up.
    pub async fn start(settings: Settings) -> Result<(Self, Events), Error> {
        settings.check()?;
        let incarnation = match &settings.state {
            Some(state) => state.incarnation(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        };
        let node = NodeId { key: settings.identity.public_key(), incarnation };
        let mut instance = [0; 16];
        getrandom::fill(&mut instance).map_err(|_| Error::Random)?;
        let entry = Entry::new(&settings.admission, &settings.overlay);
        let limits = settings.limits.clone();
        let identity = settings.identity.clone();
        let shared = Arc::new(Shared::new(node, identity, instance, entry, limits));
        let events = Events::new(shared.inbox.clone());
        let dissemination = settings.dissemination;
        // In a task of the runtime: transports look for its context when they are made.
        let making = shared.clone();
        let driver = runtime::spawn(async move { Driver::new(settings, making) }).await?;
        let network = Self {
            shared,
            driver: Some(runtime::spawn(driver.run())),
            dissemination,
            members: Vec::new(),
            links: Found::default(),
            parcel: Vec::new(),
            parcel_bytes: 0,
            strays: BTreeMap::new(),
            expected: BTreeMap::new(),
        };
        Ok((network, events))
    }

    /// This node: its public key and the incarnation of this start.
    pub fn node(&self) -> NodeId {
        self.shared.node
    }

    /// Tells the members of the present configuration (this node among them or not): multicasts
    /// reach them, and connections to them are made again when they are lost.
    pub fn configure(&mut self, members: &[NodeId]) {
        let own = self.shared.node;
        self.members = members.iter().copied().filter(|node| *node != own).collect();
        self.shared.desk.configure(self.members.clone());
        self.links.generation = 0;
    }

    /// Whether multicasts are gossiped now.
    fn gossips(&self) -> bool {
        match self.dissemination {
            Dissemination::Direct => false,
            Dissemination::Gossip => true,
            Dissemination::Auto => self.members.len() >= self.shared.limits.direct_up_to,
        }
    }

    /// Carries a frame to one node, as best as can be: over a connection of its own, over a circuit
    /// of a relay, or in the gossip. What cannot be carried is counted.
    pub fn send(&mut self, to: NodeId, frame: Bytes) {
        if self.is_too_large(&frame) || to == self.shared.node {
            return;
        }
        match self.links.get(&self.shared, &self.members, &to) {
            Some(link) => {
                self.expected.remove(&to);
                self.push(&link, Some(to), frame);
            }
            None => self.gossip_to(to, frame),
        }
    }

    /// Carries a frame to every other member of the configuration.
    pub fn multicast(&mut self, frame: Bytes) {
        if self.is_too_large(&frame) {
            return;
        }
        if self.gossips() {
            let cost = frame.len() + PER_FRAME;
            if self.parcel_bytes + cost > PACK {
                self.send_parcel();
            }
            self.parcel_bytes += cost;
            self.parcel.push(frame);
            return;
        }
        self.links.refresh(&self.shared, &self.members);
        for at in 0..self.members.len() {
            let link = self.links.members.get(at).cloned().flatten();
            match (link, self.members.get(at).copied()) {
                (Some(link), to) => self.push(&link, to, frame.clone()),
                (None, Some(to)) => self.gossip_to(to, frame.clone()),
                (None, None) => {}
            }
        }
    }

    /// Carries a frame to whoever listens in the overlay, directly connected or not.
    pub fn announce(&mut self, frame: Bytes) {
        if !self.is_too_large(&frame) {
            self.shared.announcements.send(&self.shared, frame);
        }
    }

    /// The end of a batch: what was given since the last one travels now.
    pub fn flush(&mut self) {
        for link in self.links.dirty.drain(..) {
            link.wake();
        }
        self.send_parcel();
        while let Some((to, (frames, _))) = self.strays.pop_first() {
            self.gossip(Parcel { to: Some(to), frames });
        }
    }

    fn is_too_large(&self, frame: &Bytes) -> bool {
        let too_large = frame.len() > self.shared.limits.max_frame;
        if too_large {
            self.shared.figures.dropped(Drop::TooLarge);
        }
        too_large
    }

    fn push(&mut self, link: &Arc<Link>, to: Option<NodeId>, frame: Bytes) {
        let limit = self.shared.limits.peer_queue;
        match link.push(Kind::Engine, frame.clone(), limit) {
            Pushed::Taken => self.links.mark(link),
            Pushed::Full => self.shared.figures.dropped(Drop::QueueFull),
            Pushed::Unreachable => {
                if let Some(to) = to {
                    self.gossip_to(to, frame);
                }
            }
        }
    }

    /// The last resort: whoever gets it passes it on.
    fn gossip_to(&mut self, to: NodeId, frame: Bytes) {
        let direct = self.dissemination == Dissemination::Direct;
        if direct || !self.members.contains(&to) && self.may_connect(to) {
            self.shared.figures.dropped(Drop::Unreachable);
            return;
        }
        let cost = frame.len() + PER_FRAME;
        let (frames, bytes) = self.strays.entry(to).or_default();
        let full = (*bytes + cost > PACK).then(|| std::mem::take(frames));
        *bytes = if full.is_some() { cost } else { *bytes + cost };
        frames.push(frame);
        if let Some(frames) = full {
            self.gossip(Parcel { to: Some(to), frames });
        }
    }

    /// Whether there may soon be a connection to a node that there is none to.
    fn may_connect(&mut self, node: NodeId) -> bool {
        if self.expected.len() >= self.shared.limits.max_known {
            self.expected.retain(|_, since| since.elapsed() < CONNECTS_IN * 8);
        }
        if self.expected.len() >= self.shared.limits.max_known {
            return false;
        }
        self.expected.entry(node).or_insert_with(Instant::now).elapsed() < CONNECTS_IN
    }

    fn send_parcel(&mut self) {
        self.parcel_bytes = 0;
        let frames = std::mem::take(&mut self.parcel);
        self.gossip(Parcel { to: None, frames });
    }

    fn gossip(&self, parcel: Parcel) {
        let count = parcel.frames.len() as u64;
        if count > 0
            && let Err(reason) = self.shared.desk.gossip(parcel)
        {
            self.shared.figures.dropped_many(reason, count);
        }
    }

    /// Bytes that wait for the member of the configuration that has most before it: above
    /// [`crate::Limits::peer_queue`] frames to it are dropped.
    pub fn queued(&self) -> usize {
        let links = self.links.members.iter().flatten();
        links.map(|link| link.queue().bytes()).max().unwrap_or(0)
    }

    /// A picture of the network.
    pub fn status(&self) -> Status {
        let board = self.shared.board();
        let members: BTreeSet<_> = self.members.iter().copied().collect();
        let links = self.shared.links.all();
        let linked: BTreeSet<_> = links.iter().map(|link| link.node).collect();
        let gossips = self.dissemination != Dissemination::Direct;
        let addresses = |key| board.addresses.get(key).cloned().unwrap_or_default();
        let mut peers: Vec<_> = links
            .iter()
            .map(|link| {
                let queue = link.queue();
                Peer {
                    node: link.node,
                    peer_id: link.peer,
                    addresses: addresses(&link.node.key),
                    path: queue.path(),
                    member: members.contains(&link.node),
                    round_trip: link.round_trip(),
                    queue_bytes: queue.bytes(),
                }
            })
            .collect();
        peers.extend(members.difference(&linked).filter_map(|node| {
            Some(Peer {
                node: *node,
                peer_id: keys::peer_of(&node.key)?,
                addresses: addresses(&node.key),
                path: if gossips { Path::Gossip } else { Path::None },
                member: true,
                round_trip: None,
                queue_bytes: 0,
            })
        }));
        let figures = &self.shared.figures;
        Status {
            listening: board.listening,
            peers,
            gossip: self.gossips(),
            drops: figures.drops(),
            frames_in: figures.frames_in.load(Ordering::Relaxed),
            bytes_in: figures.bytes_in.load(Ordering::Relaxed),
            frames_out: figures.frames_out.load(Ordering::Relaxed),
            bytes_out: figures.bytes_out.load(Ordering::Relaxed),
            inbox_bytes: self.shared.inbox.bytes(),
            gossip_bytes: self.shared.desk.gossip_bytes(),
            known: board.known,
        }
    }

    /// Writes out what is queued, for `grace` at most, and closes everything.
    pub async fn stop(mut self, grace: Duration) {
        self.flush();
        self.shared.desk.stop(grace);
        if let Some(driver) = self.driver.take() {
            driver.await;
        }
    }
}

impl std::ops::Drop for Network {
    /// As [`Network::stop`] without grace.
    fn drop(&mut self) {
        if self.driver.is_some() {
            self.shared.desk.stop(Duration::ZERO);
        }
    }
}

impl Found {
    /// Looks again if links have come or gone.
    fn refresh(&mut self, shared: &Shared, members: &[NodeId]) {
        // One more than the true one: 0 is never right.
        let generation = shared.links.generation() + 1;
        if self.generation != generation {
            self.generation = generation;
            self.members = members.iter().map(|node| shared.links.get(node)).collect();
            self.others.clear();
        }
    }

    fn get(&mut self, shared: &Shared, members: &[NodeId], node: &NodeId) -> Option<Arc<Link>> {
        self.refresh(shared, members);
        if let Some(link) = self.others.get(node) {
            return Some(link.clone());
        }
        let link = shared.links.get(node)?;
        self.others.insert(*node, link.clone());
        Some(link)
    }

    fn mark(&mut self, link: &Arc<Link>) {
        if !self.dirty.iter().any(|known| Arc::ptr_eq(known, link)) {
            self.dirty.push(link.clone());
        }
    }
}
