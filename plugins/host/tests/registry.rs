//! What the registry takes, refuses and lists.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod modules;

use cenacle_host::{Error, MAX_MODULES, Origin, Registry};
use cenacle_plugin::{Descriptor, Family, Kind, ModuleSource, OptionType, Properties, Value};
use modules::{cipher, fake, key_agreement, option, policy};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn add_cipher(registry: &Registry, descriptor: Descriptor) -> Result<(), Error> {
    registry.register_cipher(fake(descriptor), Origin::Registered)
}

#[test]
fn modules_are_found_under_their_kind_and_name() {
    let registry = Registry::new();
    registry.register_key_agreement(fake(key_agreement("one")), Origin::BuiltIn).expect("new");
    registry.register_cipher(fake(cipher("two")), Origin::BuiltIn).expect("new");
    registry.register_policy(fake(policy("three")), Origin::BuiltIn).expect("new");
    let source: &dyn ModuleSource = &registry;
    assert!(source.key_agreement("one").is_some());
    assert!(source.cipher("two").is_some());
    assert!(source.policy("three").is_some());
    assert!(source.key_agreement("two").is_none());
    assert!(source.cipher("three").is_none());
    assert!(source.policy("one").is_none());
    assert!(source.cipher("").is_none());
}

#[test]
fn the_list_is_ordered_whatever_came_first() {
    let registry = Registry::new();
    for name in ["open", "allowlist"] {
        registry.register_policy(fake(policy(name)), Origin::BuiltIn).expect("new");
    }
    for name in ["two", "one", "three"] {
        registry.register_cipher(fake(cipher(name)), Origin::BuiltIn).expect("new");
    }
    registry.register_key_agreement(fake(key_agreement("two")), Origin::Registered).expect("new");
    let list = registry.list();
    let lines: Vec<_> =
        list.iter().map(|e| (e.kind, e.descriptor.name.as_str(), e.origin)).collect();
    assert_eq!(
        lines,
        [
            (Kind::KeyAgreement, "two", Origin::Registered),
            (Kind::Cipher, "one", Origin::BuiltIn),
            (Kind::Cipher, "three", Origin::BuiltIn),
            (Kind::Cipher, "two", Origin::BuiltIn),
            (Kind::Policy, "allowlist", Origin::BuiltIn),
            (Kind::Policy, "open", Origin::BuiltIn),
        ]
    );
}

#[test]
fn a_name_belongs_to_the_first_of_its_kind() {
    let registry = Registry::new();
    let first = fake(cipher("same"));
    registry.register_cipher(first.clone(), Origin::BuiltIn).expect("new");
    let error = add_cipher(&registry, cipher("same")).expect_err("taken");
    assert!(
        matches!(&error, Error::NameTaken { kind: Kind::Cipher, name, origin: Origin::BuiltIn } if name == "same")
    );
    assert_eq!(error.family(), Family::BadInput);
    let text = error.to_string();
    assert!(text.contains("cipher") && text.contains("\"same\"") && text.contains("built in"));

    let kept = registry.cipher("same").expect("registered");
    let first: Arc<dyn cenacle_plugin::CipherModule> = first;
    assert!(Arc::ptr_eq(&kept, &first), "the second took the first one's place");
    assert_eq!(registry.list().len(), 1);
    // Another kind has names of its own.
    registry.register_policy(fake(policy("same")), Origin::Registered).expect("another kind");
}

#[test]
fn malformed_descriptors_are_refused() {
    let bad = |change: &dyn Fn(&mut Descriptor), why: &str| {
        let registry = Registry::new();
        let mut descriptor = cipher("good");
        change(&mut descriptor);
        let error = add_cipher(&registry, descriptor).expect_err(why);
        assert!(matches!(error, Error::Malformed { kind: Kind::Cipher, .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.family(), Family::BadInput);
        assert!(registry.list().is_empty());
    };
    for name in ["", "Upper", "with space", "-first", "9first", "colour\u{1b}[31m", "ñ"] {
        bad(&|d| d.name = name.to_owned(), "name");
    }
    bad(&|d| d.name = "x".repeat(41), "name");
    bad(&|d| d.name = "none".to_owned(), "reserved");
    bad(&|d| d.version.clear(), "version");
    bad(&|d| d.summary = "\u{1b}[2Jgone".to_owned(), "control");
    bad(&|d| d.summary = "so long ".repeat(100), "longer");
    bad(&|d| d.options[0].help = "two\nlines".to_owned(), "control");
    bad(&|d| d.options[0].default = Value::Integer(11), "default");
    bad(&|d| d.options[0].name = "Degree".to_owned(), "option");
    bad(&|d| d.options[1] = d.options[0].clone(), "twice");
    bad(
        &|d| {
            let many =
                (0..65).map(|n| option(&format!("o{n}"), OptionType::Bool, Value::Bool(true)));
            d.options = many.collect();
        },
        "more than 64 options",
    );
    bad(&|d| d.properties = Properties::Policy { admits_anyone: true }, "a policy module");
    let properties = |key_len, overhead, max_messages| {
        move |d: &mut Descriptor| {
            d.properties =
                Properties::Cipher { confidential: true, key_len, overhead, max_messages };
        }
    };
    bad(&properties(0, 16, 1), "keys of 0 bytes");
    bad(&properties(33, 16, 1), "keys of 33 bytes");
    bad(&properties(32, u32::MAX, 1), "adds 4294967295 bytes");
    bad(&properties(32, 16, 0), "no message");
}

#[test]
fn a_key_agreement_takes_as_many_members_as_a_view_has() {
    for (max, good) in [(0, false), (1, true), (4096, true), (4097, false), (u32::MAX, false)] {
        let mut descriptor = key_agreement("some");
        if let Properties::KeyAgreement { max_members, .. } = &mut descriptor.properties {
            *max_members = max;
        }
        let registry = Registry::new();
        let outcome = registry.register_key_agreement(fake(descriptor), Origin::Registered);
        assert_eq!(outcome.is_ok(), good, "{max}");
    }
}

#[test]
fn the_registry_is_bounded() {
    let registry = Registry::new();
    for number in 0..MAX_MODULES {
        add_cipher(&registry, cipher(&format!("c{number}"))).expect("there is room");
    }
    let error = add_cipher(&registry, cipher("one-more")).expect_err("full");
    assert_eq!(error.family(), Family::Limit);
    assert!(error.to_string().contains("256"), "{error}");
    registry.register_policy(fake(policy("other-kind")), Origin::Registered).expect("has room");
}

/// Of many who want one name at once, one gets it; who looks meanwhile sees a module or none, and
/// what was once seen stays.
#[test]
fn registering_and_finding_at_the_same_time() {
    const WRITERS: usize = 4;
    const NAMES: usize = 60;
    let registry = Registry::new();
    let done = AtomicBool::new(false);
    let taken = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen: Vec<Option<Arc<dyn cenacle_plugin::CipherModule>>> =
                        vec![None; NAMES];
                    while !done.load(Ordering::Acquire) {
                        for (number, seen) in seen.iter_mut().enumerate() {
                            let now = registry.cipher(&format!("c{number}"));
                            if let Some(before) = seen {
                                let now = now.as_ref().expect("modules stay");
                                assert!(Arc::ptr_eq(before, now));
                            }
                            *seen = now;
                        }
                        let names: Vec<_> =
                            registry.list().iter().map(|e| e.descriptor.name.clone()).collect();
                        assert!(names.is_sorted());
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let names = 0..NAMES;
                    names
                        .filter(|n| add_cipher(&registry, cipher(&format!("c{n}"))).is_ok())
                        .count()
                })
            })
            .collect();
        let taken: usize = writers.into_iter().map(|w| w.join().expect("no panic")).sum();
        done.store(true, Ordering::Release);
        readers.into_iter().for_each(|reader| reader.join().expect("no panic"));
        taken
    });
    assert_eq!(taken, NAMES);
    assert_eq!(registry.list().len(), NAMES);
}
