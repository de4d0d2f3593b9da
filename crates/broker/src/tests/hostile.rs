use std::time::Duration;

use kafka::messages::{
    ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse, ProducePartition,
    ProduceRequest, ProduceResponse, ProduceTopic, decode,
};
use kafka::{ApiVersion, ErrorCode};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::client::{correlation, response};
use super::server::settings;
use super::{Client, Server};
use crate::{Access, Advertised, ListenerSettings, Mechanism, Settings, fuzz_session};

#[tokio::test]
async fn garbage_closes_one_connection_and_no_other() {
    let server = Server::start(Access::Anonymous).await;
    let mut good = Client::connect(&server).await;
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
    ] {
        let mut bad = Client::connect(&server).await;
        bad.stream.write_all(garbage).await.unwrap();
        assert!(bad.is_closed().await, "{garbage:?}");
    }
    let answer = good.call(0, ApiVersionsRequest::default()).await;
    let answer: ApiVersionsResponse = response(0, &answer);
    assert_eq!(answer.error, ErrorCode::None);
    let counters = server.scrape();
    assert!(counters.contains("wellhead_kafka_protocol_errors_total 5"), "{counters}");
}

#[tokio::test]
async fn a_length_of_two_gigabytes_closes_the_connection_at_once() {
    for access in [Access::Anonymous, Access::Accounts] {
        let server = Server::start(access).await;
        let mut client = Client::connect(&server).await;
        client.stream.write_all(&i32::MAX.to_be_bytes()).await.unwrap();
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn before_a_login_frames_are_small() {
    let server = Server::start(Access::Accounts).await;
    let mut client = Client::connect(&server).await;
    client.stream.write_all(&(64 * 1024 + 1_i32).to_be_bytes()).await.unwrap();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let mut client = Client::connect(&server).await;
    // As kafka-python does when it probes a broker; it asks with an empty list for all topics.
    client.send(0, ApiVersionsRequest::default()).await;
    client.send(0, MetadataRequest { topics: None, ..Default::default() }).await;
    client.send(3, ApiVersionsRequest::default()).await;
    let (first, second, third) =
        (client.receive().await, client.receive().await, client.receive().await);
    assert_eq!([correlation(&first), correlation(&second), correlation(&third)], [1, 2, 3]);
    let metadata: MetadataResponse<'_> = response(0, &second);
    assert_eq!(metadata.topics[0].name, Some("shop"));
}

#[tokio::test]
async fn an_api_versions_request_from_the_future_is_answered_in_the_oldest_layout() {
    for access in [Access::Anonymous, Access::Accounts] {
        let server = Server::start(access).await;
        let mut client = Client::connect(&server).await;
        // Header v2 with API 18, version 5, correlation 9, no client id, no tags.
        let request = b"\x00\x00\x00\x0b\x00\x12\x00\x05\x00\x00\x00\x09\xff\xff\x00";
        client.stream.write_all(request).await.unwrap();
        let answer = client.receive().await;
        assert_eq!(correlation(&answer), 9);
        let answer: ApiVersionsResponse = decode(ApiVersion(0), &answer[4..]).unwrap();
        assert_eq!(answer.error, ErrorCode::UnsupportedVersion);
        assert_eq!((answer.apis[0].api, answer.apis[0].max), (18, 4));
        let software =
            ApiVersionsRequest { client_software_name: "test", client_software_version: "1.0" };
        let again = client.call(4, software).await;
        let again: ApiVersionsResponse = response(4, &again);
        assert!(again.apis.iter().any(|api| api.api == 0), "Produce is advertised");
    }
}

#[tokio::test]
async fn produce_is_refused_with_an_answer_or_a_close() {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let mut client = Client::connect(&server).await;
    let request = |acks| ProduceRequest {
        acks,
        topics: vec![ProduceTopic {
            name: "shop",
            partitions: vec![ProducePartition::default()],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(9, request(-1)).await;
    let answer: ProduceResponse<'_> = response(9, &answer);
    assert_eq!(answer.topics[0].partitions[0].error, ErrorCode::TopicAuthorizationFailed);
    client.send(9, request(0)).await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn further_connections_are_closed_and_places_come_back() {
    let settings = Settings { connections_max: 1, ..settings() };
    let server = Server::start_with(Access::Anonymous, settings).await;
    let mut first = Client::connect(&server).await;
    first.call(0, ApiVersionsRequest::default()).await;
    let mut second = Client::connect(&server).await;
    assert!(second.is_closed().await);
    drop(first);
    for _ in 0..100 {
        let mut third = Client::connect(&server).await;
        third
            .stream
            .write_all(b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff")
            .await
            .ok();
        if third.try_receive().await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place of the first connection did not come back");
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let never = Duration::from_secs(3_600);
    let settings =
        Settings { idle_timeout: Duration::from_millis(50), write_timeout: never, ..settings() };
    let server = Server::start_with(Access::Anonymous, settings).await;
    let mut client = Client::connect(&server).await;
    let closed = tokio::time::timeout(Duration::from_secs(30), client.is_closed()).await;
    assert_eq!(closed, Ok(true), "silence is not a request that has begun");
}

#[tokio::test]
async fn clients_wait_until_the_doors_are_open() {
    let mut server = Server::start(Access::Anonymous).await;
    let door = ListenerSettings {
        name: None,
        address: "127.0.0.1:0".parse().unwrap(),
        advertised: Advertised::Dialled,
        access: Access::Anonymous,
        tls: None,
        mechanisms: Mechanism::ALL.to_vec(),
    };
    server.address = server.broker.listen(door).await.unwrap();
    let mut client = Client::connect(&server).await;
    client.send(9, MetadataRequest::default()).await;
    let early = tokio::time::timeout(Duration::from_millis(50), client.stream.readable()).await;
    assert!(early.is_err(), "answered before the topics are there");
    server.open_topic("shop");
    server.broker.open().await;
    let answer = client.receive().await;
    let answer: MetadataResponse<'_> = response(9, &answer);
    assert_eq!(answer.cluster_id, Some("c3Nzc3Nzc3Nzc3Nzc3Nzcw"));
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_refuses_new_ones() {
    let server = Server::start(Access::Anonymous).await;
    let mut client = Client::connect(&server).await;
    client.call(0, ApiVersionsRequest::default()).await;
    let address = server.address;
    server.broker.stop(Duration::from_secs(5)).await;
    assert!(client.is_closed().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_a_session_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        fuzz_session(&bytes);
    }

    /// Frames that begin like real requests reach deeper than noise does.
    #[test]
    fn no_request_body_makes_a_session_panic(
        choice in any::<u8>(),
        frames in proptest::collection::vec(
            (0_i16..40, -1_i16..14, proptest::collection::vec(any::<u8>(), 0..96)),
            1..8,
        )
    ) {
        let mut bytes = vec![choice];
        for (api, version, body) in frames {
            bytes.extend_from_slice(&i32::try_from(body.len() + 10).unwrap().to_be_bytes());
            bytes.extend_from_slice(&api.to_be_bytes());
            bytes.extend_from_slice(&version.to_be_bytes());
            bytes.extend_from_slice(&7_i32.to_be_bytes());
            bytes.extend_from_slice(&(-1_i16).to_be_bytes());
            bytes.extend_from_slice(&body);
        }
        fuzz_session(&bytes);
    }
}
