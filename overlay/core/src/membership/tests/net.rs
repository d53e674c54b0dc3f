//! The net: delays, loss, cuts, crashes, and an engine that does no more than membership needs.

use super::{
    super::{Context, Effect, Happening, Installation, Membership, Past},
    node,
};
use crate::{
    configuration::{Configuration, Peer},
    figures::{Figures, Rare},
    ids::{Ballot, NodeId},
    settings::Settings,
    time::Time,
    wire::{
        control::{Membership as Message, Report},
        heartbeat::Heartbeat,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Streams that never carry anything but what a test says.
pub(super) struct StubPast {
    pub(super) report: Report,
}

impl Past for StubPast {
    fn report(&self) -> Report {
        self.report.clone()
    }

    fn digest(&self) -> (Vec<u64>, Vec<u64>) {
        (self.report.complete.clone(), self.report.promises.clone())
    }
}

/// One node.
pub(super) struct Host {
    pub(super) settings: Settings,
    pub(super) configuration: Configuration,
    pub(super) machine: Membership,
    pub(super) figures: Figures,
    pub(super) past: StubPast,
    pub(super) gone: bool,
    pub(super) backlogged: bool,
    pub(super) frozen: bool,
    plans: u64,
    pub(super) installations: Vec<Installation>,
    pub(super) warnings: Vec<String>,
}

impl Host {
    pub(super) fn new(settings: Settings, now: Time) -> Self {
        let me = Peer { node: settings.node, priority: settings.priority };
        let id = Ballot { epoch: 1, proposer: me.node };
        let configuration = Configuration::new(&settings.overlay, id, vec![me], me.node);
        let machine = Membership::new(&settings, now);
        let past = stub(&configuration, settings.priority);
        Self {
            settings,
            configuration,
            machine,
            figures: Figures::default(),
            past,
            gone: false,
            backlogged: false,
            frozen: false,
            plans: 0,
            installations: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Puts the machine into a configuration, as if it had been installed.
    pub(super) fn with(mut self, id: Ballot, members: Vec<Peer>, now: Time) -> Self {
        let (overlay, me) = (self.settings.overlay.clone(), self.settings.node);
        self.configuration = Configuration::new(&overlay, id, members, me);
        self.past = stub(&self.configuration, self.settings.priority);
        self.handle(now, Happening::Installed);
        self
    }

    /// One happening; what comes out, nothing done about it.
    pub(super) fn handle(&mut self, now: Time, happening: Happening) -> Vec<Effect> {
        let mut effects = Vec::new();
        let (settings, past) = (&self.settings, &self.past);
        let (configuration, backlogged) = (&self.configuration, self.backlogged);
        let context = Context { now, settings, configuration, past, backlogged };
        self.machine.handle(&context, happening, &mut self.figures, &mut effects);
        effects
    }

    fn install(&mut self, installation: Installation) {
        let (overlay, me) = (self.settings.overlay.clone(), self.settings.node);
        let members = installation.members.clone();
        self.configuration = Configuration::new(&overlay, installation.ballot, members, me);
        self.past = stub(&self.configuration, self.settings.priority);
        self.installations.push(installation);
        self.frozen = false;
    }
}

fn stub(configuration: &Configuration, priority: u32) -> StubPast {
    let size = configuration.size();
    let report = Report {
        configuration: configuration.id,
        priority,
        base: configuration.id,
        members: configuration.nodes().collect(),
        complete: vec![0; size],
        promises: vec![0; size],
        stable: vec![0; size],
    };
    StubPast { report }
}

enum Parcel {
    Message(Box<Message>),
    Heartbeat(Heartbeat),
    Closed,
    /// The engine has fetched what the plan of this number wants.
    Reached(u64),
}

/// The world.
pub(super) struct Net {
    pub(super) now: Time,
    pub(super) hosts: BTreeMap<NodeId, Host>,
    /// One-way cuts.
    pub(super) cut: BTreeSet<(NodeId, NodeId)>,
    /// In percent.
    pub(super) loss: u64,
    /// Messages that vanish.
    pub(super) swallow: fn(NodeId, NodeId, &Message) -> bool,
    seed: u64,
    counter: u64,
    parcels: BTreeMap<(Time, u64), (NodeId, NodeId, Parcel)>,
    pub(super) calls: u64,
}

impl Net {
    pub(super) fn new(nodes: u8, seed: u64) -> Self {
        let mut net = Self {
            now: Time(1_000_000),
            hosts: BTreeMap::new(),
            cut: BTreeSet::new(),
            loss: 0,
            swallow: |_, _, _| false,
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            counter: 0,
            parcels: BTreeMap::new(),
            calls: 0,
        };
        for number in 1..=nodes {
            net.start(node(number));
        }
        net
    }

    pub(super) fn start(&mut self, id: NodeId) {
        let mut settings = Settings::new(id, "test");
        settings.seed = self.draw(1 << 30);
        self.hosts.insert(id, Host::new(settings, self.now));
    }

    pub(super) fn draw(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 20) % below
    }

    /// A node's number, from 1.
    pub(super) fn draw_node(&mut self, nodes: u8) -> u8 {
        u8::try_from(1 + self.draw(u64::from(nodes))).unwrap()
    }

    pub(super) fn host(&self, number: u8) -> &Host {
        &self.hosts[&node(number)]
    }

    /// Cuts all links between these and the others.
    pub(super) fn part(&mut self, numbers: &[u8]) {
        let side: BTreeSet<_> = numbers.iter().map(|&number| node(number)).collect();
        let all: Vec<_> = self.hosts.keys().copied().collect();
        for &a in &all {
            for &b in &all {
                if side.contains(&a) != side.contains(&b) {
                    self.cut.insert((a, b));
                }
            }
        }
    }

    /// The process ends; its connections close.
    pub(super) fn crash(&mut self, number: u8) {
        let gone = node(number);
        self.hosts.remove(&gone);
        let others: Vec<_> = self.hosts.keys().copied().collect();
        for other in others {
            self.post(gone, other, Parcel::Closed);
        }
    }

    fn post(&mut self, from: NodeId, to: NodeId, parcel: Parcel) {
        if self.draw(100) < self.loss && matches!(parcel, Parcel::Message(_) | Parcel::Heartbeat(_))
        {
            return;
        }
        let delay = Duration::from_micros(200 + self.draw(2000));
        self.counter += 1;
        self.parcels.insert((self.now + delay, self.counter), (from, to, parcel));
    }

    /// One happening at a node, and what follows from it.
    pub(super) fn give(&mut self, to: NodeId, happening: Happening) {
        self.calls += 1;
        let now = self.now;
        let Some(host) = self.hosts.get_mut(&to).filter(|host| !host.gone) else { return };
        for effect in host.handle(now, happening) {
            self.carry_out(to, effect);
        }
    }

    fn carry_out(&mut self, at: NodeId, effect: Effect) {
        match effect {
            Effect::Send(to, message) => {
                assert_ne!(to, at, "a node sends to itself");
                self.post(at, to, Parcel::Message(Box::new(message)));
            }
            Effect::Heartbeat(listeners, heartbeat) => {
                for to in listeners {
                    assert_ne!(to, at, "a node sends to itself");
                    self.post(at, to, Parcel::Heartbeat(heartbeat.clone()));
                }
            }
            Effect::Announce(message) => {
                let others: Vec<_> = self.hosts.keys().copied().filter(|&n| n != at).collect();
                for other in others {
                    self.post(at, other, Parcel::Message(Box::new(message.clone())));
                }
            }
            Effect::Recover(_) => {
                self.edit(at, |host| host.plans += 1);
                let plans = self.hosts.get(&at).map_or(0, |host| host.plans);
                self.post(at, at, Parcel::Reached(plans));
            }
            Effect::Install(installation) => {
                if let Some(host) = self.hosts.get_mut(&at) {
                    assert!(host.frozen, "installs without having stopped");
                    assert!(installation.ballot > host.configuration.id, "goes back");
                    host.install(installation);
                }
                self.give(at, Happening::Installed);
            }
            Effect::GiveUp => self.edit(at, |host| host.plans += 1),
            Effect::Freeze => self.edit(at, |host| {
                assert!(!host.frozen, "stops twice");
                host.frozen = true;
            }),
            Effect::Gone => self.edit(at, |host| host.gone = true),
            Effect::Warning(warning) => {
                self.edit(at, |host| host.warnings.push(format!("{warning:?}")));
            }
        }
    }

    fn edit(&mut self, at: NodeId, change: impl FnOnce(&mut Host)) {
        if let Some(host) = self.hosts.get_mut(&at) {
            change(host);
        }
    }

    pub(super) fn run(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        loop {
            let due = |(&id, host): (&NodeId, &Host)| {
                host.machine.deadline().filter(|_| !host.gone).map(|at| (at, id))
            };
            let tick = self.hosts.iter().filter_map(due).min();
            let parcel = self.parcels.keys().next().copied();
            let at = [tick.map(|t| t.0), parcel.map(|p| p.0)].into_iter().flatten().min();
            let Some(at) = at.filter(|&at| at <= end) else { break };
            self.now = self.now.max(at);
            match parcel.filter(|key| key.0 == at) {
                Some(key) => self.deliver(key),
                None => self.give(tick.unwrap().1, Happening::Tick),
            }
        }
        self.now = end;
        self.check();
    }

    fn deliver(&mut self, key: (Time, u64)) {
        let Some((from, to, parcel)) = self.parcels.remove(&key) else { return };
        match parcel {
            Parcel::Reached(plan) => {
                if self.hosts.get(&to).is_some_and(|host| host.plans == plan) {
                    self.give(to, Happening::Reached);
                }
            }
            Parcel::Closed => self.give(to, Happening::Closed(from)),
            Parcel::Heartbeat(heartbeat) => {
                if !self.cut.contains(&(from, to)) {
                    self.give(to, Happening::Alive(from));
                    self.give(to, Happening::Heartbeat(from, heartbeat));
                }
            }
            Parcel::Message(message) => {
                if !self.cut.contains(&(from, to)) && !(self.swallow)(from, to, &message) {
                    self.give(to, Happening::Alive(from));
                    self.give(to, Happening::Message(from, *message));
                }
            }
        }
    }

    /// Who has installed one ballot agrees on what it is.
    fn check(&self) {
        let mut known: BTreeMap<Ballot, &Installation> = BTreeMap::new();
        for installation in self.hosts.values().flat_map(|host| &host.installations) {
            let other = known.entry(installation.ballot).or_insert(installation);
            assert_eq!(other.members, installation.members);
            assert_eq!(other.classes, installation.classes);
            if other.plan.configuration == installation.plan.configuration {
                assert_eq!(other.plan, installation.plan);
            }
        }
    }

    /// The members of a node's configuration, by number.
    pub(super) fn members(&self, number: u8) -> Vec<u8> {
        self.host(number).configuration.nodes().map(|id| id.key[0]).collect()
    }

    /// These are operational in one configuration of exactly them.
    pub(super) fn assert_together(&self, numbers: &[u8]) {
        for &number in numbers {
            let host = self.host(number);
            assert!(host.machine.is_operational(), "{number} is not operational");
            assert_eq!(self.members(number), numbers, "the members that {number} has");
            assert_eq!(host.configuration.id, self.host(numbers[0]).configuration.id);
        }
    }

    pub(super) fn saw(&self, case: Rare) -> u64 {
        self.hosts.values().map(|host| host.figures.rare(case)).sum()
    }

    pub(super) fn installations(&self) -> usize {
        self.hosts.values().map(|host| host.installations.len()).sum()
    }
}
