//! The configuration that a command line names.

use crate::args;
use crate::failure::Failure;
use cenacle::config::{Config, Loader};

/// File, environment and flags, ready to be read. What the flags say wrong is bad use.
pub(crate) fn loader(words: &args::Configured) -> Result<Loader, Failure> {
    let mut loader = Loader::new(&words.config).variables(std::env::vars_os());
    for assignment in &words.set {
        loader = loader.set(assignment).map_err(|wrong| Failure::Usage(wrong.in_a_sentence()))?;
    }
    Ok(loader)
}

/// The configuration, for a command that needs a good one.
pub(crate) fn load(words: &args::Configured) -> Result<Config, Failure> {
    loader(words)?.load().map_err(|wrong| Failure::Failed(wrong.in_a_sentence()))
}
