//! Groups that fetch faster than they may, or all that they can.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use change::GroupId;
use kafka::messages::{FetchResponse, HeartbeatRequest};
use kafka::{ErrorCode, Offset};

use super::client::response;
use super::reading::{bytes, fetch, only};
use super::server::{PASSWORD, settings};
use super::{Client, Server};
use crate::{Access, Settings};

const RATE: Option<NonZeroU64> = NonZeroU64::new(2_000);
const VERSION: i16 = 12;

async fn start(settings: Settings) -> (Server, String, GroupId) {
    let mut server = Server::start_with(Access::Accounts, settings).await;
    server.open_topic("shop");
    let (user, group) = server.create_group("shop");
    for _ in 0..3 {
        server.append("shop", &[(1_000, &"x".repeat(3_000))]);
    }
    (server, user, GroupId::new(group).unwrap())
}

/// The bytes of records and the throttle time of a Fetch.
async fn fetched(client: &mut Client, offset: i64) -> (usize, Duration) {
    fetched_at(client, offset, 3).await
}

/// The same of a log that ends there.
async fn fetched_at(client: &mut Client, offset: i64, end: i64) -> (usize, Duration) {
    let answer = client.call(VERSION, fetch(offset, 0)).await;
    let answer: FetchResponse<'_> = response(VERSION, &answer);
    assert_eq!(answer.error, ErrorCode::None);
    let throttle = Duration::from_millis(u64::try_from(answer.throttle_time_ms).unwrap());
    if answer.topics.is_empty() {
        return (0, throttle);
    }
    let partition = only(&answer);
    assert_eq!(partition.high_watermark, Offset(end));
    (bytes(&partition).len(), throttle)
}

#[tokio::test]
async fn a_group_that_fetches_too_fast_is_told_and_not_heard_for_so_long() {
    let (server, user, group) = start(Settings { fetch_rate: RATE, ..settings() }).await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let (sent, throttle) = fetched(&mut client, 0).await;
    let told = Instant::now();
    assert!((3_000..4_000).contains(&sent), "the first batch is whole, and alone: {sent}");
    assert!(throttle > Duration::from_millis(400), "{throttle:?}");

    // Another connection of the group gets nothing now, but may say that it is alive.
    let mut other = Client::login(&server, &user, PASSWORD).await;
    let id = group.to_string();
    let beat = HeartbeatRequest { group_id: &id, member_id: "nobody", ..Default::default() };
    other.call(4, beat).await;
    let (sent, of_other) = fetched(&mut other, 0).await;
    assert_eq!(sent, 0);
    assert!(!of_other.is_zero() && of_other <= throttle, "{of_other:?} of {throttle:?}");

    let (sent, _) = fetched(&mut client, 1).await;
    assert!(sent > 3_000, "the next batch, after the wait");
    assert!(told.elapsed() >= throttle.mul_f64(0.9), "{:?} of {throttle:?}", told.elapsed());
    let seconds = server.scrape();
    assert!(seconds.contains("wellhead_kafka_throttled_seconds_total{group="), "{seconds}");
}

#[tokio::test]
async fn a_group_has_a_rate_of_its_own_from_the_moment_it_is_given_one() {
    let (server, user, group) = start(settings()).await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    assert!(matches!(fetched(&mut client, 0).await, (9_000.., Duration::ZERO)));
    server.broker.groups().set_fetch_rate(&group, RATE);
    let (sent, throttle) = fetched(&mut client, 0).await;
    assert!((3_000..4_000).contains(&sent) && !throttle.is_zero(), "{sent} {throttle:?}");
    server.broker.groups().set_fetch_rate(&group, None);
    assert!(matches!(fetched(&mut client, 0).await, (9_000.., Duration::ZERO)));
}

/// On the one thread of this test whoever did not give way would keep it to the end.
#[tokio::test]
async fn one_greedy_reader_starves_nobody() {
    const ANSWERS: usize = 200;
    let mut server = Server::start(Access::Anonymous).await;
    server.open_topic("shop");
    let value = "x".repeat(1 << 20);
    for _ in 0..16 {
        server.append("shop", &[(1_000, &value)]);
    }
    let mut greedy = Client::connect(&server).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    let reading = tokio::spawn(async move {
        for _ in 0..ANSWERS {
            let mut all = fetch(0, 0);
            all.max_bytes = i32::MAX;
            all.topics[0].partitions[0].max_bytes = i32::MAX;
            let answer = greedy.call(VERSION, all).await;
            assert!(answer.len() > 16 << 20);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut modest = Client::connect(&server).await;
    while answered.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        let (sent, _) = fetched_at(&mut modest, 15, 16).await;
        assert!(sent > 1 << 20);
    }
    let meanwhile = answered.load(Ordering::Relaxed);
    assert!(
        meanwhile < ANSWERS / 2,
        "{meanwhile} of {ANSWERS} large answers came before 20 small ones"
    );
    reading.abort();
}
