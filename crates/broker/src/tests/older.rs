//! Message sets for clients of Kafka 0.10 and older.

use std::time::Duration;

use kafka::batch::Compression;
use kafka::message_set::{Message, messages};
use kafka::messages::{FetchRequest, FetchResponse, FetchTopic};
use kafka::{ErrorCode, Offset};

use super::client::response;
use super::reading::{bytes, fetch, only};
use super::server::settings;
use super::{Client, Server};
use crate::{Access, Settings};

const COMPRESSIONS: [Compression; 4] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4];
const CAP: usize = 64 << 20;

async fn server() -> Server {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    server
}

/// Messages of the first partition of an answer, as offset, timestamp and value.
fn read(payload: &[u8], version: i16) -> Vec<(i64, Option<i64>, String)> {
    let answer: FetchResponse<'_> = response(version, payload);
    let partition = only(&answer);
    assert_eq!(partition.error, ErrorCode::None);
    let plain = |message: Message| {
        let value = String::from_utf8(message.value.unwrap()).unwrap();
        (message.offset.0, message.timestamp_ms, value)
    };
    messages(bytes(&partition), CAP).unwrap().into_iter().map(plain).collect()
}

fn timestamp(version: i16, ms: i64) -> Option<i64> {
    (version >= 2).then_some(ms)
}

#[tokio::test]
async fn j02_clients_from_before_record_batches_get_messages() {
    let mut server = server().await;
    for (at, compression) in (0..).zip(COMPRESSIONS) {
        server.append_with("shop", &[(at, "first"), (at + 10, "second")], compression);
    }
    let mut client = Client::connect(&server).await;
    for version in 0..=3 {
        for from in 0..8 {
            let answer = client.call(version, fetch(from, 0)).await;
            let expected: Vec<_> = (from..8)
                .map(|offset| match offset % 2 {
                    0 => (offset, timestamp(version, offset / 2), "first".to_owned()),
                    _ => (offset, timestamp(version, offset / 2 + 10), "second".to_owned()),
                })
                .collect();
            assert_eq!(read(&answer, version), expected, "version {version} from {from}");
            let answer: FetchResponse<'_> = response(version, &answer);
            assert_eq!(only(&answer).high_watermark, Offset(8));
        }
        let answer = client.call(version, fetch(8, 0)).await;
        assert!(read(&answer, version).is_empty(), "the end of the log, version {version}");
    }
}

#[tokio::test]
async fn j02_a_batch_longer_than_the_limits_is_read_in_parts() {
    let mut server = server().await;
    let values: Vec<String> = (0..60).map(|at| format!("{at}{}", "x".repeat(5_000))).collect();
    let records: Vec<(i64, &str)> = (0..).zip(values.iter().map(String::as_str)).collect();
    server.append("shop", &records);
    server.append_with("shop", &records, Compression::Lz4);
    let mut client = Client::connect(&server).await;
    for version in 0..=3 {
        let (mut next, mut found) = (0, Vec::new());
        while next < 120 {
            let mut request = fetch(next, 60_000);
            request.topics[0].partitions[0].max_bytes = 20_000;
            let answer = client.call(version, request).await;
            assert!(bytes(&only(&response(version, &answer))).len() <= 20_000);
            let part = read(&answer, version);
            assert!(!part.is_empty(), "version {version} stands still at {next}");
            next = part.last().unwrap().0 + 1;
            found.extend(part.into_iter().map(|(_, _, value)| value));
        }
        assert!(found == [values.clone(), values.clone()].concat(), "version {version}");
    }
}

#[tokio::test]
async fn a_message_longer_than_the_limits_comes_whole() {
    let mut server = server().await;
    let long = "x".repeat(3 << 20);
    server.append("shop", &[(1, &long)]);
    server.append_with("shop", &[(2, &long)], Compression::Gzip);
    let mut client = Client::connect(&server).await;
    for version in 0..=3 {
        for offset in [0, 1] {
            let mut request = FetchRequest { max_bytes: 10, ..fetch(offset, 60_000) };
            request.topics[0].partitions[0].max_bytes = 10;
            let answer = client.call(version, request).await;
            let expected = (offset, timestamp(version, offset + 1), long.clone());
            assert!(read(&answer, version) == [expected], "version {version}, offset {offset}");
        }
    }
}

#[tokio::test]
async fn several_partitions_are_converted_in_one_answer() {
    let mut server = server().await;
    server.open_topic("other");
    server.append_with("shop", &[(1, "mine")], Compression::Lz4);
    server.append("other", &[(2, "theirs")]);
    let mut client = Client::connect(&server).await;
    let mut request = fetch(0, 0);
    request.topics.push(FetchTopic { name: "other", ..request.topics[0].clone() });
    request.topics.push(FetchTopic { name: "absent", ..request.topics[0].clone() });
    let answer = client.call(2, request).await;
    let answer: FetchResponse<'_> = response(2, &answer);
    let told: Vec<_> = answer.topics.iter().map(|topic| &topic.partitions[0]).collect();
    let value = |at: usize| messages(bytes(told[at]), CAP).unwrap().remove(0).value.unwrap();
    assert_eq!((value(0), value(1)), (b"mine".to_vec(), b"theirs".to_vec()));
    assert_eq!(told[2].error, ErrorCode::UnknownTopicOrPartition);
}

#[tokio::test]
async fn conversions_take_turns_for_little_memory() {
    // A lane of four megabytes: less than the first try of one conversion asks for.
    let settings = Settings { budget: budget::Budget::new(16 << 20), ..settings() };
    let budget = settings.budget.clone();
    let mut server = Server::start_with(Access::Anonymous, settings).await;
    server.open_topic("shop");
    let long = "y".repeat(12 << 20);
    server.append_with("shop", &[(1, &long)], Compression::Lz4);
    let mut request = fetch(0, 60_000);
    request.topics[0].partitions[0].max_bytes = i32::MAX;
    let mut clients = Vec::new();
    for _ in 0..6 {
        let mut client = Client::connect(&server).await;
        client.send(2, request.clone()).await;
        clients.push(client);
    }
    let mut lengths = Vec::new();
    for client in &mut clients {
        lengths.push(read(&client.receive().await, 2).remove(0).2.len());
    }
    assert_eq!(lengths, [long.len(); 6]);
    drop(clients);
    let given_back = async {
        while budget.used() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), given_back).await.expect("memory is held");
}

#[tokio::test]
async fn damage_is_told_and_not_passed_on() {
    let mut server = server().await;
    server.append("shop", &[(1, "good")]);
    let bad = server.append("shop", &[(2, "this one is damaged on the disk")]);
    let path = server.folder().join("shop/00000000000000000000.log");
    let mut stored = std::fs::read(&path).unwrap();
    let at = stored.len() - bad.len() / 4;
    stored[at] ^= 1;
    std::fs::write(&path, stored).unwrap();
    let mut client = Client::connect(&server).await;
    let answer = client.call(3, fetch(0, 0)).await;
    assert_eq!(read(&answer, 3), [(0, Some(1), "good".to_owned())]);
    let answer = client.call(3, fetch(1, 0)).await;
    assert_eq!(only(&response(3, &answer)).error, ErrorCode::CorruptMessage);
}
