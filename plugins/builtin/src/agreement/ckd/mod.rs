//! `ckd`: Centralized Key Distribution under pairwise Diffie-Hellman keys.
//!
//! Source: paper 003 Appendix A, paper 004 section 6.4 (Algorithm 1). The controller is the most
//! senior member of the base class. It shares a pairwise key `P_i`, an exponent hashed from
//! `g^(r_1·r_i)`, with every other member; `r_1` is chosen once a controllership, and a `P_i` lasts
//! as long as its member and the controller stay together.
//!
//! * **Round 1**: the controller sends `g^(r_1)` to the members that have no pairwise key with it:
//!   to one by unicast, to several by multicast. A controller that has just become one multicasts.
//! * **Round 2**: each of them answers with a fresh `g^(r_i)`, then computes `P_i`.
//! * **Round 3**: the controller chooses `s` and multicasts `K^(P_i)` for every other member, where
//!   `K = g^s`; each takes its `P_i` out of its own. The group secret is hashed from `K`.
//!
//! Without newcomers and with the old controller there is only round 3. A new `s` on every change
//! is what keeps those that left out; whoever asked for a refresh, the controller does it.
//!
//! Departures from the sources: pairwise keys become exponents by hashing, under a domain of their
//! own; `K^(P_i)` is computed as `g^(s·P_i)`, with a fixed base, several times faster and counted
//! all the same; messages are signed instead of sent over authenticated two-party channels; shares
//! may travel ahead of the run. Then the controller asks only those members for a share that sent
//! none, and with everyone's there starts at round 3. The key list carries `g^(r_1)` for those that
//! it did not ask: they need not know whether it asked anybody.
//!
//! Costs are those of paper 004, Table 2, with two remarks. Its rows for leave and partition leave
//! out the exponentiation by which a member reads the key, which its rows for join and merge
//! include; here it is always included. Its row for a controller that leaves contradicts itself
//! (3n-6 messages, but 2n-4 unicasts and 2 multicasts); what the protocol takes there is what a
//! merge of the other n-2 into a group of the new controller takes.

mod costs;
#[cfg(feature = "conformance")]
mod inspection;

use super::encoded::{bad, cut, decode, one, read};
use super::share::{OwnShare, sent_ahead};
use super::{MAX_MEMBERS, Spec, UNCONFIRMED, under_way};
use cenacle_dh::{Calculator, DhGroup, GroupId, Purpose, with_group};
use cenacle_plugin::{
    Action, Atomic, Error, Executor, KeyAgreement, MemberId, Order, Outbox, Protocol, Random,
    ViewChange, Work, to_cbor,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) const SPEC: Spec = Spec {
    name: "ckd",
    summary: "Centralized Key Distribution: the oldest member chooses the secret and hands it out \
              under pairwise Diffie-Hellman keys; three rounds on a join, one on a leave",
    contributory: false,
    make,
    expected: costs::expected,
};

/// The domain under which the group secret is derived.
const SECRET: &str = "cenacle ckd group secret v1";
/// The domain under which pairwise keys are hashed to exponents.
const PAIRWISE: &str = "cenacle ckd pairwise key v1";

fn make(id: GroupId, executor: Arc<dyn Executor>) -> Box<dyn KeyAgreement> {
    with_group!(id, G => {
        Box::new(Atomic::new(Ckd::<G>::new(executor), MAX_MEMBERS as usize))
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    /// Round 1: the controller's share.
    Hello(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Round 2: a member's share, to the controller.
    Answer(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Round 3.
    Keys {
        /// The controller's share, if a member that needs it has sent its own ahead of the run.
        share: Option<serde_bytes::ByteBuf>,
        /// The secret under the pairwise key of each member, by position without the controller.
        #[serde(with = "serde_bytes")]
        wrapped: Vec<u8>,
    },
}

/// A pairwise key, at a member its inverse, which opens what the controller sends and is all that
/// it needs; copies share the memory, which is overwritten when the last one is dropped.
type Pairwise<G> = Arc<<G as DhGroup>::Scalar>;

/// What a confirmed run left.
struct Base<G: DhGroup> {
    controller: MemberId,
    keys: Keys<G>,
}

/// Pairwise keys, as the controller or as another member has them.
#[derive(Clone)]
enum Keys<G: DhGroup> {
    /// The share is missing while nobody has needed it.
    Controller {
        share: Option<OwnShare<G>>,
        keys: Vec<(MemberId, Pairwise<G>)>,
    },
    Member(Pairwise<G>),
}

/// Where a member stands in a run.
#[derive(Clone)]
enum Stage<G: DhGroup> {
    /// The controller, with the pairwise keys so far, waiting for answers.
    Collecting { keys: BTreeMap<u32, Pairwise<G>>, asked: BTreeSet<u32>, ahead: bool },
    /// The controller: the keys were sent; its own secret remains to be computed.
    Resuming { keys: BTreeMap<u32, Pairwise<G>>, exponent: G::Scalar },
    /// A member without a pairwise key, before the controller has asked it for its share.
    AwaitHello,
    /// Its answer was sent; the pairwise key remains to be computed.
    Answered { hello: G::Element },
    /// Waiting for the keys. Who sent its share ahead has no pairwise key yet, unless the controller
    /// asked others; who had one before may see the controller ask others, once.
    AwaitKeys { key: Option<Pairwise<G>>, greeted: bool },
    /// The secret is installed.
    Done(Keys<G>),
}

#[derive(Clone)]
struct Run<G: DhGroup> {
    change: Arc<ViewChange>,
    controller: u32,
    /// The share for pairwise keys, where one is needed.
    share: Option<OwnShare<G>>,
    stage: Stage<G>,
}

impl<G: DhGroup> Run<G> {
    fn exponent(&self) -> Result<&G::Scalar, Error> {
        let share = self.share.as_ref().ok_or(Error::Bug("a pairwise key without a share"))?;
        Ok(&share.exponent)
    }

    fn name(&self, position: u32) -> Result<MemberId, Error> {
        let member = self.change.members().get(position as usize);
        member.map(|member| member.id.clone()).ok_or(Error::Bug("a position outside the view"))
    }
}

#[derive(Clone)]
struct Ckd<G: DhGroup> {
    calculator: Calculator<G>,
    base: Option<Arc<Base<G>>>,
    offered: Option<OwnShare<G>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Ckd<G> {
    fn new(executor: Arc<dyn Executor>) -> Self {
        Self { calculator: Calculator::new(executor), base: None, offered: None, run: None }
    }

    /// The state that goes on: this member's, if it is in the base class and the controller is the
    /// one that it was confirmed with.
    fn continued(&self, run: &Run<G>) -> Result<Option<Arc<Base<G>>>, Error> {
        let change = &run.change;
        if change.is_afresh() || !change.base().contains(&change.me()) {
            return Ok(None);
        }
        match &self.base {
            Some(base) if base.controller == run.name(run.controller)? => {
                Ok(Some(Arc::clone(base)))
            }
            None if change.base().len() > 1 => {
                Err(Error::BadChange("a class continues that this instance was not in"))
            }
            _ => Ok(None),
        }
    }

    /// The controller: sort the others into those with a pairwise key, those whose share is here,
    /// and those that must be asked for one.
    fn control(
        &mut self,
        run: &mut Run<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let old = self.continued(run)?;
        let mut old_keys = BTreeMap::new();
        if let Some(Base { keys: Keys::Controller { share, keys }, .. }) = old.as_deref() {
            run.share.clone_from(share);
            old_keys.extend(keys.iter().map(|(id, key)| (id, key)));
        }
        let change = Arc::clone(&run.change);
        let (mut keys, mut asked, mut ahead) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        let others = (0..).zip(change.members()).filter(|(at, _)| *at != run.controller);
        for (position, member) in others {
            let in_base = change.base().binary_search(&position).is_ok();
            if let Some(key) = old_keys.get(&member.id).filter(|_| in_base) {
                keys.insert(position, Pairwise::<G>::clone(key));
            } else if let Some(share) = sent_ahead::<G>(&change, position)? {
                ahead.push((position, decode(&self.calculator, position, &share)?));
            } else {
                asked.insert(position);
            }
        }
        if run.share.is_none() && asked.len() + ahead.len() > 0 {
            run.share = Some(OwnShare::fresh(&mut self.calculator, random));
        }
        self.ask(run, &asked, old.is_none(), out)?;
        self.pair(run, &ahead, &mut keys)?;
        run.stage = Stage::Collecting { keys, asked, ahead: !ahead.is_empty() };
        self.distribute(run, random, out)
    }

    /// Round 1, if anybody must be asked.
    fn ask(
        &self,
        run: &Run<G>,
        asked: &BTreeSet<u32>,
        is_new: bool,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let (Some(share), Some(&first)) = (&run.share, asked.first()) else { return Ok(()) };
        let body = to_cbor(&Message::Hello(share.blinded.to_vec()))?;
        out.push(if asked.len() == 1 && !is_new {
            Action::Unicast { to: first, body }
        } else {
            Action::Multicast { order: Order::Fifo, body }
        });
        Ok(())
    }

    /// Pairwise keys with the members of those shares.
    fn pair(
        &mut self,
        run: &Run<G>,
        shares: &[(u32, G::Element)],
        keys: &mut BTreeMap<u32, Pairwise<G>>,
    ) -> Result<(), Error> {
        if shares.is_empty() {
            return Ok(());
        }
        let elements: Vec<G::Element> = shares.iter().map(|(_, element)| element.clone()).collect();
        let shared = self.calculator.exp_many(Purpose::Protocol, &elements, run.exponent()?);
        for ((position, _), element) in shares.iter().zip(shared) {
            let element = Zeroizing::new(element);
            keys.insert(*position, Arc::new(self.calculator.hash_to_scalar(PAIRWISE, &element)));
        }
        Ok(())
    }

    /// The inverse of this member's pairwise key with the controller.
    fn pair_with_controller(
        &mut self,
        run: &Run<G>,
        hello: &G::Element,
    ) -> Result<Pairwise<G>, Error> {
        let shared = self.calculator.exp(Purpose::Protocol, hello, run.exponent()?);
        let key = self.calculator.hash_to_scalar(PAIRWISE, &Zeroizing::new(shared));
        Ok(Arc::new(self.calculator.invert(&key)))
    }

    /// The controller, once nobody is left to answer: choose the secret and hand it out.
    fn distribute(
        &mut self,
        run: &mut Run<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let Stage::Collecting { keys, asked, ahead } = &run.stage else { return Ok(()) };
        if !asked.is_empty() {
            return Ok(());
        }
        let exponent = self.calculator.random_scalar(random);
        if !keys.is_empty() {
            let exponents: Vec<G::Scalar> =
                keys.values().map(|key| self.calculator.multiply(&exponent, key)).collect();
            let wrapped = self.calculator.exp_base_many(Purpose::Protocol, &exponents);
            let share = run.share.as_ref().filter(|_| *ahead);
            let body = to_cbor(&Message::Keys {
                share: share.map(|share| serde_bytes::ByteBuf::from(share.blinded.to_vec())),
                wrapped: self.calculator.encode_many(&wrapped),
            })?;
            out.push(Action::Multicast { order: Order::Fifo, body });
        }
        out.push(Action::Resume);
        run.stage = Stage::Resuming { keys: keys.clone(), exponent };
        Ok(())
    }

    /// The controller asks for shares; perhaps for others' only.
    fn hello(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let share = one::<G>(from, share)?;
        run.stage = match &run.stage {
            _ if from != run.controller => {
                return Err(bad(
                    from,
                    "a question for shares by a member that is not the controller",
                ));
            }
            Stage::AwaitHello => {
                let hello = decode(&self.calculator, from, &share)?;
                let own = run.share.as_ref().ok_or(Error::Bug("no share to answer with"))?;
                let body = to_cbor(&Message::Answer(own.blinded.to_vec()))?;
                out.push(Action::Unicast { to: from, body });
                out.push(Action::Resume);
                Stage::Answered { hello }
            }
            Stage::AwaitKeys { key: Some(key), greeted: false } => {
                Stage::AwaitKeys { key: Some(Arc::clone(key)), greeted: true }
            }
            Stage::AwaitKeys { key: None, greeted: false } => {
                let hello = decode(&self.calculator, from, &share)?;
                let key = Some(self.pair_with_controller(run, &hello)?);
                Stage::AwaitKeys { key, greeted: true }
            }
            _ => return Err(bad(from, "a question for shares that does not fit the run")),
        };
        Ok(())
    }

    /// A member answered the controller.
    fn answer(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let Stage::Collecting { keys, asked, ahead } = &run.stage else {
            return Err(bad(from, "a share that nobody asked for"));
        };
        let (mut keys, mut asked, ahead) = (keys.clone(), asked.clone(), *ahead);
        if !asked.remove(&from) {
            return Err(bad(from, "a share that this member was not asked for"));
        }
        let element = decode(&self.calculator, from, share)?;
        self.pair(run, &[(from, element)], &mut keys)?;
        run.stage = Stage::Collecting { keys, asked, ahead };
        self.distribute(run, random, out)
    }

    /// The keys came: this member's gives the secret.
    fn keys(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: Option<&[u8]>,
        wrapped: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let Stage::AwaitKeys { key, .. } = &run.stage else {
            return Err(bad(from, "keys that this member does not wait for"));
        };
        if from != run.controller {
            return Err(bad(from, "keys from a member that is not the controller"));
        }
        let wrapped = cut::<G>(from, wrapped, run.change.members().len() - 1)?;
        let hello = share.map(|share| one::<G>(from, share)).transpose()?;
        let key = match (key, hello) {
            (Some(key), _) => Arc::clone(key),
            (None, Some(hello)) => {
                let hello = decode(&self.calculator, from, &hello)?;
                self.pair_with_controller(run, &hello)?
            }
            (None, None) => return Err(bad(from, "keys without the controller's share")),
        };
        // The controller has no key in the list.
        let me = run.change.me();
        let mine = wrapped.get((me - u32::from(me > from)) as usize);
        let mine = decode(&self.calculator, from, mine.ok_or(Error::Bug("a short key list"))?)?;
        let secret = Zeroizing::new(self.calculator.exp(Purpose::Protocol, &mine, &key));
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &secret)));
        run.stage = Stage::Done(Keys::Member(key));
        Ok(())
    }

    /// The controller computes the secret that it has handed out.
    fn install(
        &mut self,
        run: &Run<G>,
        keys: &BTreeMap<u32, Pairwise<G>>,
        exponent: &G::Scalar,
        out: &mut Outbox,
    ) -> Result<Stage<G>, Error> {
        let secret = Zeroizing::new(self.calculator.exp_base(Purpose::OwnShare, exponent));
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &secret)));
        let keys: Result<Vec<_>, Error> =
            keys.iter().map(|(at, key)| Ok((run.name(*at)?, Arc::clone(key)))).collect();
        Ok(Stage::Done(Keys::Controller { share: run.share.clone(), keys: keys? }))
    }
}

impl<G: DhGroup> Protocol for Ckd<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let offered = OwnShare::offered(self.offered.take(), change)?;
        let controller = *change.base().first().ok_or(Error::BadChange("no base class"))?;
        let stage = Stage::AwaitHello;
        let mut run = Run { change: Arc::clone(change), controller, share: None, stage };
        if change.me() == controller {
            self.control(&mut run, random, out)?;
        } else if let Some(base) = self.continued(&run)? {
            let Keys::Member(key) = &base.keys else {
                return Err(Error::Bug("another member has this one's role"));
            };
            run.stage = Stage::AwaitKeys { key: Some(Arc::clone(key)), greeted: false };
        } else if offered.is_some() {
            run.share = offered;
            run.stage = Stage::AwaitKeys { key: None, greeted: false };
        } else {
            // Made now, so that the controller need not wait for it.
            run.share = Some(OwnShare::fresh(&mut self.calculator, random));
        }
        self.run = Some(run);
        Ok(())
    }

    fn message(
        &mut self,
        from: u32,
        body: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        // One's own multicasts come back; what they say is known.
        if from != run.change.me() {
            match read(from, body)? {
                Message::Hello(share) => self.hello(&mut run, from, &share, out)?,
                Message::Answer(share) => self.answer(&mut run, from, &share, random, out)?,
                Message::Keys { share, wrapped } => {
                    let share = share.as_ref().map(|share| share.as_slice());
                    self.keys(&mut run, from, share, &wrapped, out)?;
                }
            }
        }
        self.run = Some(run);
        Ok(())
    }

    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        run.stage = match &run.stage {
            Stage::Resuming { keys, exponent } => self.install(&run, keys, exponent, out)?,
            Stage::Answered { hello } => {
                let key = Some(self.pair_with_controller(&run, hello)?);
                Stage::AwaitKeys { key, greeted: true }
            }
            _ => return Err(Error::WrongCall("nothing to resume")),
        };
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let Some(run) = self.run.take() else {
            return Err(UNCONFIRMED);
        };
        let Stage::Done(keys) = &run.stage else {
            return Err(UNCONFIRMED);
        };
        let controller = run.name(run.controller)?;
        self.base = Some(Arc::new(Base { controller, keys: keys.clone() }));
        Ok(())
    }

    fn abort(&mut self) {
        self.run = None;
    }

    fn offer(&mut self, random: &mut Random, out: &mut Outbox) -> Result<(), Error> {
        self.offered = Some(OwnShare::offer(&mut self.calculator, random, out));
        Ok(())
    }

    fn take_work(&mut self) -> Work {
        self.calculator.take_work()
    }

    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn cenacle_plugin::conformance::Inspect> {
        Some(self)
    }
}
