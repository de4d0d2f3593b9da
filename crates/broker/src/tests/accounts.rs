use std::time::{Duration, Instant};

use kafka::messages::{
    ApiVersionsRequest, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FindCoordinatorRequest, FindCoordinatorResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
    MetadataRequest, MetadataRequestTopic, MetadataResponse, OffsetCommitRequest,
    OffsetCommitResponse, OffsetFetchGroup, OffsetFetchRequest, OffsetFetchResponse,
    OffsetFetchTopic, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
    SyncGroupRequest, SyncGroupResponse,
};
use kafka::messages::{CommitPartition, CommitTopic, SaslAuthenticateRequest};
use kafka::{ErrorCode, Offset, PartitionId, TopicId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::response;
use super::server::{PASSWORD, settings};
use super::{Client, Server};
use crate::{Access, Settings};

const STRANGER: &str = "dtszzzzzzzzzzzzzzz";

/// A server with two tasks, and the account of the first.
async fn two_tasks() -> (Server, String, String) {
    let mut server = Server::start(Access::Accounts).await;
    server.open_topic("shop");
    server.open_topic("other");
    server.append("shop", &[(1_000, "mine")]);
    server.append("other", &[(1_000, "theirs")]);
    let (user, group) = server.create_group("shop");
    (server, user, group)
}

/// SaslHandshake v0 and the token without a header; answers whether the broker agreed.
async fn bare_token(client: &mut Client, token: &str) -> bool {
    let shake = client.call(0, SaslHandshakeRequest { mechanism: "PLAIN" }).await;
    let shake: SaslHandshakeResponse<'_> = response(0, &shake);
    assert_eq!(shake.error, ErrorCode::None);
    client.stream.write_i32(i32::try_from(token.len()).unwrap()).await.unwrap();
    client.stream.write_all(token.as_bytes()).await.unwrap();
    client.stream.read_i32().await.is_ok_and(|length| length == 0)
}

#[tokio::test]
async fn both_handshakes_let_the_right_password_in() {
    let (server, user, _) = two_tasks().await;
    let mut new = Client::connect(&server).await;
    new.call(3, ApiVersionsRequest::default()).await;
    assert_eq!(new.authenticate(&user, PASSWORD).await, ErrorCode::None);
    new.call(9, MetadataRequest::default()).await;

    for authzid in ["", &user] {
        let mut old = Client::connect(&server).await;
        assert!(bare_token(&mut old, &format!("{authzid}\0{user}\0{PASSWORD}")).await);
        old.call(1, MetadataRequest::default()).await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_new_handshake_and_closes_the_old_one() {
    let (server, user, group) = two_tasks().await;
    let foreign = format!("other-{group}");
    for (user, password) in
        [(user.as_str(), "wrong-Pass1"), (foreign.as_str(), PASSWORD), ("nobody", PASSWORD)]
    {
        let mut new = Client::connect(&server).await;
        new.call(1, SaslHandshakeRequest { mechanism: "PLAIN" }).await;
        let token = format!("\0{user}\0{password}");
        let answer = new.call(0, SaslAuthenticateRequest { auth_bytes: token.as_bytes() }).await;
        let answer: SaslAuthenticateResponse<'_> = response(0, &answer);
        assert_eq!(answer.error, ErrorCode::SaslAuthenticationFailed);
        assert!(answer.error_message.unwrap().contains("wrong user or password"));
        assert!(new.is_closed().await);

        let mut old = Client::connect(&server).await;
        assert!(!bare_token(&mut old, &token).await);
    }
    let counters = server.scrape();
    let counted = "wellhead_kafka_auth_failures_total{mechanism=\"PLAIN\"} 6";
    assert!(counters.contains(counted), "{counters}");
}

#[tokio::test]
async fn a_refused_login_is_told_late() {
    let login_refusal_delay = Duration::from_millis(100);
    let settings = Settings { login_refusal_delay, ..settings() };
    let server = Server::start_with(Access::Accounts, settings).await;
    for token in ["\0nobody\0wrong-Pass1", "\0nobody\0"] {
        let began = Instant::now();
        let mut client = Client::connect(&server).await;
        assert!(!bare_token(&mut client, token).await);
        assert!(began.elapsed() >= login_refusal_delay, "{token:?}");
    }
}

#[tokio::test]
async fn another_mechanism_is_refused_with_what_there_is() {
    let server = Server::start(Access::Accounts).await;
    let mut client = Client::connect(&server).await;
    let answer = client.call(1, SaslHandshakeRequest { mechanism: "GSSAPI" }).await;
    let answer: SaslHandshakeResponse<'_> = response(1, &answer);
    assert_eq!(answer.error, ErrorCode::UnsupportedSaslMechanism);
    assert_eq!(answer.mechanisms, ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn nothing_is_served_before_the_login() {
    let (server, ..) = two_tasks().await;
    let mut client = Client::connect(&server).await;
    client.send(9, MetadataRequest::default()).await;
    assert!(client.is_closed().await);
    let mut client = Client::connect(&server).await;
    client.call(1, SaslHandshakeRequest { mechanism: "PLAIN" }).await;
    client.send(9, MetadataRequest::default()).await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn an_account_sees_its_own_topic_and_no_other() {
    let (server, user, _) = two_tasks().await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let all = client.call(9, MetadataRequest { topics: None, ..Default::default() }).await;
    let all: MetadataResponse<'_> = response(9, &all);
    assert_eq!(all.topics.iter().map(|t| t.name).collect::<Vec<_>>(), [Some("shop")]);

    let named = MetadataRequestTopic { name: Some("other"), ..Default::default() };
    let named = MetadataRequest { topics: Some(vec![named]), ..Default::default() };
    let named = client.call(9, named).await;
    let named: MetadataResponse<'_> = response(9, &named);
    assert_eq!(named.topics[0].error, ErrorCode::UnknownTopicOrPartition);
    assert!(named.topics[0].partitions.is_empty());

    let by_id = MetadataRequestTopic { topic_id: TopicId([b'o'; 16]), name: None };
    let by_id = MetadataRequest { topics: Some(vec![by_id]), ..Default::default() };
    let by_id = client.call(12, by_id).await;
    let by_id: MetadataResponse<'_> = response(12, &by_id);
    assert_eq!(by_id.topics[0].error, ErrorCode::UnknownTopicId);

    let partition = FetchPartition { max_bytes: 1 << 20, ..Default::default() };
    let topic =
        FetchTopic { name: "other", topic_id: TopicId([b'o'; 16]), partitions: vec![partition] };
    let fetch = FetchRequest { max_wait_ms: 60_000, topics: vec![topic], ..Default::default() };
    for (version, error) in
        [(4, ErrorCode::UnknownTopicOrPartition), (13, ErrorCode::UnknownTopicId)]
    {
        let answer = client.call(version, fetch.clone()).await;
        let answer: FetchResponse<'_> = response(version, &answer);
        assert_eq!(answer.topics[0].partitions[0].error, error);
    }

    let partitions = vec![ListOffsetsPartition { timestamp: -1, ..Default::default() }];
    let topics = vec![ListOffsetsTopic { name: "other", partitions }];
    let answer = client.call(1, ListOffsetsRequest { topics, ..Default::default() }).await;
    let answer: ListOffsetsResponse<'_> = response(1, &answer);
    let listed = &answer.topics[0].partitions[0];
    assert_eq!((listed.error, listed.offset), (ErrorCode::UnknownTopicOrPartition, Offset::NONE));
}

#[tokio::test]
async fn a_foreign_group_id_is_refused_by_every_api_that_uses_the_group() {
    let (server, user, _) = two_tasks().await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let wrong = ErrorCode::InvalidGroupId;

    let answer =
        client.call(1, FindCoordinatorRequest { keys: vec![STRANGER], ..Default::default() }).await;
    let answer: FindCoordinatorResponse<'_> = response(1, &answer);
    assert_eq!(
        answer.coordinators[0].error,
        ErrorCode::None,
        "so that clients hear the refusals below"
    );

    let request = JoinGroupRequest {
        group_id: STRANGER,
        session_timeout_ms: 10_000,
        protocol_type: "consumer",
        ..Default::default()
    };
    let answer = client.call(5, request).await;
    assert_eq!(response::<JoinGroupResponse<'_>>(5, &answer).error, wrong);

    let request = SyncGroupRequest { group_id: STRANGER, ..Default::default() };
    let answer = client.call(3, request).await;
    assert_eq!(response::<SyncGroupResponse<'_>>(3, &answer).error, wrong);

    let request = HeartbeatRequest { group_id: STRANGER, ..Default::default() };
    let answer = client.call(3, request).await;
    assert_eq!(response::<HeartbeatResponse>(3, &answer).error, wrong);

    let request = LeaveGroupRequest { group_id: STRANGER, ..Default::default() };
    let answer = client.call(3, request).await;
    assert_eq!(response::<LeaveGroupResponse<'_>>(3, &answer).error, wrong);

    let partitions = vec![CommitPartition::default()];
    let request = OffsetCommitRequest {
        group_id: STRANGER,
        topics: vec![CommitTopic { name: "shop", partitions, ..Default::default() }],
        ..Default::default()
    };
    let answer = client.call(5, request).await;
    let answer: OffsetCommitResponse<'_> = response(5, &answer);
    assert_eq!(answer.topics[0].partitions[0].error, wrong);

    let topic =
        OffsetFetchTopic { name: "shop", partitions: vec![PartitionId(0)], ..Default::default() };
    let group =
        OffsetFetchGroup { group_id: STRANGER, topics: Some(vec![topic]), ..Default::default() };
    for version in [1, 7, 8] {
        let groups = vec![group.clone()];
        let answer =
            client.call(version, OffsetFetchRequest { groups, ..Default::default() }).await;
        let answer: OffsetFetchResponse<'_> = response(version, &answer);
        let group = &answer.groups[0];
        let error = if version == 1 { group.topics[0].partitions[0].error } else { group.error };
        assert_eq!(error, wrong, "version {version}");
    }
}

#[tokio::test]
async fn the_own_group_is_found_and_the_cluster_is_the_log() {
    let (server, user, group) = two_tasks().await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let request = FindCoordinatorRequest { keys: vec![&group], ..Default::default() };
    let answer = client.call(4, request).await;
    let answer: FindCoordinatorResponse<'_> = response(4, &answer);
    let found = &answer.coordinators[0];
    assert_eq!((found.error, found.node_id, found.host), (ErrorCode::None, 1, "127.0.0.1"));
    assert_eq!(found.port, i32::from(server.address.port()));

    let metadata = client.call(9, MetadataRequest::default()).await;
    let metadata: MetadataResponse<'_> = response(9, &metadata);
    let incarnation = log::Incarnation::from_bytes([b's'; 16]).to_string();
    assert_eq!(metadata.cluster_id, Some(incarnation.as_str()));
    assert_eq!(metadata.controller_id, 1);
}

#[tokio::test]
async fn who_logs_in_where_nobody_must_is_held_to_the_account() {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    server.open_topic("other");
    let (user, _) = server.create_group("shop");
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let all = client.call(9, MetadataRequest { topics: None, ..Default::default() }).await;
    let all: MetadataResponse<'_> = response(9, &all);
    assert_eq!(all.topics.len(), 1);
    let mut anyone = Client::connect(&server).await;
    let all = anyone.call(9, MetadataRequest { topics: None, ..Default::default() }).await;
    let all: MetadataResponse<'_> = response(9, &all);
    assert_eq!(all.topics.len(), 2);
}

#[tokio::test]
async fn a_deleted_group_is_cut_off() {
    let (server, user, group) = two_tasks().await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    client.call(9, MetadataRequest::default()).await;
    server.broker.groups().remove(&change::GroupId::new(group).unwrap());
    client.send(9, MetadataRequest::default()).await;
    assert!(client.is_closed().await);
    let counters = server.scrape();
    assert!(!counters.contains("wellhead_kafka_auth_failures_total{"), "{counters}");
}

#[tokio::test]
async fn who_does_not_log_in_in_time_is_closed() {
    let settings = Settings { login_timeout: Duration::from_millis(50), ..settings() };
    let server = Server::start_with(Access::Accounts, settings).await;
    let mut client = Client::connect(&server).await;
    client.call(3, ApiVersionsRequest::default()).await;
    assert!(client.is_closed().await);
}
