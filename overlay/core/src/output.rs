//! What the engine wants done, and tells.

use crate::{
    configuration::Peer,
    ids::{Ballot, GroupName, MemberId, NodeId, Order, ViewId},
    input::{Semantics, Service},
};
use bytes::Bytes;

/// One thing to do or to tell, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Carry a frame to one node, as best as can be.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        frame: Bytes,
    },
    /// Carry a frame to every other member of the present configuration.
    Multicast {
        /// What.
        frame: Bytes,
    },
    /// Carry a frame to whoever listens in the overlay, of whatever configuration.
    Announce {
        /// What.
        frame: Bytes,
    },
    /// A new configuration; multicasts from here on go to its members.
    Configuration {
        /// Its name.
        id: Ballot,
        /// Its members by rank.
        members: Vec<Peer>,
    },
    /// Something for a member of this node in a group.
    Event {
        /// The group.
        group: GroupName,
        /// Which member.
        local: u32,
        /// What.
        event: Event,
    },
    /// There is room again after [`crate::Error::QueueFull`].
    Writable,
    /// Something to tell the operator.
    Warning(Warning),
    /// The shutdown is complete; the engine does nothing more.
    Stopped,
}

/// What a member of a group is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A message of this member has entered the stream: its number and view are fixed.
    Sent {
        /// Counts this member's messages, from 1.
        number: u64,
        /// The view it belongs to; none if the sender of an EVS group is no member.
        view: Option<ViewId>,
        /// How it travels.
        service: Service,
        /// The addressee of a unicast.
        to: Option<MemberId>,
    },
    /// A message.
    Message {
        /// Who sent it.
        from: MemberId,
        /// Its sender's number.
        number: u64,
        /// The present view here.
        view: ViewId,
        /// How it travelled.
        service: Service,
        /// Its place, if it is agreed or safe.
        order: Option<Order>,
        /// What; usually a slice of the frame that brought it.
        body: Bytes,
    },
    /// The transitional signal of the present view.
    Transitional {
        /// The view that ends.
        view: ViewId,
    },
    /// The next view wants to come.
    FlushRequest {
        /// The view that ends.
        view: ViewId,
    },
    /// A new view.
    View(Box<View>),
    /// The member has left.
    Left,
    /// The member was not let in, or was put out.
    Refused(Refusal),
}

impl Event {
    /// What it counts for while the application has not read it, in bytes: nearly what it takes in
    /// memory, so that a flood of empty messages is bounded too.
    pub fn weight(&self) -> usize {
        let more = match self {
            Self::Message { body, .. } => body.len(),
            Self::View(view) => view.weight(),
            _ => 0,
        };
        size_of::<Self>() + more
    }
}

/// A view of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// Its name.
    pub id: ViewId,
    /// The configuration that installed it.
    pub configuration: Ballot,
    /// What the group promises.
    pub semantics: Semantics,
    /// The members by seniority.
    pub members: Vec<MemberId>,
    /// The members that come from the same previous view together with this one.
    pub transitional: Vec<MemberId>,
    /// The classes of members that moved together, each with its previous view, in the members'
    /// order; who had none is alone.
    pub classes: Vec<Class>,
    /// Blobs of the layer above, by member, from joins and flush answers.
    pub blobs: Vec<(MemberId, Bytes)>,
    /// The group's charter.
    pub charter: Bytes,
    /// The record of the layer above.
    pub record: Bytes,
}

impl View {
    /// What it counts besides its own size (see [`Event::weight`]).
    pub fn weight(&self) -> usize {
        let members = 2 * (self.members.len() + self.transitional.len());
        let blobs: usize = self.blobs.iter().map(|(_, blob)| blob.len()).sum();
        members * size_of::<MemberId>() + blobs + self.record.len()
    }
}

/// Members that moved together from one view to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Class {
    /// Their previous view.
    pub previous: Option<ViewId>,
    /// They.
    pub members: Vec<MemberId>,
}

/// Why a member is not in the group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// A word that programs can compare.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// The group's charter, where it is the reason.
    pub charter: Option<Bytes>,
}

/// Something an operator should know.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Warning {
    /// A node is suspected, and why.
    Suspected {
        /// Who.
        node: NodeId,
        /// Why.
        reason: String,
    },
    /// A node does not acknowledge and holds the others up.
    Slow {
        /// Who.
        node: NodeId,
    },
    /// A member has not answered a flush request in time.
    FlushLate {
        /// The group.
        group: GroupName,
        /// Whose node.
        node: NodeId,
    },
}

/// What the engine's machines push into.
pub type Outbox = Vec<Output>;
