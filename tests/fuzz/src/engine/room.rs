//! Three engines and the network between them, and what must hold after every input.

use bytes::Bytes;
use cenacle_core::{
    Drop, Engine, Error, Event, GroupName, Input, Join, NodeId, Outbox, Output, SameCharter,
    Semantics, Service, Settings, Time,
};
use std::{collections::VecDeque, time::Duration};

/// How many engines.
pub const SIZE: usize = 3;

/// Version, kind and tag.
pub const HEADER: usize = 10;

/// Frames under way at most; the network loses the rest.
const MAX_WIRE: usize = 1024;

/// Frames remembered, as material for forgeries.
const MAX_SEEN: usize = 96;

const LIMITED: &str = "limits of memory hold";

/// A frame on its way.
#[derive(Clone)]
pub struct Packet {
    pub from: usize,
    pub to: usize,
    pub frame: Bytes,
}

/// Three engines, the network between them, and what was seen on it.
pub struct Room {
    pub now: Time,
    pub engines: Vec<Engine>,
    /// Whom a multicast of each engine goes to now.
    members: Vec<Vec<NodeId>>,
    pub wire: VecDeque<Packet>,
    /// A sample of all frames that were sent.
    pub seen: VecDeque<Bytes>,
    /// Bytes of messages that the applications have not reported as read.
    pub unread: Vec<usize>,
    /// Messages delivered, by engine.
    pub delivered: Vec<usize>,
    /// Outsiders that an engine has written to: they may be on their way in.
    pub courted: bool,
    /// Only outsiders lie in this script.
    pub honest: bool,
    /// The applications read what they are given at once.
    pub reading: bool,
}

/// The engine's node of this number; from [`SIZE`] on: strangers.
pub fn node(number: usize) -> NodeId {
    NodeId { key: [number as u8 + 1; 32], incarnation: 1 }
}

/// The settings of all engines: small limits, so that they are met.
pub fn settings(number: usize) -> Settings {
    let mut settings = Settings::new(node(number), "fuzz");
    settings.seed = number as u64;
    settings.window = 64 << 10;
    settings.queue = 128 << 10;
    settings.max_message = 96 << 10;
    settings.max_unread = 128 << 10;
    settings.max_nodes = 6;
    settings.max_groups = 6;
    settings.max_members = 12;
    settings.max_blob = 256;
    settings
}

pub fn group(number: usize) -> GroupName {
    ["vs", "evs", "other"][number % 3].parse().expect("a name")
}

pub fn join(number: usize, local: u32) -> Input {
    let semantics = if number.is_multiple_of(3) { Semantics::Vs } else { Semantics::Evs };
    Input::Join(Join {
        group: group(number),
        local,
        semantics,
        charter: Bytes::from_static(b"charter"),
        blob: Bytes::from_static(b"blob"),
        manual_flush: local == 1,
    })
}

/// Is this event or configuration more than a word to others?
fn is_change(output: &Output) -> bool {
    matches!(output, Output::Configuration { .. } | Output::Event { .. } | Output::Stopped)
}

impl Room {
    /// Three engines in one configuration, with a member each in a VS and an EVS group.
    pub fn new() -> Self {
        let mut room = Self {
            now: Time(1_000_000),
            engines: Vec::new(),
            members: vec![Vec::new(); SIZE],
            wire: VecDeque::new(),
            seen: VecDeque::new(),
            unread: vec![0; SIZE],
            delivered: vec![0; SIZE],
            courted: false,
            honest: false,
            reading: false,
        };
        for number in 0..SIZE {
            let mut out = Vec::new();
            let engine = Engine::new(settings(number), Box::new(SameCharter), room.now, &mut out);
            room.engines.push(engine.expect("settings that work"));
            room.carry(number, out);
        }
        for number in 0..SIZE {
            for other in (0..SIZE).filter(|&other| other != number) {
                room.input(number, Input::Connected { node: node(other) }).expect("a fact");
            }
        }
        assert!(room.run(20_000, |room| room.is_one()), "one configuration: {:?}", room.engines);
        for number in 0..SIZE {
            for which in 0..2 {
                room.input(number, join(which, 0)).expect("a join");
            }
        }
        room.run(2_000, |_| false);
        for number in 0..SIZE {
            for (which, service) in [(0, Service::Agreed), (1, Service::Safe), (0, Service::Fifo)] {
                let body = Bytes::from_static(b"hello");
                let send = Input::Send { group: group(which), local: 0, service, body };
                room.input(number, send).expect("a member of both groups");
            }
        }
        room.run(200, |_| false);
        assert!(room.delivered.iter().all(|&n| n == 9), "delivered: {:?}", room.delivered);
        room
    }

    /// Whether all engines live in one configuration.
    pub fn is_one(&self) -> bool {
        let id = self.engines[0].configuration().id;
        let settled = |e: &Engine| {
            e.configuration().id == id && e.configuration().size() == SIZE && e.is_operational()
        };
        self.engines.iter().all(settled)
    }

    /// The tag of overlay or configuration of the latest frame of a kind.
    pub fn latest(&self, kind: impl Fn(u8) -> bool) -> Option<Bytes> {
        self.seen.iter().rev().find(|frame| kind(frame[1])).cloned()
    }

    /// Gives an engine one input and checks what must hold after every one.
    pub fn input(&mut self, number: usize, input: Input) -> Result<(), Error> {
        let mut out = Vec::new();
        let engine = &mut self.engines[number];
        let result = engine.handle(self.now, input, &mut out);
        let memory = engine.memory();
        assert!(memory.held <= memory.limit, "{LIMITED}: {memory:?}");
        self.carry(number, out);
        result
    }

    /// As `input`, for one that may be refused: then it changes nothing.
    pub fn hostile(&mut self, number: usize, input: Input) -> Result<(), Error> {
        let engine = &mut self.engines[number];
        let before = format!("{engine:?}");
        let id = engine.configuration().id;
        let counted = |engine: &Engine| -> u64 {
            Drop::ALL.iter().map(|&reason| engine.figures().drops(reason)).sum()
        };
        let drops = counted(engine);
        let is_frame = matches!(input, Input::Frame { .. });
        let mut out = Vec::new();
        let result = engine.handle(self.now, input.clone(), &mut out);
        if let Err(error) = &result {
            assert_eq!(before, format!("{engine:?}"), "{error} changes nothing: {input:?}");
            assert_eq!(id, engine.configuration().id, "{error} changes nothing");
            let changes: Vec<_> = out.iter().filter(|output| is_change(output)).collect();
            assert!(changes.is_empty(), "{error} tells nothing: {changes:?}");
            assert!(is_frame || out.is_empty(), "{error} sends nothing: {out:?}");
            assert!(!is_frame || counted(engine) > drops, "{error} is counted");
        }
        let memory = engine.memory();
        assert!(memory.held <= memory.limit, "{LIMITED}: {memory:?}");
        self.carry(number, out);
        result
    }

    /// A frame, as the network brings it. `from` may be a stranger.
    pub fn frame(&mut self, from: usize, to: usize, frame: Bytes) {
        let to = to % SIZE;
        let engine = &self.engines[to];
        let id = engine.configuration().id;
        let is_member = engine.configuration().rank_of(node(from)).is_some();
        let overlay = self.seen.iter().find(|f| f[1] == 9).map(|f| f[2..HEADER].to_vec());
        let before = format!("{engine:?}");
        let version = frame.first().copied();
        // Then it takes everything, and does nothing.
        let stopped = engine.deadline().is_none();
        let other_overlay = frame.get(1) == Some(&9)
            && overlay.is_some_and(|overlay| frame.get(2..HEADER) != Some(&overlay[..]));
        let stranger = from >= SIZE && !is_member && !self.courted;
        let (delivered, operational) = (self.delivered[to], engine.is_operational());

        let result = self.hostile(to, Input::Frame { from: node(from), bytes: frame.clone() });

        let engine = &self.engines[to];
        if !stopped && (version != Some(1) || other_overlay) {
            assert!(result.is_err(), "refused: {frame:?}");
            assert_eq!(before, format!("{engine:?}"));
        }
        if let Some(theirs) = version.filter(|&v| v != 1 && frame.len() >= HEADER && !stopped) {
            assert_eq!(result, Err(Error::Version { from: node(from), theirs, ours: 1 }));
        }
        if stranger {
            assert_eq!(id, engine.configuration().id, "a stranger changes no configuration");
            assert_eq!(operational, engine.is_operational(), "a stranger stops nobody");
            assert_eq!(delivered, self.delivered[to], "a stranger delivers nothing");
        }
    }

    /// Does what an engine wants done.
    fn carry(&mut self, number: usize, out: Outbox) {
        for output in out {
            match output {
                Output::Send { to, frame } => self.send(number, to, frame),
                Output::Multicast { frame } => {
                    for to in self.members[number].clone() {
                        self.send(number, to, frame.clone());
                    }
                }
                Output::Announce { frame } => {
                    for to in 0..SIZE {
                        self.send(number, node(to), frame.clone());
                    }
                }
                Output::Configuration { members, .. } => {
                    self.members[number] = members.iter().map(|peer| peer.node).collect();
                }
                Output::Event { event, .. } => {
                    self.unread[number] += event.weight();
                    self.delivered[number] += usize::from(matches!(event, Event::Message { .. }));
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, from: usize, to: NodeId, frame: Bytes) {
        if self.seen.len() >= MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(frame.clone());
        match (0..SIZE).find(|&number| node(number) == to) {
            Some(to) if to == from => {}
            Some(to) if self.wire.len() < MAX_WIRE => {
                self.wire.push_back(Packet { from, to, frame });
            }
            Some(_) => {}
            None => self.courted = true,
        }
    }

    /// Delivers the next frame that is under way.
    pub fn deliver(&mut self) -> bool {
        let Some(Packet { from, to, frame }) = self.wire.pop_front() else { return false };
        // Honest frames may come too late, but are refused like all others.
        let _ = self.hostile(to, Input::Frame { from: node(from), bytes: frame });
        true
    }

    /// Ends the batch of every engine.
    pub fn drain(&mut self) {
        for number in 0..SIZE {
            self.input(number, Input::Drained).expect("the driver's word");
        }
    }

    pub fn tick(&mut self) {
        for number in 0..SIZE {
            self.input(number, Input::Tick).expect("the driver's word");
            self.input(number, Input::Drained).expect("the driver's word");
        }
    }

    /// Lets the network work for so many milliseconds, or until `done`.
    pub fn run(&mut self, ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_millis(ms);
        for _ in 0..20_000 {
            if done(self) {
                return true;
            }
            for _ in 0..self.wire.len() {
                self.deliver();
            }
            for number in 0..if self.reading { SIZE } else { 0 } {
                let bytes = std::mem::take(&mut self.unread[number]);
                self.input(number, Input::Consumed { bytes }).expect("the driver's word");
            }
            self.drain();
            if self.wire.is_empty() {
                let deadline = self.engines.iter().filter_map(Engine::deadline).min();
                // A moment at least, so that time goes on whatever is due.
                let next = deadline.unwrap_or(end).max(self.now + Duration::from_micros(100));
                if next >= end {
                    self.now = end;
                    self.tick();
                    return done(self);
                }
                self.now = next;
                self.tick();
            }
        }
        done(self)
    }
}
