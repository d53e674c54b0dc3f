//! Records: what members of an epoch say to each other, sealed by the group's cipher.
//!
//! A record holds one message or many of the same service, so that small messages share the cost of
//! a seal. On the wire, integers most significant byte first, what is clear behind what is sealed
//! (so that a record is made and read in place):
//!
//! | bytes | field | |
//! |---|---|---|
//! | any | sealed | see below; with the cipher's tag |
//! | 4 | key id | names the epoch; not secret |
//! | 8 | counter | the lane in the first byte, then the sender's records of that lane, from 1 |
//! | 1 | kind | that of records |
//!
//! Sealed: the service that the application asked for (1 byte), the number of the first message
//! (8 bytes), then each message behind its length (4 bytes).
//!
//! Every sender has a key of its own in every epoch, derived from the epoch's; the counter is the
//! nonce. So the key fixes group, view and sender. The counter, the service by which the record
//! travelled and the addressee are bound as associated data. Records of one lane arrive in their
//! sender's order: a counter that does not grow is a replay.

use crate::keys::{Epoch, KEY_ID_LEN};
use crate::names::{MEMBER_LEN, member_bytes};
use bytes::Bytes;
use cenacle_core::{MemberId, Service};
use cenacle_plugin::{Cipher, CipherKey, Error as ModuleError, MAX_PLAINTEXT, Nonce};
use std::collections::BTreeMap;

/// Bytes of a record besides messages and the cipher's tag.
pub(crate) const RECORD_OVERHEAD: usize = HEAD + TRAILER;
/// Bytes that each message takes besides its own.
pub(crate) const MESSAGE_OVERHEAD: usize = 4;

/// The last byte of a record.
pub(crate) const RECORD: u8 = 3;
const HEAD: usize = 1 + 8;
const TRAILER: usize = KEY_ID_LEN + 8 + 1;
/// Records of one lane under one key; the byte above it names the lane.
const MAX_COUNTER: u64 = (1 << 56) - 1;
const LANES: usize = 3;

/// Records whose order among themselves is kept.
fn lane_of(service: Service) -> usize {
    match service {
        // One stream carries all of these, and delivers them in its order.
        Service::Fifo | Service::Causal | Service::Agreed | Service::Safe => 0,
        Service::Unreliable => 1,
        Service::Unicast => 2,
    }
}

/// Why a record was not sealed or not opened. The state is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Too few bytes for a record.
    #[error("{got} bytes are too few for a record")]
    TooShort {
        /// How many.
        got: usize,
    },
    /// Sealed under another epoch's key.
    #[error("sealed under key {key_id:02x?}, which is not the one of this view")]
    OtherKey {
        /// The key that it names.
        key_id: [u8; KEY_ID_LEN],
    },
    /// Its sender is not a member of the view.
    #[error("a record of {0}, which is not in the view")]
    NotAMember(MemberId),
    /// The counter was used before, or travels in another lane than the record.
    #[error("record {counter} of {from} was seen already, or comes too late")]
    Replayed {
        /// Who sent it.
        from: MemberId,
        /// The number of the record.
        counter: u64,
    },
    /// The cipher refused.
    #[error(transparent)]
    Cipher(#[from] ModuleError),
    /// What was sealed is not a list of messages.
    #[error("a record of {0} that holds no messages")]
    Malformed(MemberId),
    /// The key has sealed as much as it may: a new one is due.
    #[error("this member's key is used up: a new one is due")]
    Spent,
}

/// Messages of one sender that travel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The service that the sender asked for.
    pub service: Service,
    /// The number of the first; the others follow it.
    pub first: u64,
    /// The messages: slices of one buffer.
    pub messages: Vec<Bytes>,
}

/// A member's own side of an epoch: seals.
pub struct Writer {
    key: Box<dyn CipherKey>,
    key_id: [u8; KEY_ID_LEN],
    counters: [u64; LANES],
    most: u64,
}

impl Writer {
    /// For `me`; the cipher allows `max_messages` under one key.
    pub fn new(
        epoch: &Epoch,
        cipher: &dyn Cipher,
        max_messages: u64,
        me: &MemberId,
    ) -> Result<Self, ModuleError> {
        let key = cipher.key(&epoch.sender_key(&member_bytes(me)))?;
        let most = max_messages.min(MAX_COUNTER);
        Ok(Self { key, key_id: epoch.key_id(), counters: [0; LANES], most })
    }

    /// How many records it has sealed.
    pub fn sealed(&self) -> u64 {
        self.counters.iter().sum()
    }

    /// Seals messages, the first of which has the number `first`, for all or for `to`. They will
    /// travel by `way`; the application asked for `service`.
    pub fn seal(
        &mut self,
        way: Service,
        to: Option<&MemberId>,
        service: Service,
        first: u64,
        messages: &[Bytes],
    ) -> Result<Bytes, RecordError> {
        let lane = lane_of(way);
        let used = self.counters.get(lane).copied().unwrap_or(u64::MAX);
        if self.sealed() >= self.most || used >= MAX_COUNTER {
            return Err(RecordError::Spent);
        }
        let counter = ((lane as u64) << 56) | (used + 1);
        let mut buffer = written(service, first, messages)?;
        let (header, length) = header(way, to, counter);
        let header = header.get(..length).unwrap_or_default();
        self.key.seal(Nonce::from_counter(counter), header, &mut buffer)?;
        buffer.extend_from_slice(&self.key_id);
        buffer.extend_from_slice(&counter.to_be_bytes());
        buffer.push(RECORD);
        if let Some(last) = self.counters.get_mut(lane) {
            *last = used + 1;
        }
        Ok(buffer.into())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({:?})", self.counters)
    }
}

fn written(service: Service, first: u64, messages: &[Bytes]) -> Result<Vec<u8>, ModuleError> {
    let bodies: usize = messages.iter().map(|message| message.len() + MESSAGE_OVERHEAD).sum();
    // With room for any cipher's tag and the trailer, so that nothing moves.
    let mut buffer = Vec::with_capacity(HEAD + bodies + 64 + TRAILER);
    buffer.push(service as u8);
    buffer.extend_from_slice(&first.to_be_bytes());
    for message in messages {
        let too_long = |_| ModuleError::BadLength {
            what: "a message",
            got: message.len(),
            want: format!("at most {MAX_PLAINTEXT}"),
        };
        buffer.extend_from_slice(&u32::try_from(message.len()).map_err(too_long)?.to_be_bytes());
        buffer.extend_from_slice(message);
    }
    Ok(buffer)
}

const HEADER: usize = 1 + 8 + MEMBER_LEN;

/// What is bound besides the nonce: the way that the record travels, its counter, its addressee.
fn header(way: Service, to: Option<&MemberId>, counter: u64) -> ([u8; HEADER], usize) {
    let mut header = [0; HEADER];
    let (fixed, addressee) = header.split_at_mut(9);
    let (kind, count) = fixed.split_at_mut(1);
    kind.copy_from_slice(&[way as u8]);
    count.copy_from_slice(&counter.to_be_bytes());
    let Some(to) = to else { return (header, 9) };
    addressee.copy_from_slice(&member_bytes(to));
    (header, HEADER)
}

/// What a member needs to open the records of the others of its view.
pub struct Reader {
    key_id: [u8; KEY_ID_LEN],
    senders: BTreeMap<MemberId, Sender>,
    me: MemberId,
}

struct Sender {
    key: Box<dyn CipherKey>,
    last: [u64; LANES],
}

impl Reader {
    /// For `me`, of a view of `members`.
    pub fn new(
        epoch: &Epoch,
        cipher: &dyn Cipher,
        members: &[MemberId],
        me: MemberId,
    ) -> Result<Self, ModuleError> {
        let sender = |member: &MemberId| {
            let key = cipher.key(&epoch.sender_key(&member_bytes(member)))?;
            Ok((*member, Sender { key, last: [0; LANES] }))
        };
        let senders = members.iter().map(sender).collect::<Result<_, ModuleError>>()?;
        Ok(Self { key_id: epoch.key_id(), senders, me })
    }

    /// Opens what came from `from` by `way`.
    pub fn open(
        &mut self,
        from: &MemberId,
        way: Service,
        record: &Bytes,
    ) -> Result<Opened, RecordError> {
        let (sealed, key_id, counter) =
            split(record).ok_or(RecordError::TooShort { got: record.len() })?;
        if key_id != self.key_id {
            return Err(RecordError::OtherKey { key_id });
        }
        let sender = self.senders.get_mut(from).ok_or(RecordError::NotAMember(*from))?;
        let lane = lane_of(way);
        let number = counter & MAX_COUNTER;
        let last = sender
            .last
            .get_mut(lane)
            .filter(|last| counter >> 56 == lane as u64 && number > **last);
        let Some(last) = last else {
            return Err(RecordError::Replayed { from: *from, counter: number });
        };
        let to = (way == Service::Unicast).then_some(&self.me);
        let (header, length) = header(way, to, counter);
        let header = header.get(..length).unwrap_or_default();
        let mut buffer = sealed.to_vec();
        sender.key.open(Nonce::from_counter(counter), header, &mut buffer)?;
        // The sender alone could have made it, whatever is in it: it is not taken twice.
        *last = number;
        messages(buffer.into()).ok_or(RecordError::Malformed(*from))
    }

    /// The most records of any one sender that were opened.
    pub fn most_opened(&self) -> u64 {
        self.senders.values().map(|sender| sender.last.iter().sum()).max().unwrap_or(0)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({} senders)", self.senders.len())
    }
}

/// Which epoch a record names.
pub(crate) fn key_id_of(record: &[u8]) -> Option<[u8; KEY_ID_LEN]> {
    split(record).map(|(_, key_id, _)| key_id)
}

/// The counter of a record.
pub(crate) fn counter_of(record: &[u8]) -> Option<u64> {
    split(record).map(|(_, _, counter)| counter)
}

fn split(record: &[u8]) -> Option<(&[u8], [u8; KEY_ID_LEN], u64)> {
    let (_kind, rest) = record.split_last()?;
    let (rest, counter) = rest.split_last_chunk()?;
    let (sealed, key_id) = rest.split_last_chunk()?;
    Some((sealed, *key_id, u64::from_be_bytes(*counter)))
}

fn messages(mut opened: Bytes) -> Option<Opened> {
    use bytes::Buf;
    if opened.len() < HEAD {
        return None;
    }
    let service = service_of(opened.get_u8())?;
    let first = opened.get_u64();
    let mut messages = Vec::new();
    while !opened.is_empty() {
        if opened.len() < MESSAGE_OVERHEAD {
            return None;
        }
        let length = usize::try_from(opened.get_u32()).ok()?;
        if length > opened.len() {
            return None;
        }
        messages.push(opened.split_to(length));
    }
    first.checked_add(messages.len() as u64)?;
    (!messages.is_empty()).then_some(Opened { service, first, messages })
}

fn service_of(code: u8) -> Option<Service> {
    use Service::{Agreed, Causal, Fifo, Safe, Unicast, Unreliable};
    [Unreliable, Fifo, Causal, Agreed, Safe, Unicast].into_iter().find(|s| *s as u8 == code)
}
