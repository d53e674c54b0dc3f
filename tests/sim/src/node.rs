//! One life of one node: drives its engine, as a driver over sockets would.
//!
//! Everything that comes while the node's virtual processor is busy, paused or asleep waits and is
//! handled as one batch: frames, then what the application wants, then [`Input::Tick`] if it is due
//! (before the frames, now and then), then [`Input::Consumed`] and [`Input::Drained`].

use crate::{
    application::HEALED_FLUSH,
    clock::Clock,
    door::Doorkeeper,
    member::Member,
    secure,
    shared::{Happening, Shared},
};
use bytes::Bytes;
use cenacle_core::{Admission, Engine, Error, Input, Join, NodeId, Outbox, Output, Settings, Time};
use cenacle_plugin::{Inline, ModuleSource, Secret};
use cenacle_secure::{
    Output as Above, Parts, Patience, SecureAdmission, SecureJoin, Signer, Stack, StackError,
};
use std::sync::Arc;

/// More frames do not wait at a node that does not read: its sockets are full.
const INBOX: usize = 10_000;
/// So often in a row an engine wants to wake at a time that has passed, though it has just been called
/// then: it would keep its processor busy without end.
const MOST_SPINS: u32 = 1_000;
/// An application that answers what it is told, which makes the engine tell more, is cut off here.
const MOST_ROUNDS: usize = 100;

/// A live node.
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Where it lives.
    pub place: usize,
    /// Its engine, and what stands above it.
    pub stack: Stack,
    /// Its clock.
    pub clock: Clock,
    /// Its members, by number.
    pub members: Vec<Member>,
    /// It does nothing for a while.
    pub paused: bool,
    /// Its processor is so many times slower.
    pub slowness: u64,
    /// Its application does not read for a while.
    pub unread: Option<usize>,
    /// It was told to stop.
    pub stopping: bool,
    /// It has stopped.
    pub stopped: bool,
    /// What the application wants done at the next batch.
    pub wishes: Vec<Input>,
    /// Delivered in this batch, in bytes.
    pub(crate) read: usize,
    inbox: Vec<(NodeId, Bytes)>,
    /// The other members of its configuration.
    peers: Vec<NodeId>,
    busy_until: u64,
    /// How often in a row its engine has wanted to wake at once.
    spins: u32,
    /// When it wants to wake, and when the queue will wake it.
    wants: u64,
    armed: u64,
    out: Vec<Above>,
}

/// Where a node finds modules.
fn modules(shared: &Shared) -> Arc<dyn ModuleSource> {
    match &shared.spies {
        Some(spies) => Arc::new(spies.clone()),
        None => secure::modules(),
    }
}

/// What the node's stack is made of besides its engine.
fn parts(settings: &Settings, signer: Option<Arc<Signer>>, shared: &mut Shared) -> Parts {
    let mut seed = [0; 32];
    for chunk in seed.as_chunks_mut::<8>().0 {
        // Runs without keys draw nothing here, and stay what they were.
        *chunk = if signer.is_some() { shared.random.draw() } else { 0 }.to_le_bytes();
    }
    Parts {
        node: settings.node,
        modules: modules(shared),
        executor: Arc::new(Inline),
        signer: signer.unwrap_or_else(|| Arc::new(Signer::new(&Secret::new(seed)))),
        seed: Secret::new(seed),
        patience: Patience { queue: settings.queue, ..Patience::default() },
        max_message: settings.max_message,
    }
}

impl Node {
    /// A node comes up.
    pub fn new(
        settings: Settings,
        signer: Option<Arc<Signer>>,
        place: usize,
        clock: Clock,
        shared: &mut Shared,
    ) -> Result<Self, Error> {
        let id = settings.node;
        let mut out = Outbox::new();
        let partial_to = shared.habits.partial.then_some(id);
        let (overlay, doorkeeper) = (settings.overlay.clone(), Doorkeeper { partial_to });
        let admission: Box<dyn Admission> = match signer {
            Some(_) => Box::new(SecureAdmission::new(overlay, modules(shared), doorkeeper)),
            None => Box::new(doorkeeper),
        };
        let parts = parts(&settings, signer, shared);
        let engine = Engine::new(settings, admission, clock.local(shared.now), &mut out)?;
        let mut stack = Stack::new(engine, parts);
        stack.leave_out(shared.defect);
        let out = out.into_iter().map(Above::Engine).collect();
        let mut node = Self {
            id,
            place,
            stack,
            clock,
            members: Vec::new(),
            paused: false,
            slowness: 1,
            unread: None,
            stopping: false,
            stopped: false,
            wishes: Vec::new(),
            read: 0,
            inbox: Vec::new(),
            peers: Vec::new(),
            busy_until: shared.now,
            spins: 0,
            wants: u64::MAX,
            armed: u64::MAX,
            out,
        };
        shared.trace.start(shared.now, id);
        let now = shared.now;
        node.take_outputs(now, shared);
        node.wake_at(now, shared);
        Ok(node)
    }

    /// A frame has arrived.
    pub fn arrive(&mut self, from: NodeId, frame: Bytes, shared: &mut Shared) {
        if self.inbox.len() < INBOX {
            self.inbox.push((from, frame));
        }
        self.wake_at(shared.now, shared);
    }

    /// Wants to wake at a time, or earlier.
    pub fn wake_at(&mut self, time: u64, shared: &mut Shared) {
        let time = time.max(self.busy_until).max(shared.now);
        self.wants = self.wants.min(time);
        if self.wants < self.armed {
            self.armed = self.wants;
            shared.queue.push(self.armed, Happening::Wake { place: self.place });
        }
    }

    /// Everything is well again: goes on, reads, is as fast as usual, and answers what waits for an
    /// answer of its members.
    pub fn heal(&mut self, shared: &mut Shared) {
        (self.paused, self.slowness) = (false, 1);
        self.busy_until = self.busy_until.min(shared.now);
        self.read_on(shared);
        for member in &self.members {
            if let (true, Some(view), Some(_)) = (member.flushing, member.view, member.flush_after)
            {
                let flushed = Happening::Flushed { node: self.id, local: member.id.local, view };
                shared.queue.push(shared.now + HEALED_FLUSH / 2, flushed);
            }
        }
        self.wake_at(shared.now, shared);
    }

    /// The queue wakes it. Some of these are of times that it does not want any more.
    pub fn wake(&mut self, shared: &mut Shared) {
        if self.armed != shared.now {
            return;
        }
        self.armed = u64::MAX;
        if self.paused || self.stopped {
            self.wants = u64::MAX;
        } else if self.wants > shared.now {
            self.wake_at(self.wants, shared);
        } else {
            self.wants = u64::MAX;
            self.batch(shared);
            self.arm(shared);
        }
    }

    /// Wants to wake when the engine does.
    fn arm(&mut self, shared: &mut Shared) {
        if self.stopped {
            return;
        }
        if !self.inbox.is_empty() || !self.wishes.is_empty() {
            self.wake_at(shared.now + 1, shared);
        }
        if let Some(deadline) = self.stack.deadline() {
            let time = self.clock.world(deadline);
            self.spins = if time <= shared.now { self.spins + 1 } else { 0 };
            if self.spins == MOST_SPINS {
                let id = self.id;
                shared.hang(|| format!("{id} wakes without end"));
            }
            self.wake_at(time.max(shared.now + 1), shared);
        }
    }

    fn batch(&mut self, shared: &mut Shared) {
        let now = self.clock.local(shared.now);
        let frames = std::mem::take(&mut self.inbox);
        let bytes: usize = frames.iter().map(|(_, frame)| frame.len()).sum();
        let cost = shared.costs.of(frames.len() as u64, bytes as u64) * self.slowness;
        let moment = shared.now + cost;
        self.busy_until = moment;
        let early = shared.random.below(8) == 0;
        if early {
            self.tick(now, moment, shared);
        }
        shared.traffic.received += frames.len() as u64;
        let mut frames = frames;
        for (from, bytes) in frames.drain(..) {
            // What the engine drops, it counts.
            let _ = self.stack.handle(now, Input::Frame { from, bytes }, &mut self.out);
            self.take_outputs(moment, shared);
        }
        self.inbox = frames;
        if !early {
            self.tick(now, moment, shared);
        }
        self.application(now, moment, shared);
    }

    fn tick(&mut self, now: Time, moment: u64, shared: &mut Shared) {
        if self.stack.deadline().is_some_and(|deadline| deadline <= now) {
            self.give(now, Input::Tick, moment, shared);
        }
    }

    /// What the application wants, and what it wants on hearing what comes of that; then the end of
    /// the batch.
    fn application(&mut self, now: Time, moment: u64, shared: &mut Shared) {
        for _ in 0..MOST_ROUNDS {
            let wishes = std::mem::take(&mut self.wishes);
            for wish in wishes {
                self.wish(now, wish, moment, shared);
            }
            self.consume(now, moment, shared);
            self.give(now, Input::Drained, moment, shared);
            if self.wishes.is_empty() && self.read == 0 || self.stopped {
                return;
            }
        }
    }

    /// The application reads what was delivered, unless it is slow.
    fn consume(&mut self, now: Time, moment: u64, shared: &mut Shared) {
        let bytes = std::mem::take(&mut self.read);
        match &mut self.unread {
            Some(unread) => *unread += bytes,
            None if bytes > 0 => self.give(now, Input::Consumed { bytes }, moment, shared),
            None => {}
        }
    }

    /// The application reads again.
    pub fn read_on(&mut self, shared: &mut Shared) {
        if let Some(bytes) = self.unread.take() {
            self.wishes.push(Input::Consumed { bytes });
            self.wake_at(shared.now, shared);
        }
    }

    /// Gives an input that must not be refused.
    fn give(&mut self, now: Time, input: Input, moment: u64, shared: &mut Shared) {
        if let Err(error) = self.stack.handle(now, input, &mut self.out) {
            shared.problem(|| format!("{} refused an input of its driver: {error}", self.id));
        }
        self.take_outputs(moment, shared);
    }

    /// Gives an input of the application, which may be refused.
    fn wish(&mut self, now: Time, input: Input, moment: u64, shared: &mut Shared) {
        if self.is_void(&input) {
            return;
        }
        let told = input.clone();
        let result = match input {
            Input::Join(join) if shared.habits.key_agreement.is_some() => {
                self.join_secure(now, join)
            }
            Input::Renew { group, local } => self.stack.refresh(now, &group, local, &mut self.out),
            input => self.stack.handle(now, input, &mut self.out),
        };
        let result = result.map_err(|error| match error {
            StackError::Engine(error) => error,
            StackError::MemberFull { .. } => Error::QueueFull { waiting: 0, max: 0 },
            other => {
                shared.problem(|| format!("{} refused: {other}", self.id));
                Error::Stopping
            }
        });
        self.answered(told, result, moment, shared);
        self.take_outputs(moment, shared);
    }

    /// A member wants into a group with keys.
    fn join_secure(&mut self, now: Time, join: Join) -> Result<(), StackError> {
        let Some(charter) = secure::read(&join.charter) else {
            // None of ours: a plain join, which the group refuses.
            return self.stack.handle(now, Input::Join(join), &mut self.out);
        };
        let wish = SecureJoin {
            local: join.local,
            charter,
            evidence: Bytes::new(),
            above: join.blob,
            manual_flush: join.manual_flush,
        };
        self.stack.join(now, wish, &mut self.out)
    }

    /// Does what the engine wants done.
    fn take_outputs(&mut self, moment: u64, shared: &mut Shared) {
        if self.out.is_empty() {
            return;
        }
        let mut out = std::mem::take(&mut self.out);
        let (mut frames, mut bytes) = (0, 0);
        for output in out.drain(..) {
            if let Above::Engine(
                Output::Send { frame, .. }
                | Output::Multicast { frame }
                | Output::Announce { frame },
            ) = &output
            {
                frames += 1;
                bytes += frame.len() as u64;
            }
            self.take_output(output, moment, shared);
        }
        self.out = out;
        self.busy_until += shared.costs.of(frames, bytes) * self.slowness;
    }

    fn take_output(&mut self, output: Above, moment: u64, shared: &mut Shared) {
        let output = match output {
            Above::Engine(output) => output,
            Above::Event { group, local, event } => {
                self.read += event.weight();
                return self.told(&group, local, event, moment, shared);
            }
        };
        match output {
            Output::Send { to, frame } => shared.carry(moment, self.id, to, &frame),
            Output::Multicast { frame } => {
                for to in &self.peers {
                    shared.carry(moment, self.id, *to, &frame);
                }
            }
            Output::Announce { frame } => {
                for place in 0..shared.alive.len() {
                    let there = shared.alive.get(place).copied().flatten();
                    if let Some(to) = there.filter(|to| *to != self.id) {
                        shared.carry(moment, self.id, to, &frame);
                    }
                }
            }
            Output::Configuration { members, .. } => {
                self.peers.clear();
                self.peers.extend(members.iter().map(|p| p.node).filter(|node| *node != self.id));
            }
            // Events come as the stack's.
            Output::Event { .. } => {}
            Output::Writable => self.may_write(moment),
            Output::Warning(warning) => self.warned(&warning, moment, shared),
            Output::Stopped => self.stopped = true,
        }
    }
}
