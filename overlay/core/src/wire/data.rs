//! Data frames: the entries of one origin, stamped together.
//!
//! ```text
//! header
//! rank of the origin, number of the first entry           numbers (LEB128)
//! clock before the first ordered entry, promise above it
//! count of dependencies, (rank, delivered entries) each, ranks ascending
//! count of entries, count of ordered ones
//! entries: a byte of kind and flags, then
//!   message        channel, local, number (left out if they continue the entry before), body
//!   piece          body
//!   control        body (CBOR)
//!   yield          number
//! ```

use crate::{
    error::Drop,
    ids::{Channel, ConfigurationTag},
    input::Service,
    wire::{
        Header, Kind, MAX_COUNT,
        header::HEADER,
        varint::{Reader, put_bytes, put_number},
    },
};
use bytes::Bytes;

/// The entry's message continues the one before: same channel and local, next number.
const CONTINUES: u8 = 0x08;
const PIECE: u8 = 0;
const FIFO: u8 = 1;
const CAUSAL: u8 = 2;
const AGREED: u8 = 3;
const SAFE: u8 = 4;
const CONTROL: u8 = 5;
const YIELD: u8 = 6;
const CONTROL_PIECE: u8 = 7;

/// A data frame whose outline has been checked, entries included.
#[derive(Clone, Debug)]
pub(crate) struct DataFrame {
    /// The whole frame.
    pub(crate) bytes: Bytes,
    pub(crate) origin: u16,
    /// The number of the first entry; the next one's, if there are none.
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// How many of them are ordered.
    pub(crate) ordered: u32,
    /// The clock before the first ordered entry.
    pub(crate) base: u64,
    /// Later entries have larger clocks.
    pub(crate) promise: u64,
    dependencies: u32,
    dependencies_at: u32,
    entries_at: u32,
}

/// How many of a frame's dependencies are known to be met, and the bytes that they take.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Met {
    dependencies: u32,
    bytes: u32,
}

impl DataFrame {
    /// The clock of its last ordered entry; 0 without any.
    pub(crate) fn top_clock(&self) -> u64 {
        if self.ordered > 0 { self.base + u64::from(self.ordered) } else { 0 }
    }

    /// Checks a frame (its header has been read) of a configuration of `size` nodes.
    pub(crate) fn read(bytes: Bytes, size: usize) -> Result<Self, Drop> {
        let mut reader = Reader::new(&bytes, HEADER);
        let origin: u16 = reader.small()?;
        let first = reader.number()?;
        let base = reader.number()?;
        let promise = base.checked_add(reader.number()?).ok_or(Drop::Malformed)?;
        let dependencies: u32 = reader.small()?;
        if usize::from(origin) >= size || first == 0 || first > MAX_COUNT || promise > MAX_COUNT {
            return Err(Drop::Malformed);
        }
        let dependencies_at = offset(&reader)?;
        let mut above = 0;
        for _ in 0..dependencies {
            let rank: u16 = reader.small()?;
            if u32::from(rank) < above || usize::from(rank) >= size || rank == origin {
                return Err(Drop::Malformed);
            }
            above = u32::from(rank) + 1;
            if reader.number()? > MAX_COUNT {
                return Err(Drop::Malformed);
            }
        }
        let count: u32 = reader.small()?;
        let ordered: u32 = reader.small()?;
        let entries_at = offset(&reader)?;
        check_entries(&mut reader, count, ordered)?;
        if promise < base + u64::from(ordered) || (count == 0 && dependencies > 0) {
            return Err(Drop::Malformed);
        }
        Ok(Self {
            origin,
            first,
            count,
            ordered,
            base,
            promise,
            dependencies,
            dependencies_at,
            entries_at,
            bytes,
        })
    }

    /// The number of its last entry; of the one before its first, if it has none.
    pub(crate) fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// The entries of other streams that the origin had delivered, where they changed.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = (u16, u64)> {
        let mut reader = Reader::new(&self.bytes, self.dependencies_at as usize);
        // Checked by `read`: neither can fail.
        (0..self.dependencies)
            .map_while(move |_| Some((reader.small().ok()?, reader.number().ok()?)))
    }

    /// Looks at the dependencies that were not met before, up to the first that is not yet: `count`
    /// tells how much there is of a stream.
    pub(crate) fn is_met(&self, met: &mut Met, count: impl Fn(u16) -> u64) -> bool {
        let mut reader = Reader::new(&self.bytes, (self.dependencies_at + met.bytes) as usize);
        while met.dependencies < self.dependencies {
            // Checked by `read`: neither can fail.
            let (Ok(rank), Ok(needed)) = (reader.small(), reader.number()) else { return true };
            if count(rank) < needed {
                return false;
            }
            met.dependencies += 1;
            let past = reader.position().saturating_sub(self.dependencies_at as usize);
            met.bytes = u32::try_from(past).unwrap_or(u32::MAX);
        }
        true
    }

    /// The first entry.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor {
            at: self.entries_at as usize,
            clock: self.base,
            channel: Channel(0),
            local: 0,
            number: 0,
        }
    }
}

fn offset(reader: &Reader<'_>) -> Result<u32, Drop> {
    u32::try_from(reader.position()).map_err(|_| Drop::Malformed)
}

/// Walks over all entries, so that a cursor can never fail on them.
fn check_entries(reader: &mut Reader<'_>, count: u32, ordered: u32) -> Result<(), Drop> {
    let mut seen = 0;
    let mut continued = false;
    // A count that lies ends with the bytes: every entry has at least two.
    for _ in 0..count {
        let flags = reader.byte()?;
        match flags & 0x07 {
            kind @ (FIFO | CAUSAL | AGREED | SAFE) => {
                if flags & CONTINUES == 0 {
                    reader.fixed()?;
                    reader.small::<u32>()?;
                    if reader.number()? > MAX_COUNT {
                        return Err(Drop::Malformed);
                    }
                    continued = true;
                } else if !continued {
                    return Err(Drop::Malformed);
                }
                reader.range()?;
                seen += u32::from(kind >= AGREED);
            }
            CONTROL => {
                reader.range()?;
                seen += 1;
            }
            YIELD => {
                reader.number()?;
            }
            _ => {
                reader.range()?;
            }
        }
        if flags > 0x0f || (flags & CONTINUES != 0 && !(FIFO..=SAFE).contains(&(flags & 0x07))) {
            return Err(Drop::Malformed);
        }
    }
    if seen != ordered || reader.remaining() != 0 { Err(Drop::Malformed) } else { Ok(()) }
}

/// A place among a frame's entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    at: usize,
    clock: u64,
    channel: Channel,
    local: u32,
    number: u64,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A message, or its last piece.
    Message { channel: Channel, local: u32, number: u64, service: Service, body: Bytes },
    /// An earlier piece of the message that comes next.
    Piece { body: Bytes },
    /// A control entry, or its last piece.
    Control { body: Bytes },
    /// An earlier piece of the control entry that comes next.
    ControlPiece { body: Bytes },
    /// The origin's turn ends.
    Yield { number: u64 },
}

impl Cursor {
    /// The clock of the last ordered entry before this place.
    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// Whether the entry here is ordered, and whether it is safe.
    #[inline]
    pub(crate) fn peek(&self, frame: &DataFrame) -> (bool, bool) {
        let kind = frame.bytes.get(self.at).map_or(PIECE, |flags| flags & 0x07);
        (matches!(kind, AGREED | SAFE | CONTROL), kind == SAFE)
    }

    /// The entry here; the cursor moves on. `None` behind the last.
    #[inline]
    pub(crate) fn next(&mut self, frame: &DataFrame) -> Option<Entry> {
        let mut reader = Reader::new(&frame.bytes, self.at);
        let flags = reader.byte().ok()?;
        let kind = flags & 0x07;
        let entry = match kind {
            FIFO | CAUSAL | AGREED | SAFE => {
                if flags & CONTINUES == 0 {
                    self.channel = Channel(reader.fixed().ok()?);
                    self.local = reader.small().ok()?;
                    self.number = reader.number().ok()?;
                } else {
                    self.number = self.number.wrapping_add(1);
                }
                let body = frame.bytes.slice(reader.range().ok()?);
                let service = match kind {
                    FIFO => Service::Fifo,
                    CAUSAL => Service::Causal,
                    AGREED => Service::Agreed,
                    _ => Service::Safe,
                };
                let Self { channel, local, number, .. } = *self;
                Entry::Message { channel, local, number, service, body }
            }
            YIELD => Entry::Yield { number: reader.number().ok()? },
            _ => {
                let body = frame.bytes.slice(reader.range().ok()?);
                match kind {
                    CONTROL => Entry::Control { body },
                    CONTROL_PIECE => Entry::ControlPiece { body },
                    _ => Entry::Piece { body },
                }
            }
        };
        self.clock += u64::from(matches!(kind, AGREED | SAFE | CONTROL));
        self.at = reader.position();
        Some(entry)
    }
}

/// Writes one frame.
pub(crate) struct Builder {
    entries: Vec<u8>,
    count: u32,
    ordered: u32,
    last: Option<(Channel, u32, u64)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), count: 0, ordered: 0, last: None }
    }

    /// Bytes of entries so far.
    pub(crate) fn size(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Appends a message, or its last piece.
    pub(crate) fn message(
        &mut self,
        (channel, local, number): (Channel, u32, u64),
        service: Service,
        body: &[u8],
    ) {
        let kind = match service {
            Service::Safe => SAFE,
            Service::Agreed => AGREED,
            Service::Causal => CAUSAL,
            // The others never enter a stream.
            Service::Fifo | Service::Unreliable | Service::Unicast => FIFO,
        };
        if self.last == Some((channel, local, number.wrapping_sub(1))) {
            self.entries.push(kind | CONTINUES);
        } else {
            self.entries.push(kind);
            self.entries.extend_from_slice(&channel.0.to_le_bytes());
            put_number(&mut self.entries, u64::from(local));
            put_number(&mut self.entries, number);
        }
        self.last = Some((channel, local, number));
        put_bytes(&mut self.entries, body);
        self.count += 1;
        self.ordered += u32::from(kind >= AGREED);
    }

    pub(crate) fn piece(&mut self, control: bool, body: &[u8]) {
        self.entries.push(if control { CONTROL_PIECE } else { PIECE });
        put_bytes(&mut self.entries, body);
        self.count += 1;
    }

    pub(crate) fn control(&mut self, body: &[u8]) {
        self.entries.push(CONTROL);
        put_bytes(&mut self.entries, body);
        self.count += 1;
        self.ordered += 1;
    }

    pub(crate) fn turn_back(&mut self, number: u64) {
        self.entries.push(YIELD);
        put_number(&mut self.entries, number);
        self.count += 1;
    }

    /// The frame. `promise` is at least `base` and the ordered entries.
    pub(crate) fn finish(
        self,
        tag: ConfigurationTag,
        origin: u16,
        first: u64,
        (base, promise): (u64, u64),
        dependencies: &[(u16, u64)],
    ) -> DataFrame {
        let mut frame =
            Header::begin(Kind::Data, tag, self.entries.len() + 48 + 6 * dependencies.len());
        put_number(&mut frame, u64::from(origin));
        put_number(&mut frame, first);
        put_number(&mut frame, base);
        put_number(&mut frame, promise.saturating_sub(base));
        put_number(&mut frame, dependencies.len() as u64);
        let dependencies_at = frame.len();
        for &(rank, count) in dependencies {
            put_number(&mut frame, u64::from(rank));
            put_number(&mut frame, count);
        }
        put_number(&mut frame, u64::from(self.count));
        put_number(&mut frame, u64::from(self.ordered));
        let entries_at = frame.len();
        frame.extend_from_slice(&self.entries);
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        DataFrame {
            bytes: frame.into(),
            origin,
            first,
            count: self.count,
            ordered: self.ordered,
            base,
            promise,
            dependencies: small(dependencies.len()),
            dependencies_at: small(dependencies_at),
            entries_at: small(entries_at),
        }
    }

    /// How many ordered entries so far.
    pub(crate) fn ordered(&self) -> u32 {
        self.ordered
    }
}
