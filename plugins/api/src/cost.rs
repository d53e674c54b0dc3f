//! What an event should cost: the formulas of the papers and of the modules themselves.

use serde::Serialize;

/// The changes that costs are told for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// Members that had nothing become one group.
    Build,
    /// One member joins a group.
    Join,
    /// One member leaves that has no role of its own (the one in the middle of the seniority).
    Leave,
    /// Two groups become one.
    Merge,
    /// Several members leave at once.
    Partition,
    /// A new key without a change of members.
    Refresh,
    /// The oldest member leaves.
    LeaderLeave,
}

/// A change, in the papers' letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What happens.
    pub occasion: Occasion,
    /// `n`: members of the base class before the change; after it for [`Occasion::Build`].
    pub members: u32,
    /// `m`: members that come with other classes.
    pub joining: u32,
    /// `p`: members that leave the base class.
    pub leaving: u32,
}

impl Scenario {
    /// Members after the change.
    pub fn after(&self) -> u32 {
        match self.occasion {
            Occasion::Build => self.members,
            _ => (self.members + self.joining).saturating_sub(self.leaving),
        }
    }
}

/// Costs of one change. Rounds, exponentiations, signatures and verifications are counted along
/// the longest chain of dependent work; messages are counted in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// Longest chain of messages, each sent because of the one before.
    pub rounds: u32,
    /// Module messages sent by all members.
    pub messages: u32,
    /// Those of them that go to one member.
    pub unicasts: u32,
    /// Those of them that go to all.
    pub multicasts: u32,
    /// Exponentiations of the protocol proper on the longest chain.
    pub exponentiations: u32,
    /// Signatures on the longest chain.
    pub signatures: u32,
    /// Verifications on the longest chain.
    pub verifications: u32,
}

/// Costs of secure channels and acknowledgements, which the papers leave out of their columns or
/// count by columns of their own (paper 000, section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Apart {
    /// Secure channels that had to be set up.
    pub channels: u32,
    /// Secure channels that were needed and there.
    pub channels_cached: u32,
    /// Exponentiations of the protocol proper of all members together.
    pub load: u32,
    /// Messages that their module sealed itself, so that nobody signed them; unicasts too.
    pub sealed: u32,
    /// Messages that only say that a key has arrived; in no other column.
    pub acknowledgements: u32,
    /// Longest chain of them.
    pub acknowledgement_rounds: u32,
}

impl Apart {
    /// The columns in which `measured` is not this: name, measured, contract.
    pub fn broken_by(&self, measured: &Self) -> Vec<(&'static str, u32, u32)> {
        let columns = [
            ("channels", measured.channels, self.channels),
            ("channels cached", measured.channels_cached, self.channels_cached),
            ("load", measured.load, self.load),
            ("sealed", measured.sealed, self.sealed),
            ("acknowledgements", measured.acknowledgements, self.acknowledgements),
            (
                "acknowledgement rounds",
                measured.acknowledgement_rounds,
                self.acknowledgement_rounds,
            ),
        ];
        columns.into_iter().filter(|&(_, got, want)| got != want).collect()
    }
}

/// How a measured cost must compare with a module's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// Every column is met to the unit.
    Exactly,
    /// No column is exceeded.
    AtMost,
}

/// What a scenario costs according to the paper and according to the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The source's figures, printed for comparison; averages are rounded up.
    pub paper: Option<Costs>,
    /// What the module keeps.
    pub contract: Costs,
    /// In which sense it keeps it.
    pub bound: Bound,
    /// Why the contract is not the paper's figure, where it is not.
    pub difference: Option<&'static str>,
}

impl Expected {
    /// A contract that is the paper's own figure, met to the unit.
    pub fn exactly(paper: Costs) -> Self {
        Self { paper: Some(paper), contract: paper, bound: Bound::Exactly, difference: None }
    }

    /// The columns in which `measured` breaks the contract: name, measured, contract.
    pub fn broken_by(&self, measured: &Costs) -> Vec<(&'static str, u32, u32)> {
        let columns = [
            ("rounds", measured.rounds, self.contract.rounds),
            ("messages", measured.messages, self.contract.messages),
            ("unicasts", measured.unicasts, self.contract.unicasts),
            ("multicasts", measured.multicasts, self.contract.multicasts),
            ("exponentiations", measured.exponentiations, self.contract.exponentiations),
            ("signatures", measured.signatures, self.contract.signatures),
            ("verifications", measured.verifications, self.contract.verifications),
        ];
        let broken = |got: u32, want: u32| match self.bound {
            Bound::Exactly => got != want,
            Bound::AtMost => got > want,
        };
        columns.into_iter().filter(|&(_, got, want)| broken(got, want)).collect()
    }
}
