//! `bd`: Burmester-Desmedt, two rounds of multicasts among equals.
//!
//! Source: Burmester and Desmedt, "A Secure and Efficient Conference Key Distribution System"
//! (1994), reference [19] of paper 004. The members stand in a circle, by position; indices are
//! taken modulo their number `n`. Nothing is kept from one run to the next.
//!
//! * **Round 1**: each member makes a fresh `r_i` and multicasts `z_i = g^(r_i)`.
//! * **Round 2**: each multicasts `X_i = (z_(i+1) / z_(i-1))^(r_i)`, as soon as it has its two
//!   neighbours' `z`; `z_(i-1)^(n·r_i)` is computed while the others' `X` are on their way.
//! * **Secret**: `z_(i-1)^(n·r_i) · X_i^(n-1) · X_(i+1)^(n-2) ··· X_(i-2)`, which is
//!   `g^(r_1·r_2 + r_2·r_3 + … + r_n·r_1)` at every member.
//!
//! What is checked: the product of all `X` is one, as it always is among honest members (else one
//! member could give others different secrets, or choose them); no `X` is the identity, but for
//! two members, whose `X` always are. All `X` and the neighbours' `z` are decoded when they come.
//! The `z` of others are never computed with, so only their length is looked at.
//!
//! Departures from the source: the powers of `X` are made with running products, `2(n-1)` in all,
//! instead of `n-1` small exponentiations; messages are signed; a share may travel ahead of the
//! run, and whoever has sent one sends no `z`: with everyone's there, round 1 is skipped; a group
//! of one takes `g` to the power of a number that it shows nobody.
//!
//! Costs, with `a` members after the change: 2 rounds, `2a` multicasts, 2 signatures, `2(a-1)`
//! verifications. There are three full exponentiations; the first makes one's own share and is
//! counted in that column, so two are left. The performance study that the papers' figures come
//! from counts all three, the messages of the members before a leave or partition less those that
//! left (the same number), and `a+2` verifications: those of two neighbours' `z` and of all `X`,
//! one's own among them. Here every `z` is verified, needed or not, since its signature is what
//! tells a member's message from a stranger's, and nobody verifies what it signed itself.

use super::encoded::{bad, decode, one, read};
use super::share::{OwnShare, sent_ahead};
use super::{MAX_MEMBERS, Spec, UNCONFIRMED, nothing, under_way};
use cenacle_dh::{Calculator, DhGroup, GroupId, Purpose, with_group};
use cenacle_plugin::{
    Action, Atomic, Bound, Costs, Error, Executor, Expected, KeyAgreement, Occasion, Order, Outbox,
    Protocol, Random, Scenario, ViewChange, Work, to_cbor,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) const SPEC: Spec = Spec {
    name: "bd",
    summary: "Burmester-Desmedt: two rounds in which everybody multicasts; three exponentiations \
              each, whatever the size of the group; quick where messages are cheap",
    contributory: true,
    make,
    expected,
};

/// The domain under which the group secret is derived.
const SECRET: &str = "cenacle bd group secret v1";

fn make(id: GroupId, executor: Arc<dyn Executor>) -> Box<dyn KeyAgreement> {
    with_group!(id, G => {
        Box::new(Atomic::new(Bd::<G>::new(executor), MAX_MEMBERS as usize))
    })
}

/// The table of the performance study, and what the header of this file says of it.
fn expected(scenario: &Scenario) -> Expected {
    const DIFFERENCE: &str = "one of the three exponentiations makes one's own share and has its \
                              own column; the study counts two z and all X as verified, here all \
                              of others' z and X are";
    let after = scenario.after();
    if after < 2 {
        return nothing();
    }
    let contract = Costs {
        rounds: 2,
        messages: 2 * after,
        unicasts: 0,
        multicasts: 2 * after,
        exponentiations: 2,
        signatures: 2,
        verifications: 2 * (after - 1),
    };
    let study = Costs { exponentiations: 3, verifications: after + 2, ..contract };
    let known = !matches!(scenario.occasion, Occasion::Build | Occasion::Refresh);
    Expected {
        paper: known.then_some(study),
        contract,
        bound: Bound::Exactly,
        difference: known.then_some(DIFFERENCE),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    /// Round 1: `z`, the sender's share.
    Share(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Round 2: `X`, the quotient of its neighbours' shares to the power of its own.
    Quotient(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// Where a member stands in a run.
#[derive(Clone)]
enum Stage<G: DhGroup> {
    /// Waiting for the shares of the member before and the member behind.
    AwaitNeighbours { before: Option<G::Element>, behind: Option<G::Element> },
    /// The own `X` was sent; the power of the share before remains to be computed.
    Resuming { before: G::Element },
    /// Waiting for the `X` of all, with the first factor of the secret.
    AwaitQuotients { power: Zeroizing<G::Element> },
    /// The secret is installed.
    Done,
}

#[derive(Clone)]
struct Run<G: DhGroup> {
    change: Arc<ViewChange>,
    exponent: G::Scalar,
    /// Whose share was shown, by position.
    shown: Vec<bool>,
    /// The `X` that are known, by position; they may come before the neighbours' shares.
    quotients: Vec<Option<Arc<G::Element>>>,
    stage: Stage<G>,
}

impl<G: DhGroup> Run<G> {
    /// The position `steps` behind this member's in the circle.
    fn behind(&self, steps: u32) -> u32 {
        (self.change.me() + steps) % self.change.size()
    }

    /// The position right before this member's in the circle.
    fn before(&self) -> u32 {
        self.behind(self.change.size() - 1)
    }

    /// The `X` of all members around the circle, this one's first; `None` while one is missing.
    fn circle(&self) -> Option<Vec<Arc<G::Element>>> {
        let at = |steps: u32| self.quotients.get(self.behind(steps) as usize)?.clone();
        (0..self.change.size()).map(at).collect()
    }
}

#[derive(Clone)]
struct Bd<G: DhGroup> {
    calculator: Calculator<G>,
    offered: Option<OwnShare<G>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Bd<G> {
    fn new(executor: Arc<dyn Executor>) -> Self {
        Self { calculator: Calculator::new(executor), offered: None, run: None }
    }

    /// A run in which nothing has happened yet.
    fn begin(&self, change: &Arc<ViewChange>, exponent: G::Scalar) -> Run<G> {
        let size = change.members().len();
        let shown = (0..change.size()).map(|position| position == change.me()).collect();
        let stage = Stage::AwaitNeighbours { before: None, behind: None };
        Run { change: Arc::clone(change), exponent, shown, quotients: vec![None; size], stage }
    }

    /// A group of one needs a secret that nothing ever shown tells: no share of a run does.
    fn alone(&mut self, change: &Arc<ViewChange>, random: &mut Random, out: &mut Outbox) {
        let exponent = self.calculator.random_scalar(random);
        let secret = Zeroizing::new(self.calculator.exp_base(Purpose::OwnShare, &exponent));
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &secret)));
        self.run = Some(Run { stage: Stage::Done, ..self.begin(change, exponent) });
    }

    /// A share is known, from a message or from the change.
    fn share(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        match run.shown.get_mut(from as usize) {
            Some(shown) if !*shown => *shown = true,
            _ => return Err(bad(from, "a second share")),
        }
        let share = one::<G>(from, share)?;
        let (is_before, is_behind) = (from == run.before(), from == run.behind(1));
        let Stage::AwaitNeighbours { before, behind } = &mut run.stage else { return Ok(()) };
        if is_before || is_behind {
            let element = decode(&self.calculator, from, &share)?;
            if is_before {
                *before = Some(element.clone());
            }
            if is_behind {
                *behind = Some(element);
            }
        }
        match (before.clone(), behind.clone()) {
            (Some(before), Some(behind)) => self.divide(run, before, &behind, out),
            _ => Ok(()),
        }
    }

    /// Both neighbours' shares are known: send `X`.
    fn divide(
        &mut self,
        run: &mut Run<G>,
        before: G::Element,
        behind: &G::Element,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        if run.change.size() > 2 && before == *behind {
            // The `X` would be the identity, and others would blame this member for it.
            return Err(bad(run.behind(1), "the same share as another member's"));
        }
        let quotient = self.calculator.quotient(behind, &before);
        let quotient = self.calculator.exp(Purpose::Protocol, &quotient, &run.exponent);
        let body = to_cbor(&Message::Quotient(self.calculator.encode(&quotient)))?;
        out.push(Action::Multicast { order: Order::Fifo, body });
        out.push(Action::Resume);
        if let Some(own) = run.quotients.get_mut(run.change.me() as usize) {
            *own = Some(Arc::new(quotient));
        }
        run.stage = Stage::Resuming { before };
        Ok(())
    }

    /// An `X` came. Its sender's share was sent before it, on the same channel or with the change.
    fn quotient(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        quotient: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        if run.shown.get(from as usize) != Some(&true) {
            return Err(bad(from, "an X without a share before it"));
        }
        match run.quotients.get_mut(from as usize) {
            Some(known @ None) => {
                *known = Some(Arc::new(self.decode_quotient(&run.change, from, quotient)?));
            }
            _ => return Err(bad(from, "a second X")),
        }
        self.finish(run, out)
    }

    fn decode_quotient(
        &self,
        change: &ViewChange,
        from: u32,
        bytes: &[u8],
    ) -> Result<G::Element, Error> {
        if change.size() > 2 {
            return decode(&self.calculator, from, bytes);
        }
        let element = self.calculator.decode_with_identity(bytes);
        match element {
            Ok(element) if self.calculator.group().is_identity(&element) => Ok(element),
            _ => Err(bad(from, "the X of two members is the identity")),
        }
    }

    /// With all `X` the secret follows, if their product is one.
    fn finish(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let Stage::AwaitQuotients { power } = &run.stage else { return Ok(()) };
        let Some(circle) = run.circle() else { return Ok(()) };
        let [first, between @ .., last] = circle.as_slice() else {
            return Err(Error::Bug("a circle of one"));
        };
        // The product of the first j quotients, for every j: the first goes into the secret n-1
        // times, the second n-2 times, the last but one once, and the last not at all.
        let mut running = G::Element::clone(first);
        let mut secret = Zeroizing::new(self.calculator.product(power, &running));
        for quotient in between {
            running = self.calculator.product(&running, quotient);
            secret = Zeroizing::new(self.calculator.product(&secret, &running));
        }
        let product = self.calculator.product(&running, last);
        if !self.calculator.group().is_identity(&product) {
            // Nobody can tell whose it is, so nobody is named.
            return Err(Error::Malformed(
                "the product of all X is not one: one is wrong".to_owned(),
            ));
        }
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &secret)));
        run.stage = Stage::Done;
        Ok(())
    }
}

impl<G: DhGroup> Protocol for Bd<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let offered = OwnShare::offered(self.offered.take(), change)?;
        if change.size() == 1 {
            self.alone(change, random, out);
            return Ok(());
        }
        let ahead = offered.is_some();
        let own = offered.unwrap_or_else(|| OwnShare::fresh(&mut self.calculator, random));
        if !ahead {
            let body = to_cbor(&Message::Share(own.blinded.to_vec()))?;
            out.push(Action::Multicast { order: Order::Fifo, body });
        }
        let mut run = self.begin(change, own.exponent);
        for position in (0..change.size()).filter(|position| *position != change.me()) {
            if let Some(share) = sent_ahead::<G>(change, position)? {
                self.share(&mut run, position, &share, out)?;
            }
        }
        self.run = Some(run);
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
            match read(from, body)? {
                Message::Share(share) => self.share(&mut run, from, &share, out)?,
                Message::Quotient(quotient) => self.quotient(&mut run, from, &quotient, out)?,
            }
        }
        self.run = Some(run);
        Ok(())
    }

    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        let Stage::Resuming { before } = &run.stage else {
            return Err(Error::WrongCall("nothing to resume"));
        };
        let size = std::num::NonZeroU32::new(run.change.size()).ok_or(Error::Bug("no members"))?;
        let size = self.calculator.scalar_from_u32(size);
        let exponent = self.calculator.multiply(&run.exponent, &size);
        let power = Zeroizing::new(self.calculator.exp(Purpose::Protocol, before, &exponent));
        run.stage = Stage::AwaitQuotients { power };
        self.finish(&mut run, out)?;
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        match self.run.take() {
            Some(Run { stage: Stage::Done, .. }) => Ok(()),
            _ => Err(UNCONFIRMED),
        }
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

#[cfg(feature = "conformance")]
super::inspect::inspect!(Bd, SECRET, SECRET, |held| {
    let run = held.run.iter().map(|run| &run.exponent);
    run.chain(held.offered.iter().map(|share| &share.exponent))
});
