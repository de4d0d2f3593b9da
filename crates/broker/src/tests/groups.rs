use std::time::Duration;

use change::GroupId;
use kafka::messages::{
    CommitPartition, CommitTopic, GroupProtocol, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, LeavingMember,
    MemberAssignment, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchGroup,
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchTopic, SyncGroupRequest, SyncGroupResponse,
};
use kafka::{ErrorCode, Offset, PartitionId};

use super::client::response;
use super::server::settings;
use super::{Client, Server};
use crate::{Access, GroupLimits, GroupState, Settings};

pub(super) const GROUP: &str = "any-group";

pub(super) fn join(member_id: &str) -> JoinGroupRequest<'_> {
    JoinGroupRequest {
        group_id: GROUP,
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id,
        protocol_type: "consumer",
        protocols: vec![GroupProtocol { name: "range", metadata: b"shop" }],
        ..Default::default()
    }
}

/// Joins with whatever id the broker asks for, and answers id and generation.
pub(super) async fn join_whole(client: &mut Client, member_id: &str) -> (String, i32) {
    let payload = client.call(9, join(member_id)).await;
    let answer: JoinGroupResponse<'_> = response(9, &payload);
    let member_id = answer.member_id.to_owned();
    if answer.error != ErrorCode::MemberIdRequired {
        assert_eq!(answer.error, ErrorCode::None);
        return (member_id, answer.generation_id);
    }
    let payload = client.call(9, join(&member_id)).await;
    let answer: JoinGroupResponse<'_> = response(9, &payload);
    assert_eq!(answer.error, ErrorCode::None);
    (member_id, answer.generation_id)
}

pub(super) fn sync<'a>(
    member_id: &'a str,
    generation_id: i32,
    work: &[(&'a str, &'a [u8])],
) -> SyncGroupRequest<'a> {
    let assignment =
        |(member_id, assignment): &(&'a str, &'a [u8])| MemberAssignment { member_id, assignment };
    SyncGroupRequest {
        group_id: GROUP,
        generation_id,
        member_id,
        protocol_type: Some("consumer"),
        protocol_name: Some("range"),
        assignments: work.iter().map(assignment).collect(),
        ..Default::default()
    }
}

pub(super) async fn heartbeat(
    client: &mut Client,
    member_id: &str,
    generation_id: i32,
) -> ErrorCode {
    let request =
        HeartbeatRequest { group_id: GROUP, generation_id, member_id, group_instance_id: None };
    let payload = client.call(4, request).await;
    response::<HeartbeatResponse>(4, &payload).error
}

pub(super) async fn commit(
    client: &mut Client,
    member_id: &str,
    generation_id: i32,
    offset: i64,
    metadata: Option<&str>,
) -> ErrorCode {
    let partition = CommitPartition { offset: Offset(offset), metadata, ..Default::default() };
    let request = OffsetCommitRequest {
        group_id: GROUP,
        generation_id,
        member_id,
        topics: vec![CommitTopic {
            name: "shop",
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    };
    let payload = client.call(8, request).await;
    response::<OffsetCommitResponse<'_>>(8, &payload).topics[0].partitions[0].error
}

async fn server() -> Server {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    server
}

#[tokio::test]
async fn j05_two_members_share_a_group_and_one_takes_over() {
    let server = server().await;
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    let (id_a, generation) = join_whole(&mut a, "").await;
    let payload = a.call(5, sync(&id_a, generation, &[(&id_a, b"everything")])).await;
    assert_eq!(response::<SyncGroupResponse<'_>>(5, &payload).assignment, b"everything");
    assert_eq!(heartbeat(&mut a, &id_a, generation).await, ErrorCode::None);

    let joining = tokio::spawn(async move {
        let (id, generation) = join_whole(&mut b, "").await;
        (b, id, generation)
    });
    tokio::time::timeout(Duration::from_secs(10), async {
        while heartbeat(&mut a, &id_a, generation).await != ErrorCode::RebalanceInProgress {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the first member is never called");
    let (_, generation_a) = join_whole(&mut a, &id_a).await;
    let (mut b, id_b, generation_b) = joining.await.unwrap();
    assert_eq!((generation_a, generation_b), (generation + 1, generation + 1));

    let work: [(&str, &[u8]); 2] = [(&id_a, b"one"), (&id_b, b"two")];
    b.send(5, sync(&id_b, generation_b, &[])).await;
    let payload = a.call(5, sync(&id_a, generation_a, &work)).await;
    assert_eq!(response::<SyncGroupResponse<'_>>(5, &payload).assignment, b"one");
    let payload = b.receive().await;
    let synced: SyncGroupResponse<'_> = response(5, &payload);
    assert_eq!((synced.assignment, synced.protocol_name), (&b"two"[..], Some("range")));

    let group = GroupId::new(GROUP).unwrap();
    let view = server.broker.groups().describe(&group).unwrap();
    assert_eq!((view.state, view.members.len()), (GroupState::Stable, 2));

    let leaving = LeavingMember { member_id: &id_a, ..Default::default() };
    let request = LeaveGroupRequest { group_id: GROUP, members: vec![leaving] };
    let payload = a.call(5, request).await;
    let left: LeaveGroupResponse<'_> = response(5, &payload);
    assert_eq!((left.error, left.members[0].error), (ErrorCode::None, ErrorCode::None));
    assert_eq!(heartbeat(&mut a, &id_a, generation_a).await, ErrorCode::UnknownMemberId);
    assert_eq!(heartbeat(&mut b, &id_b, generation_b).await, ErrorCode::RebalanceInProgress);
    let (_, alone) = join_whole(&mut b, &id_b).await;
    assert_eq!(alone, generation_b + 1);
}

#[tokio::test]
async fn the_oldest_join_needs_no_second_round() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let payload = client.call(0, join("")).await;
    let answer: JoinGroupResponse<'_> = response(0, &payload);
    assert_eq!((answer.error, answer.generation_id), (ErrorCode::None, 1));
    assert_eq!(answer.leader, answer.member_id);
    assert_eq!(answer.members[0].metadata, b"shop");
}

#[tokio::test]
async fn a_refused_join_can_be_read_in_every_version() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for version in 0..=9 {
        let payload = client.call(version, join("stranger")).await;
        let answer: JoinGroupResponse<'_> = response(version, &payload);
        assert_eq!(answer.error, ErrorCode::UnknownMemberId, "version {version}");
        assert_eq!((answer.generation_id, answer.member_id), (-1, "stranger"));
    }
}

#[tokio::test]
async fn a_member_whose_connection_broke_is_waited_for_no_longer_than_its_session() {
    let groups = GroupLimits {
        session_timeout: Duration::from_millis(100)..=Duration::from_secs(60),
        ..settings().groups
    };
    let mut server = Server::start_with(Access::Anonymous, Settings { groups, ..settings() }).await;
    server.open_topic("shop");
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    let (id_a, generation) = join_whole(&mut a, "").await;
    a.call(5, sync(&id_a, generation, &[])).await;
    b.send(0, JoinGroupRequest { session_timeout_ms: 100, ..join("") }).await;
    let (_, alone) = tokio::time::timeout(Duration::from_secs(10), async {
        while heartbeat(&mut a, &id_a, generation).await != ErrorCode::RebalanceInProgress {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(b);
        join_whole(&mut a, &id_a).await
    })
    .await
    .expect("the group waits for a connection that is gone");
    assert_eq!(alone, generation + 1);
    let view = server.broker.groups().describe(&GroupId::new(GROUP).unwrap()).unwrap();
    assert_eq!(view.members.len(), 1);
}

#[tokio::test]
async fn a_commit_is_given_back_byte_for_byte() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    // The Python binding of librdkafka appends a NUL; DTS clients keep seconds.
    for (offset, metadata) in [(7, "1562727297|anything"), (8, "1562727298\0"), (9, ""), (10, "é")]
    {
        assert_eq!(commit(&mut client, "", -1, offset, Some(metadata)).await, ErrorCode::None);
        for version in [1, 5, 8] {
            let topic = OffsetFetchTopic {
                name: "shop",
                partitions: vec![PartitionId(0), PartitionId(1)],
                ..Default::default()
            };
            let group = OffsetFetchGroup {
                group_id: GROUP,
                topics: Some(vec![topic]),
                ..Default::default()
            };
            let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
            let payload = client.call(version, request).await;
            let answer: OffsetFetchResponse<'_> = response(version, &payload);
            let [committed, nothing] = &answer.groups[0].topics[0].partitions[..] else {
                panic!("{answer:?}");
            };
            assert_eq!((committed.offset, committed.metadata), (Offset(offset), Some(metadata)));
            assert_eq!((nothing.offset, nothing.metadata), (Offset::NONE, Some("")));
            assert_eq!(nothing.error, ErrorCode::None);
        }
    }
    let group = OffsetFetchGroup { group_id: GROUP, topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
    let payload = client.call(7, request).await;
    let answer: OffsetFetchResponse<'_> = response(7, &payload);
    assert_eq!(answer.groups[0].topics[0].name, "shop");
    assert_eq!(answer.groups[0].topics[0].partitions[0].offset, Offset(10));
}

#[tokio::test]
async fn what_is_named_twice_is_answered_once() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let words = "m".repeat(4_096);
    assert_eq!(commit(&mut client, "", -1, 7, Some(&words)).await, ErrorCode::None);
    let topic = OffsetFetchTopic {
        name: "shop",
        partitions: vec![PartitionId(0); 16_000],
        ..Default::default()
    };
    let group =
        OffsetFetchGroup { group_id: GROUP, topics: Some(vec![topic]), ..Default::default() };
    let again = OffsetFetchGroup { group_id: GROUP, topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![group, again], ..Default::default() };
    let payload = client.call(8, request).await;
    let answer: OffsetFetchResponse<'_> = response(8, &payload);
    let partitions = &answer.groups[0].topics[0].partitions;
    assert_eq!((partitions[0].offset, partitions[0].metadata), (Offset(7), Some(words.as_str())));
    assert_eq!(partitions[1].error, ErrorCode::InvalidRequest);
    assert_eq!(answer.groups[1].error, ErrorCode::InvalidRequest);
    assert!(payload.len() < 1 << 20, "{} bytes for 4 KiB", payload.len());
}

#[tokio::test]
async fn a_commit_from_outside_is_refused_while_the_group_lives() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let (id, generation) = join_whole(&mut client, "").await;
    client.call(5, sync(&id, generation, &[])).await;
    assert_eq!(commit(&mut client, "", -1, 1, None).await, ErrorCode::UnknownMemberId);
    assert_eq!(
        commit(&mut client, &id, generation + 1, 1, None).await,
        ErrorCode::IllegalGeneration
    );
    assert_eq!(commit(&mut client, &id, generation, 1, None).await, ErrorCode::None);
    let long = "m".repeat(4_097);
    let refused = commit(&mut client, &id, generation, 2, Some(&long)).await;
    assert_eq!(refused, ErrorCode::OffsetMetadataTooLarge);
}
