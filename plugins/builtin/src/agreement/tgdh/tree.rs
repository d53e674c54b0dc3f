//! A key tree: how members come and go, and who publishes which blinded key.
//!
//! Nodes lie in pre-order in one array, their blinded keys in another: a tree is copied by copying
//! two blocks of memory, and a subtree is a range.

use super::super::encoded::{bad, counted, holds_each};
use cenacle_plugin::Error;
use std::ops::Range;
use std::sync::Arc;

/// The greatest height of a tree. Insertion keeps heights near the logarithm of the largest number
/// of members that the group ever had; the bound keeps recursion on a peer's tree shallow.
pub(super) const MAX_HEIGHT: u16 = 64;

/// A node, by its number in pre-order; the root is 0.
pub(super) type NodeId = usize;

/// Where a subtree goes: the node that becomes its sibling.
pub(super) type Place = NodeId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    /// Nodes below and including this one; 1 at a leaf.
    size: u32,
    /// The rightmost member below: at a leaf, the member.
    rightmost: u32,
    /// Edges to the deepest leaf below.
    height: u16,
    /// Whether the blinded key is known.
    known: bool,
}

/// A full binary tree with members at its leaves and a blinded key at each node, where known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// The blinded keys, `key_len` bytes a node; zeros where none is known.
    keys: Vec<u8>,
    key_len: usize,
}

impl Tree {
    /// A member alone.
    pub(super) fn leaf(member: u32, blinded: &[u8]) -> Self {
        let node = Node { size: 1, rightmost: member, height: 0, known: true };
        Self { nodes: vec![node], keys: blinded.to_vec(), key_len: blinded.len() }
    }

    fn empty(key_len: usize, nodes: usize) -> Self {
        let keys = Vec::with_capacity(nodes * key_len);
        Self { nodes: Vec::with_capacity(nodes), keys, key_len }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Edges from the root to the deepest leaf.
    pub(super) fn height(&self) -> u16 {
        self.nodes.first().map_or(0, |node| node.height)
    }

    /// The blinded key of a node, if it is known.
    pub(super) fn blinded(&self, id: NodeId) -> Option<&[u8]> {
        self.nodes.get(id).filter(|node| node.known)?;
        self.keys.get(self.bytes_of(id..id + 1))
    }

    /// Notes the blinded key of a node.
    pub(super) fn publish(&mut self, id: NodeId, blinded: &[u8]) {
        let bytes = self.bytes_of(id..id + 1);
        let slot = self.keys.get_mut(bytes).filter(|slot| slot.len() == blinded.len());
        if let (Some(node), Some(slot)) = (self.nodes.get_mut(id), slot) {
            node.known = true;
            slot.copy_from_slice(blinded);
        }
    }

    /// Forgets the blinded key of a node.
    pub(super) fn forget(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.known = false;
        }
    }

    /// Whether every blinded key but the root's is known.
    pub(super) fn is_whole(&self) -> bool {
        self.nodes.iter().skip(1).all(|node| node.known)
    }

    /// The rightmost member below the node.
    pub(super) fn rightmost(&self, id: NodeId) -> u32 {
        self.nodes.get(id).map_or(u32::MAX, |node| node.rightmost)
    }

    /// Left and right child; `None` at a leaf.
    pub(super) fn children(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        self.nodes.get(id).filter(|node| node.size > 1)?;
        Some((id + 1, id + 1 + self.size(id + 1)))
    }

    /// The nodes from the member's leaf to the root, both included, and beside each but the root
    /// its sibling.
    pub(super) fn path(&self, member: u32) -> (Vec<NodeId>, Vec<NodeId>) {
        let is_leaf = |node: &Node| node.size == 1 && node.rightmost == member;
        let Some(leaf) = self.nodes.iter().position(is_leaf) else { return Default::default() };
        let (mut at, mut path, mut siblings) = (0, vec![0], Vec::new());
        while let Some((left, right)) = self.children(at) {
            let (next, other) = if leaf < right { (left, right) } else { (right, left) };
            at = next;
            path.push(next);
            siblings.push(other);
        }
        path.reverse();
        siblings.reverse();
        (path, siblings)
    }

    /// Members from left to right, with their depths.
    pub(super) fn leaves(&self) -> Vec<(u32, u16)> {
        let mut leaves = Vec::with_capacity(self.nodes.len().div_ceil(2));
        self.visit(0, 0, &mut |node, depth| {
            if node.size == 1 {
                leaves.push((node.rightmost, depth));
            }
        });
        leaves
    }

    fn visit(&self, id: NodeId, depth: u16, see: &mut impl FnMut(&Node, u16)) {
        let Some(node) = self.nodes.get(id) else { return };
        see(node, depth);
        if let Some((left, right)) = self.children(id) {
            self.visit(left, depth.saturating_add(1), see);
            self.visit(right, depth.saturating_add(1), see);
        }
    }

    /// Of these members the one nearest to the root, of several the rightmost: its refresh costs
    /// least. `None` when none of them is here.
    pub(super) fn shallowest(&self, among: impl Fn(u32) -> bool) -> Option<u32> {
        let leaves = self.leaves().into_iter().rev().filter(|(member, _)| among(*member));
        leaves.min_by_key(|(_, depth)| *depth).map(|(member, _)| member)
    }

    /// The tree with members renamed, those without a new name taken out, and the keys above
    /// whatever was taken out forgotten; `None` if nobody is left. Also the rightmost members of
    /// the subtrees that took their parents' places: the sponsors of the departures.
    pub(super) fn keep(&self, rename: &impl Fn(u32) -> Option<u32>) -> (Option<Self>, Vec<u32>) {
        let mut kept = Self::empty(self.key_len, self.nodes.len());
        let mut sponsors = Vec::new();
        let any = self.keep_below(0, rename, &mut kept, &mut sponsors);
        (any.then_some(kept), sponsors)
    }

    fn keep_below(
        &self,
        id: NodeId,
        rename: &impl Fn(u32) -> Option<u32>,
        kept: &mut Self,
        sponsors: &mut Vec<u32>,
    ) -> bool {
        let (Some(node), Some(key)) =
            (self.nodes.get(id), self.keys.get(self.bytes_of(id..id + 1)))
        else {
            return false;
        };
        let Some((left, right)) = self.children(id) else {
            let Some(member) = rename(node.rightmost) else { return false };
            kept.nodes.push(Node { rightmost: member, ..*node });
            kept.keys.extend_from_slice(key);
            return true;
        };
        let (place, departures) = (kept.nodes.len(), sponsors.len());
        kept.nodes.push(*node);
        kept.keys.extend_from_slice(key);
        let sides = (
            self.keep_below(left, rename, kept, sponsors),
            self.keep_below(right, rename, kept, sponsors),
        );
        if sides != (true, true) {
            // What is left of the subtree takes this node's place.
            kept.nodes.remove(place);
            let bytes = kept.bytes_of(place..place + 1);
            kept.keys.drain(bytes);
            if sides != (false, false) {
                sponsors.push(kept.rightmost(place));
            }
            return sides != (false, false);
        }
        if sponsors.len() > departures {
            kept.forget(place);
        }
        kept.measure(place);
        true
    }

    /// Where the paper's rule puts a tree of that height: beside the shallowest node, of several
    /// the rightmost, at which the whole tree grows no higher; else beside the root.
    pub(super) fn place(&self, height: u16) -> Place {
        let mut best = (self.height(), 0);
        self.place_below(0, 0, height, &mut best);
        best.1
    }

    /// Looks for such a node that is less deep than the best so far, the right side first.
    fn place_below(&self, id: NodeId, depth: u16, height: u16, best: &mut (u16, Place)) {
        // Further down nothing gets shorter.
        let deeper = depth.saturating_add(1);
        if depth >= best.0 || deeper.saturating_add(height) > self.height() {
            return;
        }
        let below = self.nodes.get(id).map_or(0, |node| node.height).max(height);
        if deeper.saturating_add(below) <= self.height() {
            *best = (depth, id);
        } else if let Some((left, right)) = self.children(id) {
            self.place_below(right, deeper, height, best);
            self.place_below(left, deeper, height, best);
        }
    }

    /// Puts `other` to the right of the node at `place`; all keys above are new.
    pub(super) fn insert(&mut self, other: &Self, place: Place) {
        let above = self.above(place);
        let after = place + self.size(place);
        let node = Node { size: 0, rightmost: 0, height: 0, known: false };
        self.nodes.splice(after..after, other.nodes.iter().copied());
        self.nodes.insert(place, node);
        let bytes = self.bytes_of(after..after);
        self.keys.splice(bytes, other.keys.iter().copied());
        let bytes = self.bytes_of(place..place);
        self.keys.splice(bytes, std::iter::repeat_n(0, self.key_len));
        self.measure(place);
        for id in above.into_iter().rev() {
            self.forget(id);
            self.measure(id);
        }
    }

    /// The nodes above the one at `place`, the root first.
    pub(super) fn above(&self, place: Place) -> Vec<NodeId> {
        let (mut at, mut above) = (0, Vec::new());
        while at != place {
            let Some((left, right)) = self.children(at) else { break };
            above.push(at);
            at = if place < right { left } else { right };
        }
        above
    }

    /// One tree from several: the highest is the trunk, the others are inserted from the highest
    /// to the lowest; of equal height, in the order given.
    pub(super) fn merge(mut trees: Vec<Arc<Self>>) -> Option<Self> {
        trees.sort_by_key(|tree| std::cmp::Reverse(tree.height()));
        let (highest, others) = trees.split_first()?;
        let mut trunk = Self::empty(highest.key_len, trees.iter().map(|tree| tree.len() + 1).sum());
        trunk.nodes.extend_from_slice(&highest.nodes);
        trunk.keys.extend_from_slice(&highest.keys);
        for tree in others {
            let place = trunk.place(tree.height());
            trunk.insert(tree, place);
        }
        Some(trunk)
    }

    /// Appoints a sponsor for each blinded key that is missing: who published the key below it
    /// goes on; where two meet, the one on the right; where nothing below is missing, the
    /// rightmost member on the left side, which is the one the newcomers were put beside.
    /// A member that is to publish a new share is named by `refresher`: its key and those above
    /// it are forgotten. The answer is by node.
    pub(super) fn appoint(&mut self, refresher: Option<u32>) -> Vec<Option<u32>> {
        let mut sponsors = vec![None; self.nodes.len()];
        // In pre-order children come after their parents: backwards, before them.
        for id in (0..self.nodes.len()).rev() {
            let sponsor = match self.children(id) {
                None => refresher.filter(|member| *member == self.rightmost(id)),
                Some((left, right)) => {
                    let of = |id: NodeId| sponsors.get(id).copied().flatten();
                    let missing = self.blinded(id).is_none().then(|| self.rightmost(left));
                    of(right).or(of(left)).or(missing)
                }
            };
            if sponsor.is_some() {
                self.forget(id);
            }
            if let Some(slot) = sponsors.get_mut(id) {
                *slot = sponsor;
            }
        }
        sponsors
    }

    fn size(&self, id: NodeId) -> usize {
        self.nodes.get(id).map_or(1, |node| node.size as usize)
    }

    fn bytes_of(&self, nodes: Range<NodeId>) -> Range<usize> {
        nodes.start * self.key_len..nodes.end * self.key_len
    }

    /// Sets what follows from a node's children.
    fn measure(&mut self, id: NodeId) {
        let left = self.nodes.get(id + 1).copied();
        let right = left.and_then(|left| self.nodes.get(id + 1 + left.size as usize).copied());
        if let (Some(left), Some(right), Some(node)) = (left, right, self.nodes.get_mut(id)) {
            node.size = left.size.saturating_add(right.size).saturating_add(1);
            node.height = left.height.max(right.height).saturating_add(1);
            node.rightmost = right.rightmost;
        }
    }
}

/// A byte a node on the wire. The node has two children, which follow it; otherwise it is a leaf.
const INNER: u8 = 1;
/// The node's blinded key is known.
const KNOWN: u8 = 2;

/// A tree as it travels: nodes in pre-order, a byte each; positions of the members at the leaves,
/// two bytes each, most significant first; the blinded keys that are known.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packed {
    #[serde(with = "serde_bytes")]
    nodes: Vec<u8>,
    #[serde(with = "serde_bytes")]
    members: Vec<u8>,
    #[serde(with = "serde_bytes")]
    blinded: Vec<u8>,
}

impl Packed {
    pub(super) fn new(tree: &Tree) -> Self {
        let mut packed = Self::default();
        for (id, node) in tree.nodes.iter().enumerate() {
            let inner = if node.size > 1 { INNER } else { 0 };
            packed.nodes.push(inner | if node.known { KNOWN } else { 0 });
            packed.blinded.extend_from_slice(tree.blinded(id).unwrap_or_default());
            if inner == 0 {
                // Positions are below the largest view, which is below 2^16.
                let position = u16::try_from(node.rightmost).unwrap_or(u16::MAX);
                packed.members.extend(position.to_be_bytes());
            }
        }
        packed
    }

    /// The tree, if it is one over exactly `members` (growing) with a blinded key at each leaf.
    pub(super) fn open<G: cenacle_dh::DhGroup>(
        &self,
        from: u32,
        members: &[u32],
    ) -> Result<Tree, Error> {
        if self.nodes.len() + 1 != members.len() * 2 || self.members.len() != members.len() * 2 {
            return Err(bad(from, "a tree that has not as many leaves as its class has members"));
        }
        let position = |pair: &[u8]| pair.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
        let positions: Vec<u32> = self.members.chunks_exact(2).map(position).collect();
        if !holds_each(&positions, members) {
            return Err(bad(from, "a tree over other members than those of its class"));
        }
        let known = self.nodes.iter().filter(|node| **node & KNOWN != 0).count();
        counted::<G>(from, &self.blinded, known)?;
        let mut tree = Tree::empty(G::ELEMENT_LEN, self.nodes.len());
        let mut keys = self.blinded.chunks_exact(G::ELEMENT_LEN);
        let mut members = positions.into_iter();
        for byte in &self.nodes {
            let (inner, known) = (byte & INNER != 0, byte & KNOWN != 0);
            if byte & !(INNER | KNOWN) != 0 || !(inner || known) {
                return Err(bad(from, "a node of no known kind, or a leaf without a key"));
            }
            let rightmost = if inner { Some(0) } else { members.next() };
            let rightmost = rightmost.ok_or(bad(from, "a tree with too many leaves"))?;
            tree.nodes.push(Node { size: 1, rightmost, height: 0, known });
            match if known { keys.next() } else { None } {
                Some(key) => tree.keys.extend_from_slice(key),
                None => tree.keys.resize(tree.keys.len() + G::ELEMENT_LEN, 0),
            }
        }
        tree.assemble(&self.nodes).ok_or(bad(from, "nodes that are no tree, or one too high"))?;
        Ok(tree)
    }
}

impl Tree {
    /// Sets what follows from the kinds of the nodes, from the last to the first; `None` if they
    /// are not one full tree of bounded height.
    fn assemble(&mut self, kinds: &[u8]) -> Option<()> {
        // Roots of the subtrees behind the present node, the nearest last.
        let mut roots: Vec<NodeId> = Vec::new();
        for id in (0..self.nodes.len()).rev() {
            if kinds.get(id)? & INNER != 0 {
                roots.pop()?;
                roots.pop()?;
                self.measure(id);
                if self.nodes.get(id)?.height > MAX_HEIGHT {
                    return None;
                }
            }
            roots.push(id);
        }
        (roots == [0]).then_some(())
    }
}
