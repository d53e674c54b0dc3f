//! Deliberate defects, for showing that the tests of the engine bite. Without the feature `defects`
//! there is none and the checks vanish.

/// A rule left out, to see a property break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Defect {
    /// The leader's order of arrival decides instead of positions.
    OrderByArrival,
    /// Ordered entries do not wait for promises.
    NoPromises,
    /// Nothing of a departed stream is recovered from others.
    ForgetDepartedStream,
    /// What was recovered is forgotten when the installation fails.
    ForgetRecovered,
    /// Views are installed without waiting for flushes.
    NoFlush,
    /// Entries do not wait for what they depend on.
    NoDependencies,
    /// A turn is taken away without its yield.
    TurnTaken,
    /// Transitional sets are recomputed from members present instead of taken from the entry.
    RecomputeTransitional,
    /// Safe entries do not wait to be stable.
    SafeAtOnce,
    /// Tables are not merged.
    NoTables,
    /// Messages of an old view are given to members that did not move along.
    NoRunning,
    /// An `InstallView` of another round is not ignored.
    AnyRound,
    /// A late copy of a leave puts the member's next life out.
    LateLeave,
    /// What everybody has and has delivered is kept all the same.
    NeverForget,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::OrderByArrival,
        Self::NoPromises,
        Self::ForgetDepartedStream,
        Self::ForgetRecovered,
        Self::NoFlush,
        Self::NoDependencies,
        Self::TurnTaken,
        Self::RecomputeTransitional,
        Self::SafeAtOnce,
        Self::NoTables,
        Self::NoRunning,
        Self::AnyRound,
        Self::LateLeave,
        Self::NeverForget,
    ];
}
