//! Replays what the fuzzers found worth keeping (`tests/fuzz/corpus`, an input a line): nothing
//! may panic, and an error may bring no actions.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use cenacle_builtin::agreements;
use cenacle_plugin::Options;
use cenacle_plugin::conformance::{Feeder, feed_decoders};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/../../tests/fuzz/corpus/{target}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a corpus");
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).expect("hex digits");
        u8::from_str_radix(digits, 16).expect("hex digits")
    };
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}

fn replay(name: &str) {
    let modules = agreements();
    let module = modules.iter().find(|module| module.descriptor().name == name);
    let module = module.expect("a module of that name");
    let options = Options::defaults(&module.descriptor().options);
    let mut feeder = Feeder::new(module.as_ref(), &options).expect("an honest run");
    let corpus = corpus(name);
    let taken = corpus.iter().filter(|data| feeder.feed(data).expect("a replay")).count();
    // Genuine messages are in it: a feeder that refused everything would prove nothing.
    assert!(taken > 0, "none of {} inputs was taken", corpus.len());
}

#[test]
fn tgdh() {
    replay("tgdh");
}

#[test]
fn gdh() {
    replay("gdh");
}

#[test]
fn str() {
    replay("str");
}

#[test]
fn bd() {
    replay("bd");
}

#[test]
fn ckd() {
    replay("ckd");
}

#[test]
fn basic() {
    replay("basic");
}

#[test]
fn binary() {
    replay("binary");
}

#[test]
fn dist() {
    replay("dist");
}

#[test]
fn wgl() {
    replay("wgl");
}

#[test]
fn decoders() {
    let corpus = corpus("decoders");
    assert!(corpus.iter().filter(|data| feed_decoders(data)).count() > 3);
}
