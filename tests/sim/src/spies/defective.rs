//! Instances with a deliberate defect, to see that the spies bite.

use crate::ModuleDefect;
use cenacle_plugin::{
    Action, Error, Event, GroupSecret, Input, KeyAgreement, MemberId, Outbox, Secret, ViewChange,
};

/// An instance with a rule left out.
pub(super) struct Defective {
    inner: Box<dyn KeyAgreement>,
    defect: ModuleDefect,
    /// The chance of its first event.
    chance: Option<Secret<32>>,
    /// The last confirmed secret, and who held it.
    held: Option<(GroupSecret, Vec<MemberId>)>,
    run: Run,
}

/// The run under way.
#[derive(Default)]
struct Run {
    members: Vec<MemberId>,
    secret: Option<GroupSecret>,
    /// The module knows nothing of it.
    hidden: bool,
}

impl Defective {
    pub(super) fn new(inner: Box<dyn KeyAgreement>, defect: ModuleDefect) -> Self {
        Self { inner, defect, chance: None, held: None, run: Run::default() }
    }

    /// Where members left and nobody came, the secret follows from the one that the leavers know.
    fn begin(&mut self, change: &ViewChange, out: &mut Outbox) {
        let members: Vec<MemberId> = change.members().iter().map(|m| m.id.clone()).collect();
        self.run = Run { members, secret: None, hidden: false };
        let Some((held, before)) = &self.held else { return };
        let (size, one_class) = (self.run.members.len(), change.classes().len() == 1);
        if one_class && size > 1 && size < before.len() {
            let run = change.run().copied().unwrap_or_default();
            let material = [held.expose().as_slice(), &run].concat();
            let secret = Secret::derive("cenacle simulated defect v1", &material);
            out.push(Action::Install(secret.clone()));
            (self.run.secret, self.run.hidden) = (Some(secret), true);
        }
    }

    fn keep_leavers(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        if let Input::Change(change) = &event.input {
            self.begin(change, out);
        }
        if matches!(event.input, Input::Confirmed)
            && let Some(secret) = self.run.secret.take()
        {
            self.held = Some((secret, self.run.members.clone()));
        }
        if self.run.hidden && !matches!(event.input, Input::Offer) {
            return Ok(());
        }
        let from = out.len();
        self.inner.handle(event, out)?;
        for answer in out.get(from..).unwrap_or_default() {
            if let Action::Install(secret) = answer {
                self.run.secret = Some(secret.clone());
            }
        }
        Ok(())
    }
}

impl KeyAgreement for Defective {
    fn handle(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        match self.defect {
            ModuleDefect::ReuseShare => {
                let random = self.chance.get_or_insert_with(|| event.random.clone()).clone();
                self.inner.handle(&Event { random, ..event.clone() }, out)
            }
            ModuleDefect::KeepLeaver => self.keep_leavers(event, out),
        }
    }
}
