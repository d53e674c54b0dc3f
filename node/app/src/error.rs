//! What can go wrong at the library's border.

use crate::config::Problems;

/// Why a node or group could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used: whoever wrote it must act.
    #[error(transparent)]
    Configuration(#[from] Problems),
    /// A file, the network or the system.
    #[error(transparent)]
    Network(#[from] cenacle_net::Error),
}
