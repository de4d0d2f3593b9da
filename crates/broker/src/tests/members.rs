//! Members of groups across a restart, as admin clients see them, and as an operator rewinds them.

use change::GroupId;
use kafka::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    ListGroupsRequest, ListGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetDeleteTopic, SyncGroupResponse,
};
use kafka::{ErrorCode, PartitionId};

use super::client::response;
use super::groups::{GROUP, commit, heartbeat, join_whole, sync};
use super::server::{PASSWORD, settings};
use super::{Client, Server};
use crate::{Access, GroupState};

/// A server with a topic, and a client that leads a stable group.
async fn settled() -> (Server, Client, String, i32) {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let mut client = Client::connect(&server).await;
    let (id, generation) = join_whole(&mut client, "").await;
    let payload = client.call(5, sync(&id, generation, &[(&id, b"everything")])).await;
    assert_eq!(response::<SyncGroupResponse<'_>>(5, &payload).error, ErrorCode::None);
    (server, client, id, generation)
}

fn group() -> GroupId {
    GroupId::new(GROUP).unwrap()
}

async fn listed(client: &mut Client, request: ListGroupsRequest<'_>) -> Vec<(String, String)> {
    let payload = client.call(5, request).await;
    let answer: ListGroupsResponse<'_> = response(5, &payload);
    assert_eq!(answer.error, ErrorCode::None);
    let shown = |group: &kafka::messages::ListedGroup<'_>| {
        (group.group_id.to_owned(), format!("{} {}", group.group_state, group.protocol_type))
    };
    answer.groups.iter().map(shown).collect()
}

async fn delete(client: &mut Client, groups_names: Vec<&str>) -> Vec<ErrorCode> {
    let payload = client.call(2, DeleteGroupsRequest { groups_names }).await;
    let answer: DeleteGroupsResponse<'_> = response(2, &payload);
    answer.results.iter().map(|result| result.error).collect()
}

/// The error of the request, and those of its partitions.
async fn delete_offsets(
    client: &mut Client,
    group_id: &str,
    topic: &str,
) -> (ErrorCode, Vec<ErrorCode>) {
    let partitions = vec![PartitionId(0), PartitionId(7)];
    let topics = vec![OffsetDeleteTopic { name: topic, partitions }];
    let payload = client.call(0, OffsetDeleteRequest { group_id, topics }).await;
    let answer: OffsetDeleteResponse<'_> = response(0, &payload);
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    (answer.error, partitions.map(|partition| partition.error).collect())
}

#[tokio::test]
async fn j05_a_member_goes_on_where_the_broker_was_killed() {
    let (mut server, _, id, generation) = settled().await;
    server.restart(settings(), Access::Anonymous).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(heartbeat(&mut client, &id, generation).await, ErrorCode::None);
    assert_eq!(commit(&mut client, &id, generation, 4, Some("1712905965")).await, ErrorCode::None);
    assert_eq!(commit(&mut client, "", -1, 5, None).await, ErrorCode::UnknownMemberId);
    let payload = client.call(5, sync(&id, generation, &[])).await;
    let synced: SyncGroupResponse<'_> = response(5, &payload);
    assert_eq!((synced.error, synced.assignment), (ErrorCode::None, &b"everything"[..]));
    let view = server.broker.groups().describe(&group()).unwrap();
    assert_eq!((view.state, view.generation), (GroupState::Stable, generation));
}

#[tokio::test]
async fn j05_an_assignment_is_on_disk_before_a_member_learns_it() {
    let (mut server, mut client, id, generation) = settled().await;
    for round in 1..20 {
        let (_, next) = join_whole(&mut client, &id).await;
        assert_eq!(next, generation + round);
        let work = round.to_string();
        let payload = client.call(5, sync(&id, next, &[(&id, work.as_bytes())])).await;
        assert_eq!(response::<SyncGroupResponse<'_>>(5, &payload).error, ErrorCode::None);
        server.restart(settings(), Access::Anonymous).await;
        client = Client::connect(&server).await;
        let payload = client.call(5, sync(&id, next, &[])).await;
        let synced: SyncGroupResponse<'_> = response(5, &payload);
        assert_eq!((synced.error, synced.assignment), (ErrorCode::None, work.as_bytes()));
    }
}

#[tokio::test]
async fn a_commit_of_a_generation_that_nobody_knows_is_told_so_in_the_client_s_words() {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let mut client = Client::connect(&server).await;
    assert_eq!(commit(&mut client, "m", 3, 1, None).await, ErrorCode::IllegalGeneration);
}

#[tokio::test]
async fn j05_groups_are_listed_by_state_and_type() {
    let (server, mut client, ..) = settled().await;
    let stable = (GROUP.to_owned(), "Stable consumer".to_owned());
    let all = listed(&mut client, ListGroupsRequest::default()).await;
    assert_eq!(all, std::slice::from_ref(&stable));
    for (states, types, found) in [
        (vec!["stable", "Empty"], vec![], true),
        (vec!["Empty"], vec![], false),
        (vec![], vec!["Classic"], true),
        (vec![], vec!["consumer"], false),
    ] {
        let request = ListGroupsRequest { states_filter: states, types_filter: types };
        assert_eq!(
            listed(&mut client, request.clone()).await.len(),
            usize::from(found),
            "{request:?}"
        );
    }
    server.broker.groups().intervene(&group(), true, || ()).unwrap();
    assert_eq!(commit(&mut client, "", -1, 1, None).await, ErrorCode::None);
    let all = listed(&mut client, ListGroupsRequest::default()).await;
    assert_eq!(all, [(GROUP.to_owned(), "Empty consumer".to_owned())]);
}

#[tokio::test]
async fn j05_a_group_is_described_in_every_version() {
    let (_server, mut client, id, _) = settled().await;
    for version in 0..=6 {
        let request = DescribeGroupsRequest {
            groups: vec![GROUP, "nobody", "", GROUP],
            include_authorized_operations: version >= 3,
        };
        let payload = client.call(version, request).await;
        let answer: DescribeGroupsResponse<'_> = response(version, &payload);
        let [found, nobody, nameless, again] = &answer.groups[..] else { panic!("{answer:?}") };
        assert_eq!((found.error, found.group_state), (ErrorCode::None, "Stable"));
        assert_eq!((found.protocol_type, found.protocol_data), ("consumer", "range"));
        let member = &found.members[0];
        assert_eq!((member.member_id, member.client_id), (id.as_str(), "test"));
        assert_eq!(member.client_host, "/127.0.0.1");
        assert_eq!(member.member_metadata, b"shop");
        assert_eq!(member.member_assignment, b"everything");
        assert_eq!(nobody.group_state, "Dead");
        let missing = if version >= 6 { ErrorCode::GroupIdNotFound } else { ErrorCode::None };
        assert_eq!((nobody.error, nobody.group_id), (missing, "nobody"));
        assert_eq!(nameless.error, ErrorCode::InvalidGroupId);
        assert_eq!((again.error, again.members.len()), (ErrorCode::InvalidRequest, 0));
    }
}

#[tokio::test]
async fn j05_a_group_is_deleted_once_its_members_have_gone() {
    let (server, mut client, id, generation) = settled().await;
    assert_eq!(commit(&mut client, &id, generation, 4, None).await, ErrorCode::None);
    let asked = vec![GROUP, "nobody", ""];
    let refused = [ErrorCode::NonEmptyGroup, ErrorCode::GroupIdNotFound, ErrorCode::InvalidGroupId];
    assert_eq!(delete(&mut client, asked).await, refused);
    server.broker.groups().intervene(&group(), true, || ()).unwrap();
    let deleted = [ErrorCode::None, ErrorCode::GroupIdNotFound];
    assert_eq!(delete(&mut client, vec![GROUP, GROUP]).await, deleted);
    assert!(listed(&mut client, ListGroupsRequest::default()).await.is_empty());
    assert_eq!(join_whole(&mut client, "").await.1, 1, "a new group begins");
}

#[tokio::test]
async fn j05_single_offsets_are_deleted_once_nobody_reads_them() {
    let (server, mut client, id, generation) = settled().await;
    assert_eq!(commit(&mut client, &id, generation, 4, None).await, ErrorCode::None);
    let (unknown, read) = (ErrorCode::UnknownTopicOrPartition, ErrorCode::GroupSubscribedToTopic);
    assert_eq!(
        delete_offsets(&mut client, GROUP, "shop").await,
        (ErrorCode::None, vec![read, unknown])
    );
    server.broker.groups().intervene(&group(), true, || ()).unwrap();
    assert_eq!(
        delete_offsets(&mut client, GROUP, "shop").await,
        (ErrorCode::None, vec![ErrorCode::None, unknown])
    );
    assert_eq!(
        delete_offsets(&mut client, GROUP, "elsewhere").await,
        (ErrorCode::None, vec![unknown, unknown])
    );
    let missing = delete_offsets(&mut client, "nobody", "shop").await;
    assert_eq!(missing, (ErrorCode::GroupIdNotFound, vec![]));
}

#[tokio::test]
async fn an_account_sees_and_deletes_its_own_group_alone() {
    let (mut server, mut client, ..) = settled().await;
    assert_eq!(commit(&mut client, "", -1, 1, None).await, ErrorCode::UnknownMemberId);
    server.restart(settings(), Access::Accounts).await;
    let (user, own) = server.create_group("shop");
    let mut client = Client::login(&server, &user, PASSWORD).await;
    assert!(listed(&mut client, ListGroupsRequest::default()).await.is_empty());
    for foreign in [GROUP, "nobody"] {
        let groups = vec![foreign];
        let request = DescribeGroupsRequest { groups, ..Default::default() };
        let payload = client.call(6, request).await;
        let answer: DescribeGroupsResponse<'_> = response(6, &payload);
        let [group] = &answer.groups[..] else { panic!("{answer:?}") };
        assert_eq!((group.error, group.group_state), (ErrorCode::InvalidGroupId, ""));
        assert_eq!((group.error_message, group.members.len()), (None, 0));
        assert_eq!(delete(&mut client, vec![foreign]).await, [ErrorCode::InvalidGroupId]);
        let refused = delete_offsets(&mut client, foreign, "shop").await;
        assert_eq!(refused, (ErrorCode::InvalidGroupId, vec![]));
    }
    assert_eq!(delete(&mut client, vec![&own]).await, [ErrorCode::GroupIdNotFound]);
    assert!(server.broker.groups().describe(&group()).is_some(), "the other group is as it was");
}

#[tokio::test]
async fn a_group_is_changed_from_outside_when_it_is_empty_or_by_force() {
    let (server, mut client, id, generation) = settled().await;
    let groups = server.broker.groups();
    let refused = groups.intervene(&group(), false, || panic!("it has a member")).unwrap_err();
    assert_eq!(refused.members.len(), 1);
    assert_eq!(groups.intervene(&group(), true, || "done"), Ok("done"));
    assert_eq!(heartbeat(&mut client, &id, generation).await, ErrorCode::UnknownMemberId);
    assert_eq!(commit(&mut client, &id, generation, 9, None).await, ErrorCode::UnknownMemberId);
    assert_eq!(groups.intervene(&group(), false, || "done"), Ok("done"));
    let (_, next) = join_whole(&mut client, "").await;
    assert_eq!(next, generation + 1);
}
