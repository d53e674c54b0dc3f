//! A group to which the same thing can be done again and again.

use super::plan::{Cache, Subject};
use crate::envelopes::Shared;
use crate::failure::Failure;
use cenacle_plugin::network::{Dice, How, Network, Outcome};
use cenacle_plugin::{Inline, Secret};
use std::sync::Arc;

/// Joins with leaves before anything is measured, in a group whose members keep channels as many as
/// it has members: what the cache holds then is no longer what the build left. Of the others only
/// the shape of a tree can age, and a few changes do.
fn ageing(size: u32, cache: Cache) -> u32 {
    const OF_TREES: u32 = 4;
    if cache == Cache::None { OF_TREES } else { size.max(OF_TREES) }
}

/// Members, and one more who may join.
pub(super) struct Group<'m> {
    name: &'m str,
    network: Network<'m>,
    envelopes: Option<Shared>,
    pub(super) members: Vec<u32>,
    pub(super) newcomer: u32,
}

impl<'m> Group<'m> {
    /// Members who are alone. With a clock, messages are signed and work is timed; without, messages
    /// go round by round and counts are the same every time.
    pub(super) fn alone(
        subject: &'m Subject,
        size: u32,
        cache: Cache,
        clock: bool,
    ) -> Result<Self, Failure> {
        let module = subject.module(cache);
        let mut network =
            Network::new(module.module().as_ref(), module.options().clone(), u64::from(size))
                .with_executor(Arc::new(Inline));
        let most = size.saturating_add(ageing(size, cache)).saturating_add(1);
        let seed = Secret::derive("cenacle rekey study v1", b"keys");
        let envelopes = clock.then(|| Shared::new(&subject.name, most, &seed));
        if let Some(envelopes) = &envelopes {
            network = network.with_carrier(Box::new(envelopes.clone()));
        }
        let members: Vec<u32> = (0..size).collect();
        let mut group = Self { name: &subject.name, network, envelopes, members, newcomer: size };
        for number in 0..=size {
            group.network.add(number).map_err(|failure| group.defect(failure))?;
        }
        Ok(group)
    }

    /// Members who are together, and have seen others come and go.
    pub(super) fn together(
        subject: &'m Subject,
        size: u32,
        cache: Cache,
        clock: bool,
    ) -> Result<Self, Failure> {
        let mut group = Self::alone(subject, size, cache, clock)?;
        group.agree()?;
        let mut dice = Dice::new(u64::from(size));
        for _ in 0..ageing(size, cache) {
            let leaver = dice.below(group.members.len().saturating_sub(1)).saturating_add(1);
            group.replace(leaver)?;
        }
        Ok(group)
    }

    /// The member at that place goes, the newcomer comes, and there is another one.
    fn replace(&mut self, place: usize) -> Result<(), Failure> {
        self.members = self.after(Some(place), true);
        self.newcomer = self.newcomer.saturating_add(1);
        let added = self.network.add(self.newcomer);
        added.map_err(|failure| self.defect(failure))?;
        self.agree().map(drop)
    }

    /// The members without the one at a place, with the newcomer if it joins.
    pub(super) fn after(&self, leaver: Option<usize>, joins: bool) -> Vec<u32> {
        let places = self.members.iter().enumerate();
        let stay = places.filter(|(place, _)| Some(*place) != leaver).map(|(_, number)| *number);
        stay.chain(joins.then_some(self.newcomer)).collect()
    }

    /// A change to the present members, for good.
    pub(super) fn agree(&mut self) -> Result<Outcome, Failure> {
        let members = self.members.clone();
        let done = self.network.change(&members, How::Continue);
        let outcome = done.and_then(|()| self.network.complete_measured());
        outcome.map_err(|failure| self.defect(failure))
    }

    /// A change to these members, which is given up when all have the key: the group stands where it
    /// stood.
    pub(super) fn rehearse(&mut self, members: &[u32]) -> Result<Outcome, Failure> {
        let outcome = self.network.rehearse_change(members, How::Continue);
        outcome.map_err(|failure| self.defect(failure))
    }

    fn defect(&self, failure: cenacle_plugin::network::Failure) -> Failure {
        let envelopes = self.envelopes.as_ref();
        let refusal = envelopes
            .and_then(|envelopes| envelopes.borrow().refusal().map(|error| format!(" ({error})")));
        let (name, size) = (self.name, self.members.len());
        let refusal = refusal.unwrap_or_default();
        Failure::Failed(format!(
            "{name}, {size} members: {failure}{refusal}; this is a defect of the module"
        ))
    }
}
