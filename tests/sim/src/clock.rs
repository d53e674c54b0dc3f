//! A node's own clock: it starts anywhere, runs a little fast or slow, and sometimes jumps ahead.

use cenacle_core::Time;

const MILLION: u128 = 1_000_000;

/// Turns the world's microseconds into a node's, and back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    world: u64,
    local: u64,
    /// Local microseconds in a million of the world's.
    rate: u64,
}

impl Clock {
    /// Shows `local` at the world's time `world`, and runs at `rate` millionths of the true speed.
    pub fn new(world: u64, local: u64, rate: u64) -> Self {
        Self { world, local, rate: rate.max(1) }
    }

    /// What it shows.
    pub fn local(&self, world: u64) -> Time {
        let passed = u128::from(world.saturating_sub(self.world)) * u128::from(self.rate) / MILLION;
        Time(self.local.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX)))
    }

    /// The earliest of the world's times at which it shows `local` or later.
    pub fn world(&self, local: Time) -> u64 {
        let missing = u128::from(local.0.saturating_sub(self.local)) * MILLION;
        let passed = missing.div_ceil(u128::from(self.rate));
        self.world.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// Jumps ahead.
    pub fn jump(&mut self, world: u64, by: u64) {
        self.local = self.local(world).0.saturating_add(by);
        self.world = world;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for rate in [900_000, 999_983, 1_000_000, 1_000_017, 1_100_000] {
            let mut clock = Clock::new(5, 1_000_000_000, rate);
            for at in [5, 6, 1_000, 123_456_789] {
                let local = clock.local(at);
                let world = clock.world(local);
                assert!(world <= at && clock.local(world) >= local, "rate {rate}, at {at}");
            }
            let before = clock.local(500);
            clock.jump(500, 77);
            assert_eq!(clock.local(500).0, before.0 + 77);
            assert!(clock.local(clock.world(Time(before.0 + 1000))) >= Time(before.0 + 1000));
        }
    }
}
