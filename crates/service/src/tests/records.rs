//! `/tasks/{t}/records`, on what a played source delivered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, Server};

/// A server with one task, all three statements in its log.
async fn server() -> Server {
    let server = Server::start().await;
    server.task("shop", "h").await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while records(&server, "from=start").await.json["next_from"].as_i64() < Some(3) {
        assert!(Instant::now() < deadline, "the statements did not arrive");
        records(&server, "from=end&wait_ms=100").await;
    }
    server
}

async fn records(server: &Server, query: &str) -> Answer {
    server.get(&format!("/api/v1/tasks/shop/records?{query}")).await
}

fn statements(answer: &Answer) -> Vec<&Value> {
    let items = answer.json["items"].as_array().expect(&answer.text);
    items.iter().map(|item| &item["record"]["statement"]).collect()
}

#[tokio::test]
async fn records_are_decoded_and_paged() {
    let server = server().await;
    let first = records(&server, "limit=2&op=ddl").await;
    assert_eq!(statements(&first), ["create table a", "create table b"]);
    let item = &first.json["items"][0];
    assert_eq!(item["timestamp_ms"], 1_795_233_600_000_i64);
    assert_eq!(item["record"]["database"], "shop");
    let next = first.json["next_from"].as_i64().unwrap();
    let rest = records(&server, &format!("limit=2&op=ddl&from={next}")).await;
    assert_eq!(statements(&rest), ["drop table a"]);
    assert_eq!(rest.json["next_from"], rest.json["end_offset"]);
    server.stop().await;
}

#[tokio::test]
async fn the_last_ones_and_the_matching_ones_can_be_asked_for() {
    let server = server().await;
    assert_eq!(statements(&records(&server, "last=1&op=ddl").await), ["drop table a"]);
    let crm = records(&server, "table=crm.*").await;
    assert_eq!(statements(&crm), ["create table b"]);
    assert_eq!(crm.json["next_from"], crm.json["end_offset"]);
    server.stop().await;
}

#[tokio::test]
async fn a_record_is_shown_as_line_or_bytes_on_demand() {
    let server = server().await;
    let text = records(&server, "format=text&limit=1&op=ddl").await;
    let line = text.json["items"][0]["text"].as_str().unwrap();
    assert!(line.ends_with("DDL shop create table a"), "{line}");
    assert_eq!(text.json["items"][0].get("record"), None);
    let hex = records(&server, "format=hex&limit=1&op=ddl").await;
    let hex = hex.json["items"][0]["hex"].as_str().unwrap();
    assert!(hex.len() > 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hex}");
    server.stop().await;
}

#[tokio::test]
async fn a_call_waits_for_what_is_not_there_yet_but_not_forever() {
    let server = server().await;
    let asked = Instant::now();
    let answer = records(&server, "from=end&op=ddl&wait_ms=400").await;
    assert!(asked.elapsed() >= Duration::from_millis(400));
    assert_eq!(answer.json["items"], json!([]));
    assert_eq!(answer.json["next_from"], answer.json["end_offset"]);
    server.stop().await;
}

#[tokio::test]
async fn a_waiting_call_does_not_hold_up_a_server_that_stops() {
    let server = server().await;
    let waiting = records(&server, "from=end&op=ddl&wait_ms=30000");
    let asked = Instant::now();
    let stopping = async {
        // A second call that waits: when it ends, the first one waits too.
        records(&server, "from=end&op=ddl&wait_ms=100").await;
        server.app.set_ready(false);
    };
    let (answer, ()) = tokio::join!(waiting, stopping);
    assert_eq!(answer.status, 200);
    assert!(asked.elapsed() < Duration::from_secs(5));
    server.stop().await;
}

#[tokio::test]
async fn wrong_questions_are_told() {
    let server = server().await;
    for query in [
        "from=yesterday",
        // A plus that is not escaped is a space.
        "from=+2",
        "from=checkpoint",
        "from=99999",
        "from=0&last=1",
        "limit=0",
        "limit=1001",
        "last=1001",
        "wait_ms=30001",
        "table=orders",
        "op=upsert",
    ] {
        records(&server, query).await.assert_problem(422, "invalid_value");
    }
    for query in ["limit=many", "form=0", "format=avro"] {
        records(&server, query).await.assert_problem(400, "malformed");
    }
    let other = server.get("/api/v1/tasks/none/records").await;
    other.assert_problem(404, "not_found");
    server.stop().await;
}
