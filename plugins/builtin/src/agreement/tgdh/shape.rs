//! The form of a key tree: how members come and go, and how it travels.

use super::super::encoded::{Encoded, bad, cut};
use cenacle_dh::DhGroup;
use cenacle_plugin::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The greatest height of a tree. Insertion keeps heights near the logarithm of the largest number
/// of members that the group ever had; the bound keeps recursion on a peer's tree shallow.
pub(super) const MAX_HEIGHT: u16 = 64;

/// A full binary tree with members at its leaves and a blinded key at each node, where it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Leaf { member: u32, blinded: Option<Encoded> },
    Inner { height: u16, blinded: Option<Encoded>, children: Box<[Shape; 2]> },
}

/// Where a subtree goes: the turns from the root to the node that becomes its sibling; `true` is
/// right.
pub(super) type Place = Vec<bool>;

impl Shape {
    /// A node over two subtrees; its own key is new.
    pub(super) fn join(left: Self, right: Self) -> Self {
        let height = left.height().max(right.height()).saturating_add(1);
        Self::Inner { height, blinded: None, children: Box::new([left, right]) }
    }

    /// Edges from here to the deepest leaf.
    pub(super) fn height(&self) -> u16 {
        match self {
            Self::Leaf { .. } => 0,
            Self::Inner { height, .. } => *height,
        }
    }

    pub(super) fn blinded(&self) -> Option<&Encoded> {
        match self {
            Self::Leaf { blinded, .. } | Self::Inner { blinded, .. } => blinded.as_ref(),
        }
    }

    /// Members from left to right, with their depths.
    pub(super) fn leaves(&self) -> Vec<(u32, u16)> {
        let mut leaves = Vec::new();
        self.visit_leaves(0, &mut leaves);
        leaves
    }

    fn visit_leaves(&self, depth: u16, leaves: &mut Vec<(u32, u16)>) {
        match self {
            Self::Leaf { member, .. } => leaves.push((*member, depth)),
            Self::Inner { children, .. } => {
                for child in children.iter() {
                    child.visit_leaves(depth.saturating_add(1), leaves);
                }
            }
        }
    }

    /// The rightmost member below here.
    pub(super) fn rightmost(&self) -> u32 {
        match self {
            Self::Leaf { member, .. } => *member,
            Self::Inner { children, .. } => children[1].rightmost(),
        }
    }

    /// The member nearest to the root, of several the rightmost: its refresh costs least.
    pub(super) fn shallowest(&self) -> u32 {
        let nearest = self.leaves().into_iter().rev().min_by_key(|(_, depth)| *depth);
        nearest.map_or_else(|| self.rightmost(), |(member, _)| member)
    }

    /// The tree with members renamed, those without a new name taken out, and the keys above
    /// whatever was taken out forgotten. Also the rightmost members of the subtrees that took
    /// their parents' places: the sponsors of the departure.
    pub(super) fn keep(&self, rename: &dyn Fn(u32) -> Option<u32>) -> (Option<Self>, Vec<u32>) {
        let mut sponsors = Vec::new();
        let kept = self.keep_below(rename, &mut sponsors);
        (kept, sponsors)
    }

    fn keep_below(
        &self,
        rename: &dyn Fn(u32) -> Option<u32>,
        sponsors: &mut Vec<u32>,
    ) -> Option<Self> {
        match self {
            Self::Leaf { member, blinded } => {
                Some(Self::Leaf { member: rename(*member)?, blinded: blinded.clone() })
            }
            Self::Inner { blinded, children, .. } => {
                let [left, right] = children.as_ref();
                let before = sponsors.len();
                let sides = (left.keep_below(rename, sponsors), right.keep_below(rename, sponsors));
                match sides {
                    (Some(a), Some(b)) => {
                        let same = sponsors.len() == before;
                        let blinded = if same { blinded.clone() } else { None };
                        let Self::Inner { height, children, .. } = Self::join(a, b) else {
                            return None;
                        };
                        Some(Self::Inner { height, blinded, children })
                    }
                    (Some(rest), None) | (None, Some(rest)) => {
                        sponsors.push(rest.rightmost());
                        Some(rest)
                    }
                    (None, None) => None,
                }
            }
        }
    }

    /// Where the paper's rule puts a tree of that height: beside the shallowest node, of several
    /// the rightmost, at which the whole tree grows no higher; else beside the root.
    pub(super) fn place(&self, height: u16) -> Place {
        let limit = self.height();
        let mut level: Vec<(&Self, Place)> = vec![(self, Vec::new())];
        for depth in 0..limit {
            let fits = |node: &Self| depth.saturating_add(1) + node.height().max(height) <= limit;
            if let Some((_, place)) = level.iter().find(|(node, _)| fits(node)) {
                return place.clone();
            }
            level = level.iter().flat_map(|(node, place)| node.turns(place)).collect();
        }
        Vec::new()
    }

    /// The children from right to left.
    fn turns(&self, place: &Place) -> Vec<(&Self, Place)> {
        let Self::Inner { children, .. } = self else { return Vec::new() };
        let turn = |right: bool| {
            let mut place = place.clone();
            place.push(right);
            (&children[usize::from(right)], place)
        };
        vec![turn(true), turn(false)]
    }

    /// The node at the end of the turns.
    pub(super) fn at(&self, place: &[bool]) -> &Self {
        match (self, place.split_first()) {
            (Self::Inner { children, .. }, Some((right, rest))) => {
                children[usize::from(*right)].at(rest)
            }
            _ => self,
        }
    }

    /// Puts `other` to the right of the node at `place`; all keys above are new.
    pub(super) fn insert(self, other: Self, place: &[bool]) -> Self {
        match (self, place.split_first()) {
            (Self::Inner { children, .. }, Some((right, rest))) => {
                let [a, b] = *children;
                if *right {
                    Self::join(a, b.insert(other, rest))
                } else {
                    Self::join(a.insert(other, rest), b)
                }
            }
            (here, _) => Self::join(here, other),
        }
    }

    /// One tree from several: the highest is the trunk, the others are inserted from the highest
    /// to the lowest; of equal height, in the order given.
    pub(super) fn merge(mut trees: Vec<Self>) -> Option<Self> {
        trees.sort_by_key(|tree| std::cmp::Reverse(tree.height()));
        trees.into_iter().reduce(|trunk, tree| {
            let place = trunk.place(tree.height());
            trunk.insert(tree, &place)
        })
    }
}

/// A tree as it travels: nodes in pre-order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packed {
    /// A byte a node: [`INNER`] and [`KNOWN`].
    #[serde(with = "serde_bytes")]
    nodes: Vec<u8>,
    /// Positions of the members at the leaves, two bytes each, most significant first.
    #[serde(with = "serde_bytes")]
    members: Vec<u8>,
    /// The blinded keys of the nodes that have one.
    #[serde(with = "serde_bytes")]
    blinded: Vec<u8>,
}

/// The node has two children, which follow it; otherwise it is a leaf.
const INNER: u8 = 1;
/// The node's blinded key is known.
const KNOWN: u8 = 2;

impl Packed {
    pub(super) fn new(shape: &Shape) -> Self {
        let mut packed = Self::default();
        packed.push(shape);
        packed
    }

    fn push(&mut self, shape: &Shape) {
        let known = if shape.blinded().is_some() { KNOWN } else { 0 };
        self.blinded.extend(shape.blinded().into_iter().flat_map(|key| key.iter()));
        match shape {
            Shape::Leaf { member, .. } => {
                self.nodes.push(known);
                // Positions are below the largest view, which is below 2^16.
                self.members.extend(u16::try_from(*member).unwrap_or(u16::MAX).to_be_bytes());
            }
            Shape::Inner { children, .. } => {
                self.nodes.push(known | INNER);
                children.iter().for_each(|child| self.push(child));
            }
        }
    }

    /// The tree, if it is one over exactly `members` (growing) with a blinded key at each leaf.
    pub(super) fn open<G: DhGroup>(&self, from: u32, members: &[u32]) -> Result<Shape, Error> {
        if self.nodes.len() != members.len() * 2 - 1 || self.members.len() != members.len() * 2 {
            return Err(bad(from, "a tree that has not as many leaves as its class has members"));
        }
        let named: BTreeSet<u32> = self.positions().collect();
        if !named.iter().eq(members) {
            return Err(bad(from, "a tree over other members than those of its class"));
        }
        let known = self.nodes.iter().filter(|node| **node & KNOWN != 0).count();
        let mut reader = Reader {
            from,
            nodes: self.nodes.iter(),
            members: self.positions(),
            blinded: cut::<G>(from, &self.blinded, known)?.into_iter(),
        };
        let shape = reader.shape(0)?;
        match reader.nodes.next() {
            None => Ok(shape),
            Some(_) => Err(bad(from, "a tree with nodes to spare")),
        }
    }

    fn positions(&self) -> impl Iterator<Item = u32> {
        self.members
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }
}

struct Reader<N, M, B> {
    from: u32,
    nodes: N,
    members: M,
    blinded: B,
}

impl<'n, N, M, B> Reader<N, M, B>
where
    N: Iterator<Item = &'n u8>,
    M: Iterator<Item = u32>,
    B: Iterator<Item = Encoded>,
{
    fn shape(&mut self, depth: u16) -> Result<Shape, Error> {
        let broken = bad(self.from, "a tree with nodes missing");
        if depth > MAX_HEIGHT {
            return Err(bad(self.from, "a tree that is too high"));
        }
        let node = *self.nodes.next().ok_or(broken.clone())?;
        let blinded = if node & KNOWN == 0 { None } else { self.blinded.next() };
        match node & !KNOWN {
            0 if blinded.is_none() => Err(bad(self.from, "a leaf without a blinded key")),
            0 => Ok(Shape::Leaf { member: self.members.next().ok_or(broken)?, blinded }),
            INNER => {
                let children = [self.shape(depth + 1)?, self.shape(depth + 1)?];
                let height = children[0].height().max(children[1].height()).saturating_add(1);
                Ok(Shape::Inner { height, blinded, children: Box::new(children) })
            }
            _ => Err(bad(self.from, "a tree with nodes of no known kind")),
        }
    }
}
