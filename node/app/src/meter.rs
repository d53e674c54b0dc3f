//! What the work of key agreement consists of: exponentiations, products, signatures, the rest.
//!
//! Reading a thread's own time asks the operating system, which takes longer than much of what is
//! told apart here. The meter reads the wall's clock, which does not, but goes on while others have
//! the processor: of each part the run counts in which it took least.

use cenacle_plugin::{Arithmetic, Executor, Inline, Job};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// The parts of a run's work, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) exponentiations_ns: u64,
    pub(crate) products_ns: u64,
    /// Signing and verifying.
    pub(crate) signatures_ns: u64,
    /// What is none of these.
    pub(crate) other_ns: u64,
}

impl Parts {
    /// Of each part what it took in the run in which it took less.
    pub(crate) fn least(self, other: Self) -> Self {
        Self {
            exponentiations_ns: self.exponentiations_ns.min(other.exponentiations_ns),
            products_ns: self.products_ns.min(other.products_ns),
            signatures_ns: self.signatures_ns.min(other.signatures_ns),
            other_ns: self.other_ns.min(other.other_ns),
        }
    }

    fn named_ns(&self) -> u64 {
        let named = [self.exponentiations_ns, self.products_ns, self.signatures_ns];
        named.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// What is none of the named parts, in per cent of `total_ns`, to a tenth.
    pub(crate) fn other_percent(&self, total_ns: u64) -> f64 {
        let tenths = self.other_ns.saturating_mul(1000) / total_ns.max(1);
        f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
    }
}

/// Runs jobs on the calling thread, and adds up how long arithmetic and signatures take there. One
/// thread at a time.
pub(crate) struct Meter {
    start: Instant,
    begun_ns: AtomicU64,
    exponentiations_ns: AtomicU64,
    products_ns: AtomicU64,
    signatures_ns: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            begun_ns: AtomicU64::new(0),
            exponentiations_ns: AtomicU64::new(0),
            products_ns: AtomicU64::new(0),
            signatures_ns: AtomicU64::new(0),
        }
    }

    /// Nanoseconds since the meter was made.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Signs or verifies.
    pub(crate) fn signing<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = self.now_ns();
        let result = work();
        self.signatures_ns.fetch_add(self.now_ns().saturating_sub(begun), Relaxed);
        result
    }

    /// The parts of a run that took `total_ns`, since this was called last.
    pub(crate) fn take(&self, total_ns: u64) -> Parts {
        let named = Parts {
            exponentiations_ns: self.exponentiations_ns.swap(0, Relaxed),
            products_ns: self.products_ns.swap(0, Relaxed),
            signatures_ns: self.signatures_ns.swap(0, Relaxed),
            other_ns: 0,
        };
        Parts { other_ns: total_ns.saturating_sub(named.named_ns()), ..named }
    }
}

impl Executor for Meter {
    fn width(&self) -> usize {
        Inline.width()
    }

    fn run<'a>(&self, jobs: Vec<Job<'a>>) {
        Inline.run(jobs);
    }

    fn begins(&self, _: Arithmetic) {
        self.begun_ns.store(self.now_ns(), Relaxed);
    }

    fn ends(&self, what: Arithmetic) {
        let took = self.now_ns().saturating_sub(self.begun_ns.load(Relaxed));
        let part = match what {
            Arithmetic::Exponentiation => &self.exponentiations_ns,
            Arithmetic::Product => &self.products_ns,
        };
        part.fetch_add(took, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> u64 {
        (0..2_000_000u64).fold(0, |sum, n| std::hint::black_box(sum ^ n))
    }

    #[test]
    fn parts_are_told_apart() {
        let meter = Meter::new();
        let begun = meter.now_ns();
        for what in [Arithmetic::Exponentiation, Arithmetic::Product] {
            meter.begins(what);
            work();
            meter.ends(what);
        }
        meter.signing(work);
        work();
        let total = meter.now_ns() - begun;
        let parts = meter.take(total);
        assert_eq!(parts.named_ns() + parts.other_ns, total);
        let told = [parts.exponentiations_ns, parts.products_ns, parts.signatures_ns];
        assert!(told.iter().all(|part| *part > 0) && parts.other_ns > 0, "{parts:?}");
        assert_eq!(meter.take(7), Parts { other_ns: 7, ..Parts::default() });
    }

    #[test]
    fn each_part_counts_where_it_took_least() {
        let parts = |exponentiations_ns, products_ns, signatures_ns, other_ns| Parts {
            exponentiations_ns,
            products_ns,
            signatures_ns,
            other_ns,
        };
        let least = parts(60, 9, 30, 7).least(parts(66, 0, 24, 10));
        assert_eq!(least, parts(60, 0, 24, 7));
        assert_eq!(least.other_percent(91), 7.6);
        assert_eq!(Parts::default().other_percent(0), 0.0);
    }
}
