//! Record batches: headers, records and every compression.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kafka::fuzz_batch(data));
