//! Message sets of format 0 and 1, read, and made of record batches.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kafka::fuzz_message_set(data));
