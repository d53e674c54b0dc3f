//! What the engine counts: drops by reason, and cases so rare that tests must see that they occur.

use crate::error::Drop;

/// A case that tests must have seen (`docs/protocol.md`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Rare {
    /// A higher ballot came while this node had accepted one and waited for its plan.
    GatheringInterrupted,
    /// A higher ballot came while this node recovered, or waited for the installation.
    RecoveryInterrupted,
    /// A ballot's plan came, but this node installed a later one instead.
    InstallationMissed,
    /// Entries of a departed origin were cut at an installation.
    DepartedStreamCut,
    /// Entries were fetched during recovery.
    Fetched,
    /// Nodes of three or more old configurations were installed together.
    ThreeWayMerge,
    /// Pieces of a message were dropped since its rest did not enter the stream in time.
    PiecesDropped,
    /// A message was sent again from its first piece.
    PiecesAgain,
    /// An `InstallView` was delivered after the configuration's signal.
    ViewAfterSignal,
    /// An `InstallView` of another round was ignored.
    ViewOfOtherRound,
    /// A flush that began under one leader was answered to another.
    FlushAcrossLeaders,
    /// A configuration ended before its tables were whole.
    TablesCutShort,
    /// A join or leave was deferred until the tables were whole.
    Deferred,
    /// A message of an old view was kept from a member that did not move along.
    NotRunning,
    /// A frame was forwarded to a node that does not hear its origin.
    Forwarded,
    /// A proposal was refused since the leader is alive.
    LeaderAlive,
    /// A member was expelled for not flushing, or a node for not acknowledging.
    Expelled,
    /// A leader that did not keep up made the others go on without it.
    SteppedAside,
}

impl Rare {
    /// All cases.
    pub const ALL: [Self; 18] = [
        Self::GatheringInterrupted,
        Self::RecoveryInterrupted,
        Self::InstallationMissed,
        Self::DepartedStreamCut,
        Self::Fetched,
        Self::ThreeWayMerge,
        Self::PiecesDropped,
        Self::PiecesAgain,
        Self::ViewAfterSignal,
        Self::ViewOfOtherRound,
        Self::FlushAcrossLeaders,
        Self::TablesCutShort,
        Self::Deferred,
        Self::NotRunning,
        Self::Forwarded,
        Self::LeaderAlive,
        Self::Expelled,
        Self::SteppedAside,
    ];
}

/// Counters since the start of the engine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    drops: [u64; Drop::ALL.len()],
    rare: [u64; Rare::ALL.len()],
    /// Configurations installed.
    pub installations: u64,
    /// Messages delivered to members.
    pub delivered: u64,
    /// Frames taken.
    pub frames: u64,
}

impl Figures {
    /// How many drops for this reason.
    pub fn drops(&self, reason: Drop) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or(0)
    }

    /// How often this case has occurred.
    pub fn rare(&self, case: Rare) -> u64 {
        self.rare.get(case as usize).copied().unwrap_or(0)
    }

    pub(crate) fn dropped(&mut self, reason: Drop) {
        if let Some(count) = self.drops.get_mut(reason as usize) {
            *count += 1;
        }
    }

    pub(crate) fn saw(&mut self, case: Rare) {
        if let Some(count) = self.rare.get_mut(case as usize) {
            *count += 1;
        }
    }
}
