//! The configuration that a command line names.

use crate::args;
use crate::failure::Failure;
use cenacle::config::{Config, GroupSettings, Loader};

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

/// The group of that name in the configuration. Another name is bad use.
pub(crate) fn group<'c>(config: &'c Config, wanted: &str) -> Result<&'c GroupSettings, Failure> {
    config.group(wanted).ok_or_else(|| {
        let known: Vec<&str> = config.groups().iter().map(|group| group.name.as_str()).collect();
        let hint = cenacle_plugin::hint(wanted, &known, "there are");
        Failure::Usage(format!("group {wanted:?} is not in the configuration; {hint}"))
    })
}
