//! Signed envelopes for the in-memory network: each message is sealed by its sender's [`Sealer`]
//! and opened by its receiver's [`Opener`], several that wait together as a batch, as in a node.
//!
//! What a node has before a run begins is made outside the clock: signing keys when the carrier is
//! made, the ring of the members' keys, the run's context, sealers and openers when the run begins.
//! A ring is made once a view, whatever the module does, and a node can begin it before the view is
//! installed; so it is measured apart, for two members ([`Setup`]): one that stays, and has the ring
//! of the view that its class comes from, and one that comes, and has none. All members of the
//! network share one ring, which changes nothing: it is only read.

use crate::clock::worked_ns;
use crate::meter::Meter;
use cenacle_plugin::network::{Carrier, Network};
use cenacle_plugin::{Member, MemberId, Order, Random, Secret, ViewChange};
use cenacle_secure::{
    Destination, EnvelopeError, Framed, KeyRing, Opener, Run, RunContext, Sealer, Signer,
};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The envelopes of one network.
pub(crate) struct Envelopes {
    suite: String,
    signers: BTreeMap<MemberId, Arc<Signer>>,
    random: Random,
    runs: u64,
    desk: Option<Desk>,
    setups: Vec<Setup>,
    refusal: Option<EnvelopeError>,
    meter: Option<Arc<Meter>>,
}

/// What one member did when a run began, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// The oldest member, with the ring of the view that its class comes from.
    pub(crate) oldest_ns: u64,
    /// A member that comes, and has no ring.
    pub(crate) newcomer_ns: u64,
}

/// The present run: all members' sealers and openers, by position.
struct Desk {
    context: RunContext,
    ring: Arc<KeyRing>,
    sealers: Vec<Sealer>,
    openers: Vec<Opener>,
}

/// A handle to envelopes, to give to a network and to look into meanwhile.
#[derive(Clone)]
pub(crate) struct Shared(Rc<RefCell<Envelopes>>);

impl Shared {
    /// Envelopes of the members numbered below `members`; their signing keys follow from `seed`.
    pub(crate) fn new(suite: &str, members: u32, seed: &Secret<32>) -> Self {
        let mut random = Random::new(seed);
        let mut signer =
            |number| (Network::member(number).id, Arc::new(Signer::new(&random.secret())));
        let signers = (0..members).map(&mut signer).collect();
        Self(Rc::new(RefCell::new(Envelopes {
            suite: suite.to_owned(),
            signers,
            random,
            runs: 0,
            desk: None,
            setups: Vec::new(),
            refusal: None,
            meter: None,
        })))
    }

    /// The same envelopes, whose signatures count as such from now on, and whose clock is the
    /// meter's.
    pub(crate) fn metered(self, meter: &Arc<Meter>) -> Self {
        self.borrow().meter = Some(Arc::clone(meter));
        self
    }

    /// The envelopes; to be let go before the network runs on.
    pub(crate) fn borrow(&self) -> RefMut<'_, Envelopes> {
        self.0.borrow_mut()
    }
}

impl Envelopes {
    /// What members did at the beginning of each run.
    pub(crate) fn setups(&self) -> &[Setup] {
        &self.setups
    }

    /// The first message that was not sealed or not opened, although nobody attacks.
    pub(crate) fn refusal(&self) -> Option<&EnvelopeError> {
        self.refusal.as_ref()
    }

    /// Members with their true keys.
    fn members<'i>(&self, ids: impl Iterator<Item = &'i MemberId>) -> Vec<Member> {
        let key_of = |id| self.signers.get(id).map(|signer| *signer.public_key());
        ids.map(|id| Member { id: id.clone(), public_key: key_of(id).unwrap_or_default() })
            .collect()
    }

    /// The ring that the oldest member has from the view that its class comes from.
    fn earlier(&self, change: &ViewChange) -> Result<KeyRing, EnvelopeError> {
        let stayed = change.base().iter().filter_map(|at| change.members().get(*at as usize));
        let left = change.classes().first().map_or(&[][..], |class| &class.left);
        KeyRing::new(&self.members(stayed.map(|member| &member.id).chain(left)))
    }

    /// What came of a message; a refusal is kept.
    fn note<T>(&mut self, outcome: Option<Result<T, EnvelopeError>>) -> Option<T> {
        match outcome? {
            Ok(value) => Some(value),
            Err(error) => {
                self.refusal.get_or_insert(error);
                None
            }
        }
    }

    fn prepare(&mut self, change: &ViewChange) -> Result<Desk, EnvelopeError> {
        let members = self.members(change.members().iter().map(|member| &member.id));
        let earlier = self.earlier(change)?;
        let signer = |position: usize| {
            let member = change.members().get(position);
            member.and_then(|member| self.signers.get(&member.id)).cloned()
        };
        let begun = worked_ns();
        KeyRing::new(&members)?;
        let anew_ns = worked_ns().saturating_sub(begun);
        let begun = worked_ns();
        let ring = Arc::new(earlier.following(&members)?);
        let ring_ns = worked_ns().saturating_sub(begun);
        let run = Run {
            suite: &self.suite,
            group: b"in memory",
            view: &self.runs.to_be_bytes(),
            members: &ring,
            charter: &[0; 32],
            number: 0,
        };
        let context = run.context()?;
        let mut desk = Desk { context, ring, sealers: Vec::new(), openers: Vec::new() };
        for (me, at) in (0u32..).zip(0..members.len()) {
            let signer = signer(at).ok_or(EnvelopeError::NoSuchMember { position: me })?;
            desk.sealers.push(Sealer::new(context, Arc::clone(&desk.ring), me, signer)?);
            desk.openers.push(Opener::new(context, Arc::clone(&desk.ring), me)?);
            if me == 0 {
                let oldest_ns = worked_ns().saturating_sub(begun);
                let newcomer_ns = (oldest_ns + anew_ns).saturating_sub(ring_ns);
                self.setups.push(Setup { oldest_ns, newcomer_ns });
            }
        }
        Ok(desk)
    }
}

/// Signs or verifies, under the eyes of the meter if there is one.
fn signing<T>(meter: Option<&Meter>, work: impl FnOnce() -> T) -> T {
    match meter {
        Some(meter) => meter.signing(work),
        None => work(),
    }
}

impl Carrier for Shared {
    fn begin(&mut self, change: &ViewChange) {
        let mut envelopes = self.borrow();
        envelopes.runs += 1;
        match envelopes.prepare(change) {
            Ok(desk) => envelopes.desk = Some(desk),
            Err(error) => {
                envelopes.desk = None;
                envelopes.refusal.get_or_insert(error);
            }
        }
    }

    /// The network does not say in which order a multicast goes; it is signed as one in the
    /// sender's order, which costs the same.
    fn seal(&mut self, from: u32, to: Option<u32>, body: &[u8]) -> Vec<u8> {
        let to = to.map_or(Destination::All(Order::Fifo), Destination::Member);
        let envelopes = &mut *self.borrow();
        let sealer = envelopes.desk.as_mut().and_then(|desk| desk.sealers.get_mut(from as usize));
        let meter = envelopes.meter.as_deref();
        match sealer.map(|sealer| signing(meter, || sealer.seal(to, body))) {
            Some(Ok(sealed)) => sealed,
            Some(Err(error)) => {
                envelopes.refusal.get_or_insert(error);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn open(&mut self, at: u32, sealed: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let envelopes = &mut *self.borrow();
        let opener = envelopes.desk.as_mut().and_then(|desk| desk.openers.get_mut(at as usize));
        let Some(opener) = opener else { return vec![None; sealed.len()] };
        let mut bodies = Vec::with_capacity(sealed.len());
        let random = &mut envelopes.random;
        let opened = signing(envelopes.meter.as_deref(), || opener.open_batch(sealed, random));
        for result in opened {
            match result {
                Ok(verified) => bodies.push(Some(verified.body().to_vec())),
                Err(error) => {
                    envelopes.refusal.get_or_insert(error);
                    bodies.push(None);
                }
            }
        }
        bodies
    }

    fn frame(&mut self, from: u32, to: u32, body: &[u8]) -> Vec<u8> {
        let mut envelopes = self.borrow();
        let framed = envelopes
            .desk
            .as_ref()
            .map(|desk| Framed::write(&desk.context, &desk.ring, from, to, body));
        envelopes.note(framed).unwrap_or_default()
    }

    fn unframe(&mut self, at: u32, framed: &[u8]) -> Option<Vec<u8>> {
        let mut envelopes = self.borrow();
        let read =
            envelopes.desk.as_ref().map(|desk| Framed::read(&desk.context, &desk.ring, at, framed));
        let body = read.map(|read| read.map(|framed| framed.body().to_vec()));
        envelopes.note(body)
    }

    fn now_ns(&mut self) -> u64 {
        self.borrow().meter.as_ref().map_or_else(worked_ns, |meter| meter.now_ns())
    }
}
