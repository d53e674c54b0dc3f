//! Judges a trace from standard input: prints the report, and ends with status 1 if a property is
//! broken.
//!
//! ```sh
//! cargo run --release -p cenacle-oracle --example check -- --settled --evs chat < trace.jsonl
//! ```
//!
//! `--evs GROUP` says that the joins do not tell that the group is EVS.

#![expect(clippy::print_stdout, reason = "the report is what this prints")]

use std::error::Error;
use std::io::{BufReader, stdin};
use std::process::ExitCode;

use cenacle_oracle::{Options, Semantics, check};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--settled" => options.settled = true,
            "--evs" => {
                let group = arguments.next().ok_or("--evs needs the name of a group")?;
                options.semantics.insert(group, Semantics::Evs);
            }
            other => return Err(format!("{other} is neither --settled nor --evs GROUP").into()),
        }
    }
    let report = check(BufReader::with_capacity(1 << 20, stdin()), options)?;
    println!("{report}");
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
