//! The benchmarks run, whatever their figures are.

#![cfg(target_os = "linux")]

use serde_json::Value;
use std::process::Command;

fn figures(words: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cenacle"));
    let output = command.arg("bench").args(words).arg("--json").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn floods_and_pings_are_measured() {
    let words = ["multicast", "--nodes", "2", "--senders", "1", "--size", "100", "--seconds", "1"];
    let figures = figures(&words);
    assert!(!figures.is_empty() && figures.iter().all(Value::is_object), "{figures:?}");
}

#[test]
fn view_changes_are_measured() {
    let figures = figures(&["views", "--nodes", "3", "--repetitions", "1"]);
    assert!(!figures.is_empty() && figures.iter().all(Value::is_object), "{figures:?}");
}
