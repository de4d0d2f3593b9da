//! A document of a JSON column.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mysql::binlog::fuzz_json(data));
