//! An application that does not read.

#![cfg(target_os = "linux")]

use crate::company::{Company, Process, is};
use std::process::Stdio;

/// What a process may take whose reader has stopped: what the engine keeps unread (16 MiB), the
/// window and queues of three nodes, and the program itself.
const MOST_KILOBYTES: u64 = 400 << 10;

fn resident_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Two nodes, the second with this priority, whose output nobody reads.
fn nobody_reads_the_second(priority: &str) {
    let mut company = Company::new();
    company.overlay.push_str("slow_member_timeout = \"2s\"");
    company.configure("n0", &[], "");
    let mut first = company.command("n0", &["join", "ops", "--json"]);
    first.env("CENACLE_NODE__PRIORITY", "1");
    let mut sender = Process::start("n0", first);
    company.configure("n1", &[sender.address()], "");
    let mut command = company.command("n1", &["join", "ops", "--json"]);
    command.env("CENACLE_NODE__PRIORITY", priority);
    let mut stopped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    sender.await_view(2);
    // Everything must wait, until the second is out.
    let text = "x".repeat(10_000);
    let mut most = 0;
    for _ in 0..8_000 {
        sender.send(&text, "agreed");
        most = most.max(resident_kilobytes(stopped.id()));
    }
    if priority == "0" {
        sender.await_event("slow", |event| is(event, "warning") && event["reason"] == "slow");
    }
    sender.await_view(1);
    most = most.max(resident_kilobytes(stopped.id()));
    assert!(most < MOST_KILOBYTES, "{most} kB");
    stopped.kill().unwrap();
    stopped.wait().unwrap();
    drop::<Process>(sender);
}

#[test]
fn a_reader_that_stopped_costs_bounded_memory_and_is_put_out() {
    nobody_reads_the_second("0");
}

#[test]
fn a_leader_that_nobody_reads_steps_aside() {
    nobody_reads_the_second("2");
}
