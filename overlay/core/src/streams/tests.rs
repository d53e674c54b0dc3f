//! Reception, repair and stability, as lists of what comes out.

use super::{Repair, Request, Stability, Streams};
use crate::{
    error::Drop,
    ids::{Channel, ConfigurationTag, NodeId},
    input::Service,
    settings::Settings,
    time::Time,
    wire::{
        data::{Builder, DataFrame},
        vectors::Need,
    },
};
use std::time::Duration;

fn settings() -> Settings {
    Settings::new(NodeId { key: [1; 32], incarnation: 1 }, "test")
}

/// A frame of `count` messages of 100 bytes.
fn frame(origin: u16, first: u64, count: u64, dependencies: &[(u16, u64)]) -> DataFrame {
    let mut builder = Builder::new();
    for number in first..first + count {
        builder.message((Channel(0), 0, number), Service::Fifo, &[0; 100]);
    }
    builder.finish(ConfigurationTag(1), origin, first, (0, 0), dependencies)
}

#[test]
fn gaps_close_and_what_does_not_fit_is_refused() {
    let mut streams = Streams::new(3, 0, 10_000, usize::MAX);
    assert_eq!(streams.take(frame(1, 1, 2, &[])), Ok(true));
    assert_eq!(streams.take(frame(1, 1, 2, &[])), Err(Drop::Duplicate));
    assert_eq!(streams.take(frame(1, 2, 2, &[])), Err(Drop::Overlap));
    assert_eq!(streams.take(frame(1, 5, 2, &[])), Ok(false));
    assert_eq!(streams.take(frame(1, 5, 2, &[])), Err(Drop::Duplicate));
    assert_eq!(streams.get(1).unwrap().gap(), Some((3, 4)));
    assert_eq!(streams.take(frame(1, 3, 2, &[])), Ok(true));
    assert_eq!((streams.complete(1), streams.get(1).unwrap().gap()), (6, None));
    assert_eq!(streams.take(frame(0, 1, 1, &[])), Err(Drop::Duplicate), "our own stream is ours");
}

#[test]
fn the_past_is_what_complete_frames_depend_on() {
    let mut streams = Streams::new(4, 0, 10_000, usize::MAX);
    assert_eq!(streams.take(frame(1, 1, 3, &[])), Ok(true));
    assert_eq!(streams.past(), [0, 0, 0, 0]);
    assert_eq!(streams.take(frame(2, 1, 1, &[(1, 2)])), Ok(true));
    assert_eq!(streams.past(), [0, 2, 0, 0]);
    assert_eq!(streams.take(frame(2, 2, 1, &[(1, 3)])), Ok(true));
    // What waits for something that is not there has no past yet.
    assert_eq!(streams.take(frame(3, 1, 1, &[(1, 3), (2, 7)])), Ok(false));
    assert_eq!(streams.past(), [0, 3, 0, 0]);
}

#[test]
fn what_waits_beyond_a_gap_is_bounded() {
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    let mut first = 3;
    let refused = loop {
        match streams.take(frame(1, first, 10, &[])) {
            Ok(_) => first += 10,
            Err(reason) => break reason,
        }
    };
    assert_eq!(refused, Drop::Limit);
    assert!(streams.bytes() <= 15_000, "a window and a half: {}", streams.bytes());
}

#[test]
fn completion_runs_through_streams_that_wait_for_each_other() {
    let mut streams = Streams::new(4, 0, 10_000, usize::MAX);
    assert_eq!(streams.take(frame(3, 1, 1, &[(2, 1)])), Ok(false));
    assert_eq!(streams.take(frame(2, 1, 1, &[(1, 1)])), Ok(false));
    assert_eq!(streams.take(frame(1, 1, 1, &[])), Ok(true));
    assert_eq!(streams.vector(|s| s.complete()), [0, 1, 1, 1]);
}

#[test]
fn a_cut_stream_forgets_what_lies_beyond() {
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    for first in [1, 3, 5, 9] {
        streams.take(frame(1, first, 2, &[])).unwrap();
    }
    let stream = streams.get_mut(1).unwrap();
    assert!(stream.cut(4));
    assert_eq!((stream.received(), stream.complete(), stream.delivered()), (4, 4, 0));
    assert_eq!(stream.frames_of(1, 99, 1 << 20).len(), 2);
}

#[test]
fn frames_are_forgotten_when_stable_and_delivered() {
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    streams.append(frame(0, 1, 2, &[]));
    streams.append(frame(0, 3, 2, &[]));
    let whole = streams.unstable();
    streams.forget(&[4, 0], true);
    assert_eq!(streams.unstable(), whole, "nothing is delivered yet");
    while streams.deliver(0).is_some() {}
    streams.forget(&[2, 0], true);
    assert_eq!(streams.unstable(), whole / 2);
    streams.forget(&[4, 0], true);
    assert_eq!((streams.unstable(), streams.bytes()), (0, 0));
}

#[test]
fn a_gap_is_asked_for_at_its_origin_then_at_the_leader_then_subscribed_to() {
    let settings = settings();
    let mut streams = Streams::new(4, 1, 10_000, usize::MAX);
    streams.take(frame(3, 4, 1, &[])).unwrap();
    let mut repair = Repair::new();
    let need = Need { origin: 3, first: 1, last: 3 };
    let mut asked = Vec::new();
    for ms in 0..400 {
        let now = Time(ms * 1000);
        for request in repair.due((&streams, 1), &settings, now) {
            asked.push((ms, request));
        }
    }
    let to = |ms, to| (ms, Request::Need { to, through: None, need });
    assert_eq!(
        asked[..4],
        [to(4, 3), to(64, 0), to(184, 3), (184, Request::Subscribe { origin: 3 }),]
    );
    assert!(repair.is_unheard(3));
    repair.heard(3);
    assert!(!repair.is_unheard(3));
}

#[test]
fn in_recovery_the_holder_is_asked_at_once() {
    let mut streams = Streams::new(3, 0, 10_000, usize::MAX);
    streams.get_mut(2).unwrap().heard_of(5);
    let mut repair = Repair::new();
    repair.recover(vec![0, 1, 1], vec![0, 1, 2]);
    let requests = repair.due((&streams, 0), &settings(), Time(9));
    let need = Need { origin: 2, first: 1, last: 5 };
    assert_eq!(requests, [Request::Need { to: 1, through: None, need }]);
    let later = Time(9) + 4 * settings().retry;
    let requests = repair.due((&streams, 0), &settings(), later);
    assert_eq!(
        requests,
        [Request::Need { to: 1, through: Some(2), need }],
        "perhaps we are cut off"
    );
}

#[test]
fn the_leader_says_what_all_have() {
    let settings = settings();
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    streams.append(frame(0, 1, 3, &[]));
    let mut stability = Stability::new(2, true, Time(0));
    stability.hurry();
    let due = |stability: &mut Stability, ms: u64| {
        stability.due((&streams, 0), &settings, (false, Time(ms * 1000)))
    };
    assert_eq!(due(&mut stability, 1), None);
    stability.acknowledged(1, &[2, 0], Time(1000));
    assert_eq!(due(&mut stability, 1), Some(vec![2, 0]), "it was in a hurry");
    stability.acknowledged(1, &[3, 0], Time(2000));
    assert_eq!(due(&mut stability, 2), None);
    assert_eq!(due(&mut stability, 51), Some(vec![3, 0]));
}

#[test]
fn who_does_not_read_acknowledges_nothing() {
    let settings = settings();
    let mut streams = Streams::new(2, 1, 10_000, usize::MAX);
    streams.take(frame(0, 1, 3, &[])).unwrap();
    let mut stability = Stability::new(2, false, Time(0));
    stability.hurry();
    assert_eq!(stability.due((&streams, 1), &settings, (true, Time(0))), None);
    assert_eq!(stability.due((&streams, 1), &settings, (false, Time(0))), Some(vec![3, 0]));
    let later = Time(0) + 4 * settings.ack_interval;
    assert_eq!(
        stability.due((&streams, 1), &settings, (false, later)),
        Some(vec![3, 0]),
        "again, while it is not stable"
    );
}

#[test]
fn a_member_that_holds_the_others_up_is_told_once_and_then_must_go() {
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    streams.append(frame(0, 1, 3, &[]));
    let mut stability = Stability::new(2, true, Time(0));
    let limit = Duration::from_secs(1);
    let settings = Settings { slow_limit: limit, ..settings() };
    stability.hurry();
    stability.due((&streams, 0), &settings, (false, Time(0)));
    let at = |ms: u64| Time(ms * 1000);
    assert_eq!(stability.slow(limit, at(900)), []);
    assert_eq!(stability.slow_deadline(&settings), Some(at(1000)));
    let slow = stability.slow(limit, at(1100));
    assert!(slow.contains(&(1, false)));
    assert_eq!(stability.slow(limit, at(1200)), []);
    assert_eq!(stability.slow_deadline(&settings), Some(at(2000)), "no earlier: it was told");
    assert!(stability.slow(limit, at(2100)).contains(&(1, true)));
    assert_eq!(stability.slow_deadline(&settings), None);
    stability.acknowledged(1, &[3, 0], at(2200));
    assert!(stability.slow(limit, at(2300)).iter().all(|&(rank, _)| rank != 1));
}

#[test]
fn more_than_a_window_undelivered_is_acknowledged_up_to_a_window() {
    // Safe entries wait for acknowledgements: were none of a large batch acknowledged, none would be
    // delivered.
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    for first in 0..30 {
        streams.take(frame(1, first * 10 + 1, 10, &[])).unwrap();
    }
    let stream = streams.get(1).unwrap();
    assert_eq!(stream.acknowledgeable(1), 10);
    let window = stream.acknowledgeable(10_000);
    assert!((80..=100).contains(&window), "{window} entries of a hundred bytes");
    assert_eq!(stream.acknowledgeable(1 << 20), 300);
}

#[test]
fn a_stream_is_bounded_whatever_its_origin_sends() {
    let one = frame(1, 1, 1, &[]).bytes.len();
    let mut streams = Streams::new(2, 0, 10_000, 10 * one);
    let results: Vec<_> = (1..=20).map(|first| streams.take(frame(1, first, 1, &[]))).collect();
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 10);
    assert_eq!(results[10..], [Err(Drop::Limit); 10]);
    assert_eq!(streams.get(1).unwrap().gap(), None, "what was refused left nothing");
}

#[test]
fn pieces_without_a_body_are_bounded_too() {
    let mut stream = super::stream::Stream::default();
    for _ in 0..100 {
        stream.keep_piece(false, bytes::Bytes::new(), 6_400);
    }
    assert!(stream.bytes() <= 6_400 && stream.bytes() > 6_000, "{}", stream.bytes());
    stream.keep_piece(false, bytes::Bytes::new(), 6_400);
    assert_eq!(stream.assemble(false, bytes::Bytes::new()), None);
}

#[test]
fn a_message_above_the_limit_is_not_delivered_in_part() {
    let body = |length| bytes::Bytes::from(vec![7; length]);
    let mut stream = super::stream::Stream::default();
    for _ in 0..3 {
        stream.keep_piece(false, body(4_000), 10_000);
    }
    assert_eq!(stream.bytes(), 0, "nothing of it is kept");
    stream.keep_piece(false, body(100), 10_000);
    assert_eq!(stream.assemble(false, body(1)), None);
    stream.keep_piece(false, body(4_000), 10_000);
    assert_eq!(stream.assemble(false, body(1)), Some(body(4_001)), "the next one is");
}

#[test]
fn nobody_promises_in_the_name_of_this_node() {
    let mut streams = Streams::new(2, 0, 10_000, usize::MAX);
    let tag = ConfigurationTag(1);
    let bare = Builder::new().finish(tag, 0, 1, (90, 90), &[]);
    assert_eq!(streams.take(bare), Err(Drop::Duplicate));
    assert_eq!(streams.get(0).unwrap().promise(), 0);
}
