//! `gdh`: Group Diffie-Hellman, IKA.2 with a floating controller.
//!
//! Source: paper 003 section 4 (CLQ API), paper 004 section 3.2; Steiner, Tsudik, Waidner, "Key
//! Agreement in Dynamic Peer Groups" (2000). The secret of members 1 … n is `g^(x1·x2·…·xn)`. All
//! members keep the list of partial keys `K_i`, the same product without `x_i`. The newest member
//! of the base class is the controller.
//!
//! * **Somebody comes**: the controller changes its share and sends `K^x` to the first newcomer;
//!   each newcomer but the last adds its share and passes it on; the last multicasts what it got;
//!   every other member takes its own share out and sends the result to the last, which adds its
//!   share to all of them and multicasts the new list.
//! * **Nobody comes** (leave, partition, refresh): the controller multiplies its share and all
//!   other remaining partial keys by a fresh factor and multicasts the list.
//!
//! Departures from the sources: no authentication by long-term keys in exponents (A-GDH.2 is
//! broken: Pereira and Quisquater, 2001), messages are signed instead; a refresh is done by the
//! member that asked; members of other classes come with a fresh share, one by one, in the order
//! of seniority; a class that lost all but one member starts from the generator.
//!
//! Costs are those of paper 004, Table 2, to the unit.

use super::encoded::{Encoded, bad, counted, decode, one, read};
use super::epoch::places;
use super::{MAX_MEMBERS, Spec, UNCONFIRMED, under_way};
use cenacle_dh::{Calculator, DhGroup, GroupId, Purpose, with_group};
use cenacle_plugin::{
    Action, Atomic, Costs, Error, Executor, Expected, KeyAgreement, MemberId, Occasion, Order,
    Outbox, Protocol, Random, Scenario, ViewChange, Work, to_cbor,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) const SPEC: Spec = Spec {
    name: "gdh",
    summary: "Group Diffie-Hellman (IKA.2): a token collects shares, the newest member hands out \
              partial keys; few messages on a leave, many on a join",
    contributory: true,
    make,
    expected,
};

/// The domain under which the group secret is derived.
const SECRET: &str = "cenacle gdh group secret v1";

fn make(id: GroupId, executor: Arc<dyn Executor>) -> Box<dyn KeyAgreement> {
    with_group!(id, G => {
        Box::new(Atomic::new(Gdh::<G>::new(executor), MAX_MEMBERS as usize))
    })
}

/// Paper 004, Table 2. A build is a merge into a group of one.
fn expected(scenario: &Scenario) -> Expected {
    let (n, m, p) = match scenario.occasion {
        Occasion::Build => (1, scenario.members.saturating_sub(1), 0),
        _ => (scenario.members, scenario.joining, scenario.leaving),
    };
    let after = (n + m).saturating_sub(p);
    let costs = if m > 0 {
        Costs {
            rounds: m + 3,
            messages: after + m + 1,
            unicasts: after + m - 1,
            multicasts: 2,
            exponentiations: after + m + 1,
            signatures: m + 3,
            verifications: after + m + 1,
        }
    } else if after > 1 {
        Costs {
            rounds: 1,
            messages: 1,
            unicasts: 0,
            multicasts: 1,
            exponentiations: after,
            signatures: 1,
            verifications: 1,
        }
    } else {
        Costs { exponentiations: 1, ..Costs::default() }
    };
    Expected::exactly(costs)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    /// Upflow: the product of the shares so far, to the next newcomer.
    Token(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The product of all shares but the new controller's.
    Final(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The final token without the sender's share.
    FactorOut(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The partial keys of all members, by position.
    KeyList(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// What a confirmed run left.
struct Base<G: DhGroup> {
    share: G::Scalar,
    /// Members by the places of their partial keys.
    names: Vec<MemberId>,
    /// One after the other.
    partial_keys: Arc<[u8]>,
}

/// Where a member stands in a run.
#[derive(Clone)]
enum Stage {
    /// A newcomer before the token came.
    AwaitToken,
    /// The new controller, collecting the others' partial keys beside its own, the final token.
    Collecting { keys: Vec<u8>, seen: Vec<bool> },
    /// Waiting for the final token.
    AwaitFinal,
    /// Waiting for the key list; its last entry must be the final token, if there was one.
    AwaitList { controller: u32, token: Option<Encoded> },
    /// The list was sent; one's own secret remains to be computed.
    Resuming { partial_keys: Arc<[u8]> },
    /// The secret is installed.
    Done { partial_keys: Arc<[u8]> },
}

#[derive(Clone)]
struct Run<G: DhGroup> {
    change: Arc<ViewChange>,
    share: G::Scalar,
    stage: Stage,
}

#[derive(Clone)]
struct Gdh<G: DhGroup> {
    calculator: Calculator<G>,
    base: Option<Arc<Base<G>>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Gdh<G> {
    fn new(executor: Arc<dyn Executor>) -> Self {
        Self { calculator: Calculator::new(executor), base: None, run: None }
    }

    /// The share that a member of the base class goes on with, and the partial keys of its members,
    /// one after the other; a class of one goes on with the generator and a fresh share.
    fn continued(
        &self,
        change: &ViewChange,
        random: &mut Random,
    ) -> Result<(G::Scalar, Vec<u8>), Error> {
        if change.base().len() == 1 {
            let generator = self.calculator.encode(&self.calculator.group().generator());
            return Ok((self.calculator.random_scalar(random), generator));
        }
        const UNKNOWN: Error = Error::BadChange("a class continues that this instance was not in");
        let base = self.base.as_ref().ok_or(UNKNOWN)?;
        let places = places(&base.names, change, change.base()).ok_or(UNKNOWN)?;
        let mut keys = Vec::with_capacity(places.len() * G::ELEMENT_LEN);
        for place in places {
            keys.extend_from_slice(entry::<G>(&base.partial_keys, place).ok_or(UNKNOWN)?);
        }
        Ok((base.share.clone(), keys))
    }

    /// Nobody comes: `actor` changes its share, and with it every partial key but its own.
    fn rekey(
        &mut self,
        change: &Arc<ViewChange>,
        actor: u32,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<Run<G>, Error> {
        let (mut share, mut keys) = self.continued(change, random)?;
        if change.me() != actor {
            let stage = Stage::AwaitList { controller: actor, token: None };
            return Ok(Run { change: Arc::clone(change), share, stage });
        }
        // A fresh factor on every change: without it, whoever left could still compute the
        // secret, and a join followed by a leave would bring an old secret back.
        let factor = self.calculator.random_scalar(random);
        share = self.calculator.multiply(&share, &factor);
        let others = |at: &usize| *at != actor as usize;
        let old: Result<Vec<G::Element>, Error> = keys
            .chunks_exact(G::ELEMENT_LEN)
            .enumerate()
            .filter(|(at, _)| others(at))
            .map(|(_, key)| decode(&self.calculator, actor, key))
            .collect();
        let new = self.calculator.exp_many_encoded(Purpose::Protocol, &old?, &factor);
        let slots = keys.chunks_exact_mut(G::ELEMENT_LEN).enumerate().filter(|(at, _)| others(at));
        for ((_, slot), key) in slots.zip(new.chunks_exact(G::ELEMENT_LEN)) {
            slot.copy_from_slice(key);
        }
        self.publish(change, share, keys, out)
    }

    /// Multicasts a list, if there is anybody to read it, and leaves the secret for later.
    fn publish(
        &self,
        change: &Arc<ViewChange>,
        share: G::Scalar,
        partial_keys: Vec<u8>,
        out: &mut Outbox,
    ) -> Result<Run<G>, Error> {
        let stage = Stage::Resuming { partial_keys: partial_keys.as_slice().into() };
        if change.size() > 1 {
            let body = to_cbor(&Message::KeyList(partial_keys))?;
            out.push(Action::Multicast { order: Order::Fifo, body });
        }
        out.push(Action::Resume);
        Ok(Run { change: Arc::clone(change), share, stage })
    }

    /// Somebody comes: the base's controller starts the token on its way.
    fn merge(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<Run<G>, Error> {
        let me = change.me();
        let stage = Stage::AwaitFinal;
        if !change.base().contains(&me) {
            // A newcomer's share is fresh, whatever it knew before.
            let share = self.calculator.random_scalar(random);
            return Ok(Run { change: Arc::clone(change), share, stage: Stage::AwaitToken });
        }
        let (mut share, keys) = self.continued(change, random)?;
        if change.base().last() == Some(&me) {
            // The controller changes its share, so that newcomers cannot compute the old secret.
            share = self.calculator.multiply(&share, &self.calculator.random_scalar(random));
            let own = keys.chunks_exact(G::ELEMENT_LEN).next_back();
            let own = own.ok_or(Error::Bug("a class without members"))?;
            let own = decode(&self.calculator, me, own)?;
            let token = self.calculator.exp(Purpose::Protocol, &own, &share);
            let first = *change.joined().first().ok_or(Error::Bug("nobody comes"))?;
            let body = to_cbor(&Message::Token(self.calculator.encode(&token)))?;
            out.push(Action::Unicast { to: first, body });
        }
        Ok(Run { change: Arc::clone(change), share, stage })
    }

    /// The token reached this newcomer: add the share and pass it on, or, as the last one, show it
    /// to all.
    fn token(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        token: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let (joined, me) = (run.change.joined(), run.change.me());
        let place = joined.iter().position(|member| *member == me);
        let place = place.ok_or(bad(from, "a token for a member that is not new"))?;
        let sender = match place.checked_sub(1) {
            Some(before) => joined.get(before),
            None => run.change.base().last(),
        };
        if sender != Some(&from) {
            return Err(bad(from, "a token from a member that had none"));
        }
        if let Some(&next) = joined.get(place + 1) {
            let token = decode(&self.calculator, from, token)?;
            let token = self.calculator.exp(Purpose::Protocol, &token, &run.share);
            let body = to_cbor(&Message::Token(self.calculator.encode(&token)))?;
            out.push(Action::Unicast { to: next, body });
            run.stage = Stage::AwaitFinal;
        } else {
            // Nobody raises this value to a power here, but it becomes this member's partial key.
            decode(&self.calculator, from, token)?;
            let body = to_cbor(&Message::Final(token.to_vec()))?;
            out.push(Action::Multicast { order: Order::Fifo, body });
            let size = run.change.members().len();
            let (mut keys, mut seen) = (vec![0; size * G::ELEMENT_LEN], vec![false; size]);
            fill::<G>(&mut keys, &mut seen, me, token)
                .ok_or(bad(from, "a token that is no element"))?;
            run.stage = Stage::Collecting { keys, seen };
        }
        Ok(())
    }

    /// The final token came: send it back without one's own share.
    fn factor_out(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        token: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        if run.change.joined().last() != Some(&from) {
            return Err(bad(from, "a final token from a member that is not the last newcomer"));
        }
        let element = decode(&self.calculator, from, token)?;
        let inverse = self.calculator.invert(&run.share);
        let factored = self.calculator.exp(Purpose::Protocol, &element, &inverse);
        let body = to_cbor(&Message::FactorOut(self.calculator.encode(&factored)))?;
        out.push(Action::Unicast { to: from, body });
        run.stage = Stage::AwaitList { controller: from, token: Some(token.into()) };
        Ok(())
    }

    /// The new controller has one more factored-out token; with the last one it makes the list.
    fn collect(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        factored: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let Stage::Collecting { keys, seen } = &mut run.stage else {
            return Err(bad(from, "a factored-out token that nobody asked for"));
        };
        if seen.get(from as usize) != Some(&false) {
            return Err(bad(from, "a second factored-out token"));
        }
        let element = decode(&self.calculator, from, factored)?;
        let key = self.calculator.exp(Purpose::Protocol, &element, &run.share);
        fill::<G>(keys, seen, from, &self.calculator.encode(&key))
            .ok_or(Error::Bug("a list without a place for a member"))?;
        if !seen.contains(&false) {
            let keys = std::mem::take(keys);
            *run = self.publish(&run.change, run.share.clone(), keys, out)?;
        }
        Ok(())
    }

    /// The list came: this member's entry and its share give the secret.
    fn key_list(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        list: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let Stage::AwaitList { controller, token } = &run.stage else {
            return Err(bad(from, "a key list that this member does not wait for"));
        };
        if *controller != from {
            return Err(bad(from, "a key list from a member that is not the controller"));
        }
        counted::<G>(from, list, run.change.members().len())?;
        if token.is_some() && entry::<G>(list, from as usize) != token.as_deref() {
            return Err(bad(from, "the controller's partial key is not the final token"));
        }
        self.install(run, from, list.into(), out)
    }

    fn install(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        keys: Arc<[u8]>,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mine =
            entry::<G>(&keys, run.change.me() as usize).ok_or(Error::Bug("a short key list"))?;
        let mine = decode(&self.calculator, from, mine)?;
        let secret = self.calculator.exp(Purpose::Protocol, &mine, &run.share);
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &secret)));
        run.stage = Stage::Done { partial_keys: keys };
        Ok(())
    }

    fn dispatch(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        body: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        match (read(from, body)?, &run.stage) {
            (Message::Token(token), Stage::AwaitToken) => self.token(run, from, &token, out),
            (Message::Final(token), Stage::AwaitFinal) => {
                let token = one::<G>(from, &token)?;
                self.factor_out(run, from, &token, out)
            }
            (Message::FactorOut(factored), _) => self.collect(run, from, &factored, out),
            (Message::KeyList(list), _) => self.key_list(run, from, &list, out),
            _ => Err(bad(from, "a message that does not fit the run")),
        }
    }
}

impl<G: DhGroup> Protocol for Gdh<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let newest = *change.base().last().ok_or(Error::BadChange("no base class"))?;
        self.run = Some(if change.joined().is_empty() {
            let actor = change.refresher().unwrap_or(newest);
            self.rekey(change, actor, random, out)?
        } else {
            self.merge(change, random, out)?
        });
        Ok(())
    }

    fn message(
        &mut self,
        from: u32,
        body: &[u8],
        _: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        // One's own multicasts come back; what they say is known.
        if from != run.change.me() {
            self.dispatch(&mut run, from, body, out)?;
        }
        self.run = Some(run);
        Ok(())
    }

    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        let Stage::Resuming { partial_keys } = &run.stage else {
            return Err(Error::WrongCall("nothing to resume"));
        };
        let (keys, me) = (Arc::clone(partial_keys), run.change.me());
        self.install(&mut run, me, keys, out)?;
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let Some(Run { change, share, stage: Stage::Done { partial_keys } }) = self.run.take()
        else {
            return Err(UNCONFIRMED);
        };
        let names = change.members().iter().map(|member| member.id.clone()).collect();
        self.base = Some(Arc::new(Base { share, names, partial_keys }));
        Ok(())
    }

    fn abort(&mut self) {
        self.run = None;
    }

    fn take_work(&mut self) -> Work {
        self.calculator.take_work()
    }

    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn cenacle_plugin::conformance::Inspect> {
        Some(self)
    }
}

/// One element of a list.
fn entry<G: DhGroup>(list: &[u8], place: usize) -> Option<&[u8]> {
    list.chunks_exact(G::ELEMENT_LEN).nth(place)
}

/// Puts a member's partial key into the list; `None` if it does not fit.
fn fill<G: DhGroup>(keys: &mut [u8], seen: &mut [bool], member: u32, key: &[u8]) -> Option<()> {
    let slot = keys.chunks_exact_mut(G::ELEMENT_LEN).nth(member as usize)?;
    if slot.len() != key.len() {
        return None;
    }
    slot.copy_from_slice(key);
    *seen.get_mut(member as usize)? = true;
    Some(())
}

#[cfg(feature = "conformance")]
super::inspect::inspect!(Gdh, SECRET, SECRET, |held| {
    held.base.iter().map(|base| &base.share).chain(held.run.iter().map(|run| &run.share))
});
