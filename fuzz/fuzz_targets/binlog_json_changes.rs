//! A document of a JSON column and the changes of a partial update.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mysql::binlog::fuzz_json_changes(data));
