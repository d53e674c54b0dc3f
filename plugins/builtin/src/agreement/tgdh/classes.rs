//! From what the classes bring to one tree.

use super::super::encoded::{bad, encode};
use super::super::share::{OwnShare, sent_ahead};
use super::keytree::KeyTree;
use super::shape::{MAX_HEIGHT, Packed, Shape};
use super::{Filling, Message, NODE, PathKey, Run, Stage, Tgdh};
use cenacle_dh::{DhGroup, Purpose};
use cenacle_plugin::{Action, Error, MemberId, Order, Outbox, Random, ViewChange, to_cbor};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is left of this member's class.
struct ClassTree<G: DhGroup> {
    shape: Shape,
    /// The keys on this member's path that were known before the departures.
    keys: Vec<PathKey<G>>,
    /// The sponsors of the departures: see [`Shape::keep`].
    departures: Vec<u32>,
}

impl<G: DhGroup> Tgdh<G> {
    fn fresh_share(&mut self, random: &mut Random) -> PathKey<G> {
        OwnShare::fresh(&mut self.calculator, random).into()
    }

    /// The tree of this member's class without the departed.
    fn class_tree(
        &mut self,
        change: &ViewChange,
        offered: Option<OwnShare<G>>,
        random: &mut Random,
    ) -> Result<ClassTree<G>, Error> {
        let class = change.my_class();
        if class.len() == 1 {
            // Without company a member has nothing to keep: its leaf is new.
            let leaf = offered.map_or_else(|| self.fresh_share(random), PathKey::from);
            let shape = Shape::Leaf { member: change.me(), blinded: leaf.blinded.clone() };
            return Ok(ClassTree { shape, keys: vec![leaf], departures: Vec::new() });
        }
        const UNKNOWN: Error = Error::BadChange("a class continues that this instance was not in");
        let base = self.base.as_ref().ok_or(UNKNOWN)?;
        let positions: BTreeMap<&MemberId, u32> = class
            .iter()
            .filter_map(|at| Some((&change.members().get(*at as usize)?.id, *at)))
            .collect();
        let rename = |old: u32| positions.get(base.names.get(old as usize)?).copied();
        let (shape, departures) = base.shape.keep(&rename);
        let shape = shape.filter(|shape| shape.leaves().len() == class.len()).ok_or(UNKNOWN)?;
        Ok(ClassTree { shape, keys: base.keys.clone(), departures })
    }

    /// One class alone: the refresher publishes a new share, sponsors publish what is missing.
    pub(super) fn continue_alone(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<Run<G>, Error> {
        let ClassTree { shape, mut keys, departures } = self.class_tree(change, None, random)?;
        if change.size() == 1 {
            let tree = KeyTree::new(&shape, None);
            let filling = Filling::new(tree, change.me());
            let mut run = Run { change: Arc::clone(change), keys, stage: Stage::Filling(filling) };
            self.install(&mut run, out)?;
            return Ok(run);
        }
        let refresher = change.refresher().unwrap_or_else(|| sponsor(&shape, &departures));
        let mut tree = KeyTree::new(&shape, Some(refresher));
        let path = tree.path(change.me());
        let mut unsent = Vec::new();
        if refresher == change.me() {
            // A new share on every change: otherwise a member that comes and goes again brings
            // the secret back that was there before it came.
            let share = self.fresh_share(random);
            if let Some((id, leaf)) = path.first().and_then(|id| Some((*id, tree.get_mut(*id)?))) {
                leaf.blinded.clone_from(&share.blinded);
                unsent.push(id);
            }
            keys = vec![share];
        }
        let filling = Filling::new(tree, change.me());
        filling.keep_valid(&mut keys);
        let mut run = Run { change: Arc::clone(change), keys, stage: Stage::Filling(filling) };
        self.advance(&mut run, unsent, out)?;
        Ok(run)
    }

    /// Several classes: this member's sponsor shows its tree, the others wait for it.
    pub(super) fn come_together(
        &mut self,
        change: &Arc<ViewChange>,
        offered: Option<OwnShare<G>>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<Run<G>, Error> {
        let ClassTree { mut shape, mut keys, departures } =
            self.class_tree(change, offered, random)?;
        let (me, class) = (change.me(), change.my_class());
        let place = awaited_place(change, &shape);
        let speaker = match class {
            [alone] => *alone,
            _ if departures.is_empty() => shape.at(&place).rightmost(),
            _ => sponsor(&shape, &departures),
        };
        let mut trees: Vec<Option<Shape>> = change
            .classes()
            .iter()
            .map(|c| known_leaf::<G>(change, &c.members))
            .collect::<Result<_, _>>()?;
        if speaker == me && !(class.len() == 1 && change.share_of(me).is_some()) {
            if class.len() > 1 {
                (shape, keys) = self.refresh_class(change, &shape, &place, random)?;
            }
            let body = to_cbor(&Message::Tree(Packed::new(&shape)))?;
            out.push(Action::Multicast { order: Order::Fifo, body });
            let mine = change.classes().iter().position(|class| class.members.contains(&me));
            if let Some(slot) = mine.and_then(|index| trees.get_mut(index)) {
                *slot = Some(shape);
            }
        }
        let stage = Stage::Gathering { trees, early: Vec::new() };
        let mut run = Run { change: Arc::clone(change), keys, stage };
        self.gathered(&mut run, out)?;
        Ok(run)
    }

    /// A new share for this member, and the keys of its class above it as far as they will hold.
    /// It must come before the tree is shown: otherwise the class's old root, its old secret,
    /// becomes a node of the new tree.
    fn refresh_class(
        &mut self,
        change: &ViewChange,
        shape: &Shape,
        place: &[bool],
        random: &mut Random,
    ) -> Result<(Shape, Vec<PathKey<G>>), Error> {
        let me = change.me();
        let mut tree = KeyTree::new(shape, Some(me));
        let path = tree.path(me);
        let mut keys = vec![self.fresh_share(random)];
        let passing = tree.above(place);
        let mut below = *path.first().ok_or(Error::Bug("this member has no leaf"))?;
        if let (Some(leaf), Some(share)) = (tree.get_mut(below), keys.first()) {
            leaf.blinded.clone_from(&share.blinded);
        }
        for id in path.into_iter().skip(1).filter(|id| !passing.contains(id)) {
            let Some(element) = self.climb(&tree, below, &keys)? else { break };
            let key = self.calculator.hash_to_scalar(NODE, &element);
            let element = self.calculator.exp_base(Purpose::Protocol, &key);
            let blinded = Some(encode(&self.calculator, &element));
            if let Some(node) = tree.get_mut(id) {
                node.blinded.clone_from(&blinded);
            }
            keys.push(PathKey { key, blinded });
            below = id;
        }
        Ok((tree.shape().ok_or(Error::Bug("a tree without form"))?, keys))
    }

    /// Another class's tree, or this one's, came.
    pub(super) fn tree(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        packed: &Packed,
    ) -> Result<(), Error> {
        let Stage::Gathering { trees, .. } = &mut run.stage else {
            return Err(bad(from, "a tree that nobody waits for"));
        };
        let classes = run.change.classes();
        let index = classes.iter().position(|class| class.members.contains(&from));
        let (index, class) = index
            .and_then(|index| Some((index, classes.get(index)?)))
            .ok_or(Error::UnknownSender { from })?;
        let slot = trees.get_mut(index).ok_or(Error::Bug("a class without a slot"))?;
        if slot.is_some() {
            return Err(bad(from, "a second tree of its class"));
        }
        *slot = Some(packed.open::<G>(from, &class.members)?);
        Ok(())
    }

    /// Once all trees are there: puts them together.
    pub(super) fn gathered(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let Stage::Gathering { trees, early } = &mut run.stage else { return Ok(()) };
        if trees.contains(&None) {
            return Ok(());
        }
        let (trees, early) = (std::mem::take(trees), std::mem::take(early));
        let shape = Shape::merge(trees.into_iter().flatten().collect());
        let shape = shape.ok_or(Error::BadChange("no classes"))?;
        if shape.height() > MAX_HEIGHT {
            return Err(Error::BadChange("a tree that is too high; begin afresh"));
        }
        let filling = Filling::new(KeyTree::new(&shape, None), run.change.me());
        let leaf = filling.path.first().and_then(|id| filling.tree.get(*id));
        let leaf = leaf.ok_or(Error::Bug("this member has no leaf"))?;
        if run.keys.first().is_none_or(|key| key.blinded != leaf.blinded) {
            return Err(bad(leaf.speaker(), "a tree with another share than this member's"));
        }
        filling.keep_valid(&mut run.keys);
        run.stage = Stage::Filling(filling);
        for (from, update) in early {
            self.update(run, from, &update)?;
        }
        self.advance(run, Vec::new(), out)
    }
}

/// Of the sponsors of departures the one nearest to the root, then the rightmost; without
/// departures the member nearest to the root.
fn sponsor(shape: &Shape, departures: &[u32]) -> u32 {
    let leaves = shape.leaves().into_iter().rev();
    let nearest =
        leaves.filter(|(member, _)| departures.contains(member)).min_by_key(|leaf| leaf.1);
    nearest.map_or_else(|| shape.shallowest(), |(member, _)| member)
}

/// Where in this member's class the others will be put, as far as can be told before their trees
/// are known: a balanced tree of the largest other class is taken for granted. A class that will
/// itself be inserted keeps its root.
fn awaited_place(change: &ViewChange, shape: &Shape) -> Vec<bool> {
    if !change.base().contains(&change.me()) {
        return Vec::new();
    }
    let other = change.classes().get(1).map_or(1, |class| class.members.len());
    let height = other.next_power_of_two().trailing_zeros();
    shape.place(u16::try_from(height).unwrap_or(MAX_HEIGHT))
}

/// The tree of a class of one whose share came ahead of the run.
fn known_leaf<G: DhGroup>(change: &ViewChange, members: &[u32]) -> Result<Option<Shape>, Error> {
    let [member] = *members else { return Ok(None) };
    let blinded = sent_ahead::<G>(change, member)?;
    Ok(blinded.map(|blinded| Shape::Leaf { member, blinded: Some(blinded) }))
}
