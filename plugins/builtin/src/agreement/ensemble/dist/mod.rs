//! `dist`: the distributed key graph.
//!
//! Source: paper 000, section 3 (Figures 2 and 3), and protocol O3 of paper 002, section 4. Members
//! are the leaves of a [tree](super::tree) of keys, each knows those above itself. On a change the
//! trees of all classes fall apart into parts; the member on the far left of a part is its
//! *subleader*.
//!
//! * **Round 1**: subleaders send the leader the trees of their parts.
//! * **Round 2**: the leader merges them and multicasts the tree of all, in which new keys are marked:
//!   that is the paper's merged tree and its instructions in one, for what everybody has to do
//!   follows from it. A member refuses a tree that keeps a key of its path that must go.
//! * **Round 3**, if channels are missing: shares.
//! * **Round 4**: the subleader on the far left under a new key chooses it and seals it for the one
//!   on the far left of its right half.
//! * **Round 5**: subleaders who now know a new key and the key below it send the leader the one under
//!   the other.
//! * **Round 6**: the leader multicasts all of these in one [bundle](super::graph), and each member
//!   opens those on its own path.
//!
//! Departures: a new key is sent to one subleader alone, the keys above it follow in the bundle
//! (protocol O sends them all along); the tree is balanced (the papers leave that out); what a
//! subleader sends the leader is signed, for the leader cannot open it; the group secret is hashed
//! from the root. A single member is its own subleader. Records are compact as in paper 000, section
//! 4: positions, not names, and no names of keys, since their order follows from the tree; positions
//! are translated when the view changes.
//!
//! # Costs
//!
//! `s` parts after merging (so `s - 1` new keys and channels), `r` parts before it that are not led by
//! the leader, `c` channels missing, `b` the most of them at one member, `w` subleaders other than the
//! leader that have a key to seal under, `x` records, `n` members. Of a group of one nothing.
//! Messages, channels and exponentiations are met to the unit, the other chains are bounds.
//!
//! | | `dist` | paper 000, AllOne | paper 000, JoinLeave |
//! |---|---|---|---|
//! | channels | `c` of s-1 | n-1 | log2 n |
//! | reports, sealed keys, records (unicasts) | r + (s-1) + w | 3n-3 | 3 log2 n |
//! | shares (unicasts) | `2c` | 2 a channel | 2 a channel |
//! | multicasts | 2, or 1 if x = 0 | 2 | 2 |
//! | rounds | (r > 0) + 1 + (c > 0) + 1 + 2(x > 0) | | |
//! | exponentiations, chain | `b` | log2 n + 1 | log2 n + 1 |
//! | exponentiations, all | `2c` | 2(n-1) | 2 log2 n |
//! | signatures, chain | (r > 0) + 1 + b + min(w, 2) + (x > 0) | | |
//! | verifications, chain | r + 1 + b + w + (x > 0) | | |
//! | acknowledgements | n-1 | n-1 | n-1 |
//!
//! Of single members (AllOne, `s = n`): `b` is the logarithm rounded up, one less than the paper's,
//! because both ends of a channel compute at the same time. A leave from a full tree: `s - 1` is the
//! height less one. Multicast bytes: about n + n/2 for the tree, 48 a record, 81 an envelope. Paper 002,
//! section 4.4, gives protocol O's leave under O3's name (log2 n multicasts, 2 rounds); O3's is one
//! multicast and a round more, and gathering the trees and telling the plan, which that paper does not
//! count, are two rounds and a multicast on top.

mod run;

use super::acks::Acks;
use super::channels::{Channels, all_work};
use super::graph::{Part, Path, State, slots};
use super::layout::Layout;
use super::messages::Message;
use super::opening::{Epoch, Opening};
use super::seal::RECORD_LEN;
use super::tree::{Tree, decode, encode, merge};
use super::waiting::Waiting;
use crate::agreement::encoded::{bad, read};
use crate::agreement::{UNCONFIRMED, under_way};
use cenacle_dh::{Calculator, DhGroup};
use cenacle_plugin::{Action, Error, Order, Outbox, Protocol, Random, ViewChange, Work, to_cbor};
use run::{Plan, Run, bundled, finish, go_on, subkey, wrapped};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The domain of the group secret.
pub(super) const SECRET: &str = "cenacle dist group secret v1";

/// The leader's collection of parts.
#[derive(Clone, Default)]
struct Reports {
    parts: Vec<Tree>,
    covered: BTreeSet<u32>,
}

/// The protocol.
#[derive(Clone)]
pub(super) struct Dist<G: DhGroup> {
    calculator: Calculator<G>,
    opening: Opening,
    base: Option<Arc<Epoch<State>>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Dist<G> {
    pub(super) fn new(calculator: Calculator<G>, opening: Opening) -> Self {
        Self { calculator, opening, base: None, run: None }
    }

    /// Round 1: a subleader tells the leader its tree.
    fn report(
        &mut self,
        run: &mut Run<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let change = Arc::clone(run.channels.change());
        if change.size() == 1 {
            return finish(run, Tree::Leaf(change.me()), Vec::new(), &random.secret(), out);
        }
        if run.part.tree.first() != change.me() {
            return Ok(());
        }
        if run.leader != change.me() {
            let tree = encode(&run.part.tree, change.size());
            let body = to_cbor(&Message::Report(tree))?;
            out.push(Action::Unicast { to: run.leader, body });
            return Ok(());
        }
        let tree = run.part.tree.clone();
        self.collect(run, tree, random, out)
    }

    /// The leader has one more part; with the last one it makes the tree of all (round 2).
    fn collect(
        &mut self,
        run: &mut Run<G>,
        part: Tree,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let change = Arc::clone(run.channels.change());
        run.reports.covered.extend(part.members());
        run.reports.parts.push(part);
        if run.reports.covered.len() < change.members().len() {
            return Ok(());
        }
        let tree = merge(std::mem::take(&mut run.reports.parts));
        let tree = tree.ok_or(Error::Bug("a tree of no parts"))?;
        let body = to_cbor(&Message::Plan(encode(&tree, change.size())))?;
        out.push(Action::Multicast { order: Order::Fifo, body });
        self.follow(run, tree, random, out)
    }

    /// A part of somebody's class.
    fn reported(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        tree: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let change = Arc::clone(run.channels.change());
        if run.leader != change.me() || run.plan.is_some() {
            return Err(bad(from, "a report that nobody waits for"));
        }
        let tree = decode(tree, change.size()).ok_or(bad(from, "it has no tree in it"))?;
        let is_old = tree.root().is_none_or(|root| !root.fresh);
        if tree.first() != from || !is_old {
            return Err(bad(from, "a tree that is not its sender's to report"));
        }
        let class = change.classes().iter().find(|class| class.members.contains(&from));
        let is_of_class = |member: &u32| class.is_some_and(|class| class.members.contains(member));
        let members = tree.members();
        if !members.iter().all(is_of_class) {
            return Err(bad(from, "a tree with members of another class"));
        }
        if members.iter().any(|member| run.reports.covered.contains(member)) {
            return Err(bad(from, "a tree with members of another one"));
        }
        self.collect(run, tree, random, out)
    }

    /// Everybody knows the tree: subleaders choose the keys that are theirs to choose and set up the
    /// channels that those go over.
    fn follow(
        &mut self,
        run: &mut Run<G>,
        tree: Tree,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let me = run.channels.me();
        let mut path = Path::new(&tree, me, &run.part)?;
        let kept = path.kept();
        let is_subleader = tree.part_of(me).is_some_and(|part| part.first() == me);
        let (mut unserved, mut awaited, mut to_wrap) = (Vec::new(), None, Vec::new());
        let above: Vec<_> = path.steps.iter().cloned().enumerate().skip(kept).collect();
        for (at, step) in above.into_iter().filter(|_| is_subleader) {
            // Under a single member there is no key to seal with: it has the new one already.
            if at > 0 {
                to_wrap.push(at);
            }
            if step.from_right {
                awaited = Some((step.node.left.first(), at));
                break;
            }
            path.learn(at, random.secret())?;
            unserved.push((step.node.right.first(), at));
        }
        // In the bundle the higher keys come first.
        to_wrap.reverse();
        let served: Vec<u32> = unserved.iter().map(|(peer, _)| *peer).collect();
        let peers: Vec<u32> =
            awaited.iter().map(|(peer, _)| *peer).chain(served.iter().copied()).collect();
        run.plan = Some(Plan {
            slots: slots(&tree, |_| false).into(),
            tree,
            path,
            unserved,
            awaited,
            to_wrap,
            wraps: BTreeMap::new(),
            bundled: false,
            bundle: None,
        });
        run.channels.look_up(&served);
        run.channels.want(&peers, false, &mut self.calculator, random, out)?;
        run.channels.forget_heard();
        go_on(run, out)
    }

    /// A share for a new channel.
    fn share(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let is_needed = run.plan.as_ref().is_none_or(|plan| {
            let peers = plan.unserved.iter().chain(&plan.awaited).map(|(peer, _)| *peer);
            peers.into_iter().any(|peer| peer == from) && !run.channels.is_cached(from)
        });
        if !is_needed {
            return Err(bad(from, "a share for a channel that nobody needs"));
        }
        run.channels.hear(from, share, run.plan.is_none(), &mut self.calculator)?;
        go_on(run, out)
    }
}

impl<G: DhGroup> Protocol for Dist<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let begun = self.opening.begin(change, self.base.as_ref())?;
        let (_, part) = Part::of(begun.continued.as_ref(), change)?;
        let layout = Layout::new(begun.leader, change.size());
        let cached = self.opening.cached(begun.continued.as_ref());
        let mut run = Run {
            channels: Channels::new(begun.sealing, change, cached),
            leader: begun.leader,
            part,
            reports: Reports::default(),
            plan: None,
            early: Waiting::default(),
            acks: Acks::new(layout, self.opening.degree(), change.me()),
            state: None,
        };
        self.report(&mut run, random, out)?;
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
        if from != run.channels.me() {
            match read(from, body)? {
                Message::Report(tree) => self.reported(&mut run, from, &tree, random, out)?,
                Message::Plan(tree) => {
                    if from != run.leader || run.plan.is_some() {
                        return Err(bad(from, "a tree that this member does not wait for"));
                    }
                    let change = Arc::clone(run.channels.change());
                    let tree = run.part.read_tree(from, &tree, &change)?;
                    self.follow(&mut run, tree, random, out)?;
                }
                Message::Share(share) => self.share(&mut run, from, &share, out)?,
                Message::Wraps(records) => wrapped(&mut run, from, records, out)?,
                Message::Bundle(records) => bundled(&mut run, from, records, out)?,
                Message::Graph { .. } => {
                    return Err(bad(from, "it is not a message of this protocol"));
                }
            }
        }
        self.run = Some(run);
        Ok(())
    }

    fn sealed(
        &mut self,
        from: u32,
        body: &[u8],
        _: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        if body.len() == RECORD_LEN {
            subkey(&mut run, from, body, out)?;
        } else {
            let sealing = run.channels.sealing().clone();
            run.acks.heard(&sealing, from, body, out)?;
        }
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let run = self.run.take().filter(|run| run.acks.is_installed()).ok_or(UNCONFIRMED)?;
        let (tree, keys) = run.state.as_deref().cloned().ok_or(UNCONFIRMED)?;
        self.base =
            Some(Arc::new(self.opening.epoch(&run.channels, State { tree, keys, all: None })));
        Ok(())
    }

    fn abort(&mut self) {
        self.run = None;
    }

    fn take_work(&mut self) -> Work {
        let channels = self.run.as_mut().map(|run| &mut run.channels);
        all_work(self.calculator.take_work(), channels)
    }

    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn cenacle_plugin::conformance::Inspect> {
        Some(self)
    }
}

#[cfg(feature = "conformance")]
super::inspection::inspect!(Dist, |_| SECRET, |held| {
    let base = held.base.iter();
    let base = base.flat_map(|base| {
        base.channels.values().flat_map(|channel| channel.keys()).chain(&base.state.keys)
    });
    let run = held.run.iter();
    let run = run.flat_map(|run| {
        let chosen = run.plan.iter().flat_map(|plan| plan.path.keys.iter().flatten());
        let known = run.state.iter().flat_map(|state| &state.1);
        run.channels.fresh_keys().chain(chosen).chain(known)
    });
    base.chain(run)
});
