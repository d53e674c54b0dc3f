//! The agreement of one view: runs of the group's module, one after the other, until one is
//! confirmed or the view ends.
//!
//! ```text
//!            ┌──────────────── Abort, agreed ────────────────┐
//!            ▼                                               │
//!  view ─▶ run n: Change ─▶ module messages ─▶ Install ─▶ confirmations ─▶ Confirmed, agreed
//! ```
//!
//! The first run builds on what classes of members confirmed before; those after an abort build on
//! nothing. All members count aborts alike, since these are agreed entries of the view, so the name
//! of a run is the same everywhere and a message of another run is told by its tag.
//!
//! The member at position 0 collects the confirmations and announces that all hold the secret.

mod incoming;
mod run;

use crate::change;
use crate::control::{Abort, Cause, Control, kind, proof_written};
use crate::entropy::Entropy;
use crate::keys::{CONFIRMATION_LEN, Epoch};
use crate::names::{module_member, view_bytes};
use crate::words::Words;
use crate::{Destination, EnvelopeError, KeyRing, Run, RunContext, Sealer, Signer, TAG_LEN};
use bytes::Bytes;
use cenacle_core::{MemberId, Service, Time, View};
use cenacle_plugin::{
    Action, Error as ModuleError, Event, Input, KeyAgreement, Member, Order, ViewChange, Work,
};
use run::Current;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use incoming::{Arrived, Late};

/// Who collects confirmations.
const COLLECTOR: u32 = 0;
/// Messages of the next run that are kept until its abort is delivered here, for each member.
const EARLY_EACH: usize = 16;
/// Their bytes together.
const EARLY_BYTES: usize = 8 << 20;
/// Aborts of one view that blame a member, after which the others go on without it.
const STRIKES: u32 = 3;
/// The pause before a member aborts a second run, doubled with every further one.
const PAUSE: Duration = Duration::from_millis(100);

/// What an agreement wants done.
#[derive(Debug)]
pub(crate) enum Act {
    /// To all members of the view.
    Multicast(Service, Bytes),
    /// To one.
    Unicast(MemberId, Bytes),
    /// Put out who keeps the others from agreeing.
    Expel(MemberId),
    /// Something that whoever runs the node should know.
    Warn(&'static str, String),
}

/// What a member has for all its runs.
pub(crate) struct Tools {
    pub(crate) instance: Box<dyn KeyAgreement>,
    pub(crate) entropy: Entropy,
    pub(crate) now: Time,
    /// What the runs have cost.
    pub(crate) work: Work,
}

impl Tools {
    /// Gives the module an event: time and randomness come with it.
    pub(crate) fn feed(&mut self, input: Input) -> Result<Vec<Action>, ModuleError> {
        let event = Event { time_us: self.now.0, random: self.entropy.draw(), input };
        let mut actions = Vec::new();
        self.instance.handle(&event, &mut actions)?;
        Ok(actions)
    }
}

/// What names the runs of a group.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) group: Arc<str>,
    pub(crate) charter: [u8; 32],
    pub(crate) signer: Arc<Signer>,
    /// How long a run may take.
    pub(crate) timeout: Duration,
    #[cfg(feature = "defects")]
    pub(crate) defect: Option<crate::Defect>,
}

/// The agreement of one view at one member.
pub(crate) struct Agreement {
    suite: Suite,
    of: View,
    members: Vec<MemberId>,
    view: [u8; 56],
    me: u32,
    ring: Arc<KeyRing>,
    first: ViewChange,
    /// Signs what members say about runs; it counts through all runs of the view.
    control: Sealer,
    control_in: crate::Opener,
    current: Current,
    /// The next run's tag, by which its early messages are told.
    next_tag: [u8; TAG_LEN],
    early: Vec<Arrived>,
    early_bytes: usize,
    /// Aborts of this view that blamed a member.
    strikes: BTreeMap<u32, u32>,
    /// What opens messages of runs that were aborted.
    #[cfg(feature = "defects")]
    past: Vec<crate::Opener>,
}

impl Agreement {
    /// The agreement of `view`, whose members said `said` before it; its first run begins. `before`
    /// is the ring of the view before, whose keys need not be decoded again.
    pub(crate) fn new(
        suite: Suite,
        view: &View,
        me: MemberId,
        said: &BTreeMap<MemberId, Words>,
        before: Option<&KeyRing>,
        tools: &mut Tools,
        out: &mut Vec<Act>,
    ) -> Result<Self, Failure> {
        let (of, members) = (view.clone(), view.members.clone());
        let position = members.iter().position(|member| *member == me);
        let me = position.and_then(|p| u32::try_from(p).ok()).ok_or(Failure::NotInView)?;
        let named = members.iter().map(module_member).collect::<Result<Vec<Member>, _>>()?;
        let ring = match before {
            Some(before) => before.following(&named),
            None => KeyRing::new(&named),
        };
        let ring = Arc::new(ring?);
        let view = view_bytes(&view.id);
        let first = change::of_view(me, &members, said)?;
        // A number that no run has: they are counted from 0.
        let context = context_of(&suite, &view, &ring, u64::MAX)?;
        let control = Sealer::new(context, Arc::clone(&ring), me, Arc::clone(&suite.signer))?;
        let control_in = crate::Opener::new(context, Arc::clone(&ring), me)?;
        let current = Current::new(&suite, &view, &ring, me, 0, tools.now)?;
        let next_tag = context_of(&suite, &view, &ring, 1)?.tag();
        let mut agreement = Self {
            suite,
            of,
            members,
            view,
            me,
            ring,
            first,
            control,
            control_in,
            current,
            next_tag,
            early: Vec::new(),
            early_bytes: 0,
            strikes: BTreeMap::new(),
            #[cfg(feature = "defects")]
            past: Vec::new(),
        };
        agreement.begin(tools, out);
        Ok(agreement)
    }

    /// The view.
    pub(crate) fn view(&self) -> &View {
        &self.of
    }

    /// The keys of the view's members.
    pub(crate) fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// How many runs of this view were aborted.
    pub(crate) fn run(&self) -> u64 {
        self.current.number
    }

    /// When [`Agreement::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.current.deadline()
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time, out: &mut Vec<Act>) {
        if let Some(abort) = self.current.due_abort(now) {
            return self.say(&Control::Abort(abort), out);
        }
        if self.current.until <= now && !self.current.complained {
            let reason = format!("no key after {:?}", self.suite.timeout);
            self.give_up(now, Cause::Time, &reason, out);
        } else if self.current.half <= now && !self.current.here {
            self.current.here = true;
            let run = self.current.number;
            self.say(&Control::Here { run }, out);
        }
    }

    /// The next run begins: the module is told what it is about.
    fn begin(&mut self, tools: &mut Tools, out: &mut Vec<Act>) {
        let change = match self.current.number {
            0 => Ok(self.first.clone()),
            _ => change::afresh(self.me, &self.members),
        };
        let begun = change.and_then(|change| {
            self.current.digest = change::digest(&change)?;
            let change = change.named(*self.current.context.as_bytes());
            self.feed(Input::Change(Arc::new(change)), tools, out)
        });
        if let Err(error) = begun {
            self.failed(tools.now, &error, out);
        }
    }

    /// An agreed abort of the present run: the next one begins.
    fn restart(&mut self, cause: Cause, tools: &mut Tools, out: &mut Vec<Act>) {
        match cause {
            Cause::Failure => {}
            Cause::Member(culprit) => {
                let named = self.members.get(culprit as usize);
                let name = named.map_or_else(|| "nobody here".to_owned(), ToString::to_string);
                out.push(Act::Warn("blamed", format!("a run failed for what {name} sent")));
                self.strike(culprit, out);
            }
            Cause::Time => {
                let here = std::mem::take(&mut self.current.present);
                let size = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
                for absent in (0..size).filter(|position| !here.contains(position)) {
                    self.strike(absent, out);
                }
            }
        }
        let number = self.current.number.saturating_add(1);
        let next = Current::new(&self.suite, &self.view, &self.ring, self.me, number, tools.now);
        let after = context_of(&self.suite, &self.view, &self.ring, number.saturating_add(1));
        match (next, after) {
            (Ok(mut next), Ok(after)) => {
                std::mem::swap(&mut self.current, &mut next);
                #[cfg(feature = "defects")]
                self.past.push(next.opener);
                self.next_tag = after.tag();
            }
            // The parts are those of the first run, which were taken.
            (Err(error), _) | (_, Err(error)) => {
                return out.push(Act::Warn("key_agreement", error.to_string()));
            }
        }
        self.begin(tools, out);
        self.early_bytes = 0;
        for arrived in std::mem::take(&mut self.early) {
            self.arrived(arrived, tools.now, out);
        }
    }

    /// A member is blamed for an abort: all count alike, since aborts are agreed entries.
    fn strike(&mut self, culprit: u32, out: &mut Vec<Act>) {
        if culprit as usize >= self.members.len() {
            return;
        }
        let strikes = self.strikes.entry(culprit).or_default();
        *strikes += 1;
        if *strikes == STRIKES
            && culprit != self.me
            && let Some(member) = self.members.get(culprit as usize)
        {
            let detail = format!("{member} is put out: {STRIKES} runs failed for it");
            out.push(Act::Warn("key_agreement", detail));
            out.push(Act::Expel(*member));
        }
    }

    /// The module cannot go on: the run is given up.
    fn failed(&mut self, now: Time, error: &ModuleError, out: &mut Vec<Act>) {
        let cause = error.culprit().map_or(Cause::Failure, Cause::Member);
        self.give_up(now, cause, &error.to_string(), out);
    }

    /// Has the run aborted, at once if it is the view's first.
    fn give_up(&mut self, now: Time, cause: Cause, reason: &str, out: &mut Vec<Act>) {
        if std::mem::replace(&mut self.current.complained, true) {
            return;
        }
        out.push(Act::Warn("key_agreement", format!("run {}: {reason}", self.current.number)));
        let abort = Abort::new(self.current.number, cause, reason);
        match self.current.number.checked_sub(1) {
            // Time that ran out has been pause enough.
            _ if cause == Cause::Time => self.say(&Control::Abort(abort), out),
            None => self.say(&Control::Abort(abort), out),
            // A module that fails each time must not fill the network with its failures.
            Some(again) => {
                let factor = 1 << again.min(16);
                let pause = PAUSE.saturating_mul(factor).min(self.suite.timeout);
                self.current.abort_at = Some((now + pause, abort));
            }
        }
    }

    fn say(&mut self, control: &Control, out: &mut Vec<Act>) {
        match self.control.seal(Destination::All(Order::Agreed), &control.written()) {
            Ok(mut sealed) => {
                sealed.push(kind::CONTROL);
                out.push(Act::Multicast(Service::Agreed, sealed.into()));
            }
            Err(error) => out.push(Act::Warn("key_agreement", error.to_string())),
        }
    }

    /// This member holds the secret: it says so.
    fn installed(&mut self, epoch: Epoch, now: Time, out: &mut Vec<Act>) {
        let tag = self.current.context.tag();
        let proof = epoch.confirmation(self.me);
        self.current.epoch = Some(epoch);
        if self.me != COLLECTOR {
            let Some(collector) = self.members.first() else { return };
            let body = proof_written(tag, &proof, kind::CONFIRMATION);
            return out.push(Act::Unicast(*collector, body.into()));
        }
        self.current.confirmed.insert(self.me);
        for (from, proof) in std::mem::take(&mut self.current.claims) {
            self.take_confirmation(from, &proof, now, out);
        }
        self.announce(out);
    }

    /// At the collector: a member says that it holds the secret.
    fn take_confirmation(
        &mut self,
        from: u32,
        proof: &[u8; CONFIRMATION_LEN],
        now: Time,
        out: &mut Vec<Act>,
    ) {
        let Some(epoch) = &self.current.epoch else {
            self.current.claims.insert(from, *proof);
            return;
        };
        if epoch.confirms(from, proof) {
            self.current.confirmed.insert(from);
            return self.announce(out);
        }
        let reason = format!("member {from} holds another secret");
        // Nothing is proven about who holds the wrong one.
        self.give_up(now, Cause::Failure, &reason, out);
    }

    fn announce(&mut self, out: &mut Vec<Act>) {
        let all = self.current.confirmed.len() == self.members.len();
        let Some(epoch) = &self.current.epoch else { return };
        if all && !std::mem::replace(&mut self.current.announced, true) {
            let tag = self.current.context.tag();
            let body = proof_written(tag, &epoch.seal_of_all(), kind::CONFIRMED);
            out.push(Act::Multicast(Service::Agreed, body.into()));
        }
    }
}

/// Why an agreement cannot begin: nothing that members say can lead to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("this member is not in its view")]
    NotInView,
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Module(#[from] ModuleError),
}

fn context_of(
    suite: &Suite,
    view: &[u8; 56],
    ring: &KeyRing,
    number: u64,
) -> Result<RunContext, EnvelopeError> {
    Run {
        suite: &suite.name,
        group: suite.group.as_bytes(),
        view,
        members: ring,
        charter: &suite.charter,
        number,
    }
    .context()
}
