//! What a member says: it waits for a secure view and for room, is packed and sealed, and is its own
//! until the engine has given it its place.

use super::{Leaving, Member, Present, State, Wish};
use crate::event::Event;
use crate::records::{MESSAGE_OVERHEAD, RECORD_OVERHEAD, counter_of};
use crate::words::{Occasion, Words};
use bytes::Bytes;
use cenacle_core::{Event as Plain, Input, MemberId, Service, ViewId};
use std::collections::{BTreeMap, VecDeque};

/// Records that one round seals at most, so that events are heard in between.
const ROUND: usize = 1 << 20;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// How it is to travel.
    pub(crate) service: Service,
    /// To whom, if to one.
    pub(crate) to: Option<MemberId>,
    /// What.
    pub(crate) body: Bytes,
}

impl Outgoing {
    /// What it counts while it waits; more than its body, so that empty ones are bounded too.
    fn weight(&self) -> usize {
        size_of::<Self>() + self.body.len()
    }
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    messages: VecDeque<Outgoing>,
    bytes: usize,
    /// So many of them belong to the present view, since they were said before its end.
    before_flush: Option<usize>,
    /// The number of the last message.
    last: u64,
    /// Since when a new key has been due.
    pub(super) due_since: Option<cenacle_core::Time>,
}

impl Queue {
    fn pop(&mut self) -> Option<Outgoing> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.weight();
        self.before_flush = self.before_flush.map(|count| count.saturating_sub(1));
        Some(message)
    }
}

/// A record of this member that the engine has not delivered to it yet.
#[derive(Debug)]
struct Flight {
    /// Its messages with the number of the first; none if it is not one of the application.
    record: Option<Sealed>,
}

#[derive(Debug)]
struct Sealed {
    view: ViewId,
    counter: u64,
    first: u64,
    messages: Vec<Outgoing>,
}

/// What was given to the engine and has no place yet, by lane: the engine gives places in the order
/// of each.
#[derive(Debug, Default)]
pub(super) struct Flights {
    stream: VecDeque<Flight>,
    unreliable: VecDeque<Flight>,
    unicast: BTreeMap<MemberId, VecDeque<Flight>>,
    /// Own records of the stream that have a place, until they are delivered here: what was sealed
    /// need not be opened.
    delivered_next: VecDeque<Sealed>,
}

impl Flights {
    fn lane(&mut self, service: Service, to: Option<MemberId>) -> &mut VecDeque<Flight> {
        match (service, to) {
            (Service::Unreliable, _) => &mut self.unreliable,
            (_, Some(to)) => self.unicast.entry(to).or_default(),
            _ => &mut self.stream,
        }
    }

    /// A message of key agreement goes out.
    pub(super) fn own(&mut self, service: Service, to: Option<MemberId>) {
        self.lane(service, to).push_back(Flight { record: None });
    }

    /// The engine refused the last message of this lane.
    pub(super) fn refused(&mut self, service: Service, to: Option<MemberId>) {
        self.lane(service, to).pop_back();
    }

    /// A view begins: what was said to one member in the last one and has no place is gone.
    pub(super) fn forget_unicasts(&mut self) {
        self.unicast.clear();
    }
}

impl Member {
    /// Takes a message; gives it back if too much waits already.
    pub(crate) fn send(&mut self, message: Outgoing) -> Result<(), Outgoing> {
        let weight = message.weight();
        let bytes = self.queue.bytes.saturating_add(weight);
        if bytes > self.patience.queue && !self.queue.messages.is_empty() {
            return Err(message);
        }
        self.queue.bytes = bytes;
        self.queue.messages.push_back(message);
        Ok(())
    }

    /// Counts its messages from this number on.
    pub(crate) fn count_from(&mut self, last: u64) {
        self.queue.last = last;
    }

    /// The number of its last message.
    pub(crate) fn counted(&self) -> u64 {
        self.queue.last
    }

    /// Why nothing can be sent, if that is so.
    pub(crate) fn silence(&self) -> Option<&str> {
        self.present.as_ref()?.silent.as_deref()
    }

    /// Whether less than half of what may wait does.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.bytes <= self.patience.queue / 2
    }

    /// The engine has room again, or has none.
    pub(crate) fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// The engine did not take the message of this lane that was given last.
    pub(crate) fn was_refused(&mut self, service: Service, to: Option<MemberId>) {
        self.flights.refused(service, to);
    }

    /// Wants to leave, after what it said.
    pub(crate) fn leave(&mut self) {
        let until = self.tools.now + self.patience.agreement;
        self.leaving.get_or_insert(Leaving { until, told: false });
    }

    /// The application answers the flush request.
    pub(crate) fn flush_ok(&mut self) -> bool {
        let asked = self.present.as_ref().is_some_and(|present| present.asked);
        let open = asked && matches!(self.state, State::Secure);
        if open && self.queue.before_flush.is_none() {
            self.queue.before_flush = Some(self.queue.messages.len());
            return true;
        }
        false
    }

    /// Seals and sends what may be sent now; then what waits behind it: the answer to a flush, the
    /// leave.
    pub(super) fn send_queued(&mut self, out: &mut Vec<Wish>) {
        if matches!(self.state, State::Secure) {
            self.seal_queued(out);
            let spent = self.present.as_ref().is_some_and(|present| present.spent);
            let said = self.queue.before_flush.is_some_and(|count| count == 0 || spent);
            if said && !self.full {
                self.flush(out);
            }
        }
        self.leave_when_said(out);
    }

    fn seal_queued(&mut self, out: &mut Vec<Wish>) {
        let Some(mut present) = self.present.take() else { return };
        let mut sealed = 0;
        let open =
            |queue: &Queue, present: &Present| !present.spent && queue.before_flush != Some(0);
        while !self.full && sealed < ROUND && open(&self.queue, &present) {
            let batch = self.next_batch();
            let Some(first) = batch.first() else { break };
            let (service, to) = (first.service, first.to);
            sealed += batch.iter().map(Outgoing::weight).sum::<usize>();
            self.seal(&mut present, service, to, batch, out);
        }
        self.present = Some(present);
    }

    /// The next messages that can travel in one record: of one service, to the same addressee, small
    /// ones together.
    fn next_batch(&mut self) -> Vec<Outgoing> {
        let mut batch: Vec<Outgoing> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.queue.messages.front() {
            if self.queue.before_flush == Some(0) {
                break;
            }
            let size = next.body.len() + MESSAGE_OVERHEAD;
            if let Some(first) = batch.first() {
                let same = (first.service, first.to) == (next.service, next.to);
                if !same || bytes + size > self.patience.record {
                    break;
                }
            }
            bytes += size;
            batch.extend(self.queue.pop());
        }
        batch
    }

    fn seal(
        &mut self,
        present: &mut Present,
        service: Service,
        to: Option<MemberId>,
        batch: Vec<Outgoing>,
        out: &mut Vec<Wish>,
    ) {
        let first = self.queue.last + 1;
        // The first record of a view depends on all that its sender has delivered, the confirmation
        // of the key among it: whoever gets it has that key. What follows stands behind it.
        let opens = present.writer.sealed() == 0 && service == Service::Fifo;
        let way = if opens { Service::Causal } else { service };
        let bodies: Vec<Bytes> = batch.iter().map(|message| message.body.clone()).collect();
        let record = match present.writer.seal(way, to.as_ref(), service, first, &bodies) {
            Ok(record) => record,
            Err(error) => {
                // Kept: it goes out under the next key.
                self.queue.put_back(batch);
                present.spent = true;
                let detail = format!("a message waits for a new key: {error}");
                out.push(Wish::Tell(Event::Warning { reason: "cipher", detail }));
                return self.refresh(out);
            }
        };
        self.queue.last += batch.len() as u64;
        present.sealed += record.len() as u64;
        let counter = counter_of(&record).unwrap_or(0);
        let flight = Sealed { view: present.view.id, counter, first, messages: batch };
        self.flights.lane(way, to).push_back(Flight { record: Some(flight) });
        let (group, local) = (self.group.clone(), self.me.local);
        out.push(Wish::Engine(match to {
            Some(to) => Input::Unicast { group, local, to, body: record },
            None => Input::Send { group, local, service: way, body: record },
        }));
    }

    /// The engine has given a message of this member its place.
    pub(super) fn placed(
        &mut self,
        view: Option<ViewId>,
        way: Service,
        to: Option<MemberId>,
        out: &mut Vec<Wish>,
    ) {
        let Some(flight) = self.flights.lane(way, to).pop_front() else { return };
        let Some(sealed) = flight.record else { return };
        if view != Some(sealed.view) {
            // The engine kept it for the next view, where nobody has its key: it is said again.
            // Its numbers were heard by nobody.
            self.queue.put_back(sealed.messages);
            return;
        }
        for (number, message) in (sealed.first..).zip(&sealed.messages) {
            let (service, to) = (message.service, message.to);
            out.push(Wish::Tell(Event::Plain(Plain::Sent { number, view, service, to })));
        }
        if !matches!(way, Service::Unreliable | Service::Unicast) {
            self.flights.delivered_next.push_back(sealed);
        }
    }

    /// The messages of an own record, with the number of the first; none if it must be opened as any
    /// other.
    pub(super) fn own_record(&mut self, record: &[u8]) -> Option<(u64, Vec<Outgoing>)> {
        let counter = counter_of(record)?;
        let delivered = &mut self.flights.delivered_next;
        if delivered.front()?.counter != counter {
            return None;
        }
        let sealed = delivered.pop_front()?;
        Some((sealed.first, sealed.messages))
    }

    /// Own records of a view that has ended come no more.
    pub(super) fn forget_own_records(&mut self) {
        self.flights.delivered_next.clear();
    }

    /// Answers the engine's flush request.
    pub(super) fn flush(&mut self, out: &mut Vec<Wish>) {
        let (group, local) = (self.group.clone(), self.me.local);
        let Some(view) = self.engine_view else { return };
        let (primary, attempts) = self.primaries.said();
        let words = Words {
            epoch: self.base,
            asks: std::mem::take(&mut self.asks),
            primary,
            attempts,
            share: self.offer(),
            ..Words::default()
        };
        let blob = words.say(&self.signer, &group, &self.me, Occasion::Flush(view));
        self.queue.before_flush = None;
        self.state = State::Flushed;
        out.push(Wish::Engine(Input::FlushOk { group, local, blob }));
    }

    /// A share ahead of the next run, where the module has one to offer.
    pub(super) fn offer(&mut self) -> Option<Vec<u8>> {
        // A module that fails to offer has nothing to offer.
        let actions = self.tools.feed(cenacle_plugin::Input::Offer).ok()?;
        actions.into_iter().find_map(|action| match action {
            cenacle_plugin::Action::Offer(share) => Some(share),
            _ => None,
        })
    }

    /// Leaves once all is said, or when that takes too long.
    fn leave_when_said(&mut self, out: &mut Vec<Wish>) {
        let Some(leaving) = self.leaving.filter(|leaving| !leaving.told) else { return };
        if !self.queue.messages.is_empty() && self.tools.now < leaving.until {
            return;
        }
        let lost = self.queue.messages.len();
        if lost > 0 {
            let detail = format!("{lost} messages were not sent: no secure view came in time");
            out.push(Wish::Tell(Event::Warning { reason: "not_sent", detail }));
        }
        self.leaving = Some(Leaving { told: true, ..leaving });
        let (group, local) = (self.group.clone(), self.me.local);
        out.push(Wish::Engine(Input::Leave { group, local }));
    }
}

impl Queue {
    /// Puts messages back to where they were taken from.
    fn put_back(&mut self, messages: Vec<Outgoing>) {
        for message in messages.into_iter().rev() {
            self.bytes += message.weight();
            self.messages.push_front(message);
        }
    }
}

/// What a record may hold of one message, from what a message of the engine may have; with room for
/// any cipher's tag.
pub const fn largest(max_message: usize) -> usize {
    max_message.saturating_sub(RECORD_OVERHEAD + MESSAGE_OVERHEAD + 64)
}
