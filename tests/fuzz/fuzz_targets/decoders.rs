#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cenacle_plugin::conformance::feed_decoders(data);
});
