//! One API in all its versions, both directions: the one that the environment names (`KAFKA_API=Fetch`).
//! `fuzz/run_apis.py` goes through all of them.
#![no_main]

use std::sync::LazyLock;

use kafka::ApiKey;

static API: LazyLock<ApiKey> = LazyLock::new(|| {
    let name = std::env::var("KAFKA_API").expect("KAFKA_API names an API");
    let known = ApiKey::ALL.into_iter().find(|api| format!("{api:?}") == name);
    known.expect("KAFKA_API is one of the table of docs/kafka.md")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| kafka::fuzz_api(*API, data));
