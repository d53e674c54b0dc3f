//! What can go wrong at the border to files and sockets.

use std::path::PathBuf;

/// Why something was refused. State is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // -- files: the operator must act
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} is not {expected}: {advice}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// A way out.
        advice: &'static str,
    },
    /// A secret that others can read.
    #[error("{} can be read by others (mode {mode:o}): run `chmod 600` on it", path.display())]
    Readable {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another process uses the state folder.
    #[error(
        "another process uses the state folder {}: stop it, or give this node a folder of its own",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },

    // -- wrong call or configuration
    /// A pre-shared key that is none.
    #[error("a pre-shared key has 32 bytes, written as 64 hexadecimal digits")]
    Psk,
    /// A setting that cannot work.
    #[error("settings: {0}")]
    Settings(&'static str),
    /// An address that cannot be listened on.
    #[error(
        "cannot listen on {address}: {detail}; choose another address or port, or stop who uses it"
    )]
    Listen {
        /// Which.
        address: libp2p::Multiaddr,
        /// Why not.
        detail: String,
    },

    // -- the machine
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
    /// A transport could not be set up.
    #[error("cannot set up the {what} transport: {detail}")]
    Transport {
        /// Which.
        what: &'static str,
        /// Why not.
        detail: String,
    },
}
