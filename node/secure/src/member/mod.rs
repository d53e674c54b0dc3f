//! The secure machine of one member of one group: the robust algorithms of paper 004 (sections 4 and
//! 5, appendices A and B), for every module.
//!
//! ```text
//!                 view                    Confirmed
//!   Joining ───────────▶ Agreeing ─────────────────────▶ Secure
//!                        ▲   │ signal                      │ flush answered
//!                        │   ▼                             ▼
//!                        │ Interrupted ──flush request──▶ Flushed
//!                        └──────────────── view ───────────┘
//! ```
//!
//! *Joining* is the paper's SJ, *Secure* its S; *Flushed* is M after a secure view and CM after an
//! interrupted agreement: what distinguishes the two here is not a state but what the members
//! confirmed last, which travels with their answers to the flush. *Agreeing* holds PT, FT, FO and
//! KL, which are the module's affair.
//!
//! Whoever confirms does so at the place of an agreed entry, before the view's signal or not at
//! all. All who move on together see both at the same place, so a secure view is installed by all
//! of them or by none.

mod engine;
mod sending;
mod view;

use crate::agreement::{Act, Agreement, Suite, Tools};
use crate::charter::Charter;
use crate::entropy::Entropy;
use crate::event::Event;
use crate::keys::Epoch;
use crate::primary::Primaries;
use crate::records::{Reader, Writer};
use crate::{KeyRing, Signer};
use bytes::Bytes;
use cenacle_core::{GroupName, Input, MemberId, Order, Service, Time, View, ViewId};
use cenacle_plugin::{Cipher, KeyAgreement, Policy, Properties, Secret, Work};
use sending::{Flights, Queue};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use sending::Outgoing;
pub use sending::largest;

/// Records that came before this member knew of the key, in bytes.
const MAX_EARLY: usize = 4 << 20;

/// A group's modules, ready for one member.
pub(crate) struct Instances {
    /// Agrees on keys.
    pub(crate) key_agreement: Box<dyn KeyAgreement>,
    /// Seals.
    pub(crate) cipher: Box<dyn Cipher>,
    /// What the cipher says of itself.
    pub(crate) cipher_properties: Properties,
    /// Decides.
    pub(crate) policy: Box<dyn Policy>,
}

/// What a node gives each of its members.
pub(crate) struct Means {
    pub(crate) signer: Arc<Signer>,
    /// 32 random bytes for this member alone.
    pub(crate) seed: Secret<32>,
    pub(crate) patience: Patience,
    #[cfg(feature = "defects")]
    pub(crate) defect: Option<crate::Defect>,
}

/// Times and limits of a secure member.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a run may take before it is given up.
    pub agreement: Duration,
    /// How often a policy is asked whether a new key is due.
    pub rekey_check: Duration,
    /// Bytes that wait to be sent; above it a member takes no more.
    pub queue: usize,
    /// The most bytes of small messages in one record.
    pub record: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            agreement: Duration::from_secs(10),
            rekey_check: Duration::from_secs(1),
            queue: 4 << 20,
            record: 32 << 10,
        }
    }
}

/// What a member wants done, in order.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Of the engine.
    Engine(Input),
    /// To be told to the application.
    Tell(Event),
}

enum State {
    Joining,
    Agreeing(Box<Agreement>),
    /// The agreement was cut short by the view's signal.
    Interrupted,
    Secure,
    Flushed,
}

/// A secure view and what it needs.
struct Present {
    epoch: Epoch,
    view: View,
    writer: Writer,
    reader: Reader,
    since: Time,
    /// What was sealed under its keys, in bytes, as this member knows.
    sealed: u64,
    /// This member's key is used up.
    spent: bool,
    /// Why this member may not send, if it may not.
    silent: Option<Arc<str>>,
    /// The application has had its signal.
    signalled: bool,
    /// And it was asked to flush.
    asked: bool,
}

/// The machine.
pub(crate) struct Member {
    group: GroupName,
    me: MemberId,
    suite: Suite,
    policy: Box<dyn Policy>,
    cipher: Box<dyn Cipher>,
    max_records: u64,
    signer: Arc<Signer>,
    patience: Patience,
    manual_flush: bool,
    state: State,
    present: Option<Present>,
    /// Who has come with this member through all views since its last secure one.
    together: BTreeSet<MemberId>,
    /// The engine's present view.
    engine_view: Option<ViewId>,
    ring: Option<Arc<KeyRing>>,
    /// The epoch that the instance builds on.
    base: Option<[u8; 32]>,
    queue: Queue,
    flights: Flights,
    /// The agreement that the view's signal cut short, if this member holds its secret: the others may
    /// have the view, and what they said in it may come still.
    late: Option<Box<Agreement>>,
    /// The engine's present view has had its signal.
    ending: bool,
    early: VecDeque<Sealed>,
    early_bytes: usize,
    /// The engine takes no more.
    full: bool,
    /// This member asked for a new key.
    asks: bool,
    primaries: Primaries,
    leaving: Option<Leaving>,
    next_check: Option<Time>,
    /// A new key was asked for in this secure view.
    rekeying: bool,
    tools: Tools,
}

/// A record as the engine delivered it.
#[derive(Debug)]
struct Sealed {
    from: MemberId,
    way: Service,
    order: Option<Order>,
    body: Bytes,
}

/// A member that wants to go.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    /// What it said is given up then, if its view is not secure.
    until: Time,
    /// The engine was told.
    told: bool,
}

impl Member {
    pub(crate) fn new(
        charter: &Charter,
        group: GroupName,
        me: MemberId,
        instances: Instances,
        means: Means,
        manual_flush: bool,
    ) -> Self {
        #[cfg(feature = "defects")]
        let defect = means.defect;
        let Means { signer, seed, patience, .. } = means;
        let Instances { key_agreement, cipher, cipher_properties, policy } = instances;
        let tools = Tools {
            instance: key_agreement,
            entropy: Entropy::new(seed),
            now: Time(0),
            work: Work::default(),
        };
        let agreement = &charter.key_agreement;
        let suite = Suite {
            name: format!("{} {}", agreement.name, agreement.version),
            group: group.as_str().into(),
            charter: charter.hash(),
            signer: Arc::clone(&signer),
            timeout: patience.agreement,
            #[cfg(feature = "defects")]
            defect,
        };
        let max_records = match cipher_properties {
            Properties::Cipher { max_messages, .. } => max_messages,
            _ => 0,
        };
        Self {
            group,
            me,
            suite,
            policy,
            cipher,
            max_records,
            signer,
            patience,
            manual_flush,
            state: State::Joining,
            present: None,
            together: BTreeSet::from([me]),
            engine_view: None,
            ring: None,
            base: None,
            queue: Queue::default(),
            flights: Flights::default(),
            late: None,
            ending: false,
            early: VecDeque::new(),
            early_bytes: 0,
            full: false,
            asks: false,
            primaries: Primaries::default(),
            leaving: None,
            next_check: None,
            rekeying: false,
            tools,
        }
    }

    /// A share to travel with the join.
    pub(crate) fn first_offer(&mut self, now: Time) -> Option<Vec<u8>> {
        self.tools.now = now;
        self.offer()
    }

    /// Whether the engine was told that it leaves.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.told)
    }

    /// Fresh bytes of the operating system.
    pub(crate) fn add_entropy(&mut self, fresh: &Secret<32>) {
        self.tools.entropy.add(fresh);
    }

    /// What key agreement has cost so far.
    pub(crate) fn work(&self) -> Work {
        self.tools.work
    }

    /// A key of the present epoch for the application.
    pub(crate) fn export(&self, label: &[u8], context: &[u8]) -> Option<Secret<32>> {
        self.present.as_ref()?.epoch.export(label, context)
    }

    /// When [`Member::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let agreement = match &self.state {
            State::Agreeing(agreement) => agreement.deadline(),
            _ => None,
        };
        let leaving = self.leaving.filter(|leaving| !leaving.told).map(|leaving| leaving.until);
        [agreement, leaving, self.next_check].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time, out: &mut Vec<Wish>) {
        self.tools.now = now;
        if let State::Agreeing(agreement) = &mut self.state {
            let mut acts = Vec::new();
            agreement.tick(now, &mut acts);
            self.carry_out(acts, out);
        }
        if self.next_check.is_some_and(|when| when <= now) {
            self.check_key(out);
        }
    }

    /// Nothing else is at hand: what waits is worked on, sealed and sent.
    pub(crate) fn settle(&mut self, now: Time, out: &mut Vec<Wish>) {
        self.tools.now = now;
        if let State::Agreeing(agreement) = &mut self.state {
            let mut acts = Vec::new();
            agreement.settle(&mut self.tools, &mut acts);
            #[cfg(feature = "defects")]
            let hasty = agreement.hasty();
            self.carry_out(acts, out);
            #[cfg(feature = "defects")]
            if let Some(epoch) = hasty {
                self.confirmed(epoch, out);
            }
        }
        self.send_queued(out);
    }

    /// A new key without a change of members.
    pub(crate) fn refresh(&mut self, out: &mut Vec<Wish>) {
        if !std::mem::replace(&mut self.rekeying, true) {
            self.asks = true;
            let (group, local) = (self.group.clone(), self.me.local);
            out.push(Wish::Engine(Input::Renew { group, local }));
        }
    }

    /// The policy is asked whether a new key is due.
    fn check_key(&mut self, out: &mut Vec<Wish>) {
        let Some(present) = &self.present else {
            self.next_check = None;
            return;
        };
        self.next_check = Some(self.tools.now + self.patience.rekey_check);
        let usage = cenacle_plugin::KeyUse {
            age_ms: u64::try_from(self.tools.now.since(present.since).as_millis())
                .unwrap_or(u64::MAX),
            sealed_bytes: present.sealed,
            sealed_messages: present.writer.sealed().max(present.reader.most_opened()),
        };
        let spent = usage.sealed_messages >= self.max_records / 2;
        let due = self.policy.rekey(&usage).is_some() || spent;
        // The most senior member asks; the others only where it does not.
        let position = present.view.members.iter().position(|member| *member == self.me);
        let patience = self.patience.rekey_check.saturating_mul(
            u32::try_from(position.unwrap_or(0)).unwrap_or(u32::MAX).saturating_mul(2),
        );
        if matches!(self.state, State::Secure) && due && !present.asked {
            let since = *self.queue.due_since.get_or_insert(self.tools.now);
            if self.tools.now.since(since) >= patience {
                self.refresh(out);
            }
        }
    }

    /// Carries out what an agreement wants.
    fn carry_out(&mut self, acts: Vec<Act>, out: &mut Vec<Wish>) {
        for act in acts {
            match act {
                Act::Multicast(service, body) => {
                    self.flights.own(service, None);
                    out.push(Wish::Engine(self.send_input(service, body)));
                }
                Act::Unicast(to, body) => {
                    self.flights.own(Service::Unicast, Some(to));
                    let (group, local) = (self.group.clone(), self.me.local);
                    out.push(Wish::Engine(Input::Unicast { group, local, to, body }));
                }
                Act::Expel(member) => {
                    let (group, local) = (self.group.clone(), self.me.local);
                    let reason = "key_agreement".to_owned();
                    out.push(Wish::Engine(Input::Expel { group, local, member, reason }));
                }
                Act::Warn(reason, detail) => {
                    out.push(Wish::Tell(Event::Warning { reason, detail }));
                }
            }
        }
    }

    fn send_input(&self, service: Service, body: Bytes) -> Input {
        Input::Send { group: self.group.clone(), local: self.me.local, service, body }
    }
}
