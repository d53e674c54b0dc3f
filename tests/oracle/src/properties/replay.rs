//! "…sent m *causally before* p delivered m" (Delivery Integrity): replays all processes at once,
//! each its own lines in order, where a delivery waits for its send. If all come to their end, the
//! lines have a common order in which causes stand before effects. If not, some messages were
//! delivered before they can have been sent; each ring of waiting processes is one violation, and
//! is broken by sending its message.

use super::Case;
use crate::history::History;
use crate::report::{Findings, Property};
use crate::table::{Id, Marks, MessageId, ProcessId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let mut replay = Replay::new(case.history);
    for process in case.history.processes.ids() {
        replay.run_from(process);
    }
    for process in case.history.processes.ids() {
        while replay.cursors[process.place()].waits.is_some() {
            let (receiver, message) = replay.ring(process);
            case.add(findings, Property::DeliveryIntegrity, receiver, || {
                let sender = case.history.messages[message].sender;
                let (receiver, sender) = (case.process(receiver), case.process(sender));
                let message = case.message(message);
                format!(
                    "{receiver} delivered {message}, but {sender} sent it only after that, or \
                     after something that was caused by it"
                )
            });
            replay.send(message);
            replay.run();
        }
    }
}

struct Replay<'a> {
    history: &'a History,
    cursors: Vec<Cursor>,
    sent: Marks<MessageId>,
    /// Who waits for a message: the last to come, which knows the one before it.
    waiting: Vec<Option<ProcessId>>,
    ready: Vec<ProcessId>,
}

/// How far a process is.
#[derive(Clone, Copy, Default)]
struct Cursor {
    stay: usize,
    deliveries: usize,
    sends: usize,
    waits: Option<MessageId>,
    /// The next process that waits for the same message.
    next: Option<ProcessId>,
}

impl<'a> Replay<'a> {
    fn new(history: &'a History) -> Self {
        Self {
            history,
            cursors: vec![Cursor::default(); history.processes.len()],
            sent: Marks::new(history.messages.len()),
            waiting: vec![None; history.messages.len()],
            ready: Vec::new(),
        }
    }

    fn run_from(&mut self, process: ProcessId) {
        self.ready.push(process);
        self.run();
    }

    fn run(&mut self) {
        while let Some(process) = self.ready.pop() {
            self.advance(process);
        }
    }

    fn advance(&mut self, process: ProcessId) {
        let row = &self.history.processes[process];
        loop {
            self.send_what_is_due(process);
            let cursor = self.cursors[process.place()];
            let Some(stay) = row.stays.get(cursor.stay) else { return };
            let deliveries = &self.history.stays[*stay].deliveries;
            let Some(message) = deliveries.get(cursor.deliveries) else {
                let cursor = &mut self.cursors[process.place()];
                (cursor.stay, cursor.deliveries) = (cursor.stay + 1, 0);
                continue;
            };
            if self.history.messages[*message].sent && !self.sent.contains(*message) {
                let first = self.waiting[message.place()].replace(process);
                let cursor = &mut self.cursors[process.place()];
                (cursor.waits, cursor.next) = (Some(*message), first);
                return;
            }
            self.cursors[process.place()].deliveries += 1;
        }
    }

    /// Sends all that stands before the next delivery.
    fn send_what_is_due(&mut self, process: ProcessId) {
        let row = &self.history.processes[process];
        loop {
            let cursor = self.cursors[process.place()];
            let Some(message) = row.sends.get(cursor.sends) else { return };
            let send = &self.history.messages[*message];
            let here = row.stays.get(cursor.stay).copied();
            let due = match send.stay {
                None => send.position as usize <= cursor.stay,
                Some(stay) if Some(stay) == here => send.position as usize <= cursor.deliveries,
                Some(stay) => here.is_none_or(|here| stay < here),
            };
            if !due {
                return;
            }
            self.cursors[process.place()].sends += 1;
            self.send(*message);
        }
    }

    fn send(&mut self, message: MessageId) {
        self.sent.insert(message);
        let mut waiting = self.waiting[message.place()].take();
        while let Some(process) = waiting {
            let cursor = &mut self.cursors[process.place()];
            cursor.waits = None;
            waiting = cursor.next.take();
            self.ready.push(process);
        }
    }

    /// From a process that waits, along the senders that it waits for, to a ring of them.
    fn ring(&self, from: ProcessId) -> (ProcessId, MessageId) {
        let mut seen = Marks::new(self.history.processes.len());
        let mut at = (from, None);
        while let Some(message) = self.cursors[at.0.place()].waits {
            at.1 = Some(message);
            let sender = self.history.messages[message].sender;
            if !seen.insert(at.0) || self.cursors[sender.place()].waits.is_none() {
                break;
            }
            at = (sender, Some(message));
        }
        // `from` waits, so the first turn of the loop found a message.
        let message = at.1.or(self.cursors[from.place()].waits);
        (at.0, message.unwrap_or(MessageId::new(0)))
    }
}
