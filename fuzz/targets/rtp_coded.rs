#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rushes_media::fuzzing::rtp_coded(data));
