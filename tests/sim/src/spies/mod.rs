//! Spies: they stand between the secure machines and the key agreement modules, write down all that
//! instances are told and answer, and try in the end to learn what they must not know.
//!
//! Since an instance is a pure function of its events, what was written down *is* its state: an
//! ex-member with all that it ever had is a new instance that has lived through the same events.

mod attacks;
mod defective;

use crate::{LeftOut, ModuleDefect, faults::Preset, random::Random, secure};
use cenacle_plugin::{
    Action, CipherModule, Descriptor, Error, Event, Executor, GroupSecret, Inline, Input,
    KeyAgreement, KeyAgreementModule, MemberId, ModuleSource, Options, Outbox, PolicyModule,
    ViewChange,
};
use defective::Defective;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The name of a run.
type RunName = [u8; 32];

/// The spies of one world.
#[derive(Clone)]
pub(crate) struct Spies(Arc<Mutex<Book>>);

/// What they wrote down.
struct Book {
    /// Events so far: which came first is told by it.
    clock: u64,
    lives: Vec<Life>,
    defect: Option<ModuleDefect>,
    /// One event in so many fails, as if the module had a bug; 0: none does.
    failures: u64,
    random: Random,
}

/// All that one instance was told and answered.
struct Life {
    module: Arc<dyn KeyAgreementModule>,
    options: Options,
    me: Option<MemberId>,
    events: Vec<(u64, Event)>,
    runs: Vec<RunOf>,
}

/// One run at one instance.
struct RunOf {
    name: RunName,
    members: Vec<MemberId>,
    /// The event that began it.
    begun: usize,
    /// What this instance sent in it.
    said: Vec<Vec<u8>>,
    secret: Option<GroupSecret>,
    /// All members were known to hold the secret.
    confirmed: bool,
}

impl Spies {
    /// Spies for a world of which this much goes wrong.
    pub(crate) fn new(faults: Preset, defect: Option<LeftOut>, random: Random) -> Self {
        let failures = match faults {
            Preset::Calm => 0,
            Preset::Rough => 400,
            Preset::Savage => 100,
        };
        let defect = match defect {
            Some(LeftOut::Module(defect)) => Some(defect),
            _ => None,
        };
        let book = Book { clock: 0, lives: Vec::new(), defect, failures, random };
        Self(Arc::new(Mutex::new(book)))
    }

    /// Modules work again.
    pub(crate) fn heal(&self) {
        self.book().failures = 0;
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModuleSource for Spies {
    fn key_agreement(&self, name: &str) -> Option<Arc<dyn KeyAgreementModule>> {
        let inner = secure::modules().key_agreement(name)?;
        Some(Arc::new(Watched { inner, spies: self.clone() }))
    }

    fn cipher(&self, name: &str) -> Option<Arc<dyn CipherModule>> {
        secure::modules().cipher(name)
    }

    fn policy(&self, name: &str) -> Option<Arc<dyn PolicyModule>> {
        secure::modules().policy(name)
    }
}

/// A module whose instances are watched.
struct Watched {
    inner: Arc<dyn KeyAgreementModule>,
    spies: Spies,
}

impl KeyAgreementModule for Watched {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    fn create(
        &self,
        options: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error> {
        let mut book = self.spies.book();
        let inner = instance(&self.inner, options, executor, book.defect)?;
        let life = book.lives.len();
        book.lives.push(Life {
            module: Arc::clone(&self.inner),
            options: options.clone(),
            me: None,
            events: Vec::new(),
            runs: Vec::new(),
        });
        Ok(Box::new(Tapped { inner, life, spies: self.spies.clone() }))
    }
}

/// An instance, with the defect if there is to be one.
fn instance(
    module: &Arc<dyn KeyAgreementModule>,
    options: &Options,
    executor: Arc<dyn Executor>,
    defect: Option<ModuleDefect>,
) -> Result<Box<dyn KeyAgreement>, Error> {
    let inner = module.create(options, executor)?;
    Ok(match defect {
        None => inner,
        Some(defect) => Box::new(Defective::new(inner, defect)),
    })
}

/// A watched instance.
struct Tapped {
    inner: Box<dyn KeyAgreement>,
    life: usize,
    spies: Spies,
}

impl KeyAgreement for Tapped {
    fn handle(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        if self.spies.book().fails(event) {
            return Err(Error::Bug("a fault of the simulator"));
        }
        let from = out.len();
        let result = self.inner.handle(event, out);
        let answers = out.get(from..).unwrap_or_default();
        self.spies.book().note(self.life, event, answers);
        result
    }
}

impl Book {
    fn fails(&mut self, event: &Event) -> bool {
        let may = matches!(event.input, Input::Change(_) | Input::Message { .. });
        may && self.failures > 0 && self.random.below(self.failures) == 0
    }

    fn note(&mut self, life: usize, event: &Event, answers: &[Action]) {
        self.clock += 1;
        let clock = self.clock;
        let Some(life) = self.lives.get_mut(life) else { return };
        life.events.push((clock, event.clone()));
        if let Input::Change(change) = &event.input {
            life.begin(change);
        }
        let Some(run) = life.runs.last_mut() else { return };
        run.confirmed |= matches!(event.input, Input::Confirmed);
        for answer in answers {
            match answer {
                Action::Unicast { body, .. }
                | Action::Multicast { body, .. }
                | Action::Sealed { body, .. }
                | Action::Acknowledge { body, .. }
                | Action::Offer(body) => run.said.push(body.clone()),
                Action::Install(secret) => run.secret = Some(secret.clone()),
                Action::Resume | Action::Count(_) => {}
            }
        }
    }
}

impl Life {
    fn begin(&mut self, change: &ViewChange) {
        let members: Vec<MemberId> = change.members().iter().map(|m| m.id.clone()).collect();
        self.me = members.get(change.me() as usize).cloned();
        self.runs.push(RunOf {
            name: change.run().copied().unwrap_or_default(),
            members,
            begun: self.events.len().saturating_sub(1),
            said: Vec::new(),
            secret: None,
            confirmed: false,
        });
    }

    /// For people.
    fn name(&self) -> String {
        let bytes = self.me.iter().flat_map(|me| me.as_bytes().iter().take(4));
        let node: String = bytes.map(|byte| format!("{byte:02x}")).collect();
        format!("the member of {node}")
    }

    fn fresh(&self, defect: Option<ModuleDefect>) -> Option<Box<dyn KeyAgreement>> {
        instance(&self.module, &self.options, Arc::new(Inline), defect).ok()
    }
}
