//! What all nodes of a world share: time, network, trace, counters.

use crate::{
    door::Door,
    network::{Fate, Network},
    queue::Queue,
    random::Random,
    spies::Spies,
    trace::Trace,
    workload::Habits,
};
use bytes::Bytes;
use cenacle_core::{NodeId, ViewId};

/// Something that will happen.
#[derive(Debug)]
pub enum Happening {
    /// A frame arrives.
    Arrive {
        /// Who sent it.
        from: NodeId,
        /// To whom.
        to: NodeId,
        /// It waited in a cut, and gets through only if the link is open.
        held: bool,
        /// The frame.
        frame: Bytes,
    },
    /// A node looks at what has come and at its clock.
    Wake {
        /// Which node.
        place: usize,
    },
    /// A member may say something.
    Talk {
        /// Where it lives.
        node: NodeId,
        /// Which member.
        local: u32,
    },
    /// A member has done what it had to before the next view.
    Flushed {
        /// Where it lives.
        node: NodeId,
        /// Which member.
        local: u32,
        /// The view that ends.
        view: ViewId,
    },
    /// The transport tells a node about another.
    Hint {
        /// Who is told.
        to: NodeId,
        /// About whom.
        about: NodeId,
        /// There is a connection; else the last one was closed.
        connected: bool,
    },
    /// A node comes up.
    Start {
        /// Where.
        place: usize,
    },
    /// Somebody joins or leaves.
    Churn,
    /// The fault of this number begins.
    Fault(usize),
    /// A fault ends.
    Undo(Box<crate::inject::Undo>),
}

/// What one frame costs its sender and its receivers.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Nanoseconds for a frame.
    pub frame: u64,
    /// Picoseconds for a byte.
    pub byte: u64,
}

impl Costs {
    /// Microseconds for frames of so many bytes together.
    pub fn of(&self, frames: u64, bytes: u64) -> u64 {
        (frames * self.frame + bytes * self.byte / 1000) / 1000
    }
}

/// Frames by kind (their second byte).
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Copies that were put on links.
    pub frames: [u64; 256],
    /// Bytes of these.
    pub bytes: [u64; 256],
    /// Copies that came out of links.
    pub received: u64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { frames: [0; 256], bytes: [0; 256], received: 0 }
    }
}

impl Traffic {
    /// All copies put on links, and their bytes.
    pub fn total(&self) -> (u64, u64) {
        (self.frames.iter().sum(), self.bytes.iter().sum())
    }

    fn count(&mut self, frame: &[u8]) {
        let kind = usize::from(frame.get(1).copied().unwrap_or(0));
        if let (Some(frames), Some(bytes)) = (self.frames.get_mut(kind), self.bytes.get_mut(kind)) {
            *frames += 1;
            *bytes += frame.len() as u64;
        }
    }
}

/// Messages by what became of them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    /// Taken by an engine.
    pub taken: u64,
    /// Refused for now.
    pub postponed: u64,
    /// Entered a stream.
    pub sent: u64,
    /// Delivered, summed over members.
    pub delivered: u64,
    /// Views installed, summed over members.
    pub views: u64,
    /// Blobs in these views, summed over members.
    pub blobs: u64,
    /// Joins refused, and members put out.
    pub refused: u64,
    /// Faults injected.
    pub faults: u64,
    /// The most that an engine held, in percent of what it might.
    pub fullest: u64,
}

/// What all nodes share.
pub struct Shared {
    /// The world's time, in microseconds.
    pub now: u64,
    /// What will happen.
    pub queue: Queue<Happening>,
    /// The links.
    pub network: Network,
    /// The trace.
    pub trace: Trace,
    /// Chance, for what nodes and members do.
    pub random: Random,
    /// The node that lives at each place.
    pub alive: Vec<Option<NodeId>>,
    /// Who was counted.
    pub traffic: Traffic,
    /// What was counted.
    pub counts: Counts,
    /// What frames cost.
    pub costs: Costs,
    /// What members do.
    pub habits: Habits,
    /// What must not happen, in words.
    pub problems: Vec<String>,
    /// Times from sending to delivery of agreed messages, if wanted.
    pub latencies: Option<Vec<u64>>,
    /// What views were told.
    pub door: Door,
    /// Where modules are found, if groups have keys: they are watched.
    pub(crate) spies: Option<Spies>,
    /// A rule that secure machines leave out.
    pub defect: Option<cenacle_secure::Defect>,
    /// Faults have ended and nobody sends any more.
    pub healed: bool,
    /// Somebody keeps the world busy without end: nothing more happens.
    pub hangs: bool,
}

/// More problems say nothing new.
const MOST_PROBLEMS: usize = 20;

impl Shared {
    /// Notes what must not happen.
    pub fn problem(&mut self, what: impl FnOnce() -> String) {
        if self.problems.len() < MOST_PROBLEMS {
            let text = format!("at {} us: {}", self.now, what());
            self.problems.push(text);
        }
    }

    /// Notes what would keep the world busy without end, and ends the run.
    pub fn hang(&mut self, what: impl FnOnce() -> String) {
        self.hangs = true;
        self.problem(what);
    }

    /// Puts a frame on the link between two nodes, at a time.
    pub fn carry(&mut self, time: u64, from: NodeId, to: NodeId, frame: &Bytes) {
        let (there, here) = (crate::naming::place(to), crate::naming::place(from));
        if there >= self.network.size() {
            self.problem(|| format!("{from} sends to {to}, which never was"));
            return;
        }
        self.traffic.count(frame);
        if self.alive.get(there).copied().flatten() != Some(to) {
            return;
        }
        let mut arrive = |time, held| {
            let frame = frame.clone();
            self.queue.push(time, Happening::Arrive { from, to, held, frame });
        };
        match self.network.send(time, here, there) {
            Fate::Lost => {}
            Fate::Arrives(first, second) => {
                arrive(first, false);
                if let Some(second) = second {
                    arrive(second, false);
                }
            }
            Fate::Held(late) => arrive(late, true),
        }
    }
}
