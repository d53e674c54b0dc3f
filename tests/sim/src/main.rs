//! `cenacle-sim`: see the library.

use clap::Parser;
use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    let cli = cenacle_sim::Cli::parse();
    match cenacle_sim::command(cli, &mut std::io::stdout().lock()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            // Nobody is left to be told that this failed.
            let _ = writeln!(std::io::stderr(), "cenacle-sim: {error}");
            ExitCode::from(2)
        }
    }
}
