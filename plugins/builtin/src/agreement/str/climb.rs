//! From one level of the stack to the next, up to the secret.

use super::super::encoded::{Encoded, bad, decode};
use super::{LEVEL, Message, Run, SECRET, Stage, Str};
use cenacle_dh::{DhGroup, Purpose};
use cenacle_plugin::{Action, Error, Order, Outbox, to_cbor};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A Diffie-Hellman value on its way to be hashed.
type Shared<G> = Zeroizing<<G as DhGroup>::Element>;

impl<G: DhGroup> Str<G> {
    /// The sponsor: compute the keys from its level up and show them, the top's excepted.
    pub(super) fn publish(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let keys = self.keys(run, &[], run.level)?;
        let mut blinded = Vec::new();
        let mut unknown = keys.as_slice();
        if let (1, [_, above @ ..]) = (run.level, unknown) {
            // The key of the lowest level is its share.
            blinded.extend_from_slice(&run.share.blinded);
            unknown = above;
        }
        let shown = self.calculator.exp_base_many(Purpose::Protocol, unknown);
        blinded.extend(self.calculator.encode_many(&shown));
        let base = match run.stack.0.first() {
            Some(part) if run.at_once => Some(part.told_as_base(&run.share.blinded)?),
            _ => None,
        };
        let body = to_cbor(&Message::Keys { base, blinded })?;
        out.push(Action::Multicast { order: Order::Fifo, body });
        out.push(Action::Resume);
        run.stage = Stage::Resuming { keys: Arc::new(keys) };
        Ok(())
    }

    /// Everybody else: compute the keys from the lowest level that is in reach, compare them with
    /// what the sponsor has shown, and install.
    pub(super) fn finish(
        &mut self,
        run: &mut Run<G>,
        blinded: &[Encoded],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let sponsor = run.sponsor_level()?;
        let lowest = run.level.max(sponsor);
        let keys = self.keys(run, blinded, lowest)?;
        let own = self.calculator.exp_base_many(Purpose::Check, &keys);
        let shown = blinded.get(lowest - sponsor..).unwrap_or_default();
        if self.calculator.encode_many(&own) != shown.concat() {
            let from = run.sponsor.unwrap_or(run.change.me());
            return Err(bad(from, "a blinded key is not the one that belongs there"));
        }
        let root = self.root(run, blinded, &keys)?;
        self.install(run, blinded, &keys, &root, out)
    }

    /// A group of one: its share was shown to nobody, and the next change replaces it.
    pub(super) fn alone(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let root = Zeroizing::new(decode(&self.calculator, run.change.me(), &run.share.blinded)?);
        self.install(run, &[], &[], &root, out)
    }

    /// The keys from level `lowest` up to the one below the top.
    fn keys(
        &mut self,
        run: &Run<G>,
        blinded: &[Encoded],
        lowest: usize,
    ) -> Result<Vec<G::Scalar>, Error> {
        // No reallocation: it would leave keys behind in memory.
        let top = run.change.members().len();
        let mut keys = Vec::with_capacity(top);
        if lowest < top {
            keys.push(if lowest == 1 {
                run.share.exponent.clone()
            } else {
                let element = self.entry(run, blinded)?;
                self.calculator.hash_to_scalar(LEVEL, &element)
            });
        }
        for level in lowest + 1..top {
            let below = keys.last().ok_or(Error::Bug("a level without one below"))?;
            let element = self.raise(run, level, below)?;
            keys.push(self.calculator.hash_to_scalar(LEVEL, &element));
        }
        Ok(keys)
    }

    /// The element at the top, given the keys below it that were computed.
    pub(super) fn root(
        &mut self,
        run: &Run<G>,
        blinded: &[Encoded],
        keys: &[G::Scalar],
    ) -> Result<Shared<G>, Error> {
        match keys.last() {
            Some(key) => self.raise(run, run.change.members().len(), key),
            None => self.entry(run, blinded),
        }
    }

    /// The element at the lowest level that this member can compute: the sponsor's, if that is above
    /// its own, else its own.
    fn entry(&mut self, run: &Run<G>, blinded: &[Encoded]) -> Result<Shared<G>, Error> {
        const UNKNOWN: Error = Error::Bug("a level that cannot be computed");
        let sponsor = run.sponsor_level()?;
        if run.level < sponsor {
            let base = self.base.clone().ok_or(UNKNOWN)?;
            let key = base.keys.get(sponsor - 1 - run.level).ok_or(UNKNOWN)?;
            return self.raise(run, sponsor, key);
        }
        let me = run.change.me();
        let below = self.below(run, sponsor, blinded).ok_or(UNKNOWN)?;
        let below = decode(&self.calculator, run.sponsor.unwrap_or(me), &below)?;
        let exponent = &run.share.exponent;
        Ok(Zeroizing::new(self.calculator.exp(Purpose::Protocol, &below, exponent)))
    }

    /// The element at `level`, from below.
    fn raise(&mut self, run: &Run<G>, level: usize, below: &G::Scalar) -> Result<Shared<G>, Error> {
        let leaf = run.stack.leaf(level).ok_or(Error::Bug("a level outside the stack"))?;
        let share = leaf.share.ok_or(Error::Bug("an unknown share above"))?;
        let share = decode(&self.calculator, leaf.told_by, share)?;
        Ok(Zeroizing::new(self.calculator.exp(Purpose::Protocol, &share, below)))
    }

    /// The blinded key of the level below this member's: shown in this run, if the sponsor is below
    /// it, else the one it had.
    fn below(&self, run: &Run<G>, sponsor: usize, blinded: &[Encoded]) -> Option<Encoded> {
        match run.level.checked_sub(sponsor + 1) {
            Some(at) => blinded.get(at).cloned(),
            None if run.level > 1 => self.base.as_ref()?.below.clone(),
            None => None,
        }
    }

    /// Installs the secret, and keeps what the next change needs. `keys` are those that were
    /// computed; those below them, from this member's level on, are the old ones.
    pub(super) fn install(
        &mut self,
        run: &mut Run<G>,
        blinded: &[Encoded],
        keys: &[G::Scalar],
        root: &G::Element,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, root)));
        let sponsor = run.sponsor_level()?;
        let old = match &self.base {
            Some(base) => base.keys.get(..sponsor.saturating_sub(run.level)).unwrap_or_default(),
            None => &[],
        };
        let below = self.below(run, sponsor, blinded);
        run.stage = Stage::Done { below, keys: Arc::new([old, keys].concat()) };
        Ok(())
    }
}
