//! Errors of the envelope.

use super::{MAX_CONTEXT_PART, MAX_SEALED, OVERHEAD, VERSION};
use cenacle_plugin::{Family, MAX_BODY, MAX_MEMBERS};

/// Why a message was not sealed or not opened, or why a run cannot be set up. Whatever it is, the
/// state is as it was before the call.
///
/// A `from` below is the sender that the message *claims*; nothing is proven about it, so no
/// member may be blamed for such a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// A sealed message of another version of the envelope.
    #[error("envelope version {got} is not known; this is version {VERSION}")]
    UnknownVersion {
        /// The version it names.
        got: u8,
    },
    /// Too few bytes for an envelope.
    #[error("{got} bytes are too few for a sealed message; it has at least {OVERHEAD}")]
    TooShort {
        /// Bytes received.
        got: usize,
    },
    /// More bytes than a sealed message may have.
    #[error("{got} bytes are too many for a sealed message; it has at most {MAX_SEALED}")]
    TooLong {
        /// Bytes received.
        got: usize,
    },
    /// A message of another run: earlier, later, or of another group. Compare `tag` with
    /// [`RunContext::tag`](super::RunContext::tag) to know which.
    #[error("a message of another run, tag {tag:02x?}")]
    ForeignRun {
        /// The tag it carries.
        tag: [u8; 8],
    },
    /// The named sender is no member of the view.
    #[error("a message from position {from}, which is not in the view")]
    UnknownSender {
        /// The position it claims to come from.
        from: u32,
    },
    /// The message is for another member.
    #[error("a message for position {to} arrived at another member")]
    WrongRecipient {
        /// The position it claims to come from.
        from: u32,
        /// The position it is for.
        to: u32,
    },
    /// The number is not above the last one accepted from this sender on the same channel.
    #[error("number {number} from member {from} was seen already, or comes too late")]
    Replayed {
        /// The position it claims to come from.
        from: u32,
        /// The number.
        number: u32,
    },
    /// The signature is not the sender's over this message in this run.
    #[error("bad signature on a message that claims to come from member {from}")]
    BadSignature {
        /// The position it claims to come from.
        from: u32,
    },
    /// A member's public key encodes no point of the curve.
    #[error("the public key of member {position} is no Ed25519 key")]
    NotAKey {
        /// The member's position.
        position: u32,
    },
    /// A member's public key has small order: signatures under it prove nothing.
    #[error("the public key of member {position} has small order")]
    WeakKey {
        /// The member's position.
        position: u32,
    },
    /// A member is in the view twice.
    #[error("the member at position {position} is in the view twice")]
    DuplicateMember {
        /// The second position with that name.
        position: u32,
    },
    /// A view without members.
    #[error("a view has at least one member")]
    NoMembers,
    /// A view with more members than any may have.
    #[error("{got} members are too many: a view has at most {MAX_MEMBERS}")]
    TooManyMembers {
        /// Members of the view.
        got: usize,
    },
    /// A name of the run is empty or too long.
    #[error("the {what} has {got} bytes; a run takes 1 to {MAX_CONTEXT_PART}")]
    BadPart {
        /// Which one.
        what: &'static str,
        /// Its bytes.
        got: usize,
    },
    /// A position that is not in the view, or a unicast to oneself.
    #[error("no message can go to or from position {position} here")]
    NoSuchMember {
        /// The position.
        position: u32,
    },
    /// The signing key is not the one that the view lists for this member.
    #[error("the view lists another public key for member {position} than the one to sign with")]
    NotMyKey {
        /// The member's position.
        position: u32,
    },
    /// A body above the limit of a module message.
    #[error("a body of {got} bytes is too long: at most {MAX_BODY}")]
    BodyTooLong {
        /// Bytes of the body.
        got: usize,
    },
    /// The run has used up its numbers; a new run begins to count anew.
    #[error("no number is left in this run")]
    NumbersSpent,
}

impl EnvelopeError {
    /// Who must act.
    pub fn family(&self) -> Family {
        match self {
            Self::UnknownVersion { .. }
            | Self::TooShort { .. }
            | Self::TooLong { .. }
            | Self::ForeignRun { .. }
            | Self::UnknownSender { .. }
            | Self::WrongRecipient { .. }
            | Self::Replayed { .. }
            | Self::BadSignature { .. }
            | Self::NotAKey { .. }
            | Self::WeakKey { .. } => Family::BadInput,
            Self::DuplicateMember { .. }
            | Self::NoMembers
            | Self::BadPart { .. }
            | Self::NoSuchMember { .. }
            | Self::NotMyKey { .. } => Family::WrongCall,
            Self::TooManyMembers { .. } | Self::BodyTooLong { .. } | Self::NumbersSpent => {
                Family::Limit
            }
        }
    }
}
