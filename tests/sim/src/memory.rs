//! What an engine holds, and what it may hold.

use cenacle_core::Engine;

/// Tells how much is held.
pub trait Bounded {
    /// Bytes held and the stated limit of that, if it can be told.
    fn held_and_limit(&self) -> Option<(u64, u64)>;

    /// The same of own entries that are not stable.
    fn unstable_and_limit(&self) -> Option<(u64, u64)> {
        None
    }
}

impl Bounded for Engine {
    fn held_and_limit(&self) -> Option<(u64, u64)> {
        let memory = self.memory();
        Some((memory.held as u64, memory.limit as u64))
    }

    fn unstable_and_limit(&self) -> Option<(u64, u64)> {
        let (unstable, limit) = self.memory().unstable;
        Some((unstable as u64, limit as u64))
    }
}

/// What an engine holds in percent of what it may; what is wrong, if that is too much.
pub(crate) fn fullness(engine: &impl Bounded) -> (u64, Option<String>) {
    let Some((held, limit)) = engine.held_and_limit() else { return (0, None) };
    let excess = (held > limit).then(|| format!("{held} bytes are held, the limit is {limit}"));
    let flood = engine.unstable_and_limit().filter(|(unstable, limit)| unstable > limit);
    let flood = flood.map(|(unstable, limit)| {
        format!("{unstable} bytes of its own are not stable, the limit is {limit}")
    });
    let excess = excess.or(flood);
    (held.saturating_mul(100) / limit.max(1), excess)
}

/// What a table counts for a group, and for a member, as these runs have them: charters are short,
/// blobs are gone with the first view, and a node's last frame may be in its peers' hands.
const GROUPS: u64 = 4 << 10;
const MEMBER: u64 = 256;

/// What is wrong with an engine that holds so much though everything is at rest.
pub(crate) fn left_over(engine: &impl Bounded, members: usize) -> Option<String> {
    let (held, _) = engine.held_and_limit()?;
    let table = GROUPS + MEMBER * members as u64;
    (held > table).then(|| format!("{held} bytes are held at rest, a table may have {table}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Held(u64);

    impl Bounded for Held {
        fn held_and_limit(&self) -> Option<(u64, u64)> {
            Some((self.0, 10))
        }
    }

    #[test]
    fn what_is_left_at_rest_is_told() {
        assert_eq!(left_over(&Held(5_000), 10), None);
        assert!(left_over(&Held(7_000), 10).is_some_and(|text| text.contains("at rest")));
    }

    #[test]
    fn more_than_the_limit_is_told() {
        assert_eq!(fullness(&Held(10)), (100, None));
        let (percent, excess) = fullness(&Held(11));
        assert!(percent == 110 && excess.is_some_and(|text| text.contains("11 bytes")));
    }
}
