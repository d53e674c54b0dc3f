//! The end of a batch: deliver what may be delivered, pack what waits, say what others wait for.

use super::{Backlog, Below, Engine, Stopping, below};
use crate::{
    defect::Defect,
    error::Drop,
    groups::Delivery,
    ids::{Order as Place, Position},
    membership::Happening,
    order::{Announcement, Delivered, State},
    output::{Outbox, Output, Warning},
    sender::Leave,
    streams::Request,
    wire::{
        Kind,
        control::{Ask, Control, ControlEntry},
        data::{Builder, Entry},
        header::from_cbor,
        vectors,
    },
};

impl Engine {
    pub(super) fn pump(&mut self, out: &mut Outbox) {
        let now = self.now;
        self.routes.retain(|_, (until, _)| *until > now);
        if !self.frozen {
            self.settle(out);
        }
        self.repair(out);
        if self.frozen {
            self.check_target(out);
        } else {
            self.look_after_turn(out);
            self.look_after_slow(out);
            self.look_after_backlog(out);
            self.look_after_stop(out);
        }
        if self.blocked && self.sender.bytes() + self.groups.held() <= self.settings.queue / 2 {
            self.blocked = false;
            out.push(Output::Writable);
        }
    }

    /// Delivers, settles the groups and packs until nothing moves any more.
    fn settle(&mut self, out: &mut Outbox) {
        let mut delivered = false;
        loop {
            self.order.renew();
            let mut moved = self.deliver_all(false, out);
            delivered |= moved;
            self.forget();
            let mut todo = Vec::new();
            let below = below!(self);
            self.groups.settle(&below, &mut self.figures, out, &mut todo);
            self.carry_out(todo, out);
            moved |= self.pack_all(out);
            moved |= self.announce(delivered, out);
            moved |= self.acknowledge(out);
            if !moved || self.frozen {
                break;
            }
        }
        self.forget();
    }

    /// Forgets what everybody has and this node has delivered.
    fn forget(&mut self) {
        if self.settings.lacks(Defect::NeverForget) {
            return;
        }
        let all = std::mem::take(&mut self.forgettable);
        self.streams.forget(self.stability.stable(), all);
    }

    /// Delivers all that the order's phase allows. True if there was something.
    pub(super) fn deliver_all(&mut self, after_signal: bool, out: &mut Outbox) -> bool {
        let mut any = false;
        while let Some(delivered) = self.order.next(&mut self.streams, &self.stability) {
            any = true;
            self.deliver(delivered, after_signal, out);
        }
        any
    }

    fn deliver(&mut self, delivered: Delivered, after_signal: bool, out: &mut Outbox) {
        let Delivered { origin, position, entry } = delivered;
        let epoch = self.configuration.id.epoch;
        let place = position.map(|position| Place { epoch, position });
        match entry {
            Entry::Message { channel, local, number, service, body } => {
                let Some(node) = self.configuration.node(origin) else { return };
                let Some(stream) = self.streams.get_mut(origin) else { return };
                let Some(body) = stream.assemble(false, body) else {
                    return self.figures.dropped(Drop::Limit);
                };
                let delivery = Delivery {
                    origin: node,
                    rank: origin,
                    channel,
                    local,
                    number,
                    service,
                    order: place,
                    body,
                };
                self.groups.message(delivery, &mut self.figures, out);
            }
            Entry::Piece { body } => self.keep_piece(origin, false, body),
            Entry::ControlPiece { body } => self.keep_piece(origin, true, body),
            Entry::Yield { number } => {
                self.order.turns.yielded(origin, number);
                self.order.renew();
            }
            Entry::Control { body } => {
                let Some(stream) = self.streams.get_mut(origin) else { return };
                let Some(body) = stream.assemble(true, body) else {
                    return self.figures.dropped(Drop::Limit);
                };
                match (from_cbor(&body), place) {
                    (Ok(entry), Some(place)) => {
                        self.control(origin, place, entry, after_signal, out)
                    }
                    // The same at every node: it is passed over.
                    (Err(reason), _) => self.figures.dropped(reason),
                    (_, None) => {}
                }
            }
        }
    }

    fn keep_piece(&mut self, origin: u16, control: bool, body: bytes::Bytes) {
        let limit = self.settings.max_message;
        if let Some(stream) = self.streams.get_mut(origin) {
            stream.keep_piece(control, body, limit);
        }
    }

    fn control(
        &mut self,
        origin: u16,
        place: Place,
        entry: ControlEntry,
        after_signal: bool,
        out: &mut Outbox,
    ) {
        if let ControlEntry::Grant { rank, number } = entry {
            let clock = clock_of(place.position);
            if origin == 0 && usize::from(rank) < self.configuration.size() {
                self.order.turns.granted(rank, number, clock, self.now);
                self.order.renew();
            }
            return;
        }
        let mut todo = Vec::new();
        let below = below!(self);
        self.groups.control(
            &below,
            origin,
            place,
            entry,
            after_signal,
            &mut self.figures,
            out,
            &mut todo,
        );
        self.carry_out(todo, out);
    }

    /// Counts what the application has to read of the outputs from `before` on.
    pub(super) fn count_unread(&mut self, out: &Outbox, before: usize) {
        let weight = |output: &Output| match output {
            Output::Event { event, .. } => event.weight(),
            _ => 0,
        };
        self.add_unread(out.iter().skip(before).map(weight).sum());
    }

    /// So much more has not been read.
    pub(super) fn add_unread(&mut self, bytes: usize) {
        self.unread = self.unread.saturating_add(bytes);
        if self.unread > self.settings.max_unread && self.backlog.is_none() {
            self.backlog = Some(Backlog { since: self.now, told: false });
        }
    }

    /// The application has read so much.
    pub(super) fn consumed(&mut self, bytes: usize) {
        self.unread = self.unread.saturating_sub(bytes);
        if self.unread <= self.settings.max_unread {
            self.backlog = None;
        }
    }

    /// A node whose application has been too far behind for long reports itself, and then asks the
    /// others to go on without it: a leader has nobody above it, and does not see what others send to
    /// one node alone.
    fn look_after_backlog(&mut self, out: &mut Outbox) {
        let (now, limit) = (self.now, self.settings.slow_limit);
        let Some(backlog) = self.backlog.as_mut().filter(|b| now >= b.since + limit) else {
            return;
        };
        let late = now >= backlog.since + 2 * limit;
        if !std::mem::replace(&mut backlog.told, true) {
            out.push(Output::Warning(Warning::Slow { node: self.settings.node }));
        }
        if late && self.configuration.size() > 1 {
            self.happen(Happening::Exclude(self.settings.node), out);
        }
    }

    /// Packs what waits into frames and sends them. True if there was something.
    fn pack_all(&mut self, out: &mut Outbox) -> bool {
        let mut any = false;
        loop {
            let leave = Leave {
                messages: self.groups.is_whole(),
                ordered: self.order.turns.is_mine(),
                unstable: self.streams.unstable(),
                window: self.settings.window,
                clock: self.announcer.clock(),
            };
            let place = (self.configuration.tag, self.configuration.rank);
            let groups = &mut self.groups;
            let frame =
                self.sender.pack(leave, &self.streams, place, |message| groups.stamp(message, out));
            let Some(frame) = frame else { return any };
            any = true;
            self.announcer.announced(frame.promise);
            self.stability.arrived(frame.bytes.len());
            if frame.ordered > 0 {
                self.order.turns.used(self.now);
            }
            if self.configuration.size() > 1 {
                out.push(Output::Multicast { frame: frame.bytes.clone() });
            }
            self.streams.append(frame);
        }
    }

    pub(super) fn has_many_active(&self) -> bool {
        self.order.turns.active() > self.settings.direct_promises
    }

    /// Tells promises that others wait for. True if this node's own has moved.
    fn announce(&mut self, delivered: bool, out: &mut Outbox) -> bool {
        if !self.order.turns.is_mine() {
            return false;
        }
        let many = self.has_many_active();
        let me = self.configuration.rank;
        let idle = self.sender.is_empty() && self.order.turns.is_idle(&self.settings, self.now);
        let state = State { many, delivered, idle };
        let due = self.announcer.due((&self.streams, me), state, &self.settings, self.now);
        let Some(announcement) = due else { return false };
        let tag = self.configuration.tag;
        let number = self.streams.sent();
        match announcement {
            Announcement::ToAll(clock) => {
                let bare = Builder::new().finish(tag, me, number + 1, (clock, clock), &[]);
                if self.configuration.size() > 1 {
                    out.push(Output::Multicast { frame: bare.bytes });
                }
            }
            Announcement::ToLeader(clock) => {
                let promise = vectors::Promise { rank: me, number, clock };
                let frame = vectors::write_promises(tag, &[promise]);
                out.push(Output::Send { to: self.configuration.leader(), frame });
            }
            Announcement::Gathered(promises) => {
                let frame = vectors::write_promises(tag, &promises);
                out.push(Output::Multicast { frame });
            }
        }
        let clock = self.announcer.clock();
        self.streams.promised(vectors::Promise { rank: me, number, clock })
    }

    /// Acknowledges, or says what is stable. True if something became stable here.
    fn acknowledge(&mut self, out: &mut Outbox) -> bool {
        if self.streams.is_head_safe() || self.stopping.is_some() {
            self.stability.hurry();
        }
        let me = self.configuration.rank;
        let withhold = self.backlog.is_some();
        let due = self.stability.due((&self.streams, me), &self.settings, (withhold, self.now));
        let (tag, leads) = (self.configuration.tag, self.configuration.is_led_here());
        for rank in self.stability.answers() {
            if let Some(to) = self.configuration.node(rank) {
                let frame = vectors::write_counts(Kind::Stable, tag, self.stability.stable());
                out.push(Output::Send { to, frame });
            }
        }
        let Some(counts) = due else { return false };
        self.forgettable |= leads;
        let alone = self.configuration.size() == 1;
        if leads && !alone {
            let frame = vectors::write_counts(Kind::Stable, tag, &counts);
            out.push(Output::Multicast { frame });
        } else if !leads {
            let frame = vectors::write_counts(Kind::Ack, tag, &counts);
            out.push(Output::Send { to: self.configuration.leader(), frame });
        }
        leads
    }

    /// Asks for what is missing.
    fn repair(&mut self, out: &mut Outbox) {
        if !self.streams.take_gaps() && self.repair.is_idle() {
            return;
        }
        let me = self.configuration.rank;
        let (tag, id) = (self.configuration.tag, self.configuration.id);
        for request in self.repair.due((&self.streams, me), &self.settings, self.now) {
            match request {
                Request::Need { to, through, need } => {
                    let Some(to) = self.configuration.node(to) else { continue };
                    let frame = vectors::write_need(tag, need);
                    match through.and_then(|rank| self.configuration.node(rank)) {
                        Some(through) => self.send_through(through, to, frame, out),
                        None => out.push(Output::Send { to, frame }),
                    }
                }
                Request::Subscribe { origin } => {
                    let control = Control::Ask(id, Ask::Subscribe { origin });
                    for to in [0, origin].into_iter().filter_map(|r| self.configuration.node(r)) {
                        self.send_control(to, &control, out);
                    }
                }
            }
        }
    }

    /// Asks for a turn, or gives it back.
    fn look_after_turn(&mut self, out: &mut Outbox) {
        let (settings, now) = (&self.settings, self.now);
        let wants = self.sender.wants_turn();
        if !self.order.turns.is_mine() {
            if wants && self.groups.is_whole() && self.order.turns.want(settings.retry, now) {
                let ask = Ask::Turn { last: self.order.turns.number() };
                let control = Control::Ask(self.configuration.id, ask);
                self.send_control(self.configuration.leader(), &control, out);
            }
            return;
        }
        if !wants && let Some(number) = self.order.turns.is_over(settings, now) {
            self.sender.queue_turn_back(number);
            self.order.turns.gave_back();
            self.settle(out);
        }
        if self.configuration.is_led_here() {
            self.order.turns.take_away();
            if let Some(to) =
                self.order.turns.surplus(&self.settings).and_then(|r| self.configuration.node(r))
            {
                let control = Control::Ask(self.configuration.id, Ask::Recall);
                self.send_control(to, &control, out);
            }
        }
    }

    /// At the leader: reports other members that hold everybody up, then excludes them.
    fn look_after_slow(&mut self, out: &mut Outbox) {
        if !self.configuration.is_led_here() || self.configuration.size() == 1 {
            return;
        }
        for (rank, late) in self.stability.slow(self.settings.slow_limit, self.now) {
            let node = self.configuration.node(rank).filter(|&node| node != self.settings.node);
            let Some(node) = node else { continue };
            if late {
                self.happen(Happening::Exclude(node), out);
            } else {
                out.push(Output::Warning(Warning::Slow { node }));
            }
        }
    }

    /// A node that stops goes when all that it sent is stable, or when that takes too long.
    fn look_after_stop(&mut self, out: &mut Outbox) {
        let Some(Stopping::Draining { until }) = self.stopping else { return };
        let (me, sent) = (self.configuration.rank, self.streams.sent());
        let done = self.sender.is_empty()
            && self.groups.held() == 0
            && self.streams.delivered(me) == sent
            && self.stability.is_stable(me, sent);
        if done || self.now >= until {
            self.stopping = Some(Stopping::Leaving);
            self.happen(Happening::Leave, out);
        }
    }
}

fn clock_of(position: Position) -> u64 {
    position.as_u64() >> 16
}
