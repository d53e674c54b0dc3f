//! Names in event lines, written without making strings of them first.

use cenacle_core::{Ballot, MemberId, NodeId, ViewId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The name of something: what it is made of when written, text when read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Label {
    /// Any text.
    Text(String),
    /// A node.
    Node(NodeId),
    /// A member.
    Member(MemberId),
    /// A view.
    View(ViewId),
    /// A configuration.
    Configuration(Ballot),
    /// A message: its sender and its sender's number.
    Message(MemberId, u64),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Node(node) => node.fmt(f),
            Self::Member(member) => member.fmt(f),
            Self::View(view) => view.fmt(f),
            Self::Configuration(ballot) => ballot.fmt(f),
            Self::Message(sender, number) => write!(f, "{sender}#{number}"),
        }
    }
}

impl PartialEq for Label {
    /// By what is written.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Label {}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::Text)
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
