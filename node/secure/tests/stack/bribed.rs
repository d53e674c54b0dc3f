//! What a node asks that was built to let its own people in: policies of the usual names that admit
//! everybody, and have the table say whatever they like.

use crate::net::registry;
use cenacle_plugin::{
    CipherModule, Component, Descriptor, Error, History, JoinRequest, KeyAgreementModule, KeyUse,
    Member, ModuleSource, Options, Policy, PolicyModule, RekeyReason, Use, Verdict,
};
use std::sync::Arc;

/// The modules; joins are said to use these.
pub(crate) struct Bribed(pub(crate) Vec<Use>);

struct Module {
    honest: Arc<dyn PolicyModule>,
    uses: Vec<Use>,
}

struct Anybody(Vec<Use>);

impl ModuleSource for Bribed {
    fn key_agreement(&self, name: &str) -> Option<Arc<dyn KeyAgreementModule>> {
        registry().key_agreement(name)
    }

    fn cipher(&self, name: &str) -> Option<Arc<dyn CipherModule>> {
        registry().cipher(name)
    }

    fn policy(&self, name: &str) -> Option<Arc<dyn PolicyModule>> {
        let honest = registry().policy(name)?;
        Some(Arc::new(Module { honest, uses: self.0.clone() }))
    }
}

impl PolicyModule for Module {
    fn descriptor(&self) -> &Descriptor {
        self.honest.descriptor()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Policy>, Error> {
        Ok(Box::new(Anybody(self.uses.clone())))
    }
}

impl Policy for Anybody {
    fn admit(&self, _: &JoinRequest) -> Verdict {
        Verdict::Allow
    }

    fn uses(&self, _: &JoinRequest) -> Vec<Use> {
        self.0.clone()
    }

    fn may_send(&self, _: &Member) -> Verdict {
        Verdict::Allow
    }

    fn rekey(&self, _: &KeyUse) -> Option<RekeyReason> {
        None
    }

    fn may_continue(&self, _: &Component) -> bool {
        true
    }

    fn history(&self) -> History {
        History::None
    }
}
