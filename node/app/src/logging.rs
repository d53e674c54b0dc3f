//! Messages for the operator, on standard error: `CENACLE_LOG`, or else `RUST_LOG`, says which
//! (default: warnings).

use log::Record;
use std::io::{self, Write};

/// Begins to log. libp2p's events come through `tracing`, which hands them to `log`.
pub(crate) fn start() {
    let own = std::env::var_os("CENACLE_LOG").is_some();
    let variable = if own { "CENACLE_LOG" } else { "RUST_LOG" };
    let wanted = env_logger::Env::default().filter_or(variable, "warn");
    // A logger that is there already is as good: nothing depends on which.
    let _ = env_logger::Builder::from_env(wanted).format(write).try_init();
}

/// One line a message, whatever peers put into it.
fn write(out: &mut env_logger::fmt::Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = out.timestamp_millis();
    let said = escaped(&record.args().to_string());
    writeln!(out, "{time} {} {}: {said}", record.level(), record.target())
}

/// The most characters of one message.
const LONGEST: usize = 4096;

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for character in text.chars().take(LONGEST) {
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        assert_eq!(escaped("a\nWARN b\x1b[31m"), "a\\nWARN b\\u{1b}[31m");
        assert_eq!(escaped(&"x".repeat(2 * LONGEST)).chars().count(), LONGEST + 1);
    }
}
