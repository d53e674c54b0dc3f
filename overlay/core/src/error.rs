//! What the engine refuses, in families that say who must act.

use crate::ids::{GroupName, MemberId, NodeId};

/// Why an input was refused. The state is as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // -- wrong call: the program must change
    /// A setting that cannot work.
    #[error("settings: {0}")]
    Settings(&'static str),
    /// A name no group can have.
    #[error("a group's name has 1 to {max} bytes and no control characters")]
    GroupName {
        /// The most bytes.
        max: usize,
    },
    /// The member is not in the group here.
    #[error("member {local} of this node has not joined group {group}: join first")]
    NotJoined {
        /// The group.
        group: GroupName,
        /// The member.
        local: u32,
    },
    /// The member has joined already.
    #[error("member {local} of this node has joined group {group} already")]
    Joined {
        /// The group.
        group: GroupName,
        /// The member.
        local: u32,
    },
    /// An answer to a flush request that was not made.
    #[error("no flush request of group {group} waits for an answer")]
    NoFlush {
        /// The group.
        group: GroupName,
    },
    /// A unicast to somebody who is not in the view.
    #[error("{member} is not in the present view of group {group}")]
    NotInView {
        /// The group.
        group: GroupName,
        /// The addressee.
        member: MemberId,
    },
    /// A unicast without an addressee.
    #[error("a unicast needs an addressee: use Input::Unicast")]
    NoAddressee,
    /// The node has been told to stop.
    #[error("this node is stopping")]
    Stopping,

    // -- limits: wait, or send less
    /// A message above the limit.
    #[error("the message is larger than the limit of {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// Too much waits to be sent: wait for [`crate::Output::Writable`].
    #[error("{waiting} bytes wait to be sent; the limit is {max}: wait until there is room")]
    QueueFull {
        /// Bytes that wait.
        waiting: usize,
        /// The limit.
        max: usize,
    },
    /// The application does not read what is delivered.
    #[error("{unread} bytes of events have not been read, the limit is {max}: read before sending")]
    Backlog {
        /// Bytes not read.
        unread: usize,
        /// The limit.
        max: usize,
    },
    /// Some limit by name.
    #[error("more than {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },

    // -- bad input from a peer: it is dropped and counted
    /// A frame of another version.
    #[error(
        "{from} speaks version {theirs} of the protocol, this node {ours}: update the older one"
    )]
    Version {
        /// Who sent it.
        from: NodeId,
        /// Its version.
        theirs: u8,
        /// Ours.
        ours: u8,
    },
    /// A frame that cannot be taken.
    #[error("a frame of {from} was dropped: {reason}")]
    Dropped {
        /// Who sent it.
        from: NodeId,
        /// Why.
        reason: Drop,
    },
}

/// Why a peer's frame, or part of it, was dropped. Counted per reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Drop {
    /// Not of a version that this node speaks.
    Version,
    /// Not of this overlay.
    Overlay,
    /// Cannot be decoded, or claims what cannot be.
    Malformed,
    /// From a node outside the configuration that it is about.
    Stranger,
    /// Of a configuration that is not installed here (usual around a change).
    OtherConfiguration,
    /// Already here.
    Duplicate,
    /// Entries that overlap others of the same stream.
    Overlap,
    /// Beyond a limit of memory.
    Limit,
    /// An old ballot or request.
    Stale,
    /// Not for a view that is current here.
    OtherView,
}

impl Drop {
    /// All reasons, for counting.
    pub const ALL: [Self; 10] = [
        Self::Version,
        Self::Overlay,
        Self::Malformed,
        Self::Stranger,
        Self::OtherConfiguration,
        Self::Duplicate,
        Self::Overlap,
        Self::Limit,
        Self::Stale,
        Self::OtherView,
    ];

    /// A word for figures and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Overlay => "overlay",
            Self::Malformed => "malformed",
            Self::Stranger => "stranger",
            Self::OtherConfiguration => "other_configuration",
            Self::Duplicate => "duplicate",
            Self::Overlap => "overlap",
            Self::Limit => "limit",
            Self::Stale => "stale",
            Self::OtherView => "other_view",
        }
    }
}

impl std::fmt::Display for Drop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
