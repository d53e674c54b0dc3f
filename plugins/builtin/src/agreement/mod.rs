//! Key agreement modules, one file a protocol.
//!
//! Each file holds, from the top: where the protocol comes from and in what it departs from its
//! source; what it costs; the state, told apart into what the last confirmed run left ([`Protocol`]
//! implementors call it `base`) and the run under way; the transitions.

mod bd;
mod ckd;
mod encoded;
mod ensemble;
mod epoch;
mod gdh;
#[cfg(feature = "conformance")]
mod inspect;
mod share;
mod str;
mod tgdh;

use cenacle_dh::{BENCH_GROUPS, GroupId, SAFE_GROUPS};
use cenacle_plugin::{
    Costs, Descriptor, Error, Executor, Expected, KeyAgreement, KeyAgreementModule, OptionSpec,
    OptionType, Options, Order, Properties, Scenario, Value,
};
use std::sync::Arc;

/// The largest view that the modules of this crate take. Their messages grow with the view, and
/// with 3072-bit elements a key list of this size still fits a module message.
pub const MAX_MEMBERS: u32 = 1024;

/// The key agreement modules of this crate, with the groups that a node accepts.
pub fn agreements() -> Vec<Arc<dyn KeyAgreementModule>> {
    modules(SAFE_GROUPS)
}

/// The same modules with every group, those that only serve to compare with old figures included.
pub fn agreements_for_benchmarks() -> Vec<Arc<dyn KeyAgreementModule>> {
    modules(&[SAFE_GROUPS, BENCH_GROUPS].concat())
}

fn modules(groups: &[&str]) -> Vec<Arc<dyn KeyAgreementModule>> {
    [tgdh::SPEC, gdh::SPEC, str::SPEC, bd::SPEC, ckd::SPEC]
        .into_iter()
        .map(|spec| -> Arc<dyn KeyAgreementModule> { Arc::new(DhModule::new(spec, groups)) })
        .chain(ensemble::modules(groups))
        .collect()
}

/// The run under way. Whoever takes it puts it back when all has gone well, so that an error ends it.
fn under_way<R>(run: &mut Option<R>) -> Result<R, Error> {
    run.take().ok_or(Error::WrongCall("no run is under way"))
}

/// A call of `confirmed` that nothing led to.
const UNCONFIRMED: Error = Error::WrongCall("nothing was installed that could be confirmed");

/// What one protocol file says of its module.
#[derive(Clone, Copy)]
struct Spec {
    name: &'static str,
    summary: &'static str,
    contributory: bool,
    make: fn(GroupId, Arc<dyn Executor>) -> Box<dyn KeyAgreement>,
    expected: fn(&Scenario) -> Expected,
}

/// A module over one of the Diffie-Hellman groups.
struct DhModule {
    spec: Spec,
    descriptor: Descriptor,
}

impl DhModule {
    fn new(spec: Spec, groups: &[&str]) -> Self {
        let group = OptionSpec {
            name: "group".to_owned(),
            help: "the group in which Diffie-Hellman is done".to_owned(),
            kind: OptionType::Choice(groups.iter().map(|name| (*name).to_owned()).collect()),
            default: Value::Text(GroupId::Ristretto255.name().to_owned()),
        };
        let descriptor = Descriptor {
            name: spec.name.to_owned(),
            version: "1".to_owned(),
            summary: spec.summary.to_owned(),
            properties: Properties::KeyAgreement {
                contributory: spec.contributory,
                key_independence: true,
                perfect_forward_secrecy: true,
                needs_order: Order::Fifo,
                max_members: MAX_MEMBERS,
            },
            options: vec![group],
        };
        Self { spec, descriptor }
    }
}

impl KeyAgreementModule for DhModule {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(
        &self,
        options: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error> {
        let name = options.text("group").unwrap_or(GroupId::Ristretto255.name());
        let id = GroupId::any(name).ok_or_else(|| Error::BadOption {
            name: "group",
            why: format!("{name:?} is no group of this build"),
        })?;
        Ok((self.spec.make)(id, executor))
    }

    fn expected(&self, scenario: &Scenario) -> Option<Expected> {
        Some((self.spec.expected)(scenario))
    }
}

/// The contract for a group of one that is agreed with nobody: sources do not speak of it.
fn nothing() -> Expected {
    Expected { paper: None, ..Expected::exactly(Costs::default()) }
}
