//! A stream of binlog events, from the first of a connection on.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mysql::binlog::fuzz_events(data));
