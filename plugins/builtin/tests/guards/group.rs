//! A group on the in-memory network, and what somebody who hears everything can make of it.

use cenacle_builtin::agreements;
use cenacle_plugin::conformance::{Combined, Inspect};
use cenacle_plugin::network::{How, Network, Outcome};
use cenacle_plugin::{GroupSecret, KeyAgreementModule, Options};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) const MODULES: [&str; 5] = ["tgdh", "gdh", "str", "bd", "ckd"];

pub(crate) fn module(name: &str) -> Arc<dyn KeyAgreementModule> {
    let found = agreements().into_iter().find(|module| module.descriptor().name == name);
    found.expect("a module of that name")
}

/// A network, and all that was ever overheard on it.
pub(crate) struct Group<'a> {
    pub(crate) network: Network<'a>,
    pub(crate) elements: BTreeSet<Vec<u8>>,
    pub(crate) secrets: Vec<GroupSecret>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(module: &'a dyn KeyAgreementModule, count: u32) -> Self {
        let options = Options::defaults(&module.descriptor().options);
        let mut network = Network::new(module, options, 11);
        (0..count).for_each(|number| network.add(number).expect("an instance"));
        Self { network, elements: BTreeSet::new(), secrets: Vec::new() }
    }

    pub(crate) fn go_how(&mut self, numbers: &[u32], how: How) -> Outcome {
        self.network.change(numbers, how).expect("a change");
        let outcome = self.network.complete().expect("a run");
        let heard = self.heard();
        self.elements.extend(heard);
        self.secrets.push(outcome.secret.clone());
        outcome
    }

    pub(crate) fn go(&mut self, numbers: &[u32]) -> Outcome {
        self.go_how(numbers, How::Continue)
    }

    /// The elements of the last run.
    pub(crate) fn heard(&self) -> BTreeSet<Vec<u8>> {
        let anybody = self.network.view().first().copied().expect("a member");
        let view = self.view(anybody);
        self.network.overheard.iter().flat_map(|body| view.elements(body)).collect()
    }

    pub(crate) fn view(&self, number: u32) -> &dyn Inspect {
        let instance = self.network.instance_of(number).expect("a member of that number");
        instance.inspect().expect("a module that can be looked into")
    }

    pub(crate) fn held(&self, number: u32) -> Vec<Vec<u8>> {
        self.view(number).secrets().into_iter().map(|secret| secret.to_vec()).collect()
    }
}

pub(crate) fn members(size: u32) -> Vec<u32> {
    (0..size).collect()
}

pub(crate) fn without(size: u32, gone: &[u32]) -> Vec<u32> {
    (0..size).filter(|number| !gone.contains(number)).collect()
}

pub(crate) fn disjoint(one: &[Vec<u8>], other: &[Vec<u8>]) -> bool {
    one.iter().all(|secret| !other.contains(secret))
}

/// Everything that follows from these exponents and elements, along values whose public form was
/// overheard. An exponent of one stands for an element that is used as it is.
pub(crate) fn reach(
    view: &dyn Inspect,
    known: &[Vec<u8>],
    elements: &BTreeSet<Vec<u8>>,
) -> Vec<Combined> {
    let mut one = vec![0; 32];
    one[0] = 1;
    let mut fresh = [known, &[one]].concat();
    let (mut done, mut reached) = (BTreeSet::new(), Vec::new());
    while let Some(exponent) = fresh.pop() {
        if !done.insert(exponent.clone()) {
            continue;
        }
        for combined in elements.iter().flat_map(|element| view.combine(&exponent, element)) {
            if elements.contains(&combined.public) {
                fresh.push(combined.next.to_vec());
            }
            reached.push(combined);
        }
    }
    reached
}
