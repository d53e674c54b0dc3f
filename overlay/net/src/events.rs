//! What comes from the network: one queue, bounded in bytes.

use bytes::Bytes;
use cenacle_core::NodeId;
use futures::Stream;
use libp2p::Multiaddr;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Something from the network.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NetEvent {
    /// Frames of one node, in the order it sent them; slices of one received block.
    Frames {
        /// The origin, vouched for by the transport or by its signature.
        from: NodeId,
        /// The frames.
        frames: Vec<Bytes>,
    },
    /// A first connection to this node is there, and it is admitted.
    Connected {
        /// Who.
        node: NodeId,
    },
    /// The last connection to this node closed and a redial was refused.
    Closed {
        /// Who.
        node: NodeId,
    },
    /// An address of this node.
    Listening {
        /// The address, without the peer id.
        address: Multiaddr,
    },
    /// Something for the operator; text from peers in it is escaped.
    Warning {
        /// A word that programs can compare.
        reason: &'static str,
        /// A sentence.
        detail: String,
    },
}

/// What comes from the network. Not reading it makes the readers of sockets wait: nothing is lost,
/// and memory stays bounded. Ends after [`crate::Network::stop`].
#[derive(Debug)]
pub struct Events {}

impl Events {
    /// The next event if one is at hand.
    pub fn try_next(&mut self) -> Option<NetEvent> {
        None
    }
}

impl Stream for Events {
    type Item = NetEvent;

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<NetEvent>> {
        Poll::Pending
    }
}
