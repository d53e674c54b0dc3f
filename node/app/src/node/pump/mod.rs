//! The pump: the one task that owns engine and network.
//!
//! ```text
//!  commands ─┐                      ┌──▶ network (frames), flushed once a turn
//!  frames ───┼─▶ turn: handle … ────┤
//!  deadline ─┘   Drained, outputs   └──▶ seats (events), one lock and one wake-up a turn
//! ```
//!
//! A turn takes everything at hand, within bounds: frames first, then commands, then the time. Under
//! load more is at hand at each turn, and what a turn costs is shared by more messages.

use super::clock::{Clock, instant_of};
use super::desk::{Desk, Verdict};
use super::shared::{Command, Shared, Wish};
use super::status::{self, Status};
use crate::Error;
use async_io::Timer;
use bytes::Bytes;
use cenacle_core::{
    Error as Refused, GroupName, Input, NodeId, Output as EngineOutput, Service, Settings, Time,
    Warning,
};
use cenacle_net::{Events, NetEvent, Network};
use cenacle_plugin::Secret;
use cenacle_secure::{Event, Output, Stack, StackError};
use futures::Stream;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use zeroize::Zeroize;

/// The most bytes of frames that one turn takes: a millisecond of work, so that deadlines are kept
/// and readers are not kept waiting.
const TURN_BYTES: usize = 1 << 20;
/// The most blocks of frames that one turn takes.
const TURN_BLOCKS: usize = 1024;
/// After so many turns in a row without waiting, the other tasks of this thread get theirs.
const TURNS_IN_A_ROW: u32 = 8;
/// Rounds of giving what waited for room, in one turn.
const MOST_ROUNDS: usize = 8;
/// The most peers that are named when their protocol is of another version.
const MOST_NAMED: usize = 64;

/// How often the stack is given fresh random bytes.
const STIRRED_EVERY: Duration = Duration::from_secs(1);

/// What the pump is made of.
pub(crate) struct Pump {
    stack: Stack,
    network: Network,
    incoming: Events,
    incoming_ended: bool,
    clock: Clock,
    shared: Arc<Shared>,
    desk: Desk,
    out: Vec<Output>,
    /// When the stack was given fresh random bytes.
    stirred: Time,
    blocks: Vec<NetEvent>,
    commands: Vec<Command>,
    connected: BTreeSet<NodeId>,
    named: BTreeSet<NodeId>,
    timer: Timer,
    /// What the timer is set to. It may ring too early, which costs less than to set it anew.
    armed: Option<Time>,
    turns: u32,
    /// The engine takes no more messages.
    full: bool,
    /// There is room for what waits, since the last look.
    room: bool,
    /// It takes none before the application has read more.
    backlog: bool,
    stopping: Stopping,
    /// What may be under way in one stream: window and largest message.
    per_stream: usize,
    /// How long what waits may take to reach the engine, once the node is to stop.
    patience: Duration,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    No,
    /// Messages that were accepted still wait for room; until then, they may.
    Sending {
        until: Time,
    },
    /// The engine has been told.
    Told,
    Stopped,
}

impl Pump {
    pub(crate) fn new(
        stack: Stack,
        out: Vec<Output>,
        (network, incoming): (Network, Events),
        clock: Clock,
        shared: Arc<Shared>,
        settings: &Settings,
    ) -> Self {
        Self {
            stack,
            network,
            incoming,
            incoming_ended: false,
            clock,
            shared,
            desk: Desk::default(),
            out,
            stirred: Time(0),
            blocks: Vec::new(),
            commands: Vec::new(),
            connected: BTreeSet::new(),
            named: BTreeSet::new(),
            timer: Timer::never(),
            armed: None,
            turns: 0,
            full: false,
            room: false,
            backlog: false,
            stopping: Stopping::No,
            per_stream: settings.window.saturating_add(settings.max_message),
            patience: settings.shutdown_limit,
        }
    }

    /// Runs until the node has stopped, and gives the network back.
    pub(crate) async fn run(mut self) -> Network {
        self.turn();
        while self.stopping != Stopping::Stopped {
            futures::future::poll_fn(|cx| self.gather(cx)).await;
            self.turn();
        }
        let left = self.shared.close();
        for command in left {
            self.refuse_stopped(command);
        }
        self.desk.close(&self.shared);
        self.shared.notices.end();
        self.network
    }

    /// Takes what is at hand; pending if that is nothing, and no deadline has come.
    fn gather(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.turns >= TURNS_IN_A_ROW {
            self.turns = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.shared.listen(cx.waker());
        self.shared.take(&mut self.commands);
        let mut bytes = 0;
        while bytes < TURN_BYTES && self.blocks.len() < TURN_BLOCKS && !self.incoming_ended {
            match Pin::new(&mut self.incoming).poll_next(cx) {
                Poll::Ready(Some(event)) => {
                    if let NetEvent::Frames { frames, .. } = &event {
                        bytes += frames.iter().map(Bytes::len).sum::<usize>();
                    }
                    self.blocks.push(event);
                }
                Poll::Ready(None) => self.incoming_ended = true,
                Poll::Pending => break,
            }
        }
        let room = std::mem::take(&mut self.room) && self.desk.has_waiting();
        let at_hand = room || !self.commands.is_empty() || !self.blocks.is_empty();
        if at_hand || self.shared.has_news() || self.poll_deadline(cx).is_ready() {
            self.turns += 1;
            return Poll::Ready(());
        }
        self.turns = 0;
        Poll::Pending
    }

    /// Ready when the deadline has come.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = match self.stopping {
            Stopping::Sending { until } => Some(until),
            _ => None,
        };
        let deadline = [self.stack.deadline(), until].into_iter().flatten().min();
        let Some(deadline) = deadline else { return Poll::Pending };
        loop {
            let now = self.clock.now();
            if deadline <= now {
                return Poll::Ready(());
            }
            if self.armed.is_none_or(|armed| deadline < armed) {
                self.timer.set_at(instant_of(deadline, now));
                self.armed = Some(deadline);
            }
            match Pin::new(&mut self.timer).poll_next(cx) {
                // Too early: it was set for a deadline that has moved on.
                Poll::Ready(_) => self.armed = None,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn turn(&mut self) {
        let now = self.clock.now();
        self.stir(now);
        self.take_blocks(now);
        self.take_commands(now);
        let read = self.shared.take_read();
        if read > 0 {
            self.give(now, Input::Consumed { bytes: read });
        }
        if self.stack.deadline().is_some_and(|deadline| deadline <= now) {
            self.give(now, Input::Tick);
        }
        for _ in 0..MOST_ROUNDS {
            self.send_waiting(now);
            self.stop_when_sent(now);
            self.give(now, Input::Drained);
            self.carry_out(now);
            if self.full || !self.desk.has_waiting() {
                break;
            }
        }
        self.network.flush();
        self.desk.hand_over(&self.shared);
        self.put_out_who_does_not_read(now);
        if std::mem::replace(&mut self.backlog, self.shared.backlog().is_some()) != self.backlog {
            // Whoever waits for room in the task that should read must not wait any more.
            self.desk.wake_writers();
        }
        self.shared.settle();
    }

    /// A reader that stopped makes the engine withhold acknowledgements, and what is under way is
    /// bounded. What is not acknowledged (unreliable messages, unicasts, views) ends here.
    fn put_out_who_does_not_read(&mut self, now: Time) {
        let under_way = self.stack.engine().configuration().size().saturating_mul(self.per_stream);
        let most = self.shared.max_unread.saturating_add(under_way);
        if self.shared.unread() <= most {
            return;
        }
        if let Some(local) = self.desk.put_out(&self.shared, now)
            && let Some(group) = self.desk.group(local)
        {
            let reason = format!("member {local} of this node in {group} does not read: it leaves");
            self.shared.notices.warn("not_reading", reason);
            self.wish(now, Input::Leave { group, local });
            self.give(now, Input::Drained);
            self.carry_out(now);
            self.network.flush();
        }
    }

    fn take_blocks(&mut self, now: Time) {
        let mut blocks = std::mem::take(&mut self.blocks);
        for event in blocks.drain(..) {
            match event {
                NetEvent::Frames { from, frames } => {
                    for bytes in frames {
                        let frame = Input::Frame { from, bytes };
                        let result = self.stack.handle(now, frame, &mut self.out);
                        if let Err(StackError::Engine(error)) = result {
                            self.dropped(&error);
                        }
                    }
                }
                NetEvent::Connected { node } => {
                    self.give(now, Input::Connected { node });
                    self.connected.insert(node);
                    self.desk.set_connected(true, now);
                }
                NetEvent::Closed { node } => {
                    self.give(now, Input::Closed { node });
                    self.connected.remove(&node);
                    self.desk.set_connected(!self.connected.is_empty(), now);
                }
                NetEvent::Listening { address } => {
                    self.shared.notices.push(super::Notice::Listening { address });
                }
                NetEvent::Warning { reason, detail } => self.shared.notices.warn(reason, detail),
                _ => {}
            }
        }
        self.blocks = blocks;
    }

    /// The engine has counted it; a peer of another version is named besides, once.
    fn dropped(&mut self, error: &Refused) {
        if let Refused::Version { from, .. } = error
            && self.named.len() < MOST_NAMED
            && self.named.insert(*from)
        {
            self.shared.notices.warn("version", error.to_string());
        }
    }

    fn take_commands(&mut self, now: Time) {
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
    fn send_waiting(&mut self, now: Time) {
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
    fn stop_when_sent(&mut self, now: Time) {
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

    /// An input of the driver, which the engine never refuses.
    fn give(&mut self, now: Time, input: Input) {
        if let Err(error) = self.stack.handle(now, input, &mut self.out) {
            log::error!("the engine refused an input of its driver: {error}");
        }
    }

    /// An input of the application that has no answer; who has gone already has gone.
    fn wish(&mut self, now: Time, input: Input) {
        if let Err(error) = self.stack.handle(now, input, &mut self.out) {
            log::debug!("the engine refused: {error}");
        }
    }

    /// Does what the engine wants done, in its order.
    fn carry_out(&mut self, now: Time) {
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            let output = match output {
                Output::Engine(output) => output,
                Output::Event { local, event, .. } => {
                    self.tell(local, event, now);
                    continue;
                }
            };
            match output {
                EngineOutput::Send { to, frame } => self.network.send(to, frame),
                EngineOutput::Multicast { frame } => self.network.multicast(frame),
                EngineOutput::Announce { frame } => self.network.announce(frame),
                EngineOutput::Configuration { id, members } => {
                    let nodes: Vec<NodeId> = members.iter().map(|peer| peer.node).collect();
                    log::info!("configuration {id} of {} nodes", nodes.len());
                    self.network.configure(&nodes);
                }
                // Events come as the stack's.
                EngineOutput::Event { .. } => {}
                EngineOutput::Writable => (self.full, self.room) = (false, true),
                EngineOutput::Warning(warning) => self.warn(&warning),
                EngineOutput::Stopped => self.stopping = Stopping::Stopped,
            }
        }
        self.out = out;
    }

    /// Tells a member something, or whoever runs the node.
    fn tell(&mut self, local: u32, event: Event, now: Time) {
        if let Event::Warning { reason, detail } = &event {
            let group = self.desk.group(local).map(|group| format!("group {group}: "));
            self.shared.notices.warn(reason, format!("{}{detail}", group.unwrap_or_default()));
        }
        match self.desk.tell(local, event, self.shared.unread(), now) {
            Verdict::Kept(weight) => self.shared.delivered(weight),
            // Nobody reads it: as good as read.
            Verdict::Nobody(weight) => {
                self.shared.delivered(weight);
                self.shared.has_read(weight);
            }
        }
    }

    /// Fresh random bytes now and then: keys of modules follow from them.
    fn stir(&mut self, now: Time) {
        let mut fresh = [0; 32];
        if now.since(self.stirred) < STIRRED_EVERY || getrandom::fill(&mut fresh).is_err() {
            return;
        }
        self.stirred = now;
        self.stack.add_entropy(&Secret::new(fresh));
        fresh.zeroize();
    }

    fn warn(&self, warning: &Warning) {
        let (reason, detail) = match warning {
            Warning::Suspected { node, reason } => ("suspected", format!("{node}: {reason}")),
            Warning::Slow { node } => ("slow", node.to_string()),
            Warning::FlushLate { group, node } => ("flush_late", format!("{node} in {group}")),
            other => ("other", format!("{other:?}")),
        };
        self.shared.notices.warn(reason, detail);
    }

    fn refuse_stopped(&mut self, command: Command) {
        // An answer that is dropped says that the node has stopped.
        if let Command::Send { local, .. } | Command::Unicast { local, .. } = command {
            log::debug!("member {local} sent too late: the node has stopped");
        }
    }

    fn status(&self) -> Status {
        status::gather(&self.stack, &self.network, &self.shared, &self.desk)
    }
}
