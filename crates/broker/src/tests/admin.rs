//! What admin clients ask, from a group that sees one of two tasks.

use kafka::messages::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, ApiVersionsRequest,
    ApiVersionsResponse, CommitPartition, CommitTopic, CreatableTopic, CreateAclsRequest,
    CreateAclsResponse, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
    CreateTopicsResponse, DeletableTopic, DeleteAclsRequest, DeleteAclsResponse,
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
    DeleteTopicsRequest, DeleteTopicsResponse, DescribeAclsRequest, DescribeAclsResponse,
    DescribeClusterRequest, DescribeClusterResponse, DescribeConfigsRequest,
    DescribeConfigsResource, DescribeConfigsResponse, DescribeTopic,
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, GrowingTopic, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, IncrementalResource, InitProducerIdRequest,
    InitProducerIdResponse, KEY_TYPE_TRANSACTION, ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse, MetadataRequest, MetadataResponse, OffsetCommitRequest,
    OffsetCommitResponse, OffsetFetchGroup, OffsetFetchRequest, OffsetFetchResponse,
    OffsetFetchTopic, RESOURCE_BROKER, RESOURCE_GROUP, RESOURCE_TOPIC, TopicCursor,
};
use kafka::{ApiKey, ErrorCode, Offset, PartitionId, TopicId};

use super::client::response;
use super::server::PASSWORD;
use super::{Client, Server};
use crate::Access;

/// A server with two tasks, a client of the first, and its group.
async fn two_tasks() -> (Server, Client, String) {
    let mut server = Server::start(Access::Accounts).await;
    server.open_topic("shop");
    server.open_topic("other");
    let (user, group) = server.create_group("shop");
    let client = Client::login(&server, &user, PASSWORD).await;
    (server, client, group)
}

/// The ids that `open_topic` gives.
fn id(topic: &str) -> TopicId {
    TopicId([topic.as_bytes()[0]; 16])
}

#[tokio::test]
async fn the_cluster_is_described_as_metadata_has_it() {
    let (server, mut client, _) = two_tasks().await;
    let metadata = client.call(12, MetadataRequest::default()).await;
    let metadata: MetadataResponse<'_> = response(12, &metadata);
    for version in 0..=2 {
        let request = DescribeClusterRequest {
            include_cluster_authorized_operations: true,
            ..Default::default()
        };
        let answer = client.call(version, request).await;
        let answer: DescribeClusterResponse<'_> = response(version, &answer);
        assert_eq!(answer.error, ErrorCode::None);
        assert_eq!(Some(answer.cluster_id), metadata.cluster_id);
        assert_eq!(answer.controller_id, metadata.controller_id);
        assert_eq!(answer.cluster_authorized_operations, 1 << 8 | 1 << 10);
        let [broker] = answer.brokers.as_slice() else { panic!("{answer:?}") };
        assert_eq!(broker.port, i32::from(server.address.port()));
        assert_eq!(broker.host, metadata.brokers[0].host);
    }
    for (endpoint_type, error) in
        [(2, ErrorCode::MismatchedEndpointType), (9, ErrorCode::UnsupportedEndpointType)]
    {
        let request = DescribeClusterRequest { endpoint_type, ..Default::default() };
        let answer = client.call(1, request).await;
        let answer: DescribeClusterResponse<'_> = response(1, &answer);
        assert_eq!(answer.error, error);
        assert!(answer.brokers.is_empty());
    }
}

#[tokio::test]
async fn operations_are_told_where_they_are_asked_for() {
    let (_server, mut client, _) = two_tasks().await;
    for (asked, told) in [(true, 1 << 3 | 1 << 8 | 1 << 10), (false, i32::MIN)] {
        let request =
            MetadataRequest { include_topic_authorized_operations: asked, ..Default::default() };
        let answer = client.call(8, request).await;
        let answer: MetadataResponse<'_> = response(8, &answer);
        assert_eq!(answer.topics[0].topic_authorized_operations, told);
        assert_eq!(answer.cluster_authorized_operations, i32::MIN);
    }
}

#[tokio::test]
async fn topics_are_described_page_by_page() {
    let mut server = Server::start(Access::Anonymous).await;
    for topic in ["c", "a", "b"] {
        server.open_topic(topic);
    }
    let mut client = Client::connect(&server).await;
    let mut cursor: Option<String> = None;
    let mut names = Vec::new();
    loop {
        let from = cursor.take();
        let cursor_of = |topic_name| TopicCursor { topic_name, partition: PartitionId(0) };
        let request = DescribeTopicPartitionsRequest {
            response_partition_limit: 1,
            cursor: from.as_deref().map(cursor_of),
            ..Default::default()
        };
        let answer = client.call(0, request).await;
        let answer: DescribeTopicPartitionsResponse<'_> = response(0, &answer);
        let [topic] = answer.topics.as_slice() else { panic!("{answer:?}") };
        assert_eq!(topic.error, ErrorCode::None);
        assert_eq!(topic.partitions.len(), 1);
        assert_eq!(topic.topic_id, id(topic.name.unwrap()));
        names.push(topic.name.unwrap().to_owned());
        match answer.next_cursor {
            Some(next) => cursor = Some(next.topic_name.to_owned()),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_topic_of_another_task_is_not_described() {
    let (_server, mut client, _) = two_tasks().await;
    let named = |names: &[&'static str]| {
        names.iter().map(|name| DescribeTopic { name }).collect::<Vec<_>>()
    };
    for topics in [Vec::new(), named(&["shop", "other", "nothing", "shop"])] {
        let all = topics.is_empty();
        let request = DescribeTopicPartitionsRequest { topics, ..Default::default() };
        let answer = client.call(0, request).await;
        let answer: DescribeTopicPartitionsResponse<'_> = response(0, &answer);
        let told: Vec<_> = answer.topics.iter().map(|t| (t.name.unwrap(), t.error)).collect();
        let unknown = ErrorCode::UnknownTopicOrPartition;
        match all {
            true => assert_eq!(told, [("shop", ErrorCode::None)]),
            false => {
                let expected =
                    [("nothing", unknown), ("other", unknown), ("shop", ErrorCode::None)];
                assert_eq!(told, expected);
            }
        }
    }
    let cursor = Some(TopicCursor { topic_name: "other", partition: PartitionId(0) });
    let request =
        DescribeTopicPartitionsRequest { topics: named(&["shop"]), cursor, ..Default::default() };
    let answer = client.call(0, request).await;
    let answer: DescribeTopicPartitionsResponse<'_> = response(0, &answer);
    assert_eq!(answer.topics[0].error, ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn settings_are_told_of_what_can_be_seen() {
    let (_server, mut client, _) = two_tasks().await;
    let resource = |resource_type, resource_name| DescribeConfigsResource {
        resource_type,
        resource_name,
        configuration_keys: None,
    };
    let one_key = DescribeConfigsResource {
        configuration_keys: Some(vec!["node.id"]),
        ..resource(RESOURCE_BROKER, "1")
    };
    for version in 0..=4 {
        let resources = vec![
            resource(RESOURCE_TOPIC, "shop"),
            resource(RESOURCE_TOPIC, "other"),
            resource(RESOURCE_TOPIC, "shop"),
            one_key.clone(),
            resource(RESOURCE_BROKER, "2"),
            resource(RESOURCE_GROUP, "shop"),
        ];
        let request = DescribeConfigsRequest {
            resources,
            include_documentation: true,
            include_synonyms: true,
        };
        let answer = client.call(version, request).await;
        let answer: DescribeConfigsResponse<'_> = response(version, &answer);
        let errors: Vec<_> = answer.results.iter().map(|result| result.error).collect();
        let (unknown, invalid) = (ErrorCode::UnknownTopicOrPartition, ErrorCode::InvalidRequest);
        let none = ErrorCode::None;
        assert_eq!(errors, [none, unknown, invalid, none, invalid, invalid], "version {version}");
        let policy =
            answer.results[0].configs.iter().find(|entry| entry.name == "cleanup.policy").unwrap();
        assert_eq!(policy.value, Some("delete"));
        assert_eq!(policy.documentation.is_some(), version >= 3);
        let [number] = answer.results[3].configs.as_slice() else { panic!("{answer:?}") };
        assert_eq!(number.value, Some("1"));
    }
}

#[tokio::test]
async fn topics_are_neither_made_nor_changed_nor_deleted() {
    let (_server, mut client, _) = two_tasks().await;
    let refused = ErrorCode::TopicAuthorizationFailed;
    for version in 0..=7 {
        let topics = vec![CreatableTopic { name: "new", ..Default::default() }];
        let request = CreateTopicsRequest { topics, ..Default::default() };
        let answer = client.call(version, request).await;
        let answer: CreateTopicsResponse<'_> = response(version, &answer);
        assert_eq!((answer.topics[0].name, answer.topics[0].error), ("new", refused));
    }
    for version in 0..=5 {
        let topic_names = vec!["shop", "other"];
        let request = DeleteTopicsRequest { topic_names, ..Default::default() };
        let answer = client.call(version, request).await;
        let answer: DeleteTopicsResponse<'_> = response(version, &answer);
        let told: Vec<_> = answer.responses.iter().map(|t| (t.name, t.error)).collect();
        assert_eq!(told, [(Some("shop"), refused), (Some("other"), refused)]);
    }
    let topics = vec![GrowingTopic { name: "shop", count: 2, assignments: None }];
    let request = CreatePartitionsRequest { topics, ..Default::default() };
    let answer = client.call(3, request).await;
    let answer: CreatePartitionsResponse<'_> = response(3, &answer);
    assert_eq!(answer.results[0].error, refused);

    let partitions = vec![DeleteRecordsPartition::default()];
    let topics = vec![DeleteRecordsTopic { name: "shop", partitions }];
    let request = DeleteRecordsRequest { topics, ..Default::default() };
    let answer = client.call(2, request).await;
    let answer: DeleteRecordsResponse<'_> = response(2, &answer);
    assert_eq!(answer.topics[0].partitions[0].error, refused);
}

#[tokio::test]
async fn a_topic_that_is_deleted_by_its_id_is_named_only_to_who_sees_it() {
    let (_server, mut client, _) = two_tasks().await;
    let by_id = |topic_id| DeletableTopic { name: None, topic_id };
    let both = DeletableTopic { name: Some("shop"), topic_id: id("shop") };
    let topics = vec![by_id(id("shop")), by_id(id("other")), by_id(TopicId::NONE), both];
    let request = DeleteTopicsRequest { topics, ..Default::default() };
    let answer = client.call(6, request).await;
    let answer: DeleteTopicsResponse<'_> = response(6, &answer);
    let told: Vec<_> = answer.responses.iter().map(|topic| (topic.name, topic.error)).collect();
    let expected = [
        (Some("shop"), ErrorCode::TopicAuthorizationFailed),
        (None, ErrorCode::UnknownTopicId),
        (None, ErrorCode::InvalidRequest),
        (Some("shop"), ErrorCode::InvalidRequest),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn settings_are_not_changed() {
    let (_server, mut client, _) = two_tasks().await;
    let kinds = [
        (RESOURCE_TOPIC, "shop", ErrorCode::TopicAuthorizationFailed),
        (RESOURCE_BROKER, "1", ErrorCode::ClusterAuthorizationFailed),
        (RESOURCE_GROUP, "g", ErrorCode::GroupAuthorizationFailed),
        (77, "x", ErrorCode::InvalidRequest),
    ];
    let expected: Vec<_> = kinds.iter().map(|(_, name, error)| (*name, *error)).collect();
    let all_at_once = kinds.map(|(resource_type, resource_name, _)| AlterConfigsResource {
        resource_type,
        resource_name,
        ..Default::default()
    });
    let request = AlterConfigsRequest { resources: all_at_once.to_vec(), ..Default::default() };
    let answer = client.call(2, request).await;
    let answer: AlterConfigsResponse<'_> = response(2, &answer);
    let told: Vec<_> = answer.responses.iter().map(|one| (one.resource_name, one.error)).collect();
    assert_eq!(told, expected);

    let one_by_one = kinds.map(|(resource_type, resource_name, _)| IncrementalResource {
        resource_type,
        resource_name,
        ..Default::default()
    });
    let request =
        IncrementalAlterConfigsRequest { resources: one_by_one.to_vec(), ..Default::default() };
    let answer = client.call(1, request).await;
    let answer: IncrementalAlterConfigsResponse<'_> = response(1, &answer);
    let told: Vec<_> = answer.responses.iter().map(|one| (one.resource_name, one.error)).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn nobody_may_write_or_rule() {
    let (_server, mut client, _) = two_tasks().await;
    for (transactional_id, error) in [
        (None, ErrorCode::ClusterAuthorizationFailed),
        (Some("writer"), ErrorCode::TransactionalIdAuthorizationFailed),
    ] {
        let request = InitProducerIdRequest { transactional_id, ..Default::default() };
        let answer = client.call(5, request).await;
        assert_eq!(response::<InitProducerIdResponse>(5, &answer).error, error);
    }
    let request = FindCoordinatorRequest { key_type: KEY_TYPE_TRANSACTION, keys: vec!["writer"] };
    let answer = client.call(6, request).await;
    let answer: FindCoordinatorResponse<'_> = response(6, &answer);
    let refused = ErrorCode::TransactionalIdAuthorizationFailed;
    assert_eq!(answer.coordinators[0].error, refused);

    let refused = ErrorCode::ClusterAuthorizationFailed;
    let answer = client.call(3, DescribeAclsRequest::default()).await;
    assert_eq!(response::<DescribeAclsResponse<'_>>(3, &answer).error, refused);
    let request = CreateAclsRequest { creations: vec![kafka::messages::Acl::default()] };
    let answer = client.call(3, request).await;
    assert_eq!(response::<CreateAclsResponse<'_>>(3, &answer).results[0].error, refused);
    let request = DeleteAclsRequest { filters: vec![kafka::messages::AclFilter::default()] };
    let answer = client.call(3, request).await;
    assert_eq!(response::<DeleteAclsResponse<'_>>(3, &answer).filter_results[0].error, refused);
}

#[tokio::test]
async fn no_partition_ever_moves() {
    let (_server, mut client, _) = two_tasks().await;
    let answer = client.call(0, ListPartitionReassignmentsRequest::default()).await;
    let answer: ListPartitionReassignmentsResponse<'_> = response(0, &answer);
    assert_eq!(answer, ListPartitionReassignmentsResponse::default());
}

#[tokio::test]
async fn commits_by_the_id_of_a_topic_are_found_by_its_name_and_by_its_id() {
    let (_server, mut client, group) = two_tasks().await;
    let commit = |name: &str| {
        let partition = CommitPartition { offset: Offset(7), ..Default::default() };
        CommitTopic { topic_id: id(name), partitions: vec![partition], ..Default::default() }
    };
    let topics = vec![commit("shop"), commit("other")];
    let request = OffsetCommitRequest { group_id: &group, topics, ..Default::default() };
    let answer = client.call(10, request).await;
    let answer: OffsetCommitResponse<'_> = response(10, &answer);
    let told: Vec<_> = answer.topics.iter().map(|t| (t.topic_id, t.partitions[0].error)).collect();
    let expected = [(id("shop"), ErrorCode::None), (id("other"), ErrorCode::UnknownTopicId)];
    assert_eq!(told, expected);

    let asked = |topic_id| OffsetFetchTopic {
        topic_id,
        partitions: vec![PartitionId(0)],
        ..Default::default()
    };
    for topics in [None, Some(vec![asked(id("shop")), asked(id("other")), asked(id("shop"))])] {
        let all = topics.is_none();
        let one = OffsetFetchGroup { group_id: &group, topics, ..Default::default() };
        let request = OffsetFetchRequest { groups: vec![one], ..Default::default() };
        let answer = client.call(10, request).await;
        let answer: OffsetFetchResponse<'_> = response(10, &answer);
        let found: Vec<_> = answer.groups[0]
            .topics
            .iter()
            .map(|topic| (topic.topic_id, topic.partitions[0].offset, topic.partitions[0].error))
            .collect();
        let shop = (id("shop"), Offset(7), ErrorCode::None);
        let other = (id("other"), Offset::NONE, ErrorCode::UnknownTopicId);
        let again = (id("shop"), Offset::NONE, ErrorCode::InvalidRequest);
        assert_eq!(found, if all { vec![shop] } else { vec![shop, other, again] });
    }
    let topic =
        OffsetFetchTopic { name: "shop", partitions: vec![PartitionId(0)], ..Default::default() };
    let one =
        OffsetFetchGroup { group_id: &group, topics: Some(vec![topic]), ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![one], ..Default::default() };
    let answer = client.call(9, request).await;
    let answer: OffsetFetchResponse<'_> = response(9, &answer);
    assert_eq!(answer.groups[0].topics[0].partitions[0].offset, Offset(7));
}

#[tokio::test]
async fn whatever_is_known_is_advertised_and_nothing_else() {
    let (_server, mut client, _) = two_tasks().await;
    let answer = client.call(2, ApiVersionsRequest::default()).await;
    let answer: ApiVersionsResponse = response(2, &answer);
    let advertised: Vec<i16> = answer.apis.iter().map(|api| api.api).collect();
    assert_eq!(advertised, ApiKey::ALL.map(ApiKey::number));
}
