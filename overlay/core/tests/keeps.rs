//! What an engine promises its application: nothing that was accepted is lost by going, and nothing
//! grows because somebody does not read. Engines in one process, a millisecond from each other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use bytes::Bytes;
use cenacle_core::{
    Engine, Error, Event, GroupName, Input, Join, MemberId, NodeId, Outbox, Output, SameCharter,
    Semantics, Service, Settings, Time, Warning,
};
use std::{collections::BTreeMap, time::Duration};

fn node(number: usize) -> NodeId {
    NodeId { key: [u8::try_from(number).unwrap(); 32], incarnation: 1 }
}

fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

fn wish(name: &str, local: u32) -> Join {
    let (charter, blob) = (Bytes::new(), Bytes::new());
    let semantics = Semantics::Vs;
    Join { group: group(name), local, semantics, charter, blob, manual_flush: false }
}

fn body(length: usize) -> Bytes {
    vec![7; length].into()
}

struct Net {
    engines: Vec<Engine>,
    now: Time,
    /// Frames on their way.
    way: Vec<(usize, usize, Bytes)>,
    reads: Vec<bool>,
    /// What was told, by node.
    told: Vec<Vec<Event>>,
    /// Messages that came, by receiver and sender.
    came: BTreeMap<(usize, NodeId), usize>,
    slow: Vec<NodeId>,
    writable: usize,
    /// Nothing but control comes through.
    lossy: bool,
    /// The most bytes of own entries that were not stable, beyond what may be.
    flood: usize,
}

impl Net {
    /// Engines that are one configuration, with a member each in `g`.
    fn new(nodes: usize, change: impl Fn(&mut Settings)) -> Self {
        let mut net = Self {
            engines: Vec::new(),
            now: Time(1_000_000),
            way: Vec::new(),
            reads: vec![true; nodes],
            told: vec![Vec::new(); nodes],
            came: BTreeMap::new(),
            slow: Vec::new(),
            writable: 0,
            lossy: false,
            flood: 0,
        };
        for number in 0..nodes {
            let mut settings = Settings::new(node(number), "test");
            change(&mut settings);
            let mut out = Outbox::new();
            let engine = Engine::new(settings, Box::new(SameCharter), net.now, &mut out).unwrap();
            net.engines.push(engine);
            net.carry_out(number, out);
        }
        for at in 0..nodes {
            for other in (0..nodes).filter(|&other| other != at) {
                net.give(at, Input::Connected { node: node(other) }).unwrap();
            }
        }
        net.pass(2_000);
        for at in 0..nodes {
            net.give(at, Input::Join(wish("g", 0))).unwrap();
        }
        net.pass(1_000);
        assert!(net.sizes().iter().all(|&size| size == nodes), "{:?}", net.sizes());
        net
    }

    fn sizes(&self) -> Vec<usize> {
        self.engines.iter().map(|engine| engine.configuration().size()).collect()
    }

    fn give(&mut self, at: usize, input: Input) -> Result<(), Error> {
        let mut out = Outbox::new();
        let result = self.engines[at].handle(self.now, input, &mut out);
        self.carry_out(at, out);
        result
    }

    fn carry_out(&mut self, at: usize, out: Outbox) {
        for output in out {
            match output {
                Output::Send { to, frame } => self.way.push((at, usize::from(to.key[0]), frame)),
                Output::Multicast { frame } | Output::Announce { frame } => {
                    let others = (0..self.reads.len()).filter(|&other| other != at);
                    self.way.extend(others.map(|other| (at, other, frame.clone())));
                }
                Output::Event { event, .. } => self.told(at, event),
                Output::Warning(Warning::Slow { node }) => self.slow.push(node),
                Output::Writable => self.writable += 1,
                _ => {}
            }
        }
    }

    fn told(&mut self, at: usize, event: Event) {
        if self.reads[at] {
            let bytes = event.weight();
            self.give(at, Input::Consumed { bytes }).unwrap();
        }
        if let Event::Message { from, .. } = event {
            *self.came.entry((at, from.node)).or_default() += 1;
        } else {
            self.told[at].push(event);
        }
    }

    /// So many milliseconds.
    fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now = self.now + Duration::from_millis(1);
            for (from, to, bytes) in std::mem::take(&mut self.way) {
                let control = bytes.get(1) == Some(&9);
                if to < self.engines.len() && (control || !self.lossy) {
                    let _ = self.give(to, Input::Frame { from: node(from), bytes });
                }
            }
            for at in 0..self.engines.len() {
                self.give(at, Input::Tick).unwrap();
                self.give(at, Input::Drained).unwrap();
                let (unstable, most) = self.engines[at].memory().unstable;
                self.flood = self.flood.max(unstable.saturating_sub(most));
            }
        }
    }

    fn send(&mut self, at: usize, service: Service, length: usize) -> Result<(), Error> {
        let (group, body) = (group("g"), body(length));
        self.give(at, Input::Send { group, local: 0, service, body })
    }

    fn unicast(&mut self, at: usize, to: usize, length: usize) -> Result<(), Error> {
        let (group, body, to) = (group("g"), body(length), MemberId { node: node(to), local: 0 });
        self.give(at, Input::Unicast { group, local: 0, to, body })
    }

    fn came(&self, at: usize, from: usize) -> usize {
        self.came.get(&(at, node(from))).copied().unwrap_or(0)
    }
}

/// One of a node's ways out of the group.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Leave,
    Shutdown,
}

#[test]
fn who_goes_loses_nothing_that_was_accepted() {
    for way in [Way::Leave, Way::Shutdown] {
        let mut net = Net::new(3, |settings| settings.window = 64 << 10);
        let mut unicasts = 0;
        for number in 0..120 {
            let service = [Service::Agreed, Service::Fifo, Service::Safe, Service::Causal];
            net.send(2, service[number % 4], 20_000).unwrap();
            if number % 4 == 0 {
                net.unicast(2, 1, 20_000).unwrap();
                unicasts += 1;
            }
        }
        net.give(2, Input::Drained).unwrap();
        assert!(net.came(0, 2) < 100, "most of it is still to be sent");
        match way {
            Way::Leave => net.give(2, Input::Leave { group: group("g"), local: 0 }).unwrap(),
            Way::Shutdown => net.give(2, Input::Shutdown).unwrap(),
        }
        net.pass(4_000);
        assert_eq!([net.came(0, 2), net.came(1, 2)], [120, 120 + unicasts], "{way:?}");
        assert!(net.told[2].contains(&Event::Left), "{way:?}");
        assert_eq!(net.flood, 0, "no more than a window is under way");
        if way == Way::Shutdown {
            assert_eq!(net.engines[0].configuration().size(), 2);
        }
    }
}

#[test]
fn nobody_is_put_out_for_what_a_leader_missed_while_it_stood_still() {
    let mut net = Net::new(3, |_| {});
    net.lossy = true;
    net.send(1, Service::Agreed, 10).unwrap();
    net.pass(5);
    // Longer than anybody may be slow for.
    net.now = net.now + Duration::from_secs(60);
    net.pass(5);
    net.lossy = false;
    net.pass(1_000);
    assert_eq!((net.slow.len(), net.sizes()), (0, vec![3; 3]));
    assert_eq!([net.came(0, 1), net.came(2, 1)], [1, 1]);
}

#[test]
fn a_leave_from_an_open_group_comes_after_what_was_said_though_that_was_lost() {
    let mut net = Net::new(3, |_| {});
    let open = |local| Join { semantics: Semantics::Evs, ..wish("open", local) };
    (0..3).for_each(|at| net.give(at, Input::Join(open(0))).unwrap());
    net.pass(1_000);
    net.told.iter_mut().for_each(Vec::clear);
    net.lossy = true;
    let (service, body) = (Service::Fifo, body(10));
    net.give(2, Input::Send { group: group("open"), local: 0, service, body }).unwrap();
    net.give(2, Input::Leave { group: group("open"), local: 0 }).unwrap();
    net.pass(10);
    net.lossy = false;
    for _ in 0..1_000 {
        net.pass(1);
        let without = |event: &Event| matches!(event, Event::View(view) if view.members.len() == 2);
        if net.told[1].iter().any(without) {
            assert_eq!(net.came(1, 2), 1, "its last words came before it was out");
            return;
        }
    }
    panic!("it is never out");
}

#[test]
fn a_leave_behind_what_was_said_too_early_waits_for_it() {
    let mut net = Net::new(3, |_| {});
    net.give(2, Input::Join(wish("g", 5))).unwrap();
    let (service, body) = (Service::Agreed, body(10));
    net.give(2, Input::Send { group: group("g"), local: 5, service, body }).unwrap();
    net.give(2, Input::Leave { group: group("g"), local: 5 }).unwrap();
    let again = net.give(2, Input::Leave { group: group("g"), local: 5 });
    assert!(matches!(again, Err(Error::NotJoined { .. })), "{again:?}");
    net.pass(1_000);
    assert_eq!(net.came(0, 2), 1);
    assert!(net.told[2].contains(&Event::Left));
    // Without a word, nobody hears of it.
    net.told.iter_mut().for_each(Vec::clear);
    net.give(2, Input::Join(wish("g", 6))).unwrap();
    net.give(2, Input::Leave { group: group("g"), local: 6 }).unwrap();
    assert_eq!(net.told[2], [Event::Left]);
    net.pass(1_000);
    assert!(net.told[0].is_empty());
}

#[test]
fn who_does_not_read_is_sent_little_more_and_steps_aside() {
    let limit = Duration::from_secs(1);
    for service in [Service::Agreed, Service::Unicast, Service::Unreliable] {
        let mut net = Net::new(3, |settings| {
            (settings.max_unread, settings.window) = (256 << 10, 128 << 10);
            (settings.queue, settings.slow_limit) = (1 << 20, limit);
        });
        net.reads[2] = false;
        let (mut most, mut refused) = (0, 0);
        for _ in 0..1_900 {
            let sent = match service {
                Service::Unicast => net.unicast(0, 2, 10_000),
                service => net.send(0, service, 10_000),
            };
            refused += usize::from(sent.is_err());
            net.pass(1);
            most = most.max(net.engines[2].memory().unread);
        }
        assert_eq!(net.sizes(), [3; 3], "{service:?}: not yet");
        assert!(net.slow.contains(&node(2)), "{service:?}: the operator knows");
        let bound = (256 << 10) + 3 * (160 << 10);
        assert!((256 << 10..bound).contains(&most), "{service:?}: {most} bytes unread");
        assert_eq!(refused > 0, service != Service::Unreliable, "{service:?}");
        net.pass(1_000);
        assert_eq!(net.sizes()[..2], [2, 2], "{service:?}: the others go on");
        net.pass(20_000);
        assert_eq!(net.sizes(), [2, 2, 1], "{service:?}: it stays away");
        net.reads[2] = true;
        let bytes = net.engines[2].memory().unread;
        net.give(2, Input::Consumed { bytes }).unwrap();
        net.pass(40_000);
        assert_eq!(net.sizes(), [3; 3], "{service:?}: it has read");
    }
}

#[test]
fn blobs_of_many_groups_that_change_together_all_arrive() {
    let mut net = Net::new(3, |settings| {
        (settings.max_message, settings.max_blob) = (64 << 10, 5_000);
    });
    let names = ["a", "b", "c", "d", "e"];
    let manual = |name, local| Join { manual_flush: true, ..wish(name, local) };
    let answer = |net: &mut Net, name: &str, at: usize, length: usize| {
        let input = Input::FlushOk { group: group(name), local: 0, blob: body(length) };
        net.give(at, input).is_ok()
    };
    for name in names {
        for at in 0..3 {
            net.give(at, Input::Join(manual(name, 0))).unwrap();
            net.pass(50);
            let _ = (0..3).filter(|&at| answer(&mut net, name, at, 0)).count();
            net.pass(50);
        }
    }
    net.told.iter_mut().for_each(Vec::clear);
    for name in names {
        net.give(1, Input::Join(wish(name, 1))).unwrap();
    }
    net.pass(10);
    for at in 0..3 {
        for name in names {
            assert!(answer(&mut net, name, at, 4_000), "{at} in {name}");
        }
    }
    net.pass(1_000);
    for at in 0..3 {
        let blobs = net.told[at].iter().filter_map(|event| match event {
            Event::View(view) if view.members.len() == 4 => Some(view.blobs.len()),
            _ => None,
        });
        let expected = if at == 1 { vec![3; 10] } else { vec![3; 5] };
        assert_eq!(blobs.collect::<Vec<_>>(), expected, "node {at}");
    }
}

#[test]
fn an_empty_queue_takes_any_unicast_and_a_full_one_says_when_it_is_not() {
    let mut net = Net::new(2, |settings| settings.queue = 100_000);
    net.unicast(0, 1, 200_000).unwrap();
    let full = net.unicast(0, 1, 10);
    assert!(matches!(full, Err(Error::QueueFull { max: 100_000, .. })), "{full:?}");
    net.pass(100);
    assert_eq!((net.came(1, 0), net.writable), (1, 1));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let changes: [fn(&mut Settings); 9] = [
        |s| s.retry = Duration::MAX,
        |s| s.propose_limit = Duration::MAX,
        |s| (s.heartbeat, s.suspect_after) = (Duration::MAX, Duration::MAX),
        |s| s.slow_limit = Duration::ZERO,
        |s| s.stagger = Duration::ZERO,
        |s| s.max_active = 0,
        |s| s.promise_ahead = u64::MAX,
        |s| s.max_message = 1 << 10,
        |s| s.max_blob = s.max_message,
    ];
    for (number, change) in (0..).zip(changes) {
        let mut settings = Settings::new(node(1), "test");
        change(&mut settings);
        let mut out = Outbox::new();
        let engine = Engine::new(settings, Box::new(SameCharter), Time(1), &mut out);
        assert!(matches!(engine, Err(Error::Settings(_))), "change {number}");
        assert!(out.is_empty());
    }
}
