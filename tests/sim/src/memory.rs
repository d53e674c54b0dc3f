//! What an engine holds, and what it may hold.

use cenacle_core::Engine;

/// Tells how much is held.
pub trait Bounded {
    /// Bytes held and the stated limit of that, if it can be told.
    fn held_and_limit(&self) -> Option<(u64, u64)>;
}

impl Bounded for Engine {
    fn held_and_limit(&self) -> Option<(u64, u64)> {
        let memory = self.memory();
        Some((memory.held as u64, memory.limit as u64))
    }
}

/// What is wrong with an engine's memory.
pub(crate) fn excess(engine: &impl Bounded) -> Option<String> {
    let (held, limit) = engine.held_and_limit()?;
    (held > limit).then(|| format!("{held} bytes are held, the limit is {limit}"))
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
    fn more_than_the_limit_is_told() {
        assert_eq!(excess(&Held(10)), None);
        assert!(excess(&Held(11)).is_some_and(|text| text.contains("11 bytes")));
    }
}
