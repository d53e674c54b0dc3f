//! One member of the network, chance, and how a view is arranged.

use super::clock::Clock;
use super::wire::Inbox;
use super::{Failure, Network, to_u32};
use crate::{Action, Class, Event, GroupSecret, Input, KeyAgreement, MemberId, Random, Secret};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A member: its instance, what waits for it, what it confirmed.
pub(super) struct Peer {
    pub(super) instance: Box<dyn KeyAgreement>,
    pub(super) inbox: Inbox,
    /// Bodies of its own multicasts under way, by packet number.
    pub(super) own: BTreeMap<u64, Vec<u8>>,
    pub(super) clock: Clock,
    pub(super) installed: Option<GroupSecret>,
    pub(super) installed_at: Clock,
    /// The epoch confirmed last, and who was in it.
    pub(super) epoch: Option<(u64, Rc<[u32]>)>,
    pub(super) history: Vec<Event>,
}

impl Peer {
    pub(super) fn new(instance: Box<dyn KeyAgreement>) -> Self {
        Self {
            instance,
            inbox: Inbox::default(),
            own: BTreeMap::new(),
            clock: Clock::default(),
            installed: None,
            installed_at: Clock::default(),
            epoch: None,
            history: Vec::new(),
        }
    }
}

/// Chance that a seed decides.
#[derive(Debug)]
pub struct Dice {
    random: Random,
    time_us: u64,
}

impl Dice {
    /// Dice that fall as `seed` says.
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Self { random: Random::new(&Secret::new(bytes)), time_us: 0 }
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        usize::try_from(u64::from_be_bytes(bytes) % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of `items`.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> Option<&'i T> {
        items.get(self.below(items.len()))
    }

    /// Some of `items`, each with the same chance, in their order; at least one if there is one.
    pub fn some_of<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut some: Vec<T> = items.iter().filter(|_| self.one_in(2)).cloned().collect();
        if some.is_empty() {
            some.extend(self.pick(items).cloned());
        }
        some
    }

    /// An event that carries fresh random bytes and a later time.
    pub fn event(&mut self, input: Input) -> Event {
        self.time_us += 1;
        Event { time_us: self.time_us, random: self.random.secret(), input }
    }
}

impl Network<'_> {
    /// The seniority and the classes of a view of `numbers`, from what each confirmed last.
    pub(super) fn arrange(&mut self, numbers: &[u32], afresh: bool) -> (Vec<u32>, Vec<Class>) {
        let mut groups = self.groups(numbers, afresh);
        groups.sort_by_key(|(members, _)| std::cmp::Reverse(members.len()));
        let order = self.seniority(&groups);
        let position = |number: &u32| order.iter().position(|n| n == number).map(to_u32);
        let mut classes: Vec<Class> = groups
            .iter()
            .map(|(members, left)| Class {
                members: members.iter().filter_map(position).collect(),
                left: left.clone(),
            })
            .collect();
        let rank = |class: &Class| (std::cmp::Reverse(class.members.len()), class.members.clone());
        classes.sort_by_key(rank);
        (order, classes)
    }

    fn groups(&self, numbers: &[u32], afresh: bool) -> Vec<(Vec<u32>, Vec<MemberId>)> {
        let mut shared: BTreeMap<u64, Rc<[u32]>> = BTreeMap::new();
        let mut newcomers = Vec::new();
        for number in numbers {
            match self.peers.get(number).and_then(|peer| peer.epoch.as_ref()) {
                Some((epoch, view)) if !afresh => {
                    shared.insert(*epoch, Rc::clone(view));
                }
                _ => newcomers.push((vec![*number], Vec::new())),
            }
        }
        let mut groups = Vec::new();
        for (epoch, view) in shared {
            let here = |number: &u32| {
                let confirmed = self.peers.get(number).and_then(|peer| peer.epoch.as_ref());
                numbers.contains(number) && confirmed.is_some_and(|(other, _)| *other == epoch)
            };
            let (members, left): (Vec<u32>, Vec<u32>) = view.iter().partition(|n| here(n));
            let left = left.into_iter().map(|number| Self::member(number).id).collect();
            groups.push((members, left));
        }
        // Of classes of one size, newcomers are the youngest.
        groups.append(&mut newcomers);
        groups
    }

    /// Class after class; or, to try what table merges can lead to, classes mixed at random with
    /// the order inside each kept.
    fn seniority(&mut self, groups: &[(Vec<u32>, Vec<MemberId>)]) -> Vec<u32> {
        if !self.interleave {
            return groups.iter().flat_map(|(members, _)| members.iter().copied()).collect();
        }
        let mut queues: Vec<_> =
            groups.iter().map(|(members, _)| members.iter().copied()).collect();
        let mut order = Vec::new();
        while !queues.is_empty() {
            let index = self.dice.below(queues.len());
            match queues.get_mut(index).and_then(Iterator::next) {
                Some(number) => order.push(number),
                None => drop(queues.swap_remove(index)),
            }
        }
        order
    }

    /// Asks each member for a share ahead of the run.
    pub(super) fn collect_offers(
        &mut self,
        numbers: &[u32],
    ) -> Result<BTreeMap<u32, Vec<u8>>, Failure> {
        let mut offers = BTreeMap::new();
        for &member in numbers {
            let event = self.dice.event(Input::Offer);
            let Some(peer) = self.peers.get_mut(&member) else { continue };
            let mut actions = Vec::new();
            let result = peer.instance.handle(&event, &mut actions);
            peer.history.push(event);
            result.map_err(|error| Failure::Module {
                member,
                what: "a request to offer",
                error,
            })?;
            for action in actions {
                match action {
                    Action::Offer(body) => drop(offers.insert(member, body)),
                    Action::Count(_) => {}
                    _ => {
                        let what = "an answer to an offer that is no offer";
                        return Err(Failure::BadAction { member, what });
                    }
                }
            }
        }
        Ok(offers)
    }
}
