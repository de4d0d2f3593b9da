//! Groups of the newer protocol (KIP-848) through sockets: what the state machine does is tested beside it.

use change::GroupId;
use kafka::messages::{
    CommitPartition, CommitTopic, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, JoinGroupResponse, ListGroupsRequest, ListGroupsResponse,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchGroup, OffsetFetchRequest,
    OffsetFetchResponse, OffsetFetchTopic, TopicPartitions,
};
use kafka::{ErrorCode, Offset, PartitionId, TopicId};

use super::client::response;
use super::groups::{GROUP, join};
use super::server::{PASSWORD, settings};
use super::{Client, Server};
use crate::Access;

/// What a member was told: error, epoch, and the partitions it may hold.
type Told = (ErrorCode, i32, Option<Vec<(TopicId, Vec<PartitionId>)>>);

fn beat(member_id: &str, member_epoch: i32) -> ConsumerGroupHeartbeatRequest<'_> {
    ConsumerGroupHeartbeatRequest { group_id: GROUP, member_id, member_epoch, ..Default::default() }
}

fn entering<'a>(member_id: &'a str, topic: &'a str) -> ConsumerGroupHeartbeatRequest<'a> {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec![topic]),
        topic_partitions: Some(Vec::new()),
        ..beat(member_id, 0)
    }
}

async fn tell(client: &mut Client, request: ConsumerGroupHeartbeatRequest<'_>) -> Told {
    let payload = client.call(1, request).await;
    let answer: ConsumerGroupHeartbeatResponse<'_> = response(1, &payload);
    let held = answer.assignment.map(|assignment| {
        let topics = assignment.topic_partitions.into_iter();
        topics.map(|topic: TopicPartitions| (topic.topic_id, topic.partitions)).collect()
    });
    (answer.error, answer.member_epoch, held)
}

async fn commit(client: &mut Client, member_id: &str, epoch: i32) -> ErrorCode {
    let partition = CommitPartition { offset: Offset(7), ..Default::default() };
    let topic = CommitTopic { name: "shop", partitions: vec![partition], ..Default::default() };
    let request = OffsetCommitRequest {
        group_id: GROUP,
        generation_id: epoch,
        member_id,
        topics: vec![topic],
        ..Default::default()
    };
    let payload = client.call(9, request).await;
    response::<OffsetCommitResponse<'_>>(9, &payload).topics[0].partitions[0].error
}

async fn fetch(client: &mut Client, member_id: Option<&str>, member_epoch: i32) -> ErrorCode {
    let partitions = vec![PartitionId(0)];
    let topic = OffsetFetchTopic { name: "shop", partitions, ..Default::default() };
    let group =
        OffsetFetchGroup { group_id: GROUP, member_id, member_epoch, topics: Some(vec![topic]) };
    let payload =
        client.call(9, OffsetFetchRequest { groups: vec![group], ..Default::default() }).await;
    response::<OffsetFetchResponse<'_>>(9, &payload).groups[0].error
}

/// A server with a topic, its id, and a member that holds it.
async fn settled() -> (Server, Client, TopicId) {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let id = server.topics.all()[0].id();
    let mut client = Client::connect(&server).await;
    let told = tell(&mut client, entering("a", "shop")).await;
    assert_eq!(told, (ErrorCode::None, 1, Some(vec![(id, vec![PartitionId(0)])])));
    (server, client, id)
}

#[tokio::test]
async fn j05_a_member_of_the_newer_protocol_goes_on_where_the_broker_was_killed() {
    let (mut server, mut client, id) = settled().await;
    assert_eq!(tell(&mut client, entering("b", "shop")).await, (ErrorCode::None, 2, Some(vec![])));
    assert_eq!(tell(&mut client, beat("a", 1)).await, (ErrorCode::None, 2, None));
    server.restart(settings(), Access::Anonymous).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(tell(&mut client, beat("a", 2)).await, (ErrorCode::None, 2, None));
    assert_eq!(tell(&mut client, beat("b", 2)).await, (ErrorCode::None, 2, None));
    assert_eq!(commit(&mut client, "a", 2).await, ErrorCode::None);
    assert_eq!(tell(&mut client, beat("a", -1)).await, (ErrorCode::None, -1, None));
    server.restart(settings(), Access::Anonymous).await;
    let mut client = Client::connect(&server).await;
    let told = tell(&mut client, beat("b", 2)).await;
    assert_eq!(told, (ErrorCode::None, 3, Some(vec![(id, vec![PartitionId(0)])])));
    assert_eq!(tell(&mut client, beat("a", 2)).await.0, ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn j05_commits_and_questions_of_members_need_their_epoch() {
    let (_server, mut client, _) = settled().await;
    assert_eq!(commit(&mut client, "a", 1).await, ErrorCode::None);
    assert_eq!(commit(&mut client, "a", 0).await, ErrorCode::StaleMemberEpoch);
    assert_eq!(commit(&mut client, "", -1).await, ErrorCode::UnknownMemberId);
    assert_eq!(fetch(&mut client, Some("a"), 1).await, ErrorCode::None);
    assert_eq!(fetch(&mut client, Some("a"), 3).await, ErrorCode::StaleMemberEpoch);
    assert_eq!(fetch(&mut client, None, -1).await, ErrorCode::None);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_as_kafka_refuses_it() {
    let (_server, mut client, _) = settled().await;
    let invalid = [
        ConsumerGroupHeartbeatRequest { group_id: "", ..entering("c", "shop") },
        beat("", 1),
        beat("a", -3),
        beat("a", -2),
        beat("c", 0),
        ConsumerGroupHeartbeatRequest { subscribed_topic_names: None, ..entering("c", "") },
        ConsumerGroupHeartbeatRequest { instance_id: Some(""), ..entering("c", "shop") },
        ConsumerGroupHeartbeatRequest { rebalance_timeout_ms: -1, ..entering("c", "shop") },
        ConsumerGroupHeartbeatRequest { topic_partitions: None, ..entering("c", "shop") },
    ];
    for request in invalid {
        assert_eq!(
            tell(&mut client, request.clone()).await.0,
            ErrorCode::InvalidRequest,
            "{request:?}"
        );
    }
    let refused = |server_assignor, subscribed_topic_regex| ConsumerGroupHeartbeatRequest {
        server_assignor,
        subscribed_topic_regex,
        ..entering("c", "shop")
    };
    let told = tell(&mut client, refused(Some("sticky"), None)).await.0;
    assert_eq!(told, ErrorCode::UnsupportedAssignor);
    let told = tell(&mut client, refused(None, Some("sh("))).await.0;
    assert_eq!(told, ErrorCode::InvalidRegularExpression);
    assert_eq!(tell(&mut client, beat("a", 5)).await.0, ErrorCode::FencedMemberEpoch);
}

#[tokio::test]
async fn j05_each_protocol_sees_groups_of_the_other_and_does_not_enter_them() {
    let (server, mut client, id) = settled().await;
    let payload = client.call(9, join("")).await;
    let joined: JoinGroupResponse<'_> = response(9, &payload);
    assert_eq!(joined.error, ErrorCode::InconsistentGroupProtocol);
    let payload = client.call(5, ListGroupsRequest::default()).await;
    let listed: ListGroupsResponse<'_> = response(5, &payload);
    assert_eq!((listed.groups[0].group_type, listed.groups[0].group_state), ("consumer", "Stable"));
    let request = DescribeGroupsRequest { groups: vec![GROUP], ..Default::default() };
    let payload = client.call(6, request).await;
    let answer: DescribeGroupsResponse<'_> = response(6, &payload);
    assert_eq!(answer.groups[0].error, ErrorCode::GroupIdNotFound);
    let request =
        ConsumerGroupDescribeRequest { group_ids: vec![GROUP, "not"], ..Default::default() };
    let payload = client.call(1, request).await;
    let answer: ConsumerGroupDescribeResponse<'_> = response(1, &payload);
    assert_eq!(answer.groups[1].error, ErrorCode::GroupIdNotFound);
    let group = &answer.groups[0];
    assert_eq!((group.error, group.group_state, group.group_epoch), (ErrorCode::None, "Stable", 1));
    let held = &group.members[0].assignment.topic_partitions[0];
    assert_eq!((held.topic_id, held.topic_name), (id, "shop"));

    let group = GroupId::new(GROUP).unwrap();
    assert!(server.broker.groups().intervene(&group, false, || ()).is_err(), "it has a member");
    server.broker.groups().intervene(&group, true, || ()).unwrap();
    assert_eq!(tell(&mut client, beat("a", 1)).await.0, ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn an_account_enters_its_own_group_and_is_given_its_own_topics() {
    let mut server = Server::start(Access::Accounts).await;
    server.open_topic("shop");
    server.open_topic("stock");
    let (user, group_id) = server.create_group("shop");
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let foreign = tell(&mut client, entering("a", "shop")).await.0;
    assert_eq!(foreign, ErrorCode::InvalidGroupId);
    let both = ConsumerGroupHeartbeatRequest {
        group_id: &group_id,
        subscribed_topic_regex: Some(".*"),
        ..entering("a", "stock")
    };
    let (_, _, held) = tell(&mut client, both).await;
    let own = server.topics.all().iter().find(|topic| topic.name.as_str() == "shop").unwrap().id();
    assert_eq!(held, Some(vec![(own, vec![PartitionId(0)])]));
}
