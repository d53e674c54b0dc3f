//! Why the program did not do what was asked, in one sentence that says what to do.

use std::io;

/// What ends the program early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
    /// The output could not be written.
    #[error("the output cannot be written: {0}; give it another place to go")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The status of the process. A reader that had enough and closed the output is no failure.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Failed(_) | Self::Output(_) => 1,
        }
    }
}
