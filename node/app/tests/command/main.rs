//! The built command, from outside: what it prints, where, and with which status.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may stop")]

mod bench_keys;
mod demo;
#[cfg(unix)]
mod invite;
mod plugins;
mod rekey_study;
mod setup;
mod usage;

use std::process::{Command, Stdio};

/// What a run of the command left.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

/// Runs `cenacle` with the words of `line`.
fn cenacle(line: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cenacle"));
    let output = command.args(line.split_whitespace()).stdin(Stdio::null()).output().unwrap();
    Ran {
        status: output.status.code().expect("an end without a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `cenacle`, which must succeed and have nothing to remark, and returns what it printed.
fn succeeds(line: &str) -> String {
    let ran = cenacle(line);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}\n{}", ran.out);
    ran.out
}

/// Each line of `text` as a JSON object.
fn objects(text: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}
