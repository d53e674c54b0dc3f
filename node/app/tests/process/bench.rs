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

#[test]
fn idle_nodes_are_measured() {
    let words = ["idle", "--nodes", "3", "--seconds", "2", "--settle", "1"];
    let figures = figures(&words);
    let roles: Vec<_> = figures.iter().map(|row| row["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["leader", "member"]);
    for row in &figures {
        let (cpu, bytes) = (&row["cpu_percent"], &row["bytes_out_per_s"]);
        // Heartbeats are sent, and sending them takes time.
        assert!(
            cpu["p50"].as_f64().unwrap() > 0.0 && bytes["p50"].as_f64().unwrap() > 0.0,
            "{row}"
        );
        assert!(cpu["max"].as_f64() >= cpu["p50"].as_f64(), "{row}");
        assert!(row["wire_bytes_per_s"].is_null(), "loopback is everybody's: {row}");
    }
}
