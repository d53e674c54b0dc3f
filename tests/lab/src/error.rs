//! What can go wrong with a network.

use std::io;

/// Why a network is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This machine cannot have one.
    #[error("no network namespaces here: {0}")]
    Missing(String),
    /// More nodes than there are addresses, or none.
    #[error("a lab has 1 to {max} nodes, not {asked}")]
    Size {
        /// How many were asked for.
        asked: usize,
        /// The most.
        max: usize,
    },
    /// A command could not be run, or failed.
    #[error("`{command}` failed: {detail}")]
    Command {
        /// The command.
        command: String,
        /// What it said.
        detail: String,
    },
    /// A namespace could not be entered, or a device not be made in it.
    #[error("the forwarder has no device in namespace {namespace}")]
    Device {
        /// The namespace.
        namespace: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}
