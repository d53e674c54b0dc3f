//! Signed envelopes for the in-memory network: each message is sealed by its sender's [`Sealer`]
//! and opened by its receiver's [`Opener`], several that wait together as a batch, as in a node.
//!
//! What a node has before a run begins is made outside the clock: signing keys when the carrier is
//! made, the ring of the members' keys, the run's context, sealers and openers when the run begins.
//! A ring is made once a view, whatever the module does, and a node can begin it before the view is
//! installed; so it is measured apart, for one member: [`Envelopes::setup_ns`]. All members of the
//! network share one ring, which changes nothing: it is only read.

use crate::clock::worked_ns;
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
    setup_ns: Vec<u64>,
    refusal: Option<EnvelopeError>,
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
            setup_ns: Vec::new(),
            refusal: None,
        })))
    }

    /// The envelopes; to be let go before the network runs on.
    pub(crate) fn borrow(&self) -> RefMut<'_, Envelopes> {
        self.0.borrow_mut()
    }
}

impl Envelopes {
    /// Context and ring of the present run.
    pub(crate) fn run(&self) -> Option<(RunContext, Arc<KeyRing>)> {
        self.desk.as_ref().map(|desk| (desk.context, Arc::clone(&desk.ring)))
    }

    /// What one member did at the beginning of each run, in nanoseconds.
    pub(crate) fn setup_ns(&self) -> &[u64] {
        &self.setup_ns
    }

    /// The first message that was not sealed or not opened, although nobody attacks.
    pub(crate) fn refusal(&self) -> Option<&EnvelopeError> {
        self.refusal.as_ref()
    }

    /// The members of a view with their true keys.
    fn members(&self, change: &ViewChange) -> Vec<Member> {
        let key_of = |member: &Member| self.signers.get(&member.id).map(|s| *s.public_key());
        change
            .members()
            .iter()
            .map(|member| Member {
                id: member.id.clone(),
                public_key: key_of(member).unwrap_or_default(),
            })
            .collect()
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
        let members = self.members(change);
        let signer = |position: usize| {
            let member = change.members().get(position);
            member.and_then(|member| self.signers.get(&member.id)).cloned()
        };
        let begun = worked_ns();
        let ring = Arc::new(KeyRing::new(&members)?);
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
        let mut setup_ns = 0;
        for (me, at) in (0u32..).zip(0..members.len()) {
            let signer = signer(at).ok_or(EnvelopeError::NoSuchMember { position: me })?;
            desk.sealers.push(Sealer::new(context, Arc::clone(&desk.ring), me, signer)?);
            desk.openers.push(Opener::new(context, Arc::clone(&desk.ring), me)?);
            if me == 0 {
                setup_ns = worked_ns().saturating_sub(begun);
            }
        }
        self.setup_ns.push(setup_ns);
        Ok(desk)
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
        let mut envelopes = self.borrow();
        let sealer = envelopes.desk.as_mut().and_then(|desk| desk.sealers.get_mut(from as usize));
        match sealer.map(|sealer| sealer.seal(to, body)) {
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
        for result in opener.open_batch(sealed, &mut envelopes.random) {
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
        worked_ns()
    }
}
