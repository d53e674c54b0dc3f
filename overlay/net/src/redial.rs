//! When to dial whom. Pure: the time comes in, targets come out.
//!
//! Everyone who was ever met is dialled again until there is a connection: that is what lets halves
//! of a split overlay find each other. Who was lost lately is dialled every [`Pace::fast`], the rest
//! with pauses that double, up to [`Pace::slowest`]; each pause is stretched by up to a quarter at
//! random, so that nodes that lost each other together do not dial in step.

use libp2p::{Multiaddr, PeerId};
use std::{collections::BTreeMap, time::Duration};

/// Whom to dial.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Target {
    /// A peer, at all its addresses.
    Peer(PeerId),
    /// An address, whoever is there.
    Address(Multiaddr),
}

/// How often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The pause after a loss, and the first one otherwise.
    pub(crate) fast: Duration,
    /// How long a target counts as lost lately.
    pub(crate) fast_for: Duration,
    /// The longest pause.
    pub(crate) slowest: Duration,
    /// Dials under way to a target that was lost lately: one that hangs does not hold up the next.
    /// Others are dialled once at a time.
    pub(crate) at_once: u32,
    /// Dials under way in all.
    pub(crate) in_all: u32,
}

/// Targets that nobody has met, in all: more than a local network has at once, a guess.
const MOST_RUMOURS: usize = 256;
/// After so many dials in vain nobody believes in a rumour any more.
const VAIN: u32 = 6;

/// A moment: the time since the start.
pub(crate) type Moment = Duration;

/// The plan.
#[derive(Debug)]
pub(crate) struct Schedule {
    pace: Pace,
    targets: BTreeMap<Target, Plan>,
    /// How many of them nobody has met.
    rumours: usize,
    under_way: u32,
    random: u64,
}

#[derive(Debug)]
struct Plan {
    /// Not to be dialled while there is a connection.
    connected: bool,
    next: Moment,
    failures: u32,
    under_way: u32,
    fast_until: Moment,
    /// Nobody has met it: strangers may have made it up.
    rumour: bool,
}

impl Plan {
    fn new(now: Moment, rumour: bool) -> Self {
        let (connected, failures, under_way) = (false, 0, 0);
        Self { connected, next: now, failures, under_way, fast_until: now, rumour }
    }
}

impl Schedule {
    /// `seed` for jitter, best another one for each node.
    pub(crate) fn new(pace: Pace, seed: u64) -> Self {
        Self { pace, targets: BTreeMap::new(), rumours: 0, under_way: 0, random: seed | 1 }
    }

    /// A target that was not known is dialled at once.
    pub(crate) fn know(&mut self, target: Target, now: Moment) {
        self.targets.entry(target).or_insert(Plan::new(now, false));
    }

    /// A target that somebody speaks of: the others come first, and if it is never there it is
    /// forgotten. What finds no room is heard of again.
    pub(crate) fn rumoured(&mut self, target: Target, now: Moment) {
        if self.rumours < MOST_RUMOURS && !self.targets.contains_key(&target) {
            self.targets.insert(target, Plan::new(now, true));
            self.rumours += 1;
        }
    }

    /// A target is of no use: it is this node itself.
    pub(crate) fn forget(&mut self, target: &Target) {
        if let Some(plan) = self.targets.remove(target) {
            self.under_way = self.under_way.saturating_sub(plan.under_way);
            self.rumours -= usize::from(plan.rumour);
        }
    }

    /// How many targets there are.
    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }

    /// Forgets the peers that are not wanted any more.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&PeerId) -> bool) {
        let unwanted = |target: &&Target| matches!(target, Target::Peer(peer) if !wanted(peer));
        let unwanted: Vec<_> = self.targets.keys().filter(unwanted).cloned().collect();
        unwanted.iter().for_each(|target| self.forget(target));
    }

    /// There is a connection.
    pub(crate) fn connected(&mut self, target: &Target) {
        if let Some(plan) = self.targets.get_mut(target) {
            (plan.connected, plan.failures) = (true, 0);
            self.rumours -= usize::from(std::mem::take(&mut plan.rumour));
        }
    }

    /// There is none any more, or none that is of use: dialled at once, and often for a while.
    pub(crate) fn lost(&mut self, target: &Target, now: Moment) {
        if let Some(plan) = self.targets.get_mut(target) {
            (plan.connected, plan.failures, plan.next) = (false, 0, now);
            plan.fast_until = now + self.pace.fast_for;
        }
    }

    /// As after a loss, but not before a pause: this side has closed the connection.
    pub(crate) fn dropped(&mut self, target: &Target, now: Moment) {
        let pause = self.jitter(self.pace.fast * 4);
        if let Some(plan) = self.targets.get_mut(target) {
            (plan.connected, plan.next) = (false, now + pause);
        }
    }

    /// News of a target that may help: another address, its announcement.
    pub(crate) fn hopeful(&mut self, target: &Target, now: Moment) {
        if let Some(plan) = self.targets.get_mut(target) {
            plan.failures = 0;
            if plan.under_way == 0 {
                plan.next = plan.next.min(now);
            }
        }
    }

    /// A dial was started that was not asked for by [`Schedule::due`]; the next one waits.
    pub(crate) fn begun(&mut self, target: &Target, now: Moment) {
        let pause = self.jitter(self.pace.fast);
        if let Some(plan) = self.targets.get_mut(target) {
            plan.next = now + pause;
            plan.under_way += 1;
            self.under_way += 1;
        }
    }

    /// A dial has ended without a connection of use.
    pub(crate) fn failed(&mut self, target: &Target) {
        if let Some(plan) = self.targets.get_mut(target) {
            plan.failures = plan.failures.saturating_add(1);
        }
        self.ended(target);
        let vain = |plan: &Plan| plan.rumour && plan.failures >= VAIN && plan.under_way == 0;
        if self.targets.get(target).is_some_and(vain) {
            self.forget(target);
        }
    }

    /// A dial has ended.
    pub(crate) fn ended(&mut self, target: &Target) {
        if let Some(plan) = self.targets.get_mut(target)
            && plan.under_way > 0
        {
            plan.under_way -= 1;
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    /// Whom to dial now. Each counts as under way until [`Schedule::failed`] or
    /// [`Schedule::ended`].
    pub(crate) fn due(&mut self, now: Moment) -> Vec<Target> {
        let mut due = Vec::new();
        let mut random = self.random;
        let mut ready: Vec<_> =
            self.targets.iter_mut().filter(|(_, plan)| plan.next <= now).collect();
        // Those that wait longest first, and rumours last.
        ready.sort_by_key(|(_, plan)| (plan.rumour, plan.next));
        for (target, plan) in ready {
            if self.under_way >= self.pace.in_all {
                break;
            }
            let fast = now < plan.fast_until;
            let at_once = if fast { self.pace.at_once } else { 1 };
            if plan.connected || plan.under_way >= at_once {
                continue;
            }
            let pause = if fast {
                self.pace.fast
            } else {
                let doubled = self.pace.fast.saturating_mul(1 << plan.failures.min(16));
                doubled.min(self.pace.slowest)
            };
            plan.next = now + stretched(&mut random, pause);
            plan.under_way += 1;
            self.under_way += 1;
            due.push(target.clone());
        }
        self.random = random;
        due
    }

    /// When to ask again; none if nothing waits.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        if self.under_way >= self.pace.in_all {
            return None;
        }
        // One that hangs wakes the task when it ends.
        let waits = |plan: &&Plan| {
            let at_once = if plan.next < plan.fast_until { self.pace.at_once } else { 1 };
            !plan.connected && plan.under_way < at_once
        };
        self.targets.values().filter(waits).map(|plan| plan.next).min()
    }

    fn jitter(&mut self, pause: Duration) -> Duration {
        stretched(&mut self.random, pause)
    }
}

/// A pause, up to a quarter longer.
fn stretched(random: &mut u64, pause: Duration) -> Duration {
    // xorshift64: not for secrets.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let part = u32::try_from(*random % 1024).unwrap_or(0);
    pause + pause * part / 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        fast: Duration::from_millis(200),
        fast_for: Duration::from_secs(60),
        slowest: Duration::from_secs(30),
        at_once: 5,
        in_all: 7,
    };

    fn target(n: u8) -> Target {
        Target::Address(format!("/ip4/10.0.0.{n}/tcp/1").parse().unwrap())
    }

    /// The moments of dials that all fail at once, within so long.
    fn dials(schedule: &mut Schedule, from: Moment, long: Duration) -> Vec<Moment> {
        let mut moments = Vec::new();
        while let Some(next) = schedule.deadline().filter(|next| *next < from + long) {
            for target in schedule.due(next) {
                moments.push(next);
                schedule.failed(&target);
            }
        }
        moments
    }

    #[test]
    fn pauses_double_up_to_the_slowest() {
        let mut schedule = Schedule::new(PACE, 7);
        schedule.know(target(1), Duration::ZERO);
        let moments = dials(&mut schedule, Duration::ZERO, Duration::from_secs(600));
        assert_eq!(moments[0], Duration::ZERO);
        let pauses: Vec<_> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (n, pause) in (0_u32..).zip(&pauses) {
            let plain = (PACE.fast * (1 << n.min(16))).min(PACE.slowest);
            assert!(*pause >= plain && *pause <= plain + plain / 4, "pause {n}: {pause:?}");
        }
        assert!(pauses.len() > 15);
    }

    #[test]
    fn who_was_lost_is_dialled_at_once_and_often_for_a_while() {
        let mut schedule = Schedule::new(PACE, 7);
        schedule.know(target(1), Duration::ZERO);
        assert_eq!(schedule.due(Duration::ZERO), [target(1)]);
        schedule.connected(&target(1));
        schedule.ended(&target(1));
        assert_eq!(schedule.deadline(), None);
        let now = Duration::from_secs(100);
        schedule.lost(&target(1), now);
        let moments = dials(&mut schedule, now, Duration::from_secs(60));
        assert_eq!(moments[0], now);
        assert!((240..=301).contains(&moments.len()), "{} dials in a minute", moments.len());
    }

    #[test]
    fn rumours_come_last_and_end() {
        let mut schedule = Schedule::new(PACE, 7);
        for number in 0..10_000 {
            let peer = Target::Address(format!("/ip4/1.1.1.1/tcp/{number}").parse().unwrap());
            schedule.rumoured(peer, Duration::ZERO);
        }
        assert_eq!(schedule.targets.len(), MOST_RUMOURS);
        schedule.know(target(1), Duration::from_millis(1));
        let due = schedule.due(Duration::from_millis(1));
        assert_eq!((due.len(), &due[0]), (7, &target(1)));
        due.iter().for_each(|target| schedule.failed(target));
        dials(&mut schedule, Duration::from_millis(2), Duration::from_secs(600));
        assert_eq!((schedule.targets.len(), schedule.rumours), (1, 0), "the known one stays");
    }

    #[test]
    fn peers_that_the_book_has_given_up_are_forgotten() {
        let mut schedule = Schedule::new(PACE, 7);
        let peers: Vec<_> = (0..10).map(|_| PeerId::random()).collect();
        for peer in &peers {
            schedule.know(Target::Peer(*peer), Duration::ZERO);
        }
        schedule.know(target(1), Duration::ZERO);
        assert_eq!(schedule.due(Duration::ZERO).len(), 7);
        schedule.keep(|peer| *peer == peers[0]);
        assert_eq!(schedule.len(), 2);
        schedule.keep(|_| false);
        assert_eq!(schedule.len(), 1, "an address is nobody's");
        assert!(schedule.under_way <= 1);
    }

    #[test]
    fn dials_under_way_are_bounded_for_each_and_in_all() {
        let mut schedule = Schedule::new(PACE, 7);
        schedule.know(target(1), Duration::ZERO);
        schedule.lost(&target(1), Duration::ZERO);
        let mut started = 0;
        for step in 0..100 {
            started += schedule.due(Duration::from_millis(100 * step)).len();
        }
        assert_eq!((started, schedule.deadline()), (5, None), "five hang");
        schedule.know(target(2), Duration::ZERO);
        schedule.know(target(3), Duration::ZERO);
        schedule.know(target(4), Duration::ZERO);
        assert_eq!(schedule.due(Duration::from_secs(20)).len(), 2, "seven in all");
        assert_eq!(schedule.deadline(), None);
        schedule.forget(&target(1));
        assert_eq!(schedule.due(Duration::from_secs(20)).len(), 1);
    }
}
