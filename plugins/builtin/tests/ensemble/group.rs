//! A group on the in-memory network.

use cenacle_builtin::agreements;
use cenacle_plugin::conformance::Inspect;
use cenacle_plugin::network::{How, Network, Outcome};
use cenacle_plugin::{KeyAgreementModule, Options, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const MODULES: [&str; 4] = ["basic", "binary", "dist", "wgl"];

pub(crate) fn module(name: &str) -> Arc<dyn KeyAgreementModule> {
    let found = agreements().into_iter().find(|module| module.descriptor().name == name);
    found.expect("a module of that name")
}

pub(crate) fn options(module: &dyn KeyAgreementModule, given: &[(&str, Value)]) -> Options {
    let given: BTreeMap<String, Value> =
        given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let descriptor = module.descriptor();
    Options::check(&descriptor.name, &descriptor.options, &given).expect("options of the module")
}

/// A network with members of the numbers below `count`.
pub(crate) fn network(module: &dyn KeyAgreementModule, count: u32) -> Network<'_> {
    network_with(module, &[], count)
}

pub(crate) fn network_with<'m>(
    module: &'m dyn KeyAgreementModule,
    given: &[(&str, Value)],
    count: u32,
) -> Network<'m> {
    let mut network = Network::new(module, options(module, given), 17);
    (0..count).for_each(|number| network.add(number).expect("an instance"));
    network
}

pub(crate) fn go(network: &mut Network<'_>, numbers: &[u32]) -> Outcome {
    network.change(numbers, How::Continue).expect("a change");
    network.complete_measured().expect("a run")
}

pub(crate) fn members(size: u32) -> Vec<u32> {
    (0..size).collect()
}

pub(crate) fn without(size: u32, gone: &[u32]) -> Vec<u32> {
    (0..size).filter(|number| !gone.contains(number)).collect()
}

/// All keys that a member holds.
pub(crate) fn held(network: &Network<'_>, number: u32) -> Vec<Vec<u8>> {
    let view = view(network, number);
    view.secrets().into_iter().map(|secret| secret.to_vec()).collect()
}

pub(crate) fn view<'n>(network: &'n Network<'_>, number: u32) -> &'n dyn Inspect {
    let instance = network.instance_of(number).expect("a member of that number");
    instance.inspect().expect("a module that can be looked into")
}
