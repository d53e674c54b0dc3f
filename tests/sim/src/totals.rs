//! Figures of many engines, summed.

use cenacle_core::{Drop, Engine, Rare};

/// How often each rare case occurred, and what was dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Totals {
    /// Rare cases, in the order of [`Rare::ALL`].
    pub rare: [u64; Rare::ALL.len()],
    /// Drops, in the order of [`Drop::ALL`].
    pub drops: [u64; Drop::ALL.len()],
    /// Configurations installed, summed over nodes.
    pub installations: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self { rare: [0; Rare::ALL.len()], drops: [0; Drop::ALL.len()], installations: 0 }
    }
}

impl Totals {
    /// Adds an engine's.
    pub fn add(&mut self, engine: &Engine) {
        let figures = engine.figures();
        for (sum, case) in self.rare.iter_mut().zip(Rare::ALL) {
            *sum += figures.rare(case);
        }
        for (sum, reason) in self.drops.iter_mut().zip(Drop::ALL) {
            *sum += figures.drops(reason);
        }
        self.installations += figures.installations;
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in self.rare.iter_mut().zip(other.rare) {
            *sum += more;
        }
        for (sum, more) in self.drops.iter_mut().zip(other.drops) {
            *sum += more;
        }
        self.installations += other.installations;
    }

    /// How often frames were dropped for a reason.
    pub fn dropped(&self, reason: Drop) -> u64 {
        Drop::ALL.iter().zip(self.drops).find(|(r, _)| **r == reason).map_or(0, |(_, sum)| sum)
    }

    /// Reasons for drops that do not occur among honest nodes of one version and overlay.
    pub fn absurd(&self) -> Vec<String> {
        let absurd = [Drop::Version, Drop::Overlay, Drop::Malformed];
        let seen = absurd.into_iter().filter(|reason| self.dropped(*reason) > 0);
        seen.map(|reason| {
            format!("{} frames of honest nodes were dropped as `{reason}`", self.dropped(reason))
        })
        .collect()
    }

    /// A table of the rare cases.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (case, count) in Rare::ALL.iter().zip(self.rare) {
            table.push_str(&format!("{:<24} {count:>12}\n", format!("{case:?}")));
        }
        table
    }
}
