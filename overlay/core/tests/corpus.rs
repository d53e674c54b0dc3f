//! Replays what the fuzzer found worth keeping (`tests/fuzz/corpus/engine.hex`, a script a line).
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::cast_possible_truncation, reason = "scripts are made of bytes")]

#[path = "../../../tests/fuzz/src/engine/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "shared with the fuzz targets and other tests"
)]
mod engine;

#[test]
fn scripts_of_the_fuzzer() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus/engine.hex");
    let text = std::fs::read_to_string(path).expect("a corpus");
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).expect("hex digits");
        u8::from_str_radix(digits, 16).expect("hex digits")
    };
    for line in text.lines() {
        let script: Vec<u8> = line.as_bytes().chunks(2).map(byte).collect();
        engine::play(&script);
    }
}

#[test]
fn a_quiet_room() {
    engine::play(&[1]);
    engine::play(&[0]);
}
