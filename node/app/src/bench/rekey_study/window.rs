//! The vulnerability window: how long a group that knows of a failure still has the old key (paper
//! 000, Figure 5).

use super::group::Group;
use super::plan::{Cache, Subject};
use crate::failure::Failure;
use serde::Serialize;

/// Figure 5's group.
const MEMBERS: u32 = 45;
/// "Three non-leader faults are injected, followed by three leader-failures."
const FAILURES: [bool; 6] = [false, false, false, true, true, true];
/// What the paper reckons with: milliseconds an exponentiation, and for all the rest.
const PAPER_EXPONENTIATION_MS: u64 = 40;
const PAPER_REST_MS: u64 = 80;
/// How often each failure is timed; the median counts.
const TIMES: usize = 5;

/// One failure. The names of the fields are a contract.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Window {
    /// `window`; lines of the other kind have `costs`.
    study: &'static str,
    pub(super) module: String,
    /// Members before it.
    pub(super) size: u32,
    /// The first is 1.
    pub(super) failure: usize,
    /// `member` or `leader`.
    pub(super) who: &'static str,
    /// From the view to the last member's key: the longest chain of work, measured.
    pub(super) window_us: u64,
    /// Exponentiations one after the other.
    pub(super) latency: u32,
    pub(super) rounds: u32,
    /// What the paper would reckon for that latency.
    pub(super) paper_ms: u64,
}

impl Window {
    /// The six failures, one after the other in one group.
    pub(super) fn of(subject: &Subject) -> Result<Vec<Self>, Failure> {
        let cache = subject.stories().last().map_or(Cache::None, |(_, cache)| match cache {
            Cache::None => Cache::None,
            Cache::Cold | Cache::Warm => Cache::Warm,
        });
        let mut group = Group::together(subject, MEMBERS, cache, true)?;
        let mut windows = Vec::new();
        for (failure, leader) in (1..).zip(FAILURES) {
            // Who fails that is no leader is in the middle: neither young nor old.
            let place = if leader { 0 } else { group.members.len() / 2 };
            let after = group.after(Some(place), false);
            let mut timed = Vec::new();
            for _ in 0..TIMES {
                timed.push(group.rehearse(&after)?);
            }
            timed.sort_by_key(|outcome| outcome.time_critical_ns);
            let median = timed.get(TIMES / 2);
            let latency = median.map_or(0, |outcome| outcome.costs.exponentiations);
            windows.push(Self {
                study: "window",
                module: subject.name.clone(),
                size: u32::try_from(group.members.len()).unwrap_or(u32::MAX),
                failure,
                who: if leader { "leader" } else { "member" },
                window_us: median.map_or(0, |outcome| outcome.time_critical_ns.div_ceil(1000)),
                latency,
                rounds: median.map_or(0, |outcome| outcome.costs.rounds),
                paper_ms: PAPER_REST_MS + PAPER_EXPONENTIATION_MS * u64::from(latency),
            });
            group.members = after;
            group.agree()?;
        }
        Ok(windows)
    }
}
