//! Leaving: of this node, and of others.

use super::{Effect, Membership, step::Step};
use crate::{error::Drop, ids::NodeId, time::Time, wire::control::Membership as Message};

/// Where this node stands with leaving.
#[derive(Clone, Copy)]
pub(super) enum Departure {
    Staying,
    /// It says so until somebody answers, or `until`.
    Leaving {
        until: Time,
        again: Time,
    },
    Gone,
}

impl Membership {
    /// This node wants to go.
    pub(super) fn leave(&mut self, step: &Step<'_>) {
        if matches!(self.departure, Departure::Staying) {
            let until = step.now + step.settings.propose_limit * 2;
            self.departure = Departure::Leaving { until, again: step.now };
        }
    }

    pub(super) fn departure_due(&self, step: &Step<'_>) -> Option<Time> {
        match self.departure {
            Departure::Leaving { until, again } => Some(again.min(until).max(step.now)),
            Departure::Staying | Departure::Gone => None,
        }
    }

    /// Says again that this node goes, in whatever state, or goes without an answer.
    pub(super) fn act_on_departure(&mut self, step: &mut Step<'_>) {
        let Departure::Leaving { until, again } = self.departure else { return };
        let others = step.others();
        if others.is_empty() || step.now >= until {
            self.departure = Departure::Gone;
            step.push(Effect::Gone);
        } else if step.now >= again {
            self.departure = Departure::Leaving { until, again: step.now + step.settings.retry };
            for node in others {
                step.send(node, Message::Leaving);
            }
        }
    }

    /// A member goes: all note it, so that the next leader is known if it led; the acting leader
    /// answers.
    pub(super) fn on_leaving(&mut self, step: &mut Step<'_>, from: NodeId) {
        if !step.is_member(from) {
            // It has been let go already and does not know.
            step.figures.dropped(Drop::Stranger);
            step.send(from, Message::Farewell);
            return;
        }
        self.leaving.insert(from);
        if self.acting_leader(step) == step.me() {
            step.send(from, Message::Farewell);
        }
    }

    /// Somebody has taken note: the rest is theirs.
    pub(super) fn on_farewell(&mut self, step: &mut Step<'_>, from: NodeId) {
        if matches!(self.departure, Departure::Leaving { .. }) && from != step.me() {
            self.departure = Departure::Gone;
            step.push(Effect::Gone);
        }
    }
}
