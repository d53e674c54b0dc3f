//! From what the classes bring to one tree.

use super::super::encoded::{bad, encode};
use super::super::epoch::places;
use super::super::share::{OwnShare, sent_ahead};
use super::tree::{MAX_HEIGHT, Packed, Place, Tree};
use super::{Filling, Message, NODE, PathKey, Run, Stage, Tgdh};
use cenacle_dh::{DhGroup, Purpose};
use cenacle_plugin::{Action, Error, Order, Outbox, Random, ViewChange, to_cbor};
use std::sync::Arc;

/// What is left of this member's class.
struct ClassTree<G: DhGroup> {
    /// The confirmed one itself, where nothing has changed in it.
    tree: Arc<Tree>,
    /// The keys on this member's path that were known before the departures.
    keys: Vec<PathKey<G>>,
    /// The sponsors of the departures: see [`Tree::keep`].
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
            let tree = Tree::leaf(change.me(), leaf.blinded.as_deref().unwrap_or_default());
            return Ok(ClassTree { tree: tree.into(), keys: vec![leaf], departures: Vec::new() });
        }
        const UNKNOWN: Error = Error::BadChange("a class continues that this instance was not in");
        let base = self.base.as_ref().ok_or(UNKNOWN)?;
        let places = places(&base.names, change, class).ok_or(UNKNOWN)?;
        let keys = base.keys.clone();
        let stays = |(place, at): (&usize, &u32)| *place == *at as usize;
        if places.len() == base.names.len() && places.iter().zip(class).all(stays) {
            return Ok(ClassTree { tree: Arc::clone(&base.tree), keys, departures: Vec::new() });
        }
        let mut positions = vec![None; base.names.len()];
        for (place, at) in places.iter().zip(class) {
            if let Some(position) = positions.get_mut(*place) {
                *position = Some(*at);
            }
        }
        let (tree, departures) = base.tree.keep(&|old| *positions.get(old as usize)?);
        let tree = tree.filter(|tree| tree.len() + 1 == class.len() * 2).ok_or(UNKNOWN)?;
        Ok(ClassTree { tree: tree.into(), keys, departures })
    }

    /// One class alone: the refresher publishes a new share, sponsors publish what is missing.
    pub(super) fn continue_alone(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<Run<G>, Error> {
        let ClassTree { tree, mut keys, departures } = self.class_tree(change, None, random)?;
        let me = change.me();
        if change.size() == 1 {
            let stage = Stage::Filling(Filling::new(Arc::unwrap_or_clone(tree), None, me));
            let mut run = Run { change: Arc::clone(change), keys, stage };
            self.install(&mut run, out)?;
            return Ok(run);
        }
        let refresher = change.refresher().unwrap_or_else(|| sponsor(&tree, &departures));
        let mut filling = Filling::new(Arc::unwrap_or_clone(tree), Some(refresher), me);
        let mut unsent = Vec::new();
        if refresher == me {
            // A new share on every change: otherwise a member that comes and goes again brings
            // the secret back that was there before it came.
            let share = self.fresh_share(random);
            let leaf = *filling.path.first().ok_or(Error::Bug("this member has no leaf"))?;
            filling.publish(leaf, share.blinded.as_deref().unwrap_or_default());
            unsent.push(leaf);
            keys = vec![share];
        }
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
        let ClassTree { mut tree, mut keys, departures } =
            self.class_tree(change, offered, random)?;
        let (me, class) = (change.me(), change.my_class());
        let place = awaited_place(change, &tree);
        let speaker = match class {
            [alone] => *alone,
            _ if departures.is_empty() => tree.rightmost(place),
            _ => sponsor(&tree, &departures),
        };
        let mut trees: Vec<Option<Arc<Tree>>> = change
            .classes()
            .iter()
            .map(|c| known_leaf::<G>(change, &c.members))
            .collect::<Result<_, _>>()?;
        if speaker == me && !(class.len() == 1 && change.share_of(me).is_some()) {
            if class.len() > 1 {
                keys = self.refresh_class(me, &mut tree, place, random)?;
            }
            let body = to_cbor(&Message::Tree(Packed::new(&tree)))?;
            out.push(Action::Multicast { order: Order::Fifo, body });
            let mine = change.classes().iter().position(|class| class.members.contains(&me));
            if let Some(slot) = mine.and_then(|index| trees.get_mut(index)) {
                *slot = Some(tree);
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
        me: u32,
        tree: &mut Arc<Tree>,
        place: Place,
        random: &mut Random,
    ) -> Result<Vec<PathKey<G>>, Error> {
        let passing = tree.above(place);
        let mut filling = Filling::new(Arc::unwrap_or_clone(std::mem::take(tree)), Some(me), me);
        let mut keys = vec![self.fresh_share(random)];
        for (level, id) in Arc::clone(&filling.path).iter().enumerate() {
            if level > 0 {
                if passing.contains(id) {
                    break;
                }
                let Some(element) = self.climb(&filling, &keys)? else { break };
                let key = self.calculator.hash_to_scalar(NODE, &element);
                let element = self.calculator.exp_base(Purpose::Protocol, &key);
                let blinded = Some(encode(&self.calculator, &element));
                keys.push(PathKey { key, blinded });
            }
            let blinded = keys.last().and_then(|known| known.blinded.as_deref());
            filling.publish(*id, blinded.unwrap_or_default());
        }
        *tree = filling.tree;
        Ok(keys)
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
        *slot = Some(Arc::new(packed.open::<G>(from, &class.members)?));
        Ok(())
    }

    /// Once all trees are there: puts them together.
    pub(super) fn gathered(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let Stage::Gathering { trees, early } = &mut run.stage else { return Ok(()) };
        if trees.contains(&None) {
            return Ok(());
        }
        let (trees, early) = (std::mem::take(trees), std::mem::take(early));
        let tree = Tree::merge(trees.into_iter().flatten().collect());
        let tree = tree.ok_or(Error::BadChange("no classes"))?;
        if tree.height() > MAX_HEIGHT {
            return Err(Error::BadChange("a tree that is too high; begin afresh"));
        }
        let filling = Filling::new(tree, None, run.change.me());
        let leaf = *filling.path.first().ok_or(Error::Bug("this member has no leaf"))?;
        let shown = filling.tree.blinded(leaf);
        if run.keys.first().is_none_or(|key| key.blinded.as_deref() != shown) {
            return Err(bad(filling.speaker(leaf), "a tree with another share than this member's"));
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
fn sponsor(tree: &Tree, departures: &[u32]) -> u32 {
    let any = departures.is_empty();
    let nearest = tree.shallowest(|member| any || departures.contains(&member));
    nearest.unwrap_or_else(|| tree.rightmost(0))
}

/// Where in this member's class the others will be put, as far as can be told before their trees
/// are known: a balanced tree of the largest other class is taken for granted. A class that will
/// itself be inserted keeps its root.
fn awaited_place(change: &ViewChange, tree: &Tree) -> Place {
    if !change.base().contains(&change.me()) {
        return 0;
    }
    let other = change.classes().get(1).map_or(1, |class| class.members.len());
    let height = other.next_power_of_two().trailing_zeros();
    tree.place(u16::try_from(height).unwrap_or(MAX_HEIGHT))
}

/// The tree of a class of one whose share came ahead of the run.
fn known_leaf<G: DhGroup>(
    change: &ViewChange,
    members: &[u32],
) -> Result<Option<Arc<Tree>>, Error> {
    let [member] = *members else { return Ok(None) };
    let blinded = sent_ahead::<G>(change, member)?;
    Ok(blinded.map(|blinded| Arc::new(Tree::leaf(member, &blinded))))
}
