//! The engine's time: microseconds that begin at the Unix time and count on monotonically.

use cenacle_core::Time;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that nobody sets. Time in which the machine was suspended counts on Linux, so that time
/// stamps stay true; the engine takes the jump as it takes a process that was stopped for a while:
/// frames that are at hand come first, then silence is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch_us: u64,
    begun: Moment,
}

impl Clock {
    /// A clock that begins at the system's time.
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch_us: micros(since), begun: Moment::now() }
    }

    /// The time.
    pub(crate) fn now(&self) -> Time {
        Time(self.epoch_us.saturating_add(self.begun.elapsed_us()))
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// When the runtime's timers, which stand still while the machine is suspended, reach `deadline`.
pub(crate) fn instant_of(deadline: Time, now: Time) -> Instant {
    // A day is as good as never, and no platform's `Instant` overflows by it.
    let wait = deadline.since(now).min(Duration::from_secs(86_400));
    Instant::now() + wait
}

#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
struct Moment(u64);

#[cfg(target_os = "linux")]
impl Moment {
    fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let part = |number: i64| u64::try_from(number).unwrap_or(0);
        Self(part(time.tv_sec).saturating_mul(1_000_000).saturating_add(part(time.tv_nsec) / 1_000))
    }

    fn elapsed_us(self) -> u64 {
        Self::now().0.saturating_sub(self.0)
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Clone, Copy, Debug)]
struct Moment(Instant);

#[cfg(not(target_os = "linux"))]
impl Moment {
    fn now() -> Self {
        Self(Instant::now())
    }

    fn elapsed_us(self) -> u64 {
        micros(self.0.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_at_the_unix_time_and_goes_on() {
        let clock = Clock::new();
        let first = clock.now();
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now().since(first) >= Duration::from_millis(5));
        let unix = micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        assert!(unix.abs_diff(clock.now().0) < 5_000_000);
    }
}
