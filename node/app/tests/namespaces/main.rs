//! Real processes in network namespaces: what lies between them is cut, made lossy or slow, and the
//! oracle reads what they say. Needs root, `ip` and `iptables`; where these are missing the tests say
//! so, and fail if `NAMESPACES_REQUIRED` is set (as `.ci/run` does).

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    dead_code,
    reason = "a test may stop and tell; not all that processes can do is used here"
)]

mod chaos;
#[path = "../process/company.rs"]
mod company;
mod cuts;
mod links;
mod lives;
mod town;
mod ways;
