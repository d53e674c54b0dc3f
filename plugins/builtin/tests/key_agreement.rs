//! Every key agreement module of this crate under the conformance suite.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the summary is for whoever asks to see it")]

use cenacle_builtin::{agreements, agreements_for_benchmarks};
use cenacle_plugin::conformance::{Effort, key_agreement_suite, key_agreement_suite_with};
use cenacle_plugin::{KeyAgreementModule, Options, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

fn module(name: &str) -> Arc<dyn KeyAgreementModule> {
    let found = agreements_for_benchmarks().into_iter().find(|m| m.descriptor().name == name);
    found.expect("a module of that name")
}

/// `CENACLE_EFFORT=10` tries ten times as much.
fn effort() -> Effort {
    let times: u32 =
        std::env::var("CENACLE_EFFORT").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    Effort {
        sequences: 400 * times,
        attacks: 40 * times,
        tampers: 30 * times,
        max_members: 100,
        max_costs: 20,
        ..Effort::default()
    }
}

fn conforms(name: &str) {
    match key_agreement_suite(module(name).as_ref(), effort()) {
        Ok(summary) => println!("{summary}"),
        Err(failures) => panic!("{failures}"),
    }
}

#[test]
fn tgdh() {
    conforms("tgdh");
}

#[test]
fn gdh() {
    conforms("gdh");
}

#[test]
fn str() {
    conforms("str");
}

#[test]
fn bd() {
    conforms("bd");
}

#[test]
fn ckd() {
    conforms("ckd");
}

#[test]
fn basic() {
    conforms("basic");
}

#[test]
fn binary() {
    conforms("binary");
}

#[test]
fn dist() {
    conforms("dist");
}

#[test]
fn wgl() {
    conforms("wgl");
}

/// The groups of integers are slow: a little of everything, in the smallest.
#[test]
fn all_modules_work_modulo_a_prime() {
    for module in agreements_for_benchmarks() {
        let given = BTreeMap::from([("group".to_owned(), Value::Text("modp-512".to_owned()))]);
        let descriptor = module.descriptor();
        let options = Options::check(&descriptor.name, &descriptor.options, &given).expect("one");
        let effort =
            Effort { sequences: 20, attacks: 5, tampers: 5, max_costs: 4, ..Effort::default() };
        if let Err(failures) = key_agreement_suite_with(module.as_ref(), &options, effort) {
            panic!("{failures}");
        }
    }
}

#[test]
fn a_node_is_offered_no_weak_group() {
    for module in agreements() {
        let descriptor = module.descriptor();
        let given = BTreeMap::from([("group".to_owned(), Value::Text("modp-512".to_owned()))]);
        assert!(Options::check(&descriptor.name, &descriptor.options, &given).is_err());
    }
}
