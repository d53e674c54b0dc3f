//! What a benchmark and its members say to each other: JSON objects, one a line, on the members'
//! standard input and output.

use serde::{Deserialize, Serialize};

/// The first line to a member: who it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Where it listens.
    pub(crate) listen: String,
    /// Whom it dials.
    pub(crate) bootstrap: Vec<String>,
    /// The overlay's secret, 64 hexadecimal digits.
    pub(crate) psk: String,
    /// The highest leads.
    pub(crate) priority: u32,
    /// `auto`, `direct` or `gossip`.
    pub(crate) dissemination: String,
    /// Silence that the failure detector forgives, milliseconds.
    pub(crate) suspect_after_ms: Option<u64>,
    /// What agrees on keys and what seals, in a group with keys.
    pub(crate) modules: Option<(String, String)>,
    /// How many groups it joins.
    pub(crate) groups: usize,
}

/// What a member is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Send as fast as it goes, if among the senders, and count what comes.
    Flood {
        /// Bytes of a message.
        size: usize,
        /// For so long.
        millis: u64,
        /// From this moment on ([`now_us`]).
        begin_us: u64,
        /// How.
        service: String,
        /// Whether this member sends.
        sends: bool,
        /// How many do.
        senders: usize,
    },
    /// Send one message after the other, each when all have the one before and have said so, or
    /// measure when they come.
    Ping {
        /// Bytes of a message.
        size: usize,
        /// How many are measured.
        count: usize,
        /// From one to the next at least.
        pace_ms: u64,
        /// How.
        service: String,
        /// Whether this member sends; one does.
        sends: bool,
    },
    /// Do nothing, and tell what that takes.
    Rest {
        /// For so long.
        millis: u64,
        /// From this moment on ([`now_us`]).
        begin_us: u64,
    },
    /// Leave the group; the node stays.
    Leave,
    /// Join it again.
    Join,
    /// Stop cleanly.
    Stop,
}

/// What a member tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// It listens there.
    Listening {
        /// With its peer id.
        address: String,
    },
    /// A view of so many members was installed at this moment.
    View {
        /// How many.
        members: usize,
        /// When ([`now_us`]).
        at_us: u64,
    },
    /// A flood is over.
    Flooded(Flooded),
    /// The pings are over.
    Pinged {
        /// How long each took to get here, microseconds, ascending.
        latencies_us: Vec<u32>,
    },
    /// A rest is over.
    Rested(Rested),
    /// It stops, and why if not told to.
    Failed {
        /// A sentence.
        why: String,
    },
}

/// What a member has counted in a flood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flooded {
    /// Messages that were delivered here.
    pub(crate) delivered: u64,
    /// Messages that their senders say they sent, and did not come.
    pub(crate) lost: u64,
    /// From the beginning to the last delivery.
    pub(crate) micros: u64,
    /// Processor time of the process meanwhile.
    pub(crate) cpu_micros: u64,
    /// Bytes that left the member's network meanwhile, headers and repetitions with them.
    pub(crate) wire_bytes: u64,
    /// The same at all members if the order is.
    pub(crate) order: u64,
}

/// What a member has used while it did nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rested {
    /// How long that was.
    pub(crate) micros: u64,
    /// Processor time of the process.
    pub(crate) cpu_micros: u64,
    /// Bytes of frames, as the node's status counts them.
    pub(crate) frame_bytes: u64,
    /// What left the member's network.
    pub(crate) wire: Wire,
    /// Whether it leads.
    pub(crate) leads: bool,
}

/// What has left a network.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Wire {
    /// Headers and repetitions with them.
    pub(crate) bytes: u64,
    /// How many.
    pub(crate) packets: u64,
}

/// The machine's monotonic clock, the same for all processes, in microseconds.
pub(crate) fn now_us() -> u64 {
    micros(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic))
}

/// What has left this process' network by other ways than loopback: its own, if it lives in a network
/// namespace. 0 where that cannot be told.
pub(crate) fn wire() -> Wire {
    let table = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let interfaces = table.lines().filter_map(|line| line.split_once(':'));
    let mut wire = Wire::default();
    for (_, figures) in interfaces.filter(|(name, _)| name.trim() != "lo") {
        let mut sent = figures.split_whitespace().skip(8).map(|figure| figure.parse().unwrap_or(0));
        wire.bytes += sent.next().unwrap_or(0_u64);
        wire.packets += sent.next().unwrap_or(0_u64);
    }
    wire
}

/// Processor time of this process, in microseconds.
pub(crate) fn cpu_us() -> u64 {
    micros(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime))
}

fn micros(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}
