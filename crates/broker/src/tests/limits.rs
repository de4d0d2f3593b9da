//! What one client, one address or one group may take of what all share.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kafka::ErrorCode;
use kafka::messages::{
    ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest,
};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::client::response;
use super::server::{PASSWORD, settings};
use super::{Client, Server};
use crate::{Access, GuessLimits, Settings};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const WRONG: &str = "wrong-Pass1";
/// Two are free, the next one costs so much time that no test sees it.
const STRICT: GuessLimits =
    GuessLimits { free: 2, interval: Duration::from_secs(600), patience: Duration::from_secs(1) };

async fn start(settings: Settings) -> (Server, String) {
    let mut server = Server::start_with(Access::Accounts, settings).await;
    server.open_topic("shop");
    let (user, _) = server.create_group("shop");
    (server, user)
}

/// The verdict on a login, or `None` if there was none but a close.
async fn verdict(server: &Server, from: IpAddr, user: &str, password: &str) -> Option<ErrorCode> {
    let mut client = Client::connect_from(server, from).await;
    client.call(1, SaslHandshakeRequest { mechanism: "PLAIN" }).await;
    let token = format!("\0{user}\0{password}");
    client.send(2, SaslAuthenticateRequest { auth_bytes: token.as_bytes() }).await;
    let answer = client.try_receive().await?;
    Some(response::<SaslAuthenticateResponse<'_>>(2, &answer).error)
}

/// The same with SCRAM and a proof that is none; answers the length of the challenge too.
async fn guess(server: &Server, from: IpAddr, user: &str) -> (usize, Option<ErrorCode>) {
    let mut client = Client::connect_from(server, from).await;
    client.call(1, SaslHandshakeRequest { mechanism: "SCRAM-SHA-256" }).await;
    let first = format!("n,,n={user},r=abc");
    let answer = client.call(2, SaslAuthenticateRequest { auth_bytes: first.as_bytes() }).await;
    let answer: SaslAuthenticateResponse<'_> = response(2, &answer);
    assert_eq!(answer.error, ErrorCode::None);
    let challenge = String::from_utf8(answer.auth_bytes.to_vec()).unwrap();
    let nonce = challenge.split(',').next().unwrap();
    let last = format!("c=biws,{nonce},p={}=", "A".repeat(43));
    client.send(2, SaslAuthenticateRequest { auth_bytes: last.as_bytes() }).await;
    let answer = client.try_receive().await;
    let error = answer.map(|answer| response::<SaslAuthenticateResponse<'_>>(2, &answer).error);
    (challenge.len(), error)
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(30), async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} did not come about"));
}

fn refused(server: &Server, limit: &str, times: usize) -> bool {
    let line = format!("wellhead_kafka_connections_refused_total{{limit=\"{limit}\"}} {times}\n");
    server.scrape().contains(&line)
}

#[tokio::test]
async fn who_guesses_waits_and_nobody_else() {
    let (server, user) = start(Settings { guesses: STRICT, ..settings() }).await;
    let (other, _) = server.create_group("other");
    for _ in 0..3 {
        let wrong = verdict(&server, HERE, &user, WRONG).await;
        assert_eq!(wrong, Some(ErrorCode::SaslAuthenticationFailed));
    }
    assert_eq!(verdict(&server, HERE, &user, PASSWORD).await, None, "not even the right one");
    until("the count", || refused(&server, "guesses", 1)).await;
    assert_eq!(verdict(&server, ELSEWHERE, &user, PASSWORD).await, Some(ErrorCode::None));
    assert_eq!(verdict(&server, HERE, &other, PASSWORD).await, Some(ErrorCode::None));
}

#[tokio::test]
async fn guesses_by_scram_cost_the_same() {
    let (server, user) = start(Settings { guesses: STRICT, ..settings() }).await;
    for _ in 0..3 {
        let (_, wrong) = guess(&server, HERE, &user).await;
        assert_eq!(wrong, Some(ErrorCode::SaslAuthenticationFailed));
    }
    assert_eq!(guess(&server, HERE, &user).await.1, None);
    assert_eq!(verdict(&server, HERE, &user, PASSWORD).await, None, "by whatever mechanism");
}

#[tokio::test]
async fn the_right_password_comes_in_behind_wrong_ones() {
    let guesses = GuessLimits {
        free: 1,
        interval: Duration::from_millis(100),
        patience: Duration::from_secs(60),
    };
    let (server, user) = start(Settings { guesses, ..settings() }).await;
    for _ in 0..4 {
        let wrong = verdict(&server, HERE, &user, WRONG).await;
        assert_eq!(wrong, Some(ErrorCode::SaslAuthenticationFailed));
    }
    assert_eq!(verdict(&server, HERE, &user, PASSWORD).await, Some(ErrorCode::None));
}

#[tokio::test]
async fn logins_that_are_right_cost_nothing() {
    let (server, user) = start(Settings { guesses: STRICT, ..settings() }).await;
    for _ in 0..20 {
        assert_eq!(verdict(&server, HERE, &user, PASSWORD).await, Some(ErrorCode::None));
    }
}

#[tokio::test]
async fn nothing_tells_whether_a_user_exists() {
    let (server, user) = start(settings()).await;
    // As long as the real one.
    let nobody = format!("nobodyy{}", user.strip_prefix("billing").unwrap());
    let known = guess(&server, HERE, &user).await;
    assert_eq!(known, guess(&server, HERE, &nobody).await);
    let known = verdict(&server, HERE, &user, WRONG).await;
    assert_eq!(known, verdict(&server, HERE, &nobody, WRONG).await);
}

#[tokio::test]
async fn an_address_has_a_number_of_connections() {
    let (server, _) = start(Settings { connections_per_address_max: 2, ..settings() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect_from(&server, HERE).await;
        client.call(0, ApiVersionsRequest::default()).await;
        held.push(client);
    }
    assert!(Client::connect_from(&server, HERE).await.is_closed().await);
    let mut other = Client::connect_from(&server, ELSEWHERE).await;
    other.call(0, ApiVersionsRequest::default()).await;
    assert!(refused(&server, "address", 1), "{}", server.scrape());
}

#[tokio::test]
async fn strangers_from_one_address_shut_nobody_out() {
    let (server, user) = start(Settings { connections_max: 6, ..settings() }).await;
    let mut in_time = Client::login(&server, &user, PASSWORD).await;
    let mut strangers = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect_from(&server, HERE).await;
        client.call(0, ApiVersionsRequest::default()).await;
        strangers.push(client);
    }
    assert!(Client::connect_from(&server, HERE).await.is_closed().await);
    let other = verdict(&server, ELSEWHERE, &user, PASSWORD).await;
    assert_eq!(other, Some(ErrorCode::None), "others come in");
    in_time.call(9, MetadataRequest::default()).await;
    assert!(refused(&server, "strangers", 1), "{}", server.scrape());
    drop(strangers);
    until("their places", || server.scrape().contains("wellhead_kafka_connections 1\n")).await;
    Client::login(&server, &user, PASSWORD).await;
}

#[tokio::test]
async fn a_group_has_a_number_of_connections_and_is_told_so() {
    let (server, user) = start(Settings { connections_per_group_max: 2, ..settings() }).await;
    let (other, _) = server.create_group("other");
    let first = Client::login(&server, &user, PASSWORD).await;
    let _second = Client::login(&server, &user, PASSWORD).await;
    let mut third = Client::connect(&server).await;
    let full = third.authenticate(&user, PASSWORD).await;
    assert_eq!(full, ErrorCode::SaslAuthenticationFailed);
    assert!(third.is_closed().await);
    until("the count", || refused(&server, "group", 1)).await;
    let counters = server.scrape();
    assert!(!counters.contains("wellhead_kafka_auth_failures_total{"), "{counters}");
    Client::login(&server, &other, PASSWORD).await;
    drop(first);
    until("a free place", || server.scrape().contains("wellhead_kafka_connections 1\n")).await;
    Client::login(&server, &user, PASSWORD).await;
}

#[tokio::test]
async fn a_stranger_that_speaks_byte_by_byte_is_cut_off_in_time() {
    let settings = Settings { login_timeout: Duration::from_millis(300), ..settings() };
    let (server, _) = start(settings).await;
    let mut slow = Client::connect(&server).await;
    let speaks = async {
        // A length, and a frame that is never whole.
        let _ = slow.stream.write_all(&4096_i32.to_be_bytes()).await;
        while slow.stream.write_all(&[0]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), speaks).await.expect("cut off");
    until("the count", || refused(&server, "login_timeout", 1)).await;
}

#[tokio::test]
async fn half_open_connections_go_when_their_time_is_over() {
    let settings = Settings { login_timeout: Duration::from_secs(3), ..settings() };
    let (server, user) = start(settings).await;
    let mut half_open = Vec::new();
    for n in 0..200_u8 {
        let mut client = Client::connect_from(&server, HERE).await;
        let begun: &[u8] = if n % 2 == 0 { b"" } else { b"\x00\x00\x00" };
        client.stream.write_all(begun).await.unwrap();
        half_open.push(client);
    }
    let mut good = Client::login(&server, &user, PASSWORD).await;
    for mut client in half_open {
        assert!(client.is_closed().await);
    }
    good.call(9, MetadataRequest::default()).await;
    until("the count", || refused(&server, "login_timeout", 200)).await;
}

#[tokio::test]
async fn who_asks_for_nothing_for_long_is_closed() {
    let settings = Settings { idle_timeout: Duration::from_secs(2), ..settings() };
    let (server, user) = start(settings).await;
    let mut idle = Client::login(&server, &user, PASSWORD).await;
    assert!(idle.is_closed().await);
    assert!(server.scrape().contains("wellhead_kafka_protocol_errors_total 0"));
}

#[tokio::test]
async fn a_login_that_is_not_renewed_ends() {
    let login_lifetime = Some(Duration::from_millis(50));
    let (server, user) = start(Settings { login_lifetime, ..settings() }).await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    let ends = async {
        loop {
            client.send(9, MetadataRequest::default()).await;
            if client.try_receive().await.is_none() {
                break;
            }
        }
    };
    timeout(Duration::from_secs(30), ends).await.expect("closed");
}

#[tokio::test]
async fn a_login_is_renewed_by_the_right_password_alone() {
    let login_lifetime = Some(Duration::from_secs(3600));
    let (server, user) = start(Settings { login_lifetime, ..settings() }).await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    assert_eq!(client.authenticate(&user, PASSWORD).await, ErrorCode::None);
    client.call(9, MetadataRequest::default()).await;
    let mut client = Client::login(&server, &user, PASSWORD).await;
    assert_eq!(client.authenticate(&user, WRONG).await, ErrorCode::SaslAuthenticationFailed);
    assert!(client.is_closed().await);
}
