//! Consumers that do not read what they asked for, and clients that do not say what they began to.

use std::path::Path;
use std::time::{Duration, Instant};

use budget::{Budget, Lane};
use kafka::messages::{
    ApiVersionsRequest, DescribeGroupsRequest, DescribeGroupsResponse, FetchRequest, FetchResponse,
    MetadataRequest, MetadataResponse,
};
use kafka::{ApiVersion, CorrelationId, ErrorCode, encode_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::response;
use super::reading::{bytes, fetch, only};
use super::server::settings;
use super::{Client, Server};
use crate::{Access, Settings};

const STALLED: usize = 200;
/// Far longer than what the system takes off our hands for a client that does not read.
const TOPIC_BATCHES: i64 = 24;

/// A Fetch of all there is from an offset.
fn fetch_all(offset: i64) -> FetchRequest<'static> {
    let mut request = fetch(offset, 0);
    request.topics[0].partitions[0].max_bytes = i32::MAX;
    request
}

/// A server with a topic of 24 MiB in two segments.
async fn server(settings: Settings) -> Server {
    let mut server = Server::start_with(Access::Anonymous, settings).await;
    server.open_topic_in_segments("shop", 13 << 20);
    let value = "x".repeat(1 << 20);
    for n in 0..TOPIC_BATCHES {
        server.append("shop", &[(n, &value)]);
    }
    server
}

fn hasty() -> Settings {
    Settings { write_timeout: Duration::from_millis(600), ..settings() }
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} did not come about"));
}

/// Files below a folder that are open in this process although they have no name any more.
fn removed_but_open(folder: &Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let paths = all.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let removed = |path: &std::path::PathBuf| {
        path.starts_with(folder) && path.to_string_lossy().ends_with(" (deleted)")
    };
    paths.filter(removed).count()
}

#[tokio::test]
async fn i03_two_hundred_stalled_consumers_hold_no_memory_and_hold_up_nobody() {
    let budget = Budget::new(8 << 20);
    let patient = Settings { budget: budget.clone(), ..settings() };
    let mut server = server(patient).await;
    let mut stalled = Vec::new();
    for n in 0..STALLED {
        let mut client = Client::connect(&server).await;
        // More requests behind the one that is being answered wait in the socket.
        for _ in 0..=n % 3 {
            client.send(11, fetch_all(0)).await;
        }
        client.stream.readable().await.unwrap();
        if n % 2 == 0 {
            let mut begun = [0; 5_000];
            client.stream.read_exact(&mut begun).await.unwrap();
        }
        stalled.push(client);
    }
    assert_eq!(budget.used(), 0, "records are not held in memory");

    let batch = server.append("shop", &[(99, "fresh")]);
    let mut quick = Client::connect(&server).await;
    let answer = quick.call(11, fetch(TOPIC_BATCHES, 0)).await;
    assert_eq!(bytes(&only(&response(11, &answer))), batch);
    let counted = format!("wellhead_kafka_connections {}", STALLED + 1);
    assert!(server.scrape().contains(&counted), "{}", server.scrape());
}

#[tokio::test]
async fn i03_a_stalled_consumer_keeps_removed_segments_no_longer_than_the_write_timeout() {
    let mut server = server(hasty()).await;
    let mut stalled = Client::connect(&server).await;
    stalled.send(11, fetch_all(0)).await;
    stalled.stream.readable().await.unwrap();
    server.retain("shop");
    assert!(removed_but_open(server.folder()) > 0, "what is being sent is still there");

    let mut quick = Client::connect(&server).await;
    let answer = quick.call(11, fetch(0, 0)).await;
    assert_eq!(only(&response(11, &answer)).error, ErrorCode::OffsetOutOfRange);
    until("the end of the stalled connection", || {
        server.scrape().contains("wellhead_kafka_connections 1")
    })
    .await;
    assert_eq!(removed_but_open(server.folder()), 0, "their space on the disk is free");
}

#[tokio::test]
async fn j08_a_consumer_within_a_segment_that_goes_gets_its_answer_whole() {
    let mut server = server(settings()).await;
    let mut whole = Client::connect(&server).await;
    let expected = whole.call(11, fetch_all(0)).await;
    let mut slow = Client::connect(&server).await;
    slow.send(11, fetch_all(0)).await;
    slow.stream.readable().await.unwrap();
    server.retain("shop");
    assert_eq!(
        bytes(&only(&response(11, &slow.receive().await))),
        bytes(&only(&response(11, &expected)))
    );
    let answer = slow.call(11, fetch(1, 0)).await;
    assert_eq!(only(&response(11, &answer)).error, ErrorCode::OffsetOutOfRange);
}

#[tokio::test]
async fn a_slow_consumer_that_makes_progress_is_not_cut_off() {
    let settings = Settings { write_timeout: Duration::from_millis(300), ..settings() };
    let server = server(settings).await;
    let mut slow = Client::connect(&server).await;
    slow.send(11, fetch_all(0)).await;
    let length = usize::try_from(slow.stream.read_i32().await.unwrap()).unwrap();
    let mut payload = vec![0; length];
    // A third of what is asked for, so slowly that no buffer hides it.
    for part in payload.chunks_mut(64 << 10) {
        slow.stream.read_exact(part).await.expect("cut off although it reads");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    let answer: FetchResponse<'_> = response(11, &payload);
    assert_eq!(bytes(&only(&answer)).len(), length - (payload.len() - bytes(&only(&answer)).len()));
}

#[tokio::test]
async fn half_a_request_is_cut_off_and_costs_others_nothing() {
    let server = server(hasty()).await;
    let mut halves = Vec::new();
    for n in 0..STALLED {
        let mut client = Client::connect(&server).await;
        let begun: &[u8] = if n % 2 == 0 { b"\x00\x00" } else { b"\x00\x1f\xff\xff\x00\x01" };
        client.stream.write_all(begun).await.unwrap();
        halves.push(client);
    }
    let mut good = Client::connect(&server).await;
    good.call(0, ApiVersionsRequest::default()).await;
    for mut half in halves {
        assert!(half.is_closed().await);
    }
    good.call(0, ApiVersionsRequest::default()).await;
}

#[tokio::test]
async fn long_requests_wait_for_memory_and_short_ones_do_not() {
    let budget = Budget::new(4 << 20);
    let server = server(Settings { budget: budget.clone(), ..settings() }).await;
    let frame = long_request();
    let (first_half, second_half) = frame.split_at(100_000);

    let mut first = Client::connect(&server).await;
    first.stream.write_all(first_half).await.unwrap();
    until("memory for the first", || budget.used() > 100_000).await;
    let mut second = Client::connect(&server).await;
    second.stream.write_all(first_half).await.unwrap();
    until("the second's wait", || budget.waiting() == 1).await;
    let mut short = Client::connect(&server).await;
    short.call(0, ApiVersionsRequest::default()).await;

    for client in [&mut first, &mut second] {
        client.stream.write_all(second_half).await.unwrap();
    }
    for mut client in [first, second] {
        let answer = client.receive().await;
        let answer: MetadataResponse<'_> = response(4, &answer);
        assert_eq!(answer.topics.len(), NAMES);
    }
    until("the memory's return", || budget.used() == 0).await;
}

#[tokio::test]
async fn a_short_request_that_names_much_waits_for_memory_too() {
    let budget = Budget::new(4 << 20);
    let server = server(Settings { budget: budget.clone(), ..settings() }).await;
    let all = budget.share(Lane::Serving, 0).try_acquire(1 << 20).unwrap();
    let mut client = Client::connect(&server).await;
    let groups = vec![""; 1_000];
    client.send(5, DescribeGroupsRequest { groups, ..Default::default() }).await;
    until("its wait", || budget.waiting() == 1).await;
    let mut short = Client::connect(&server).await;
    short.call(0, ApiVersionsRequest::default()).await;
    drop(all);
    let answer = client.receive().await;
    assert_eq!(response::<DescribeGroupsResponse<'_>>(5, &answer).groups.len(), 1_000);
    until("the memory's return", || budget.used() == 0).await;
}

#[tokio::test]
async fn a_wait_for_memory_is_not_held_against_the_client() {
    let budget = Budget::new(4 << 20);
    let server = server(Settings { budget: budget.clone(), ..hasty() }).await;
    let others = budget.share(Lane::Serving, 0);
    let all = others.try_acquire(1 << 20).unwrap();
    let mut client = Client::connect(&server).await;
    let frame = long_request();
    let (first_half, second_half) = frame.split_at(100_000);
    client.stream.write_all(first_half).await.unwrap();
    until("its wait", || budget.waiting() == 1).await;
    let (waits_since, longer) = (Instant::now(), 2 * hasty().write_timeout);
    until("longer than a request may take", || waits_since.elapsed() > longer).await;
    drop(all);
    client.stream.write_all(second_half).await.unwrap();
    let answer = client.receive().await;
    assert_eq!(response::<MetadataResponse<'_>>(4, &answer).topics.len(), NAMES);
}

#[tokio::test]
async fn an_answer_goes_with_the_memory_of_its_request_and_waits_behind_nobody() {
    let budget = Budget::new(4 << 20);
    let server = server(Settings { budget: budget.clone(), ..settings() }).await;
    // There is memory for one of them beside this.
    let others = budget.share(Lane::Serving, 0);
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(&server).await;
        client.stream.write_all(&long_request()[..100_000]).await.unwrap();
        clients.push(client);
    }
    until("the second's wait", || budget.waiting() == 1).await;
    let waits = tokio::spawn(async move { others.acquire(1 << 20).await.map(drop) });
    until("the other's wait", || budget.waiting() == 2).await;
    clients[0].stream.write_all(&long_request()[100_000..]).await.unwrap();
    // Behind those two its answer would wait for the second, who says nothing more.
    let answer = tokio::time::timeout(Duration::from_secs(20), clients[0].receive()).await;
    answer.expect("an answer at once");
    drop(clients);
    waits.await.unwrap().unwrap();
}

const NAMES: usize = 8_000;

/// A request of some 220 KB, with its length; four times that is most of a serving lane of 1 MiB.
fn long_request() -> Vec<u8> {
    let names: Vec<String> = (0..NAMES).map(|n| format!("no-such-topic-{n:012}")).collect();
    let topics = names.iter().map(|name| kafka::messages::MetadataRequestTopic {
        name: Some(name),
        ..Default::default()
    });
    let request = MetadataRequest { topics: Some(topics.collect()), ..Default::default() };
    encode_request(ApiVersion(4), CorrelationId(7), None, request).unwrap().bytes().to_vec()
}
