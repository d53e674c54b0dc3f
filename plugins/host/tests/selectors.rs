//! From names and options to modules.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod modules;

use cenacle_host::{
    EncryptionSelector, Error, KeyAgreementSelector, Origin, PolicySelector, Registry,
};
use cenacle_plugin::{Executor, Family, Inline, Job, Kind, OptionError, Value};
use modules::{cipher, fake, key_agreement, policy};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn registry() -> Arc<Registry> {
    let registry = Registry::new();
    for name in ["tgdh", "gdh", "str"] {
        registry.register_key_agreement(fake(key_agreement(name)), Origin::BuiltIn).expect("new");
    }
    for name in ["chacha20poly1305", "aes256gcm"] {
        registry.register_cipher(fake(cipher(name)), Origin::BuiltIn).expect("new");
    }
    for name in ["open", "allowlist"] {
        registry.register_policy(fake(policy(name)), Origin::BuiltIn).expect("new");
    }
    Arc::new(registry)
}

fn given(options: &[(&str, Value)]) -> BTreeMap<String, Value> {
    options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn none() -> BTreeMap<String, Value> {
    BTreeMap::new()
}

#[test]
fn each_selector_finds_its_kind() {
    let registry = registry();
    let one = KeyAgreementSelector::new(registry.clone()).select("tgdh", &none()).expect("there");
    let two =
        EncryptionSelector::new(registry.clone()).select("aes256gcm", &none()).expect("there");
    let three = PolicySelector::new(registry).select("open", &none()).expect("there");
    assert_eq!(one.descriptor().kind(), Kind::KeyAgreement);
    assert_eq!((two.descriptor().kind(), two.origin()), (Kind::Cipher, Origin::BuiltIn));
    assert_eq!(three.descriptor().name, "open");
    assert!(one.create(Arc::new(Inline)).is_ok());
    assert!(two.create().is_ok());
    assert!(three.create().is_ok());
}

#[test]
fn options_are_checked_and_filled_in() {
    let selector = EncryptionSelector::new(registry());
    let cipher = selector.select("aes256gcm", &given(&[("degree", Value::Integer(3))]));
    let cipher = cipher.expect("within the bounds");
    assert_eq!(cipher.options().integer("degree"), Some(3));
    assert_eq!(cipher.options().bool("works"), Some(true));
}

#[test]
fn two_groups_have_different_options_of_one_module() {
    let selector = KeyAgreementSelector::new(registry());
    let one = selector.select("gdh", &given(&[("degree", Value::Integer(2))])).expect("good");
    let two = selector.select("gdh", &given(&[("degree", Value::Integer(9))])).expect("good");
    assert_eq!(one.options().integer("degree"), Some(2));
    assert_eq!(two.options().integer("degree"), Some(9));
    assert!(Arc::ptr_eq(one.module(), two.module()));
}

#[test]
fn unknown_names_get_the_nearest_and_all() {
    let selector = KeyAgreementSelector::new(registry());
    let error = selector.select("tgdhh", &none()).expect_err("unknown");
    assert!(matches!(error, Error::UnknownModule { kind: Kind::KeyAgreement, .. }));
    assert_eq!(error.family(), Family::BadInput);
    assert_eq!(
        error.to_string(),
        "there is no key agreement module called \"tgdhh\"; \
         did you mean \"tgdh\"? (registered: gdh, str, tgdh)"
    );
    let error = selector.select("aes256gcm", &none()).expect_err("a cipher");
    assert!(error.to_string().ends_with("; registered: gdh, str, tgdh"), "{error}");
    let error = EncryptionSelector::new(registry()).select("chacha20-poly1305", &none());
    assert!(error.expect_err("unknown").to_string().contains("did you mean \"chacha20poly1305\"?"));
    let error = PolicySelector::new(Arc::default()).select("open", &none()).expect_err("empty");
    assert!(error.to_string().ends_with("registered: none"), "{error}");
}

/// A peer's charter may name anything; neither the error nor the search for it grows with that.
#[test]
fn endless_names_are_cut() {
    let error = PolicySelector::new(registry()).select(&"x".repeat(1 << 24), &none());
    assert!(error.expect_err("unknown").to_string().len() < 300);
    let error = PolicySelector::new(registry()).select("\u{1b}[2J", &none()).expect_err("unknown");
    assert!(!error.to_string().contains('\u{1b}'), "control characters reach the terminal");
}

#[test]
fn unknown_options_get_the_nearest_and_all() {
    let selector = PolicySelector::new(registry());
    let error = selector.select("open", &given(&[("degre", Value::Integer(3))]));
    let error = error.expect_err("unknown");
    assert!(
        matches!(&error, Error::BadOption(OptionError::Unknown { name, .. }) if name == "degre")
    );
    assert_eq!(error.family(), Family::BadInput);
    let text = error.to_string();
    assert!(text.contains("open") && text.contains("did you mean \"degree\"?"), "{text}");
    assert!(text.contains("works"), "{text}");
}

#[test]
fn values_out_of_range_are_named_with_what_is_wanted() {
    let selector = EncryptionSelector::new(registry());
    for bad in [Value::Integer(1), Value::Integer(11), Value::Bool(true), Value::List(vec![])] {
        let error = selector.select("aes256gcm", &given(&[("degree", bad.clone())]));
        let text = error.expect_err("out of range").to_string();
        assert!(text.contains("\"degree\" of aes256gcm"), "{text}");
        assert!(text.contains("from 2 to 10") && text.contains(&bad.to_string()), "{text}");
    }
}

#[test]
fn a_module_that_refuses_its_options_is_named() {
    let broken = given(&[("works", Value::Bool(false))]);
    let registry = registry();
    let errors = [
        KeyAgreementSelector::new(registry.clone())
            .select("gdh", &broken)
            .expect("within the bounds")
            .create(Arc::new(Inline))
            .err(),
        EncryptionSelector::new(registry.clone())
            .select("aes256gcm", &broken)
            .expect("within the bounds")
            .create()
            .err(),
        PolicySelector::new(registry)
            .select("open", &broken)
            .expect("within the bounds")
            .create()
            .err(),
    ];
    for (error, name) in errors.into_iter().zip(["gdh", "aes256gcm", "open"]) {
        let error = error.expect("refused");
        assert_eq!(error.family(), Family::BadInput);
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("\"works\": turn it on"), "{text}");
    }
}

#[test]
fn key_agreements_get_the_executor() {
    struct Counting(AtomicUsize);
    impl Executor for Counting {
        fn width(&self) -> usize {
            1
        }

        fn run<'a>(&self, jobs: Vec<Job<'a>>) {
            self.0.fetch_add(jobs.len(), Ordering::Relaxed);
            Inline.run(jobs);
        }
    }
    let counting = Arc::new(Counting(AtomicUsize::new(0)));
    let selected = KeyAgreementSelector::new(registry()).select("gdh", &none()).expect("there");
    selected.create(counting.clone()).expect("works");
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
}

/// A selector made before sees what is registered after, and what was selected stays as it is.
#[test]
fn modules_come_while_groups_run() {
    let registry = registry();
    let selector = EncryptionSelector::new(registry.clone());
    assert!(selector.select("late", &none()).is_err());
    let running = selector.select("aes256gcm", &none()).expect("there");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            registry.register_cipher(fake(cipher("late")), Origin::Registered).expect("new");
        });
        for _ in 0..100 {
            assert!(running.create().is_ok());
        }
    });
    let late = selector.select("late", &none()).expect("registered");
    assert_eq!(late.origin(), Origin::Registered);
}
