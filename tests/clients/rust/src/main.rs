//! The tour of rskafka, a client in Rust alone. It knows partitions, and no consumer groups.

use std::env;
use std::error::Error;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::DateTime;
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{ClientBuilder, Credentials, SaslConfig};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The bytes that one fetch may bring, and how long it may wait.
const FETCH_BYTES: std::ops::Range<i32> = 1..1_000_000;
const WAIT_MS: i32 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let count: usize = asked("COUNT")?.parse()?;
    let second: i64 = asked("SECOND")?.parse()?;
    let login = Credentials::new(asked("USER")?, asked("PASSWORD")?);
    let client = ClientBuilder::new(vec![asked("BROKER")?])
        .sasl_config(SaslConfig::Plain(login))
        .build()
        .await?;
    let partition =
        client.partition_client(asked("TOPIC")?, 0, UnknownTopicHandling::Error).await?;

    read(&partition, "assign", 0, count).await?;
    let beginning = partition.get_offset(OffsetAt::Earliest).await?;
    let end = partition.get_offset(OffsetAt::Latest).await?;
    say(&json!({"event": "range", "beginning": beginning, "end": end}));
    // A time of this library is asked in milliseconds.
    let time = DateTime::from_timestamp(second, 0).ok_or("a time out of range")?;
    let found = partition.get_offset(OffsetAt::Timestamp(time)).await?;
    say(&json!({"event": "time", "offset": found}));
    read(&partition, "seek", found, 1).await?;
    for step in ["pause", "commit", "metadata", "subscribe"] {
        say(&json!({"event": "cannot", "step": step}));
    }
    say(&json!({"event": "done"}));
    Ok(())
}

/// Says records from an offset on.
async fn read(partition: &PartitionClient, step: &str, from: i64, count: usize) -> Result<()> {
    let (mut next, mut left) = (from, count);
    while left > 0 {
        let (records, _) = partition.fetch_records(next, FETCH_BYTES, WAIT_MS).await?;
        for one in records.into_iter().filter(|one| one.offset >= from).take(left) {
            say(&json!({
                "event": "record",
                "step": step,
                "offset": one.offset,
                "timestamp": one.record.timestamp.timestamp_millis(),
                "key": one.record.key.map(|key| BASE64_STANDARD.encode(key)),
                "value": one.record.value.map(|value| BASE64_STANDARD.encode(value)),
            }));
            next = one.offset + 1;
            left -= 1;
        }
    }
    Ok(())
}

fn asked(name: &str) -> Result<String> {
    Ok(env::var(format!("WELLHEAD_{name}"))?)
}

fn say(line: &serde_json::Value) {
    println!("{line}");
}
