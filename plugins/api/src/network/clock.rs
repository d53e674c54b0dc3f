//! Costs along the longest chain of dependent work, as if every member had its own machine.

use crate::Work;

/// How far a member, or a message, is along the longest chain that leads to it. Each column is a
/// chain of its own: the longest one in exponentiations need not be the longest in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) rounds: u32,
    pub(super) acknowledgement_rounds: u32,
    pub(super) exponentiations: u32,
    pub(super) own_share: u32,
    pub(super) checks: u32,
    pub(super) products: u32,
    pub(super) signatures: u32,
    pub(super) verifications: u32,
    pub(super) time_ns: u64,
}

impl Clock {
    /// Waits for `other`.
    pub(super) fn wait_for(&mut self, other: &Self) {
        self.rounds = self.rounds.max(other.rounds);
        self.acknowledgement_rounds = self.acknowledgement_rounds.max(other.acknowledgement_rounds);
        self.exponentiations = self.exponentiations.max(other.exponentiations);
        self.own_share = self.own_share.max(other.own_share);
        self.checks = self.checks.max(other.checks);
        self.products = self.products.max(other.products);
        self.signatures = self.signatures.max(other.signatures);
        self.verifications = self.verifications.max(other.verifications);
        self.time_ns = self.time_ns.max(other.time_ns);
    }

    /// Goes with a message that is no acknowledgement: those that its sender heard before are not
    /// why it was sent.
    pub(super) fn go_round(&mut self) {
        self.rounds += 1;
        self.acknowledgement_rounds = 0;
    }

    /// Works.
    pub(super) fn work(&mut self, work: &Work) {
        self.exponentiations += work.exponentiations;
        self.own_share += work.own_share;
        self.checks += work.checks;
        self.products += work.products;
    }
}
