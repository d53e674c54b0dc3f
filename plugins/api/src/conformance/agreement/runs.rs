//! Random sequences of changes: views come together and fall apart, runs are interrupted at any
//! step, messages of old runs come late, a confirmation reaches only some.

use crate::network::{Failure, How, Network};
use crate::{KeyAgreementModule, Options};

/// Changes in one sequence.
const CHANGES: usize = 12;

/// A network and the components that its members are in.
pub(super) struct World<'a> {
    pub(super) network: Network<'a>,
    components: Vec<Vec<u32>>,
    next: u32,
    max_members: usize,
}

impl<'a> World<'a> {
    pub(super) fn new(
        module: &'a dyn KeyAgreementModule,
        options: &Options,
        seed: u64,
        max_members: u32,
    ) -> Result<Self, Failure> {
        let mut network = Network::new(module, options.clone(), seed);
        let dice = network.dice();
        let (offers, interleave) = (dice.one_in(3), dice.one_in(3));
        // Most views are small: there is little that a view of thirty can show and five cannot.
        let max_members = match dice.below(20) {
            0 => max_members as usize,
            1..4 => (max_members as usize).min(16),
            _ => (max_members as usize).min(7),
        };
        network.offers = offers;
        network.interleave = interleave;
        let mut world = Self { network, components: Vec::new(), next: 0, max_members };
        let first = world.network.dice().below(max_members) + 1;
        let members = world.newcomers(first)?;
        world.components.push(members);
        Ok(world)
    }

    fn newcomers(&mut self, count: usize) -> Result<Vec<u32>, Failure> {
        let mut members = Vec::new();
        for _ in 0..count {
            self.network.add(self.next)?;
            members.push(self.next);
            self.next += 1;
        }
        Ok(members)
    }

    /// Picks a component, changes who is in it, and begins a run there. Returns its members.
    pub(super) fn change(&mut self) -> Result<Vec<u32>, Failure> {
        let index = self.network.dice().below(self.components.len());
        let mut members = self.components.swap_remove(index);
        let mut how = How::Continue;
        match self.network.dice().below(12) {
            0..3 => self.join(&mut members)?,
            3..5 => self.part(&mut members),
            5 => {
                self.part(&mut members);
                self.join(&mut members)?;
            }
            6..9 if !self.components.is_empty() => self.merge(&mut members)?,
            9 => how = How::Afresh,
            _ => {
                // Nothing but a refresh can be asked of members that share an epoch.
                let by = self.network.dice().pick(&members).copied().unwrap_or(0);
                how = How::RefreshBy(by);
            }
        }
        self.network.change(&members, how)?;
        self.components.push(members.clone());
        Ok(members)
    }

    fn join(&mut self, members: &mut Vec<u32>) -> Result<(), Failure> {
        let room = self.max_members.saturating_sub(members.len()).min(4);
        let count = if self.network.dice().one_in(2) { 1 } else { room };
        let newcomers = self.newcomers(count.min(room))?;
        members.extend(newcomers);
        Ok(())
    }

    /// Some go: for good, or into a component of their own that may come back.
    fn part(&mut self, members: &mut Vec<u32>) {
        let dice = self.network.dice();
        let gone = if dice.one_in(2) {
            dice.pick(members).copied().into_iter().collect()
        } else {
            dice.some_of(members)
        };
        if gone.len() == members.len() {
            return;
        }
        members.retain(|number| !gone.contains(number));
        if self.network.dice().one_in(2) {
            for number in gone {
                self.network.remove(number);
            }
        } else {
            self.components.push(gone);
        }
    }

    fn merge(&mut self, members: &mut Vec<u32>) -> Result<(), Failure> {
        let times = self.network.dice().below(3) + 1;
        for _ in 0..times {
            let index = self.network.dice().below(self.components.len());
            let fits = |other: &Vec<u32>| other.len() + members.len() <= self.max_members;
            if self.components.get(index).is_some_and(fits) {
                members.extend(self.components.swap_remove(index));
            }
        }
        Ok(())
    }

    /// Whether the next run ends early, and if so after how many deliveries.
    fn interruption(&mut self, members: usize) -> Option<usize> {
        let dice = self.network.dice();
        dice.one_in(3).then(|| dice.below(4 * members * members + 4))
    }

    /// A change, carried through or interrupted. Tells what to do with each delivery.
    pub(super) fn turn(
        &mut self,
        mut at_each: impl FnMut(&mut Network<'a>) -> Result<(), String>,
    ) -> Result<(), String> {
        let members = self.change().map_err(|failure| failure.to_string())?;
        let interruption = self.interruption(members.len());
        let mut steps = 0;
        loop {
            at_each(&mut self.network)?;
            if interruption.is_some_and(|at| at <= steps) {
                let told = self.network.dice().one_in(2);
                let aborted = if told { self.network.abort() } else { Ok(()) };
                return aborted.map_err(|failure| failure.to_string());
            }
            if !self.network.step().map_err(|failure| failure.to_string())? {
                break;
            }
            steps += 1;
        }
        let reached = match self.network.dice().below(5) {
            0 => self.network.dice().some_of(&members),
            _ => members,
        };
        let confirmed = self.network.confirm_at(|number| reached.contains(&number));
        confirmed.map(drop).map_err(|failure| failure.to_string())
    }
}

/// One sequence, and then a run that nothing interrupts.
pub(super) fn sequence(
    module: &dyn KeyAgreementModule,
    options: &Options,
    seed: u64,
    max_members: u32,
) -> Result<(), String> {
    let text = |failure: Failure| failure.to_string();
    let mut world = World::new(module, options, seed, max_members).map_err(text)?;
    for change in 0..CHANGES {
        world.turn(|_| Ok(())).map_err(|why| format!("change {change}: {why}"))?;
    }
    world.change().map_err(text)?;
    world.network.complete().map_err(|failure| format!("at the end: {failure}"))?;
    Ok(())
}
