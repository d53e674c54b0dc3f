//! The `cenacle` command.
//!
//! ```text
//!  words ── args ──▶ a command's own checked request ──▶ its report ──▶ standard output
//!             │                │                            │
//!             └────────────────┴───────── Failure ──────────┴──▶ one sentence, status 1 or 2
//! ```
//!
//! [`args`] knows how the command line is written and nothing of what it means; each command turns
//! the words into a request of its own, and only then does anything. All output goes through a
//! writer that the caller hands in.

mod args;
mod bench;
mod check;
mod clock;
mod configured;
mod demo;
mod envelopes;
mod failure;
mod id;
mod init;
mod invite;
mod logging;
mod meter;
mod modules;
mod parse;
mod plugins;
mod run;
mod screen;
mod table;

use args::{Bench, Command};
use failure::Failure;
use screen::Screen;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut screen = Screen::standard_output();
    // Not locked: other threads log there.
    let mut errors = std::io::stderr();
    match run(std::env::args_os(), &mut screen, &mut errors) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(sentence) = failure.sentence() {
                // Where even this cannot be written, the status has to do.
                let _ = writeln!(errors, "cenacle: {sentence}");
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Runs the command that `words`, the program's own name first, ask for. `notes` takes remarks that
/// are no result.
fn run(
    words: impl IntoIterator<Item = OsString>,
    screen: &mut Screen<'_>,
    notes: &mut dyn Write,
) -> Result<(), Failure> {
    let Some(args) = parse::parse(words, screen)? else { return Ok(()) };
    match args.command {
        Command::Init(words) => init::run(&words, screen),
        Command::Id(words) => id::run(&words, screen),
        Command::Check(words) => check::run(&words, screen),
        Command::Plugins(words) => plugins::run(&words, screen),
        Command::Bench { what: Bench::Keys(words) } => bench::keys(&words, screen, notes),
        Command::Bench { what: Bench::RekeyStudy(words) } => bench::rekey_study(&words, screen),
        #[cfg(target_os = "linux")]
        Command::Bench { what: Bench::Multicast(words) } => bench::multicast(&words, screen),
        #[cfg(target_os = "linux")]
        Command::Bench { what: Bench::Views(words) } => bench::views(&words, screen),
        #[cfg(target_os = "linux")]
        Command::Bench { what: Bench::Idle(words) } => bench::idle(&words, screen),
        #[cfg(target_os = "linux")]
        Command::Bench { what: Bench::Member } => bench::member(),
        Command::Demo(words) => demo::run(&words, screen),
        Command::Invite(words) => invite::run(&words, screen),
        Command::Run(words) => {
            run::run(&words.configured, &run::Request { group: None, json: words.json }, screen)
        }
        Command::Join(words) => {
            let request = run::Request { group: Some(words.group), json: words.json };
            run::run(&words.configured, &request, screen)
        }
    }
}
