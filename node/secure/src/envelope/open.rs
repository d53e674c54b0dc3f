//! Opening: a member's side of a run as recipient. Each step of the chain has a type of its own, so
//! that none can be skipped: [`Received`], `Admitted`, [`Verified`].

use super::numbers::Numbers;
use super::wire::write_signed;
use super::{Channel, Destination, EnvelopeError, KeyRing, Received, RunContext};
use cenacle_plugin::Random;
use ed25519_zebra::{Signature, VerificationKey, VerificationKeyBytes, batch};
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::sync::Arc;

/// The fewest signatures that are verified as a batch.
///
/// Measured with `examples/measure_envelope.rs` (64-byte bodies, each sender once, one core of a shared
/// server), in µs a message: singly 46.5; in batches of 2: 46, 3: 39, 4: 37, 8: 32, 32: 30,
/// 100: 26, 128: 25; of 256, had they been allowed: 23.5. Two gain nothing, and cost a second
/// verification when one is bad.
pub const MIN_BATCH: usize = 3;

/// The most signatures that are verified as one batch; more are cut into several. Larger ones gain
/// little (see [`MIN_BATCH`]), while one bad signature costs its whole batch a second verification.
pub const MAX_BATCH: usize = 128;

/// A message that its sender signed for this run and this member, seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    from: u32,
    channel: Channel,
    body: &'a [u8],
}

impl<'a> Verified<'a> {
    /// The sender's position in the view.
    pub fn from(&self) -> u32 {
        self.from
    }

    /// The channel for which the sender signed it. Whoever knows by which channel it came compares.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The body: a slice of the bytes that were opened.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// How many signatures an [`Opener`] has verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verifications {
    /// Signatures verified one at a time, those of failed batches again among them.
    pub single: u64,
    /// Signatures verified in batches, failed ones included.
    pub batched: u64,
    /// Batches that failed.
    pub failed_batches: u64,
}

impl Verifications {
    /// All verifications.
    pub fn total(&self) -> u64 {
        self.single.saturating_add(self.batched)
    }
}

/// A message of this run, from a member, to this member, with a new number: all but the signature.
struct Admitted<'a, 'ring> {
    received: Received<'a>,
    key: &'ring VerificationKey,
}

impl<'a> Admitted<'a, '_> {
    fn signature(&self) -> Signature {
        Signature::from_bytes(&self.received.signature)
    }

    /// Only for a message whose signature was verified.
    fn verified(self) -> Verified<'a> {
        let fields = self.received.fields;
        Verified {
            from: fields.from.into(),
            channel: fields.destination().into(),
            body: self.received.body,
        }
    }
}

/// Opens the messages of one run at one member.
///
/// Checked in this order: form, run, sender, recipient, number, signature. A number is spent only
/// after the signature was verified; a refused message changes nothing but the count of
/// verifications.
#[derive(Debug)]
pub struct Opener {
    desk: Desk,
    numbers: Numbers,
    verifications: Verifications,
}

/// What does not change during a run.
#[derive(Debug)]
struct Desk {
    context: RunContext,
    ring: Arc<KeyRing>,
    me: u32,
}

impl Desk {
    fn admit<'a>(
        &self,
        bytes: &'a [u8],
        numbers: &Numbers,
    ) -> Result<Admitted<'a, '_>, EnvelopeError> {
        let received = Received::parse(bytes)?;
        let fields = received.fields;
        let from = fields.from.into();
        if received.tag() != self.context.tag() {
            return Err(EnvelopeError::ForeignRun { tag: received.tag() });
        }
        let key = self.ring.key(fields.from).ok_or(EnvelopeError::UnknownSender { from })?;
        match fields.destination() {
            Destination::Member(to) if to != self.me => {
                return Err(EnvelopeError::WrongRecipient { from, to });
            }
            Destination::Member(_) | Destination::All(_) => {}
        }
        numbers.check(fields)?;
        Ok(Admitted { received, key })
    }

    fn write_signed(&self, admitted: &Admitted<'_, '_>, buffer: &mut Vec<u8>) {
        write_signed(buffer, &self.context, admitted.received.fields, admitted.received.body);
    }

    /// The predicate of ZIP 215: `[8][s]B = [8]R + [8][k]A`, s below the group's order.
    fn holds(&self, admitted: &Admitted<'_, '_>) -> bool {
        let mut signed = Vec::new();
        self.write_signed(admitted, &mut signed);
        admitted.key.verify(&admitted.signature(), &signed).is_ok()
    }

    /// Whether the same predicate holds for all; wrongly "yes" with probability 2^-128 at most, if
    /// the senders could not foresee `random`.
    fn all_hold(&self, batch: &[&Admitted<'_, '_>], random: &mut Random) -> bool {
        let mut verifier = batch::Verifier::new();
        let mut signed = Vec::new();
        for admitted in batch {
            self.write_signed(admitted, &mut signed);
            let key = VerificationKeyBytes::from(*admitted.key);
            // Hashes the bytes at once and keeps none of them, so that one buffer does for all.
            verifier.queue((key, admitted.signature(), &signed));
        }
        // The verifier goes through its keys in an order of its own, so which coefficient falls to
        // which signature may differ between replays of an event; the verdict does not.
        verifier.verify(Coefficients(random)).is_ok()
    }
}

impl Opener {
    /// The opener of the member at position `me`, with nothing received yet. `ring` is the one that
    /// the context was made with.
    ///
    /// Fails with [`EnvelopeError::NoSuchMember`] when `me` is not in the view.
    pub fn new(context: RunContext, ring: Arc<KeyRing>, me: u32) -> Result<Self, EnvelopeError> {
        ring.position(me)?;
        let numbers = Numbers::new(ring.size());
        let desk = Desk { context, ring, me };
        Ok(Self { desk, numbers, verifications: Verifications::default() })
    }

    /// Opens one message.
    pub fn open<'a>(&mut self, bytes: &'a [u8]) -> Result<Verified<'a>, EnvelopeError> {
        let admitted = self.desk.admit(bytes, &self.numbers)?;
        self.verifications.single = self.verifications.single.saturating_add(1);
        let fields = admitted.received.fields;
        if !self.desk.holds(&admitted) {
            return Err(EnvelopeError::BadSignature { from: fields.from.into() });
        }
        self.numbers.spend(fields);
        Ok(admitted.verified())
    }

    /// Opens many messages at once, faster; the results, and the state afterwards, are those of
    /// [`open`](Self::open) on one after the other.
    ///
    /// `random` gives the batch its coefficients: whoever foresaw them could make bad signatures
    /// that cancel out. Batches have at most [`MAX_BATCH`] signatures; one that fails is verified
    /// singly, which costs up to twice what singly alone would have.
    pub fn open_batch<'a>(
        &mut self,
        sealed: &[&'a [u8]],
        random: &mut Random,
    ) -> Vec<Result<Verified<'a>, EnvelopeError>> {
        let mut opened = Vec::with_capacity(sealed.len());
        for some in sealed.chunks(MAX_BATCH) {
            match self.open_all(some, random) {
                Some(results) => opened.extend(results),
                None => opened.extend(some.iter().map(|bytes| self.open(bytes))),
            }
        }
        opened
    }

    /// Supposes that all signatures are good: under that premise each message is admitted as if
    /// those before it were accepted. If the batch then proves the premise, the staged results are
    /// what one-by-one would have given; if not, nothing has happened and the answer is `None`.
    fn open_all<'a>(
        &mut self,
        sealed: &[&'a [u8]],
        random: &mut Random,
    ) -> Option<Vec<Result<Verified<'a>, EnvelopeError>>> {
        let mut numbers = self.numbers.clone();
        let mut stage = |bytes: &&'a [u8]| {
            let admitted = self.desk.admit(bytes, &numbers)?;
            numbers.spend(admitted.received.fields);
            Ok(admitted)
        };
        let staged: Vec<_> = sealed.iter().map(&mut stage).collect();
        let batch: Vec<_> = staged.iter().flatten().collect();
        if batch.len() < MIN_BATCH {
            return None;
        }
        let count = batch.len() as u64;
        self.verifications.batched = self.verifications.batched.saturating_add(count);
        if !self.desk.all_hold(&batch, random) {
            self.verifications.failed_batches = self.verifications.failed_batches.saturating_add(1);
            return None;
        }
        let verified = staged.into_iter().map(|result| result.map(Admitted::verified)).collect();
        self.numbers = numbers;
        Some(verified)
    }

    /// How many signatures were verified so far.
    pub fn verifications(&self) -> Verifications {
        self.verifications
    }
}

/// The event's random bytes as the library wants them.
struct Coefficients<'a>(&'a mut Random);

impl TryRng for Coefficients<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// [`Random`] is a cryptographic generator: BLAKE3's output under a seed of the operating system.
impl TryCryptoRng for Coefficients<'_> {}
