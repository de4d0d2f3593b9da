//! A whole conversation on the Kafka port, login included.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| broker::fuzz_session(data));
