use kafka::messages::{
    EpochPartition, EpochTopic, ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};
use kafka::{ErrorCode, LeaderEpoch, Offset};

use super::client::response;
use super::server::NOW_SECONDS;
use super::{Client, Server};
use crate::Access;

/// When the first of three records was written; the others follow by ten seconds each.
const FIRST: i64 = NOW_SECONDS - 1_000;

async fn server() -> Server {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    for n in 0..3 {
        server.append("shop", &[((FIRST + n * 10) * 1_000 + 500, "x")]);
    }
    server
}

async fn list(client: &mut Client, timestamp: i64) -> (i64, i64) {
    let partitions = vec![ListOffsetsPartition { timestamp, ..Default::default() }];
    let topics = vec![ListOffsetsTopic { name: "shop", partitions }];
    let payload = client.call(5, ListOffsetsRequest { topics, ..Default::default() }).await;
    let answer: ListOffsetsResponse<'_> = response(5, &payload);
    let listed = &answer.topics[0].partitions[0];
    assert_eq!(listed.error, ErrorCode::None);
    (listed.offset.0, listed.timestamp)
}

#[tokio::test]
async fn j04_both_ends_and_the_highest_timestamp_are_found() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(list(&mut client, -1).await, (3, -1));
    assert_eq!(list(&mut client, -2).await, (0, -1));
    assert_eq!(list(&mut client, -3).await, (2, (FIRST + 20) * 1_000 + 500));
}

#[tokio::test]
async fn j04_a_time_in_seconds_is_answered_as_dts_does() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(list(&mut client, FIRST - 1).await, (-1, -1), "before the data range");
    assert_eq!(list(&mut client, FIRST).await, (0, FIRST), "the very second it begins");
    assert_eq!(list(&mut client, FIRST + 1).await, (1, FIRST + 10));
    assert_eq!(list(&mut client, FIRST + 20).await, (2, FIRST + 20));
    assert_eq!(list(&mut client, FIRST + 21).await, (3, FIRST + 21), "newer, but past");
    assert_eq!(list(&mut client, NOW_SECONDS + 2).await, (3, NOW_SECONDS + 2), "small skew");
    assert_eq!(list(&mut client, NOW_SECONDS + 60).await, (-1, -1), "the future");
}

#[tokio::test]
async fn j04_a_time_in_milliseconds_is_answered_as_kafka_does() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let first_ms = FIRST * 1_000 + 500;
    assert_eq!(list(&mut client, first_ms - 5_000).await, (0, first_ms), "before the data range");
    assert_eq!(list(&mut client, first_ms + 1).await, (1, first_ms + 10_000));
    let past_ms = first_ms + 20_001;
    assert_eq!(list(&mut client, past_ms).await, (3, past_ms));
    assert_eq!(list(&mut client, (NOW_SECONDS + 60) * 1_000).await, (-1, -1));
}

#[tokio::test]
async fn an_empty_log_has_an_end_for_now_and_no_highest_timestamp() {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let mut client = Client::connect(&server).await;
    assert_eq!(list(&mut client, NOW_SECONDS).await, (0, NOW_SECONDS));
    assert_eq!(list(&mut client, -3).await, (-1, -1));
}

#[tokio::test]
async fn the_oldest_version_answers_a_list_of_offsets() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let partition =
        ListOffsetsPartition { timestamp: -1, max_num_offsets: 1, ..Default::default() };
    let topics = vec![ListOffsetsTopic { name: "shop", partitions: vec![partition] }];
    let payload = client.call(0, ListOffsetsRequest { topics, ..Default::default() }).await;
    let answer: ListOffsetsResponse<'_> = response(0, &payload);
    assert_eq!(answer.topics[0].partitions[0].old_style_offsets, [3]);
}

#[tokio::test]
async fn an_epoch_ends_where_the_log_does() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for (epoch, end) in [(1, Offset(3)), (0, Offset(3)), (2, Offset::NONE), (-1, Offset::NONE)] {
        let partition = EpochPartition { leader_epoch: LeaderEpoch(epoch), ..Default::default() };
        let topics = vec![EpochTopic { name: "shop", partitions: vec![partition] }];
        let request = OffsetForLeaderEpochRequest { topics, ..Default::default() };
        let payload = client.call(3, request).await;
        let answer: OffsetForLeaderEpochResponse<'_> = response(3, &payload);
        assert_eq!(answer.topics[0].partitions[0].end_offset, end, "epoch {epoch}");
    }
}
