//! Runs `ip` and `iptables`.

use crate::Error;
use std::process::{Command, Stdio};

/// Runs a command of words that are apart by spaces.
pub(crate) fn run(words: &str) -> Result<String, Error> {
    let mut parts = words.split_ascii_whitespace();
    let mut command = Command::new(parts.next().unwrap_or_default());
    let output = command.args(parts).stdin(Stdio::null()).output();
    let failed = |detail: String| Error::Command { command: words.to_owned(), detail };
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// Runs several, up to the first that fails.
pub(crate) fn run_all(commands: &[String]) -> Result<(), Error> {
    commands.iter().try_for_each(|command| run(command).map(drop))
}
