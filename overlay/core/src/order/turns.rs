//! Who may send ordered entries: grants, yields, and the horizon that promises make.

use crate::{defect::Defect, ids::Position, settings::Settings, streams::Streams, time::Time};
use std::collections::BTreeMap;

/// The turn of one node that has been granted and not been given back.
#[derive(Clone, Copy, Debug)]
struct Turn {
    number: u64,
    /// The clock of its grant: its first promise.
    floor: u64,
}

/// The turns of one configuration.
#[derive(Debug)]
pub(crate) struct Turns {
    me: u16,
    /// The active set, by rank.
    active: BTreeMap<u16, Turn>,
    /// The number of every node's last turn, granted or given back.
    last: BTreeMap<u16, u64>,
    /// At the leader: numbers stamped and not delivered yet.
    stamped: BTreeMap<u16, u64>,
    /// This node has asked; when to ask again.
    ask_at: Option<Time>,
    /// When this node sent something ordered last.
    used_at: Time,
    /// It was asked to give its turn back.
    recalled: bool,
    /// The number of the last turn whose yield stands in the own stream, delivered or not.
    given_back: u64,
    taken_away: bool,
}

impl Turns {
    /// The leader and `others` are active from the installation on.
    pub(crate) fn new(
        me: u16,
        others: impl Iterator<Item = u16>,
        settings: &Settings,
        now: Time,
    ) -> Self {
        let first = Turn { number: 1, floor: 0 };
        let active: BTreeMap<_, _> = others.chain([0]).map(|rank| (rank, first)).collect();
        Self {
            me,
            last: active.keys().map(|&rank| (rank, 1)).collect(),
            active,
            stamped: BTreeMap::new(),
            ask_at: None,
            used_at: now,
            recalled: false,
            given_back: 0,
            taken_away: settings.lacks(Defect::TurnTaken),
        }
    }

    /// Whether this node may send ordered entries.
    pub(crate) fn is_mine(&self) -> bool {
        self.active.get(&self.me).is_some_and(|turn| turn.number > self.given_back)
    }

    /// The yield of this node's turn has entered its stream: nothing ordered may follow it there.
    pub(crate) fn gave_back(&mut self) {
        self.given_back = self.number();
    }

    /// How many nodes may.
    pub(crate) fn active(&self) -> usize {
        self.active.len()
    }

    /// The smallest position that an active node may still send at: everything below it is here.
    pub(crate) fn horizon(&self, streams: &Streams) -> Position {
        let next = |(&rank, turn): (&u16, &Turn)| {
            let promise = streams.get(rank).map_or(0, |s| s.promise()).max(turn.floor);
            Position::new(promise + 1, rank)
        };
        self.active.iter().map(next).min().unwrap_or_default()
    }

    /// A grant is delivered.
    pub(crate) fn granted(&mut self, rank: u16, number: u64, floor: u64, now: Time) {
        self.active.insert(rank, Turn { number, floor });
        self.last.insert(rank, number);
        if self.stamped.get(&rank).is_some_and(|&n| n <= number) {
            self.stamped.remove(&rank);
        }
        if rank == self.me {
            self.ask_at = None;
            self.used_at = now;
            self.recalled = false;
        }
    }

    /// A yield is delivered.
    pub(crate) fn yielded(&mut self, rank: u16, number: u64) {
        // The leader never leaves the active set: were it to say so, everyone would stop waiting.
        if rank != 0 && self.active.get(&rank).is_some_and(|turn| turn.number <= number) {
            self.active.remove(&rank);
        }
    }

    /// At the leader: a node wants a turn. The number to grant, unless it has one or will.
    pub(crate) fn asked(&mut self, rank: u16) -> Option<u64> {
        if self.active.contains_key(&rank) || self.stamped.contains_key(&rank) {
            return None;
        }
        let number = self.last.get(&rank).copied().unwrap_or(0) + 1;
        self.stamped.insert(rank, number);
        Some(number)
    }

    /// This node wants a turn: whether to ask (again) now.
    pub(crate) fn want(&mut self, retry: std::time::Duration, now: Time) -> bool {
        if self.ask_at.is_some_and(|at| now < at) {
            return false;
        }
        self.ask_at = Some(now + retry);
        true
    }

    /// The number of this node's last turn.
    pub(crate) fn number(&self) -> u64 {
        self.last.get(&self.me).copied().unwrap_or(0)
    }

    /// This node has sent something ordered.
    pub(crate) fn used(&mut self, now: Time) {
        self.used_at = now;
    }

    /// The leader wants this node's turn back.
    pub(crate) fn recall(&mut self) {
        self.recalled = true;
    }

    /// Whether to give the turn back now: idle or recalled, and never the leader's.
    pub(crate) fn is_over(&self, settings: &Settings, now: Time) -> Option<u64> {
        let turn = self.active.get(&self.me).filter(|_| self.me != 0 && self.is_mine())?;
        let idle = now >= self.used_at + settings.turn_idle;
        (idle || self.recalled).then_some(turn.number)
    }

    /// At the leader, as a defect: forgets a turn that was not given back.
    pub(crate) fn take_away(&mut self) {
        if self.taken_away && self.active.len() > 1 {
            let me = self.me;
            self.active.retain(|&rank, _| rank == 0 || rank == me);
        }
    }

    /// At the leader: too many are active; whom to ask for the turn.
    pub(crate) fn surplus(&self, settings: &Settings) -> Option<u16> {
        (self.active.len() > settings.max_active)
            .then(|| self.active.keys().next_back().copied())?
    }

    /// When to ask for a turn again, or to give it back; `wants`: something waits for one. What has no
    /// room yet keeps a turn, however long it waits: nothing is due then.
    pub(crate) fn deadline(&self, wants: bool, settings: &Settings) -> Option<Time> {
        match (self.is_mine(), wants) {
            (true, false) if self.me != 0 => Some(self.used_at + settings.turn_idle),
            (true, _) => None,
            (false, wants) => self.ask_at.filter(|_| wants),
        }
    }
}
