//! Randomness as data: a pool that the driver fills, and one fresh seed out of it for every event.

use cenacle_plugin::Secret;
use zeroize::Zeroize;

/// Seeds for the events of modules. What was drawn cannot be computed from the pool any more; what
/// the driver adds before every change of view heals a pool that somebody has seen.
pub(crate) struct Entropy {
    pool: Secret<32>,
}

impl Entropy {
    /// A pool that begins with 32 bytes of the operating system's.
    pub(crate) fn new(seed: Secret<32>) -> Self {
        Self { pool: seed }
    }

    /// Adds fresh bytes.
    pub(crate) fn add(&mut self, fresh: &Secret<32>) {
        let mut material = [0; 64];
        let (pool, rest) = material.split_at_mut(32);
        pool.copy_from_slice(self.pool.expose());
        rest.copy_from_slice(fresh.expose());
        self.pool = Secret::derive("cenacle entropy pool v1", &material);
        material.zeroize();
    }

    /// A seed that nobody else gets.
    pub(crate) fn draw(&mut self) -> Secret<32> {
        let seed = Secret::derive("cenacle entropy seed v1", self.pool.expose());
        self.pool = Secret::derive("cenacle entropy next pool v1", self.pool.expose());
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seed_comes_twice_and_what_is_added_counts() {
        let mut one = Entropy::new(Secret::new([1; 32]));
        let mut other = Entropy::new(Secret::new([1; 32]));
        assert!(one.draw() == other.draw(), "a function of what went in");
        let seeds: Vec<_> = (0..100).map(|_| one.draw()).collect();
        for (index, seed) in seeds.iter().enumerate() {
            assert!(seeds.iter().skip(index + 1).all(|later| later != seed));
        }
        other.add(&Secret::new([2; 32]));
        assert!(seeds[0] != other.draw());
    }
}
