use kafka::messages::{
    EpochPartition, EpochTopic, FetchResponse, ListOffsetsPartition, ListOffsetsRequest,
    ListOffsetsResponse, ListOffsetsTopic, MetadataRequest, MetadataResponse,
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};
use kafka::{ErrorCode, LeaderEpoch, PartitionId};

use super::client::response;
use super::reading::{bytes, fetch, only};
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
    let payload = client.call(7, ListOffsetsRequest { topics, ..Default::default() }).await;
    let answer: ListOffsetsResponse<'_> = response(7, &payload);
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

fn ask(timestamp: i64) -> ListOffsetsRequest<'static> {
    let partitions = vec![ListOffsetsPartition { timestamp, ..Default::default() }];
    let topics = vec![ListOffsetsTopic { name: "shop", partitions }];
    ListOffsetsRequest { topics, ..Default::default() }
}

#[tokio::test]
async fn j04_every_constant_is_served_from_its_version_on() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let highest = (FIRST + 20) * 1_000 + 500;
    let constants = [
        (-1, 1, (3, -1)),
        (-2, 1, (0, -1)),
        (-3, 7, (2, highest)),
        (-4, 8, (0, -1)),
        (-5, 9, (-1, -1)),
        (-6, 11, (-1, -1)),
        (-7, i16::MAX, (-1, -1)),
        (i64::MIN, i16::MAX, (-1, -1)),
    ];
    for version in 1..=11 {
        for (timestamp, since, expected) in constants {
            let payload = client.call(version, ask(timestamp)).await;
            let answer: ListOffsetsResponse<'_> = response(version, &payload);
            let listed = &answer.topics[0].partitions[0];
            if version < since {
                assert_eq!(listed.error, ErrorCode::UnsupportedVersion, "{timestamp} v{version}");
            } else {
                assert_eq!(listed.error, ErrorCode::None, "{timestamp} in version {version}");
                assert_eq!((listed.offset.0, listed.timestamp), expected, "{timestamp}");
            }
        }
    }
}

#[tokio::test]
async fn the_oldest_version_lists_where_segments_begin() {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic_in_segments("shop", 1);
    for n in 0..3 {
        server.append("shop", &[((FIRST + n * 10) * 1_000, "x")]);
    }
    let mut client = Client::connect(&server).await;
    let in_ms = |seconds: i64| seconds * 1_000;
    for (timestamp, most, expected) in [
        (-1, 10, &[3, 2, 1, 0][..]),
        (-1, 2, &[3, 2]),
        (-1, 0, &[]),
        (-1, -1, &[]),
        (-2, 10, &[0]),
        (in_ms(FIRST - 1), 10, &[]),
        (in_ms(FIRST), 10, &[0]),
        (in_ms(FIRST + 15), 10, &[1, 0]),
        (FIRST + 15, 10, &[1, 0]),
        (in_ms(NOW_SECONDS), 10, &[3, 2, 1, 0]),
    ] {
        let mut request = ask(timestamp);
        request.topics[0].partitions[0].max_num_offsets = most;
        let payload = client.call(0, request).await;
        let answer: ListOffsetsResponse<'_> = response(0, &payload);
        assert_eq!(answer.topics[0].partitions[0].old_style_offsets, expected, "{timestamp}");
    }
}

/// A log of three writers: two records, one, and none.
async fn three_epochs() -> Server {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    server.append("shop", &[(FIRST * 1_000, "a"), (FIRST * 1_000, "b")]);
    server.open_again("shop");
    server.append("shop", &[((FIRST + 10) * 1_000, "c")]);
    server.open_again("shop");
    server
}

#[tokio::test]
async fn what_is_listed_has_its_writers_epoch() {
    let server = three_epochs().await;
    let mut client = Client::connect(&server).await;
    for (timestamp, epoch) in
        [(-2, 1), (FIRST, 1), (FIRST + 1, 2), (-3, 2), (-1, 3), (FIRST + 11, 3), (FIRST - 1, -1)]
    {
        let payload = client.call(11, ask(timestamp)).await;
        let answer: ListOffsetsResponse<'_> = response(11, &payload);
        let listed = &answer.topics[0].partitions[0];
        assert_eq!(listed.leader_epoch, LeaderEpoch(epoch), "{timestamp}");
    }
}

#[tokio::test]
async fn each_epoch_ends_where_its_writer_did() {
    let server = three_epochs().await;
    let mut client = Client::connect(&server).await;
    for (epoch, expected) in
        [(0, (0, 0)), (1, (1, 2)), (2, (2, 3)), (3, (3, 3)), (4, (-1, -1)), (-1, (-1, -1))]
    {
        let partition = EpochPartition { leader_epoch: LeaderEpoch(epoch), ..Default::default() };
        let topics = vec![EpochTopic { name: "shop", partitions: vec![partition] }];
        let request = OffsetForLeaderEpochRequest { topics, ..Default::default() };
        let payload = client.call(4, request).await;
        let answer: OffsetForLeaderEpochResponse<'_> = response(4, &payload);
        let end = &answer.topics[0].partitions[0];
        assert_eq!((end.leader_epoch.0, end.end_offset.0), expected, "epoch {epoch}");
    }
}

#[tokio::test]
async fn a_client_of_another_epoch_is_told_so() {
    let server = three_epochs().await;
    let mut client = Client::connect(&server).await;
    for (epoch, expected) in [
        (-1, ErrorCode::None),
        (0, ErrorCode::FencedLeaderEpoch),
        (2, ErrorCode::FencedLeaderEpoch),
        (3, ErrorCode::None),
        (4, ErrorCode::UnknownLeaderEpoch),
    ] {
        let current_leader_epoch = LeaderEpoch(epoch);
        let mut request = ask(-1);
        request.topics[0].partitions[0].current_leader_epoch = current_leader_epoch;
        let payload = client.call(4, request).await;
        let answer: ListOffsetsResponse<'_> = response(4, &payload);
        assert_eq!(answer.topics[0].partitions[0].error, expected, "epoch {epoch}");

        let partition = EpochPartition {
            current_leader_epoch,
            leader_epoch: LeaderEpoch(1),
            ..Default::default()
        };
        let topics = vec![EpochTopic { name: "shop", partitions: vec![partition] }];
        let request = OffsetForLeaderEpochRequest { topics, ..Default::default() };
        let payload = client.call(3, request).await;
        let answer: OffsetForLeaderEpochResponse<'_> = response(3, &payload);
        assert_eq!(answer.topics[0].partitions[0].error, expected, "epoch {epoch}");

        for version in [9, 16] {
            let mut request = fetch(0, 0);
            request.topics[0].partitions[0].current_leader_epoch = current_leader_epoch;
            let payload = client.call(version, request).await;
            let answer: FetchResponse<'_> = response(version, &payload);
            assert_eq!(only(&answer).error, expected, "epoch {epoch}");
            let is_told = version == 16 && expected == ErrorCode::FencedLeaderEpoch;
            assert_eq!(only(&answer).current_leader.leader_epoch.0, if is_told { 3 } else { -1 });
            assert_eq!(answer.node_endpoints.len(), usize::from(is_told));
        }
    }
}

#[tokio::test]
async fn a_client_whose_records_part_from_the_log_learns_where() {
    let server = three_epochs().await;
    let mut client = Client::connect(&server).await;
    // Last epoch and next offset of the client; where they part from the log.
    for (epoch, offset, parts) in [
        (1, 2, None),
        (2, 3, None),
        (3, 3, None),
        (1, 3, Some((1, 2))),
        (0, 1, Some((0, 0))),
        (-1, 1, None),
    ] {
        let mut request = fetch(offset, 0);
        request.topics[0].partitions[0].last_fetched_epoch = LeaderEpoch(epoch);
        let payload = client.call(12, request).await;
        let answer: FetchResponse<'_> = response(12, &payload);
        let told = only(&answer);
        let (epoch_end, offset_end) = parts.unwrap_or((-1, -1));
        assert_eq!(told.error, ErrorCode::None);
        assert_eq!(told.diverging_epoch.epoch.0, epoch_end, "{epoch} at {offset}");
        assert_eq!(told.diverging_epoch.end_offset.0, offset_end, "{epoch} at {offset}");
        assert_eq!(bytes(&told).is_empty(), parts.is_some() || offset == 3);
    }
    let mut request = fetch(0, 60_000);
    request.topics[0].partitions[0].last_fetched_epoch = LeaderEpoch(4);
    let payload = client.call(12, request).await;
    assert_eq!(only(&response(12, &payload)).error, ErrorCode::OffsetOutOfRange);
}

#[tokio::test]
async fn metadata_tells_the_epoch_of_the_present_writer() {
    let server = three_epochs().await;
    let mut client = Client::connect(&server).await;
    for (version, epoch) in [(6, -1), (7, 3), (12, 3)] {
        let payload = client.call(version, MetadataRequest::default()).await;
        let answer: MetadataResponse<'_> = response(version, &payload);
        assert_eq!(answer.topics[0].partitions[0].leader_epoch, LeaderEpoch(epoch));
    }
}

#[tokio::test]
async fn a_partition_that_is_named_twice_is_refused_once() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let mut request = ask(-1);
    request.topics.push(request.topics[0].clone());
    let absent = ListOffsetsPartition { partition: PartitionId(1), ..Default::default() };
    request.topics[0].partitions.push(absent);
    let payload = client.call(5, request).await;
    let answer: ListOffsetsResponse<'_> = response(5, &payload);
    let errors: Vec<_> =
        answer.topics.iter().flat_map(|t| &t.partitions).map(|p| p.error).collect();
    assert_eq!(errors, [ErrorCode::InvalidRequest, ErrorCode::UnknownTopicOrPartition]);
}
