//! The network does what it says. Needs root; says so where it cannot run.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cenacle_lab::{Lab, missing};
use std::io::Write;
use std::time::{Duration, Instant};

/// Whether labs can be had here; where they must be (`NAMESPACES_REQUIRED`), it fails if not.
fn possible() -> bool {
    let Some(why) = missing() else { return true };
    assert!(std::env::var_os("NAMESPACES_REQUIRED").is_none(), "labs are required here: {why}");
    // Not by `eprintln`, which tests that pass keep to themselves.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    false
}

/// Whether an answer comes back, within a second.
fn answers(lab: &Lab, from: usize, to: usize) -> bool {
    let (from, to) = (from, lab.address(to).to_string());
    let mut command = lab.command(from, "ping");
    command.args(["-c", "1", "-W", "1", "-q", &to]).output().unwrap().status.success()
}

#[test]
fn cuts_have_directions_and_end() {
    if !possible() {
        return;
    }
    let lab = Lab::new(3).unwrap();
    assert!(answers(&lab, 0, 1) && answers(&lab, 1, 2));
    lab.cut(0, 1).unwrap();
    assert!(!answers(&lab, 0, 1) && answers(&lab, 0, 2));
    lab.mend(0, 1).unwrap();
    assert!(answers(&lab, 0, 1));
    lab.split(&[&[0, 1], &[2]]).unwrap();
    assert!(answers(&lab, 0, 1) && !answers(&lab, 0, 2) && !answers(&lab, 2, 1));
    lab.heal().unwrap();
    lab.pull(1, true).unwrap();
    assert!(!answers(&lab, 0, 1));
    lab.pull(1, false).unwrap();
    lab.lose(1.0).unwrap();
    assert!(!answers(&lab, 0, 1));
    lab.heal().unwrap();
    assert!((0..10).any(|_| answers(&lab, 0, 1)));
}

#[test]
fn the_forwarder_delays_both_ways() {
    if !possible() {
        return;
    }
    let lab = Lab::delayed(2, Duration::from_millis(100)).unwrap();
    assert!((0..5).any(|_| answers(&lab, 0, 1)), "addresses are resolved");
    let begin = Instant::now();
    assert!(answers(&lab, 0, 1));
    assert!(begin.elapsed() >= Duration::from_millis(200), "{:?}", begin.elapsed());
    lab.cut(1, 0).unwrap();
    assert!(!answers(&lab, 0, 1));
}

#[test]
fn what_runs_in_a_lab_ends_with_it() {
    if !possible() {
        return;
    }
    let lab = Lab::new(1).unwrap();
    let mut sleeper = lab.command(0, "sleep").arg("1000").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(lab);
    assert!(!sleeper.wait().unwrap().success());
}
