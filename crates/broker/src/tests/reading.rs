use std::time::{Duration, Instant};

use kafka::batch::Compression;
use kafka::messages::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition, Records,
};
use kafka::{ErrorCode, Offset, PartitionId, TopicId};
use tokio::io::AsyncReadExt;

use super::client::response;
use super::server::settings;
use super::{Client, Server};
use crate::{Access, Settings};

pub(super) fn fetch(offset: i64, max_wait_ms: i32) -> FetchRequest<'static> {
    let partition =
        FetchPartition { fetch_offset: Offset(offset), max_bytes: 1 << 20, ..Default::default() };
    let topic =
        FetchTopic { name: "shop", topic_id: TopicId([b's'; 16]), partitions: vec![partition] };
    FetchRequest { max_wait_ms, min_bytes: 1, topics: vec![topic], ..Default::default() }
}

pub(super) fn only<'a>(answer: &FetchResponse<'a>) -> FetchedPartition<'a> {
    answer.topics[0].partitions[0].clone()
}

pub(super) fn bytes<'a>(partition: &FetchedPartition<'a>) -> &'a [u8] {
    match partition.records {
        Records::Here(bytes) => bytes,
        _ => panic!("no records: {partition:?}"),
    }
}

async fn server() -> Server {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    server
}

#[tokio::test]
async fn j03_batches_are_served_byte_for_byte_by_every_version() {
    let mut server = server().await;
    let first = server.append("shop", &[(1_000, "a"), (1_001, "b")]);
    let second = server.append("shop", &[(1_002, "c")]);
    let mut client = Client::connect(&server).await;
    for version in 4..=18 {
        for (offset, expected) in [(0, [&first[..], &second].concat()), (2, second.clone())] {
            let answer = client.call(version, fetch(offset, 0)).await;
            let answer: FetchResponse<'_> = response(version, &answer);
            let partition = only(&answer);
            assert_eq!(partition.error, ErrorCode::None, "version {version}");
            assert_eq!(partition.high_watermark, Offset(3));
            assert_eq!(partition.last_stable_offset, Offset(3));
            assert_eq!(bytes(&partition), expected, "version {version} from {offset}");
        }
    }
}

#[tokio::test]
async fn j03_a_fetch_in_the_middle_of_a_batch_gets_the_whole_batch() {
    let mut server = server().await;
    let batch = server.append("shop", &[(1_000, "a"), (1_001, "b")]);
    let mut client = Client::connect(&server).await;
    let answer = client.call(11, fetch(1, 0)).await;
    assert_eq!(bytes(&only(&response(11, &answer))), batch);
}

#[tokio::test]
async fn j03_a_fetch_beyond_the_end_is_out_of_range_at_once() {
    let mut server = server().await;
    server.append("shop", &[(1_000, "a")]);
    let mut client = Client::connect(&server).await;
    for offset in [2, i64::MAX, -1, i64::MIN] {
        let began = Instant::now();
        let answer = client.call(11, fetch(offset, 60_000)).await;
        assert_eq!(only(&response(11, &answer)).error, ErrorCode::OffsetOutOfRange, "{offset}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn j03_a_long_poll_at_the_end_wakes_when_data_appears() {
    let mut server = server().await;
    let mut client = Client::connect(&server).await;
    client.send(11, fetch(0, 60_000)).await;
    let early = tokio::time::timeout(Duration::from_millis(50), client.stream.readable()).await;
    assert!(early.is_err(), "answered without data");
    let batch = server.append("shop", &[(1_000, "a")]);
    let answer = tokio::time::timeout(Duration::from_secs(10), client.receive()).await.unwrap();
    assert_eq!(bytes(&only(&response(11, &answer))), batch);
}

#[tokio::test]
async fn a_long_poll_ends_empty_when_its_time_is_over() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let began = Instant::now();
    let answer = client.call(11, fetch(0, 80)).await;
    assert!(began.elapsed() >= Duration::from_millis(80));
    let answer: FetchResponse<'_> = response(11, &answer);
    assert_eq!((only(&answer).error, bytes(&only(&answer))), (ErrorCode::None, &[][..]));
}

#[tokio::test]
async fn a_long_poll_waits_for_min_bytes() {
    let mut server = server().await;
    let small = server.append("shop", &[(1_000, "a")]);
    let mut client = Client::connect(&server).await;
    let request = FetchRequest { min_bytes: 200, ..fetch(0, 60_000) };
    client.send(11, request).await;
    let early = tokio::time::timeout(Duration::from_millis(50), client.stream.readable()).await;
    assert!(early.is_err(), "answered with {} bytes", small.len());
    let large = server.append("shop", &[(1_001, &"b".repeat(200))]);
    let answer = client.receive().await;
    assert_eq!(bytes(&only(&response(11, &answer))), [small, large].concat());
}

#[tokio::test]
async fn a_long_poll_does_not_wait_for_what_its_limits_leave_out() {
    let mut server = server().await;
    let first = server.append("shop", &[(1_000, "a")]);
    server.append("shop", &[(1_001, "b")]);
    let mut client = Client::connect(&server).await;
    let limit = i32::try_from(first.len()).unwrap();
    let request = FetchRequest { min_bytes: 1 << 20, max_bytes: limit, ..fetch(0, 60_000) };
    let answer = tokio::time::timeout(Duration::from_secs(10), client.call(11, request)).await;
    let answer = answer.expect("waits for bytes that it could not take");
    assert_eq!(bytes(&only(&response(11, &answer))), first);
}

#[tokio::test]
async fn limits_are_kept_but_the_first_batch_is_always_whole() {
    let mut server = server().await;
    server.open_topic("other");
    let long = server.append("shop", &[(1_000, &"a".repeat(5_000))]);
    server.append("shop", &[(1_001, "b")]);
    let other = server.append("other", &[(1_000, "c")]);
    let mut client = Client::connect(&server).await;

    let mut request = fetch(0, 0);
    request.topics[0].partitions[0].max_bytes = 1;
    let answer = client.call(11, request).await;
    assert_eq!(bytes(&only(&response(11, &answer))), long);

    let mut request = FetchRequest { max_bytes: 10, ..fetch(0, 0) };
    request.topics.push(FetchTopic { name: "other", ..request.topics[0].clone() });
    let answer = client.call(11, request).await;
    let answer: FetchResponse<'_> = response(11, &answer);
    assert_eq!(bytes(&only(&answer)), long);
    assert!(bytes(&answer.topics[1].partitions[0]).is_empty(), "nothing is left for it");

    let mut request = fetch(0, 0);
    request.topics.push(FetchTopic { name: "other", ..request.topics[0].clone() });
    let answer = client.call(11, request).await;
    let answer: FetchResponse<'_> = response(11, &answer);
    assert_eq!(bytes(&answer.topics[1].partitions[0]), other);
    assert!(server.scrape().contains("wellhead_kafka_fetch_bytes_total{group=\"anonymous\"}"));
}

#[tokio::test]
async fn a_partition_that_is_not_there_is_told_without_waiting() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let mut request = fetch(0, 60_000);
    request.topics[0].partitions[0].partition = PartitionId(1);
    let answer = client.call(11, request).await;
    let error = only(&response(11, &answer)).error;
    assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
}

#[tokio::test]
async fn of_a_partition_named_twice_the_last_one_counts() {
    let mut server = server().await;
    server.append("shop", &[(1_000, "a")]);
    let second = server.append("shop", &[(1_001, "b")]);
    let mut client = Client::connect(&server).await;
    let mut request = fetch(0, 0);
    let again =
        FetchPartition { fetch_offset: Offset(1), ..request.topics[0].partitions[0].clone() };
    request.topics.push(FetchTopic { partitions: vec![again], ..request.topics[0].clone() });
    let answer = client.call(11, request).await;
    let answer: FetchResponse<'_> = response(11, &answer);
    assert_eq!((answer.topics.len(), answer.topics[0].partitions.len()), (1, 1));
    assert_eq!(bytes(&only(&answer)), second);
}

#[tokio::test]
async fn zstd_is_refused_to_clients_that_cannot_read_it() {
    let mut server = server().await;
    let zstd = server.append_with("shop", &[(1_000, "a")], Compression::Zstd);
    let mut client = Client::connect(&server).await;
    for version in 0..=18 {
        let answer = client.call(version, fetch(0, 60_000)).await;
        let answer = only(&response(version, &answer));
        if version < 10 {
            assert_eq!(answer.error, ErrorCode::UnsupportedCompressionType, "version {version}");
        } else {
            assert_eq!((answer.error, bytes(&answer)), (ErrorCode::None, &zstd[..]));
        }
    }
}

#[tokio::test]
async fn a_slow_client_gets_every_byte_and_holds_up_nobody() {
    let mut server = server().await;
    let value = "x".repeat(1 << 20);
    let mut expected = Vec::new();
    for n in 0..12 {
        expected.extend(server.append("shop", &[(n, &value)]));
    }
    let all = |max_bytes| {
        let mut request = fetch(0, 0);
        request.topics[0].partitions[0].max_bytes = max_bytes;
        request
    };
    let mut slow = Client::connect(&server).await;
    slow.send(11, all(i32::MAX)).await;
    slow.stream.readable().await.unwrap();
    let mut quick = Client::connect(&server).await;
    let answer = quick.call(11, all(1)).await;
    assert!(bytes(&only(&response(11, &answer))).len() > 1 << 20);

    let length = usize::try_from(slow.stream.read_i32().await.unwrap()).unwrap();
    let mut payload = vec![0; length];
    for part in payload.chunks_mut(256 << 10) {
        slow.stream.read_exact(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(bytes(&only(&response(11, &payload))), expected);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let settings = Settings { write_timeout: Duration::from_millis(100), ..settings() };
    let mut server = Server::start_with(Access::Anonymous, settings).await;
    server.open_topic("shop");
    let value = "x".repeat(1 << 20);
    for n in 0..16 {
        server.append("shop", &[(n, &value)]);
    }
    let mut client = Client::connect(&server).await;
    let mut request = fetch(0, 0);
    request.topics[0].partitions[0].max_bytes = i32::MAX;
    client.send(11, request).await;
    client.stream.readable().await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), async {
        while !server.scrape().contains("wellhead_kafka_connections 0") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the connection stays open");
    assert!(client.try_receive().await.is_none(), "the answer cannot be whole");
}

#[tokio::test]
async fn stopping_answers_a_long_poll_with_what_there_is() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    client.send(11, fetch(0, 60_000)).await;
    let early = tokio::time::timeout(Duration::from_millis(50), client.stream.readable()).await;
    assert!(early.is_err());
    server.broker.stop(Duration::from_secs(5)).await;
    let answer = client.receive().await;
    assert_eq!(only(&response(11, &answer)).error, ErrorCode::None);
}

#[tokio::test]
async fn who_reads_committed_records_reads_all_and_learns_of_no_transactions() {
    let mut server = server().await;
    let batch = server.append("shop", &[(1_000, "a")]);
    let mut client = Client::connect(&server).await;
    for (isolation_level, transactions) in [(0, None), (1, Some(Vec::new()))] {
        let answer = client.call(11, FetchRequest { isolation_level, ..fetch(0, 0) }).await;
        let answer = only(&response(11, &answer));
        assert_eq!(bytes(&answer), batch);
        assert_eq!(answer.last_stable_offset, Offset(1));
        assert_eq!(answer.aborted_transactions, transactions);
    }
}
