//! Our messages on their way: from the line to their place in the order of all.

use std::collections::VecDeque;

/// So many of our messages are on their way at most; more are not taken until some have their place.
pub(crate) const MOST: usize = 64;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Ours, from the moment it was written.
    pub(crate) ticket: u64,
    pub(crate) text: String,
    /// The group has taken it.
    pub(crate) accepted: bool,
    /// Its number among ours, when it has got one.
    pub(crate) number: Option<u64>,
}

/// All that are on their way, in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    waiting: VecDeque<Waiting>,
    next: u64,
}

impl Outgoing {
    /// Takes a message; none if too many are on their way.
    pub(crate) fn push(&mut self, text: String) -> Option<u64> {
        if self.is_full() {
            return None;
        }
        let ticket = self.next;
        self.next = self.next.saturating_add(1);
        self.waiting.push_back(Waiting { ticket, text, accepted: false, number: None });
        Some(ticket)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    /// The group has taken it.
    pub(crate) fn accepted(&mut self, ticket: u64) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.ticket == ticket) {
            waiting.accepted = true;
        }
    }

    /// The group has not taken it: its text.
    pub(crate) fn refused(&mut self, ticket: u64) -> Option<String> {
        let at = self.waiting.iter().position(|waiting| waiting.ticket == ticket)?;
        self.waiting.remove(at).map(|waiting| waiting.text)
    }

    /// The first without a number has got this one. It may be told before it is accepted.
    pub(crate) fn numbered(&mut self, number: u64) {
        if let Some(first) = self.waiting.iter_mut().find(|waiting| waiting.number.is_none()) {
            first.number = Some(number);
        }
    }

    /// The first without a number will not be sent: its text.
    pub(crate) fn not_sent(&mut self) -> Option<String> {
        let at = self.waiting.iter().position(|waiting| waiting.number.is_none())?;
        self.waiting.remove(at).map(|waiting| waiting.text)
    }

    /// The message of that number has come back to us.
    pub(crate) fn arrived(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != Some(number));
    }

    /// Nothing more will come of any: how many there were.
    pub(crate) fn give_up(&mut self) -> usize {
        std::mem::take(&mut self.waiting).len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Waiting> {
        self.waiting.iter()
    }

    /// Whether the group has taken all.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.waiting.iter().all(|waiting| waiting.accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_order_and_some_get_lost() {
        let mut outgoing = Outgoing::default();
        let tickets: Vec<u64> =
            ["a", "b", "c", "d"].iter().filter_map(|text| outgoing.push((*text).into())).collect();
        outgoing.accepted(tickets[0]);
        outgoing.numbered(7);
        assert_eq!(outgoing.refused(tickets[1]).as_deref(), Some("b"));
        assert_eq!(outgoing.not_sent().as_deref(), Some("c"));
        outgoing.accepted(tickets[2]);
        assert!(!outgoing.is_handed_over());
        outgoing.arrived(7);
        outgoing.accepted(tickets[3]);
        let left: Vec<&str> = outgoing.iter().map(|waiting| waiting.text.as_str()).collect();
        assert_eq!((left, outgoing.is_handed_over()), (vec!["d"], true));
        assert_eq!(outgoing.give_up(), 1);
    }

    #[test]
    fn there_is_room_for_some() {
        let mut outgoing = Outgoing::default();
        for _ in 0..MOST {
            assert!(outgoing.push(String::new()).is_some());
        }
        assert_eq!(outgoing.push(String::new()), None);
    }
}
