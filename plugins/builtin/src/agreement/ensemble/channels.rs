//! Secure channels between two members, and the cache that keeps them.
//!
//! A channel is set up by one Diffie-Hellman exchange: each end sends a fresh share, signed as every
//! message is, so that the channel is authenticated and no long-term key is ever an exponent (paper
//! 000, section 2: "two messages"). Both ends know from the view, and in `dist` from the plan, that
//! they need it and that it is not there; so both send at once, and the set-up takes one round
//! where the paper's takes two. A member has one fresh exponent a run, whatever the number of its
//! new channels; it is gone when the run is.
//!
//! A confirmed run leaves its channels in the cache, and those that were there. There are never more
//! than the view has other members. A channel goes, and its keys are overwritten, with the first
//! confirmed view that one of its ends is not in, or is in as a member of another class: both ends
//! read this from the same view change, so both have a channel or neither.

use super::super::encoded::{Encoded, bad, decode, one};
use super::super::share::OwnShare;
use super::messages::Message;
use super::seal::{Key, Sealing, Use};
use cenacle_dh::{Calculator, DhGroup, Purpose};
use cenacle_plugin::{
    Action, Error, MemberId, Order, Outbox, Random, Secret, ViewChange, Work, to_cbor,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The domain under which a shared element is hashed.
const SHARED: &str = "cenacle ensemble channel v1";
/// The domain under which the key of one direction is derived.
const DIRECTION: &str = "cenacle ensemble channel direction v1";

/// A channel as one end has it: a key for each direction.
pub(super) struct Channel {
    to_peer: Key,
    from_peer: Key,
}

/// The channels that a confirmed run left, by the name of the other end.
pub(super) type Cache = BTreeMap<MemberId, Arc<Channel>>;

/// Messages sealed so far in this run, each way.
#[derive(Clone, Copy, Default)]
struct Counts {
    sent: u64,
    received: u64,
}

/// All work since the last call: that of the calculator, and hits and misses of the run under way.
pub(super) fn all_work<G: DhGroup>(mut work: Work, channels: Option<&mut Channels<G>>) -> Work {
    if let Some(channels) = channels {
        work += channels.take_work();
    }
    work
}

/// The channels of one member in one run.
#[derive(Clone)]
pub(super) struct Channels<G: DhGroup> {
    sealing: Sealing,
    change: Arc<ViewChange>,
    /// What the class of this member brought along.
    cached: Option<Arc<Cache>>,
    fresh: BTreeMap<u32, Arc<Channel>>,
    share: Option<Arc<OwnShare<G>>>,
    /// Who has been sent this member's share and has a channel to set up with it.
    shown: BTreeSet<u32>,
    /// Shares of others, until it is known whether a channel with them is needed.
    heard: BTreeMap<u32, Encoded>,
    /// Whose share has come: it comes once a run.
    greeted: BTreeSet<u32>,
    counts: BTreeMap<u32, Counts>,
    work: Work,
}

impl<G: DhGroup> Channels<G> {
    /// The channels of a run. `cached` are those of the confirmed state that this member's class
    /// continues with, if any does.
    pub(super) fn new(
        sealing: Sealing,
        change: &Arc<ViewChange>,
        cached: Option<Arc<Cache>>,
    ) -> Self {
        Self {
            sealing,
            change: Arc::clone(change),
            cached,
            fresh: BTreeMap::new(),
            share: None,
            shown: BTreeSet::new(),
            heard: BTreeMap::new(),
            greeted: BTreeSet::new(),
            counts: BTreeMap::new(),
            work: Work::default(),
        }
    }

    /// The position of this member.
    pub(super) fn me(&self) -> u32 {
        self.change.me()
    }

    /// The change that began the run.
    pub(super) fn change(&self) -> &Arc<ViewChange> {
        &self.change
    }

    pub(super) fn sealing(&self) -> &Sealing {
        &self.sealing
    }

    /// Hits and misses since the last call.
    fn take_work(&mut self) -> Work {
        std::mem::take(&mut self.work)
    }

    /// Whether there is a channel with the member at `peer`.
    pub(super) fn is_ready(&self, peer: u32) -> bool {
        self.channel(peer).is_some()
    }

    /// Whether the channel with the member at `peer` was there before the run.
    pub(super) fn is_cached(&self, peer: u32) -> bool {
        self.cached_with(peer).is_some()
    }

    fn channel(&self, peer: u32) -> Option<&Arc<Channel>> {
        self.fresh.get(&peer).or_else(|| self.cached_with(peer))
    }

    /// A channel serves within a class alone: only its members confirmed the same channels.
    fn cached_with(&self, peer: u32) -> Option<&Arc<Channel>> {
        let cached = self.cached.as_ref()?;
        self.change.my_class().binary_search(&peer).ok()?;
        cached.get(&self.change.members().get(peer as usize)?.id)
    }

    /// Notes for whom this member is going to seal: which of those channels there are.
    pub(super) fn look_up(&mut self, peers: &[u32]) {
        for peer in peers {
            let column = match self.is_cached(*peer) {
                true => &mut self.work.channel_hits,
                false => &mut self.work.channel_misses,
            };
            *column = column.saturating_add(1);
        }
    }

    /// Sets up what is missing of the channels with `peers`: shows this member's share, to one peer
    /// after the other or to all members at once, and takes up the shares that have come.
    pub(super) fn want(
        &mut self,
        peers: &[u32],
        at_once: bool,
        calculator: &mut Calculator<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let is_missing = |peer: &u32| !self.is_ready(*peer) && !self.shown.contains(peer);
        let missing: Vec<u32> = peers.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let share = match &self.share {
            Some(share) => Arc::clone(share),
            None => Arc::new(OwnShare::fresh(calculator, random)),
        };
        self.share = Some(Arc::clone(&share));
        let body = to_cbor(&Message::Share(share.blinded.to_vec()))?;
        if at_once && missing.len() > 1 {
            out.push(Action::Multicast { order: Order::Fifo, body });
        } else {
            let unicast = |to: &u32| Action::Unicast { to: *to, body: body.clone() };
            out.extend(missing.iter().map(unicast));
        }
        self.shown.extend(&missing);
        for peer in missing {
            if let Some(share) = self.heard.remove(&peer) {
                self.set_up(peer, &share, calculator)?;
            }
        }
        Ok(())
    }

    /// The share of the member at `from`. Sets the channel up if that is known to be needed; else
    /// keeps the share, if it may be needed still, or has no use for it.
    pub(super) fn hear(
        &mut self,
        from: u32,
        share: &[u8],
        may_be_needed: bool,
        calculator: &mut Calculator<G>,
    ) -> Result<(), Error> {
        let share = one::<G>(from, share)?;
        if !self.greeted.insert(from) {
            return Err(bad(from, "a second share"));
        }
        if self.shown.contains(&from) {
            self.set_up(from, &share, calculator)
        } else if may_be_needed {
            self.heard.insert(from, share);
            Ok(())
        } else {
            Ok(())
        }
    }

    /// Forgets the shares that are not needed after all.
    pub(super) fn forget_heard(&mut self) {
        self.heard.clear();
    }

    fn set_up(
        &mut self,
        peer: u32,
        theirs: &Encoded,
        calculator: &mut Calculator<G>,
    ) -> Result<(), Error> {
        let own = self.share.as_ref().ok_or(Error::Bug("a channel without a share"))?;
        let element = decode(calculator, peer, theirs)?;
        let shared = Zeroizing::new(calculator.exp(Purpose::Protocol, &element, &own.exponent));
        let root = calculator.hash_to_secret(SHARED, &shared);
        let name = |position: u32| {
            let member = self.change.members().get(position as usize);
            member.map(|member| &member.id).ok_or(Error::Bug("a position outside the view"))
        };
        let (me, other) = (name(self.change.me())?, name(peer)?);
        let channel = Channel {
            to_peer: direction(&root, (me, &own.blinded), (other, theirs)),
            from_peer: direction(&root, (other, theirs), (me, &own.blinded)),
        };
        self.fresh.insert(peer, Arc::new(channel));
        Ok(())
    }

    /// Seals `key` for the member at `to`.
    pub(super) fn seal(&mut self, to: u32, key: &Key) -> Result<Vec<u8>, Error> {
        let channel = self.channel(to).ok_or(Error::Bug("no channel to seal for"))?;
        let number = self.counts.get(&to).map_or(0, |counts| counts.sent);
        let record = self.sealing.seal(Use::Channel, &channel.to_peer, number, key)?;
        let counts = self.counts.entry(to).or_default();
        counts.sent = number.checked_add(1).ok_or(Error::Bug("a channel's numbers are spent"))?;
        Ok(record)
    }

    /// Opens what the member at `from` sealed as its next message to this one.
    pub(super) fn open(&mut self, from: u32, record: &[u8]) -> Result<Key, Error> {
        let channel = self.channel(from).ok_or(Error::DoesNotOpen)?;
        let number = self.counts.get(&from).map_or(0, |counts| counts.received);
        let key = self.sealing.open(Use::Channel, &channel.from_peer, number, record)?;
        let counts = self.counts.entry(from).or_default();
        counts.received = number.checked_add(1).ok_or(Error::DoesNotOpen)?;
        Ok(key)
    }

    /// The cache that the run leaves when it is confirmed: of the channels that were there those
    /// with members of the class that continues, and the new ones.
    pub(super) fn confirmed(&self) -> Cache {
        let id = |peer: &u32| Some(self.change.members().get(*peer as usize)?.id.clone());
        let mut cache = Cache::new();
        for peer in self.change.my_class() {
            if let (Some(id), Some(channel)) = (id(peer), self.cached_with(*peer)) {
                cache.insert(id, Arc::clone(channel));
            }
        }
        for (peer, channel) in &self.fresh {
            cache.extend(id(peer).map(|id| (id, Arc::clone(channel))));
        }
        cache
    }

    #[cfg(feature = "conformance")]
    pub(super) fn fresh_keys(&self) -> impl Iterator<Item = &Key> {
        self.fresh.values().flat_map(|channel| channel.keys())
    }
}

impl Channel {
    #[cfg(feature = "conformance")]
    pub(super) fn keys(&self) -> [&Key; 2] {
        [&self.to_peer, &self.from_peer]
    }
}

/// The key of what goes from one end to the other: bound to both names and both shares, in order.
fn direction(root: &Secret<32>, from: (&MemberId, &[u8]), to: (&MemberId, &[u8])) -> Key {
    let parts = [from.0.as_bytes(), from.1, to.0.as_bytes(), to.1];
    let length: usize = parts.iter().map(|part| part.len().saturating_add(8)).sum();
    let mut material = Zeroizing::new(Vec::with_capacity(length.saturating_add(32)));
    material.extend_from_slice(root.expose());
    for part in parts {
        material.extend_from_slice(&(part.len() as u64).to_le_bytes());
        material.extend_from_slice(part);
    }
    Key::derive(DIRECTION, &material)
}
