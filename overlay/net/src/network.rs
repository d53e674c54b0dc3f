//! The handle that the pump owns.

use crate::{error::Error, events::Events, settings::Settings, status::Status};
use bytes::Bytes;
use cenacle_core::NodeId;
use std::time::Duration;

/// The network as the pump sees it: no method blocks, and none does cryptography.
#[derive(Debug)]
pub struct Network {
    node: NodeId,
}

impl Network {
    /// Listens, dials, discovers. Must run inside async-std (any of its tasks, or `block_on`).
    ///
    /// # Errors
    /// Settings that cannot work, an address that cannot be listened on, a transport that cannot be
    /// set up.
    pub async fn start(settings: Settings) -> Result<(Self, Events), Error> {
        settings.check()?;
        Err(Error::Settings("not made yet"))
    }

    /// This node: its public key and the incarnation of this start.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Tells the members of the present configuration (this node among them or not): multicasts
    /// reach them, connections to them are kept alive and made again.
    pub fn configure(&mut self, members: &[NodeId]) {
        let _ = members;
    }

    /// Carries a frame to one node, as best as can be. What cannot be carried is counted.
    pub fn send(&mut self, to: NodeId, frame: Bytes) {
        let _ = (to, frame);
    }

    /// Carries a frame to every other member of the configuration.
    pub fn multicast(&mut self, frame: Bytes) {
        let _ = frame;
    }

    /// Carries a frame to whoever listens in the overlay.
    pub fn announce(&mut self, frame: Bytes) {
        let _ = frame;
    }

    /// The end of a batch: what was given since the last one travels now.
    pub fn flush(&mut self) {}

    /// A picture of the network.
    pub fn status(&self) -> Status {
        Status::default()
    }

    /// Writes out what is queued, for `grace` at most, and closes everything.
    pub async fn stop(self, grace: Duration) {
        let _ = grace;
    }
}
