//! The keys of a key graph: what a member knows of them, and how new ones come to it.
//!
//! A new key travels under the keys of the two trees below it. A *bundle* is all of these records in
//! one order, which follows from the tree: from the root down and from left to right, for each new
//! key first the one under the left tree's key, then the one under the right tree's. A member opens
//! the records on its own path, from below.

use super::super::encoded::bad;
use super::opening::Epoch;
use super::seal::{Key, RECORD_LEN, Sealing, Use};
use super::tree::{Node, Step, Tree, decode};
use cenacle_plugin::{Error, ViewChange};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a member keeps of a confirmed key graph. Positions are those of the epoch.
pub(super) struct State {
    pub(super) tree: Tree,
    /// The keys of this member, from the one above it to the root.
    pub(super) keys: Vec<Key>,
    /// `wgl`, at the leader: all keys.
    pub(super) all: Option<BTreeMap<Name, Key>>,
}

/// The name of an inner node within its tree: its leader, and its height.
pub(super) type Name = (u32, u32);

/// The name of a node.
pub(super) fn name_of(node: &Arc<Node>) -> Name {
    let tree = Tree::Node(Arc::clone(node));
    (tree.first(), tree.height())
}

/// What a member brings into a run.
#[derive(Clone)]
pub(super) struct Part {
    /// The tree around it whose keys nobody knows who is gone.
    pub(super) tree: Tree,
    /// Its keys in that tree, from below.
    pub(super) keys: Vec<Key>,
}

impl Part {
    /// All parts of the confirmed tree, and the one of this member.
    pub(super) fn of(
        epoch: Option<&Arc<Epoch<State>>>,
        change: &ViewChange,
    ) -> Result<(Vec<Tree>, Self), Error> {
        let alone = Self { tree: Tree::Leaf(change.me()), keys: Vec::new() };
        let Some(epoch) = epoch else { return Ok((vec![alone.tree.clone()], alone)) };
        let positions = epoch.positions(change)?;
        let now = |place: u32| positions.get(place as usize).copied().flatten();
        let parts = epoch.state.tree.fall_apart(&now);
        let mine = parts.iter().find_map(|part| Some((part, part.path(change.me())?)));
        let (tree, path) = mine.ok_or(Error::Bug("a member is in none of its class's trees"))?;
        // What falls apart falls from the root: the lower keys are those of the part.
        let keys = epoch.state.keys.iter().take(path.len()).cloned().collect();
        let part = Self { tree: tree.clone(), keys };
        Ok((parts, part))
    }

    /// Reads the tree of all members that the member at `from` made. Its old keys around this
    /// member must be of this member's part: a key is kept only if nobody knows it who is gone.
    pub(super) fn read_tree(
        &self,
        from: u32,
        bytes: &[u8],
        change: &ViewChange,
    ) -> Result<Tree, Error> {
        let tree = decode(bytes, change.size()).ok_or(bad(from, "it has no tree in it"))?;
        if tree.size() != change.size() {
            return Err(bad(from, "a tree without some of the members"));
        }
        if tree.root().is_none_or(|root| !root.fresh) {
            return Err(bad(from, "a tree without a new key"));
        }
        if !tree.is_balanced() {
            return Err(bad(from, "a tree that is too high"));
        }
        let kept = tree.part_of(change.me()).ok_or(Error::Bug("a member is not in the tree"))?;
        if !self.tree.contains(&kept) {
            return Err(bad(from, "a tree that keeps a key that must go"));
        }
        Ok(tree)
    }
}

/// A place in a bundle: the new key of a node under what is on one side below it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) node: Arc<Node>,
    pub(super) right: bool,
}

impl Slot {
    /// The tree on that side.
    pub(super) fn below(&self) -> &Tree {
        if self.right { &self.node.right } else { &self.node.left }
    }

    /// In `dist`, who makes the record: the leader of the tree on that side, who knows both keys.
    pub(super) fn maker(&self) -> u32 {
        self.below().first()
    }
}

/// The places of the bundle of `tree`; of those under a single member's own key only if `singles`
/// says so of the member.
pub(super) fn slots(tree: &Tree, singles: impl Fn(u32) -> bool) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut open = vec![tree];
    while let Some(tree) = open.pop() {
        let Some(node) = tree.root().filter(|node| node.fresh) else { continue };
        for right in [false, true] {
            let slot = Slot { node: Arc::clone(node), right };
            match slot.below() {
                Tree::Leaf(member) if !singles(*member) => {}
                _ => slots.push(slot),
            }
        }
        open.extend([&node.right, &node.left]);
    }
    slots
}

/// The way from a member to the root, and the keys that it knows of it.
#[derive(Clone)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    /// A key for each step.
    pub(super) keys: Vec<Option<Key>>,
}

impl Path {
    /// The path of the member at `me`, who came with `part`.
    pub(super) fn new(tree: &Tree, me: u32, part: &Part) -> Result<Self, Error> {
        let steps = tree.path(me).ok_or(Error::Bug("a member is not in the tree"))?;
        let known = part.keys.iter().map(Some).chain(std::iter::repeat(None));
        let key = |(step, key): (&Step, Option<&Key>)| key.filter(|_| !step.node.fresh).cloned();
        let keys = steps.iter().zip(known).map(key).collect();
        Ok(Self { steps, keys })
    }

    /// How many of the keys are old.
    pub(super) fn kept(&self) -> usize {
        self.steps.iter().take_while(|step| !step.node.fresh).count()
    }

    pub(super) fn key(&self, step: usize) -> Result<&Key, Error> {
        let key = self.keys.get(step).and_then(Option::as_ref);
        key.ok_or(Error::Bug("a key of one's own path is missing"))
    }

    pub(super) fn learn(&mut self, step: usize, key: Key) -> Result<(), Error> {
        let slot = self.keys.get_mut(step).ok_or(Error::Bug("a key above the root"))?;
        *slot = Some(key);
        Ok(())
    }

    /// Opens what is missing with the records of the bundle that came from `from`.
    pub(super) fn climb(
        &mut self,
        sealing: &Sealing,
        slots: &[Slot],
        from: u32,
        bundle: &[u8],
    ) -> Result<(), Error> {
        for at in 0..self.steps.len() {
            if self.keys.get(at).is_some_and(Option::is_some) {
                continue;
            }
            let step = self.steps.get(at).ok_or(Error::Bug("a key without a node"))?;
            let below = self.key(at.checked_sub(1).ok_or(Error::Bug("nothing to open with"))?)?;
            let record = record_for(slots, step, bundle).ok_or(Error::Bug("no record of a key"))?;
            let key = sealing.open(Use::Node, below, 0, record);
            let key = key.map_err(|_| bad(from, "a key that does not open"))?;
            self.learn(at, key)?;
        }
        Ok(())
    }

    /// The key at the root, if all are known.
    pub(super) fn root_key(&self) -> Result<&Key, Error> {
        self.key(self.steps.len().checked_sub(1).ok_or(Error::Bug("a tree without a key"))?)
    }

    /// All keys, from below.
    pub(super) fn known(&self) -> Option<Vec<Key>> {
        self.keys.iter().cloned().collect()
    }
}

/// The record of the bundle by which whoever comes along `step` learns the key of its node.
pub(super) fn record_for<'b>(slots: &[Slot], step: &Step, bundle: &'b [u8]) -> Option<&'b [u8]> {
    let is_mine =
        |slot: &Slot| Arc::ptr_eq(&slot.node, &step.node) && slot.right == step.from_right;
    let index = slots.iter().position(is_mine)?;
    bundle.chunks_exact(RECORD_LEN).nth(index)
}

/// Whether `bundle` has a record for each place.
pub(super) fn is_whole(bundle: &[u8], slots: &[Slot]) -> bool {
    bundle.len() == slots.len().saturating_mul(RECORD_LEN)
}
