//! The rules of delivery, one by one, as lists of what comes out.

use super::{Order, Phase, Turns};
use crate::{
    ids::{Channel, ConfigurationTag, NodeId},
    input::Service,
    settings::Settings,
    streams::{Stability, Streams},
    time::Time,
    wire::{
        data::{Builder, Entry},
        vectors::Promise,
    },
};

const TAG: ConfigurationTag = ConfigurationTag(1);

/// Three nodes, seen from rank 2; rank 0 leads.
struct Bench {
    streams: Streams,
    stability: Stability,
    order: Order,
    next: [u64; 3],
}

impl Bench {
    fn new(active: &[u16]) -> Self {
        let settings = Settings::new(NodeId { key: [2; 32], incarnation: 1 }, "test");
        let turns = Turns::new(2, active.iter().copied(), &settings, Time(0));
        Self {
            streams: Streams::new(3, 2, 1 << 20, usize::MAX),
            stability: Stability::new(3, false, Time(0)),
            order: Order::new(turns, &settings),
            next: [1; 3],
        }
    }

    /// A frame of one message a service, named by number; `clock` is the one before.
    fn frame(
        &mut self,
        rank: u16,
        services: &[Service],
        (clock, promise): (u64, u64),
        dependencies: &[(u16, u64)],
    ) {
        let mut builder = Builder::new();
        let next = &mut self.next[usize::from(rank)];
        let first = *next;
        for service in services {
            builder.message((Channel(0), 0, *next), *service, b"body");
            *next += 1;
        }
        let frame = builder.finish(TAG, rank, first, (clock, promise), dependencies);
        if rank == 2 {
            self.streams.append(frame);
        } else {
            self.streams.take(frame).unwrap();
        }
    }

    fn promise(&mut self, rank: u16, clock: u64) {
        let number = self.next[usize::from(rank)] - 1;
        self.streams.promised(Promise { rank, number, clock });
    }

    /// What comes out now: rank and number.
    fn delivered(&mut self) -> Vec<(u16, u64)> {
        self.order.renew();
        let mut delivered = Vec::new();
        while let Some(next) = self.order.next(&mut self.streams, &self.stability) {
            let Entry::Message { number, .. } = next.entry else { panic!("a message") };
            delivered.push((next.origin, number));
        }
        delivered
    }
}

use Service::{Agreed, Causal, Fifo, Safe};

#[test]
fn an_agreed_entry_waits_for_every_active_node_and_for_no_other() {
    let mut bench = Bench::new(&[1]);
    bench.frame(1, &[Agreed], (0, 1), &[]);
    assert_eq!(bench.delivered(), []);
    // The leader's promise: clock 1 of rank 0 would still come before clock 1 of rank 1.
    bench.promise(0, 0);
    assert_eq!(bench.delivered(), []);
    bench.promise(0, 1);
    assert_eq!(bench.delivered(), [(1, 1)], "rank 2 has no turn: nobody waits for it");
}

#[test]
fn positions_decide_and_not_arrival() {
    let mut bench = Bench::new(&[1]);
    bench.frame(1, &[Agreed, Agreed], (4, 6), &[]);
    bench.frame(0, &[Agreed, Agreed, Agreed], (3, 9), &[]);
    // (4,0) (5,0) (5,1) (6,0) (6,1)
    assert_eq!(bench.delivered(), [(0, 1), (0, 2), (1, 1), (0, 3), (1, 2)]);
}

#[test]
fn unordered_entries_wait_for_what_they_depend_on_and_for_nothing_else() {
    let mut bench = Bench::new(&[]);
    bench.frame(0, &[Agreed], (0, 1), &[]);
    bench.frame(1, &[Fifo, Causal], (1, 1), &[(0, 1)]);
    assert_eq!(bench.delivered(), [(0, 1), (1, 1), (1, 2)]);
    // A dependency that is not here: nothing of the frame is complete.
    bench.frame(1, &[Fifo], (1, 1), &[(0, 2)]);
    assert_eq!((bench.streams.complete(1), bench.delivered()), (2, vec![]));
    bench.frame(0, &[Fifo], (1, 1), &[]);
    assert_eq!(bench.delivered(), [(0, 2), (1, 3)]);
}

#[test]
fn a_safe_entry_and_what_is_ordered_after_it_wait_for_stability() {
    let mut bench = Bench::new(&[]);
    bench.frame(0, &[Safe, Agreed], (0, 2), &[]);
    bench.frame(1, &[Fifo], (0, 0), &[]);
    assert_eq!(bench.delivered(), [(1, 1)]);
    bench.stability.settled(&[1, 0, 0]);
    assert_eq!(bench.delivered(), [(0, 1), (0, 2)]);
}

#[test]
fn a_safe_entry_waits_for_the_stability_of_what_was_ordered_before_it() {
    let mut bench = Bench::new(&[1]);
    bench.frame(0, &[Agreed], (0, 9), &[]);
    bench.frame(1, &[Safe], (4, 5), &[]);
    bench.stability.settled(&[0, 1, 0]);
    // The first may be a join: its view would have members that do not know of it.
    assert_eq!(bench.delivered(), [(0, 1)]);
    bench.stability.settled(&[1, 1, 0]);
    assert_eq!(bench.delivered(), [(1, 1)]);
}

#[test]
fn from_its_grant_on_a_node_is_waited_for_until_its_yield() {
    let mut bench = Bench::new(&[]);
    bench.frame(0, &[Agreed], (0, 1), &[]);
    assert_eq!(bench.delivered(), [(0, 1)]);
    bench.order.turns.granted(1, 1, 1, Time(0));
    bench.frame(0, &[Agreed, Agreed], (1, 3), &[]);
    assert_eq!(bench.delivered(), [(0, 2)], "rank 1 may send at (2,1), which is after (2,0)");
    bench.promise(1, 2);
    assert_eq!(bench.delivered(), [(0, 3)]);
    bench.frame(0, &[Agreed], (5, 6), &[]);
    assert_eq!(bench.delivered(), []);
    bench.order.turns.yielded(1, 1);
    assert_eq!(bench.delivered(), [(0, 4)]);
}

#[test]
fn a_yield_of_an_older_turn_ends_no_newer_one_and_the_leader_stays() {
    let mut bench = Bench::new(&[]);
    bench.order.turns.granted(1, 2, 1, Time(0));
    bench.order.turns.yielded(1, 1);
    bench.order.turns.yielded(0, 9);
    assert_eq!(bench.order.turns.active(), 2);
}

#[test]
fn at_the_end_joined_promises_and_dependencies_decide_and_then_everything_comes_in_order() {
    let mut bench = Bench::new(&[1]);
    bench.frame(0, &[Agreed, Agreed], (0, 2), &[]);
    bench.frame(1, &[Agreed], (2, 3), &[]);
    assert_eq!(bench.delivered(), [(0, 1), (0, 2)]);
    bench.frame(0, &[Safe], (3, 4), &[]);
    bench.frame(0, &[Agreed], (4, 5), &[]);
    bench.promise(1, 3);
    // (3,1) is allowed by the promises; (4,0) is safe and not stable.
    assert_eq!(bench.delivered(), [(1, 1)]);
    // But somebody had delivered it before it sent.
    bench.order.enter(Phase::Released(vec![3, 0, 0]));
    assert_eq!(bench.delivered(), [(0, 3)]);
    bench.order.enter(Phase::Rest);
    assert_eq!(bench.delivered(), [(0, 4)]);
}

#[test]
fn nothing_is_due_for_a_turn_that_is_in_use_or_not_wanted() {
    let settings = Settings::new(NodeId { key: [2; 32], incarnation: 1 }, "test");
    let mut turns = Turns::new(2, [2].into_iter(), &settings, Time(0));
    let (idle, again) = (Time(0) + settings.turn_idle, Time(0) + settings.retry);
    assert_eq!(turns.deadline(false, &settings), Some(idle));
    assert_eq!(turns.deadline(true, &settings), None, "what waits for room keeps the turn");
    turns.gave_back();
    assert!(turns.want(settings.retry, Time(0)));
    assert_eq!(turns.deadline(true, &settings), Some(again));
    assert_eq!(turns.deadline(false, &settings), None);
}

#[test]
fn a_promise_counts_when_the_entries_before_it_are_complete() {
    let mut bench = Bench::new(&[1]);
    bench.frame(0, &[Agreed], (0, 1), &[]);
    bench.streams.promised(Promise { rank: 1, number: 1, clock: 9 });
    assert_eq!(bench.delivered(), [(0, 1)], "position (1,0) is before all that rank 1 may send");
    bench.frame(0, &[Agreed], (1, 2), &[]);
    assert_eq!(bench.delivered(), []);
    bench.frame(1, &[Agreed], (0, 1), &[]);
    assert_eq!(bench.delivered(), [(1, 1), (0, 2)]);
}

/// What an announcer of rank 2 says once an entry of rank 1 has this clock.
fn announced(
    announcer: &mut super::Announcer,
    bench: &mut Bench,
    clock: u64,
    idle: bool,
) -> Option<super::Announcement> {
    bench.frame(1, &[Agreed], (clock - 1, clock), &[]);
    announcer.saw(clock);
    let settings = Settings::new(NodeId { key: [2; 32], incarnation: 1 }, "test");
    let state = super::State { many: false, delivered: false, idle };
    announcer.due((&bench.streams, 2), state, &settings, Time(0))
}

#[test]
fn who_has_nothing_to_say_promises_ahead() {
    use super::Announcement::ToAll;
    let mut bench = Bench::new(&[1, 2]);
    let mut announcer = super::Announcer::new(3, Time(0));
    assert_eq!(announced(&mut announcer, &mut bench, 5, false), Some(ToAll(5)));
    let ahead = 6 + (1 << 14);
    assert_eq!(announced(&mut announcer, &mut bench, 6, true), Some(ToAll(ahead)));
    assert_eq!(announced(&mut announcer, &mut bench, 7, true), None);
    assert_eq!(announced(&mut announcer, &mut bench, ahead, true), None);
    assert_eq!(announcer.clock(), ahead, "its own next entry stands behind what it promised");
    assert_eq!(announced(&mut announcer, &mut bench, ahead + 1, false), Some(ToAll(ahead + 1)));
}

#[test]
fn others_are_delivered_at_once_below_a_promise_ahead() {
    let mut bench = Bench::new(&[1]);
    bench.promise(0, 100);
    for clock in [3, 99] {
        bench.frame(1, &[Agreed], (clock - 1, clock), &[]);
        assert_eq!(bench.delivered().len(), 1);
    }
    bench.frame(1, &[Agreed], (100, 101), &[]);
    assert_eq!(bench.delivered(), [], "beyond the promise");
    // What the leader says then stands behind it.
    bench.frame(0, &[Agreed], (100, 101), &[]);
    assert_eq!(bench.delivered(), [(0, 1), (1, 3)]);
}
