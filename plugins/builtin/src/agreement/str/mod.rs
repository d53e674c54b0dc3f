//! `str`: the skewed tree of Steer et al., in the communication-efficient form of STR.
//!
//! Source: Steer, Strawczynski, Diffie, Wiener, "A Secure Audio Teleconference System" (1988);
//! Kim, Perrig, Tsudik, "Group Key Agreement Efficient in Communication" (2004): references [48]
//! and [37] of paper 004. The members are leaves of a tree so skewed that it is a stack, from level
//! 1 at the bottom to level N on top. The leaf at level j has a share `r_j` and shows
//! `br_j = g^(r_j)`. Level j has a key: `k_1 = r_1`, and `k_j` is hashed from
//! `bk_(j-1)^(r_j) = br_j^(k_(j-1))`, where `bk_j = g^(k_j)` is shown. The group secret is hashed
//! from that element at level N, where no key is ever made.
//!
//! * **Whoever comes is put on top**, class by class; whoever leaves is taken out. One member of the
//!   base class, its *sponsor*, changes its share: right below the lowest member that left, so that
//!   every key which that one knew changes; else who asked for a refresh; else the base's top.
//! * **Round 1**, if somebody comes: the sponsors multicast the order of their classes and the
//!   shares that others need. The sponsor of a class that comes is its bottom; it changes its share
//!   before that. A member that comes alone always does, and is its own sponsor.
//! * **Round 2**: the base's sponsor computes the keys from its level up and multicasts all `bk`
//!   below the top. Everybody computes from the lowest level that it can, compares what it can
//!   compute with what was shown, and installs.
//!
//! A member at level L keeps `bk_(L-1)`, its own share, the `br` above it, and the keys `k_L` up to
//! the top: nothing that lies below it can matter again, because a change below L shows a new
//! `bk_(L-1)`. So the base tells newcomers its order and no old `br` or `bk`.
//!
//! Departures from the sources: the sponsor sends before it computes the top; keys are hashed to
//! exponents, the root is no exponent at all; the sponsor of a class that comes is its bottom and
//! not its top (which knows none of the shares below it); shares may travel ahead of the run:
//! a member that comes alone then tells nothing, and if all who come did so, round 1 is skipped and
//! the base's order goes out with the `bk`. Messages are signed. A group of one takes `g` to the
//! power of a share that it shows nobody.
//!
//! Costs, with the sponsor at level s of N: `2(N-s)` exponentiations by the sponsor before it
//! sends, then N-s+1 by a member below it (or N-1 by the member at level 2, if s is 1, where two
//! are saved because `bk_1 = br_1`): `3(N-s)+1`, or `3N-5`, which is also the most there can be.
//! The performance study's figures are three higher, 7 for a join and `3m+4` for a merge of `m`: they
//! count the shares of both sponsors, and the climb to the top before the sponsor sends. Its figure
//! for a leave, `3n/2+2`, is the average over who leaves.

mod climb;
mod costs;
mod stack;

use super::encoded::{Encoded, bad, cut, read};
use super::epoch::places;
use super::share::{OwnShare, sent_ahead};
use super::{MAX_MEMBERS, Spec, UNCONFIRMED, under_way};
use cenacle_dh::{Calculator, DhGroup, GroupId, with_group};
use cenacle_plugin::{
    Action, Atomic, Error, Executor, KeyAgreement, MemberId, Order, Outbox, Protocol, Random,
    ViewChange, Work, to_cbor,
};
use serde::{Deserialize, Serialize};
use stack::{Kept, Leaf, Leaves, Part, Stack, Told};
use std::sync::Arc;

pub(super) const SPEC: Spec = Spec {
    name: "str",
    summary: "STR: a key tree skewed to a stack; two rounds and few messages whatever happens, \
              work that grows with the group when somebody low in the stack leaves",
    contributory: true,
    make,
    expected: costs::expected,
};

/// The domain under which the group secret is derived.
const SECRET: &str = "cenacle str group secret v1";
/// The domain under which a level's element becomes its key.
const LEVEL: &str = "cenacle str level key v1";

fn make(id: GroupId, executor: Arc<dyn Executor>) -> Box<dyn KeyAgreement> {
    with_group!(id, G => {
        Box::new(Atomic::new(Str::<G>::new(executor), MAX_MEMBERS as usize))
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    /// Round 1: the sender's class.
    Class(Told),
    /// Round 2.
    Keys {
        /// The base class, if there was no round 1.
        base: Option<Told>,
        /// The blinded keys from the sponsor's level up to the one below the top.
        #[serde(with = "serde_bytes")]
        blinded: Vec<u8>,
    },
}

/// What a confirmed run left.
#[derive(Clone)]
struct Base<G: DhGroup> {
    /// The stack, bottom first.
    names: Vec<MemberId>,
    /// By the positions that its members had.
    leaves: Leaves,
    share: OwnShare<G>,
    /// The blinded key of the level below this member's.
    below: Option<Encoded>,
    /// The keys from this member's level up to the one below the top.
    keys: Arc<Vec<G::Scalar>>,
}

/// Where a member stands in a run.
#[derive(Clone)]
enum Stage<G: DhGroup> {
    /// Waiting for classes, and for the blinded keys, which may come before some of them.
    Gathering { blinded: Option<Vec<Encoded>> },
    /// The sponsor: its keys were sent; the top remains to be computed.
    Resuming { keys: Arc<Vec<G::Scalar>> },
    /// The secret is installed. The rest is for the next change, as in [`Base`].
    Done { below: Option<Encoded>, keys: Arc<Vec<G::Scalar>> },
}

#[derive(Clone)]
struct Run<G: DhGroup> {
    change: Arc<ViewChange>,
    share: OwnShare<G>,
    /// This member's level in the new stack.
    level: usize,
    /// The base's sponsor. Only the base's members know it before it sends.
    sponsor: Option<u32>,
    /// No class has anything to tell that did not come with the change: there is no round 1.
    at_once: bool,
    stack: Stack,
    stage: Stage<G>,
}

impl<G: DhGroup> Run<G> {
    fn is_sponsor(&self) -> bool {
        self.sponsor == Some(self.change.me())
    }

    /// The sponsor's level; known when the base's part is.
    fn sponsor_level(&self) -> Result<usize, Error> {
        let base = self.stack.0.first().and_then(|part| part.leaves.as_ref());
        let at = base.zip(self.sponsor).and_then(|(base, sponsor)| base.find(sponsor));
        at.map(|at| at + 1).ok_or(Error::Bug("a stack without a sponsor"))
    }

    /// Takes what a sponsor tells of its class.
    fn tell(&mut self, from: u32, told: &Told) -> Result<(), Error> {
        let change = Arc::clone(&self.change);
        let mut classes = change.classes().iter().zip(&mut self.stack.0).enumerate();
        let (index, (class, part)) = classes
            .find(|(_, (class, _))| class.members.contains(&from))
            .ok_or(Error::Bug("a member of no class"))?;
        let is_base = index == 0;
        if is_base && self.sponsor.is_some_and(|sponsor| sponsor != from) {
            return Err(bad(from, "a member that is not the base's sponsor tells of the base"));
        }
        part.tell::<G>(from, &class.members, is_base, told)?;
        if is_base {
            self.sponsor = Some(from);
        }
        Ok(())
    }
}

#[derive(Clone)]
struct Str<G: DhGroup> {
    calculator: Calculator<G>,
    base: Option<Arc<Base<G>>>,
    offered: Option<OwnShare<G>>,
    run: Option<Run<G>>,
}

const UNKNOWN: Error = Error::BadChange("a class continues that this instance was not in");

impl<G: DhGroup> Str<G> {
    fn new(executor: Arc<dyn Executor>) -> Self {
        Self { calculator: Calculator::new(executor), base: None, offered: None, run: None }
    }

    /// A run as it begins, before anybody has told anything.
    fn begin(
        &mut self,
        change: &Arc<ViewChange>,
        offered: Option<OwnShare<G>>,
        random: &mut Random,
    ) -> Result<Run<G>, Error> {
        let me = change.me();
        let kept = self.kept(change)?;
        let bottom = kept.first().ok_or(UNKNOWN)?.position;
        let in_base = change.base().contains(&me);
        let sponsor = if in_base { Some(self.sponsor(change, &kept)?) } else { None };
        let tells = sponsor.unwrap_or(bottom) == me;
        let share = match &self.base {
            Some(base) if !tells => base.share.clone(),
            _ => offered.unwrap_or_else(|| OwnShare::fresh(&mut self.calculator, random)),
        };
        let below = change.classes().iter().take_while(|class| !class.members.contains(&me));
        let below: usize = below.map(|class| class.members.len()).sum();
        let inside = kept.iter().position(|kept| kept.position == me).ok_or(UNKNOWN)?;
        let leaves = Some(self.own_leaves(me, &kept, &share).into());
        let own = Part { leaves, awaited: !tells };
        let (stack, at_once) = Self::parts(change, &own)?;
        let (level, stage) = (below + inside + 1, Stage::Gathering { blinded: None });
        Ok(Run { change: Arc::clone(change), share, level, sponsor, at_once, stack, stage })
    }

    /// What is known of each class when a run begins, and whether that is all that will be told
    /// before the sponsor's keys.
    fn parts(change: &ViewChange, own: &Part) -> Result<(Stack, bool), Error> {
        let mut parts = Vec::new();
        let mut at_once = true;
        for (index, class) in change.classes().iter().enumerate() {
            let ahead = match class.members.as_slice() {
                [one] if index > 0 => sent_ahead::<G>(change, *one)?.map(|share| (*one, share)),
                _ => None,
            };
            at_once &= index == 0 || ahead.is_some();
            parts.push(match ahead {
                _ if class.members.contains(&change.me()) => own.clone(),
                Some((position, share)) => Part::single(position, &share),
                None => Part::unknown(),
            });
        }
        Ok((Stack(parts), at_once))
    }

    /// This member's class from bottom to top.
    fn kept(&self, change: &ViewChange) -> Result<Vec<Kept>, Error> {
        let class = change.my_class();
        if let [position] = *class {
            return Ok(vec![Kept { place: 0, position }]);
        }
        let base = self.base.as_ref().ok_or(UNKNOWN)?;
        let places = places(&base.names, change, class).ok_or(UNKNOWN)?;
        let places = places.into_iter().zip(class);
        let mut kept: Vec<Kept> =
            places.map(|(place, &position)| Kept { place, position }).collect();
        kept.sort_by_key(|kept| kept.place);
        Ok(kept)
    }

    /// What is known of this member's own class when a run begins.
    fn own_leaves(&self, me: u32, kept: &[Kept], own: &OwnShare<G>) -> Leaves {
        let mut leaves = Leaves::with_capacity(G::ELEMENT_LEN, kept.len());
        for &Kept { place, position } in kept {
            let old = || self.base.as_ref()?.leaves.get(place)?.share;
            let share = if position == me { Some(&*own.blinded) } else { old() };
            leaves.push(&Leaf { position, told_by: me, share });
        }
        leaves
    }

    /// The member of the base class that changes its share; `kept` is what is left of its stack.
    fn sponsor(&self, change: &ViewChange, kept: &[Kept]) -> Result<u32, Error> {
        let earlier = match &self.base {
            Some(base) if kept.len() > 1 => base.names.len(),
            _ => 0,
        };
        // How many levels there are below the lowest that left.
        let below =
            kept.iter().enumerate().take_while(|(level, kept)| kept.place == *level).count();
        let sponsor = if below < earlier {
            kept.get(below.saturating_sub(1))
        } else {
            let by = change.refresher();
            let asked = kept.iter().find(|kept| Some(kept.position) == by);
            asked.or(kept.last())
        };
        sponsor.map(|kept| kept.position).ok_or(UNKNOWN)
    }

    /// Tells the others of one's class, if that is one's part and they do not know it already.
    fn tell(&self, run: &Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let me = run.change.me();
        let index = run.change.classes().iter().position(|class| class.members.contains(&me));
        let index = index.ok_or(Error::Bug("a member of no class"))?;
        let part = run.stack.0.get(index).ok_or(Error::Bug("a class without a part"))?;
        let known = if index == 0 {
            run.at_once
        } else {
            run.change.my_class().len() == 1 && run.change.share_of(me).is_some()
        };
        if part.awaited || known {
            return Ok(());
        }
        let told = if index == 0 { part.told_as_base(&run.share.blinded)? } else { part.told()? };
        let body = to_cbor(&Message::Class(told))?;
        out.push(Action::Multicast { order: Order::Fifo, body });
        Ok(())
    }

    /// The sponsor's keys came.
    fn keys_came(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        base: Option<&Told>,
        blinded: &[u8],
    ) -> Result<(), Error> {
        if !matches!(run.stage, Stage::Gathering { blinded: None }) || run.is_sponsor() {
            return Err(bad(from, "keys that this member does not wait for"));
        }
        if base.is_some() != run.at_once {
            return Err(bad(from, "the base goes with the keys if and only if nobody else tells"));
        }
        if let Some(told) = base {
            run.tell(from, told)?;
        }
        if run.sponsor != Some(from) || run.stack.0.first().is_none_or(|base| base.awaited) {
            return Err(bad(from, "keys from a member that has not told of the base"));
        }
        let levels = run.change.members().len() - run.sponsor_level()?;
        run.stage = Stage::Gathering { blinded: Some(cut::<G>(from, blinded, levels)?) };
        Ok(())
    }

    /// Goes on once the whole stack is known: the sponsor to its keys, others from them.
    fn advance(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let Stage::Gathering { blinded } = &run.stage else { return Ok(()) };
        match blinded {
            _ if !run.stack.is_told() => Ok(()),
            _ if run.is_sponsor() => self.publish(run, out),
            Some(blinded) => {
                let blinded = blinded.clone();
                self.finish(run, &blinded, out)
            }
            None => Ok(()),
        }
    }
}

impl<G: DhGroup> Protocol for Str<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let offered = OwnShare::offered(self.offered.take(), change)?;
        // A group of one makes its secret from its share: not from one that was shown.
        let mut run = self.begin(change, offered.filter(|_| change.size() > 1), random)?;
        if change.size() == 1 {
            self.alone(&mut run, out)?;
        } else {
            self.tell(&run, out)?;
            self.advance(&mut run, out)?;
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
                Message::Class(_) if run.at_once => {
                    return Err(bad(from, "a class that is known already"));
                }
                Message::Class(told) => run.tell(from, &told)?,
                Message::Keys { base, blinded } => {
                    self.keys_came(&mut run, from, base.as_ref(), &blinded)?;
                }
            }
            self.advance(&mut run, out)?;
        }
        self.run = Some(run);
        Ok(())
    }

    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        let Stage::Resuming { keys } = &run.stage else {
            return Err(Error::WrongCall("nothing to resume"));
        };
        let keys = Arc::clone(keys);
        let root = self.root(&run, &[], &keys)?;
        self.install(&mut run, &[], &keys, &root, out)?;
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let Some(Run { change, share, stack, stage: Stage::Done { below, keys }, .. }) =
            self.run.take()
        else {
            return Err(UNCONFIRMED);
        };
        let size = change.members().len();
        let mut names = Vec::with_capacity(size);
        let mut leaves = Leaves::with_capacity(G::ELEMENT_LEN, size);
        for leaf in stack.leaves() {
            let member = change.members().get(leaf.position as usize);
            names.push(member.ok_or(Error::Bug("a position outside the view"))?.id.clone());
            leaves.push(&leaf);
        }
        self.base = Some(Arc::new(Base { names, leaves, share, below, keys }));
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

#[cfg(feature = "conformance")]
super::inspect::inspect!(Str, SECRET, LEVEL, |held| {
    let keys = held.base.iter().flat_map(|base| base.keys.iter());
    let shares = held.base.iter().map(|base| &base.share);
    let shares = shares.chain(held.run.iter().map(|run| &run.share)).chain(&held.offered);
    keys.chain(shares.map(|share| &share.exponent))
});
