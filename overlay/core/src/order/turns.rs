//! Who may send ordered entries: grants, yields, and the horizon that promises make.

use crate::{defect::Defect, ids::Position, settings::Settings, streams::Streams, time::Time};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The turns of the active set, by rank, and how many there are.
    active: Vec<Option<Turn>>,
    count: usize,
    /// The horizon as it was computed last. Its rank is the one that it waits for: it stands until
    /// that one's promise or the active set changes.
    horizon: Option<Position>,
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
        let first: BTreeSet<_> = others.chain([0]).collect();
        let mut turns = Self {
            me,
            last: first.iter().map(|&rank| (rank, 1)).collect(),
            active: Vec::new(),
            count: 0,
            horizon: None,
            stamped: BTreeMap::new(),
            ask_at: None,
            used_at: now,
            recalled: false,
            given_back: 0,
            taken_away: settings.lacks(Defect::TurnTaken),
        };
        for rank in first {
            turns.set(rank, Some(Turn { number: 1, floor: 0 }));
        }
        turns
    }

    fn turn(&self, rank: u16) -> Option<Turn> {
        self.active.get(usize::from(rank)).copied().flatten()
    }

    fn set(&mut self, rank: u16, turn: Option<Turn>) {
        let at = usize::from(rank);
        if at >= self.active.len() {
            self.active.resize(at + 1, None);
        }
        if let Some(slot) = self.active.get_mut(at) {
            self.count -= usize::from(slot.is_some());
            self.count += usize::from(turn.is_some());
            *slot = turn;
        }
        self.horizon = None;
    }

    /// Whether this node may send ordered entries.
    pub(crate) fn is_mine(&self) -> bool {
        self.turn(self.me).is_some_and(|turn| turn.number > self.given_back)
    }

    /// The yield of this node's turn has entered its stream: nothing ordered may follow it there.
    pub(crate) fn gave_back(&mut self) {
        self.given_back = self.number();
    }

    /// How many nodes may.
    pub(crate) fn active(&self) -> usize {
        self.count
    }

    /// The streams' promises are no longer what grew out of the ones seen before.
    pub(crate) fn promises_were_replaced(&mut self) {
        self.horizon = None;
    }

    /// The smallest position that an active node may still send at: everything below it is here.
    pub(crate) fn horizon(&mut self, streams: &Streams) -> Position {
        if let Some(horizon) = self.horizon
            && self.next(streams, horizon.rank()) == Some(horizon)
        {
            return horizon;
        }
        let ranks = (0..).zip(&self.active).map(|(rank, _)| rank);
        let horizon = ranks.filter_map(|rank| self.next(streams, rank)).min().unwrap_or_default();
        self.horizon = Some(horizon);
        horizon
    }

    /// The smallest position that this node may still send at, if it is active.
    fn next(&self, streams: &Streams, rank: u16) -> Option<Position> {
        let turn = self.turn(rank)?;
        let promise = streams.get(rank).map_or(0, |s| s.promise()).max(turn.floor);
        Some(Position::new(promise + 1, rank))
    }

    /// A grant is delivered.
    pub(crate) fn granted(&mut self, rank: u16, number: u64, floor: u64, now: Time) {
        self.set(rank, Some(Turn { number, floor }));
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
        if rank != 0 && self.turn(rank).is_some_and(|turn| turn.number <= number) {
            self.set(rank, None);
        }
    }

    /// At the leader: a node wants a turn. The number to grant, unless it has one or will.
    pub(crate) fn asked(&mut self, rank: u16) -> Option<u64> {
        if self.turn(rank).is_some() || self.stamped.contains_key(&rank) {
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

    /// Whether this node has sent nothing ordered for a while.
    pub(crate) fn is_idle(&self, settings: &Settings, now: Time) -> bool {
        now >= self.used_at + settings.promise_idle
    }

    /// The leader wants this node's turn back.
    pub(crate) fn recall(&mut self) {
        self.recalled = true;
    }

    /// Whether to give the turn back now: idle or recalled, and never the leader's.
    pub(crate) fn is_over(&self, settings: &Settings, now: Time) -> Option<u64> {
        let turn = self.turn(self.me).filter(|_| self.me != 0 && self.is_mine())?;
        let idle = now >= self.used_at + settings.turn_idle;
        (idle || self.recalled).then_some(turn.number)
    }

    /// At the leader, as a defect: forgets a turn that was not given back.
    pub(crate) fn take_away(&mut self) {
        if self.taken_away && self.count > 1 {
            let all = (0..).zip(&self.active).map(|(rank, _)| rank);
            let others: Vec<_> = all.filter(|&rank| rank != 0 && rank != self.me).collect();
            for rank in others {
                self.set(rank, None);
            }
        }
    }

    /// At the leader: too many are active; whom to ask for the turn.
    pub(crate) fn surplus(&self, settings: &Settings) -> Option<u16> {
        let last = || (0..).zip(&self.active).filter(|(_, turn)| turn.is_some()).last();
        (self.count > settings.max_active).then(last).flatten().map(|(rank, _)| rank)
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
