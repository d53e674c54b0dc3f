//! The second part of Agreed Delivery, for all processes of a group at once: merges their agreed and
//! safe deliveries into one order. A message can come next if it is next at everybody who ever
//! delivers it. If none can, some messages stand in a ring, each before the next at some process:
//! that is a violation, and one of them is taken out so that the rest can be judged.

use super::Case;
use crate::history::History;
use crate::report::{Findings, Property};
use crate::table::{GroupId, Id, Marks, MessageId, ProcessId};

/// Rings that are looked for in one group. Each costs a walk through the deliveries, and after so
/// many of them one knows.
const RINGS: usize = 20;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let mut seen = Marks::new(case.history.messages.len());
    for group in case.history.groups.ids() {
        let mut merge = Merge::new(case.history, group, &mut seen);
        merge.run();
        for _ in 0..RINGS {
            let Some(ring) = merge.ring() else { break };
            let (process, message) = ring[0];
            case.add(findings, Property::Agreed, process, || explain(case, &ring));
            merge.take_out(message);
            merge.run();
        }
    }
}

/// One process's agreed and safe deliveries, each message once.
struct Sequence {
    process: ProcessId,
    messages: Vec<MessageId>,
    at: usize,
    /// The next sequence with the same head.
    next: Option<usize>,
}

struct Merge {
    sequences: Vec<Sequence>,
    rows: Vec<Row>,
    ready: Vec<MessageId>,
}

/// What is known of a message.
#[derive(Clone, Copy, Default)]
struct Row {
    /// How many sequences have it.
    everywhere: u32,
    /// How many have it as their head, and the last of them.
    heads: u32,
    last: Option<usize>,
    is_out: bool,
}

impl Merge {
    fn new(history: &History, group: GroupId, seen: &mut Marks<MessageId>) -> Self {
        let mut merge = Self {
            sequences: Vec::new(),
            rows: vec![Row::default(); history.messages.len()],
            ready: Vec::new(),
        };
        for process in history.in_group(group) {
            seen.clear();
            let stays = &history.processes[process].stays;
            let all = stays.iter().flat_map(|stay| &history.stays[*stay].deliveries).copied();
            let messages: Vec<MessageId> = all
                .filter(|id| history.messages[*id].service.is_ordered() && seen.insert(*id))
                .collect();
            for message in &messages {
                merge.rows[message.place()].everywhere += 1;
            }
            merge.sequences.push(Sequence { process, messages, at: 0, next: None });
        }
        for number in 0..merge.sequences.len() {
            merge.show_head(number);
        }
        merge
    }

    fn run(&mut self) {
        while let Some(message) = self.ready.pop() {
            self.take_out(message);
        }
    }

    /// Takes a message from all heads; where it is not the head, it is passed over later.
    fn take_out(&mut self, message: MessageId) {
        let row = &mut self.rows[message.place()];
        row.is_out = true;
        let mut sequence = row.last.take();
        while let Some(number) = sequence {
            sequence = self.sequences[number].next.take();
            self.sequences[number].at += 1;
            self.show_head(number);
        }
    }

    fn show_head(&mut self, number: usize) {
        let sequence = &mut self.sequences[number];
        while let Some(message) = sequence.messages.get(sequence.at) {
            let row = &mut self.rows[message.place()];
            if row.is_out {
                sequence.at += 1;
                continue;
            }
            sequence.next = row.last.replace(number);
            row.heads += 1;
            if row.heads == row.everywhere {
                self.ready.push(*message);
            }
            return;
        }
    }

    fn head(&self, number: usize) -> Option<MessageId> {
        let sequence = &self.sequences[number];
        sequence.messages.get(sequence.at).copied()
    }

    /// Messages that stand in a ring: each with a process that delivered it before the next one.
    /// There is one whenever no message can come next and some are left.
    fn ring(&self) -> Option<Vec<(ProcessId, MessageId)>> {
        let mut number = (0..self.sequences.len()).find(|number| self.head(*number).is_some())?;
        let mut path: Vec<(usize, MessageId)> = Vec::new();
        loop {
            let message = self.head(number)?;
            if let Some(begin) = path.iter().position(|(_, seen)| *seen == message) {
                // Who closes the ring has the first message before the last one.
                path[begin].0 = number;
                let ring = path[begin..].iter();
                let name = |(number, id): &(usize, _)| (self.sequences[*number].process, *id);
                // Found against the order: each is held up by the one after it.
                let ring = ring.rev().map(name).collect();
                return Some(ring);
            }
            path.push((number, message));
            let later = |sequence: &Sequence| {
                let rest = sequence.messages.get(sequence.at + 1..).unwrap_or_default();
                sequence.messages.get(sequence.at) != Some(&message) && rest.contains(&message)
            };
            number = self.sequences.iter().position(later)?;
        }
    }
}

fn explain(case: &Case<'_>, ring: &[(ProcessId, MessageId)]) -> String {
    const SHOWN: usize = 6;
    let after = |place: usize| case.message(ring[(place + 1) % ring.len()].1);
    let steps = ring.iter().enumerate().take(SHOWN).map(|(place, (process, message))| {
        let (process, message) = (case.process(*process), case.message(*message));
        format!("{process} delivered {message} before {}", after(place))
    });
    let more = ring.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(", and so on for {more} more") } else { String::new() };
    format!("{}{rest}", steps.collect::<Vec<_>>().join(", "))
}
