//! Small modules that keep the interface and do nothing.
#![allow(dead_code, reason = "each test program uses some of them")]

use cenacle_plugin::{
    Cipher, CipherKey, CipherModule, Component, Descriptor, Error, Event, Executor, History,
    JoinRequest, KeyAgreement, KeyAgreementModule, KeyUse, Member, OptionSpec, OptionType, Options,
    Order, Outbox, Policy, PolicyModule, Properties, RekeyReason, Secret, Value, Verdict,
};
use std::sync::Arc;

pub(crate) struct Fake(Descriptor);

pub(crate) fn option(name: &str, kind: OptionType, default: Value) -> OptionSpec {
    OptionSpec { name: name.to_owned(), help: "An option".to_owned(), kind, default }
}

fn described(name: &str, properties: Properties) -> Descriptor {
    Descriptor {
        name: name.to_owned(),
        version: "1".to_owned(),
        summary: "Does nothing".to_owned(),
        properties,
        options: vec![
            option("degree", OptionType::Integer { min: 2, max: 10 }, Value::Integer(6)),
            option("works", OptionType::Bool, Value::Bool(true)),
        ],
    }
}

pub(crate) fn key_agreement(name: &str) -> Descriptor {
    described(
        name,
        Properties::KeyAgreement {
            contributory: true,
            key_independence: true,
            perfect_forward_secrecy: true,
            needs_order: Order::Fifo,
            max_members: 100,
        },
    )
}

pub(crate) fn cipher(name: &str) -> Descriptor {
    let (key_len, overhead, max_messages) = (32, 16, 1 << 20);
    let confidential = true;
    described(name, Properties::Cipher { confidential, key_len, overhead, max_messages })
}

pub(crate) fn policy(name: &str) -> Descriptor {
    described(name, Properties::Policy { admits_anyone: true })
}

pub(crate) fn fake(descriptor: Descriptor) -> Arc<Fake> {
    Arc::new(Fake(descriptor))
}

/// Fails when the option `works` is off.
fn works(options: &Options) -> Result<(), Error> {
    match options.bool("works") {
        Some(true) => Ok(()),
        _ => Err(Error::BadOption { name: "works", why: "turn it on".to_owned() }),
    }
}

struct Idle;

impl KeyAgreement for Idle {
    fn handle(&mut self, _: &Event, _: &mut Outbox) -> Result<(), Error> {
        Ok(())
    }
}

impl Cipher for Idle {
    fn key(&self, _: &Secret<32>) -> Result<Box<dyn CipherKey>, Error> {
        Err(Error::WrongCall("a fake has no keys"))
    }
}

impl Policy for Idle {
    fn admit(&self, _: &JoinRequest) -> Verdict {
        Verdict::Allow
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

impl KeyAgreementModule for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    /// Uses the executor once, to show which one it got.
    fn create(
        &self,
        options: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error> {
        works(options)?;
        executor.run(vec![Box::new(|| {})]);
        Ok(Box::new(Idle))
    }
}

impl CipherModule for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Cipher>, Error> {
        works(options)?;
        Ok(Box::new(Idle))
    }
}

impl PolicyModule for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error> {
        works(options)?;
        Ok(Box::new(Idle))
    }
}
