#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rushes_signaling::whip::fuzzing::json(data));
