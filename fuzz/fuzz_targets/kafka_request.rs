//! A frame as a client may send it, of any API and version.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kafka::fuzz_request(data));
