//! What a piece of work takes.

/// Nanoseconds for which this thread has worked so far, on a clock that stands still while others
/// have the processor: a figure for one member's machine must not grow because this one is busy.
#[cfg(unix)]
pub(crate) fn worked_ns() -> u64 {
    let worked = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(worked.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(worked.tv_nsec))
}

/// The nearest thing to a thread's own time elsewhere: time on the wall.
#[cfg(not(unix))]
pub(crate) fn worked_ns() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGUN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time() {
        let begun = worked_ns();
        let sum = (0..3_000_000u64).fold(0, |sum: u64, n| std::hint::black_box(sum ^ n));
        assert!(worked_ns() > begun, "{sum}");
    }

    #[test]
    #[cfg(unix)]
    fn sleep_is_no_work() {
        let begun = worked_ns();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(worked_ns() - begun < 25_000_000);
    }
}
