//! What members and the node's owner want: done in the order in which each of them wants it.

use super::{Pump, Stopping};
use crate::Error;
use crate::node::shared::{Command, Wish};
use bytes::Bytes;
use cenacle_core::{Error as Refused, GroupName, Input, Service, Time};
use cenacle_secure::StackError;

impl Pump {
    pub(super) fn take_commands(&mut self, now: Time) {
        let mut commands = std::mem::take(&mut self.commands);
        for command in commands.drain(..) {
            self.command(now, command);
        }
        self.commands = commands;
    }

    fn command(&mut self, now: Time, command: Command) {
        match command {
            Command::Join { wish, seat, answer } => {
                let local = wish.local();
                let result = match wish {
                    Wish::Plain(join) => self.stack.handle(now, Input::Join(*join), &mut self.out),
                    Wish::Secure(join) => self.stack.join(now, *join, &mut self.out),
                };
                if result.is_ok() {
                    self.desk.open(local, seat, now);
                }
                let _ = answer.send(result.map_err(Error::from));
            }
            Command::Refresh { local, answer } => {
                let result = match self.desk.group(local) {
                    Some(group) => self.stack.refresh(now, &group, local, &mut self.out),
                    None => Ok(()),
                };
                let _ = answer.send(result.map_err(Error::from));
            }
            Command::Export { local, label, context, answer } => {
                let group = self.desk.group(local);
                let key =
                    group.and_then(|group| self.stack.export(&group, local, &label, &context));
                let _ = answer.send(key);
            }
            Command::Status { answer } => _ = answer.send(self.status()),
            Command::Stop => {
                if self.stopping == Stopping::No {
                    self.stopping = Stopping::Sending { until: now + self.patience };
                }
            }
            Command::Send { local, .. }
            | Command::Unicast { local, .. }
            | Command::FlushOk { local, .. }
            | Command::Leave { local } => {
                // What a member wants is done in the order in which it wants it.
                if let Some(command) = self.desk.behind_others(local, command)
                    && let Some(command) = self.member_command(now, command)
                {
                    self.desk.wait(local, command);
                }
            }
        }
    }

    /// Does it, or gives it back if it must wait for room.
    fn member_command(&mut self, now: Time, command: Command) -> Option<Command> {
        match command {
            Command::Send { local, service, body } => {
                let waits = Command::Send { local, service, body: body.clone() };
                let input = |group| Input::Send { group, local, service, body };
                self.send(now, local, service, input, waits)
            }
            Command::Unicast { local, to, body } => {
                let waits = Command::Unicast { local, to, body: body.clone() };
                let input = |group| Input::Unicast { group, local, to, body };
                self.send(now, local, Service::Unicast, input, waits)
            }
            Command::FlushOk { local, answer } => {
                let result = match self.desk.group(local) {
                    Some(group) => {
                        let input = Input::FlushOk { group, local, blob: Bytes::new() };
                        self.stack.handle(now, input, &mut self.out).map_err(Error::from)
                    }
                    None => Err(Error::Stopped),
                };
                let _ = answer.send(result);
                None
            }
            Command::Leave { local } => {
                if let Some(group) = self.desk.group(local) {
                    self.desk.leaving(local);
                    self.wish(now, Input::Leave { group, local });
                }
                None
            }
            _ => None,
        }
    }

    fn send(
        &mut self,
        now: Time,
        local: u32,
        service: Service,
        input: impl FnOnce(GroupName) -> Input,
        waits: Command,
    ) -> Option<Command> {
        // Who has gone was told so.
        let group = self.desk.group(local)?;
        if self.full {
            return Some(waits);
        }
        match self.stack.handle(now, input(group), &mut self.out) {
            Err(StackError::Engine(Refused::QueueFull { .. })) => {
                self.full = true;
                Some(waits)
            }
            // Of this member alone: others go on.
            Err(StackError::MemberFull { .. } | StackError::Engine(Refused::Backlog { .. })) => {
                Some(waits)
            }
            result => {
                self.desk.taken(local, waits.cost());
                if let Err(error) = result {
                    self.desk.not_sent(local, service, error.into(), now);
                }
                None
            }
        }
    }

    /// Gives the engine what waited for room, one member after the other.
    pub(super) fn send_waiting(&mut self, now: Time) {
        if self.full || self.shared.backlog().is_some() {
            return;
        }
        for local in self.desk.waiting() {
            while let Some(command) = self.desk.next_waiting(local) {
                if let Some(command) = self.member_command(now, command) {
                    self.desk.wait_first(local, command);
                    break;
                }
            }
        }
    }

    /// Tells the engine to stop, when what was accepted has reached it or has waited long enough.
    pub(super) fn stop_when_sent(&mut self, now: Time) {
        if let Stopping::Sending { until } = self.stopping
            && (!self.desk.has_waiting() || until <= now)
        {
            self.stopping = Stopping::Told;
            for (local, service) in self.desk.drop_waiting() {
                self.desk.not_sent(local, service, Error::Stopped, now);
            }
            self.give(now, Input::Shutdown);
        }
    }

    pub(super) fn refuse_stopped(&mut self, command: Command) {
        // An answer that is dropped says that the node has stopped.
        if let Command::Send { local, .. } | Command::Unicast { local, .. } = command {
            log::debug!("member {local} sent too late: the node has stopped");
        }
    }
}
