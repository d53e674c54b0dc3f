//! Which part of a group may go on after a partition, by the rule `partition = "primary"`.
//!
//! A view is primary if the policy lets it go on by how many of the last primary view are in it
//! (more than half). That is not enough where a view was formed at some members only: the others,
//! who had said that they hold its secret, were cut off before they learnt that all do. So who has
//! said so counts the view as an *attempt*, and a view goes on only if it could do so after each
//! attempt as well (Yeger Lotem, Keidar, Dolev, "Dynamic voting for consistent primary components",
//! PODC 1997). Two parts can then not both go on: of the later one's members nobody has said that it
//! holds the earlier one's secret, though more than half of one view are in each.

use crate::words::{Primary, Words};
use cenacle_core::MemberId;
use cenacle_plugin::Component;
use std::collections::BTreeMap;

/// Attempts that a member remembers; with more, no further view is primary for it.
pub(crate) const MAX_ATTEMPTS: usize = 8;

/// What a member knows of primary views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Primaries {
    /// The last one that was formed.
    last: Option<Primary>,
    /// Later ones that may have been, with those here who were in them.
    attempts: Vec<Primary>,
    /// What the policy is asked about the present view: one question for each of these.
    questions: Vec<Component>,
}

impl Primaries {
    /// What is said of them.
    pub(crate) fn said(&self) -> (Option<Primary>, Vec<Primary>) {
        (self.last, self.attempts.clone())
    }

    /// A view begins: from what all its members said, so that all find the same.
    pub(crate) fn learn(&mut self, said: &BTreeMap<MemberId, Words>, me: &MemberId) {
        let formed = said.values().filter_map(|words| words.primary);
        let newest = |primary: &Primary| (primary.view.order, primary.view);
        let last = formed.max_by_key(newest);
        let mine = said.get(me);
        let inside = |words: Option<&Words>, of: &Primary| {
            let known = words.into_iter().flat_map(|w| w.primary.iter().chain(&w.attempts));
            known.into_iter().any(|own| own.inside && own.view == of.view)
        };
        let open = |attempt: &&Primary| last.as_ref().is_none_or(|l| newest(l) < newest(attempt));
        let present = |of: &Primary| {
            let count = said.values().filter(|words| inside(Some(words), of)).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let attempts: BTreeMap<_, Primary> = said
            .values()
            .flat_map(|words| words.attempts.iter().filter(open))
            // All who tried are here, and nobody has formed it: nobody ever will.
            .filter(|attempt| present(attempt) < attempt.size)
            .map(|attempt| (newest(attempt), *attempt))
            .collect();
        let question = |of: &Primary| Component { last_primary: of.size, present: present(of) };
        self.questions = last.iter().chain(attempts.values()).map(question).collect();
        self.last = last.map(|last| Primary { inside: inside(mine, &last), ..last });
        self.attempts = attempts
            .into_values()
            .map(|attempt| Primary { inside: inside(mine, &attempt), ..attempt })
            .collect();
    }

    /// The first part that is not all here: why the present view may not go on. A group that never
    /// had a primary view begins with one.
    pub(crate) fn lacking(&self, may_continue: impl Fn(&Component) -> bool) -> Option<Component> {
        let rules = !may_continue(&Component { last_primary: 1, present: 0 });
        let full = rules && self.attempts.len() >= MAX_ATTEMPTS;
        let fails = |component: &&Component| full || !may_continue(component);
        self.questions.iter().rev().find(fails).copied()
    }

    /// The present view is primary.
    pub(crate) fn form(&mut self, view: Primary) {
        self.last = Some(view);
        self.attempts.clear();
    }

    /// The present view may have become primary at others.
    pub(crate) fn attempt(&mut self, view: Primary) {
        // With as many as that no view is tried, but by groups that have no such rule.
        if self.attempts.len() < MAX_ATTEMPTS {
            self.attempts.push(view);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cenacle_core::{NodeId, Order, Position, ViewId};

    fn member(number: u8) -> MemberId {
        MemberId { node: NodeId { key: [number; 32], incarnation: 1 }, local: 0 }
    }

    fn view(number: u64, size: u32) -> Primary {
        let order = Order { epoch: number, position: Position::new(number, 0) };
        Primary { view: ViewId { order, proposer: member(0).node }, size, inside: true }
    }

    fn more_than_half(component: &Component) -> bool {
        2 * component.present > component.last_primary
    }

    /// Lets members meet: each says what it knows, learns, and may go on or not.
    fn meet(known: &mut BTreeMap<u8, Primaries>, numbers: &[u8]) -> bool {
        let said: BTreeMap<MemberId, Words> = numbers
            .iter()
            .map(|number| {
                let (primary, attempts) = known.entry(*number).or_default().said();
                (member(*number), Words { primary, attempts, ..Words::default() })
            })
            .collect();
        let mut verdicts = numbers.iter().map(|number| {
            let knows = known.entry(*number).or_default();
            knows.learn(&said, &member(*number));
            knows.lacking(more_than_half).is_none()
        });
        let first = verdicts.next().unwrap();
        assert!(verdicts.all(|verdict| verdict == first), "all find the same");
        first
    }

    fn form(known: &mut BTreeMap<u8, Primaries>, numbers: &[u8], view: Primary) {
        for number in numbers {
            known.get_mut(number).unwrap().form(view);
        }
    }

    fn attempt(known: &mut BTreeMap<u8, Primaries>, numbers: &[u8], view: Primary) {
        for number in numbers {
            known.get_mut(number).unwrap().attempt(view);
        }
    }

    /// Six came together; four had the view, two were cut off before they learnt so. Of the last
    /// primary view before it, those two are two of three.
    #[test]
    fn a_view_that_some_formed_counts_at_those_who_do_not_know() {
        let mut known = BTreeMap::new();
        assert!(meet(&mut known, &[1, 2, 3]));
        form(&mut known, &[1, 2, 3], view(1, 3));
        assert!(meet(&mut known, &[1, 2, 3, 4, 5, 6]));
        form(&mut known, &[3, 4, 5, 6], view(2, 6));
        attempt(&mut known, &[1, 2], view(2, 6));
        assert!(meet(&mut known, &[3, 4, 5, 6]), "four of six");
        form(&mut known, &[3, 4, 5, 6], view(3, 4));
        assert!(!meet(&mut known, &[1, 2]), "two of three, but two of six as well");
        assert!(meet(&mut known, &[1, 2, 3, 4, 5]), "three of four, and what was tried is known");
    }

    #[test]
    fn an_attempt_that_nobody_formed_goes_with_more_than_half_of_it() {
        let mut known = BTreeMap::new();
        meet(&mut known, &[1, 2, 3]);
        form(&mut known, &[1, 2, 3], view(1, 3));
        meet(&mut known, &[1, 2, 3, 4, 5]);
        attempt(&mut known, &[1, 2, 3, 4, 5], view(2, 5));
        assert!(!meet(&mut known, &[1, 2]), "two of five");
        assert!(!meet(&mut known, &[3, 4, 5]), "three of five, but one of three");
        assert!(meet(&mut known, &[1, 2, 3]), "three of three and three of five");
        form(&mut known, &[1, 2, 3], view(3, 3));
        assert!(meet(&mut known, &[1, 2]), "what was tried before is over");
    }

    #[test]
    fn who_has_tried_too_often_waits_for_those_who_were_there() {
        let mut known = BTreeMap::new();
        meet(&mut known, &[1, 2, 3, 4]);
        form(&mut known, &[1, 2, 3, 4], view(1, 4));
        for number in 0..MAX_ATTEMPTS as u64 {
            assert!(meet(&mut known, &[1, 2, 3]));
            attempt(&mut known, &[1, 2, 3, 4], view(2 + number, 4));
        }
        assert!(!meet(&mut known, &[1, 2, 3]));
        assert!(known[&1].lacking(|_| true).is_none(), "a group without the rule does not care");
        assert!(meet(&mut known, &[1, 2, 3, 4]), "nobody has formed any of them");
    }

    #[test]
    fn a_life_that_begins_anew_was_in_nothing() {
        let mut known = BTreeMap::new();
        meet(&mut known, &[1, 2, 3]);
        form(&mut known, &[1, 2, 3], view(1, 3));
        known.remove(&1);
        known.remove(&2);
        assert!(!meet(&mut known, &[1, 2, 3]), "one of three");
    }
}
