//! A view-synchronous network in memory: runs instances of one module through changes of view and
//! counts what they do. For the conformance suites and for benchmarks.
//!
//! ```text
//!  change() ── Change ──▶ instances ── actions ──▶ channels (unicast, FIFO, agreed)
//!     ▲                       ▲                        │ seal … open (Carrier)
//!     │                       └──────── Message ◀──────┘ step() or run_measured()
//!  confirm() ── Confirmed ──▶ all: their state is what the next change builds on
//! ```

mod carrier;
mod clock;
mod delivery;
mod occasion;
mod peer;
mod wire;

pub use carrier::{Carrier, Plain};
pub use peer::Dice;

use crate::{
    Apart, Costs, Error, Executor, GroupSecret, Inline, Input, KeyAgreement, KeyAgreementModule,
    Member, MemberId, Options, Share, ViewChange, Work,
};
use clock::Clock;
use peer::Peer;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use wire::{END, Kind};

/// What went wrong in a run that should not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// An instance answered an honest event with an error.
    #[error("member {member} failed on {what}: {error}")]
    Module {
        /// Number of the member.
        member: u32,
        /// The event.
        what: &'static str,
        /// The instance's answer.
        error: Error,
    },
    /// Nothing is under way any more and a member has no secret.
    #[error("the run is stuck: member {member} of {of} has no secret")]
    Stuck {
        /// Number of the member.
        member: u32,
        /// Members in the view.
        of: u32,
    },
    /// Two members hold different secrets.
    #[error("members {one} and {other} hold different secrets")]
    Differ {
        /// Number of a member.
        one: u32,
        /// Number of another.
        other: u32,
    },
    /// A secret that an earlier run had installed.
    #[error("the secret of an earlier run came back")]
    Repeated,
    /// An action that the interface forbids.
    #[error("member {member}: {what}")]
    BadAction {
        /// Number of the member.
        member: u32,
        /// The rule.
        what: &'static str,
    },
}

/// How a change begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Build on what was confirmed.
    Continue,
    /// Build on nothing.
    Afresh,
    /// The same members want a new key; the member of that number asked.
    RefreshBy(u32),
}

/// What a completed run cost.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The secret.
    pub secret: GroupSecret,
    /// The columns that are compared with the papers.
    pub costs: Costs,
    /// Longest chain of exponentiations that make one's own share.
    pub own_share: u32,
    /// Longest chain of exponentiations that check others' values.
    pub checks: u32,
    /// Longest chain of products and small exponentiations.
    pub products: u32,
    /// Work of all members together.
    pub total: Work,
    /// Secure channels and acknowledgements.
    pub apart: Apart,
    /// Bytes sent, wrapping included; a multicast counts once, an acknowledgement not at all.
    pub bytes: u64,
    /// Those of them that were multicast.
    pub multicast_bytes: u64,
    /// Bytes of acknowledgements, wrapping included.
    pub acknowledgement_bytes: u64,
    /// Longest chain of work, nanoseconds; 0 where nothing is measured.
    pub time_critical_ns: u64,
    /// Work of all members together, nanoseconds.
    pub time_total_ns: u64,
}

/// The network: members by number, one run at a time.
pub struct Network<'a> {
    module: &'a dyn KeyAgreementModule,
    options: Options,
    executor: Arc<dyn Executor>,
    carrier: Box<dyn Carrier + 'a>,
    peers: BTreeMap<u32, Peer>,
    /// Numbers of the members of the present view, by position.
    view: Vec<u32>,
    change: Option<Arc<ViewChange>>,
    secrets: Vec<GroupSecret>,
    epochs: u64,
    runs: u64,
    packets: u64,
    tally: Tally,
    dice: Dice,
    /// Whether members offer shares ahead of runs.
    pub offers: bool,
    /// Whether the seniority of members of different classes is mixed.
    pub interleave: bool,
    /// Whether events are kept for [`Network::history_of`]; they take memory that a member alone
    /// would not need, and a benchmark would pay for it.
    pub keeps_history: bool,
    /// Bodies of the present run's messages, as an eavesdropper sees them.
    pub overheard: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    unicasts: u32,
    multicasts: u32,
    sealed: u32,
    acknowledgements: u32,
    bytes: u64,
    multicast_bytes: u64,
    acknowledgement_bytes: u64,
    work: Work,
    busy_ns: u64,
}

impl<'a> Network<'a> {
    /// An empty network for `module`; `seed` decides everything that is left to chance.
    pub fn new(module: &'a dyn KeyAgreementModule, options: Options, seed: u64) -> Self {
        Self {
            module,
            options,
            executor: Arc::new(Inline),
            carrier: Box::new(Plain::default()),
            peers: BTreeMap::new(),
            view: Vec::new(),
            change: None,
            secrets: Vec::new(),
            epochs: 0,
            runs: 0,
            packets: 0,
            tally: Tally::default(),
            dice: Dice::new(seed),
            offers: false,
            interleave: false,
            keeps_history: true,
            overheard: Vec::new(),
        }
    }

    /// Wraps messages by `carrier` from now on.
    pub fn with_carrier(mut self, carrier: Box<dyn Carrier + 'a>) -> Self {
        self.carrier = carrier;
        self
    }

    /// Gives instances made from now on `executor`.
    pub fn with_executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.executor = executor;
        self
    }

    /// The name and key by which the network knows the member of that number.
    pub fn member(number: u32) -> Member {
        let mut public_key = [0; 32];
        public_key[..4].copy_from_slice(&number.to_be_bytes());
        #[allow(clippy::expect_used, reason = "four bytes are a name")]
        let id = MemberId::new(&number.to_be_bytes()).expect("four bytes are a name");
        Member { id, public_key }
    }

    /// Adds a member with a new instance.
    pub fn add(&mut self, number: u32) -> Result<(), Failure> {
        let instance = self.instance(number)?;
        self.peers.insert(number, Peer::new(instance));
        Ok(())
    }

    /// A new instance of the module, of no member yet.
    pub fn instance(&self, number: u32) -> Result<Box<dyn KeyAgreement>, Failure> {
        self.module
            .create(&self.options, Arc::clone(&self.executor))
            .map_err(|error| Failure::Module { member: number, what: "its creation", error })
    }

    /// Takes a member away and returns its instance as it stands.
    pub fn remove(&mut self, number: u32) -> Option<Box<dyn KeyAgreement>> {
        self.peers.remove(&number).map(|peer| peer.instance)
    }

    /// Begins a run among the members of these numbers. Classes follow from what each confirmed
    /// last.
    pub fn change(&mut self, numbers: &[u32], how: How) -> Result<(), Failure> {
        let shares = if self.offers { self.collect_offers(numbers)? } else { BTreeMap::new() };
        let (order, classes) = self.arrange(numbers, how == How::Afresh);
        let position = |number: u32| order.iter().position(|n| *n == number);
        let members = order.iter().map(|number| Self::member(*number)).collect();
        let build = || -> Result<ViewChange, Error> {
            let mut change = match how {
                How::Afresh => ViewChange::afresh(0, members)?,
                _ => ViewChange::new(0, members, classes)?,
            };
            if let How::RefreshBy(number) = how {
                let by = position(number).ok_or(Error::BadChange("no such refresher"))?;
                change = change.refreshed_by(to_u32(by))?;
            }
            let mut shares: Vec<Share> = shares
                .into_iter()
                .filter_map(|(number, body)| {
                    Some(Share { member: to_u32(position(number)?), body })
                })
                .collect();
            shares.sort_by_key(|share| share.member);
            change.with_shares(shares)
        };
        let change = build().map_err(|error| Failure::Module {
            member: 0,
            what: "arranging the view",
            error,
        })?;
        self.begin(order, change)
    }

    fn begin(&mut self, order: Vec<u32>, change: ViewChange) -> Result<(), Failure> {
        self.tally = Tally::default();
        self.overheard.clear();
        self.runs += 1;
        let mut run = [0; 32];
        run[..8].copy_from_slice(&self.runs.to_be_bytes());
        let change = change.named(run);
        self.carrier.begin(&change);
        self.view = order;
        for position in 0..to_u32(self.view.len()) {
            let seen = change.seen_by(position).map_err(|error| Failure::Module {
                member: position,
                what: "arranging the view",
                error,
            })?;
            if let Some(peer) = self.peer_at(position) {
                peer.clock = Clock::default();
                peer.installed = None;
                peer.own.clear();
            }
            self.handle(position, Input::Change(Arc::new(seen)), "a change of view")?;
        }
        self.change = Some(Arc::new(change));
        Ok(())
    }

    /// Delivers one message that chance picks; `false` when nothing is under way.
    pub fn step(&mut self) -> Result<bool, Failure> {
        let waiting: Vec<u32> = (0..to_u32(self.view.len()))
            .filter(|position| self.peer(*position).is_some_and(|peer| peer.inbox.ready() > 0))
            .collect();
        let Some(&at) = self.dice.pick(&waiting) else { return Ok(false) };
        let ready = self.peer(at).map_or(0, |peer| peer.inbox.ready());
        let channel = self.dice.below(ready);
        let packet = self.peer_at(at).and_then(|peer| peer.inbox.take(channel));
        self.deliver(at, packet.into_iter().collect())?;
        Ok(true)
    }

    /// Delivers everything in the order in which it would arrive if each member had a machine of
    /// its own and messages took no time; what waits together is opened together. Where nothing is
    /// measured, round after round.
    pub fn run_measured(&mut self) -> Result<(), Failure> {
        loop {
            let next = (0..to_u32(self.view.len()))
                .filter_map(|position| {
                    let peer = self.peer(position)?;
                    let (time_ns, round, number) = peer.inbox.next_arrival()?;
                    Some((time_ns.max(peer.clock.time_ns), round, number, position))
                })
                .min();
            let Some((start, round, _, at)) = next else { return Ok(()) };
            let round = if start == 0 { round } else { u32::MAX };
            let packets =
                self.peer_at(at).map(|peer| peer.inbox.take_until((start, round, u64::MAX)));
            self.deliver(at, packets.unwrap_or_default())?;
        }
    }

    /// Delivers everything in an order that chance picks.
    pub fn run(&mut self) -> Result<(), Failure> {
        while self.step()? {}
        Ok(())
    }

    /// Checks that all members of the view hold one new secret, and confirms it at those members
    /// that `reached` names (the others are cut off from what happened last).
    pub fn confirm_at(&mut self, reached: impl Fn(u32) -> bool) -> Result<Outcome, Failure> {
        let secret = self.agreed_secret()?;
        if self.secrets.contains(&secret) {
            return Err(Failure::Repeated);
        }
        self.secrets.push(secret.clone());
        let outcome = self.outcome(secret);
        self.epochs += 1;
        let (epoch, view) = (self.epochs, Rc::<[u32]>::from(self.view.as_slice()));
        for position in 0..to_u32(self.view.len()) {
            if !self.view.get(position as usize).is_some_and(|number| reached(*number)) {
                continue;
            }
            self.handle(position, Input::Confirmed, "the confirmation")?;
            if let Some(peer) = self.peer_at(position) {
                peer.epoch = Some((epoch, Rc::clone(&view)));
            }
        }
        Ok(outcome)
    }

    /// [`Network::run`], then confirmation at all.
    pub fn complete(&mut self) -> Result<Outcome, Failure> {
        self.run()?;
        self.confirm_at(|_| true)
    }

    /// [`Network::run_measured`], then confirmation at all.
    pub fn complete_measured(&mut self) -> Result<Outcome, Failure> {
        self.run_measured()?;
        self.confirm_at(|_| true)
    }

    /// Tells all members of the view that the run will not be completed; what is under way stays
    /// so and comes too late.
    pub fn abort(&mut self) -> Result<(), Failure> {
        for position in 0..to_u32(self.view.len()) {
            self.handle(position, Input::Abort, "an abort")?;
        }
        Ok(())
    }

    /// The present run as its oldest member saw it begin.
    pub fn present(&self) -> Option<&Arc<ViewChange>> {
        self.change.as_ref()
    }

    /// The instance of the member of that number.
    pub fn instance_of(&self, number: u32) -> Option<&dyn KeyAgreement> {
        self.peers.get(&number).map(|peer| peer.instance.as_ref())
    }

    /// All events that the member of that number has handled: a new instance that is given them
    /// is its copy.
    pub fn history_of(&self, number: u32) -> &[crate::Event] {
        self.peers.get(&number).map_or(&[], |peer| &peer.history)
    }

    /// The secret that the last run of the member installed.
    pub fn installed_at(&self, number: u32) -> Option<&GroupSecret> {
        self.peers.get(&number).and_then(|peer| peer.installed.as_ref())
    }

    /// The messages, as inputs, that wait for the member of that number.
    pub fn inputs_for(&mut self, number: u32) -> Vec<Input> {
        let Some(at) = self.view.iter().position(|n| *n == number) else { return Vec::new() };
        let Some(peer) = self.peers.get(&number) else { return Vec::new() };
        let mut inbox = peer.inbox.clone();
        let mut inputs = Vec::new();
        for packet in inbox.take_until(END) {
            let from = packet.from;
            inputs.extend(match packet.kind {
                Kind::Signed => {
                    let body = self.carrier.open(to_u32(at), &[&packet.sealed]).pop().flatten();
                    body.map(|body| Input::Message { from, body })
                }
                Kind::Sealed | Kind::Acknowledgement => {
                    let body = self.carrier.unframe(to_u32(at), &packet.sealed);
                    body.map(|body| Input::Sealed { from, body })
                }
            });
        }
        inputs
    }

    /// Numbers of the members of the present view, by position.
    pub fn view(&self) -> &[u32] {
        &self.view
    }

    /// Numbers of all members.
    pub fn numbers(&self) -> Vec<u32> {
        self.peers.keys().copied().collect()
    }

    /// Chance, for whoever drives the network.
    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    fn agreed_secret(&self) -> Result<GroupSecret, Failure> {
        let mut first: Option<(u32, &GroupSecret)> = None;
        for &number in &self.view {
            let installed = self.peers.get(&number).and_then(|peer| peer.installed.as_ref());
            let Some(secret) = installed else {
                return Err(Failure::Stuck { member: number, of: to_u32(self.view.len()) });
            };
            match first {
                None => first = Some((number, secret)),
                Some((one, other)) if other != secret => {
                    return Err(Failure::Differ { one, other: number });
                }
                Some(_) => {}
            }
        }
        first.map(|(_, secret)| secret.clone()).ok_or(Failure::Stuck { member: 0, of: 0 })
    }

    fn outcome(&self, secret: GroupSecret) -> Outcome {
        // A chain ends when the last member has its secret: work after that (a check of what
        // arrives later) is in the totals, not in the chain.
        let mut end = Clock::default();
        for peer in self.view.iter().filter_map(|number| self.peers.get(number)) {
            end.wait_for(&peer.installed_at);
        }
        let tally = &self.tally;
        Outcome {
            secret,
            costs: Costs {
                rounds: end.rounds,
                messages: tally.unicasts + tally.multicasts,
                unicasts: tally.unicasts,
                multicasts: tally.multicasts,
                exponentiations: end.exponentiations,
                signatures: end.signatures,
                verifications: end.verifications,
            },
            own_share: end.own_share,
            checks: end.checks,
            products: end.products,
            total: tally.work,
            apart: Apart {
                channels: tally.work.channel_misses,
                channels_cached: tally.work.channel_hits,
                load: tally.work.exponentiations,
                sealed: tally.sealed,
                acknowledgements: tally.acknowledgements,
                acknowledgement_rounds: end.acknowledgement_rounds,
            },
            bytes: tally.bytes,
            multicast_bytes: tally.multicast_bytes,
            acknowledgement_bytes: tally.acknowledgement_bytes,
            time_critical_ns: end.time_ns,
            time_total_ns: tally.busy_ns,
        }
    }

    fn number(&self, position: u32) -> u32 {
        self.view.get(position as usize).copied().unwrap_or(u32::MAX)
    }

    fn peer(&self, position: u32) -> Option<&Peer> {
        self.peers.get(&self.number(position))
    }

    fn peer_at(&mut self, position: u32) -> Option<&mut Peer> {
        let number = self.number(position);
        self.peers.get_mut(&number)
    }
}

fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
