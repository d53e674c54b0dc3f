//! The compact frames that carry numbers by rank: promises, acknowledgements, stability, needs.

use crate::{
    error::Drop,
    ids::ConfigurationTag,
    wire::{
        Header, Kind, MAX_COUNT,
        header::HEADER,
        varint::{Reader, put_number},
    },
};
use bytes::Bytes;

/// A promise of one node: after its entry `number` all its clocks are above `clock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Promise {
    pub(crate) rank: u16,
    pub(crate) number: u64,
    pub(crate) clock: u64,
}

/// A range of entries of one origin that the sender lacks, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Need {
    pub(crate) origin: u16,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// `Ack` and `Stable`: one count per rank.
pub(crate) fn write_counts(kind: Kind, tag: ConfigurationTag, counts: &[u64]) -> Bytes {
    let mut frame = Header::begin(kind, tag, 4 * counts.len());
    for &count in counts {
        put_number(&mut frame, count);
    }
    frame.into()
}

/// Exactly `size` counts.
pub(crate) fn read_counts(frame: &[u8], size: usize) -> Result<Vec<u64>, Drop> {
    let mut reader = Reader::new(frame, HEADER);
    let counts = (0..size).map(|_| bounded(&mut reader)).collect::<Result<_, _>>()?;
    finish(&reader, counts)
}

pub(crate) fn write_promises(tag: ConfigurationTag, promises: &[Promise]) -> Bytes {
    let mut frame = Header::begin(Kind::Promises, tag, 10 * promises.len());
    for promise in promises {
        put_number(&mut frame, u64::from(promise.rank));
        put_number(&mut frame, promise.number);
        put_number(&mut frame, promise.clock);
    }
    frame.into()
}

/// At most `size` promises, to the end of the frame.
pub(crate) fn read_promises(frame: &[u8], size: usize) -> Result<Vec<Promise>, Drop> {
    let mut reader = Reader::new(frame, HEADER);
    let mut promises = Vec::new();
    while reader.remaining() > 0 {
        let rank: u16 = reader.small()?;
        let (number, clock) = (bounded(&mut reader)?, bounded(&mut reader)?);
        if usize::from(rank) >= size || promises.len() >= size {
            return Err(Drop::Malformed);
        }
        promises.push(Promise { rank, number, clock });
    }
    Ok(promises)
}

pub(crate) fn write_need(tag: ConfigurationTag, need: Need) -> Bytes {
    let mut frame = Header::begin(Kind::Need, tag, 20);
    put_number(&mut frame, u64::from(need.origin));
    put_number(&mut frame, need.first);
    put_number(&mut frame, need.last);
    frame.into()
}

pub(crate) fn read_need(frame: &[u8], size: usize) -> Result<Need, Drop> {
    let mut reader = Reader::new(frame, HEADER);
    let need =
        Need { origin: reader.small()?, first: bounded(&mut reader)?, last: bounded(&mut reader)? };
    if usize::from(need.origin) >= size || need.first == 0 || need.last < need.first {
        return Err(Drop::Malformed);
    }
    finish(&reader, need)
}

/// A clock, or the number of an entry.
pub(super) fn bounded(reader: &mut Reader<'_>) -> Result<u64, Drop> {
    let count = reader.number()?;
    if count > MAX_COUNT { Err(Drop::Malformed) } else { Ok(count) }
}

/// `value`, if nothing follows.
pub(super) fn finish<T>(reader: &Reader<'_>, value: T) -> Result<T, Drop> {
    if reader.remaining() == 0 { Ok(value) } else { Err(Drop::Malformed) }
}
