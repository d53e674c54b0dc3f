//! What these modules sign and send. A key under a channel travels as it is, without a form of its
//! own: 48 bytes; so does an acknowledgement: 16.

use serde::{Deserialize, Serialize};

/// A signed message. A module refuses those of the others.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Message {
    /// A share for new channels.
    Share(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `dist`: the tree of a part, from its subleader to the leader.
    Report(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `dist`: the tree of all, from the leader.
    Plan(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `dist`: a subleader's new keys, each under a key of its part, to the leader.
    Wraps(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `dist`: all of them, from the leader.
    Bundle(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `wgl`: the tree and all new keys, from the leader.
    Graph {
        /// The tree of all.
        #[serde(with = "serde_bytes")]
        tree: Vec<u8>,
        /// Each new key under the two below it.
        #[serde(with = "serde_bytes")]
        wraps: Vec<u8>,
    },
}
