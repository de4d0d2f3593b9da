//! Incremental fetch sessions (KIP-227).

use kafka::messages::{FetchRequest, FetchResponse, FetchTopic, ForgottenTopic};
use kafka::{ErrorCode, Offset, PartitionId, TopicId};

use super::client::response;
use super::reading::{bytes, fetch};
use super::server::PASSWORD;
use super::{Client, Server};
use crate::Access;

async fn server() -> Server {
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    server.open_topic("other");
    server
}

/// A request for both topics from their starts that wants a session.
fn full() -> FetchRequest<'static> {
    let mut request = FetchRequest { session_epoch: 0, ..fetch(0, 0) };
    let other =
        FetchTopic { name: "other", topic_id: TopicId([b'o'; 16]), ..request.topics[0].clone() };
    request.topics.push(other);
    request
}

/// The next request of a session, which changes nothing.
fn next(session_id: i32, session_epoch: i32) -> FetchRequest<'static> {
    FetchRequest { session_id, session_epoch, topics: Vec::new(), ..fetch(0, 0) }
}

/// Sends a request and answers error, session and what each topic told: records, or an error.
async fn told(
    client: &mut Client,
    version: i16,
    request: FetchRequest<'_>,
) -> (ErrorCode, i32, Vec<(char, Vec<u8>)>) {
    let payload = client.call(version, request).await;
    let answer: FetchResponse<'_> = response(version, &payload);
    let first = |topic: &kafka::messages::FetchedTopic<'_>| match topic.name.chars().next() {
        Some(letter) => letter,
        None => char::from(topic.topic_id.0[0]),
    };
    let topics = answer.topics.iter();
    let told = topics.map(|topic| (first(topic), bytes(&topic.partitions[0]).to_vec())).collect();
    (answer.error, answer.session_id, told)
}

#[tokio::test]
async fn a_session_tells_only_what_is_new() {
    let mut server = server().await;
    let shop = server.append("shop", &[(1, "a")]);
    let mut client = Client::connect(&server).await;
    for version in [7, 12, 13, 18] {
        let (error, id, told_first) = told(&mut client, version, full()).await;
        assert!(error.is_none() && id > 0);
        assert_eq!(told_first, [('s', shop.clone()), ('o', Vec::new())]);

        // The client moves on in one topic; the other one has told all.
        let mut moved = fetch(1, 0);
        (moved.session_id, moved.session_epoch) = (id, 1);
        let new = (ErrorCode::None, id, Vec::new());
        assert_eq!(told(&mut client, version, moved).await, new, "version {version}");
        assert_eq!(told(&mut client, version, next(id, 2)).await, new);

        // A session that goes on has both topics in mind.
        let ends = next(id, -1);
        let (error, none, _) = told(&mut client, version, ends).await;
        assert_eq!((error, none), (ErrorCode::None, 0));
        let gone = told(&mut client, version, next(id, 3)).await;
        assert_eq!(gone, (ErrorCode::FetchSessionIdNotFound, 0, Vec::new()));
    }
    let (_, id, _) = told(&mut client, 12, full()).await;
    let mut moved = fetch(1, 0);
    (moved.session_id, moved.session_epoch) = (id, 1);
    told(&mut client, 12, moved).await;
    let other = server.append("other", &[(2, "b")]);
    let (_, _, now) = told(&mut client, 12, next(id, 2)).await;
    assert_eq!(now, [('o', other.clone())]);
    // It was not read on, so it comes again; and what changed besides.
    let shop = server.append("shop", &[(3, "c")]);
    let (_, _, now) = told(&mut client, 12, next(id, 3)).await;
    assert_eq!(now, [('s', shop), ('o', other)]);
}

#[tokio::test]
async fn a_partition_may_leave_a_session_and_come_back() {
    let mut server = server().await;
    let (shop, other) = (server.append("shop", &[(1, "a")]), server.append("other", &[(2, "b")]));
    let mut client = Client::connect(&server).await;
    let (_, id, _) = told(&mut client, 11, full()).await;
    let forget =
        |name| ForgottenTopic { name, partitions: vec![PartitionId(0)], ..Default::default() };
    let less = FetchRequest { forgotten_topics: vec![forget("shop")], ..next(id, 1) };
    assert_eq!(told(&mut client, 11, less).await.2, [('o', other)]);
    let mut more = fetch(0, 0);
    (more.session_id, more.session_epoch) = (id, 2);
    more.forgotten_topics = vec![forget("other")];
    assert_eq!(told(&mut client, 11, more).await, (ErrorCode::None, id, vec![('s', shop)]));
    let last = FetchRequest { forgotten_topics: vec![forget("shop")], ..next(id, 3) };
    assert_eq!(told(&mut client, 11, last).await, (ErrorCode::None, 0, Vec::new()));
    let gone = told(&mut client, 11, next(id, 4)).await;
    assert_eq!(gone.0, ErrorCode::FetchSessionIdNotFound);
}

#[tokio::test]
async fn a_request_out_of_turn_is_refused() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let (_, id, _) = told(&mut client, 12, full()).await;
    for wrong in [2, 5, i32::MAX] {
        let refused = told(&mut client, 12, next(id, wrong)).await;
        assert_eq!(refused, (ErrorCode::InvalidFetchSessionEpoch, 0, Vec::new()), "{wrong}");
    }
    let by_id = told(&mut client, 13, next(id, 1)).await;
    assert_eq!(by_id.0, ErrorCode::FetchSessionTopicIdError);
    assert_eq!(told(&mut client, 12, next(id, 1)).await.0, ErrorCode::None);
    let unknown = told(&mut client, 12, next(id.wrapping_add(1) & i32::MAX, 1)).await;
    assert_eq!(unknown.0, ErrorCode::FetchSessionIdNotFound);
    assert_eq!(told(&mut client, 12, next(0, 1)).await.0, ErrorCode::FetchSessionIdNotFound);
}

#[tokio::test]
async fn an_error_is_told_until_it_is_over() {
    let mut server = server().await;
    let mut client = Client::connect(&server).await;
    let mut request = full();
    request.topics[0].partitions[0].fetch_offset = Offset(1);
    let payload = client.call(12, request).await;
    let answer: FetchResponse<'_> = response(12, &payload);
    let id = answer.session_id;
    assert_eq!(answer.topics[0].partitions[0].error, ErrorCode::OffsetOutOfRange);
    let payload = client.call(12, next(id, 1)).await;
    let answer: FetchResponse<'_> = response(12, &payload);
    let told_again: Vec<_> =
        answer.topics.iter().map(|t| (t.name, t.partitions[0].error)).collect();
    assert_eq!(told_again, [("shop", ErrorCode::OffsetOutOfRange)]);
    server.append("shop", &[(1, "a")]);
    assert_eq!(told(&mut client, 12, next(id, 2)).await.2, [('s', Vec::new())], "it is over");
    assert!(told(&mut client, 12, next(id, 3)).await.2.is_empty());
}

#[tokio::test]
async fn a_session_survives_its_connection_and_is_its_owners_alone() {
    let mut server = Server::start(Access::Accounts).await;
    server.open_topic("shop");
    let shop = server.append("shop", &[(1, "a")]);
    let (user, _) = server.create_group("shop");
    let (stranger, _) = server.create_group("other");
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let request = FetchRequest { session_epoch: 0, ..fetch(0, 0) };
    let (_, id, _) = told(&mut client, 12, request.clone()).await;
    assert!(id > 0);

    let mut attacker = Client::login(&server, &stranger, PASSWORD).await;
    for epoch in [1, 2, 0, -1, 1] {
        let (error, own, topics) = told(&mut attacker, 12, next(id, epoch)).await;
        assert_ne!(own, id);
        assert!(topics.is_empty());
        if epoch > 0 {
            assert_eq!(error, ErrorCode::FetchSessionIdNotFound, "epoch {epoch}");
        }
    }
    drop(client);
    let mut again = Client::login(&server, &user, PASSWORD).await;
    assert_eq!(told(&mut again, 12, next(id, 1)).await, (ErrorCode::None, id, vec![('s', shop)]));
}
