//! A story, played for each member that it can be about.

use super::group::Group;
use super::plan::{Cache, Story, Subject};
use crate::failure::Failure;
use cenacle_plugin::network::Outcome;

/// How many leavers are tried where nobody says: of modules whose changes cost every member work,
/// few.
const SAMPLES: u32 = 12;
const SAMPLES_OF_CONTRIBUTORY: u32 = 4;
/// How often a story that is about one member alone is timed.
const TIMES: usize = 3;

/// What came of a story.
pub(super) struct Played {
    /// A run each, counted; with how many members it stands for.
    pub(super) counted: Vec<(Outcome, u32)>,
    /// The same runs, or as many, timed.
    pub(super) timed: Vec<(Outcome, u32)>,
}

/// Plays a story in groups of `size`.
pub(super) fn play(
    subject: &Subject,
    size: u32,
    story: Story,
    cache: Cache,
    samples: Option<u32>,
) -> Result<Played, Failure> {
    let default = if subject.contributory { SAMPLES_OF_CONTRIBUTORY } else { SAMPLES };
    let samples = samples.unwrap_or(default);
    let run = |clock: bool| match story {
        Story::AllOne => all_one(subject, size, cache, clock),
        Story::JoinLeave => join_leave(subject, size, cache, clock, samples),
        Story::LeaderDies => leader_dies(subject, size, cache, clock),
    };
    Ok(Played { counted: run(false)?, timed: run(true)? })
}

type Runs = Vec<(Outcome, u32)>;

fn times(clock: bool) -> usize {
    if clock { TIMES } else { 1 }
}

fn all_one(subject: &Subject, size: u32, cache: Cache, clock: bool) -> Result<Runs, Failure> {
    let mut group = Group::alone(subject, size, cache, clock)?;
    let members = group.members.clone();
    (0..times(clock)).map(|_| Ok((group.rehearse(&members)?, 1))).collect()
}

fn leader_dies(subject: &Subject, size: u32, cache: Cache, clock: bool) -> Result<Runs, Failure> {
    let mut group = Group::together(subject, size, cache, clock)?;
    let after = group.after(Some(0), false);
    (0..times(clock)).map(|_| Ok((group.rehearse(&after)?, 1))).collect()
}

/// The leader, who stands for itself, and some of the others, who stand for all of them.
fn join_leave(
    subject: &Subject,
    size: u32,
    cache: Cache,
    clock: bool,
    samples: u32,
) -> Result<Runs, Failure> {
    let mut group = Group::together(subject, size, cache, clock)?;
    let mut runs = Vec::new();
    for (place, stands_for) in leavers(size, samples) {
        let after = group.after(Some(place), true);
        runs.push((group.rehearse(&after)?, stands_for));
    }
    Ok(runs)
}

/// Places of the members that are tried, and how many each stands for.
fn leavers(size: u32, samples: u32) -> Vec<(usize, u32)> {
    let others = size.saturating_sub(1);
    let tried = samples.saturating_sub(1).clamp(1, others);
    let mut leavers = vec![(0, 1)];
    let mut reached = 0;
    for sample in 1..=tried {
        // Evenly, the newest among them.
        let place = u64::from(sample) * u64::from(others) / u64::from(tried);
        let place = u32::try_from(place).unwrap_or(others);
        leavers.push((place as usize, place - reached));
        reached = place;
    }
    leavers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_stood_for_once() {
        for (size, samples) in [(4, 2), (4, 12), (100, 12), (100, 100), (45, 4), (9, 500)] {
            let leavers = leavers(size, samples);
            assert_eq!(leavers.iter().map(|(_, many)| many).sum::<u32>(), size);
            assert_eq!(leavers[0], (0, 1), "the leader stands for itself");
            assert!(leavers.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert_eq!(leavers.len(), samples.min(size) as usize);
        }
    }
}
