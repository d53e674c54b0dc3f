//! What comes into the engine.

use crate::ids::{GroupName, MemberId, NodeId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What a group promises (004 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Semantics {
    /// Extended virtual synchrony: an open group, messages are delivered in one configuration.
    #[serde(rename = "evs")]
    Evs,
    /// Virtual synchrony: a closed group, messages are delivered in the view they were sent in.
    #[serde(rename = "vs")]
    Vs,
}

/// In what order and with what certainty a message is delivered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum Service {
    /// Perhaps, never twice, never outside its view. Not cut into pieces: 252 KiB at most.
    Unreliable = 0,
    /// In its sender's order.
    Fifo = 1,
    /// After all that its sender had seen.
    Causal = 2,
    /// In one order at all.
    Agreed = 3,
    /// In that order, when every member has it.
    Safe = 4,
    /// To one member, in its sender's order. Not cut into pieces: 252 KiB at most.
    Unicast = 5,
}

impl Service {
    /// As traces and configuration spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreliable => "unreliable",
            Self::Fifo => "fifo",
            Self::Causal => "causal",
            Self::Agreed => "agreed",
            Self::Safe => "safe",
            Self::Unicast => "unicast",
        }
    }
}

/// A wish to join a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Join {
    /// The group.
    pub group: GroupName,
    /// Which member of this node; the application numbers them.
    pub local: u32,
    /// Must be the group's.
    pub semantics: Semantics,
    /// What the layer above lays down for the group; whoever makes it first decides.
    pub charter: Bytes,
    /// For the layer above at all members: evidence, shares.
    pub blob: Bytes,
    /// The application answers flush requests itself ([`Input::FlushOk`]).
    pub manual_flush: bool,
}

/// One input of the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// A frame; the driver vouches for `from`.
    Frame {
        /// Who sent it, perhaps on behalf of another.
        from: NodeId,
        /// The frame; deliveries are slices of it.
        bytes: Bytes,
    },
    /// There is a connection to this node now: it is told of this configuration.
    Connected {
        /// Who.
        node: NodeId,
    },
    /// The last connection to this node closed and a redial was refused.
    Closed {
        /// Who.
        node: NodeId,
    },
    /// Join a group.
    Join(Join),
    /// Leave a group, after what was sent.
    Leave {
        /// The group.
        group: GroupName,
        /// Which member.
        local: u32,
    },
    /// Multicast in a group.
    Send {
        /// The group.
        group: GroupName,
        /// Which member.
        local: u32,
        /// How; not [`Service::Unicast`].
        service: Service,
        /// What.
        body: Bytes,
    },
    /// Send to one member of the view.
    Unicast {
        /// The group.
        group: GroupName,
        /// Which member.
        local: u32,
        /// To whom.
        to: MemberId,
        /// What.
        body: Bytes,
    },
    /// The answer to a flush request: this member sends no more in the view that closes.
    FlushOk {
        /// The group.
        group: GroupName,
        /// Which member.
        local: u32,
        /// For the layer above, at the next view.
        blob: Bytes,
    },
    /// A new view of a VS group with the members that it has; nothing if a change is under way.
    Renew {
        /// The group.
        group: GroupName,
        /// Which member wants it.
        local: u32,
    },
    /// Put another member out of a VS group. The layer above answers for it.
    Expel {
        /// The group.
        group: GroupName,
        /// Which member wants it.
        local: u32,
        /// Who is to go.
        member: MemberId,
        /// A word for programs, at most [`Input::MAX_REASON`] bytes.
        reason: String,
    },
    /// The application has read some events.
    Consumed {
        /// Their weight ([`crate::Event::weight`]).
        bytes: usize,
    },
    /// What the layer above has made of events weighs so much more than they, and has not been read
    /// either.
    Unread {
        /// How much more.
        bytes: usize,
    },
    /// Leave everything, losing nothing; [`crate::Output::Stopped`] is the last output.
    Shutdown,
    /// Time has passed ([`crate::Engine::deadline`]).
    Tick,
    /// Nothing else is at hand: what waits is packed into frames.
    Drained,
}

impl Input {
    /// The most bytes of the reason for which a member is put out.
    pub const MAX_REASON: usize = 64;

    /// Whether the application wants something (the rest comes from the driver).
    pub(crate) fn is_command(&self) -> bool {
        matches!(
            self,
            Self::Join(_)
                | Self::Leave { .. }
                | Self::Send { .. }
                | Self::Unicast { .. }
                | Self::FlushOk { .. }
                | Self::Renew { .. }
                | Self::Expel { .. }
        )
    }
}
