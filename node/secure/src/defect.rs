//! Deliberate defects, for showing that the simulator bites. Without the feature `defects` there is
//! none and the checks vanish.

/// A rule left out, to see a property break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Defect {
    /// A view is secure for whoever holds a secret, before all are known to hold it.
    SkipConfirmation,
    /// Messages of a run that was aborted are taken for the present one's.
    AcceptOtherRun,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SkipConfirmation, Self::AcceptOtherRun];
}
