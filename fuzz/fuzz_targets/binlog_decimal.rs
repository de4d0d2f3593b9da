//! A value of a DECIMAL column.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mysql::binlog::fuzz_decimal(data));
