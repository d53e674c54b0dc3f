//! Courtship: what a leader knows of foreign nodes that it probes, before it proposes to be one
//! configuration with them.

use crate::{
    ids::{Ballot, NodeId},
    settings::Settings,
    time::Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The foreign nodes that are probed now, and those in the last proposal. Its user bounds them.
pub(super) struct Courtship {
    courted: BTreeMap<NodeId, Courted>,
    since: Time,
    /// When to probe again those that have not answered.
    again: Time,
    /// Another courts this node's configuration: until when it goes first, and when it may again.
    yields: (Time, Time),
    suitors: BTreeSet<NodeId>,
}

/// A foreign node is probed.
struct Courted {
    nonce: u64,
    /// A member of this configuration, as its leader said.
    of: Option<Ballot>,
    /// Where the answer says that it is, and whether it leads there.
    answered: Option<(Ballot, bool)>,
}

impl Courtship {
    pub(super) fn new(now: Time) -> Self {
        Self {
            courted: BTreeMap::new(),
            since: now,
            again: now,
            yields: (now, now),
            suitors: BTreeSet::new(),
        }
    }

    /// How many are probed.
    pub(super) fn len(&self) -> usize {
        self.courted.len()
    }

    pub(super) fn includes(&self, node: NodeId) -> bool {
        self.courted.contains_key(&node)
    }

    /// A probe with this number goes to `node`, a member `of` a configuration whose leader said so.
    pub(super) fn add(
        &mut self,
        node: NodeId,
        (nonce, of): (u64, Option<Ballot>),
        now: Time,
        settings: &Settings,
    ) {
        if self.courted.is_empty() {
            (self.since, self.again) = (now, now + settings.retry);
        }
        self.courted.insert(node, Courted { nonce, of, answered: None });
    }

    /// `node` answers that it is in `configuration`, and whether it leads there. What its last
    /// answer said; `Err` if this is an answer to no probe.
    pub(super) fn answer(
        &mut self,
        node: NodeId,
        nonce: u64,
        configuration: Ballot,
        leads: bool,
    ) -> Result<Option<Ballot>, ()> {
        let courted = self.courted.get_mut(&node).filter(|courted| courted.nonce == nonce);
        let before = courted.ok_or(())?.answered.replace((configuration, leads));
        Ok(before.map(|(at, _)| at))
    }

    /// It is not for this node to court it.
    pub(super) fn drop(&mut self, node: NodeId) {
        self.courted.remove(&node);
    }

    /// These are together in `configuration`: of those that are courted, whoever answered from an
    /// older one is to be asked again, and who was with their leader `before` and has gone is not
    /// waited for.
    pub(super) fn regroup(
        &mut self,
        before: Option<Ballot>,
        configuration: Ballot,
        together: &BTreeSet<NodeId>,
    ) {
        self.courted.retain(|node, courted| {
            if !together.contains(node) {
                let gone = before.is_some() && courted.of == before;
                return !gone || before == Some(configuration);
            }
            courted.of = Some(configuration);
            courted.answered.is_none_or(|(at, _)| at.epoch >= configuration.epoch)
        });
    }

    /// A ballot goes on: whoever is courted is found again later.
    pub(super) fn pause(&mut self) {
        self.courted.clear();
    }

    /// A leader that would lead both has found this one: it is the one that courts, for as long as
    /// its ballot may take to come. Two ballots at once would hold each other up.
    pub(super) fn give_way(&mut self, now: Time, settings: &Settings) {
        let limit = settings.propose_limit;
        if now >= self.yields.1 {
            // Lest one that never proposes keeps this node from others.
            self.yields = (now + limit, now + limit * 2);
        }
        if self.gives_way(now) {
            self.courted.clear();
        }
    }

    pub(super) fn gives_way(&self, now: Time) -> bool {
        now < self.yields.0
    }

    /// Whether there are foreign nodes to propose to: all that are probed have answered, or some,
    /// and it has taken long.
    pub(super) fn is_ready(&self, now: Time, settings: &Settings) -> bool {
        let all = self.courted.values().all(|courted| courted.answered.is_some());
        let late = now >= self.since + answer_limit(settings);
        (all || late) && self.answers(now, settings).next().is_some()
    }

    /// The members of whole configurations that have answered. A part of one comes along only when
    /// it has taken very long: what is torn has to be mended by another ballot.
    fn answers(&self, now: Time, settings: &Settings) -> impl Iterator<Item = NodeId> {
        let answers = || self.courted.iter().filter_map(|(&n, c)| Some((n, c.answered?)));
        let led = answers().filter(|(_, (_, leads))| *leads).map(|(_, (led, _))| led);
        let mut led: BTreeSet<Ballot> = led.collect();
        if now < self.since + part_limit(settings) {
            for courted in self.courted.values() {
                let there = courted.answered.map(|(at, _)| at);
                if let Some(of) = courted.of.filter(|_| there != courted.of) {
                    led.remove(&of);
                }
            }
        }
        answers().filter(move |(_, (at, _))| led.contains(at)).map(|(node, _)| node)
    }

    /// The foreign nodes that come along; they are in the proposal now.
    pub(super) fn take_suitors(
        &mut self,
        now: Time,
        settings: &Settings,
        max: usize,
    ) -> BTreeSet<NodeId> {
        self.suitors = self.answers(now, settings).take(max).collect();
        self.courted.clear();
        self.suitors.clone()
    }

    /// Whether this is a foreign node in this node's last proposal.
    pub(super) fn is_suitor(&self, node: NodeId) -> bool {
        self.suitors.contains(&node)
    }

    /// The next configuration is here: who was to come along.
    pub(super) fn end(&mut self) -> BTreeSet<NodeId> {
        self.courted.clear();
        std::mem::take(&mut self.suitors)
    }

    /// Probes that are due again. If it has taken too long, nothing more is awaited.
    pub(super) fn act(&mut self, now: Time, settings: &Settings) -> Vec<(NodeId, u64)> {
        if now >= self.since + part_limit(settings) && !self.is_ready(now, settings) {
            self.courted.clear();
        }
        if now < self.again {
            return Vec::new();
        }
        self.again = now + settings.retry;
        let silent = self.courted.iter().filter(|(_, courted)| courted.answered.is_none());
        silent.map(|(&node, courted)| (node, courted.nonce)).collect()
    }

    /// When to look again.
    pub(super) fn due(&self, now: Time, settings: &Settings) -> Option<Time> {
        if self.courted.is_empty() || self.is_ready(now, settings) {
            return None;
        }
        let limits = [answer_limit(settings), part_limit(settings)];
        let limits = limits.into_iter().map(|limit| self.since + limit);
        Some(limits.chain([self.again]).filter(|&at| now < at).min().unwrap_or(now))
    }
}

/// How long a leader waits for answers to its probes before it goes on with the configurations that
/// have answered.
fn answer_limit(settings: &Settings) -> Duration {
    settings.propose_limit / 2
}

/// How long it waits before it goes on with parts of configurations. Links open one by one.
fn part_limit(settings: &Settings) -> Duration {
    settings.propose_limit * 2
}

#[cfg(test)]
mod tests {
    use super::super::tests::node;
    use super::*;

    const START: Time = Time(1_000_000);
    const MS: Duration = Duration::from_millis(1);

    fn ballot(epoch: u64, number: u8) -> Ballot {
        Ballot { epoch, proposer: node(number) }
    }

    fn settings() -> Settings {
        Settings::new(node(1), "test")
    }

    /// 4 leads 5 and 6, which are probed; 4 and 5 have answered.
    fn courting() -> Courtship {
        let mut courtship = Courtship::new(START);
        courtship.add(node(4), (1, None), START, &settings());
        assert_eq!(courtship.answer(node(4), 1, ballot(7, 4), true), Ok(None));
        courtship.regroup(None, ballot(7, 4), &[4, 5, 6].map(node).into());
        for (number, nonce) in [(5, 2), (6, 3)] {
            let of = Some(ballot(7, 4));
            courtship.add(node(number), (nonce, of), START, &settings());
        }
        assert_eq!(courtship.answer(node(5), 2, ballot(7, 4), false), Ok(None));
        courtship
    }

    #[test]
    fn a_configuration_comes_whole_or_after_long() {
        let mut courtship = courting();
        assert!(!courtship.is_ready(START, &settings()));
        assert!(!courtship.is_ready(START + MS * 799, &settings()), "6 is missing");
        assert!(courtship.is_ready(START + MS * 800, &settings()));
        assert_eq!(courtship.answer(node(6), 3, ballot(7, 4), false), Ok(None));
        assert!(courtship.is_ready(START, &settings()));
        let all = [4, 5, 6].map(node).into();
        assert_eq!(courtship.take_suitors(START, &settings(), 9), all);
        assert!(courtship.is_suitor(node(6)) && courtship.len() == 0);
        assert_eq!(courtship.end(), all);
    }

    #[test]
    fn others_do_not_wait_longer_than_for_answers() {
        let mut courtship = courting();
        courtship.add(node(9), (4, None), START, &settings());
        assert_eq!(courtship.answer(node(9), 4, ballot(3, 9), true), Ok(None));
        assert!(!courtship.is_ready(START + MS * 199, &settings()));
        assert!(courtship.is_ready(START + MS * 200, &settings()));
        let now = START + MS * 200;
        assert_eq!(courtship.take_suitors(now, &settings(), 9), [node(9)].into());
    }

    #[test]
    fn members_do_not_come_without_their_leader() {
        let mut courtship = Courtship::new(START);
        courtship.add(node(5), (1, None), START, &settings());
        assert_eq!(courtship.answer(node(5), 1, ballot(7, 4), false), Ok(None));
        assert!(!courtship.is_ready(START + MS * 900, &settings()));
        assert!(courtship.act(START + MS * 900, &settings()).is_empty());
        assert_eq!(courtship.len(), 0, "it has taken too long");
    }

    #[test]
    fn who_has_moved_on_is_asked_again() {
        let mut courtship = courting();
        // 4 leads 5 and 8 by now; 5 answered before that, and 6 has gone.
        assert_eq!(courtship.answer(node(4), 1, ballot(8, 4), true), Ok(Some(ballot(7, 4))));
        courtship.regroup(Some(ballot(7, 4)), ballot(8, 4), &[4, 5, 8].map(node).into());
        assert!(courtship.includes(node(4)));
        assert!(!courtship.includes(node(5)) && !courtship.includes(node(6)));
        // A late answer to a probe that does not count any more.
        assert_eq!(courtship.answer(node(5), 2, ballot(7, 4), false), Err(()));
    }

    #[test]
    fn the_silent_are_probed_again() {
        let mut courtship = courting();
        let again = START + settings().retry;
        assert_eq!(courtship.due(START, &settings()), Some(again));
        assert!(courtship.act(START, &settings()).is_empty());
        assert_eq!(courtship.act(again, &settings()), [(node(6), 3)]);
        let (mut now, mut looks) = (START, 0);
        while let Some(due) = courtship.due(now, &settings()) {
            assert!(due > now || courtship.is_ready(now, &settings()), "it sleeps");
            now = due;
            courtship.act(now, &settings());
            looks += 1;
        }
        assert!(looks < 20 && now == START + MS * 800, "{looks} looks until {now:?}");
    }

    #[test]
    fn giving_way_ends() {
        let mut courtship = courting();
        courtship.give_way(START, &settings());
        assert!(courtship.gives_way(START) && courtship.len() == 0);
        let later = START + settings().propose_limit;
        courtship.give_way(later, &settings());
        assert!(!courtship.gives_way(later), "not twice in a row");
        let later = later + settings().propose_limit;
        courtship.give_way(later, &settings());
        assert!(courtship.gives_way(later));
    }
}
