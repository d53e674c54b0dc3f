//! Unreliable messages: a frame each, delivered in the view they were sent in if they overtook
//! nothing of their sender.

use super::{Below, Groups, Todo};
use crate::{
    configuration::Configuration,
    error::Drop,
    ids::{Channel, MemberId, NodeId},
    input::{Semantics, Service},
    output::{Event, Outbox},
    wire::{
        Header, Kind,
        varint::{Reader, put_number},
    },
};
use bytes::Bytes;

/// Senders outside an EVS group of which the last number is kept; more are not heard. A guess.
const MAX_OUTSIDE: usize = 4096;
/// Channel and three numbers at their longest.
const OVERHEAD: usize = 8 + 3 * 10;

/// The beginning of a frame: header and channel.
pub(super) fn frame(
    configuration: &Configuration,
    kind: Kind,
    to: Channel,
    body: usize,
) -> Vec<u8> {
    let mut frame = Header::begin(kind, configuration.tag, OVERHEAD + body);
    frame.extend_from_slice(&to.0.to_le_bytes());
    frame
}

fn encode(
    configuration: &Configuration,
    to: Channel,
    (local, number): (u32, u64),
    body: &Bytes,
) -> Bytes {
    let mut frame = frame(configuration, Kind::Unreliable, to, body.len());
    put_number(&mut frame, u64::from(local));
    put_number(&mut frame, number);
    frame.extend_from_slice(body);
    frame.into()
}

/// Channel, sender, its number and the message: what follows the header of the frame.
fn decode(body: &Bytes) -> Result<(Channel, u32, u64, Bytes), Drop> {
    let mut fields = Reader::new(body, 0);
    let (channel, local) = (Channel(fields.fixed()?), fields.small()?);
    let number = fields.number()?;
    Ok((channel, local, number, body.slice(fields.position()..)))
}

impl Groups {
    /// Sends it, and gives it to this node's own members.
    pub(super) fn send_unreliable(
        &mut self,
        below: &Below<'_>,
        slot: usize,
        local: u32,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let number = self.next_number(local);
        let Some(group) = self.locals.get(slot) else { return };
        let from = MemberId { node: below.configuration.me(), local };
        let inside = group.members.get(&local).is_some_and(|m| m.in_view);
        let view = group.view.as_ref().filter(|_| inside);
        // Who is no member has no view; the group's own channel stands for all of them.
        let channel = view.map_or(group.own_channel, |view| view.channel);
        let frame = encode(below.configuration, channel, (local, number), &body);
        let (view, service) = (view.map(|view| view.id), Service::Unreliable);
        group.tell(local, Event::Sent { number, view, service, to: None }, out);
        if view.is_some() || self.is_whole() {
            todo.push(Todo::Multicast(frame));
            self.give(slot, from, number, body, out);
        }
    }

    /// One from the network.
    pub(super) fn take_unreliable(
        &mut self,
        from: NodeId,
        body: Bytes,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let (channel, local, number, body) = decode(&body)?;
        let from = MemberId { node: from, local };
        let slot = self.locals.slot_of_channel(channel).ok_or(Drop::OtherView)?;
        // While tables merge, views are of the last configuration, and outsiders have none.
        let whole = self.is_whole();
        let local = self.locals.get_mut(slot).ok_or(Drop::OtherView)?;
        let view = local.view.as_ref().ok_or(Drop::OtherView)?;
        let heard = if view.channel == channel {
            if !view.has(from) || !view.runs(from.node) {
                return Err(Drop::OtherView);
            }
            &mut local.heard
        } else if local.semantics == Semantics::Evs && whole {
            &mut local.heard_outside
        } else {
            return Err(Drop::OtherView);
        };
        if !heard.contains_key(&from) && heard.len() >= MAX_OUTSIDE.max(view.running.len()) {
            return Err(Drop::Limit);
        }
        let last = heard.entry(from).or_default();
        if number <= *last {
            return Err(Drop::Duplicate);
        }
        *last = number;
        self.give(slot, from, number, body, out);
        Ok(())
    }

    fn give(&self, slot: usize, from: MemberId, number: u64, body: Bytes, out: &mut Outbox) {
        let Some(group) = self.locals.get(slot) else { return };
        let Some(view) = group.view.as_ref().map(|view| view.id) else { return };
        for local in group.in_view() {
            let (service, order, body) = (Service::Unreliable, None, body.clone());
            group.tell(local, Event::Message { from, number, view, service, order, body }, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{configuration::tests::alone, wire::tests::Numbers};

    #[test]
    fn frames_are_read_as_written() {
        let configuration = alone();
        let mut numbers = Numbers::new(8);
        for _ in 0..2_000 {
            let (channel, local) = (Channel(numbers.any()), numbers.rank());
            let (number, body) = (numbers.any() >> 16, numbers.bytes(600));
            let frame = encode(&configuration, channel, (local, number), &body);
            assert_eq!(decode(&frame.slice(10..)), Ok((channel, local, number, body)));
        }
    }
}
