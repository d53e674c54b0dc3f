//! Every frame is read as it was written, and no bytes make a reader panic.
#![allow(clippy::cast_possible_truncation, reason = "small random numbers")]

use super::{
    Kind, MAX_COUNT, VERSION,
    data::{Builder, DataFrame, Entry},
    header::{HEADER, Header, control_frame, read_control},
    varint::{Reader, put_number},
    vectors::{self, Need, Promise},
};
use crate::{
    error::Drop,
    ids::{Ballot, Channel, ConfigurationTag, NodeId},
    input::Service,
    wire::control::{Control, Membership},
};
use bytes::Bytes;

const TAG: ConfigurationTag = ConfigurationTag(0x0123_4567_89ab_cdef);

/// A small generator: the same numbers in every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % below
    }

    /// Any number, small ones as often as large ones.
    pub(crate) fn any(&mut self) -> u64 {
        let digits = self.next(64) as u32;
        (self.next(1 << 31) << 33 | self.next(1 << 31) << 2 | self.next(4)) >> digits
    }

    pub(crate) fn rank(&mut self) -> u32 {
        self.any() as u32
    }

    pub(crate) fn bytes(&mut self, most: u64) -> Bytes {
        (0..self.next(most + 1)).map(|_| self.next(256) as u8).collect()
    }
}

fn random_entry(numbers: &mut Numbers) -> Entry {
    let body = Bytes::from(vec![7; numbers.next(300) as usize]);
    match numbers.next(8) {
        0 => Entry::Piece { body },
        1 => Entry::ControlPiece { body },
        2 => Entry::Control { body },
        3 => Entry::Yield { number: numbers.next(MAX_COUNT) },
        kind => Entry::Message {
            channel: Channel(numbers.next(2)),
            local: numbers.next(2) as u32,
            number: numbers.next(3) + 1,
            service: [Service::Fifo, Service::Causal, Service::Agreed, Service::Safe]
                [kind as usize - 4],
            body,
        },
    }
}

fn write(entries: &[Entry], first: u64, clock: u64, dependencies: &[(u16, u64)]) -> DataFrame {
    let mut builder = Builder::new();
    for entry in entries {
        match entry {
            Entry::Message { channel, local, number, service, body } => {
                builder.message((*channel, *local, *number), *service, body);
            }
            Entry::Piece { body } => builder.piece(false, body),
            Entry::ControlPiece { body } => builder.piece(true, body),
            Entry::Control { body } => builder.control(body),
            Entry::Yield { number } => builder.turn_back(*number),
        }
    }
    let promise = clock + u64::from(builder.ordered()) + 3;
    builder.finish(TAG, 1, first, (clock, promise), dependencies)
}

#[test]
fn data_frames_are_read_as_written() {
    let mut numbers = Numbers(1);
    for _ in 0..2_000 {
        let entries: Vec<_> = (0..numbers.next(20)).map(|_| random_entry(&mut numbers)).collect();
        let (first, clock) = (numbers.next(1 << 40) + 1, numbers.next(1 << 40));
        let dependencies = if entries.is_empty() { vec![] } else { vec![(0, 5), (3, clock)] };
        let written = write(&entries, first, clock, &dependencies);
        let read = DataFrame::read(written.bytes.clone(), 4).unwrap();
        assert_eq!((read.origin, read.first, read.base), (1, first, clock));
        assert_eq!((read.count, read.ordered), (written.count, written.ordered));
        assert_eq!(read.promise, clock + u64::from(read.ordered) + 3);
        assert_eq!(read.dependencies().collect::<Vec<_>>(), dependencies);
        let mut cursor = read.cursor();
        for entry in &entries {
            let before = cursor.clock();
            let (ordered, safe) = cursor.peek(&read);
            assert_eq!(cursor.next(&read).as_ref(), Some(entry));
            assert_eq!(cursor.clock() - before, u64::from(ordered));
            let is_safe = matches!(entry, Entry::Message { service: Service::Safe, .. });
            assert_eq!(safe, is_safe);
        }
        assert_eq!(cursor.next(&read), None);
    }
}

#[test]
fn a_body_is_a_slice_of_the_frame() {
    let entry = Entry::Message {
        channel: Channel(9),
        local: 0,
        number: 1,
        service: Service::Agreed,
        body: Bytes::from_static(b"a body that is not copied"),
    };
    let frame = write(&[entry], 1, 0, &[]);
    let read = DataFrame::read(frame.bytes.clone(), 4).unwrap();
    let Some(Entry::Message { body, .. }) = read.cursor().next(&read) else { panic!("a message") };
    assert!(frame.bytes.as_ptr_range().contains(&body.as_ptr()));
}

#[test]
fn cut_and_flipped_data_frames_are_refused_or_read_without_a_panic() {
    let mut numbers = Numbers(2);
    let entries: Vec<_> = (0..12).map(|_| random_entry(&mut numbers)).collect();
    let frame = write(&entries, 7, 100, &[(0, 3), (2, 9)]).bytes;
    for end in 0..frame.len() {
        let cut = frame.slice(..end);
        if Header::read(&cut).is_ok() {
            assert_eq!(DataFrame::read(cut, 4).unwrap_err(), Drop::Malformed, "cut at {end}");
        }
    }
    for at in HEADER..frame.len() {
        for bit in 0..8 {
            let mut bytes = frame.to_vec();
            bytes[at] ^= 1 << bit;
            if let Ok(read) = DataFrame::read(bytes.into(), 4) {
                let mut cursor = read.cursor();
                let entries = (0..read.count).filter(|_| cursor.next(&read).is_some()).count();
                assert_eq!(entries, read.count as usize, "what was checked can be read");
            }
        }
    }
}

#[test]
fn numbers_that_wrap_are_refused() {
    for (first, clock) in [(0, 1), (MAX_COUNT + 1, 1), (1, MAX_COUNT), (1, u64::MAX >> 1)] {
        let mut builder = Builder::new();
        builder.control(b"x");
        let frame = builder.finish(TAG, 1, first, (clock, clock.saturating_add(1)), &[]);
        assert_eq!(DataFrame::read(frame.bytes, 4).unwrap_err(), Drop::Malformed);
    }
    let mut builder = Builder::new();
    builder.control(b"x");
    let promised_too_little = builder.finish(TAG, 1, 1, (5, 5), &[]);
    assert_eq!(DataFrame::read(promised_too_little.bytes, 4).unwrap_err(), Drop::Malformed);
}

#[test]
fn dependencies_out_of_order_on_oneself_or_on_nobody_are_refused() {
    for dependencies in [vec![(2, 1), (0, 1)], vec![(0, 1), (0, 1)], vec![(1, 1)], vec![(4, 1)]] {
        let mut builder = Builder::new();
        builder.control(b"x");
        let frame = builder.finish(TAG, 1, 1, (0, 1), &dependencies);
        assert_eq!(DataFrame::read(frame.bytes, 4).unwrap_err(), Drop::Malformed);
    }
}

#[test]
fn vectors_are_read_as_written() {
    let counts = [0, 1, 127, 128, 1 << 40, MAX_COUNT];
    for kind in [Kind::Ack, Kind::Stable] {
        let frame = vectors::write_counts(kind, TAG, &counts);
        assert_eq!(Header::read(&frame).unwrap().kind, kind);
        assert_eq!(vectors::read_counts(&frame, counts.len()).unwrap(), counts);
        assert_eq!(vectors::read_counts(&frame, counts.len() - 1), Err(Drop::Malformed));
        assert_eq!(vectors::read_counts(&frame, counts.len() + 1), Err(Drop::Malformed));
    }
    let promises =
        [Promise { rank: 2, number: 5, clock: 1 << 40 }, Promise { rank: 0, number: 0, clock: 1 }];
    let frame = vectors::write_promises(TAG, &promises);
    assert_eq!(vectors::read_promises(&frame, 3).unwrap(), promises);
    assert_eq!(vectors::read_promises(&frame, 2), Err(Drop::Malformed));
    let need = Need { origin: 3, first: 4, last: 4 };
    let frame = vectors::write_need(TAG, need);
    assert_eq!(vectors::read_need(&frame, 4).unwrap(), need);
    assert_eq!(vectors::read_need(&frame, 3), Err(Drop::Malformed));
    let backwards = vectors::write_need(TAG, Need { origin: 0, first: 4, last: 3 });
    assert_eq!(vectors::read_need(&backwards, 3), Err(Drop::Malformed));
}

#[test]
fn control_frames_are_read_as_written_and_bounded() {
    let node = NodeId { key: [9; 32], incarnation: 7 };
    let control = Control::Membership(Membership::Reject {
        ballot: Ballot { epoch: 3, proposer: node },
        promised: Ballot { epoch: 4, proposer: node },
    });
    let frame = control_frame(5, &control).unwrap();
    assert_eq!(Header::read(&frame).unwrap().tag, 5);
    assert_eq!(read_control(&frame).unwrap(), control);
    let mut longer = frame.to_vec();
    longer.push(0);
    assert_eq!(read_control(&longer), Err(Drop::Malformed));
    let mut deep = frame[..HEADER].to_vec();
    deep.extend_from_slice(&vec![0x81; 100_000]);
    assert_eq!(read_control(&deep), Err(Drop::Malformed));
    let mut lying = frame[..HEADER].to_vec();
    lying.push(0x9b);
    lying.extend_from_slice(&(1u64 << 62).to_be_bytes());
    assert_eq!(read_control(&lying), Err(Drop::Malformed));
}

#[test]
fn other_versions_and_kinds_are_told_apart() {
    let frame = vectors::write_counts(Kind::Ack, TAG, &[1]);
    let mut other = frame.to_vec();
    other[0] = VERSION + 1;
    assert_eq!(Header::read(&other).unwrap_err(), Drop::Version);
    let mut unknown = frame.to_vec();
    unknown[1] = 200;
    assert_eq!(Header::read(&unknown).unwrap_err(), Drop::Malformed);
    assert_eq!(Header::read(&frame[..9]).unwrap_err(), Drop::Malformed);
    let large = [&frame[..], &vec![0; super::MAX_FRAME]].concat();
    assert_eq!(Header::read(&large).unwrap_err(), Drop::Limit);
}

#[test]
fn a_number_has_one_spelling() {
    for value in [0, 1, 127, 128, 1 << 14, MAX_COUNT, u64::MAX >> 1] {
        let mut bytes = Vec::new();
        put_number(&mut bytes, value);
        assert_eq!(Reader::new(&bytes, 0).number(), Ok(value));
        if bytes.len() < 9 {
            // The same number with a zero behind it.
            if let Some(last) = bytes.last_mut() {
                *last |= 0x80;
            }
            bytes.push(0);
            assert_eq!(Reader::new(&bytes, 0).number(), Err(Drop::Malformed), "{value}");
        }
    }
    assert_eq!(Reader::new(&[0xff; 10], 0).number(), Err(Drop::Malformed));
}
