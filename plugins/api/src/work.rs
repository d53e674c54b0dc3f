//! What a module did: counts that the conformance suite holds against the papers' formulas.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Operations done while handling one event.
///
/// The first column is what the papers compare; the next two are kept apart because the papers
/// leave them out (`key agreement` design, section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Exponentiations of the protocol proper, decoding of the base and encoding of the result
    /// included.
    pub exponentiations: u32,
    /// Exponentiations that make one's own share (blinding a fresh exponent).
    pub own_share: u32,
    /// Exponentiations that recompute what another member published, to compare it.
    pub checks: u32,
    /// Group multiplications and exponentiations with exponents below the number of members
    /// (Burmester-Desmedt's products).
    pub products: u32,
    /// Secure channels between two members that the sender found set up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub channel_hits: u32,
    /// Secure channels between two members that the sender had to set up; one a channel.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub channel_misses: u32,
}

/// Columns of some modules only do not travel when they are empty.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Work {
    /// Full exponentiations, whatever they were for.
    pub fn all_exponentiations(&self) -> u32 {
        self.exponentiations.saturating_add(self.own_share).saturating_add(self.checks)
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.exponentiations = self.exponentiations.saturating_add(other.exponentiations);
        self.own_share = self.own_share.saturating_add(other.own_share);
        self.checks = self.checks.saturating_add(other.checks);
        self.products = self.products.saturating_add(other.products);
        self.channel_hits = self.channel_hits.saturating_add(other.channel_hits);
        self.channel_misses = self.channel_misses.saturating_add(other.channel_misses);
    }
}
