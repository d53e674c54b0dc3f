//! Errors of modules, in families that say who must act.

/// Who must act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The caller used the interface wrongly.
    WrongCall,
    /// A peer, or whoever wrote a file or an option, sent something that cannot be accepted.
    BadInput,
    /// A policy said no.
    Refused,
    /// A limit was reached.
    Limit,
    /// A defect of the module itself.
    OwnBug,
}

/// What a module answers instead of actions. The instance is as it was before the event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The event does not fit the state: no run is under way, or nothing was confirmed.
    #[error("wrong call: {0}")]
    WrongCall(&'static str),
    /// A view change contradicts itself.
    #[error("bad view change: {0}")]
    BadChange(&'static str),
    /// The view has more members than the module takes.
    #[error("{got} members are too many: this module takes at most {max}; choose another")]
    TooManyMembers {
        /// Members in the view.
        got: usize,
        /// The module's limit.
        max: usize,
    },
    /// Bytes that are not one event or action in its CBOR form, or are too many.
    #[error("malformed input: {0}")]
    Malformed(String),
    /// A message whose sender is no member of the view.
    #[error("a message from position {from}, which is not in the view")]
    UnknownSender {
        /// The position that was named.
        from: u32,
    },
    /// A message of the run that cannot be accepted; `from` sent it.
    #[error("bad message from member {from}: {why}")]
    BadMessage {
        /// Position in the view of the member that sent the bad message, which need not be the
        /// one whose message was being handled.
        from: u32,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A sealed message that does not open: changed, cut, or under another key or counter.
    #[error("the message does not open: changed on its way, or sealed under another key")]
    DoesNotOpen,
    /// A key, nonce or message of the wrong or of too great length.
    #[error("{what} has {got} bytes; it must have {want}")]
    BadLength {
        /// What has the wrong length.
        what: &'static str,
        /// Its length.
        got: usize,
        /// What was wanted, in words or as a number.
        want: String,
    },
    /// An option's value that its type and bounds allow, but the module cannot use.
    #[error("option {name:?}: {why}")]
    BadOption {
        /// The option.
        name: &'static str,
        /// What to do.
        why: String,
    },
    /// The module found its own state inconsistent.
    #[error("defect in the module: {0}")]
    Bug(&'static str),
}

impl Error {
    /// Who must act.
    pub fn family(&self) -> Family {
        match self {
            Self::WrongCall(_) | Self::BadChange(_) => Family::WrongCall,
            Self::TooManyMembers { .. } => Family::Limit,
            Self::Malformed(_)
            | Self::UnknownSender { .. }
            | Self::BadMessage { .. }
            | Self::DoesNotOpen
            | Self::BadLength { .. }
            | Self::BadOption { .. } => Family::BadInput,
            Self::Bug(_) => Family::OwnBug,
        }
    }

    /// The member whose message made the run fail, if one did.
    pub fn culprit(&self) -> Option<u32> {
        match self {
            Self::UnknownSender { from } | Self::BadMessage { from, .. } => Some(*from),
            _ => None,
        }
    }
}
