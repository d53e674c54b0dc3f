//! The shape of a key graph: a binary tree over the members, whose inner nodes are keys (paper 002,
//! sections 3 and 4).
//!
//! A member knows the keys from itself to the root. What a change does to the tree:
//!
//! * **It falls apart.** No key that somebody knew who is gone may be used again: what is left are
//!   the highest subtrees without one, each with its keys (paper 000, Figure 3).
//! * **The parts are merged** into one tree with as few new keys as its balance allows: the two
//!   lowest are put under a new key until one is left, which gives the least height that whole parts
//!   can have. Where that is too high, a part is opened up where it has room, the keys above given
//!   up. There is a new root in any case, so that each change brings a new secret.
//!
//! *Too high* is what an AVL tree cannot be: a tree of height `h` has at least `F(h + 2)` members,
//! with the Fibonacci numbers 1, 1, 2, 3, 5…, so that `h < 1.4405 log2(n) + 1`. Single members
//! always fit (`h` is then the logarithm, rounded up), so merging comes to an end. The papers leave
//! balancing out; the bound is that of the AVL trees that they were built with later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The highest tree that is read: the bound for many more members than a view can have.
const MAX_HEIGHT: u32 = 24;

/// A tree over positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    /// A member; its own key is its channels.
    Leaf(u32),
    /// A key, and the two trees whose members know it.
    Node(Arc<Node>),
}

/// An inner node.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) left: Tree,
    pub(super) right: Tree,
    /// Whether the key is new in this run; all above a new key are.
    pub(super) fresh: bool,
    height: u32,
    size: u32,
    first: u32,
}

/// A step from a member to the root.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The node above.
    pub(super) node: Arc<Node>,
    /// Whether one comes from the right.
    pub(super) from_right: bool,
}

impl Tree {
    /// The two under a new key; the one whose leader has the lower position is left, so that it
    /// leads both.
    fn under_new_key(one: Self, other: Self) -> Self {
        let (left, right) = if one.first() <= other.first() { (one, other) } else { (other, one) };
        Self::node(left, right, true)
    }

    fn node(left: Self, right: Self, fresh: bool) -> Self {
        Self::Node(Arc::new(Node {
            fresh,
            height: left.height().max(right.height()).saturating_add(1),
            size: left.size().saturating_add(right.size()),
            first: left.first(),
            left,
            right,
        }))
    }

    /// The member on the far left: its leader.
    pub(super) fn first(&self) -> u32 {
        match self {
            Self::Leaf(position) => *position,
            Self::Node(node) => node.first,
        }
    }

    /// How many members it has.
    pub(super) fn size(&self) -> u32 {
        match self {
            Self::Leaf(_) => 1,
            Self::Node(node) => node.size,
        }
    }

    /// The longest way from its root to a member.
    pub(super) fn height(&self) -> u32 {
        match self {
            Self::Leaf(_) => 0,
            Self::Node(node) => node.height,
        }
    }

    /// Its root, if it has a key.
    pub(super) fn root(&self) -> Option<&Arc<Node>> {
        match self {
            Self::Leaf(_) => None,
            Self::Node(node) => Some(node),
        }
    }

    /// Its members, from left to right.
    pub(super) fn members(&self) -> Vec<u32> {
        let mut members = Vec::new();
        let mut open = vec![self];
        while let Some(tree) = open.pop() {
            match tree {
                Self::Leaf(position) => members.push(*position),
                Self::Node(node) => open.extend([&node.right, &node.left]),
            }
        }
        members
    }

    /// From the member at `position` up to the root; `None` if it is not there.
    pub(super) fn path(&self, position: u32) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        self.find(position, &mut steps).then_some(steps)
    }

    fn find(&self, position: u32, steps: &mut Vec<Step>) -> bool {
        match self {
            Self::Leaf(other) => *other == position,
            Self::Node(node) => {
                let found_left = node.left.find(position, steps);
                let found = found_left || node.right.find(position, steps);
                if found {
                    steps.push(Step { node: Arc::clone(node), from_right: !found_left });
                }
                found
            }
        }
    }

    /// What is left of it when members are gone and others have moved: `now` says where a member
    /// is, if it is still there. No key is new in what is left.
    pub(super) fn fall_apart(&self, now: &impl Fn(u32) -> Option<u32>) -> Vec<Self> {
        let mut loose = Vec::new();
        let whole = self.part(now, &mut loose);
        loose.extend(whole);
        loose
    }

    /// The whole tree if all are there; else its parts go to `loose`.
    fn part(&self, now: &impl Fn(u32) -> Option<u32>, loose: &mut Vec<Self>) -> Option<Self> {
        match self {
            Self::Leaf(position) => now(*position).map(Self::Leaf),
            Self::Node(node) => match (node.left.part(now, loose), node.right.part(now, loose)) {
                (Some(left), Some(right)) => Some(Self::node(left, right, false)),
                (left, right) => {
                    loose.extend(left.into_iter().chain(right));
                    None
                }
            },
        }
    }

    /// The part of this merged tree that the member at `position` comes with: the highest subtree
    /// around it without a new key.
    pub(super) fn part_of(&self, position: u32) -> Option<Self> {
        let mut part = Self::Leaf(position);
        for step in self.path(position)? {
            if step.node.fresh {
                break;
            }
            part = Self::Node(step.node);
        }
        Some(part)
    }

    /// Whether `other` is this tree or a tree in it.
    pub(super) fn contains(&self, other: &Self) -> bool {
        let Some(steps) = self.path(other.first()) else { return false };
        let mut trees = steps.iter().map(|step| Self::Node(Arc::clone(&step.node)));
        *other == Self::Leaf(other.first()) || trees.any(|tree| tree == *other)
    }

    /// Whether it may be as high as it is (see the head of this file).
    pub(super) fn is_balanced(&self) -> bool {
        self.height() <= most_height(self.size())
    }
}

/// The greatest height that a tree of that many members may have.
pub(super) fn most_height(size: u32) -> u32 {
    let (mut least, mut next, mut height) = (1u32, 2u32, 0);
    while next <= size && height < MAX_HEIGHT {
        (least, next) = (next, least.saturating_add(next));
        height += 1;
    }
    height
}

/// The best tree that can be made of `parts`; `None` of none.
pub(super) fn merge(mut parts: Vec<Tree>) -> Option<Tree> {
    let size = parts.iter().map(Tree::size).fold(0, u32::saturating_add);
    if let ([Tree::Node(root)], true) = (parts.as_slice(), size > 1) {
        parts = vec![root.left.clone(), root.right.clone()];
    }
    let room = full_size(most_height(size));
    while let Some(lacking) = parts.iter().map(full).fold(0, u64::saturating_add).checked_sub(room)
        && lacking > 0
        && open_up(&mut parts, lacking).is_some()
    {}
    pile(parts)
}

/// How many members fit under a root of that height. Trees that are put together two at a time, the
/// lowest first, come to the least height under which the sum of theirs fits.
fn full_size(height: u32) -> u64 {
    1u64.checked_shl(height).unwrap_or(u64::MAX)
}

fn full(tree: &Tree) -> u64 {
    full_size(tree.height())
}

/// Gives up the keys above a place in one of `parts` where there is room: a node with one tree below
/// it lower than the other. The one nearest to its root that has the room that is `lacking`; if
/// there is none, the one with the most. `None` if all parts are full.
fn open_up(parts: &mut Vec<Tree>, lacking: u64) -> Option<()> {
    type Rank = (u64, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>);
    let mut best: Option<(Rank, usize, Arc<Node>)> = None;
    for (index, part) in parts.iter().enumerate() {
        let mut open: Vec<(u32, &Tree)> = vec![(0, part)];
        while let Some((depth, tree)) = open.pop() {
            let Some(node) = tree.root() else { continue };
            open.extend([
                (depth.saturating_add(1), &node.right),
                (depth.saturating_add(1), &node.left),
            ]);
            let room =
                full(tree).saturating_sub(full(&node.left).saturating_add(full(&node.right)));
            // Greatest first: enough room, near the root; then much room.
            let rank = (room.min(lacking), std::cmp::Reverse(depth), std::cmp::Reverse(node.first));
            if room > 0 && best.as_ref().is_none_or(|(other, ..)| rank > *other) {
                best = Some((rank, index, Arc::clone(node)));
            }
        }
    }
    let (_, index, node) = best?;
    let part = parts.swap_remove(index);
    let steps = part.path(node.first)?;
    let above = steps.into_iter().skip_while(|step| !Arc::ptr_eq(&step.node, &node)).skip(1);
    let beside = above.map(|step| match step.from_right {
        true => step.node.left.clone(),
        false => step.node.right.clone(),
    });
    parts.extend(beside.chain([node.left.clone(), node.right.clone()]));
    Some(())
}

/// Puts the two lowest under a new key until one is left.
fn pile(parts: Vec<Tree>) -> Option<Tree> {
    let rank = |tree: &Tree| (tree.height(), tree.first());
    let mut by_rank: BTreeMap<(u32, u32), Tree> =
        parts.into_iter().map(|tree| (rank(&tree), tree)).collect();
    while let Some((_, one)) = by_rank.pop_first() {
        let Some((_, other)) = by_rank.pop_first() else { return Some(one) };
        let merged = Tree::under_new_key(one, other);
        by_rank.insert(rank(&merged), merged);
    }
    None
}

/// Writes a tree: how many members it has (two bytes), from the root down and from left to right a
/// bit for each node that says whether it is an inner one and one more that says whether that has a
/// new key, and the positions of the members, a byte each in views of up to 256 and two in others.
/// The compact records of paper 000, section 4: ranks, not names.
pub(super) fn encode(tree: &Tree, view: u32) -> Vec<u8> {
    let members = tree.members();
    let mut bytes = u16::try_from(members.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    let mut bits = Bits::default();
    let mut open = vec![tree];
    while let Some(tree) = open.pop() {
        bits.push(tree.root().is_some());
        if let Some(node) = tree.root() {
            bits.push(node.fresh);
            open.extend([&node.right, &node.left]);
        }
    }
    bytes.extend(bits.0);
    for position in members {
        let [.., high, low] = position.to_be_bytes();
        if view > 256 {
            bytes.push(high);
        }
        bytes.push(low);
    }
    bytes
}

/// Reads a tree over positions below `view`, each there at most once, no higher than any tree is,
/// with new keys below new keys alone; `None` of anything else. (Of a balanced tree a part need not
/// be balanced for itself.)
pub(super) fn decode(bytes: &[u8], view: u32) -> Option<Tree> {
    let (count, rest) = bytes.split_first_chunk()?;
    let count = usize::from(u16::from_be_bytes(*count));
    if count == 0 || count > view as usize {
        return None;
    }
    let width = if view > 256 { 2 } else { 1 };
    let (bits, ranks) = rest.split_at_checked(rest.len().checked_sub(count * width)?)?;
    // A bit for each member, two for each of the inner nodes, of which there is one less.
    if bits.len() != (3 * count - 2).div_ceil(8) {
        return None;
    }
    let mut positions = Vec::with_capacity(count);
    let mut seen = BTreeSet::new();
    for rank in ranks.chunks_exact(width) {
        let position = rank.iter().fold(0, |rank, byte| rank << 8 | u32::from(*byte));
        if position >= view || !seen.insert(position) {
            return None;
        }
        positions.push(position);
    }
    let mut reader = Reader { bits, next: 0, positions: positions.into_iter() };
    let tree = reader.tree(true, MAX_HEIGHT)?;
    reader.is_done().then_some(tree)
}

/// Bits, the first one the highest of its byte.
#[derive(Default)]
struct Bits(Vec<u8>, u32);

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.1 == 0 {
            self.0.push(0);
        }
        if let Some(byte) = self.0.last_mut() {
            *byte |= u8::from(bit) << (7 - self.1);
        }
        self.1 = (self.1 + 1) % 8;
    }
}

struct Reader<'b> {
    bits: &'b [u8],
    next: usize,
    positions: std::vec::IntoIter<u32>,
}

impl Reader<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bits.get(self.next / 8)?;
        let bit = byte >> (7 - self.next % 8) & 1 == 1;
        self.next += 1;
        Some(bit)
    }

    fn tree(&mut self, may_be_fresh: bool, height: u32) -> Option<Tree> {
        if !self.bit()? {
            return self.positions.next().map(Tree::Leaf);
        }
        let (fresh, height) = (self.bit()?, height.checked_sub(1)?);
        if fresh && !may_be_fresh {
            return None;
        }
        let left = self.tree(fresh, height)?;
        let right = self.tree(fresh, height)?;
        Some(Tree::node(left, right, fresh))
    }

    /// All positions used, and nothing behind the last bit.
    fn is_done(&mut self) -> bool {
        let mut rest = 0;
        while let Some(bit) = self.bit() {
            rest |= u8::from(bit);
        }
        rest == 0 && self.positions.next().is_none()
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
