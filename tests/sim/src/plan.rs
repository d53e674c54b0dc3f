//! What a run is, drawn from its seed: settings, links, habits, who joins what, and faults.

use crate::{
    LeftOut,
    faults::{Fault, Preset, Scale, schedule},
    naming,
    network::Links,
    random::Random,
    secure,
    shared::Costs,
    workload::Habits,
};
use cenacle_core::{GroupName, NodeId, Semantics, Settings};
use cenacle_secure::Signer;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What groups promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Promise {
    /// Virtual synchrony.
    Vs,
    /// Extended virtual synchrony.
    Evs,
    /// The one in every other group.
    Both,
}

impl Promise {
    /// As the command line spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vs => "vs",
            Self::Evs => "evs",
            Self::Both => "both",
        }
    }

    fn of_group(self, number: usize) -> Semantics {
        match self {
            Self::Vs => Semantics::Vs,
            Self::Evs => Semantics::Evs,
            Self::Both if number.is_multiple_of(2) => Semantics::Vs,
            Self::Both => Semantics::Evs,
        }
    }
}

/// A run, as it is asked for.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// All chance comes from it.
    pub seed: u64,
    /// How many nodes.
    pub nodes: usize,
    /// How many members; by the seed if 0.
    pub members: usize,
    /// How many groups; by the seed if 0.
    pub groups: usize,
    /// What goes wrong.
    pub faults: Preset,
    /// How many virtual seconds, the time to settle not counted.
    pub seconds: u64,
    /// What groups promise.
    pub semantics: Promise,
    /// What agrees on the groups' keys, if they have keys.
    pub key_agreement: Option<String>,
    /// A rule that is left out.
    pub defect: Option<LeftOut>,
    /// Where the trace goes.
    pub trace: Option<PathBuf>,
    /// An oracle reads along.
    pub judged: bool,
    /// The trace is kept in memory.
    pub kept: bool,
    /// Each member sends one message of 200 bytes a second; settings, links and sizes are the same
    /// for all seeds.
    pub large: bool,
    /// The settings are the engine's defaults; else they are mostly faster.
    pub as_shipped: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            nodes: 5,
            members: 0,
            groups: 0,
            faults: Preset::Rough,
            seconds: 30,
            semantics: Promise::Vs,
            key_agreement: None,
            defect: None,
            trace: None,
            judged: true,
            kept: false,
            large: false,
            as_shipped: false,
        }
    }
}

impl RunOptions {
    /// A hundred nodes, ten groups, a thousand members.
    pub fn large(seed: u64) -> Self {
        Self {
            seed,
            nodes: 100,
            members: 1000,
            groups: 10,
            seconds: 60,
            large: true,
            as_shipped: true,
            ..Self::default()
        }
    }

    /// The command that does this run again.
    pub fn command(&self) -> String {
        let Self { seed, nodes, members, groups, seconds, .. } = self;
        let mut command = format!(
            "cenacle-sim run --seed {seed} --nodes {nodes} --members {members} --groups {groups} \
             --faults {} --seconds {seconds} --semantics {}",
            self.faults.as_str(),
            self.semantics.as_str()
        );
        if self.as_shipped {
            command.push_str(" --scenario large");
        }
        if let Some(module) = &self.key_agreement {
            command.push_str(&format!(" --key-agreement {module}"));
        }
        if let Some(defect) = self.defect {
            command.push_str(&format!(" --defect {defect}"));
        }
        command
    }
}

/// A run, drawn.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What all nodes are told, but for name, priority and seed.
    pub settings: Settings,
    /// The network.
    pub links: Links,
    /// What members do.
    pub habits: Habits,
    /// What frames cost.
    pub costs: Costs,
    /// The groups that a member at each place joins when its node comes up.
    pub joins: Vec<Vec<usize>>,
    /// When each node comes up first.
    pub starts: Vec<u64>,
    /// Priorities by place.
    pub priorities: Vec<u32>,
    /// Groups have keys: nodes have identities.
    pub has_keys: bool,
    /// How much goes wrong.
    pub preset: Preset,
    /// A rule that is left out.
    pub defect: Option<LeftOut>,
    /// What goes wrong.
    pub faults: Vec<(u64, Fault)>,
    /// The mean time between joins and leaves; 0: none.
    pub churn: u64,
    /// Transports tell of connections.
    pub hints: bool,
    /// The most that a clock is fast or slow, in millionths.
    pub skew: u64,
    /// Where chance goes on from.
    pub random: Random,
}

/// The members of a run send at least so many messages each, on the whole.
pub(crate) const MESSAGES: u64 = 200;

impl Plan {
    /// Draws the run.
    pub fn new(options: &RunOptions) -> Self {
        let random = Random::new(options.seed);
        let mut draw = random.fork(1 << 32);
        let calm = options.faults == Preset::Calm;
        let nodes = options.nodes.max(1);
        let group_count = match options.groups {
            0 => usize::try_from(draw.between(1, 3)).unwrap_or(1),
            groups => groups,
        };
        let member_count = match options.members {
            0 => usize::try_from(draw.between(nodes as u64, 3 * nodes as u64)).unwrap_or(nodes),
            members => members,
        };
        let mut settings = match (options.as_shipped, options.large) {
            (true, _) => Settings::new(naming::node(&random, 0, 1), "simulated"),
            (_, true) => fast(&random),
            _ => some_settings(&random, &mut draw),
        };
        settings.defect = match options.defect {
            Some(LeftOut::Engine(defect)) => Some(defect),
            _ => None,
        };
        let has_keys = options.key_agreement.is_some();
        if has_keys {
            // Members say as much as in other runs, and seals come on top.
            settings.max_message += 1 << 10;
        }
        let links = some_links(options, &settings, &mut draw);
        let end = options.seconds.max(1) * 1_000_000;
        let scale = Scale {
            active: ((end / 20).max(500_000).min(end), end.saturating_sub(end / 20)),
            suspect_after: micros(settings.suspect_after),
        };
        let faults = schedule(options.faults, scale, &mut draw);
        let habits = some_habits(options, group_count, &mut draw);
        let late = |draw: &mut Random| {
            if !options.large && draw.chance(0.2) { 5_000_000.min(end / 3) } else { 50_000 }
        };
        Self {
            links,
            costs: Costs { frame: draw.pick(&[2_000, 5_000, 20_000]), byte: 500 },
            joins: joins(nodes, member_count, group_count),
            starts: (0..nodes)
                .map(|_| {
                    let late = late(&mut draw);
                    draw.below(late)
                })
                .collect(),
            priorities: priorities(nodes, &mut draw),
            has_keys,
            preset: options.faults,
            defect: options.defect,
            faults,
            churn: if options.large { 0 } else { end / draw.between(6, 20) },
            hints: draw.chance(0.5),
            skew: if calm { 100 } else { draw.pick(&[100, 100, 2_000, 20_000]) },
            habits,
            settings,
            random,
        }
    }

    /// The node of a place in one of its lives, and its key if it needs one.
    pub fn identity(&self, place: usize, life: u64) -> (NodeId, Option<Arc<Signer>>) {
        if !self.has_keys {
            return (naming::node(&self.random, place, life), None);
        }
        let signer = secure::signer(&self.random, place);
        (NodeId { key: *signer.public_key(), incarnation: life }, Some(signer))
    }

    /// What the node of a place is told.
    pub fn settings_of(&self, node: NodeId) -> Settings {
        let place = naming::place(node);
        let mut settings = self.settings.clone();
        settings.node = node;
        settings.priority = self.priorities.get(place).copied().unwrap_or(0);
        settings.seed = self.random.fork(node.incarnation << 16 | place as u64).draw();
        settings
    }
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Settings for short runs: everything about five times as fast as the defaults.
pub fn fast(random: &Random) -> Settings {
    let ms = Duration::from_millis;
    let mut settings = Settings::new(naming::node(random, 0, 1), "simulated");
    settings.heartbeat = ms(50);
    settings.suspect_after = ms(200);
    settings.beacon = ms(200);
    settings.propose_limit = ms(150);
    settings.stagger = ms(20);
    settings.retry = ms(30);
    settings.ack_interval = ms(20);
    settings.turn_idle = ms(200);
    settings.flush_limit = ms(2_000);
    settings.slow_limit = ms(2_000);
    settings.shutdown_limit = ms(1_000);
    settings
}

/// Mostly fast ones, with limits that are reached; now and then the defaults.
fn some_settings(random: &Random, draw: &mut Random) -> Settings {
    let mut settings = fast(random);
    if draw.chance(0.15) {
        settings = Settings::new(settings.node, settings.overlay);
    }
    settings.direct_promises = draw.pick(&[0, 2, 8, 8]);
    settings.max_active = draw.pick(&[2, 4, 256, 256]);
    settings.window = draw.pick(&[64 << 10, 256 << 10, 4 << 20]);
    settings.queue = draw.pick(&[512 << 10, 8 << 20]);
    settings.max_unread = draw.pick(&[64 << 10, 512 << 10, 16 << 20]);
    // Near the largest that members say: nobody uses more by mistake.
    settings.max_message = draw.pick(&[300 << 10, 1 << 20]);
    settings.max_blob = 8 << 10;
    settings
}

fn some_links(options: &RunOptions, settings: &Settings, draw: &mut Random) -> Links {
    let slow = settings.suspect_after >= Duration::from_secs(1);
    let spreads: &[u64] = if slow { &[800, 20_000, 50_000] } else { &[800, 4_000, 15_000] };
    let mut links = Links { spread: draw.pick(spreads), ..Links::default() };
    links.latency = draw.between(50, (links.spread / 3).max(50));
    if draw.chance(0.3) {
        links.distance = links.spread / 2;
    }
    if options.large {
        links = Links::default();
    }
    if options.faults == Preset::Calm {
        return links;
    }
    links.loss = match options.faults {
        Preset::Savage => draw.pick(&[0.0, 0.02, 0.1, 0.2]),
        _ => draw.pick(&[0.0, 0.001, 0.01]),
    };
    links.duplicate = draw.pick(&[0.0, 0.001, 0.02]);
    links.reorder = draw.pick(&[0.0, 0.001, 0.02]);
    links.in_order = draw.chance(0.7);
    links.held = draw.pick(&[0.0, 0.0, 0.5]);
    links
}

fn some_habits(options: &RunOptions, groups: usize, draw: &mut Random) -> Habits {
    let named = |number| {
        // `g0`, `g1`… are names that groups can have.
        naming::group(number).parse::<GroupName>().ok().map(|name| (name, number))
    };
    let groups = (0..groups).filter_map(named);
    let mut habits =
        Habits::new(groups.map(|(name, at)| (name, options.semantics.of_group(at))).collect());
    if options.large {
        use cenacle_core::Service::{Agreed, Causal, Fifo};
        habits.services = vec![Agreed, Fifo, Causal];
        habits.length = Some(200);
        habits.pace = 1_000_000;
        return habits;
    }
    habits.key_agreement = options.key_agreement.clone();
    habits.refresh = if options.key_agreement.is_some() { 0.002 } else { 0.0 };
    habits.services = Habits::every_service();
    habits.answer = draw.pick(&[0.0, 0.1, 0.2]);
    habits.volley = 0.1;
    // One act is 1.4 messages on average; the rest is for the time when a member cannot send.
    habits.pace = options.seconds.max(1) * 1_000_000 / MESSAGES;
    habits.manual_flush = draw.pick(&[0.0, 0.0, 0.3]);
    habits.flush_after = 100_000;
    habits.rejoin = 0.3;
    habits.other_charter = draw.pick(&[0.0, 0.05]);
    habits.blob = draw.pick(&[0, 20, 1_000]);
    if options.faults == Preset::Savage && draw.chance(0.2) {
        // Some are put out for it.
        habits.flush_after = 6_000_000;
    }
    habits
}

/// Members go round the nodes, and at each node round the groups.
fn joins(nodes: usize, members: usize, groups: usize) -> Vec<Vec<usize>> {
    let mut joins = vec![Vec::new(); nodes];
    for member in 0..members {
        if let Some(there) = joins.get_mut(member % nodes) {
            there.push(
                (member / nodes + member % nodes * usize::from(members <= nodes)) % groups.max(1),
            );
        }
    }
    joins
}

/// Mostly all alike; now and then somebody is to lead.
fn priorities(nodes: usize, draw: &mut Random) -> Vec<u32> {
    let some = draw.chance(0.3);
    let mut one = || if some { u32::try_from(draw.below(3)).unwrap_or(0) } else { 0 };
    (0..nodes).map(|_| one()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_spread_over_nodes_and_groups() {
        let joins = joins(100, 1000, 10);
        assert!(joins.iter().all(|there| *there == (0..10).collect::<Vec<_>>()));
        let few = super::joins(5, 5, 2);
        assert_eq!(few, vec![vec![0], vec![1], vec![0], vec![1], vec![0]]);
    }

    #[test]
    fn a_plan_is_a_function_of_its_options() {
        let options = RunOptions { seed: 9, ..RunOptions::default() };
        let plans = [Plan::new(&options), Plan::new(&options)].map(|plan| format!("{plan:?}"));
        assert_eq!(plans[0], plans[1]);
        assert!(options.command().contains("--seed 9 --nodes 5"));
    }
}
