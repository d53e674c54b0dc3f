//! When to ask whom for what is missing.

use crate::{settings::Settings, streams::Streams, time::Time, wire::vectors::Need};
use std::collections::BTreeMap;

/// Requests to an origin that went unanswered before it counts as unheard.
const UNHEARD: u32 = 2;

/// How long a subscription to forwarded frames lasts, in retries; it is renewed at half of it.
pub(crate) const SUBSCRIPTION: u32 = 32;

#[derive(Debug, Default)]
struct Gap {
    /// Where it begins, to see progress.
    first: u64,
    at: Time,
    tries: u32,
}

/// The gaps of one configuration.
#[derive(Debug)]
pub(crate) struct Repair {
    gaps: BTreeMap<u16, Gap>,
    /// Origins whose frames come through the leader; when to renew that.
    unheard: BTreeMap<u16, Time>,
    /// What each rank said last that it has of every stream.
    digests: BTreeMap<u16, Vec<u64>>,
    /// During recovery: who has what, instead of guesses, and who goes on.
    holders: Option<(Vec<u16>, Vec<u16>)>,
}

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Send this range; in recovery perhaps through another survivor.
    Need { to: u16, through: Option<u16>, need: Need },
    /// Forward this origin's frames to me for a while.
    Subscribe { origin: u16 },
}

impl Repair {
    pub(crate) fn new() -> Self {
        Self {
            gaps: BTreeMap::new(),
            unheard: BTreeMap::new(),
            digests: BTreeMap::new(),
            holders: None,
        }
    }

    /// A member's heartbeat: what it has.
    pub(crate) fn digest(&mut self, rank: u16, received: Vec<u64>) {
        self.digests.insert(rank, received);
    }

    /// A frame of this origin came from itself.
    pub(crate) fn heard(&mut self, origin: u16) {
        if !self.unheard.is_empty() {
            self.unheard.remove(&origin);
        }
    }

    /// Whether this origin is only heard through others.
    pub(crate) fn is_unheard(&self, origin: u16) -> bool {
        self.unheard.contains_key(&origin)
    }

    /// From now on these ranks are asked, for streams up to a plan's target.
    pub(crate) fn recover(&mut self, holders: Vec<u16>, survivors: Vec<u16>) {
        self.holders = Some((holders, survivors));
        self.gaps.clear();
        // The leader may be what is gone.
        self.unheard.clear();
    }

    /// Whether nothing is missing, as far as known.
    pub(crate) fn is_idle(&self) -> bool {
        self.gaps.is_empty() && self.unheard.is_empty()
    }

    /// The requests that are due.
    pub(crate) fn due(
        &mut self,
        (streams, me): (&Streams, u16),
        settings: &Settings,
        now: Time,
    ) -> Vec<Request> {
        let mut requests = Vec::new();
        for (origin, stream) in streams.ranks() {
            let Some((first, last)) = stream.gap().filter(|_| origin != me) else {
                self.gaps.remove(&origin);
                continue;
            };
            let patience = if self.holders.is_some() { now } else { now + settings.repair_delay };
            let gap = self.gaps.entry(origin).or_insert(Gap { first, at: patience, tries: 0 });
            if gap.first != first {
                // It moves; what follows is probably under way.
                *gap = Gap { first, at: now + settings.retry, tries: 0 };
            }
            if now < gap.at {
                continue;
            }
            let tries = gap.tries;
            gap.tries += 1;
            gap.at = now + settings.retry * (1 + tries.min(3));
            if let Some(to) = self.whom((origin, me), last, tries, streams.size()) {
                let through = self.detour((to, me), tries);
                requests.push(Request::Need { to, through, need: Need { origin, first, last } });
            }
            if tries == UNHEARD && self.holders.is_none() && origin != 0 && me != 0 {
                self.unheard.insert(origin, now);
            }
        }
        for (&origin, renew) in &mut self.unheard {
            if now >= *renew {
                *renew = now + settings.retry * (SUBSCRIPTION / 2);
                requests.push(Request::Subscribe { origin });
            }
        }
        requests
    }

    /// The origin first, then the leader, then whoever said that it has the entries.
    fn whom(&self, (origin, me): (u16, u16), last: u64, tries: u32, size: usize) -> Option<u16> {
        if let Some((holders, _)) = &self.holders {
            return holders.get(usize::from(origin)).copied().filter(|&r| r != me);
        }
        let has = |rank: &u16| {
            self.digests
                .get(rank)
                .and_then(|d| d.get(usize::from(origin)))
                .is_some_and(|&n| n >= last)
        };
        let mut candidates = vec![];
        if !self.is_unheard(origin) || size == 2 {
            candidates.push(origin);
        }
        candidates.extend([0].into_iter().chain(self.digests.keys().copied().filter(has)));
        candidates.retain(|&rank| rank != me);
        candidates.dedup();
        let index = usize::try_from(tries).ok()?.checked_rem(candidates.len())?;
        candidates.get(index).copied()
    }

    /// In recovery: a holder that does not answer is asked through one of the other survivors, since
    /// the two may not hear each other.
    fn detour(&self, (to, me): (u16, u16), tries: u32) -> Option<u16> {
        let (_, survivors) = self.holders.as_ref()?;
        let others: Vec<u16> = survivors.iter().copied().filter(|&r| r != to && r != me).collect();
        let turn = usize::try_from(tries.checked_sub(1)?).ok()?;
        others.get(turn.checked_rem(others.len())?).copied()
    }

    /// When something is due next.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let gaps = self.gaps.values().map(|g| g.at);
        gaps.chain(self.unheard.values().copied()).min()
    }
}
