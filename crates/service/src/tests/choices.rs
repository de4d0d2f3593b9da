//! What people decide, as programs ask for it.

use catalog::{BadEvent, HeldTable, TableChoice};
use change::{Position, TaskName, UnixTime};

use super::Server;

const SHOP: &str = "/api/v1/tasks/shop";

async fn server_with_data() -> Server {
    let server = Server::start().await;
    server.task("shop", "db").await;
    server.wait(SHOP, |task| task.json["position"] == "at=3").await;
    server
}

fn name() -> TaskName {
    TaskName::new("shop").unwrap()
}

/// What the audit trail says of acts, oldest first.
fn told(server: &Server) -> Vec<String> {
    let acts = server.app.catalog.audit(20).unwrap();
    acts.iter().rev().map(|act| format!("{}: {}", act.action, act.detail)).collect()
}

#[tokio::test]
async fn e04_starting_elsewhere_needs_the_gap_to_be_accepted_and_records_it() {
    let server = server_with_data().await;
    let start = format!("{SHOP}/start");
    let body = r#"{"start":"@2026-11-21T04:00:00Z","accept_gap":true}"#;
    server.ask("POST", &start, body).await.assert_problem(409, "wrong_state");
    server.ask("POST", &format!("{SHOP}/pause"), "").await;

    let refused = server.ask("POST", &start, r#"{"start":"earliest"}"#).await;
    refused.assert_problem(409, "gap_not_accepted");
    assert!(refused.text.contains("--accept-gap"), "{}", refused.text);
    let plan = server.ask("POST", &format!("{start}?dry_run=true"), body).await;
    assert_eq!((plan.status, &plan.json["gap"]["from_position"]), (200, &"at=3".into()));
    assert_eq!(plan.json["gap"]["to"], "@2026-11-21T04:00:00Z");
    assert_eq!(plan.json["gap"]["cause"], "start_elsewhere");
    assert_eq!(server.get(&format!("{SHOP}/gaps")).await.json["items"], serde_json::json!([]));

    assert_eq!(server.ask("POST", &start, body).await.status, 202);
    let shown = server.wait(SHOP, |task| task.json["gaps"][0]["to_position"] == "at=3").await;
    let gap = &shown.json["gaps"][0];
    assert_eq!((&gap["from_position"], &gap["cause"]), (&"at=3".into(), &"start_elsewhere".into()));
    assert!(gap["from_time_unix"].is_i64() && gap["who"].as_str().unwrap().contains("admin.sock"));
    let listed = server.get(&format!("{SHOP}/gaps")).await;
    assert_eq!(listed.json["items"][0]["id"], gap["id"]);
    let metrics = server.get("/metrics").await.text;
    let counted = "wellhead_capture_gaps_total{task=\"shop\",cause=\"start_elsewhere\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    let told = told(&server);
    let act = "task.start: answered 202: start @2026-11-21T04:00:00Z, accept_gap true";
    assert!(told.iter().any(|line| line == act), "{told:?}");
    assert!(told.iter().any(|line| line.ends_with("dry run, nothing was done")), "{told:?}");

    for (body, status, code) in [
        ("{", 400, "malformed"),
        (r#"{"begin":"now"}"#, 400, "malformed"),
        (r#"{"start":"yesterday or so","accept_gap":1}"#, 400, "malformed"),
        (r#"{"start":"@soon"}"#, 422, "invalid_value"),
        (r#"{"start":"@2096-11-21T04:00:00Z"}"#, 422, "invalid_value"),
    ] {
        server.ask("POST", &start, body).await.assert_problem(status, code);
    }
    server.get(&format!("{SHOP}/gaps?page=2")).await;
    server.get("/api/v1/tasks/none/gaps").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn e12_a_start_by_time_is_fixed_when_the_task_is_created_and_told_both_ways() {
    let server = Server::start().await;
    let body = r#"{"source":{"url":"mysql://u@db"},"tables":["shop.*"],"start":"@-1h"}"#;
    let put = server.ask("PUT", SHOP, body).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let (text, unix) = (put.json["start"].as_str().unwrap(), put.json["start_time_unix"].as_i64());
    assert_eq!(put.json["start_time"].as_str().map(|time| format!("@{}", &time[..19])), {
        Some(text[..20].to_owned())
    });
    let hour_ago = change::Clock::now(&change::SystemClock).seconds() - 3600;
    assert!((hour_ago - 60..=hour_ago).contains(&unix.unwrap()), "{text}");
    let again = server.ask("PUT", SHOP, body).await;
    assert_eq!(again.json["start"], text, "it does not move");
    assert_eq!(again.json["ddl_scope"], "instance");
    server.stop().await;
}

#[tokio::test]
async fn a_held_table_is_listed_and_decided_about() {
    let server = server_with_data().await;
    let held = HeldTable {
        database: "shop".into(),
        table: "orders".into(),
        from: Position::parse(b"at=2").unwrap(),
        code: "schema_mismatch".into(),
        message: "as told".into(),
        choice: TableChoice::Pending,
        since: UnixTime::from_seconds(1_795_233_600),
    };
    server.app.catalog.hold_table(&name(), &held).unwrap();
    let tables = format!("{SHOP}/tables");
    let listed = server.get(&tables).await;
    let table = &listed.json["items"][0];
    assert_eq!((&table["name"], &table["state"]), (&"shop.orders".into(), &"quarantined".into()));
    assert_eq!(table["held"]["since"], "2026-11-21T04:00:00Z");
    assert_eq!(server.get(SHOP).await.json["held_tables"][0]["held"]["decision"], "pending");
    assert_eq!(server.get("/api/v1/tasks").await.json["items"][0]["held_table_count"], 1);
    let metrics = server.get("/metrics").await.text;
    for line in [
        "wellhead_capture_tables{task=\"shop\",state=\"quarantined\"} 1\n",
        "wellhead_capture_gaps_total{task=\"shop\",cause=\"schema_mismatch\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }

    let path = format!("{tables}/shop.orders");
    server
        .ask("POST", &format!("{tables}/shop.items/retry"), "")
        .await
        .assert_problem(404, "not_found");
    let retried = server
        .ask("POST", &format!("{path}/retry"), r#"{"definition":"CREATE TABLE orders (id INT)"}"#)
        .await;
    assert_eq!(retried.status, 202, "{}", retried.text);
    assert_eq!(server.get(&tables).await.json["items"][0]["held"]["decision"], "retry");
    let plan = server.ask("POST", &format!("{path}/skip?dry_run=true"), "").await;
    assert_eq!((plan.status, &plan.json["gap"]["table"]), (200, &"shop.orders".into()));
    assert_eq!(server.ask("POST", &format!("{path}/skip"), "").await.status, 202);
    let gap = &server.get(SHOP).await.json["gaps"][0];
    assert_eq!((&gap["table"], &gap["from_position"]), (&"shop.orders".into(), &"at=2".into()));
    let told = told(&server);
    assert!(told.contains(&"table.retry: answered 202: with a definition".into()), "{told:?}");
    assert!(
        told.iter()
            .any(|line| line.starts_with("table.skip: answered 202: changes of shop.orders"))
    );
    server.stop().await;
}

#[tokio::test]
async fn the_event_is_shown_and_skipped_by_its_exact_place() {
    let server = server_with_data().await;
    let event = format!("{SHOP}/event");
    server.get(&event).await.assert_problem(404, "not_found");
    server.ask("POST", &format!("{SHOP}/pause"), "").await;
    let kept = BadEvent {
        place: "binlog.000007:4711".into(),
        kind: "WRITE_ROWS_EVENT".into(),
        size: 70_000,
        bytes: vec![0, 0x1f, 0xff],
        code: "event_corrupt".into(),
        message: "as told".into(),
        at: UnixTime::from_seconds(1_795_233_600),
    };
    server.app.catalog.keep_bad_event(&name(), &kept).unwrap();
    let shown = server.get(&event).await;
    assert_eq!((&shown.json["hex"], &shown.json["size"]), (&"001fff".into(), &70_000.into()));
    let skip = format!("{event}/skip");
    server.ask("POST", &skip, "").await.assert_problem(400, "malformed");
    let other = r#"{"place":"binlog.000007:4712"}"#;
    server.ask("POST", &skip, other).await.assert_problem(409, "conflict");
    let body = r#"{"place":"binlog.000007:4711"}"#;
    let plan = server.ask("POST", &format!("{skip}?dry_run=true"), body).await;
    assert_eq!(plan.json["gap"]["event"], "binlog.000007:4711");
    assert!(server.app.catalog.events_to_skip(&name()).unwrap().is_empty());
    assert_eq!(server.ask("POST", &skip, body).await.status, 202);
    assert_eq!(server.app.catalog.events_to_skip(&name()).unwrap(), ["binlog.000007:4711"]);
    let told = told(&server);
    assert!(
        told.iter().any(|line| line.starts_with("event.skip: answered 202: the WRITE_ROWS_EVENT"))
    );
    server.stop().await;
}
