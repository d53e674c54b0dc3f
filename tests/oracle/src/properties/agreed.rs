//! # 11. Agreed Delivery (paper 004, section 3.1)
//!
//! Safe messages are part of it too.
//!
//! "1) Agreed delivery maintains all causal delivery guarantees." That is Causal Delivery.
//!
//! "2) If agreed messages m, and later, m' are delivered by process p, and m and m' are also
//! delivered by process q, then q delivered m before m'." Judged over all processes and views of a
//! group, of different components too, in `one_order`; and not only pair by pair: there must be one
//! order that all deliveries follow.
//!
//! "3) If agreed messages m, and later, m' are delivered by process p in view v, and m' is delivered
//! by process q in v before a transitional signal, then q delivers m. If messages m, and later, m'
//! are delivered by process p in view v, and m' is delivered by process q in v after a transitional
//! signal, then q delivers m if r, the sender of m, belongs to q's transitional set." The set is
//! that of the next view which q installs; if there is none, only what q delivered before the signal
//! can be judged. Crashes are no excuse here, since m comes before m'. A process that came late (see
//! `streams`) is not owed what p delivered before that view.
//!
//! Sequences that are part of another's demand nothing more than that other, and are passed over:
//! as a rule there is one for each component.

use super::{Case, one_order};
use crate::history::{History, Stay};
use crate::line::Order;
use crate::report::{Findings, Property};
use crate::table::{Id, Marks, MessageId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    one_order::judge(case, findings);
    let mut places = Places(vec![None; case.history.messages.len()]);
    let mut seen = Marks::new(case.history.messages.len());
    for (_, period) in case.history.periods.iter() {
        let stays = period.stays.iter().map(|stay| &case.history.stays[*stay]);
        let sequences: Vec<_> =
            stays.map(|stay| Sequence::new(case.history, stay, &mut seen)).collect();
        let leading = leading(&sequences);
        for receiver in &sequences {
            places.fill(receiver);
            for other in leading.iter().map(|number| &sequences[*number]) {
                judge_pair(case, findings, &places, other, receiver);
            }
            places.clear(receiver);
        }
    }
}

/// The agreed and safe deliveries of a stay, each once.
struct Sequence<'a> {
    stay: &'a Stay,
    messages: Vec<MessageId>,
    /// How many were before the signal.
    before_signal: usize,
    /// The views, and how many were before each.
    views: Vec<(Order, usize)>,
}

impl<'a> Sequence<'a> {
    fn new(history: &History, stay: &'a Stay, seen: &mut Marks<MessageId>) -> Self {
        seen.clear();
        let signal = stay.before_signal();
        let (mut messages, mut views, mut before_signal) = (Vec::new(), Vec::new(), 0);
        for part in history.parts(stay) {
            views.push((history.views[part.view].order, messages.len()));
            for (place, message) in (part.begin..).zip(part.deliveries) {
                if !history.messages[*message].service.is_ordered() || !seen.insert(*message) {
                    continue;
                }
                messages.push(*message);
                before_signal = if place < signal { messages.len() } else { before_signal };
            }
        }
        Self { stay, messages, before_signal, views }
    }

    /// What was delivered in views from this one on.
    fn since(&self, start: Option<Order>) -> &[MessageId] {
        let Some(start) = start else { return &self.messages };
        let first = self.views.iter().find(|(order, _)| *order >= start);
        let begin = first.map_or(self.messages.len(), |(_, begin)| *begin);
        self.messages.get(begin..).unwrap_or_default()
    }

    /// All of it stands, without a gap, in the other.
    fn is_part_of(&self, other: &Self) -> bool {
        let Some(first) = self.messages.first() else { return true };
        let begin = other.messages.iter().position(|message| message == first);
        let rest = begin.and_then(|begin| other.messages.get(begin..));
        rest.is_some_and(|rest| rest.starts_with(&self.messages))
    }
}

/// The sequences that are part of no other.
fn leading(sequences: &[Sequence<'_>]) -> Vec<usize> {
    let mut by_length: Vec<usize> = (0..sequences.len()).collect();
    by_length.sort_by_key(|number| std::cmp::Reverse(sequences[*number].messages.len()));
    let mut leading: Vec<usize> = Vec::new();
    for number in by_length {
        if !leading.iter().any(|other| sequences[number].is_part_of(&sequences[*other])) {
            leading.push(number);
        }
    }
    leading
}

/// Where the receiver has a message in its sequence.
struct Places(Vec<Option<usize>>);

impl Places {
    fn fill(&mut self, receiver: &Sequence<'_>) {
        for (place, message) in receiver.messages.iter().enumerate() {
            self.0[message.place()] = Some(place);
        }
    }

    fn clear(&mut self, receiver: &Sequence<'_>) {
        for message in &receiver.messages {
            self.0[message.place()] = None;
        }
    }

    fn of(&self, message: MessageId) -> Option<usize> {
        self.0[message.place()]
    }
}

fn judge_pair(
    case: &Case<'_>,
    findings: &mut Findings,
    places: &Places,
    other: &Sequence<'_>,
    receiver: &Sequence<'_>,
) {
    let history = case.history;
    let theirs = other.since(receiver.stay.late);
    if theirs.starts_with(&receiver.messages) {
        return;
    }
    let last = |before: usize| {
        let has = |message: &MessageId| places.of(*message).is_some_and(|place| place < before);
        theirs.iter().rposition(has).unwrap_or(0)
    };
    let before_signal = last(receiver.before_signal);
    let all = last(usize::MAX);
    let set = history.transitional_set(receiver.stay);
    let comes_along = |message: MessageId| {
        set.is_some_and(|set| history.sets.contains(set, history.messages[message].sender))
    };
    let missing = |(place, message): &(usize, &MessageId)| {
        places.of(**message).is_none() && (*place < before_signal || comes_along(**message))
    };
    let mut missing = theirs[..all.max(before_signal)].iter().enumerate().filter(missing);
    let Some((place, message)) = missing.next() else { return };
    let count = missing.count();
    case.add(findings, Property::Agreed, receiver.stay.process, || {
        let (when, later) = if place < before_signal {
            ("before its signal", theirs[before_signal])
        } else {
            ("after its signal, with the sender in its transitional set", theirs[all])
        };
        let more = if count > 0 { format!(" and {count} more") } else { String::new() };
        let (first, second) =
            (case.process(other.stay.process), case.process(receiver.stay.process));
        format!(
            "{first} delivered {}{more} before {} in view {}; {second} delivered the latter \
             {when}, and not the former",
            case.message(*message),
            case.message(later),
            case.last_view(receiver.stay),
        )
    });
}
