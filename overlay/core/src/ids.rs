//! Names of nodes, members, configurations, groups and views, and places in the total order.

use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, str::FromStr};

/// One life of one process of the overlay: its public key and an incarnation that grows at every
/// start, so that a restarted node is another node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeId {
    /// The Ed25519 public key; the engine compares it and nothing else.
    #[serde(with = "serde_bytes")]
    pub key: [u8; 32],
    /// Grows at every start of the process.
    pub incarnation: u64,
}

/// Values by node, in the order of insertion. A node is looked up for every frame, a hundred times
/// as often as one is added; the hash has no secret, so that equal runs are equal: the nodes are
/// admitted, and at most as many as a configuration has.
pub(crate) type NodeMap<V> = indexmap::IndexMap<NodeId, V, rustc_hash::FxBuildHasher>;

impl Ord for NodeId {
    /// By key, then by incarnation. Keys nearly always differ in their first eight bytes, and nodes
    /// are looked up for every frame.
    fn cmp(&self, other: &Self) -> Ordering {
        let head = |key: &[u8; 32]| key.first_chunk::<8>().map(|head| u64::from_be_bytes(*head));
        head(&self.key)
            .cmp(&head(&other.key))
            .then_with(|| self.key.cmp(&other.key))
            .then(self.incarnation.cmp(&other.incarnation))
    }
}

impl PartialOrd for NodeId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NodeId {
    /// Eight hexadecimal digits of the key and the incarnation: for people and traces, where keys
    /// that share four bytes do not occur.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.key;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}.{}", self.incarnation)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What joins a group: a node's own member or one of its clients.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberId {
    /// Where the member lives.
    pub node: NodeId,
    /// Which of the node's members it is.
    pub local: u32,
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.local)
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A proposal for a configuration, and the name of the configuration that it installs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    /// Grows with every proposal that its members know of.
    pub epoch: u64,
    /// The node that proposes.
    pub proposer: NodeId,
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.epoch, self.proposer)
    }
}

impl fmt::Debug for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a group: 1 to [`GroupName::MAX`] bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(std::sync::Arc<str>);

impl GroupName {
    /// The most bytes of a name: it travels in control entries, and people read it.
    pub const MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupName {
    type Err = crate::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.is_empty() || name.len() > Self::MAX || name.chars().any(char::is_control) {
            return Err(crate::Error::GroupName { max: Self::MAX });
        }
        Ok(Self(name.into()))
    }
}

impl TryFrom<String> for GroupName {
    type Error = crate::Error;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A place in the total order: grows at every member, for life.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default, Debug,
)]
pub struct Order {
    /// The configuration's epoch.
    pub epoch: u64,
    /// The place in it; 0 is the installation.
    pub position: Position,
}

/// A place in one configuration: Lamport clock, then rank of the origin.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default, Debug,
)]
pub struct Position(u64);

impl Position {
    /// The installation of the configuration, before every entry.
    pub const INSTALLATION: Self = Self(0);

    /// The place of an entry with this clock from the node of this rank. Clocks are below 2^48
    /// (frames with larger ones are refused).
    pub fn new(clock: u64, rank: u16) -> Self {
        Self((clock << 16) | u64::from(rank))
    }

    /// As one number that grows.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The rank of the entry's origin.
    pub fn rank(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}

/// The name of a view of a group: where it was installed, and by which configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct ViewId {
    /// The place of its installation.
    pub order: Order,
    /// Who proposed the configuration: components of the same epoch differ in it.
    pub proposer: NodeId,
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}@{}", self.order.epoch, self.order.position.0, self.proposer)
    }
}

/// What an application entry is addressed to: a VS group's view, or an EVS group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct Channel(pub u64);

impl Channel {
    /// The channel of a VS group in one view.
    pub fn of_view(group: &GroupName, view: ViewId) -> Self {
        Self(tag(
            "cenacle channel of a view v1",
            &[
                group.as_str().as_bytes(),
                &view.order.epoch.to_le_bytes(),
                &view.order.position.0.to_le_bytes(),
                &view.proposer.key,
                &view.proposer.incarnation.to_le_bytes(),
            ],
        ))
    }

    /// The channel of an EVS group.
    pub fn of_group(group: &GroupName) -> Self {
        Self(tag("cenacle channel of a group v1", &[group.as_str().as_bytes()]))
    }
}

/// What frames carry instead of overlay name and ballot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ConfigurationTag(pub(crate) u64);

impl ConfigurationTag {
    pub(crate) fn new(overlay: &str, ballot: Ballot) -> Self {
        Self(tag(
            "cenacle configuration v1",
            &[
                overlay.as_bytes(),
                &ballot.epoch.to_le_bytes(),
                &ballot.proposer.key,
                &ballot.proposer.incarnation.to_le_bytes(),
            ],
        ))
    }
}

/// What control frames carry instead of the overlay's name and the limits that its nodes share.
pub(crate) fn overlay_tag(overlay: &str, limits: [usize; 4]) -> u64 {
    let [a, b, c, d] = limits.map(|limit| (limit as u64).to_le_bytes());
    tag("cenacle overlay v1", &[overlay.as_bytes(), &a, &b, &c, &d])
}

/// Eight bytes of a keyed hash: each part behind its length, under a context of its own.
fn tag(context: &str, parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
