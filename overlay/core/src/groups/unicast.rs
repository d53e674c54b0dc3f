//! Messages to one member: numbered per view and pair of nodes, acknowledged together, repeated;
//! delivered in their view or not at all.

use super::{Below, Groups, Todo, unreliable::frame};
use crate::{
    configuration::Configuration,
    error::Drop,
    ids::{Channel, MemberId, NodeId},
    input::Service,
    output::{Event, Outbox},
    time::Time,
    wire::{
        Kind,
        varint::{Reader, put_number},
    },
};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Under way to one node in one view, not acknowledged.
const WINDOW: usize = 256;
/// The same in bytes; one message may be larger. What a receiver keeps early of one node, too.
const WINDOW_BYTES: usize = 1 << 20;
/// Comes before all nodes.
const LEAST: NodeId = NodeId { key: [0; 32], incarnation: 0 };
/// The most bytes that a receiver keeps early of one node, with what each packet takes besides.
pub(super) const MOST_EARLY: usize = WINDOW_BYTES + WINDOW * size_of::<Packet>();
/// Channels whose late frames are known as such; more are taken for the future's, within limits.
const MAX_RETIRED: usize = 256;

/// What travels, and waits early at the receiver.
#[derive(Clone, PartialEq, Debug)]
struct Packet {
    from: u32,
    to: u32,
    number: u64,
    body: Bytes,
}

impl Packet {
    /// What it counts while it waits; more than its body, so that empty ones are bounded too.
    fn weight(&self) -> usize {
        size_of::<Self>() + self.body.len()
    }
}

#[derive(Debug)]
struct Outbound {
    /// The number of the first packet in the queue.
    first: u64,
    queue: VecDeque<Packet>,
    /// How many of the queue's first are under way.
    flight: usize,
    sent: Time,
}

#[derive(Debug, Default)]
struct Inbound {
    delivered: u64,
    /// After a gap, or before the view is here.
    early: BTreeMap<u64, Packet>,
}

/// All streams of unicasts.
#[derive(Default)]
pub(super) struct Unicasts {
    outbound: BTreeMap<(Channel, NodeId), Outbound>,
    inbound: BTreeMap<(Channel, NodeId), Inbound>,
    /// Packets and bytes kept early, by node.
    early: BTreeMap<NodeId, (usize, usize)>,
    /// Streams to acknowledge, with the last number of what will never be delivered here.
    acks: BTreeMap<(Channel, NodeId), u64>,
    retired: VecDeque<Channel>,
    /// Bytes of all queues.
    pub(super) waiting: usize,
    due: Option<Time>,
}

impl Unicasts {
    /// The view of this channel is over, on both sides.
    pub(super) fn retire(&mut self, channel: Channel) {
        self.forget(|ended, _| ended == channel);
        if self.retired.len() >= MAX_RETIRED {
            self.retired.pop_front();
        }
        self.retired.push_back(channel);
    }

    /// Drops what goes to or comes from whom `gone` names.
    pub(super) fn forget(&mut self, gone: impl Fn(Channel, NodeId) -> bool) {
        self.outbound.retain(|&(channel, node), stream| {
            let keep = !gone(channel, node);
            if !keep {
                let bytes: usize = stream.queue.iter().map(Packet::weight).sum();
                self.waiting = self.waiting.saturating_sub(bytes);
            }
            keep
        });
        let early = &mut self.early;
        self.inbound.retain(|&(channel, node), stream| {
            let keep = !gone(channel, node);
            if !keep {
                stream.early.values().for_each(|packet| lessen(early, node, packet));
            }
            keep
        });
        self.acks.retain(|&(channel, node), _| !gone(channel, node));
    }

    /// Whether something of this member is on its way in this view.
    pub(super) fn is_pending(&self, channel: Channel, local: u32) -> bool {
        let mut of_view = self.of_view(channel);
        of_view.any(|stream| stream.queue.iter().any(|packet| packet.from == local))
    }

    /// Whether something is on its way in this view.
    pub(super) fn are_pending(&self, channel: Channel) -> bool {
        self.of_view(channel).any(|stream| !stream.queue.is_empty())
    }

    fn of_view(&self, channel: Channel) -> impl Iterator<Item = &Outbound> {
        let streams = self.outbound.range((channel, LEAST)..);
        streams.take_while(move |(key, _)| key.0 == channel).map(|(_, stream)| stream)
    }

    /// Bytes that came early.
    pub(super) fn early_bytes(&self) -> usize {
        self.early.values().map(|(packets, bytes)| packets * size_of::<Packet>() + bytes).sum()
    }

    fn enqueue(&mut self, now: Time, key: (Channel, NodeId), packet: Packet) {
        self.waiting += packet.weight();
        let fresh = || Outbound { first: 1, queue: VecDeque::new(), flight: 0, sent: now };
        self.outbound.entry(key).or_insert_with(fresh).queue.push_back(packet);
    }

    /// Sends what the window lets go.
    fn pump(&mut self, below: &Below<'_>, key: (Channel, NodeId), todo: &mut Vec<Todo>) {
        let Some(stream) = self.outbound.get_mut(&key) else { return };
        let under_way = stream.queue.iter().take(stream.flight);
        let mut bytes: usize = under_way.map(|packet| packet.body.len()).sum();
        while stream.flight < WINDOW && (bytes < WINDOW_BYTES || stream.flight == 0) {
            let Some(packet) = stream.queue.get(stream.flight) else { break };
            if stream.flight == 0 {
                stream.sent = below.now;
            }
            let number = stream.first + stream.flight as u64;
            todo.push(Todo::Send(key.1, encode(below.configuration, key.0, number, packet)));
            bytes += packet.body.len();
            stream.flight += 1;
            self.due = super::earlier(self.due, Some(stream.sent + below.settings.retry));
        }
    }

    /// The peer has all up to `number`.
    fn acknowledged(
        &mut self,
        below: &Below<'_>,
        key: (Channel, NodeId),
        number: u64,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Drop> {
        let stream = self.outbound.get_mut(&key).ok_or(Drop::Stale)?;
        if number >= stream.first.saturating_add(stream.flight as u64) {
            return Err(Drop::Malformed);
        }
        while stream.first <= number {
            let packet = stream.queue.pop_front();
            self.waiting = self.waiting.saturating_sub(packet.as_ref().map_or(0, Packet::weight));
            stream.first += 1;
            stream.flight -= 1; // `number` is of a packet under way
            stream.sent = below.now;
        }
        self.pump(below, key, todo);
        Ok(())
    }

    /// Sends acknowledgements and what has not been acknowledged for long; when to come back.
    pub(super) fn settle(&mut self, below: &Below<'_>, todo: &mut Vec<Todo>) -> Option<Time> {
        for ((channel, node), refused) in std::mem::take(&mut self.acks) {
            let delivered = self.inbound.get(&(channel, node)).map_or(0, |s| s.delivered);
            let frame = encode_ack(below.configuration, channel, delivered.max(refused));
            todo.push(Todo::Send(node, frame));
        }
        if self.due.is_none_or(|due| below.now < due) {
            return self.due;
        }
        self.due = None;
        for (key, stream) in self.outbound.iter_mut().filter(|(_, stream)| stream.flight > 0) {
            if below.now >= stream.sent + below.settings.retry {
                stream.sent = below.now;
                let under_way = stream.queue.iter().take(stream.flight);
                for (number, packet) in (stream.first..).zip(under_way) {
                    let frame = encode(below.configuration, key.0, number, packet);
                    todo.push(Todo::Send(key.1, frame));
                }
            }
            self.due = super::earlier(self.due, Some(stream.sent + below.settings.retry));
        }
        self.due
    }

    /// After an installation everything is sent again, under the new tag.
    pub(super) fn repeat(&mut self, now: Time) {
        for stream in self.outbound.values_mut() {
            stream.sent = Time(0);
            self.due = Some(now);
        }
    }

    fn keep_early(
        &mut self,
        key: (Channel, NodeId),
        number: u64,
        packet: Packet,
    ) -> Result<(), Drop> {
        let (packets, bytes) = self.early.get(&key.1).copied().unwrap_or_default();
        if packets >= WINDOW || bytes.saturating_add(packet.body.len()) > WINDOW_BYTES {
            return Err(Drop::Limit);
        }
        let stream = self.inbound.entry(key).or_default();
        if stream.early.contains_key(&number) {
            return Err(Drop::Duplicate);
        }
        self.early.insert(key.1, (packets + 1, bytes + packet.body.len()));
        stream.early.insert(number, packet);
        Ok(())
    }

    /// This packet is of a view that is over here: its sender need not wait.
    fn refuse(&mut self, key: (Channel, NodeId), number: u64) {
        let refused = self.acks.entry(key).or_default();
        *refused = number.max(*refused);
    }

    /// The next packet of a stream, if it is here.
    fn next(&mut self, key: (Channel, NodeId)) -> Option<Packet> {
        let stream = self.inbound.get_mut(&key)?;
        let packet = stream.early.remove(&(stream.delivered + 1))?;
        stream.delivered += 1;
        lessen(&mut self.early, key.1, &packet);
        Some(packet)
    }
}

fn lessen(early: &mut BTreeMap<NodeId, (usize, usize)>, node: NodeId, packet: &Packet) {
    let Some((packets, bytes)) = early.get_mut(&node) else { return };
    *packets = packets.saturating_sub(1);
    *bytes = bytes.saturating_sub(packet.body.len());
    if *packets == 0 {
        early.remove(&node);
    }
}

fn encode(configuration: &Configuration, channel: Channel, number: u64, packet: &Packet) -> Bytes {
    let mut frame = frame(configuration, Kind::Unicast, channel, packet.body.len());
    put_number(&mut frame, number);
    put_number(&mut frame, u64::from(packet.from));
    put_number(&mut frame, u64::from(packet.to));
    put_number(&mut frame, packet.number);
    frame.extend_from_slice(&packet.body);
    frame.into()
}

/// Channel, number in its stream, and the packet: what follows the header of the frame.
fn decode(body: &Bytes) -> Result<(Channel, u64, Packet), Drop> {
    let mut fields = Reader::new(body, 0);
    let channel = Channel(fields.fixed()?);
    let place = fields.number()?;
    let (from, to, number) = (fields.small()?, fields.small()?, fields.number()?);
    if place == 0 {
        return Err(Drop::Malformed);
    }
    let body = body.slice(fields.position()..);
    Ok((channel, place, Packet { from, to, number, body }))
}

fn encode_ack(configuration: &Configuration, channel: Channel, number: u64) -> Bytes {
    let mut frame = frame(configuration, Kind::UnicastAck, channel, 0);
    put_number(&mut frame, number);
    frame.into()
}

fn decode_ack(body: &[u8]) -> Result<(Channel, u64), Drop> {
    let mut fields = Reader::new(body, 0);
    let (channel, number) = (Channel(fields.fixed()?), fields.number()?);
    if fields.remaining() > 0 {
        return Err(Drop::Malformed);
    }
    Ok((channel, number))
}

impl Groups {
    /// Whether the member is in the present view and its node has moved along.
    pub(super) fn can_reach(&self, slot: usize, to: MemberId) -> bool {
        let view = self.locals.get(slot).and_then(|local| local.view.as_ref());
        view.is_some_and(|view| view.has(to) && view.runs(to.node))
    }

    /// Numbers it and sends it, or delivers it here.
    pub(super) fn start_unicast(
        &mut self,
        below: &Below<'_>,
        slot: usize,
        local: u32,
        to: MemberId,
        body: Bytes,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let number = self.next_number(local);
        let Some(group) = self.locals.get(slot) else { return };
        let Some(view) = &group.view else { return };
        let (channel, service) = (view.channel, Service::Unicast);
        let sent = Event::Sent { number, view: Some(view.id), service, to: Some(to) };
        group.tell(local, sent, out);
        let packet = Packet { from: local, to: to.local, number, body };
        if to.node == below.configuration.me() {
            return self.hand_over(channel, to.node, packet, out);
        }
        let key = (channel, to.node);
        self.unicasts.enqueue(below.now, key, packet);
        self.unicasts.pump(below, key, todo);
    }

    /// One from the network.
    pub(super) fn take_unicast(
        &mut self,
        from: NodeId,
        body: Bytes,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let (channel, number, packet) = decode(&body)?;
        let key = (channel, from);
        if self.unicasts.retired.contains(&key.0) {
            self.unicasts.refuse(key, number);
            return Err(Drop::OtherView);
        }
        let Some(view) = self.locals.of_channel(key.0).and_then(|local| local.view.as_ref()) else {
            return self.unicasts.keep_early(key, number, packet);
        };
        if view.channel != key.0 || !view.runs(from) {
            self.unicasts.refuse(key, number);
            return Err(Drop::OtherView);
        }
        self.unicasts.acks.entry(key).or_default();
        let delivered = self.unicasts.inbound.entry(key).or_default();
        if number <= delivered.delivered {
            return Err(Drop::Duplicate);
        }
        if number > delivered.delivered + 1 {
            return self.unicasts.keep_early(key, number, packet);
        }
        delivered.delivered = number;
        if let Some(copy) = delivered.early.remove(&number) {
            lessen(&mut self.unicasts.early, from, &copy);
        }
        self.hand_over(key.0, from, packet, out);
        while let Some(packet) = self.unicasts.next(key) {
            self.hand_over(key.0, from, packet, out);
        }
        Ok(())
    }

    /// The view of this channel is here: what came before it is delivered.
    pub(super) fn deliver_early(&mut self, channel: Channel, out: &mut Outbox) {
        let streams = self.unicasts.inbound.range((channel, LEAST)..);
        let nodes: Vec<_> =
            streams.map(|(key, _)| *key).take_while(|key| key.0 == channel).collect();
        for key in nodes {
            let view = self.locals.of_channel(channel).and_then(|local| local.view.as_ref());
            if view.is_some_and(|view| view.runs(key.1)) {
                while let Some(packet) = self.unicasts.next(key) {
                    self.hand_over(channel, key.1, packet, out);
                }
                self.unicasts.acks.entry(key).or_default();
            }
        }
    }

    /// An acknowledgement from the network.
    pub(super) fn take_unicast_ack(
        &mut self,
        below: &Below<'_>,
        from: NodeId,
        body: Bytes,
        todo: &mut Vec<Todo>,
    ) -> Result<(), Drop> {
        let (channel, number) = decode_ack(&body)?;
        self.unicasts.acknowledged(below, (channel, from), number, todo)
    }

    /// Tells the addressee, if it is still there.
    fn hand_over(&self, channel: Channel, from: NodeId, packet: Packet, out: &mut Outbox) {
        let Some(group) = self.locals.of_channel(channel) else { return };
        let Some(view) = &group.view else { return };
        let from = MemberId { node: from, local: packet.from };
        let there = group.members.get(&packet.to).is_some_and(|member| member.in_view);
        if there && view.has(from) {
            let Packet { number, body, .. } = packet;
            let (view, service, order) = (view.id, Service::Unicast, None);
            let event = Event::Message { from, number, view, service, order, body };
            group.tell(packet.to, event, out);
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
        let mut numbers = Numbers::new(7);
        for _ in 0..2_000 {
            let (channel, place) = (Channel(numbers.any()), numbers.any() >> 16 | 1);
            let (from, to, number) = (numbers.rank(), numbers.rank(), numbers.any() >> 16);
            let packet = Packet { from, to, number, body: numbers.bytes(600) };
            let frame = encode(&configuration, channel, place, &packet);
            assert_eq!(decode(&frame.slice(10..)), Ok((channel, place, packet)));
            let ack = encode_ack(&configuration, channel, place);
            assert_eq!(decode_ack(&ack[10..]), Ok((channel, place)));
            for cut in 10..ack.len() {
                assert_eq!(decode_ack(&ack[10..cut]), Err(Drop::Malformed));
            }
        }
    }
}
