//! The changes that costs are told for, played on a fresh network.

use super::{Failure, How, Network, Outcome};
use crate::{Occasion, Scenario};

impl Occasion {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Build,
        Self::Join,
        Self::Leave,
        Self::Merge,
        Self::Partition,
        Self::Refresh,
        Self::LeaderLeave,
    ];

    /// The word for it in commands and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Merge => "merge",
            Self::Partition => "partition",
            Self::Refresh => "refresh",
            Self::LeaderLeave => "leader-leave",
        }
    }

    /// The change in a group of `size` (before it; for a build, after it): a merge brings half as
    /// many members again, a partition takes every second one. `None` where the group is too
    /// small for it.
    pub fn scenario(self, size: u32) -> Option<Scenario> {
        let (joining, leaving) = match self {
            Self::Build | Self::Refresh => (0, 0),
            Self::Join => (1, 0),
            Self::Merge => ((size / 2).max(1), 0),
            Self::Leave | Self::LeaderLeave => (0, 1),
            Self::Partition => (0, size / 2),
        };
        let enough = if leaving > 0 { size >= 2 } else { size >= 1 };
        enough.then_some(Scenario { occasion: self, members: size, joining, leaving })
    }
}

impl Network<'_> {
    /// Plays the change on this network, which must be new, and returns what it cost.
    pub fn play(&mut self, scenario: &Scenario) -> Result<Outcome, Failure> {
        self.prepare(scenario)?;
        self.start(scenario)?;
        self.complete_measured()
    }

    /// Brings this network, which must be new, to where the change begins: the groups that it
    /// changes are there and confirmed.
    pub fn prepare(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let (before, newcomers) = numbers_of(scenario);
        for &number in before.iter().chain(&newcomers) {
            self.add(number)?;
        }
        if scenario.occasion != Occasion::Build {
            self.change(&before, How::Continue)?;
            self.complete_measured()?;
        }
        if newcomers.len() > 1 {
            self.change(&newcomers, How::Continue)?;
            self.complete_measured()?;
        }
        Ok(())
    }

    /// Plays the change on a prepared network until all members have the secret, and gives it up
    /// then: the network stands where it stood, and the change can be played again.
    pub fn rehearse(&mut self, scenario: &Scenario) -> Result<Outcome, Failure> {
        self.give_up_after(|network| network.start(scenario))
    }

    /// Plays a change to members of these numbers in the same way.
    pub fn rehearse_change(&mut self, numbers: &[u32], how: How) -> Result<Outcome, Failure> {
        self.give_up_after(|network| network.change(numbers, how))
    }

    fn give_up_after(
        &mut self,
        begin: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<Outcome, Failure> {
        let heard: Vec<usize> = self.peers.values().map(|peer| peer.history.len()).collect();
        begin(self)?;
        self.run_measured()?;
        let secret = self.agreed_secret()?;
        if self.secrets.contains(&secret) {
            return Err(Failure::Repeated);
        }
        self.secrets.push(secret.clone());
        let outcome = self.outcome(secret);
        self.abort()?;
        for (peer, heard) in self.peers.values_mut().zip(heard) {
            peer.history.truncate(heard);
        }
        Ok(outcome)
    }

    fn start(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let (before, newcomers) = numbers_of(scenario);
        let middle = scenario.members / 2;
        let stays = |number: &u32| match scenario.occasion {
            Occasion::Leave => *number != middle,
            Occasion::LeaderLeave => *number != 0,
            Occasion::Partition => number.is_multiple_of(2),
            _ => true,
        };
        let after: Vec<u32> = before.iter().copied().filter(stays).chain(newcomers).collect();
        let how = match scenario.occasion {
            Occasion::Refresh => How::RefreshBy(middle),
            _ => How::Continue,
        };
        self.change(&after, how)
    }
}

/// The members before the change, and those that come.
fn numbers_of(scenario: &Scenario) -> (Vec<u32>, Vec<u32>) {
    let end = scenario.members + scenario.joining;
    ((0..scenario.members).collect(), (scenario.members..end).collect())
}
