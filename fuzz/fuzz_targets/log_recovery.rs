//! Files of a partition's folder, found at start.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| log::fuzz_recovery(data));
