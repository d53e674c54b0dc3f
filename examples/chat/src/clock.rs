//! The time of day where the reader is.

use jiff::{Timestamp, tz::TimeZone};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of day.
#[derive(Clone, Debug)]
pub(crate) struct Clock(TimeZone);

impl Clock {
    /// In the system's time zone; in UTC where there is none.
    pub(crate) fn local() -> Self {
        Self(TimeZone::try_system().unwrap_or(TimeZone::UTC))
    }

    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Hours and minutes, five columns.
    pub(crate) fn time(&self, time_us: u64) -> String {
        let time = i64::try_from(time_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        match time {
            Some(time) => {
                let time = self.0.to_datetime(time);
                format!("{:02}:{:02}", time.hour(), time.minute())
            }
            None => "--:--".to_owned(),
        }
    }
}

/// Now, in microseconds since the Unix epoch.
pub(crate) fn now_us() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_a_time() {
        let clock = Clock::utc();
        assert_eq!(clock.time(0), "00:00");
        assert_eq!(clock.time(((13 * 60 + 7) * 60 + 59) * 1_000_000), "13:07");
        assert_eq!(clock.time(u64::MAX), "--:--");
    }
}
