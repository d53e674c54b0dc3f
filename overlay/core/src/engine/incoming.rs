//! Frames from peers: checked here once, then handed to the machine that they are for.

use super::{Below, Engine, MAX_EARLY, below};
use crate::{
    error::Drop,
    figures::Rare,
    ids::{ConfigurationTag, NodeId},
    membership::Happening,
    order::Turns,
    output::{Outbox, Output},
    streams::SUBSCRIPTION,
    wire::{
        Header, Kind,
        control::{Ask, Control, ControlEntry},
        data::DataFrame,
        header::{HEADER, read_control},
        heartbeat::Heartbeat,
        vectors,
    },
};
use bytes::Bytes;

/// The most bytes that one request is answered with; the rest is asked for again.
const MAX_REPAIR: usize = 512 << 10;

impl Engine {
    pub(super) fn take_frame(
        &mut self,
        from: NodeId,
        bytes: Bytes,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let header = Header::read(&bytes)?;
        if from == self.settings.node {
            return Err(Drop::Stranger);
        }
        if header.kind == Kind::Control {
            if header.tag != self.overlay {
                return Err(Drop::Overlay);
            }
            let control = read_control(&bytes)?;
            self.figures.frames += 1;
            self.happen(Happening::Alive(from), out);
            return self.take_control(from, control, out);
        }
        if header.kind == Kind::Heartbeat {
            // Of any configuration: membership judges.
            let heartbeat = Heartbeat::read(&bytes, header.tag)?;
            self.figures.frames += 1;
            self.happen(Happening::Alive(from), out);
            self.peek(from, &heartbeat);
            self.happen(Happening::Heartbeat(from, heartbeat), out);
            return Ok(());
        }
        if header.tag != self.configuration.tag.0 {
            return self.take_foreign(from, header.tag, bytes, out);
        }
        let rank = self.configuration.rank_of(from).ok_or(Drop::Stranger)?;
        self.figures.frames += 1;
        if !self.membership.hears_as_usual((rank, from), &self.settings, self.now) {
            self.happen(Happening::Alive(from), out);
        }
        self.take_own(rank, header.kind, (bytes, false), out)
    }

    /// A frame of another configuration: perhaps of the next one.
    fn take_foreign(
        &mut self,
        from: NodeId,
        tag: u64,
        bytes: Bytes,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let awaited = self
            .membership
            .awaited()
            .filter(|&ballot| ConfigurationTag::new(&self.settings.overlay, ballot).0 == tag);
        if awaited.is_none() {
            return Err(Drop::OtherConfiguration);
        }
        if !self.membership.in_ballot(from) {
            return Err(Drop::Stranger);
        }
        self.happen(Happening::InstalledElsewhere(from), out);
        if self.configuration.tag.0 == tag {
            return self.take_frame(from, bytes, out);
        }
        if self.early.bytes + bytes.len() > MAX_EARLY {
            return Err(Drop::Limit);
        }
        self.early.bytes += bytes.len();
        self.early.frames.push((from, bytes));
        Ok(())
    }

    /// A frame of the present configuration, from the member of this rank.
    fn take_own(
        &mut self,
        rank: u16,
        kind: Kind,
        (bytes, relayed): (Bytes, bool),
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let size = self.configuration.size();
        let from = self.configuration.node(rank).ok_or(Drop::Stranger)?;
        match kind {
            Kind::Data => self.take_data(rank, bytes, relayed, out),
            Kind::Promises => {
                for promise in vectors::read_promises(&bytes, size)? {
                    if !self.frozen && promise.rank != self.configuration.rank {
                        let moved = self.streams.promised(promise);
                        if moved && self.configuration.is_led_here() {
                            self.announcer.gather();
                        }
                    }
                }
                Ok(())
            }
            Kind::Ack => {
                let counts = vectors::read_counts(&bytes, size)?;
                if !self.frozen {
                    self.check_counts(&counts)?;
                    self.stability.acknowledged(rank, &counts, self.now);
                }
                Ok(())
            }
            Kind::Stable => {
                let counts = vectors::read_counts(&bytes, size)?;
                if rank != 0 {
                    return Err(Drop::Stranger);
                }
                if !self.frozen {
                    self.forgettable |= self.stability.settled(&counts);
                }
                Ok(())
            }
            Kind::Need => {
                let need = vectors::read_need(&bytes, size)?;
                let Some(stream) = self.streams.get(need.origin) else { return Ok(()) };
                for frame in stream.frames_of(need.first, need.last, MAX_REPAIR) {
                    self.send_to(from, frame, out);
                }
                Ok(())
            }
            Kind::Unreliable | Kind::Unicast | Kind::UnicastAck => {
                let mut todo = Vec::new();
                let (below, body) = (below!(self), bytes.slice(HEADER..));
                self.groups.frame(&below, from, kind as u8, body, out, &mut todo)?;
                self.carry_out(todo, out);
                Ok(())
            }
            Kind::Control | Kind::Heartbeat => Err(Drop::Malformed),
        }
    }

    /// Nobody can have more of this node's stream than there is.
    fn check_counts(&self, counts: &[u64]) -> Result<(), Drop> {
        let own = counts.get(usize::from(self.configuration.rank)).copied().unwrap_or(0);
        if own > self.streams.sent() { Err(Drop::Malformed) } else { Ok(()) }
    }

    fn take_data(
        &mut self,
        rank: u16,
        bytes: Bytes,
        relayed: bool,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let frame = DataFrame::read(bytes, self.configuration.size())?;
        let origin = frame.origin;
        if self.frozen && frame.count == 0 {
            return Ok(());
        }
        if origin == rank && !relayed {
            self.repair.heard(origin);
            self.forward(origin, &frame.bytes, out);
        }
        let (top, bytes) = (frame.top_clock(), frame.bytes.len());
        if self.streams.take(frame)? && self.configuration.is_led_here() {
            self.announcer.gather();
        }
        self.announcer.saw(top);
        self.stability.arrived(bytes);
        Ok(())
    }

    /// Passes a frame on to those who asked for this origin's.
    fn forward(&mut self, origin: u16, frame: &Bytes, out: &mut Outbox) {
        if self.subscribers.is_empty() {
            return;
        }
        let now = self.now;
        self.subscribers.retain(|_, until| *until > now);
        for &(_, subscriber) in
            self.subscribers.range((origin, 0)..=(origin, u16::MAX)).map(|(k, _)| k)
        {
            if let Some(to) = self.configuration.node(subscriber) {
                self.figures.saw(Rare::Forwarded);
                out.push(Output::Send { to, frame: frame.clone() });
            }
        }
    }

    fn take_control(
        &mut self,
        from: NodeId,
        control: Control,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        match control {
            Control::Membership(message) => {
                self.happen(Happening::Message(from, message), out);
                Ok(())
            }
            Control::Ask(ballot, ask) => {
                if ballot != self.configuration.id || self.frozen {
                    return Err(Drop::OtherConfiguration);
                }
                let rank = self.configuration.rank_of(from).ok_or(Drop::Stranger)?;
                self.take_ask(from, rank, ask, out)
            }
            Control::Relay { origin, to, inner } => {
                self.configuration.rank_of(from).ok_or(Drop::Stranger)?;
                self.configuration.rank_of(origin).ok_or(Drop::Stranger)?;
                if matches!(Header::read(&inner)?.kind, Kind::Control | Kind::Heartbeat) {
                    // Only frames of the configuration are relayed, and only once; a heartbeat
                    // would be no sign of life.
                    return Err(Drop::Malformed);
                }
                if to == self.settings.node {
                    return self.take_relayed(from, origin, inner, out);
                }
                self.configuration.rank_of(to).ok_or(Drop::Stranger)?;
                if from != origin {
                    return Err(Drop::Malformed);
                }
                self.figures.saw(Rare::Forwarded);
                let control = Control::Relay { origin, to, inner };
                self.send_control(to, &control, out);
                Ok(())
            }
        }
    }

    /// A frame that came through another member: no sign of life of its origin. Answers go the same
    /// way for a while.
    fn take_relayed(
        &mut self,
        through: NodeId,
        origin: NodeId,
        inner: Bytes,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let header = Header::read(&inner)?;
        if header.tag != self.configuration.tag.0 {
            return Err(Drop::OtherConfiguration);
        }
        let rank = self.configuration.rank_of(origin).ok_or(Drop::Stranger)?;
        let until = self.now + self.settings.retry * SUBSCRIPTION;
        let before = self.routes.insert(rank, (until, through));
        let taken = self.take_own(rank, header.kind, (inner, true), out);
        // A duplicate has come that way, too; what is no frame says nothing about ways.
        if taken.is_err_and(|reason| reason != Drop::Duplicate) {
            match before {
                Some(route) => self.routes.insert(rank, route),
                None => self.routes.remove(&rank),
            };
        }
        taken
    }

    /// Heartbeats carry what their sender has: gaps show.
    fn peek(&mut self, from: NodeId, heartbeat: &Heartbeat) {
        let Heartbeat { tag, epoch: _, received, promises } = heartbeat;
        let size = self.configuration.size();
        let Some(rank) = self.configuration.rank_of(from) else { return };
        if *tag != self.configuration.tag || received.len() != size || self.frozen {
            return;
        }
        for (origin, &count) in (0..).zip(received) {
            if origin != self.configuration.rank {
                self.streams.heard_of(origin, count);
            }
        }
        if rank == 0 {
            for ((origin, &number), &clock) in (0..).zip(received).zip(promises) {
                if origin != self.configuration.rank {
                    self.streams.promised(vectors::Promise { rank: origin, number, clock });
                }
            }
        } else if let ([clock], Some(&number)) = (&promises[..], received.get(usize::from(rank))) {
            // What it told once may have been lost, and it says it again nowhere else.
            let promise = vectors::Promise { rank, number, clock: *clock };
            if self.streams.promised(promise) && self.configuration.is_led_here() {
                self.announcer.gather();
            }
        }
        self.repair.digest(rank, received.clone());
    }

    fn take_ask(
        &mut self,
        from: NodeId,
        rank: u16,
        ask: Ask,
        out: &mut Outbox,
    ) -> Result<(), Drop> {
        let leads = self.configuration.is_led_here();
        match ask {
            Ask::Recall if rank == 0 => self.order.turns.recall(),
            Ask::Subscribe { origin } => {
                let until = self.now + self.settings.retry * SUBSCRIPTION;
                if origin == self.configuration.rank {
                    self.routes.insert(rank, (until, self.configuration.leader()));
                } else if usize::from(origin) < self.configuration.size() {
                    self.subscribers.insert((origin, rank), until);
                }
            }
            _ if !leads => return Err(Drop::Stranger),
            Ask::Turn { .. } => self.grant(rank),
            Ask::Recall => return Err(Drop::Stranger),
            ask => {
                let mut todo = Vec::new();
                let below = below!(self);
                self.groups.ask(&below, from, ask, &mut self.figures, &mut todo);
                self.carry_out(todo, out);
            }
        }
        Ok(())
    }

    /// At the leader: stamps a grant, if the node has no turn and none is on its way.
    pub(super) fn grant(&mut self, rank: u16) {
        let turns: &mut Turns = &mut self.order.turns;
        if let Some(number) = turns.asked(rank)
            && let Some(entry) = crate::wire::header::to_cbor(&ControlEntry::Grant { rank, number })
        {
            self.sender.queue_control(entry);
        }
    }
}
