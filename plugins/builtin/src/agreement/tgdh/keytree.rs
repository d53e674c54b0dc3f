//! A key tree during a run: whose turn it is to publish which blinded key.

use super::super::encoded::Encoded;
use super::shape::Shape;

/// A node, by its number in pre-order; the root is 0.
pub(super) type NodeId = usize;

#[derive(Clone, Debug)]
pub(super) struct Node {
    parent: Option<NodeId>,
    /// `None` at a leaf.
    children: Option<(NodeId, NodeId)>,
    /// The rightmost member below: at a leaf, the member.
    rightmost: u32,
    pub(super) blinded: Option<Encoded>,
    /// Who publishes the blinded key, if it is to be published in this run.
    pub(super) sponsor: Option<u32>,
}

impl Node {
    /// The member that answers for the blinded key: its sponsor, else the rightmost below.
    pub(super) fn speaker(&self) -> u32 {
        self.sponsor.unwrap_or(self.rightmost)
    }
}

/// The nodes in pre-order.
#[derive(Clone, Debug)]
pub(super) struct KeyTree {
    nodes: Vec<Node>,
}

impl KeyTree {
    /// The tree of that form. A member that is to publish a new share in this run is named by
    /// `refresher`: its blinded key and those above it are forgotten.
    pub(super) fn new(shape: &Shape, refresher: Option<u32>) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.push(shape, None);
        tree.appoint(0, refresher);
        tree
    }

    fn push(&mut self, shape: &Shape, parent: Option<NodeId>) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node {
            parent,
            children: None,
            rightmost: shape.rightmost(),
            blinded: shape.blinded().cloned(),
            sponsor: None,
        });
        if let Shape::Inner { children, .. } = shape {
            let [left, right] = children.as_ref();
            let pair = (self.push(left, Some(id)), self.push(right, Some(id)));
            if let Some(node) = self.nodes.get_mut(id) {
                node.children = Some(pair);
            }
        }
        id
    }

    /// Appoints a sponsor for each key that is missing below and at `id`: who published the key
    /// below it goes on; where two meet, the one on the right; where nothing below is missing, the
    /// rightmost member on the left side, which is the one the newcomers were put beside.
    fn appoint(&mut self, id: NodeId, refresher: Option<u32>) -> Option<u32> {
        let node = self.nodes.get(id)?;
        let (missing, rightmost) = (node.blinded.is_none(), node.rightmost);
        let sponsor = match node.children {
            None => refresher.filter(|member| *member == rightmost),
            Some((left, right)) => {
                let below = (self.appoint(left, refresher), self.appoint(right, refresher));
                match below {
                    (_, Some(right)) => Some(right),
                    (Some(left), None) => Some(left),
                    (None, None) if missing => self.nodes.get(left).map(|node| node.rightmost),
                    (None, None) => None,
                }
            }
        };
        let node = self.nodes.get_mut(id)?;
        node.sponsor = sponsor;
        if sponsor.is_some() {
            node.blinded = None;
        }
        sponsor
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(super) fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes from the member's leaf to the root, both included.
    pub(super) fn path(&self, member: u32) -> Vec<NodeId> {
        let is_leaf = |node: &Node| node.children.is_none() && node.rightmost == member;
        let leaf = self.nodes.iter().position(is_leaf);
        std::iter::successors(leaf, |id| self.nodes.get(*id)?.parent).collect()
    }

    /// The other child of the node's parent.
    pub(super) fn sibling(&self, id: NodeId) -> Option<NodeId> {
        let (left, right) = self.nodes.get(self.nodes.get(id)?.parent?)?.children?;
        Some(if id == left { right } else { left })
    }

    /// The nodes above the one at the end of the turns from the root.
    pub(super) fn above(&self, place: &[bool]) -> Vec<NodeId> {
        let mut at = Some(0);
        let mut above = Vec::new();
        for right in place {
            let Some(id) = at else { break };
            above.push(id);
            let children = self.nodes.get(id).and_then(|node| node.children);
            at = children.map(|pair| if *right { pair.1 } else { pair.0 });
        }
        above
    }

    /// Whether every blinded key but the root's is known.
    pub(super) fn is_whole(&self) -> bool {
        self.nodes.iter().skip(1).all(|node| node.blinded.is_some())
    }

    /// The form with the keys as they are now.
    pub(super) fn shape(&self) -> Option<Shape> {
        self.shape_below(0)
    }

    fn shape_below(&self, id: NodeId) -> Option<Shape> {
        let node = self.nodes.get(id)?;
        let blinded = node.blinded.clone();
        let Some((left, right)) = node.children else {
            return Some(Shape::Leaf { member: node.rightmost, blinded });
        };
        let join = Shape::join(self.shape_below(left)?, self.shape_below(right)?);
        let Shape::Inner { height, children, .. } = join else { return None };
        Some(Shape::Inner { height, blinded, children })
    }
}
