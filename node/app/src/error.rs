//! What the library refuses, in families that say who must act.

use cenacle_core::{GroupName, MemberId};
use std::net::SocketAddr;
use std::sync::Arc;

/// Why something could not be done. State is as it was.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // -- wrong call or configuration: the program or its file must change
    /// A group that the configuration does not have.
    #[error("group {group:?} is not configured{known}: add a [[group]] of this name")]
    UnknownGroup {
        /// The name, escaped.
        group: String,
        /// The groups that there are, in words.
        known: String,
    },
    /// A group without keys has none to change.
    #[error("group {group} has no key to change: it is insecure")]
    NoKeys {
        /// The group.
        group: GroupName,
    },
    /// A module that a group chose is not there, or cannot be used so.
    #[error("group {group}: {detail}")]
    Module {
        /// The group.
        group: String,
        /// What to do.
        detail: String,
    },
    /// This member may only listen.
    #[error("this member of group {group} may only read: {detail}")]
    ReadOnly {
        /// The group.
        group: GroupName,
        /// Why, and until when.
        detail: String,
    },
    /// A node's name that nobody could read.
    #[error("a name has 1 to 64 bytes without control characters: choose another [node] name")]
    Name,
    /// The member has left, or was refused.
    #[error("this member is not in group {group} any more: join again")]
    Gone {
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
    /// A name that no member of the view has.
    #[error("nobody called {member} is in the present view of group {group}")]
    NoSuchMember {
        /// The group.
        group: GroupName,
        /// The name, escaped.
        member: String,
    },
    /// `Service::Unicast` where a multicast is meant.
    #[error("a unicast needs an addressee: call `unicast`")]
    NoAddressee,
    /// The node has been told to stop.
    #[error("this node has stopped")]
    Stopped,

    // -- limits: wait, or send less
    /// A message above the limit.
    #[error("the message is larger than the limit of {max} bytes: send it in parts")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// `try_send` before the first view.
    #[error("group {group} has no view yet: wait for it, or use `send`")]
    NoView {
        /// The group.
        group: GroupName,
    },
    /// `try_send` while too much waits to be sent.
    #[error("too much waits to be sent in group {group}: wait, or use `send`")]
    QueueFull {
        /// The group.
        group: GroupName,
    },
    /// The application does not read what is delivered.
    #[error("{unread} bytes of events have not been read, the limit is {max}: read before sending")]
    Backlog {
        /// Bytes not read.
        unread: usize,
        /// The limit.
        max: usize,
    },

    /// The file with what a member shows for itself cannot be used.
    #[error("evidence for group {group}: {detail}")]
    Evidence {
        /// The group.
        group: GroupName,
        /// What is wrong, and what to do.
        detail: String,
    },

    // -- from below
    /// The configuration cannot be used: whoever wrote it must act.
    #[error(transparent)]
    Configuration(#[from] crate::config::Problems),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] cenacle_core::Error),
    /// The network could not be set up.
    #[error(transparent)]
    Network(Arc<cenacle_net::Error>),
    /// The figures cannot be served there.
    #[error("the figures cannot be served at {address}: {source}; choose another [metrics] listen")]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: Arc<std::io::Error>,
    },
}

impl Error {
    /// A word that programs can compare, as in `refused` events.
    pub fn code(&self) -> &'static str {
        use cenacle_core::Error as Engine;
        match self {
            Self::UnknownGroup { .. } => "unknown_group",
            Self::NoKeys { .. } => "no_keys",
            Self::Module { .. } => "module",
            Self::ReadOnly { .. } => "read_only",
            Self::Name => "name",
            Self::Gone { .. } | Self::Engine(Engine::NotJoined { .. }) => "not_joined",
            Self::NotInView { .. }
            | Self::NoSuchMember { .. }
            | Self::Engine(Engine::NotInView { .. }) => "not_in_view",
            Self::NoAddressee | Self::Engine(Engine::NoAddressee) => "no_addressee",
            Self::Stopped | Self::Engine(Engine::Stopping) => "stopping",
            Self::TooLarge { .. } | Self::Engine(Engine::TooLarge { .. }) => "too_large",
            Self::NoView { .. } => "no_view",
            Self::QueueFull { .. } | Self::Engine(Engine::QueueFull { .. }) => "queue_full",
            Self::Backlog { .. } | Self::Engine(Engine::Backlog { .. }) => "backlog",
            Self::Engine(Engine::Joined { .. }) => "joined",
            Self::Engine(Engine::NoFlush { .. }) => "no_flush_request",
            Self::Engine(Engine::GroupName { .. }) => "group_name",
            Self::Engine(Engine::TooMany { .. }) => "too_many",
            Self::Engine(_) => "engine",
            Self::Evidence { .. } => "evidence",
            Self::Configuration(_) => "configuration",
            Self::Network(_) => "network",
            Self::Metrics { .. } => "metrics",
        }
    }
}

impl From<cenacle_secure::StackError> for Error {
    fn from(error: cenacle_secure::StackError) -> Self {
        use cenacle_secure::StackError as Stack;
        match error {
            Stack::Engine(error) => Self::Engine(error),
            Stack::Module { group, detail } => Self::Module { group, detail },
            Stack::ReadOnly { group, detail } => Self::ReadOnly { group, detail },
            Stack::MemberFull { group } => Self::QueueFull { group },
            // A kind of a later version.
            other => Self::Module { group: String::new(), detail: other.to_string() },
        }
    }
}

impl From<cenacle_net::Error> for Error {
    fn from(error: cenacle_net::Error) -> Self {
        Self::Network(Arc::new(error))
    }
}

impl PartialEq for Error {
    /// The same kind with the same text.
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code() && self.to_string() == other.to_string()
    }
}

impl Eq for Error {}
