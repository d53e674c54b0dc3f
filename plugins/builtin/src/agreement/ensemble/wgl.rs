//! `wgl`: the key graph kept by the leader alone.
//!
//! Source: Wong, Gouda and Lam's key graphs as paper 002, section 3, tells them (protocol C). The
//! leader is the key server: it has a channel with every member and all keys of a binary
//! [tree](super::tree) over them. On a change it replaces the keys that must go, puts newcomers in,
//! and multicasts the tree and each new key under the two below it: a key of the tree, or the channel
//! with a single member. It is here as the yardstick that the papers hold `dist` against: its leader
//! does everything, and all of it is lost with the leader.
//!
//! * **Round 1**, if channels are missing: shares, as in [`basic`](super::handout).
//! * **Round 2**: the graph.
//!
//! Departures: the server is a member, and the next one begins with nothing; members check that the
//! graph keeps no key of their path that must go; the tree is balanced as in `dist`, its members that
//! come with other classes as single ones; the group secret is hashed from the root.
//!
//! # Costs
//!
//! `n` members after the change, `c` of them without a channel to the leader. Exact:
//!
//! | | `wgl` | paper 002, 4.4 |
//! |---|---|---|
//! | channels | `c` | there before |
//! | multicasts | 1, and 1 if c > 1 | 1 |
//! | unicasts | `c`, and 1 if c = 1 | 0 |
//! | rounds | 1, and 1 if c > 0 | 1 |
//! | exponentiations, chain / all | `c` / `2c` | |
//! | signatures, chain | 1, and 1 if c > 0 | |
//! | verifications, chain | c + 1 | |
//! | acknowledgements | n-1 | none |

use super::super::encoded::{bad, read};
use super::super::{UNCONFIRMED, under_way};
use super::acks::Acks;
use super::channels::{Channels, all_work};
use super::graph::{Name, Part, Path, Slot, State, is_whole, name_of, record_for, slots};
use super::layout::Layout;
use super::messages::Message;
use super::opening::{Epoch, Opening};
use super::seal::{Key, Sealing, Use};
use super::tree::{Node, Tree, encode, merge};
use cenacle_dh::{Calculator, DhGroup};
use cenacle_plugin::{Action, Error, Order, Outbox, Protocol, Random, ViewChange, Work, to_cbor};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The domain of the group secret.
pub(super) const SECRET: &str = "cenacle wgl group secret v1";

/// Where a member stands in a run.
#[derive(Clone)]
enum Stage {
    /// The leader waits for channels; these are the parts that it has, and their keys.
    Collecting { parts: Vec<Tree>, all: Arc<BTreeMap<Name, Key>> },
    /// A member waits for the graph.
    AwaitGraph,
    /// It came before the channel that opens it.
    AwaitChannel { tree: Tree, wraps: Vec<u8> },
    /// All keys are here.
    Done { tree: Tree, keys: Vec<Key>, all: Option<Arc<BTreeMap<Name, Key>>> },
}

#[derive(Clone)]
struct Run<G: DhGroup> {
    channels: Channels<G>,
    leader: u32,
    part: Part,
    stage: Stage,
    acks: Acks,
}

/// The protocol.
#[derive(Clone)]
pub(super) struct Wgl<G: DhGroup> {
    calculator: Calculator<G>,
    opening: Opening,
    base: Option<Arc<Epoch<State>>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Wgl<G> {
    pub(super) fn new(calculator: Calculator<G>, opening: Opening) -> Self {
        Self { calculator, opening, base: None, run: None }
    }

    /// What the leader has of the graph: parts, and the keys of all their nodes. A leader that was
    /// none before has nothing.
    fn graph(&self, change: &ViewChange, parts: Vec<Tree>) -> Result<Stage, Error> {
        let base = self.base.as_ref().filter(|_| !change.is_afresh());
        let kept = base.and_then(|base| Some((base, base.state.all.as_ref()?)));
        let (mut parts, mut all) = match kept {
            Some(_) => (parts, BTreeMap::new()),
            None => (Vec::new(), BTreeMap::new()),
        };
        if let Some((base, keys)) = kept {
            let positions = base.positions(change)?;
            let now = |first: u32| positions.get(first as usize).copied().flatten();
            let moved = |((first, height), key): (&Name, &Key)| {
                Some(((now(*first)?, *height), key.clone()))
            };
            all.extend(keys.iter().filter_map(moved));
        }
        let mut covered: Vec<u32> = parts.iter().flat_map(Tree::members).collect();
        covered.sort_unstable();
        let is_new = |position: &u32| covered.binary_search(position).is_err();
        parts.extend((0..change.size()).filter(is_new).map(Tree::Leaf));
        Ok(Stage::Collecting { parts, all: Arc::new(all) })
    }

    /// The leader, once there is a channel to everybody: the new graph.
    fn distribute(
        &self,
        run: &mut Run<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let Stage::Collecting { parts, all } = &run.stage else { return Ok(()) };
        let (me, size) = (run.channels.me(), run.channels.change().size());
        if (0..size).any(|peer| peer != me && !run.channels.is_ready(peer)) {
            return Ok(());
        }
        let tree = merge(parts.clone()).ok_or(Error::Bug("a tree of no parts"))?;
        let keys = renewed(&tree, all, random)?;
        let mut wraps = Vec::new();
        for slot in places(&tree, me) {
            wraps.extend(sealed(&mut run.channels, &keys, &slot)?);
        }
        if size > 1 {
            let body = to_cbor(&Message::Graph { tree: encode(&tree, size), wraps })?;
            out.push(Action::Multicast { order: Order::Fifo, body });
        }
        let path = tree.path(me).ok_or(Error::Bug("the leader is not in the tree"))?;
        let own = path.iter().map(|step| keys.get(&name_of(&step.node)).cloned());
        let own: Vec<Key> = own.collect::<Option<_>>().ok_or(Error::Bug("a node without a key"))?;
        finish(run, tree, own, Some(Arc::new(keys)), random, out)
    }

    fn share(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        // The leader shows its share to all at once, to those with a channel too.
        let is_leaders = from == run.leader;
        if !is_leaders && (run.leader != run.channels.me() || run.channels.is_cached(from)) {
            return Err(bad(from, "a share for a channel that nobody needs"));
        }
        run.channels.hear(from, share, false, &mut self.calculator)?;
        if let Stage::AwaitChannel { tree, wraps } = &run.stage {
            let (tree, wraps) = (tree.clone(), wraps.clone());
            return learn(run, tree, &wraps, random, out);
        }
        self.distribute(run, random, out)
    }
}

/// The keys of a merged tree: those of its old nodes, and new ones.
fn renewed(
    tree: &Tree,
    old: &BTreeMap<Name, Key>,
    random: &mut Random,
) -> Result<BTreeMap<Name, Key>, Error> {
    let mut keys = BTreeMap::new();
    let mut open: Vec<&Arc<Node>> = tree.root().into_iter().collect();
    while let Some(node) = open.pop() {
        let name = name_of(node);
        let key = match node.fresh {
            true => random.secret(),
            false => old.get(&name).cloned().ok_or(Error::Bug("an old node without a key"))?,
        };
        keys.insert(name, key);
        open.extend(node.right.root().into_iter().chain(node.left.root()));
    }
    Ok(keys)
}

/// The places of the bundle: single members are sent their keys over channels, but not the leader.
fn places(tree: &Tree, leader: u32) -> Vec<Slot> {
    slots(tree, |member| member != leader)
}

/// The record of one place.
fn sealed<G: DhGroup>(
    channels: &mut Channels<G>,
    keys: &BTreeMap<Name, Key>,
    slot: &Slot,
) -> Result<Vec<u8>, Error> {
    let key = |node: &Arc<Node>| keys.get(&name_of(node)).ok_or(Error::Bug("a node without a key"));
    match slot.below() {
        Tree::Leaf(member) => channels.seal(*member, key(&slot.node)?),
        Tree::Node(below) => channels.sealing().seal(Use::Node, key(below)?, 0, key(&slot.node)?),
    }
}

/// A member opens its keys, if it can already.
fn learn<G: DhGroup>(
    run: &mut Run<G>,
    tree: Tree,
    wraps: &[u8],
    random: &mut Random,
    out: &mut Outbox,
) -> Result<(), Error> {
    let leader = run.leader;
    let slots = places(&tree, leader);
    if !is_whole(wraps, &slots) {
        return Err(bad(leader, "it has not as many records as it must"));
    }
    let mut path = Path::new(&tree, run.channels.me(), &run.part)?;
    if path.kept() == 0 {
        if !run.channels.is_ready(leader) {
            run.stage = Stage::AwaitChannel { tree, wraps: wraps.to_vec() };
            return Ok(());
        }
        let first = path.steps.first().and_then(|step| record_for(&slots, step, wraps));
        let key = run.channels.open(leader, first.ok_or(Error::Bug("no record of a key"))?);
        path.learn(0, key.map_err(|_| bad(leader, "a key that does not open"))?)?;
    }
    path.climb(run.channels.sealing(), &slots, leader, wraps)?;
    let keys = path.known().ok_or(Error::Bug("a key is missing at the end"))?;
    finish(run, tree, keys, None, random, out)
}

/// All keys are here; a group of one has none but what its secret is made of.
fn finish<G: DhGroup>(
    run: &mut Run<G>,
    tree: Tree,
    keys: Vec<Key>,
    all: Option<Arc<BTreeMap<Name, Key>>>,
    random: &mut Random,
    out: &mut Outbox,
) -> Result<(), Error> {
    let sealing: Sealing = run.channels.sealing().clone();
    let root = keys.last().cloned().unwrap_or_else(|| random.secret());
    run.stage = Stage::Done { tree, keys, all };
    run.acks.arrived(&sealing, sealing.group_secret(SECRET, &root), out)
}

impl<G: DhGroup> Protocol for Wgl<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let begun = self.opening.begin(change, self.base.as_ref())?;
        let (parts, part) = Part::of(begun.continued.as_ref(), change)?;
        let (me, leader) = (change.me(), begun.leader);
        let stage = match me == leader {
            true => self.graph(change, parts)?,
            false => Stage::AwaitGraph,
        };
        let layout = Layout::new(leader, change.size());
        let cached = self.opening.cached(begun.continued.as_ref());
        let acks = Acks::new(layout, self.opening.degree(), me);
        let channels = Channels::new(begun.sealing, change, cached);
        let mut run = Run { channels, leader, part, stage, acks };
        if me == leader {
            let others: Vec<u32> = (0..change.size()).filter(|peer| *peer != me).collect();
            run.channels.look_up(&others);
            run.channels.want(&others, true, &mut self.calculator, random, out)?;
            self.distribute(&mut run, random, out)?;
        } else {
            run.channels.want(&[leader], false, &mut self.calculator, random, out)?;
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
        if from != run.channels.me() {
            match read(from, body)? {
                Message::Share(share) => self.share(&mut run, from, &share, random, out)?,
                Message::Graph { tree, wraps } => {
                    if from != run.leader || !matches!(run.stage, Stage::AwaitGraph) {
                        return Err(bad(from, "a graph that this member does not wait for"));
                    }
                    let change = Arc::clone(run.channels.change());
                    let tree = run.part.read_tree(from, &tree, &change)?;
                    learn(&mut run, tree, &wraps, random, out)?;
                }
                _ => return Err(bad(from, "it is not a message of this protocol")),
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
        let sealing = run.channels.sealing().clone();
        run.acks.heard(&sealing, from, body, out)?;
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let run = self.run.take().filter(|run| run.acks.is_installed()).ok_or(UNCONFIRMED)?;
        let Stage::Done { tree, keys, all } = &run.stage else { return Err(UNCONFIRMED) };
        let all = all.as_deref().cloned();
        let state = State { tree: tree.clone(), keys: keys.clone(), all };
        self.base = Some(Arc::new(self.opening.epoch(&run.channels, state)));
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
super::inspection::inspect!(Wgl, |_| SECRET, |held| {
    let base = held.base.iter().flat_map(|base| {
        let all = base.state.all.iter().flat_map(BTreeMap::values);
        let channels = base.channels.values().flat_map(|channel| channel.keys());
        channels.chain(&base.state.keys).chain(all)
    });
    let run = held.run.iter().flat_map(|run| {
        let known = match &run.stage {
            Stage::Done { keys, .. } => keys.as_slice(),
            _ => &[],
        };
        run.channels.fresh_keys().chain(known)
    });
    base.chain(run)
});
