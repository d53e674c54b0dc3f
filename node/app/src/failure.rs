//! Why a command did not do what was asked, in one sentence that says what to do.

use std::io;

/// What ends a command early. The sentence goes to standard error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The command could not do what was asked, or found something broken.
    #[error("{0}")]
    Failed(String),
    /// The output could not be written.
    #[error("the output cannot be written: {0}; give it another place to go")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The status of the process.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Failed(_) | Self::Output(_) => 1,
        }
    }

    /// What to tell; nothing when the reader of the output had enough and closed it.
    pub(crate) fn sentence(&self) -> Option<String> {
        (self.status() != 0).then(|| self.to_string())
    }
}

/// A whole number within bounds, both included; `what` names the flag.
pub(crate) fn number(what: &str, text: &str, min: u32, max: u32) -> Result<u32, Failure> {
    let number = text.trim().parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| {
        Failure::Usage(format!("{what} takes whole numbers from {min} to {max}, not {text:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_tell_bad_use_from_failure() {
        assert_eq!(Failure::Usage(String::new()).status(), 2);
        assert_eq!(Failure::Failed(String::new()).status(), 1);
        assert_eq!(Failure::from(io::Error::other("full")).status(), 1);
    }

    #[test]
    fn a_reader_that_had_enough_is_no_failure() {
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((closed.status(), closed.sentence()), (0, None));
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(number("--nodes", " 7", 3, 9).unwrap(), 7);
        for text in ["2", "10", "-4", "", "x", "3.5", "99999999999999999999"] {
            let failure = number("--nodes", text, 3, 9).unwrap_err();
            let want = format!("--nodes takes whole numbers from 3 to 9, not {text:?}");
            assert_eq!(failure.sentence().unwrap(), want);
        }
    }
}
