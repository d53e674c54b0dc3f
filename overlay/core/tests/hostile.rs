//! Frames that no honest peer sends: each is refused, counted by its reason, and changes nothing.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::cast_possible_truncation, reason = "frames are made of bytes")]

#[path = "../../../tests/fuzz/src/engine/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "shared with the fuzz targets and other tests"
)]
mod engine;

use bytes::Bytes;
use cenacle_core::{Ballot, Drop, Error, Input, Outbox, Output};
use ciborium::Value;
use engine::{HEADER, Room, ballot_value, control, node, put_number, relay};

const DATA: u8 = 1;
const PROMISES: u8 = 2;
const ACK: u8 = 3;
const STABLE: u8 = 4;
const NEED: u8 = 5;
const CONTROL: u8 = 9;
const HEARTBEAT: u8 = 10;

const FIFO: u8 = 1;
const PIECE: u8 = 0;
const CONTROL_ENTRY: u8 = 5;

/// What engine 0 thinks, as far as it shows.
fn state(room: &Room) -> String {
    let engine = &room.engines[0];
    format!("{engine:?} {:?} {:?}", engine.configuration(), engine.memory())
}

/// Gives engine 0 a frame of another node. It must refuse it for this reason, and stay as it was.
fn refuses(room: &mut Room, from: usize, frame: impl Into<Bytes>, reason: Drop) {
    let bytes: Bytes = frame.into();
    let before = state(room);
    let drops = room.engines[0].figures().drops(reason);
    let mut out = Outbox::new();
    let input = Input::Frame { from: node(from), bytes: bytes.clone() };
    let result = room.engines[0].handle(room.now, input, &mut out);
    assert_eq!(result, Err(Error::Dropped { from: node(from), reason }), "{bytes:?}");
    assert_eq!(room.engines[0].figures().drops(reason), drops + 1, "counted as {reason}");
    assert_eq!(before, state(room));
    assert!(out.is_empty(), "{out:?}");
}

/// As `refuses`, for what membership is told: its call succeeds, and the message is counted.
fn passes_over(room: &mut Room, from: usize, frame: Bytes, reason: Drop) {
    let before = state(room);
    let drops = room.engines[0].figures().drops(reason);
    let mut out = Outbox::new();
    let input = Input::Frame { from: node(from), bytes: frame.clone() };
    room.engines[0].handle(room.now, input, &mut out).expect("a frame of the overlay");
    assert_eq!(room.engines[0].figures().drops(reason), drops + 1, "counted as {reason}");
    assert_eq!(before, state(room));
    let is_word = |output: &Output| matches!(output, Output::Send { .. });
    assert!(out.iter().all(is_word), "{out:?}");
}

/// A frame of the present configuration: header and numbers.
fn compact(room: &Room, kind: u8, numbers: &[u64]) -> Vec<u8> {
    let mut frame = room.latest(|kind| kind != CONTROL).expect("a frame")[..HEADER].to_vec();
    frame[1] = kind;
    numbers.iter().for_each(|&number| put_number(&mut frame, number));
    frame
}

/// A data frame of rank 1, with these entries behind those that are here.
fn data(room: &Room, first: u64, count: u64, ordered: u64, entries: &[u8]) -> Vec<u8> {
    let mut frame = compact(room, DATA, &[1, first, 1 << 20, ordered, 0, count, ordered]);
    frame.extend_from_slice(entries);
    frame
}

/// How many entries of rank 1 are at engine 0: "; 1: delivered/complete/received".
fn received(room: &Room) -> u64 {
    let text = format!("{:?}", room.engines[0]);
    let stream = text.split("; 1: ").nth(1).expect("rank 1");
    let counts = stream.split([',', ' ']).next().expect("counts");
    counts.split('/').nth(2).expect("received").parse().expect("a number")
}

fn room() -> Room {
    let room = Room::new();
    assert!(room.engines[0].configuration().is_led_here());
    room
}

#[test]
fn half_frames() {
    let mut room = room();
    let tag = room.latest(|kind| kind != CONTROL).expect("a frame").slice(2..HEADER);
    let of_now = |frame: &&Bytes| frame[1] == CONTROL || frame[2..HEADER] == tag;
    let mut kinds: Vec<Bytes> = room.seen.iter().filter(of_now).cloned().collect();
    kinds.sort_by_key(|frame| frame[1]);
    kinds.dedup_by_key(|frame| frame[1]);
    // Data, acknowledgements, stability and control at least.
    assert!(kinds.len() >= 4, "{kinds:?}");
    for frame in kinds {
        // A vector of promises may end behind any of them.
        let end = if frame[1] == PROMISES { HEADER } else { frame.len() };
        for end in 0..end {
            refuses(&mut room, 1, frame.slice(..end), Drop::Malformed);
        }
    }
}

#[test]
fn other_versions_are_named_on_both_sides() {
    let mut room = room();
    for frame in [room.latest(|k| k == CONTROL), room.latest(|k| k == DATA)] {
        let mut bytes = frame.expect("both").to_vec();
        bytes[0] = 7;
        let before = state(&room);
        let drops = room.engines[0].figures().drops(Drop::Version);
        let input = Input::Frame { from: node(1), bytes: bytes.into() };
        let error = room.engines[0].handle(room.now, input, &mut Outbox::new());
        let error = error.expect_err("another version");
        assert_eq!(error, Error::Version { from: node(1), theirs: 7, ours: 1 });
        let text = error.to_string();
        assert!(text.contains("version 7") && text.contains("this node 1"), "{text}");
        assert_eq!(room.engines[0].figures().drops(Drop::Version), drops + 1);
        assert_eq!(before, state(&room));
    }
}

#[test]
fn other_overlays_and_unknown_kinds() {
    let mut room = room();
    let mut other = room.latest(|kind| kind == CONTROL).expect("a frame").to_vec();
    other[5] ^= 1;
    refuses(&mut room, 1, other, Drop::Overlay);
    for kind in [0, 11, 255] {
        let frame = compact(&room, kind, &[1, 2, 3]);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
    let oversized = compact(&room, DATA, &vec![1; 256 << 10]);
    refuses(&mut room, 1, oversized, Drop::Limit);
}

#[test]
fn strangers() {
    let mut room = room();
    for kind in [DATA, PROMISES, ACK, STABLE, NEED, 6, 7, 8] {
        let frame = compact(&room, kind, &[1, 1, 1]);
        refuses(&mut room, engine::SIZE, frame.clone(), Drop::Stranger);
        // Nobody else is this node itself, and nobody relays for strangers.
        refuses(&mut room, 0, frame.clone(), Drop::Stranger);
        let relayed = relay(&room, engine::SIZE, 0, &frame).expect("a control frame");
        refuses(&mut room, 1, relayed, Drop::Stranger);
        let relayed = relay(&room, 1, engine::SIZE, &frame).expect("a control frame");
        refuses(&mut room, 1, relayed, Drop::Stranger);
    }
    let id = room.engines[0].configuration().id;
    let ask = Value::Array(vec![ballot_value(id), Value::Text("Recall".into())]);
    let ask = control(&room, &map("Ask", ask)).expect("a control frame");
    refuses(&mut room, engine::SIZE, ask.clone(), Drop::Stranger);
    refuses(&mut room, 1, ask, Drop::Stranger);
}

#[test]
fn proposals_of_strangers_and_installations_of_nobody() {
    let mut room = room();
    let stranger = node(engine::SIZE);
    let ballot = Ballot { epoch: 50, proposer: stranger };
    let nodes = (0..=engine::SIZE).map(|n| engine::node_value(node(n))).collect();
    let propose = fields(&[("ballot", ballot_value(ballot)), ("nodes", Value::Array(nodes))]);
    let propose = membership(&room, "Propose", propose);
    passes_over(&mut room, engine::SIZE, propose.clone(), Drop::Stranger);
    // In another's name.
    passes_over(&mut room, 1, propose, Drop::Malformed);
    let nothing = || Value::Array(Vec::new());
    let install = |ballot| {
        fields(&[("ballot", ballot_value(ballot)), ("members", nothing()), ("classes", nothing())])
    };
    let frame = membership(&room, "Install", install(ballot));
    passes_over(&mut room, engine::SIZE, frame.clone(), Drop::Stale);
    passes_over(&mut room, 1, frame, Drop::Stale);
}

#[test]
fn epochs_that_would_spend_them_all() {
    let mut room = room();
    let leader = fields(&[
        ("node", engine::node_value(node(engine::SIZE))),
        ("priority", Value::Integer(0.into())),
    ]);
    for epoch in [1 << 40, 1 << 62, (1 << 62) + 1, u64::MAX] {
        let ballot = Ballot { epoch, proposer: node(engine::SIZE) };
        let beacon = fields(&[
            ("configuration", ballot_value(ballot)),
            ("leader", leader.clone()),
            ("size", Value::Integer(1.into())),
        ]);
        let beacon = membership(&room, "Beacon", beacon);
        passes_over(&mut room, engine::SIZE, beacon, Drop::Malformed);
    }
    let goes = room.input(2, Input::Shutdown);
    goes.expect("a wish");
    let two = |room: &Room| room.engines[0].configuration().size() == 2;
    assert!(room.run(20_000, two), "configurations still change: {:?}", room.engines);
}

#[test]
fn heartbeats_of_strangers_and_of_other_shapes() {
    let mut room = room();
    let epoch = room.engines[0].configuration().id.epoch;
    let size = engine::SIZE as u64;
    let beat = |room: &Room, epoch: u64, received: u64, promises: u64| -> Bytes {
        let counts = |many: u64| [vec![many], vec![0; many as usize]].concat();
        let numbers = [vec![epoch], counts(received), counts(promises)].concat();
        compact(room, HEARTBEAT, &numbers).into()
    };
    let good = beat(&room, epoch, size, 1);
    passes_over(&mut room, engine::SIZE, good.clone(), Drop::Stranger);
    for (epoch, received, promises) in [
        (epoch, size - 1, 1),
        (epoch, size + 1, 1),
        (epoch, size, 0),
        // The leader's alone.
        (epoch, size, size),
        // The tag says another one.
        (epoch + 1, size, 1),
        // Not to be believed.
        (epoch + (1 << 40), size, 1),
    ] {
        let frame = beat(&room, epoch, received, promises);
        passes_over(&mut room, 1, frame, Drop::Malformed);
    }
    // Who lives says so itself.
    let relayed = relay(&room, 2, 0, &good).expect("a control frame");
    refuses(&mut room, 1, relayed, Drop::Malformed);
    let counts = compact(&room, HEARTBEAT, &[epoch, 1 << 40, 0, 0]);
    refuses(&mut room, 1, counts, Drop::Malformed);
    let mut out = Outbox::new();
    let input = Input::Frame { from: node(1), bytes: good };
    room.engines[0].handle(room.now, input, &mut out).expect("a heartbeat");
    assert!(out.is_empty(), "{out:?}");
}

#[test]
fn old_configurations() {
    let mut room = room();
    let mut old = compact(&room, DATA, &[1, 1, 0, 1, 0, 1, 1]);
    old.extend_from_slice(&[CONTROL_ENTRY, 1, 0]);
    old[4] ^= 0x40;
    refuses(&mut room, 1, old.clone(), Drop::OtherConfiguration);
    let relayed = relay(&room, 2, 0, &old).expect("a control frame");
    refuses(&mut room, 1, relayed, Drop::OtherConfiguration);
    let ballot = Ballot { epoch: 1, proposer: node(0) };
    let ask = Value::Array(vec![ballot_value(ballot), Value::Text("Recall".into())]);
    let ask = control(&room, &map("Ask", ask)).expect("a control frame");
    refuses(&mut room, 1, ask, Drop::OtherConfiguration);
}

#[test]
fn duplicate_and_overlapping_entries() {
    let mut room = room();
    let next = received(&room) + 1;
    let empty = [PIECE, 0];
    for first in 1..next {
        let frame = data(&room, first, 1, 0, &empty);
        refuses(&mut room, 1, frame, Drop::Duplicate);
    }
    let frame = data(&room, next - 1, 2, 0, &[PIECE, 0, PIECE, 0]);
    refuses(&mut room, 1, frame, Drop::Overlap);
    // Nobody speaks in this node's name, neither entries nor promises.
    for numbers in [[0, 90, 0, 3, 0, 1, 0], [0, 90, 0, 1 << 40, 0, 0, 0]] {
        let mut frame = compact(&room, DATA, &numbers);
        frame.extend_from_slice(if numbers[5] > 0 { &empty } else { &[] });
        refuses(&mut room, 1, frame, Drop::Duplicate);
    }
}

#[test]
fn numbers_that_wrap_and_numbers_spelt_at_length() {
    let mut room = room();
    let next = received(&room) + 1;
    let most = (1 << 48) - 1;
    for (first, base, above) in
        [(0, 0, 1), (most + 1, 0, 1), (next, most, 1), (next, 1 << 62, 1 << 62), (next, 5, 0)]
    {
        let mut frame = compact(&room, DATA, &[1, first, base, above, 0, 1, 1]);
        frame.extend_from_slice(&[CONTROL_ENTRY, 1, 0]);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
    // Sixty-four bits, and ten bytes of them.
    for long in [&[0xff; 9][..], &[0xff; 10], &[0x81, 0x00], &[0x80, 0x80, 0x00]] {
        let mut frame = compact(&room, DATA, &[]);
        frame.extend_from_slice(long);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
    // A range that ends before it begins, and one that ends nowhere.
    for need in [[1, 5, 4], [1, 0, 4], [9, 1, 1], [1, 1, most + 1]] {
        let frame = compact(&room, NEED, &need);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
}

#[test]
fn absurd_vectors() {
    let mut room = room();
    let most = (1 << 48) - 1;
    for kind in [ACK, STABLE] {
        for counts in [&[][..], &[0, 0], &[0, 0, 0, 0], &[0, most + 1, 0], &[9; 1000]] {
            let frame = compact(&room, kind, counts);
            refuses(&mut room, 1, frame, Drop::Malformed);
        }
    }
    // More of this node's stream than there is; stability from one who does not lead.
    let frame = compact(&room, ACK, &[most, 0, 0]);
    refuses(&mut room, 1, frame, Drop::Malformed);
    let frame = compact(&room, STABLE, &[0, 0, 0]);
    refuses(&mut room, 1, frame, Drop::Stranger);
    for promises in [&[3, 1, 1][..], &[1, most + 1, 1], &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]] {
        let frame = compact(&room, PROMISES, promises);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
    let next = received(&room) + 1;
    // Dependencies: on nobody, on itself, backwards, more than nodes, and without an entry.
    for dependencies in [&[3, 1][..], &[1, 1], &[2, 1, 0, 1], &[0, most + 1], &[0, 1, 0, 1]] {
        let mut numbers = vec![1, next, 1 << 20, 1, dependencies.len() as u64 / 2];
        numbers.extend_from_slice(dependencies);
        numbers.extend_from_slice(&[1, 1]);
        let mut frame = compact(&room, DATA, &numbers);
        frame.extend_from_slice(&[CONTROL_ENTRY, 1, 0]);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
    let frame = compact(&room, DATA, &[1, next, 0, 1, u64::from(u32::MAX), 1]);
    refuses(&mut room, 1, frame, Drop::Malformed);
}

#[test]
fn lies_about_lengths() {
    let mut room = room();
    let next = received(&room) + 1;
    let lies: [(u64, u64, &[u8]); 9] = [
        (2, 0, &[PIECE, 0]),
        (u64::from(u32::MAX), 0, &[PIECE, 0]),
        (1 << 40, 0, &[PIECE, 0]),
        (1, 0, &[PIECE, 9, 1]),
        (1, 0, &[PIECE, 0, 0]),
        (1, 0, &[PIECE, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        (1, 2, &[CONTROL_ENTRY, 0]),
        // A message that continues none, and flags that no entry has.
        (1, 0, &[FIFO | 0x08, 0]),
        (1, 0, &[PIECE | 0x10, 0]),
    ];
    for (count, ordered, entries) in lies {
        let frame = data(&room, next, count, ordered, entries);
        refuses(&mut room, 1, frame, Drop::Malformed);
    }
}

#[test]
fn deep_and_lying_cbor() {
    let mut room = room();
    let header = room.latest(|kind| kind == CONTROL).expect("a frame").slice(..HEADER);
    let mut huge = vec![0x9b];
    huge.extend_from_slice(&u64::MAX.to_be_bytes());
    let mut text = vec![0x7b];
    text.extend_from_slice(&(1u64 << 60).to_be_bytes());
    let deep = |byte: u8| vec![byte; 200_000];
    for body in [deep(0x81), deep(0xa1), deep(0xc1), deep(0x9f), huge, text, vec![0xf6], vec![]] {
        refuses(&mut room, 1, [&header[..], &body].concat(), Drop::Malformed);
    }
    // Deep inside a relayed frame, and a relayed relay.
    let inner = [&header[..], &deep(0x81)].concat();
    let relayed = relay(&room, 2, 0, &inner).expect("a control frame");
    refuses(&mut room, 1, relayed, Drop::Malformed);
    // More than one item.
    let mut two = room.latest(|kind| kind == CONTROL).expect("a frame").to_vec();
    two.push(0xf6);
    refuses(&mut room, 1, two, Drop::Malformed);
}

#[test]
fn a_member_that_keeps_to_no_window() {
    let mut room = room();
    let mut refused = 0;
    let mut first = received(&room) + 1;
    for _ in 0..20_000 {
        // Depends on what will never come: nothing of it can be delivered.
        let mut frame = compact(&room, DATA, &[1, first, 1 << 20, 0, 1, 2, 1 << 40, 1, 0]);
        frame.push(PIECE);
        put_number(&mut frame, 2_000);
        frame.extend_from_slice(&[7; 2_000]);
        let input = Input::Frame { from: node(1), bytes: frame.into() };
        match room.engines[0].handle(room.now, input, &mut Outbox::new()) {
            Ok(()) => first += 1,
            Err(error) => {
                assert_eq!(error, Error::Dropped { from: node(1), reason: Drop::Limit });
                refused += 1;
            }
        }
        let memory = room.engines[0].memory();
        assert!(memory.held <= memory.limit, "{memory:?}");
    }
    assert!(refused > 15_000, "{refused} refused");
}

fn map(name: &str, value: Value) -> Value {
    Value::Map(vec![(Value::Text(name.into()), value)])
}

fn fields(fields: &[(&str, Value)]) -> Value {
    Value::Map(fields.iter().map(|(n, v)| (Value::Text((*n).into()), v.clone())).collect())
}

fn membership(room: &Room, name: &str, message: Value) -> Bytes {
    control(room, &map("Membership", map(name, message))).expect("a control frame")
}

#[test]
fn what_is_not_cut_into_pieces_is_refused_above_a_frame() {
    let (now, mut out) = (cenacle_core::Time(1), Outbox::new());
    let settings = cenacle_core::Settings::new(node(0), "room");
    let charter = Box::new(cenacle_core::SameCharter);
    let mut alone = cenacle_core::Engine::new(settings, charter, now, &mut out).expect("an engine");
    let group: cenacle_core::GroupName = "ops".parse().expect("a name");
    let body = Bytes::from(vec![0; 253 << 10]);
    let to = cenacle_core::MemberId { node: node(0), local: 0 };
    let service = cenacle_core::Service::Unreliable;
    let sends = [
        Input::Unicast { group: group.clone(), local: 0, to, body: body.clone() },
        Input::Send { group, local: 0, service, body },
    ];
    for send in sends {
        let result = alone.handle(now, send, &mut out);
        assert_eq!(result, Err(Error::TooLarge { max: 252 << 10 }));
    }
}
