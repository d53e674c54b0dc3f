//! When this node tells its promise, and to whom.

use crate::{settings::Settings, streams::Streams, time::Time, wire::vectors::Promise};

/// Where a promise goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// To all: after the own stream's end all clocks are above this one.
    ToAll(u64),
    /// To the leader alone.
    ToLeader(u64),
    /// From the leader: what many have promised.
    Gathered(Vec<Promise>),
}

/// How it stands at the end of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// Many nodes are active.
    pub(crate) many: bool,
    /// Something was delivered.
    pub(crate) delivered: bool,
    /// This node has had nothing ordered to say for a while.
    pub(crate) idle: bool,
}

/// What has been announced.
#[derive(Debug)]
pub(crate) struct Announcer {
    /// The largest clock of an entry that this node has seen, used or promised: Lamport's clock.
    clock: u64,
    announced: u64,
    at: Time,
    /// At the leader: the promises that it has passed on.
    passed_on: Vec<u64>,
    fresh: bool,
}

impl Announcer {
    pub(crate) fn new(size: usize, now: Time) -> Self {
        Self { clock: 0, announced: 0, at: now, passed_on: vec![0; size], fresh: false }
    }

    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// Clocks of entries seen. Promises do not count: whoever raised its clock to them could never
    /// stamp anything that a promise ahead covers.
    pub(crate) fn saw(&mut self, clock: u64) {
        self.clock = self.clock.max(clock);
    }

    /// A data frame carried this promise.
    pub(crate) fn announced(&mut self, clock: u64) {
        self.saw(clock);
        self.announced = self.announced.max(clock);
    }

    /// At the leader: promises came that others may lack.
    pub(crate) fn gather(&mut self) {
        self.fresh = true;
    }

    /// At the end of a batch, by a node with a turn; an `idle` one promises ahead. With `many` active
    /// nodes promises go through the leader, who passes them on when a while has passed, and after
    /// half of it when it could deliver something itself: no oftener, or with a thousand messages a
    /// second there would be as many frames of promises as of messages.
    pub(crate) fn due(
        &mut self,
        (streams, me): (&Streams, u16),
        State { many, delivered, idle }: State,
        settings: &Settings,
        now: Time,
    ) -> Option<Announcement> {
        let wanted = streams.top_clock() > self.announced;
        let ahead = if idle { settings.promise_ahead } else { 0 };
        let waited = now >= self.at + settings.promise_gather;
        let half_waited = now >= self.at + settings.promise_gather / 2;
        if !many {
            return wanted.then(|| self.announce(ahead, now)).map(Announcement::ToAll);
        }
        if me != 0 {
            return (wanted && waited)
                .then(|| self.announce(ahead, now))
                .map(Announcement::ToLeader);
        }
        if !(wanted || self.fresh) || !(waited || half_waited && delivered) {
            return None;
        }
        if wanted {
            self.announce(ahead, now);
        }
        let own = self.announced;
        let gathered = self.changed(streams, own);
        self.fresh = false;
        self.at = now;
        (!gathered.is_empty()).then_some(Announcement::Gathered(gathered))
    }

    fn announce(&mut self, ahead: u64, now: Time) -> u64 {
        self.clock += ahead;
        self.announced = self.clock;
        self.at = now;
        self.clock
    }

    /// Promises that have grown since they were passed on.
    fn changed(&mut self, streams: &Streams, own: u64) -> Vec<Promise> {
        let mut changed = Vec::new();
        for ((rank, stream), passed) in streams.ranks().zip(&mut self.passed_on) {
            let clock = if rank == 0 { stream.promise().max(own) } else { stream.promise() };
            if clock > *passed {
                *passed = clock;
                changed.push(Promise { rank, number: stream.complete(), clock });
            }
        }
        changed
    }

    /// When a gathered promise is due.
    pub(crate) fn deadline(&self, top: u64, settings: &Settings) -> Option<Time> {
        let waits = self.fresh || top > self.announced;
        waits.then(|| self.at + settings.promise_gather)
    }
}
