#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cenacle_fuzz::engine::play(data));
