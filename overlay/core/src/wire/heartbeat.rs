//! Heartbeats: compact, since an idle overlay sends little else, and to each of many nodes.
//!
//! ```text
//! header                                       with the sender's configuration
//! epoch of the configuration                   number (LEB128)
//! count of received entries, one for each rank
//! count of promises                            from the leader one for each rank, else its own
//! ```

use crate::{
    error::Drop,
    ids::ConfigurationTag,
    wire::{
        Header, Kind,
        header::HEADER,
        varint::{Reader, put_number},
        vectors::{bounded, finish},
    },
};
use bytes::Bytes;

/// I live, in this configuration; my digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Heartbeat {
    /// The sender's configuration.
    pub(crate) tag: ConfigurationTag,
    /// Its epoch: the tag alone does not tell who has fallen behind.
    pub(crate) epoch: u64,
    /// Received entries per rank of it.
    pub(crate) received: Vec<u64>,
    /// Effective promises: the leader repeats all it knows, per rank; others their own alone.
    pub(crate) promises: Vec<u64>,
}

impl Heartbeat {
    /// As a frame.
    pub(crate) fn write(&self) -> Bytes {
        let numbers = self.received.len() + self.promises.len();
        let mut frame = Header::begin(Kind::Heartbeat, self.tag, 8 + 4 * numbers);
        put_number(&mut frame, self.epoch);
        for counts in [&self.received, &self.promises] {
            put_number(&mut frame, counts.len() as u64);
            counts.iter().for_each(|&count| put_number(&mut frame, count));
        }
        frame.into()
    }

    /// Reads a frame whose header has this tag. Whether the vectors fit the configuration is for
    /// who knows it.
    pub(crate) fn read(frame: &[u8], tag: u64) -> Result<Self, Drop> {
        let mut reader = Reader::new(frame, HEADER);
        let epoch = reader.number()?;
        let (received, promises) = (counts(&mut reader)?, counts(&mut reader)?);
        finish(&reader, Self { tag: ConfigurationTag(tag), epoch, received, promises })
    }
}

/// Counts behind their number.
fn counts(reader: &mut Reader<'_>) -> Result<Vec<u64>, Drop> {
    let size: usize = reader.small()?;
    // A count has a byte at least: nothing is allocated for more than is here.
    if size > reader.remaining() {
        return Err(Drop::Malformed);
    }
    (0..size).map(|_| bounded(reader)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MAX_COUNT, tests::Numbers};

    const TAG: ConfigurationTag = ConfigurationTag(0x0123_4567_89ab_cdef);

    /// Of a configuration of `size` nodes, whose numbers are all this one.
    fn heartbeat(epoch: u64, size: usize, promises: usize, number: u64) -> Heartbeat {
        let (received, promises) = (vec![number; size], vec![number; promises]);
        Heartbeat { tag: TAG, epoch, received, promises }
    }

    fn read(frame: &[u8]) -> Result<Heartbeat, Drop> {
        let header = Header::read(frame)?;
        assert_eq!(header.kind, Kind::Heartbeat);
        Heartbeat::read(frame, header.tag)
    }

    /// What docs/benchmarks.md promises of an idle overlay rests on these.
    #[test]
    fn heartbeats_of_ten_nodes_are_small() {
        let bytes = |epoch, promises, number| heartbeat(epoch, 10, promises, number).write().len();
        // A young overlay, one of two million entries a node, and the largest numbers that there are.
        assert_eq!([bytes(9, 1, 9), bytes(9, 10, 9)], [24, 33]);
        assert_eq!([bytes(999, 1, 1 << 20), bytes(999, 10, 1 << 20)], [47, 74]);
        assert_eq!([bytes(1 << 61, 1, MAX_COUNT), bytes(1 << 61, 10, MAX_COUNT)], [98, 161]);
    }

    #[test]
    fn heartbeats_are_read_as_written_and_refused_if_anything_lacks() {
        let mut numbers = Numbers::new(21);
        for _ in 0..4_000 {
            let size = numbers.next(60);
            let counts = |numbers: &mut Numbers, size| -> Vec<u64> {
                (0..size).map(|_| numbers.any() & MAX_COUNT).collect()
            };
            let received = counts(&mut numbers, size);
            let promises = numbers.next(2) * size;
            let promises = counts(&mut numbers, promises);
            let epoch = numbers.any() >> 1;
            let heartbeat = Heartbeat { tag: TAG, epoch, received, promises };
            let frame = heartbeat.write();
            assert_eq!(read(&frame).as_ref(), Ok(&heartbeat));
            for end in HEADER..frame.len() {
                assert_eq!(read(&frame[..end]), Err(Drop::Malformed), "cut at {end}");
            }
            assert_eq!(read(&[&frame[..], &[0]].concat()), Err(Drop::Malformed), "longer");
        }
    }

    #[test]
    fn lies_are_refused() {
        let frame = heartbeat(1, 0, 0, 0).write();
        let header = &frame[..HEADER];
        let body = |numbers: &[u64]| {
            let mut bytes = header.to_vec();
            numbers.iter().for_each(|&number| put_number(&mut bytes, number));
            read(&bytes)
        };
        assert!(body(&[1, 0, 0]).is_ok());
        assert_eq!(body(&[1, 1 << 40, 0, 0]), Err(Drop::Malformed), "counts that are not there");
        assert_eq!(body(&[1, 1, MAX_COUNT + 1, 0]), Err(Drop::Malformed), "a count out of range");
        let long = [header, &[0x81, 0, 0, 0]].concat();
        assert_eq!(read(&long), Err(Drop::Malformed), "another spelling of one");
    }
}
