//! One run: the module is fed and what it wants is sent.

use super::{Act, Agreement, Suite, Tools, context_of};
use crate::control::{Abort, kind};
use crate::keys::{CONFIRMATION_LEN, Epoch};
use crate::{Destination, EnvelopeError, Framed, KeyRing, Opener, RunContext, Sealer};
use bytes::Bytes;
use cenacle_core::{MemberId, Service, Time};
use cenacle_plugin::{Action, Error as ModuleError, Input, Order};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A unicast above it goes to all members, who pass over what is not for them: the engine cuts
/// multicasts into pieces and unicasts not.
const LARGEST_UNICAST: usize = 240 << 10;

/// What belongs to one run.
pub(super) struct Current {
    pub(super) number: u64,
    pub(super) context: RunContext,
    pub(super) digest: [u8; 32],
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
    /// Messages of this run that wait to be opened together.
    pub(super) pending: Vec<super::Arrived>,
    pub(super) epoch: Option<Epoch>,
    /// At the collector: who has confirmed, and what came before it could be judged.
    pub(super) confirmed: BTreeSet<u32>,
    pub(super) claims: BTreeMap<u32, [u8; CONFIRMATION_LEN]>,
    pub(super) announced: bool,
    /// When members say that they are still there, and when the run has taken too long.
    pub(super) half: Time,
    pub(super) until: Time,
    /// This member has said so.
    pub(super) here: bool,
    /// Who has.
    pub(super) present: BTreeSet<u32>,
    /// This member has given the run up.
    pub(super) complained: bool,
    /// And will say so then.
    pub(super) abort_at: Option<(Time, Abort)>,
}

impl Current {
    pub(super) fn new(
        suite: &Suite,
        view: &[u8; 56],
        ring: &Arc<KeyRing>,
        me: u32,
        number: u64,
        now: Time,
    ) -> Result<Self, EnvelopeError> {
        let context = context_of(suite, view, ring, number)?;
        Ok(Self {
            number,
            context,
            digest: [0; 32],
            sealer: Sealer::new(context, Arc::clone(ring), me, Arc::clone(&suite.signer))?,
            opener: Opener::new(context, Arc::clone(ring), me)?,
            pending: Vec::new(),
            epoch: None,
            confirmed: BTreeSet::new(),
            claims: BTreeMap::new(),
            announced: false,
            half: now + suite.timeout / 2,
            until: now + suite.timeout,
            here: false,
            present: BTreeSet::new(),
            complained: false,
            abort_at: None,
        })
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.abort_at {
            Some((when, _)) => Some(*when),
            None if self.here => Some(self.until).filter(|_| !self.complained),
            None => Some(self.half),
        }
    }

    pub(super) fn due_abort(&mut self, now: Time) -> Option<Abort> {
        self.abort_at.take_if(|(when, _)| *when <= now).map(|(_, abort)| abort)
    }
}

impl Agreement {
    /// Gives the module an event, and carries out what it wants.
    pub(super) fn feed(
        &mut self,
        input: Input,
        tools: &mut Tools,
        out: &mut Vec<Act>,
    ) -> Result<(), ModuleError> {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let resumed = matches!(input, Input::Resume);
            for action in tools.feed(input)? {
                if matches!(action, Action::Resume) && !resumed {
                    next = Some(Input::Resume);
                    continue;
                }
                self.carry_out(action, tools, out)?;
            }
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        action: Action,
        tools: &mut Tools,
        out: &mut Vec<Act>,
    ) -> Result<(), ModuleError> {
        match action {
            Action::Unicast { to, body } => {
                let sealed = self.sealed(Destination::Member(to), &body)?;
                self.to_one(to, sealed, kind::ENVELOPE, out)
            }
            Action::Multicast { order, body } => {
                let mut sealed = self.sealed(Destination::All(order), &body)?;
                sealed.push(kind::ENVELOPE);
                let service = match order {
                    Order::Fifo => Service::Fifo,
                    Order::Agreed => Service::Agreed,
                };
                out.push(Act::Multicast(service, sealed.into()));
                Ok(())
            }
            Action::Sealed { to, body } | Action::Acknowledge { to, body } => {
                let framed = Framed::write(&self.current.context, &self.ring, self.me, to, &body);
                self.to_one(to, framed.map_err(|error| misuse(&error))?, kind::FRAME, out)
            }
            Action::Install(secret) => {
                if self.current.epoch.is_some() {
                    return Err(ModuleError::Bug("a second secret in one run"));
                }
                let epoch = Epoch::new(&self.current.context, &self.current.digest, &secret);
                self.installed(epoch, tools.now, out);
                Ok(())
            }
            Action::Count(work) => {
                tools.work += work;
                Ok(())
            }
            Action::Resume | Action::Offer(_) => {
                Err(ModuleError::Bug("an answer to something that was not asked"))
            }
        }
    }

    fn sealed(&mut self, to: Destination, body: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.current.sealer.seal(to, body).map_err(|error| misuse(&error))
    }

    fn to_one(
        &self,
        to: u32,
        mut sealed: Vec<u8>,
        kind: u8,
        out: &mut Vec<Act>,
    ) -> Result<(), ModuleError> {
        let member: &MemberId =
            self.members.get(to as usize).ok_or(ModuleError::Bug("a message to nobody"))?;
        sealed.push(kind);
        let body = Bytes::from(sealed);
        out.push(match body.len() <= LARGEST_UNICAST {
            true => Act::Unicast(*member, body),
            false => Act::Multicast(Service::Fifo, body),
        });
        Ok(())
    }
}

/// The module asked for what cannot be sent.
fn misuse(error: &EnvelopeError) -> ModuleError {
    match error {
        EnvelopeError::BodyTooLong { .. } => ModuleError::Bug("a message above the limit"),
        EnvelopeError::NumbersSpent => ModuleError::Bug("more messages than a run may have"),
        _ => ModuleError::Bug("a message to a position that is not there"),
    }
}
