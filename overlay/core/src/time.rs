//! Time as data: microseconds since an origin that the driver chooses.

use std::{ops::Add, time::Duration};

/// A moment, in microseconds. It comes in with every input, never goes back, and may stand still or
/// jump ahead; the engine never asks for it. A driver that wants the time stamps of joins to mean
/// something starts at the Unix time and counts on monotonically.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Time(pub u64);

impl Time {
    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}
