//! The machine by itself: several of them are fed the same sequence of control entries, at once.

mod evs;
mod limits;
mod lives;
mod merges;
mod messages;
mod vs;

use super::*;
use crate::{
    Join, MemberId, Output, Peer, SameCharter, ViewId,
    ids::{ConfigurationTag, Position},
};
use std::{collections::VecDeque, time::Duration};

struct Node {
    settings: Settings,
    groups: Groups,
    configuration: Configuration,
    figures: Figures,
    out: Outbox,
    waiting: Vec<Message>,
    backlogged: bool,
    sent: u64,
    delivered: Vec<u64>,
}

/// All nodes; those with the same configuration hear each other.
struct Net {
    nodes: Vec<Node>,
    now: Time,
    clocks: BTreeMap<Ballot, u64>,
    epoch: u64,
    entries: VecDeque<(Ballot, u16, Order, ControlEntry)>,
    frames: VecDeque<(usize, NodeId, Bytes)>,
    /// Entries and frames stay on their way.
    is_frozen: bool,
    loses_frames: bool,
    warnings: Vec<Warning>,
}

fn name() -> GroupName {
    "g".parse().unwrap()
}

fn id(node: usize) -> NodeId {
    NodeId { key: [b'a' + u8::try_from(node).unwrap(); 32], incarnation: 1 }
}

fn member(node: usize, local: u32) -> MemberId {
    MemberId { node: id(node), local }
}

fn wish(semantics: Semantics) -> Join {
    let none = Bytes::new();
    let (charter, blob, manual_flush) = (none.clone(), none, false);
    Join { group: name(), local: 1, semantics, charter, blob, manual_flush }
}

fn manual() -> Join {
    Join { manual_flush: true, ..wish(Semantics::Vs) }
}

/// Calls a method with what it may look at.
macro_rules! with {
    ($net:expr, $n:expr, $node:ident, $below:ident, $todo:ident, $call:expr) => {{
        let now = $net.now;
        let $node = &mut $net.nodes[$n];
        let mut todo = Vec::new();
        let result = {
            let (waiting, delivered) = ($node.waiting.clone(), $node.delivered.clone());
            let waits = |channel| waiting.iter().filter(|m| m.channel == channel).count();
            let seen = |rank: u16| delivered[usize::from(rank)];
            let $below = &Below {
                now,
                settings: &$node.settings,
                configuration: &$node.configuration,
                delivered: &seen,
                sent: $node.sent,
                waiting: &waits,
                operational: true,
                backlogged: $node.backlogged,
            };
            let $todo = &mut todo;
            $call
        };
        $net.work($n, todo);
        result
    }};
}
use with;

impl Net {
    /// Nodes that are one configuration already.
    fn new(nodes: usize) -> Self {
        let alone = |n| {
            let settings = Settings::new(id(n), "test");
            let ballot = Ballot { epoch: 1, proposer: id(n) };
            let members = vec![Peer { node: id(n), priority: 0 }];
            Node {
                groups: Groups::new(&settings, Box::new(SameCharter), ballot),
                configuration: Configuration::new("test", ballot, members, id(n)),
                settings,
                figures: Figures::default(),
                out: Vec::new(),
                waiting: Vec::new(),
                backlogged: false,
                sent: 0,
                delivered: vec![0],
            }
        };
        let mut net = Self {
            nodes: (0..nodes).map(alone).collect(),
            now: Time(1_000_000),
            clocks: BTreeMap::new(),
            epoch: 1,
            entries: VecDeque::new(),
            frames: VecDeque::new(),
            is_frozen: false,
            loses_frames: false,
            warnings: Vec::new(),
        };
        let all: Vec<_> = (0..nodes).collect();
        net.change(&all, true);
        net
    }

    fn work(&mut self, n: usize, todo: Vec<Todo>) {
        let me = id(n);
        for todo in todo {
            let configuration = self.nodes[n].configuration.clone();
            match todo {
                Todo::Ask(ask) => {
                    let leader = self.index(configuration.leader());
                    assert_ne!(leader, n);
                    with!(self, leader, node, below, todo, {
                        node.groups.ask(below, me, ask, &mut node.figures, todo);
                    });
                }
                Todo::Stamp(entry) => {
                    let clock = self.clocks.entry(configuration.id).or_default();
                    *clock += 1;
                    let position = Position::new(*clock, configuration.rank);
                    let order = Order { epoch: configuration.id.epoch, position };
                    self.nodes[n].sent += 1;
                    self.entries.push_back((configuration.id, configuration.rank, order, entry));
                }
                Todo::Queue(message) => self.nodes[n].waiting.push(message),
                Todo::Send(to, frame) => self.frames.push_back((self.index(to), me, frame)),
                Todo::Multicast(frame) => {
                    for to in configuration.nodes().filter(|&to| to != me) {
                        self.frames.push_back((self.index(to), me, frame.clone()));
                    }
                }
                Todo::Warning(warning) => self.warnings.push(warning),
            }
        }
    }

    fn index(&self, node: NodeId) -> usize {
        usize::from(node.key[0] - b'a')
    }

    /// Runs until nothing more happens.
    fn run(&mut self) {
        for _ in 0..20 {
            // The leader comes last: it has all asks together.
            for n in (0..self.nodes.len()).rev() {
                self.pump(n);
                with!(self, n, node, below, todo, {
                    node.groups.settle(below, &mut node.figures, &mut node.out, todo);
                });
            }
            self.deliver(false);
            while let Some((to, from, frame)) = self.frames.pop_front() {
                if !self.loses_frames {
                    self.hear(to, from, &frame);
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.run();
    }

    fn hear(&mut self, to: usize, from: NodeId, frame: &Bytes) {
        assert_eq!(frame[0], crate::wire::VERSION);
        let tag = ConfigurationTag(u64::from_le_bytes(frame[2..10].try_into().unwrap()));
        if self.nodes[to].configuration.tag == tag {
            let (kind, body) = (frame[1], frame.slice(10..));
            let result = with!(self, to, node, below, todo, {
                node.groups.frame(below, from, kind, body, &mut node.out, todo)
            });
            if let Err(reason) = result {
                self.nodes[to].figures.dropped(reason);
            }
        }
    }

    /// What waits at a node enters its stream and is delivered.
    fn pump(&mut self, n: usize) {
        if !self.nodes[n].groups.is_whole() || self.is_frozen {
            return;
        }
        let rank = self.nodes[n].configuration.rank;
        for message in std::mem::take(&mut self.nodes[n].waiting) {
            let node = &mut self.nodes[n];
            let Some(number) = node.groups.stamp(&message, &mut node.out) else { continue };
            node.sent += 1;
            let Message { channel, local, service, body } = message;
            let (origin, order) = (id(n), None);
            let delivery = Delivery { origin, rank, channel, local, number, service, order, body };
            let configuration = node.configuration.id;
            for node in self.nodes.iter_mut().filter(|n| n.configuration.id == configuration) {
                node.delivered[usize::from(rank)] += 1;
                node.groups.message(delivery.clone(), &mut node.figures, &mut node.out);
            }
        }
    }

    fn deliver(&mut self, after_signal: bool) {
        while !self.is_frozen || after_signal {
            let Some((configuration, rank, order, entry)) = self.entries.pop_front() else { break };
            for n in 0..self.nodes.len() {
                if self.nodes[n].configuration.id != configuration {
                    continue;
                }
                self.nodes[n].delivered[usize::from(rank)] += 1;
                self.control(n, rank, order, entry.clone(), after_signal);
            }
        }
    }

    fn control(
        &mut self,
        n: usize,
        rank: u16,
        order: Order,
        entry: ControlEntry,
        after_signal: bool,
    ) {
        with!(self, n, node, below, todo, {
            let (figures, out) = (&mut node.figures, &mut node.out);
            node.groups.control(below, rank, order, entry, after_signal, figures, out, todo);
        });
    }

    /// These nodes become a configuration. `one_class`: as if they held the same table.
    fn change(&mut self, members: &[usize], one_class: bool) {
        let old: Vec<_> = members.iter().map(|&n| self.nodes[n].configuration.id).collect();
        let base: Vec<_> = members.iter().map(|&n| self.nodes[n].groups.base()).collect();
        for (&n, from) in members.iter().zip(&old) {
            let survivors: Vec<_> =
                members.iter().zip(&old).filter(|(_, o)| *o == from).map(|(&n, _)| id(n)).collect();
            let node = &mut self.nodes[n];
            node.groups.signal(&survivors, &mut node.out);
        }
        self.deliver(true);
        self.is_frozen = false;
        self.epoch += 1;
        let ballot = Ballot { epoch: self.epoch, proposer: id(members[0]) };
        let peers: Vec<_> = members.iter().map(|&n| Peer { node: id(n), priority: 0 }).collect();
        let mut classes: BTreeMap<_, Vec<u16>> = BTreeMap::new();
        for (rank, key) in (0..).zip(old.iter().zip(&base)) {
            classes.entry(if one_class { (&ballot, &ballot) } else { key }).or_default().push(rank);
        }
        let mut classes: Vec<_> = classes.into_values().collect();
        classes.sort();
        for &n in members {
            let node = &mut self.nodes[n];
            node.configuration = Configuration::new("test", ballot, peers.clone(), id(n));
            node.sent = 0;
            node.delivered = vec![0; members.len()];
        }
        for &n in members {
            with!(self, n, node, below, todo, {
                let (figures, out) = (&mut node.figures, &mut node.out);
                node.groups.install(below, &classes, figures, out, todo);
            });
        }
    }

    // -- the application

    fn join(&mut self, n: usize, join: Join) {
        with!(self, n, node, below, todo, {
            node.groups.join(below, join, &mut node.out, todo).unwrap();
        });
    }

    fn leave(&mut self, n: usize) {
        with!(self, n, node, below, todo, {
            node.groups.leave(below, &name(), 1, &mut node.out, todo).unwrap();
        });
    }

    fn send(&mut self, n: usize, service: Service, body: &'static str) {
        let body = Bytes::from_static(body.as_bytes());
        with!(self, n, node, below, todo, {
            node.groups.send(below, &name(), 1, service, body, &mut node.out, todo).unwrap();
        });
    }

    fn unicast(&mut self, n: usize, to: MemberId, body: &'static str) -> Result<(), crate::Error> {
        let body = Bytes::from_static(body.as_bytes());
        with!(self, n, node, below, todo, {
            node.groups.unicast(below, &name(), 1, to, body, &mut node.out, todo)
        })
    }

    fn flush_ok(&mut self, n: usize, blob: &'static str) -> Result<(), crate::Error> {
        let blob = Bytes::from_static(blob.as_bytes());
        with!(self, n, node, below, todo, node.groups.flush_ok(below, &name(), 1, blob, todo))
    }

    /// What the members of a node were told since the last time, a line each.
    fn told(&mut self, n: usize) -> Vec<String> {
        std::mem::take(&mut self.nodes[n].out).into_iter().map(line).collect()
    }

    fn forget(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.out.clear());
    }

    fn rare(&self, n: usize, case: Rare) -> u64 {
        self.nodes[n].figures.rare(case)
    }
}

fn who(member: &MemberId) -> String {
    format!("{}{}", char::from(member.node.key[0]), member.local)
}

fn all(members: &[MemberId]) -> String {
    members.iter().map(who).collect::<Vec<_>>().join(",")
}

fn place(view: ViewId) -> String {
    format!("{}.{}", view.order.epoch, view.order.position.as_u64() >> 16)
}

fn line(output: Output) -> String {
    let Output::Event { local, event, .. } = output else { panic!("{output:?}") };
    let text = match event {
        Event::Sent { number, view, service, .. } => {
            format!("sent {number} in {} {}", view.map_or("-".into(), place), service.as_str())
        }
        Event::Message { from, number, view, body, .. } => {
            let body = String::from_utf8_lossy(&body).into_owned();
            format!("message {}#{number} in {} {body}", who(&from), place(view))
        }
        Event::Transitional { view } => format!("transitional {}", place(view)),
        Event::FlushRequest { view } => format!("flush {}", place(view)),
        Event::View(view) => format!(
            "view {} {} from {}{}",
            place(view.id),
            all(&view.members),
            all(&view.transitional),
            view.blobs
                .iter()
                .map(|(m, b)| format!(" {}:{}", who(m), String::from_utf8_lossy(b)))
                .collect::<String>()
        ),
        Event::Left => "left".into(),
        Event::Refused(refusal) => format!("refused {}", refusal.code),
    };
    format!("{local} {text}")
}
