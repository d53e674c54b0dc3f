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

mod commands;
mod outputs;

use super::clock::{Clock, instant_of};
use super::desk::Desk;
use super::shared::{Command, Shared};
use super::status::{self, Status};
use async_io::Timer;
use bytes::Bytes;
use cenacle_core::{Error as Refused, Input, NodeId, Settings, Time};
use cenacle_net::{Events, NetEvent, Network};
use cenacle_plugin::Secret;
use cenacle_secure::{Output, Stack, StackError};
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
                    self.shared.notices.push(crate::node::Notice::Listening { address });
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

    fn status(&self) -> Status {
        status::gather(&self.stack, &self.network, &self.shared, &self.desk)
    }
}
