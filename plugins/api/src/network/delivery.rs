//! What happens at one member: messages are opened, events handled, actions carried out.

use super::wire::{Channel, Kind, Packet};
use super::{Failure, Network, to_u32};
use crate::{Action, Input, Order};
use std::rc::Rc;

/// What a resumption is called in failures.
const RESUMED: &str = "a resumption";

impl Network<'_> {
    pub(super) fn deliver(&mut self, at: u32, packets: Vec<Packet>) -> Result<(), Failure> {
        let begun = self.carrier.now_ns();
        let signed = |packet: &&Packet| packet.from != at && packet.kind == Kind::Signed;
        let sealed: Vec<&[u8]> =
            packets.iter().filter(signed).map(|packet| &*packet.sealed).collect();
        let mut opened = self.carrier.open(at, &sealed).into_iter();
        let spent = self.carrier.now_ns().saturating_sub(begun);
        if let Some(peer) = self.peer_at(at) {
            let here = packets.iter().map(|packet| packet.clock.time_ns).max().unwrap_or(0);
            peer.clock.time_ns = peer.clock.time_ns.max(here);
        }
        self.spend(at, spent);
        for packet in packets {
            if packet.kind != Kind::Signed {
                self.deliver_sealed(at, &packet)?;
                continue;
            }
            // A member's own multicast needs no signature to be believed.
            let own = packet.from == at;
            let body = if own { self.open_own(at, &packet) } else { opened.next().flatten() };
            let (Some(body), Some(peer)) = (body, self.peer_at(at)) else { continue };
            peer.clock.wait_for(&packet.clock);
            peer.clock.verifications += u32::from(!own);
            self.handle(at, Input::Message { from: packet.from, body }, "a message")?;
        }
        Ok(())
    }

    fn deliver_sealed(&mut self, at: u32, packet: &Packet) -> Result<(), Failure> {
        let begun = self.carrier.now_ns();
        let body = self.carrier.unframe(at, &packet.sealed);
        let spent = self.carrier.now_ns().saturating_sub(begun);
        self.spend(at, spent);
        let (Some(body), Some(peer)) = (body, self.peer_at(at)) else { return Ok(()) };
        peer.clock.wait_for(&packet.clock);
        self.handle(at, Input::Sealed { from: packet.from, body }, "a sealed message")
    }

    fn open_own(&mut self, at: u32, packet: &Packet) -> Option<Vec<u8>> {
        self.peer(at)?.own.get(&packet.number).cloned()
    }

    pub(super) fn handle(
        &mut self,
        at: u32,
        input: Input,
        what: &'static str,
    ) -> Result<(), Failure> {
        let member = self.number(at);
        let event = self.dice.event(input);
        let begun = self.carrier.now_ns();
        let Some(peer) = self.peers.get_mut(&member) else { return Ok(()) };
        let mut actions = Vec::new();
        let result = peer.instance.handle(&event, &mut actions);
        let spent = self.carrier.now_ns().saturating_sub(begun);
        if self.keeps_history {
            peer.history.push(event);
        }
        result.map_err(|error| Failure::Module { member, what, error })?;
        self.spend(at, spent);
        self.count(at, &actions);
        let resume = actions.contains(&Action::Resume);
        for action in actions {
            self.act(at, member, action)?;
        }
        match resume {
            true if what == RESUMED => {
                Err(Failure::BadAction { member, what: "a resumption in answer to one" })
            }
            true => self.handle(at, Input::Resume, RESUMED),
            false => Ok(()),
        }
    }

    fn count(&mut self, at: u32, actions: &[Action]) {
        for action in actions {
            if let Action::Count(work) = action {
                self.tally.work += *work;
                if let Some(peer) = self.peer_at(at) {
                    peer.clock.work(work);
                }
            }
        }
    }

    fn act(&mut self, at: u32, member: u32, action: Action) -> Result<(), Failure> {
        let forbidden = |what| Err(Failure::BadAction { member, what });
        match action {
            Action::Unicast { to, .. }
            | Action::Sealed { to, .. }
            | Action::Acknowledge { to, .. }
                if to == at =>
            {
                forbidden("a unicast to itself")
            }
            Action::Unicast { to, .. }
            | Action::Sealed { to, .. }
            | Action::Acknowledge { to, .. }
                if to as usize >= self.view.len() =>
            {
                forbidden("a unicast to nobody")
            }
            Action::Unicast { to, body } => {
                self.tally.unicasts += 1;
                self.send(at, Some(to), Channel::Unicast { from: at }, body);
                Ok(())
            }
            Action::Sealed { to, body } => {
                self.tally.unicasts += 1;
                self.tally.sealed += 1;
                self.send_sealed(at, to, Kind::Sealed, body);
                Ok(())
            }
            Action::Acknowledge { to, body } => {
                self.tally.acknowledgements += 1;
                self.send_sealed(at, to, Kind::Acknowledgement, body);
                Ok(())
            }
            Action::Multicast { order, body } => {
                self.tally.multicasts += 1;
                let channel = match order {
                    Order::Fifo => Channel::Fifo { from: at },
                    Order::Agreed => Channel::Agreed,
                };
                self.send(at, None, channel, body);
                Ok(())
            }
            Action::Install(secret) => {
                let Some(peer) = self.peer_at(at) else { return Ok(()) };
                if peer.installed.replace(secret).is_some() {
                    return forbidden("a second secret in one run");
                }
                peer.installed_at = peer.clock;
                Ok(())
            }
            Action::Offer(_) => forbidden("an offer that nobody asked for"),
            Action::Resume | Action::Count(_) => Ok(()),
        }
    }

    fn send(&mut self, from: u32, to: Option<u32>, channel: Channel, body: Vec<u8>) {
        let begun = self.carrier.now_ns();
        let sealed: Rc<[u8]> = self.carrier.seal(from, to, &body).into();
        let spent = self.carrier.now_ns().saturating_sub(begun);
        self.spend(from, spent);
        self.tally.bytes += sealed.len() as u64;
        if to.is_none() {
            self.tally.multicast_bytes += sealed.len() as u64;
        }
        self.packets += 1;
        let number = self.packets;
        let Some(peer) = self.peer_at(from) else { return };
        peer.clock.signatures += 1;
        let mut clock = peer.clock;
        clock.go_round();
        if to.is_none() {
            peer.own.insert(number, body.clone());
        }
        self.overheard.push(body);
        let receivers = match to {
            Some(to) => to..to + 1,
            None => 0..to_u32(self.view.len()),
        };
        for position in receivers {
            let sealed = Rc::clone(&sealed);
            let packet = Packet { from, sealed, kind: Kind::Signed, clock, number };
            if let Some(peer) = self.peer_at(position) {
                peer.inbox.push(channel, packet);
            }
        }
    }

    /// Sends what the module has sealed: no signature, and an acknowledgement is no round.
    fn send_sealed(&mut self, from: u32, to: u32, kind: Kind, body: Vec<u8>) {
        let begun = self.carrier.now_ns();
        let sealed: Rc<[u8]> = self.carrier.frame(from, to, &body).into();
        let spent = self.carrier.now_ns().saturating_sub(begun);
        self.spend(from, spent);
        let length = sealed.len() as u64;
        match kind {
            Kind::Acknowledgement => self.tally.acknowledgement_bytes += length,
            Kind::Signed | Kind::Sealed => self.tally.bytes += length,
        }
        self.packets += 1;
        let number = self.packets;
        let Some(peer) = self.peer_at(from) else { return };
        let mut clock = peer.clock;
        match kind {
            Kind::Acknowledgement => clock.acknowledgement_rounds += 1,
            Kind::Signed | Kind::Sealed => clock.go_round(),
        }
        self.overheard.push(body);
        if let Some(peer) = self.peer_at(to) {
            peer.inbox
                .push(Channel::Unicast { from }, Packet { from, sealed, kind, clock, number });
        }
    }

    fn spend(&mut self, at: u32, spent_ns: u64) {
        self.tally.busy_ns += spent_ns;
        if let Some(peer) = self.peer_at(at) {
            peer.clock.time_ns += spent_ns;
        }
    }
}
