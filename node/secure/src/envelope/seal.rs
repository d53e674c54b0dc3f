//! Sealing: a member's side of a run as sender.

use super::wire::{Fields, code_of_all, write_sealed, write_signed};
use super::{Destination, EnvelopeError, KeyRing, RunContext, Signer};
use cenacle_plugin::MAX_BODY;
use std::sync::Arc;

/// Signs this member's messages of one run and numbers them.
///
/// There must be only one a run and member: a second would use the same numbers again.
#[derive(Debug)]
pub struct Sealer {
    context: RunContext,
    ring: Arc<KeyRing>,
    me: u16,
    signer: Arc<Signer>,
    last: u32,
}

impl Sealer {
    /// The sealer of the member at position `me`.
    ///
    /// Fails with [`EnvelopeError::NoSuchMember`] when `me` is not in the view, and with
    /// [`EnvelopeError::NotMyKey`] when the view lists another key for it than the signer's.
    pub fn new(
        context: RunContext,
        ring: Arc<KeyRing>,
        me: u32,
        signer: Arc<Signer>,
    ) -> Result<Self, EnvelopeError> {
        let position = ring.position(me)?;
        if ring.key(position).is_none_or(|key| key.as_ref() != signer.public_key()) {
            return Err(EnvelopeError::NotMyKey { position: me });
        }
        Ok(Self { context, ring, me: position, signer, last: 0 })
    }

    /// Signs `body` for its destination under the next number; the result is [`OVERHEAD`] bytes
    /// longer.
    ///
    /// Fails when the body is above [`MAX_BODY`], the destination is not in the view or the member
    /// itself, or the run's 2^32 - 1 numbers are spent; then no number is used.
    ///
    /// [`OVERHEAD`]: super::OVERHEAD
    pub fn seal(&mut self, to: Destination, body: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        if body.len() > MAX_BODY {
            return Err(EnvelopeError::BodyTooLong { got: body.len() });
        }
        let to = match to {
            Destination::All(order) => code_of_all(order),
            Destination::Member(position) if position == u32::from(self.me) => {
                return Err(EnvelopeError::NoSuchMember { position });
            }
            Destination::Member(position) => self.ring.position(position)?,
        };
        let number = self.last.checked_add(1).ok_or(EnvelopeError::NumbersSpent)?;
        let fields = Fields { number, from: self.me, to };
        let mut signed = Vec::new();
        write_signed(&mut signed, &self.context, fields, body);
        let signature = self.signer.sign(&signed);
        self.last = number;
        Ok(write_sealed(&self.context, fields, &signature, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;
    use cenacle_plugin::{Member, MemberId, Order, Secret};

    #[test]
    fn the_last_number_is_used_and_no_more() {
        let signer = Arc::new(Signer::new(&Secret::new([1; 32])));
        let id = MemberId::new(b"a").unwrap();
        let member = Member { id, public_key: *signer.public_key() };
        let ring = Arc::new(KeyRing::new(&[member]).unwrap());
        let run = Run {
            suite: "s",
            group: b"g",
            view: b"v",
            members: &ring,
            charter: &[0; 32],
            number: 0,
        };
        let mut sealer = Sealer::new(run.context().unwrap(), ring, 0, signer).unwrap();
        sealer.last = u32::MAX - 1;
        let to = Destination::All(Order::Fifo);
        assert!(sealer.seal(to, b"x").is_ok());
        assert_eq!(sealer.seal(to, b"x"), Err(EnvelopeError::NumbersSpent));
    }
}
