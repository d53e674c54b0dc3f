//! Many seeds on all cores, and what they saw.

use crate::{
    LeftOut,
    faults::Preset,
    plan::{Promise, RunOptions},
    run::{Outcome, run},
    totals::Totals,
};
use cenacle_core::Rare;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// Which seeds, and how.
#[derive(Clone, Debug)]
pub struct SoakOptions {
    /// The first seed, and the one after the last.
    pub seeds: (u64, u64),
    /// The fewest and the most nodes; each seed has its own number.
    pub nodes: (usize, usize),
    /// How many runs at a time.
    pub threads: usize,
    /// No run begins after so long.
    pub limit: Option<Duration>,
    /// A run that takes longer hangs: it is given up, and has failed. Far more than any seed of nine
    /// nodes needs on a loaded machine.
    pub patience: Duration,
    /// Virtual seconds of each run.
    pub seconds: u64,
    /// One preset; all in turn if there is none.
    pub faults: Option<Preset>,
    /// One kind of groups; VS, EVS and both in turn if there is none.
    pub semantics: Option<Promise>,
    /// What agrees on the groups' keys, in turn; groups have no keys if there is none.
    pub key_agreements: Vec<String>,
    /// A rule that is left out.
    pub defect: Option<LeftOut>,
    /// Goes on after a failure.
    pub keep_going: bool,
}

impl Default for SoakOptions {
    fn default() -> Self {
        Self {
            seeds: (0, 100),
            nodes: (3, 9),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            limit: None,
            patience: Duration::from_secs(300),
            seconds: 30,
            faults: None,
            semantics: None,
            key_agreements: Vec::new(),
            defect: None,
            keep_going: false,
        }
    }
}

impl SoakOptions {
    /// The run of a seed.
    pub fn run(&self, seed: u64) -> RunOptions {
        let (least, most) = self.nodes;
        let span = most.saturating_sub(least) as u64 + 1;
        // Presets, promises and sizes go round at different speeds, so that all meet.
        let faults = match (self.faults, seed % 5) {
            (Some(preset), _) => preset,
            (None, 0) => Preset::Calm,
            (None, 1 | 2) => Preset::Rough,
            (None, _) => Preset::Savage,
        };
        let semantics = match (self.semantics, seed / 5 % 3) {
            (Some(promise), _) => promise,
            (None, 0) => Promise::Vs,
            (None, 1) => Promise::Evs,
            (None, _) => Promise::Both,
        };
        let modules = self.key_agreements.len();
        let key_agreement = usize::try_from(seed / 5)
            .ok()
            .and_then(|turn| self.key_agreements.get(turn.checked_rem(modules)?).cloned());
        let semantics = if key_agreement.is_some() { Promise::Vs } else { semantics };
        let more = usize::try_from(seed / 15 % span).unwrap_or(0);
        RunOptions {
            seed,
            nodes: least + more,
            faults,
            semantics,
            seconds: self.seconds,
            key_agreement,
            defect: self.defect,
            ..RunOptions::default()
        }
    }
}

/// What a soak saw.
#[derive(Clone, Default, Debug)]
pub struct Soaked {
    /// Runs that ended.
    pub runs: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Of these the one with the smallest seed: seed, command, what was wrong.
    pub first: Option<(u64, String, String)>,
    /// Figures of all runs.
    pub totals: Totals,
    /// Deliveries of all runs.
    pub delivered: u64,
    /// Faults of all runs.
    pub faults: u64,
    /// What spies tried to learn in all runs.
    pub attacks: u64,
    /// The longest time to settle, in microseconds, and its seed.
    pub slowest: (u64, u64),
    /// The most that an engine held, in percent of what it might, and the seed.
    pub fullest: (u64, u64),
}

impl Soaked {
    /// Rare cases that nobody saw.
    pub fn unseen(&self) -> Vec<Rare> {
        let counts = Rare::ALL.into_iter().zip(self.totals.rare);
        counts.filter(|(_, count)| *count == 0).map(|(case, _)| case).collect()
    }

    fn add(&mut self, options: &RunOptions, result: Result<Outcome, String>) -> bool {
        self.runs += 1;
        let wrong = match result {
            Ok(outcome) => {
                self.totals.merge(&outcome.totals);
                self.delivered += outcome.counts.delivered;
                self.faults += outcome.counts.faults;
                self.attacks += outcome.attacks;
                self.fullest = self.fullest.max((outcome.counts.fullest, options.seed));
                if let Ok(time) = outcome.settled {
                    self.slowest = self.slowest.max((time, options.seed));
                }
                (!outcome.holds()).then(|| outcome.to_string())
            }
            Err(error) => Some(error),
        };
        let Some(wrong) = wrong else { return true };
        self.failed += 1;
        if self.first.as_ref().is_none_or(|(seed, ..)| options.seed < *seed) {
            self.first = Some((options.seed, options.command(), wrong));
        }
        false
    }
}

/// Runs the seeds. After a failure no further run begins, unless that is wanted.
pub fn soak(options: &SoakOptions) -> Soaked {
    let begin = Instant::now();
    let next = AtomicU64::new(options.seeds.0);
    let failed = AtomicBool::new(false);
    let soaked = Mutex::new(Soaked::default());
    let work = || {
        while !failed.load(Ordering::Relaxed) || options.keep_going {
            if options.limit.is_some_and(|limit| begin.elapsed() >= limit) {
                return;
            }
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= options.seeds.1 {
                return;
            }
            let wanted = options.run(seed);
            let result = guarded(options.patience, run, &wanted);
            // Sums are whole even if another thread died.
            let mut soaked = soaked.lock().unwrap_or_else(PoisonError::into_inner);
            if !soaked.add(&wanted, result) {
                failed.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(work);
        }
    });
    soaked.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A run whose panic, an engine's own bug, is a failure like any other; so is an engine that never
/// comes back: its thread is left alone, and ends with the process.
fn guarded(
    patience: Duration,
    run: fn(&RunOptions) -> Result<Outcome, String>,
    options: &RunOptions,
) -> Result<Outcome, String> {
    let (tell, told) = mpsc::sync_channel(1);
    let options = options.clone();
    let spawned = std::thread::Builder::new().spawn(move || {
        // Nobody listens to a run that was given up.
        let _ = tell.send(std::panic::catch_unwind(|| run(&options)));
    });
    spawned.map_err(|error| format!("no thread for the run: {error}"))?;
    match told.recv_timeout(patience) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        }
        Err(_) => Err(format!("hangs: no end after {patience:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_promises_and_sizes_all_meet() {
        let options = SoakOptions::default();
        let mut met = std::collections::BTreeSet::new();
        for seed in 0..105 {
            let run = options.run(seed);
            met.insert((run.faults.as_str(), run.semantics.as_str(), run.nodes));
        }
        assert_eq!(met.len(), 3 * 3 * 7);
    }

    #[test]
    fn panics_and_runs_without_end_are_failures() {
        let options = RunOptions { seconds: 1, ..RunOptions::default() };
        let patience = Duration::from_millis(20);
        let panics = guarded(Duration::from_secs(60), |_| panic!("broken"), &options);
        assert!(panics.is_err_and(|text| text == "panic: broken"));
        let hangs = guarded(
            patience,
            |_| loop {
                std::thread::park();
            },
            &options,
        );
        assert!(hangs.is_err_and(|text| text.starts_with("hangs")));
    }

    #[test]
    fn the_first_failure_is_that_of_the_smallest_seed() {
        let mut soaked = Soaked::default();
        for seed in [5, 3, 4] {
            let options = RunOptions { seed, ..RunOptions::default() };
            assert!(!soaked.add(&options, Err("broken".into())));
        }
        assert_eq!((soaked.runs, soaked.failed, soaked.first.unwrap().0), (3, 3, 3));
    }
}
