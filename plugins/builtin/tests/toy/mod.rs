//! A small key agreement module that can be wrong in one way at a time: what the conformance suite
//! is tried on.
//!
//! It keeps nothing that it needs. On every change each member but the first multicasts a fresh
//! `g^(x_i)`; the first, with a fresh `y` and `s`, multicasts `g^y` and, for each other member,
//! `g^(s·P_i)`, where `P_i` is hashed from `g^(x_i·y)`. The group secret is hashed from `g^s`.

mod bare;
mod flaw;

use bare::Bare;
use cenacle_dh::{Calculator, DhGroup, Purpose, Ristretto255, RistrettoElement, RistrettoScalar};
use cenacle_plugin::conformance::{Combined, Inspect, byte_strings};
use cenacle_plugin::{
    Action, Apart, Atomic, Bound, Costs, Descriptor, Error, Executor, Expected, KeyAgreement,
    KeyAgreementModule, Options, Order, Outbox, Properties, Protocol, Random, Scenario, Secret,
    ViewChange, Work, from_cbor, to_cbor,
};
pub(crate) use flaw::{Flaw, Lie};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use zeroize::Zeroizing;

const SECRET: &str = "toy group secret";
const KEY: &str = "toy key";
/// The largest view that the toy says it takes.
const MAX_MEMBERS: u32 = 64;

pub(crate) struct ToyModule {
    flaw: Flaw,
    descriptor: Descriptor,
}

pub(crate) fn toy(flaw: Flaw) -> ToyModule {
    let key_agreement = |max_members| Properties::KeyAgreement {
        contributory: false,
        key_independence: true,
        perfect_forward_secrecy: true,
        needs_order: Order::Fifo,
        max_members,
    };
    let properties = match flaw {
        Flaw::NoMembers => key_agreement(0),
        Flaw::OtherKind => Properties::Policy { admits_anyone: true },
        _ => key_agreement(MAX_MEMBERS),
    };
    let descriptor = Descriptor {
        name: if flaw == Flaw::BadName { "A toy" } else { "toy" }.to_owned(),
        version: "1".to_owned(),
        summary: "A toy".to_owned(),
        properties,
        options: Vec::new(),
    };
    ToyModule { flaw, descriptor }
}

impl KeyAgreementModule for ToyModule {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(
        &self,
        _: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error> {
        let toy = Toy {
            flaw: self.flaw,
            calculator: Calculator::new(executor),
            last: None,
            confirmed: None,
            run: None,
        };
        Ok(if self.flaw.is_of_the_shell() {
            Box::new(Bare(toy))
        } else {
            Box::new(Atomic::new(toy, MAX_MEMBERS as usize))
        })
    }

    fn expected_apart(&self, scenario: &Scenario) -> Option<Apart> {
        let n = scenario.after();
        let load = 4 * (n - 1);
        let mut apart = Apart { load, ..Apart::default() };
        let Flaw::LiesApart(column) = self.flaw else { return None };
        let columns = [
            &mut apart.channels,
            &mut apart.channels_cached,
            &mut apart.load,
            &mut apart.sealed,
            &mut apart.acknowledgements,
            &mut apart.acknowledgement_rounds,
        ];
        if let Some(lied) = columns.into_iter().nth(column) {
            *lied += 1;
        }
        Some(apart)
    }

    fn expected(&self, scenario: &Scenario) -> Option<Expected> {
        let n = scenario.after();
        let honest = if n == 1 {
            Costs::default()
        } else {
            Costs {
                rounds: 2,
                messages: n,
                unicasts: 0,
                multicasts: n,
                exponentiations: 2 * n,
                signatures: 2,
                verifications: n,
            }
        };
        let mut contract = honest;
        let Flaw::Lies(Lie { column, by, bound }) = self.flaw else {
            return Some(Expected::exactly(contract));
        };
        let columns = [
            &mut contract.rounds,
            &mut contract.messages,
            &mut contract.unicasts,
            &mut contract.multicasts,
            &mut contract.exponentiations,
            &mut contract.signatures,
            &mut contract.verifications,
        ];
        for (index, column_of) in columns.into_iter().enumerate() {
            if index == column {
                *column_of = column_of.saturating_add_signed(by);
            }
        }
        let bound = if bound { Bound::AtMost } else { Bound::Exactly };
        Some(Expected { paper: None, contract, bound, difference: Some("a lie") })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    /// `g^(x_i)`, to the first.
    Share(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `g^y`, the wrapped secrets of all but the first, and what a flaw adds.
    Keys {
        #[serde(with = "serde_bytes")]
        share: Vec<u8>,
        wrapped: Vec<serde_bytes::ByteBuf>,
        extra: Vec<serde_bytes::ByteBuf>,
    },
}

#[derive(Clone)]
struct Run {
    change: Arc<ViewChange>,
    /// Who hands out the secret: the first, unless a flaw finds another.
    first: u32,
    /// `x_i`, or `y`.
    exponent: RistrettoScalar,
    /// Whose shares came.
    shown: BTreeSet<u32>,
    /// The first's pairwise keys.
    pairwise: BTreeMap<u32, RistrettoScalar>,
    /// A key from the group's element, once that is known.
    key: Option<RistrettoScalar>,
}

#[derive(Clone)]
struct Toy {
    flaw: Flaw,
    calculator: Calculator<Ristretto255>,
    /// A key from the element of the run that ended last, confirmed or not.
    last: Option<RistrettoScalar>,
    /// A key from the element that was confirmed last: what rekeying under an old key would use.
    confirmed: Option<RistrettoScalar>,
    run: Option<Run>,
}

fn bad(from: u32, why: &'static str) -> Error {
    Error::BadMessage { from, why }
}

fn small(value: u32) -> RistrettoScalar {
    Ristretto255.scalar_from_u32(NonZeroU32::new(value + 1).expect("not zero"))
}

/// A number that whoever knows `what` knows.
fn guessable(what: &[u8]) -> RistrettoScalar {
    Ristretto255.random_scalar(&mut Random::new(&Secret::derive("toy guess", what)))
}

impl Toy {
    fn exponent(&self, change: &ViewChange, random: &mut Random) -> RistrettoScalar {
        match self.flaw {
            Flaw::ShareByPosition => guessable(&change.me().to_be_bytes()),
            _ => self.calculator.random_scalar(random),
        }
    }

    fn pairwise(&mut self, with: u32, other: &RistrettoElement, run: &Run) -> RistrettoScalar {
        let element = self.calculator.exp(Purpose::Protocol, other, &run.exponent);
        match self.flaw {
            Flaw::PairwiseByPosition => guessable(&with.to_be_bytes()),
            _ => self.calculator.hash_to_scalar(KEY, &element),
        }
    }

    /// `s`.
    fn choose(&self, run: &Run, random: &mut Random) -> RistrettoScalar {
        let names = run.change.members().iter().map(|member| member.id.as_bytes());
        match self.flaw {
            Flaw::SameSecret => small(7),
            Flaw::SecretOfMembers => guessable(&names.collect::<Vec<_>>().concat()),
            _ => self.calculator.random_scalar(random),
        }
    }

    fn install(&self, run: &mut Run, element: &RistrettoElement, out: &mut Outbox) {
        let last = run.change.me() + 1 == run.change.size();
        let differs = self.flaw == Flaw::DiffersInFive && run.change.size() == 5 && last;
        let domain = if differs { KEY } else { SECRET };
        let secret = self.calculator.hash_to_secret(domain, element);
        if self.flaw == Flaw::InstallsTwice {
            out.push(Action::Install(secret.clone()));
        }
        out.push(Action::Install(secret));
        run.key = Some(self.calculator.hash_to_scalar(KEY, element));
    }

    /// What a flaw gives those away who hold the key of the last view.
    fn extra(&self, s: &RistrettoScalar, random: &mut Random) -> Vec<serde_bytes::ByteBuf> {
        let Some(old) = &self.confirmed else { return Vec::new() };
        let group = Ristretto255;
        let elements = match self.flaw {
            Flaw::UnderOldKey => vec![group.exp_base(&group.multiply(s, old))],
            Flaw::OverOldNode => {
                let element = group.exp_base(&group.random_scalar(random));
                let node = group.hash_to_scalar(KEY, &group.exp(&element, old));
                vec![element, group.exp_base(&node), group.exp_base(&group.multiply(s, &node))]
            }
            _ => Vec::new(),
        };
        elements.iter().map(|e| serde_bytes::ByteBuf::from(self.calculator.encode(e))).collect()
    }

    /// The first, once it has everybody's share.
    fn hand_out(
        &mut self,
        run: &mut Run,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let size = run.change.size();
        if run.pairwise.len() + 1 < size as usize || self.flaw == Flaw::StuckInFive && size == 5 {
            return Ok(());
        }
        let s = self.choose(run, random);
        if size > 1 {
            let blinded = self.calculator.exp_base(Purpose::OwnShare, &run.exponent);
            let wrapped: Vec<RistrettoScalar> =
                run.pairwise.values().map(|key| self.calculator.multiply(&s, key)).collect();
            let wrapped = self.calculator.exp_base_many(Purpose::Protocol, &wrapped);
            let message = Message::Keys {
                share: self.calculator.encode(&blinded),
                wrapped: wrapped.iter().map(|e| self.calculator.encode(e).into()).collect(),
                extra: self.extra(&s, random),
            };
            out.push(Action::Multicast { order: Order::Fifo, body: to_cbor(&message)? });
        }
        let element = self.calculator.exp_base(Purpose::OwnShare, &s);
        self.install(run, &element, out);
        Ok(())
    }

    fn share(
        &mut self,
        run: &mut Run,
        from: u32,
        share: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        if from == run.first {
            return Err(bad(from, "a share of the first"));
        }
        if !run.shown.insert(from) && self.flaw != Flaw::HearsTwice {
            return Err(bad(from, "a second share"));
        }
        if run.change.me() == run.first && !run.pairwise.contains_key(&from) {
            let element = self.calculator.decode(share).map_err(|_| bad(from, "no element"))?;
            let key = self.pairwise(from, &element, run);
            run.pairwise.insert(from, key);
            self.hand_out(run, random, out)?;
        }
        Ok(())
    }

    fn keys(
        &mut self,
        run: &mut Run,
        from: u32,
        share: &[u8],
        wrapped: &[serde_bytes::ByteBuf],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let me = run.change.me();
        if from != run.first || run.key.is_some() {
            return Err(bad(from, "keys that nobody waits for"));
        }
        if wrapped.len() + 1 != run.change.members().len() {
            return Err(bad(from, "not as many keys as there are members"));
        }
        let mine = wrapped.get((me - u32::from(me > from)) as usize).ok_or(Error::Bug("short"))?;
        let decode = |bytes: &[u8]| Ristretto255.decode(bytes).map_err(|_| bad(from, "no element"));
        let (share, mine) = (decode(share)?, decode(mine)?);
        let key = self.pairwise(me, &share, run);
        let inverse = self.calculator.invert(&key);
        let element = self.calculator.exp(Purpose::Protocol, &mine, &inverse);
        self.install(run, &element, out);
        Ok(())
    }

    fn read(&self, from: u32, body: &[u8]) -> Result<Message, Error> {
        let mut read = from_cbor(body);
        if let (Flaw::TakesMore, Err(_), [shorter @ .., _]) = (self.flaw, &read, body) {
            read = from_cbor(shorter);
        }
        assert!(self.flaw != Flaw::PanicsOnForeign || read.is_ok(), "a message that I cannot read");
        read.map_err(|_| bad(from, "it is not a message of this protocol"))
    }
}

impl Protocol for Toy {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let (me, size) = (change.me(), change.size());
        if self.flaw == Flaw::BlamesItself
            && change.my_class().len() > 1
            && self.confirmed.is_none()
        {
            return Err(Error::Bug("a class that I was not in"));
        }
        let before = self.run.take();
        self.last = before.as_ref().and_then(|run| run.key.clone()).or(self.last.take());
        let in_base = change.base().contains(&me);
        let first = match self.flaw {
            Flaw::TakesBaseForFirst if in_base => *change.base().first().unwrap_or(&0),
            _ => 0,
        };
        let exponent = self.exponent(change, random);
        let (mut shown, mut pairwise) = (BTreeSet::new(), BTreeMap::new());
        if let (Flaw::KeepsInterrupted, Some(before)) = (self.flaw, before) {
            (shown, pairwise) = (before.shown, before.pairwise);
        }
        shown.remove(&me);
        let change = Arc::clone(change);
        let mut run = Run { change, first, exponent, shown, pairwise, key: None };
        match self.flaw {
            Flaw::SendsToItself => out.push(Action::Unicast { to: me, body: vec![0] }),
            Flaw::SendsToNobody => out.push(Action::Unicast { to: size, body: vec![0] }),
            Flaw::OffersUnasked => out.push(Action::Offer(vec![0])),
            Flaw::ResumesForEver => out.push(Action::Resume),
            _ => {}
        }
        if me == first {
            self.hand_out(&mut run, random, out)?;
        } else {
            let element = self.calculator.exp_base(Purpose::OwnShare, &run.exponent);
            let body = to_cbor(&Message::Share(self.calculator.encode(&element)))?;
            out.push(Action::Multicast { order: Order::Fifo, body });
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
        if self.flaw == Flaw::HearsWithoutRun && self.run.is_none() {
            return Ok(());
        }
        let mut run = self.run.take().ok_or(Error::WrongCall("no run is under way"))?;
        if from != run.change.me() {
            match self.read(from, body) {
                Ok(Message::Share(share)) => self.share(&mut run, from, &share, random, out)?,
                Ok(Message::Keys { share, wrapped, .. }) => {
                    self.keys(&mut run, from, &share, &wrapped, out)?;
                }
                Err(_) if self.flaw == Flaw::IgnoresForeign => {}
                Err(error) => return Err(error),
            }
        }
        self.run = Some(run);
        Ok(())
    }

    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        match self.flaw {
            Flaw::ResumesNothing => Ok(()),
            Flaw::ResumesForEver => {
                out.push(Action::Resume);
                Ok(())
            }
            _ => Err(Error::WrongCall("nothing to resume")),
        }
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let key = self.run.take().and_then(|run| run.key);
        if key.is_none() && self.flaw != Flaw::ConfirmsNothing {
            return Err(Error::WrongCall("nothing was installed that could be confirmed"));
        }
        self.confirmed = key;
        Ok(())
    }

    fn abort(&mut self) {
        // A flaw that keeps what was interrupted keeps it through an abort as well.
        if self.flaw != Flaw::KeepsInterrupted {
            self.run = None;
        }
    }

    fn offer(&mut self, _: &mut Random, out: &mut Outbox) -> Result<(), Error> {
        if self.flaw == Flaw::AnswersOfferWithMessage {
            out.push(Action::Multicast { order: Order::Fifo, body: vec![0] });
        }
        Ok(())
    }

    fn take_work(&mut self) -> Work {
        self.calculator.take_work()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }
}

impl Inspect for Toy {
    fn secrets(&self) -> Vec<Zeroizing<Vec<u8>>> {
        let run = self.run.iter().flat_map(|run| run.key.iter().chain([&run.exponent]));
        let held = run.chain(&self.confirmed).chain(&self.last);
        held.map(|scalar| Ristretto255.scalar_bytes(scalar)).collect()
    }

    fn elements(&self, body: &[u8]) -> Vec<Vec<u8>> {
        byte_strings(body)
    }

    fn combine(&self, secret: &[u8], element: &[u8]) -> Vec<Combined> {
        let group = Ristretto255;
        let (Ok(scalar), Ok(element)) = (group.scalar_from_bytes(secret), group.decode(element))
        else {
            return Vec::new();
        };
        let powers = [group.exp(&element, &scalar), group.exp(&element, &group.invert(&scalar))];
        let combined = |power: &RistrettoElement| {
            let next = group.hash_to_scalar(KEY, power);
            Combined {
                secret: group.hash_to_secret(SECRET, power),
                next: group.scalar_bytes(&next),
                public: self.calculator.encode(&group.exp_base(&next)),
            }
        };
        powers.iter().map(combined).collect()
    }
}
