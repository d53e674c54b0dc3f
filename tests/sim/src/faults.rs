//! What goes wrong, and when: a schedule drawn from the seed before the run.

use crate::random::Random;

/// How much goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Preset {
    /// Nothing: members join and leave, and frames take their time.
    Calm,
    /// A fault every few seconds, mostly one at a time.
    Rough,
    /// Several at a time, and lossy links.
    Savage,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Rough, Self::Savage];

    /// As the command line spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rough => "rough",
            Self::Savage => "savage",
        }
    }
}

/// What goes wrong. Times are in microseconds; whom it meets is drawn when it happens.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fault {
    /// The nodes fall into so many sides for a while.
    Partition {
        /// 2 or 3.
        sides: usize,
        /// How long.
        lasts: u64,
    },
    /// A partition comes and goes.
    Flapping {
        /// From one change to the next.
        period: u64,
        /// How many changes.
        changes: u32,
    },
    /// Frames from one node to some others are lost, not those back.
    OneWay {
        /// All others are concerned; else one.
        all: bool,
        /// How long; without end, until everything is healed.
        lasts: Option<u64>,
    },
    /// Two nodes do not hear each other, though others hear both.
    NonTransitive {
        /// How long; without end, until everything is healed.
        lasts: Option<u64>,
    },
    /// A node dies, and perhaps comes back under the same key after a while.
    Crash {
        /// When it comes back.
        back: Option<u64>,
    },
    /// A node shuts down in good order, and perhaps comes back after a while.
    Shutdown {
        /// When it comes back.
        back: Option<u64>,
    },
    /// A node stands still for a while: its clock goes on, and frames wait for it.
    Pause {
        /// How long.
        lasts: u64,
    },
    /// A node's clock jumps ahead.
    ClockJump {
        /// How far.
        by: u64,
    },
    /// A member sends much at once.
    Burst {
        /// So many messages.
        messages: u64,
    },
    /// Many frames are lost for a while.
    Storm {
        /// The probability of loss.
        loss: f64,
        /// How long.
        lasts: u64,
    },
    /// Ways are longer for a while.
    Stretch {
        /// So many times.
        factor: u64,
        /// How long.
        lasts: u64,
    },
    /// A node is slow for a while.
    Slow {
        /// So many times slower.
        factor: u64,
        /// How long.
        lasts: u64,
    },
    /// A node's application does not read for a while.
    DoesNotRead {
        /// How long.
        lasts: u64,
    },
}

/// What faults are measured by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// When faults may begin, and when they end.
    pub active: (u64, u64),
    /// Silence that the failure detector forgives at least.
    pub suspect_after: u64,
}

/// The faults of a run, by time. At least ten, unless nothing goes wrong.
pub(crate) fn schedule(preset: Preset, scale: Scale, random: &mut Random) -> Vec<(u64, Fault)> {
    let (begin, end) = scale.active;
    let seconds = end.saturating_sub(begin) / 1_000_000;
    let count = match preset {
        Preset::Calm => return Vec::new(),
        Preset::Rough => random.between(10, 10 + seconds / 4),
        Preset::Savage => random.between(16, 16 + seconds),
    };
    let mut times: Vec<u64> = (0..count).map(|_| random.between(begin, end)).collect();
    // Faults on each other's heels catch changes half-way.
    for at in 1..times.len() {
        if random.chance(0.25)
            && let Some(before) = times.get(at - 1).copied()
            && let Some(time) = times.get_mut(at)
        {
            *time = (before + random.between(0, 300_000)).min(end);
        }
    }
    times.sort_unstable();
    times.into_iter().map(|time| (time, draw(preset, scale, random))).collect()
}

fn draw(preset: Preset, scale: Scale, random: &mut Random) -> Fault {
    let savage = preset == Preset::Savage;
    let limit = scale.suspect_after;
    let lasts = random.between(limit / 4, limit * if savage { 15 } else { 10 });
    match random.below(100) {
        0..=19 => Fault::Partition { sides: if random.chance(0.3) { 3 } else { 2 }, lasts },
        20..=24 => Fault::Flapping {
            period: random.between(limit / 10, limit * 3),
            changes: u32::try_from(random.between(3, 12)).unwrap_or(3),
        },
        25..=32 => Fault::OneWay {
            all: random.chance(0.4),
            lasts: (!random.chance(0.15)).then_some(lasts),
        },
        33..=41 => Fault::NonTransitive { lasts: (!random.chance(0.25)).then_some(lasts) },
        42..=57 => {
            let back = random.between(1_000, limit * 10);
            Fault::Crash { back: random.chance(0.8).then_some(back) }
        }
        58..=63 => {
            let back = random.between(1_000, limit * 10);
            Fault::Shutdown { back: random.chance(0.8).then_some(back) }
        }
        64..=69 => Fault::Pause { lasts: random.between(limit / 20, limit) },
        70..=74 => Fault::Pause { lasts: random.between(limit, limit * 12) },
        75..=79 => {
            let far = if random.chance(0.2) { 3_600_000_000 } else { limit * 6 };
            Fault::ClockJump { by: random.between(1_000, far) }
        }
        80..=86 => Fault::Burst { messages: random.between(20, 300) },
        87..=91 => {
            let most = if savage { 0.8 } else { 0.4 };
            Fault::Storm { loss: 0.1 + random.unit() * (most - 0.1), lasts: lasts.min(2_000_000) }
        }
        92..=94 => Fault::Stretch { factor: random.between(2, 20), lasts },
        95..=97 => Fault::Slow { factor: random.between(10, 100), lasts },
        // Sometimes for so long that the others go on without it.
        _ => Fault::DoesNotRead { lasts: if random.chance(0.5) { lasts } else { limit * 40 } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_its_faults_in_time() {
        let scale = Scale { active: (2_000_000, 30_000_000), suspect_after: 200_000 };
        for seed in 0..50 {
            assert!(schedule(Preset::Calm, scale, &mut Random::new(seed)).is_empty());
            for preset in [Preset::Rough, Preset::Savage] {
                let faults = schedule(preset, scale, &mut Random::new(seed));
                assert!(faults.len() >= 10);
                assert!(faults.is_sorted_by_key(|(time, _)| *time));
                assert!(faults.iter().all(|(at, _)| (2_000_000..=30_000_000).contains(at)));
                assert_eq!(faults, schedule(preset, scale, &mut Random::new(seed)));
            }
        }
    }

    #[test]
    fn every_fault_occurs() {
        let scale = Scale { active: (0, 30_000_000), suspect_after: 200_000 };
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..50 {
            for (_, fault) in schedule(Preset::Savage, scale, &mut Random::new(seed)) {
                let text = format!("{fault:?}");
                kinds.insert(text.split(' ').next().unwrap_or_default().to_owned());
            }
        }
        assert_eq!(kinds.len(), 13, "{kinds:?}");
    }
}
