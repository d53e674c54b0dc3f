//! What members want of the engine, and what the engine tells them.

use super::{Key, Output, Stack};
use crate::event::Event;
use crate::member::Wish;
use bytes::Bytes;
use cenacle_core::{
    Error as Refused, Event as Plain, Input, Output as EngineOutput, Service, Time,
};

impl Stack {
    /// Carries out what a member wants.
    pub(super) fn grant(&mut self, now: Time, key: &Key, wishes: Vec<Wish>, out: &mut Vec<Output>) {
        for wish in wishes {
            match wish {
                Wish::Tell(event) => self.tell(key, event, out),
                Wish::Engine(input) => self.give(now, key, input, out),
            }
        }
    }

    fn tell(&mut self, (group, local): &Key, event: Event, out: &mut Vec<Output>) {
        if let Event::Warning { reason, .. } = &event {
            *self.warned.entry(reason).or_default() += 1;
        }
        if matches!(event, Event::Plain(Plain::Left | Plain::Refused(_)))
            && let Some(seat) = self.seats.remove(&(group.clone(), *local))
        {
            self.numbers.keep(*local, seat.member.counted());
        }
        out.push(Output::Event { group: group.clone(), local: *local, event });
    }

    /// Gives the engine what a member wants of it, behind what has had no room yet.
    fn give(&mut self, now: Time, key: &Key, input: Input, out: &mut Vec<Output>) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        if !seat.backlog.is_empty() {
            return seat.backlog.push_back(input);
        }
        self.try_give(now, key, input, out);
    }

    /// False if there was no room; the input waits.
    fn try_give(&mut self, now: Time, key: &Key, input: Input, out: &mut Vec<Output>) -> bool {
        let lane = match &input {
            Input::Send { service, .. } => Some((*service, None)),
            Input::Unicast { to, .. } => Some((Service::Unicast, Some(*to))),
            _ => None,
        };
        // A copy of a handle, not of the bytes.
        let again = input.clone();
        let result = self.engine.handle(now, input, &mut self.engine_out);
        let Some(seat) = self.seats.get_mut(key) else { return true };
        match result {
            Ok(()) => {}
            Err(Refused::QueueFull { .. } | Refused::Backlog { .. }) => {
                seat.backlog.push_front(again);
                seat.member.set_full(true);
                return false;
            }
            // The blob does not fit beside the others: what is least needed stays out.
            Err(Refused::TooMany { .. }) if matches!(again, Input::FlushOk { .. }) => {
                let (group, local) = key.clone();
                let bare = Input::FlushOk { group, local, blob: Bytes::new() };
                let _ = self.engine.handle(now, bare, &mut self.engine_out);
            }
            Err(error) => {
                if let Some((service, to)) = lane {
                    seat.member.was_refused(service, to);
                }
                let event = Event::Warning { reason: "not_sent", detail: error.to_string() };
                self.tell(key, event, out);
            }
        }
        true
    }

    /// Hears what the engine has to say, and does what follows from it.
    pub(super) fn work_off(&mut self, now: Time, out: &mut Vec<Output>) {
        while !self.engine_out.is_empty() {
            for output in std::mem::take(&mut self.engine_out) {
                match output {
                    EngineOutput::Event { group, local, event } => {
                        self.event(now, (group, local), event, out);
                    }
                    EngineOutput::Writable => self.writable(now, out),
                    other => out.push(Output::Engine(other)),
                }
            }
        }
    }

    fn event(&mut self, now: Time, key: Key, event: Plain, out: &mut Vec<Output>) {
        let Some(seat) = self.seats.get_mut(&key) else {
            let (group, local) = key;
            return out.push(Output::Event { group, local, event: Event::Plain(event) });
        };
        let mut wishes = Vec::new();
        let before = event.weight();
        seat.member.engine(now, event, &mut wishes);
        self.weigh(now, before, &wishes);
        self.grant(now, &key, wishes, out);
        self.busy.insert(key);
    }

    /// The engine counts what is not read: what the application is told instead of its event.
    pub(super) fn weigh(&mut self, now: Time, before: usize, wishes: &[Wish]) {
        let weight = |wish: &Wish| match wish {
            Wish::Tell(event) => event.weight(),
            Wish::Engine(_) => 0,
        };
        let after: usize = wishes.iter().map(weight).sum();
        let input = match after.checked_sub(before) {
            Some(0) => return,
            Some(bytes) => Input::Unread { bytes },
            None => Input::Consumed { bytes: before - after },
        };
        let _ = self.engine.handle(now, input, &mut self.engine_out);
    }

    /// There is room in the engine again: for what waited, then for the members, then for whoever
    /// waits above.
    fn writable(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.give_waiting(now, out) {
            out.push(Output::Engine(EngineOutput::Writable));
        }
    }

    /// Gives the engine what it had no room for; false if it has none still.
    pub(super) fn give_waiting(&mut self, now: Time, out: &mut Vec<Output>) -> bool {
        let waiting: Vec<Key> = self
            .seats
            .iter()
            .filter(|(_, seat)| !seat.backlog.is_empty())
            .map(|(key, _)| key.clone())
            .collect();
        for key in waiting {
            while let Some(input) =
                self.seats.get_mut(&key).and_then(|seat| seat.backlog.pop_front())
            {
                if !self.try_give(now, &key, input, out) {
                    return false;
                }
            }
            if let Some(seat) = self.seats.get_mut(&key) {
                seat.member.set_full(false);
            }
            self.busy.insert(key);
        }
        true
    }
}
