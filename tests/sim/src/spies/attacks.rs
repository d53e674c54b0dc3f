//! What the spies try when all is over: paper 001, section V-A (key independence), with the real
//! messages of the run.

use super::{Book, Life, RunName, RunOf, Spies};
use cenacle_plugin::conformance::{Overheard, combined, replayed};
use cenacle_plugin::{Event, GroupSecret, KeyAgreement, MemberId, Outbox};
use std::collections::BTreeMap;

/// Attacks of each kind in one run of the simulator: each costs as much as a life.
const ATTACKS: usize = 2;
/// Messages that are combined with what an attacker holds.
const MOST_OVERHEARD: usize = 40;

/// Somebody who was there before or after a run, and the run.
struct Target<'a> {
    outsider: &'a Life,
    member: &'a Life,
    run: &'a RunOf,
    secret: &'a GroupSecret,
}

impl Spies {
    /// What the spies tried, and what they found out that they must not know.
    pub(crate) fn findings(&self) -> Findings {
        let book = self.book();
        let (departures, arrivals) = (book.departures(), book.arrivals());
        let ex_members = few(&departures).map(|target| book.ex_member(target));
        let newcomers = few(&arrivals).map(|target| book.newcomer(target));
        let tried: Vec<Option<String>> = ex_members.chain(newcomers).collect();
        let attacks = tried.len() as u64;
        let found = book.repeated().into_iter().chain(tried.into_iter().flatten()).collect();
        Findings { attacks, found }
    }
}

/// What spies did.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) attacks: u64,
    /// Nothing if all is well.
    pub(crate) found: Vec<String>,
}

impl Book {
    /// Secrets that served two runs.
    fn repeated(&self) -> Vec<String> {
        let mut first: BTreeMap<[u8; 32], RunName> = BTreeMap::new();
        let mut found = Vec::new();
        for run in self.lives.iter().flat_map(|life| &life.runs) {
            let Some(secret) = &run.secret else { continue };
            let before = *first.entry(*secret.expose()).or_insert(run.name);
            if before != run.name {
                found.push(format!(
                    "the secret of run {} came again in {}",
                    hex(&before),
                    hex(&run.name)
                ));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Runs with the members that had gone just before them.
    fn departures(&self) -> Vec<Target<'_>> {
        self.pairs(|before, after| (after, before))
    }

    /// Runs with the members that came just after them.
    fn arrivals(&self) -> Vec<Target<'_>> {
        self.pairs(|before, after| (before, after))
    }

    /// Of each two confirmed runs after one another at a member: the one under attack, and those of
    /// the other one's members that were not in it.
    fn pairs<'a>(
        &'a self,
        order: impl Fn(&'a RunOf, &'a RunOf) -> (&'a RunOf, &'a RunOf),
    ) -> Vec<Target<'a>> {
        let mut targets = Vec::new();
        let mut known: Vec<(RunName, MemberId)> = Vec::new();
        for member in &self.lives {
            let confirmed: Vec<&RunOf> = member.runs.iter().filter(|run| run.confirmed).collect();
            for two in confirmed.windows(2) {
                let [before, after] = two else { continue };
                let (run, other) = order(before, after);
                let Some(secret) = &run.secret else { continue };
                for id in other.members.iter().filter(|id| !run.members.contains(id)) {
                    let known_already =
                        known.iter().any(|(name, who)| *name == run.name && who == id);
                    let there = |life: &&Life| {
                        life.me.as_ref() == Some(id)
                            && life.runs.iter().any(|r| r.name == other.name)
                    };
                    if let (false, Some(outsider)) = (known_already, self.lives.iter().find(there))
                    {
                        known.push((run.name, id.clone()));
                        targets.push(Target { outsider, member, run, secret });
                    }
                }
            }
        }
        targets
    }

    /// An ex-member with all its state, in the place of a member, and by combining what it holds with
    /// every message of the run.
    fn ex_member(&self, target: &Target<'_>) -> Option<String> {
        let Target { outsider, member, run, secret } = target;
        let begun = member.events.get(run.begun).map_or(0, |(clock, _)| *clock);
        let history = lived(outsider, |clock| clock < begun);
        let end = member.runs.iter().map(|r| r.begun).find(|next| *next > run.begun);
        let end = end.unwrap_or(member.events.len());
        let told: Vec<Event> = member
            .events
            .get(run.begun..end)
            .unwrap_or_default()
            .iter()
            .map(|(_, event)| event.clone())
            .collect();
        let fresh = outsider.fresh(self.defect)?;
        let way = if replayed(fresh, &history, &told, secret) {
            "by replay"
        } else if combined(
            self.aged(outsider, &history)?.as_ref(),
            &self.overheard(run.name),
            secret,
        ) {
            "by combining"
        } else {
            return None;
        };
        let who = outsider.name();
        Some(format!("{who} has gone, and learns the secret of run {} {way}", hex(&run.name)))
    }

    /// A newcomer that has heard every message before it came.
    fn newcomer(&self, target: &Target<'_>) -> Option<String> {
        let Target { outsider, run, secret, .. } = target;
        let all = lived(outsider, |_| true);
        let overheard = self.overheard(run.name);
        let who = outsider.name();
        combined(self.aged(outsider, &all)?.as_ref(), &overheard, secret)
            .then(|| format!("{who} came later, and learns the secret of run {}", hex(&run.name)))
    }

    /// An instance that has lived through all that.
    fn aged(&self, life: &Life, history: &[Event]) -> Option<Box<dyn KeyAgreement>> {
        let mut instance = life.fresh(self.defect)?;
        for event in history {
            // What was refused then is refused again.
            drop(instance.handle(event, &mut Outbox::new()));
        }
        Some(instance)
    }

    /// What anybody said in a run.
    fn overheard(&self, name: RunName) -> Vec<Overheard> {
        let runs = self.lives.iter().flat_map(|life| &life.runs).filter(|run| run.name == name);
        let said = runs.flat_map(|run| &run.said);
        said.map(|body| (name, body.clone())).take(MOST_OVERHEARD).collect()
    }
}

/// Some of them, from everywhere in the run.
fn few<'a, 'b>(targets: &'b [Target<'a>]) -> impl Iterator<Item = &'b Target<'a>> {
    let step = targets.len().div_ceil(ATTACKS).max(1);
    targets.iter().step_by(step)
}

fn lived(life: &Life, when: impl Fn(u64) -> bool) -> Vec<Event> {
    let events = life.events.iter().filter(|(clock, _)| when(*clock));
    events.map(|(_, event)| event.clone()).collect()
}

fn hex(name: &RunName) -> String {
    name.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
