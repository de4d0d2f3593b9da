//! Tasks and groups: what goes in, what comes out, and what is refused.

use catalog::{CommittedOffset, GroupSpec, Secret, TaskSpec};
use change::{GroupId, TaskName, TopicName, UnixTime};

use super::Server;

#[tokio::test]
async fn a_task_in_its_shortest_form_is_created_and_started() {
    let server = Server::start().await;
    let body = r#"{"source":{"url":"mysql://u:geheim@db:3306"},"objects":{"shop":{"all":true}}}"#;
    let put = server.ask("PUT", "/api/v1/tasks/shop", body).await;
    assert_eq!((put.status, &put.json["state"]), (200, &"not_started".into()), "{}", put.text);
    assert_eq!(put.json["tables"], serde_json::json!(["shop.*"]));
    assert_eq!(put.json["source"]["url"], "mysql://u@db:3306");
    assert!(!put.text.contains("geheim"));
    let again = server.ask("PUT", "/api/v1/tasks/shop", body).await;
    assert_eq!((again.status, &again.json["name"]), (200, &"shop".into()));
    assert_eq!(server.ask("POST", "/api/v1/tasks/shop/start", "").await.status, 202);
    let paused = server.ask("POST", "/api/v1/tasks/shop/pause", "").await;
    assert_eq!((paused.status, &paused.json["state"]), (202, &"stopped".into()));
    assert_eq!(server.ask("DELETE", "/api/v1/tasks/shop", "").await.status, 204);
    server.get("/api/v1/tasks/shop").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_json_or_not_ours_are_malformed() {
    let server = Server::start().await;
    for body in ["", "{", "[]", r#"{"source":"a","tabels":["a.*"]}"#, r#"{"source":7}"#] {
        let answer = server.ask("PUT", "/api/v1/tasks/shop", body).await;
        answer.assert_problem(400, "malformed");
    }
    server.ask("PUT", "/api/v1/tasks/a/groups/b", "{").await.assert_problem(400, "malformed");
    server.stop().await;
}

#[tokio::test]
async fn values_that_are_not_allowed_are_told() {
    let server = Server::start().await;
    for body in [
        r#"{"source":"shop-db"}"#,
        r#"{"source":"nowhere","tables":["a.*"]}"#,
        r#"{"source":{"url":"nonsense"},"tables":["a.*"]}"#,
        r#"{"source":{"url":"mysql://u@h"},"tables":["a.*"],"start":"@soon"}"#,
        r#"{"source":{"url":"mysql://u@h"},"tables":["a.*"],"ops":["dll"]}"#,
        r#"{"source":{"url":"mysql://u@h"},"tables":["a.*"],"keep":{"retention":"soon"}}"#,
    ] {
        server.ask("PUT", "/api/v1/tasks/shop", body).await.assert_problem(422, "invalid_value");
    }
    server.get("/api/v1/tasks/%20").await.assert_problem(422, "invalid_value");
    server.stop().await;
}

#[tokio::test]
async fn a_failed_precheck_lists_every_fault_with_its_remedy() {
    let server = Server::start().await;
    let body = r#"{"source":{"url":"mysql://u@unfit"},"tables":["a.*"],"auto_start":true}"#;
    let answer = server.ask("PUT", "/api/v1/tasks/shop", body).await;
    answer.assert_problem(409, "precheck_failed");
    let fault = &answer.json["errors"][0];
    assert_eq!(fault["pointer"], "/source/binlog_format");
    assert_eq!(fault["detail"], "found STATEMENT, needs ROW");
    assert_eq!(fault["remedy"][0]["sql"], "SET …");
    let task = server.get("/api/v1/tasks/shop").await;
    assert_eq!(task.json["state"], "precheck_failed");
    server.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_that_lead_to_each_other() {
    let server = Server::start().await;
    for name in ["a", "b", "c"] {
        server.task(name, "h").await;
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/tasks?page_size=2".to_owned();
    loop {
        let page = server.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let items = page.json["items"].as_array().unwrap().clone();
        assert!(items.len() <= 2);
        names.extend(items.into_iter().map(|task| task["name"].as_str().unwrap().to_owned()));
        let Some(token) = page.json["next_page_token"].as_str() else { break };
        path = format!("/api/v1/tasks?page_size=2&page_token={token}");
    }
    assert_eq!(names, ["a", "b", "c"]);
    for size in ["0", "1001"] {
        let path = format!("/api/v1/tasks?page_size={size}");
        server.get(&path).await.assert_problem(422, "invalid_value");
    }
    for query in ["page_size=many", "page_sise=2"] {
        server.get(&format!("/api/v1/tasks?{query}")).await.assert_problem(400, "malformed");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_group_gets_an_id_and_a_user_and_keeps_them() {
    let server = Server::start().await;
    server.task("shop", "h").await;
    let path = "/api/v1/tasks/shop/groups/billing";
    let body = r#"{"account":"billing","password":"Geheim_1234"}"#;
    let put = server.ask("PUT", path, body).await;
    let id = put.json["group_id"].as_str().expect(&put.text).to_owned();
    assert!(id.starts_with("dts") && id.len() == 18, "{id}");
    assert_eq!(put.json["user"], format!("billing-{id}"));
    assert_eq!(server.ask("PUT", path, body).await.json["group_id"], id.as_str());
    let shown = server.get(path).await;
    assert_eq!(shown.json["checkpoint"], serde_json::Value::Null);
    assert!(!shown.text.contains("Geheim"));
    let weak = r#"{"account":"billing","password":"aaaaaaaa"}"#;
    server.ask("PUT", path, weak).await.assert_problem(422, "invalid_value");
    assert_eq!(server.ask("DELETE", path, "").await.status, 204);
    server.get(path).await.assert_problem(404, "not_found");
    server.get("/api/v1/tasks/none/groups").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn what_a_file_owns_is_changed_there_and_its_owner_is_shown() {
    let server = Server::start().await;
    server.task("shop", "db").await;
    let body = r#"{"account":"billing","password":"Secret_123"}"#;
    assert_eq!(server.ask("PUT", "/api/v1/tasks/shop/groups/billing", body).await.status, 200);
    let (catalog, name) = (&server.app.catalog, TaskName::new("shop").unwrap());
    let owner = Some("wellhead.toml:12".to_owned());
    let spec = catalog.task(&name).unwrap().unwrap().spec;
    server.app.tasks.put(TaskSpec { owner: owner.clone(), ..spec }).unwrap();
    let group = GroupSpec {
        task: name,
        name: "billing".into(),
        account: "billing".into(),
        password: Secret::new("Secret_123"),
        fetch_rate: None,
        owner,
    };
    catalog.put_group(&group).unwrap();

    for path in ["/api/v1/tasks/shop", "/api/v1/tasks/shop/groups/billing"] {
        assert_eq!(server.get(path).await.json["owner"], "wellhead.toml:12");
        let refused = server.ask("DELETE", path, "").await;
        refused.assert_problem(409, "conflict");
        assert!(refused.text.contains("owned by wellhead.toml:12"), "{}", refused.text);
    }
    let put = server.ask("PUT", "/api/v1/tasks/shop/groups/billing", body).await;
    put.assert_problem(409, "conflict");
    let again = r#"{"source":{"url":"mysql://u@elsewhere"},"tables":["shop.*"]}"#;
    server.ask("PUT", "/api/v1/tasks/shop", again).await.assert_problem(409, "conflict");
    assert_eq!(server.ask("POST", "/api/v1/tasks/shop/pause", "").await.status, 202);
    server.stop().await;
}

#[tokio::test]
async fn a_group_is_measured_from_its_first_commit_until_it_is_deleted() {
    let server = Server::start().await;
    server.task("shop", "db").await;
    let body = r#"{"account":"billing","password":"Secret_123"}"#;
    let put = server.ask("PUT", "/api/v1/tasks/shop/groups/billing", body).await;
    let lag = "wellhead_group_lag_records{task=\"shop\",group=\"billing\"} ";
    assert!(!server.get("/metrics").await.text.contains(lag));

    let catalog = server.app.catalog.clone();
    let id = GroupId::new(put.json["group_id"].as_str().unwrap()).unwrap();
    let commit = CommittedOffset {
        topic: TopicName::new("shop").unwrap(),
        partition: 0,
        offset: 1_000_000,
        leader_epoch: 0,
        metadata: String::new(),
        committed_at: UnixTime::from_seconds(7),
    };
    catalog.commit_offsets(&id, &[commit]).unwrap();
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains(&format!("{lag}0\n")), "{metrics}");
    let checkpoint = "wellhead_group_checkpoint_timestamp_seconds{task=\"shop\"";
    assert!(metrics.contains(checkpoint), "{metrics}");
    server.ask("DELETE", "/api/v1/tasks/shop/groups/billing", "").await;
    assert!(!server.get("/metrics").await.text.contains(lag));
    server.stop().await;
}

#[tokio::test]
async fn every_write_is_audited_without_its_body() {
    let server = Server::start().await;
    server.task("shop", "db").await;
    let body = r#"{"account":"billing","password":"Secret_123"}"#;
    server.ask("PUT", "/api/v1/tasks/shop/groups/billing", body).await;
    server.get("/api/v1/tasks").await;
    server.ask("POST", "/api/v1/tasks/shop/pause", "").await;
    server.ask("DELETE", "/api/v1/tasks/none", "").await;
    let acts = server.app.catalog.audit(10).unwrap();
    let told: Vec<_> = acts
        .iter()
        .rev()
        .map(|act| format!("{} {}: {}", act.action, act.target, act.detail))
        .collect();
    assert_eq!(
        told,
        [
            "task.put task shop: answered 200",
            "group.put task shop group billing: answered 200",
            "task.pause task shop: answered 202",
            "task.delete task none: answered 404",
        ]
    );
    assert!(acts.iter().all(|act| act.who.starts_with("admin.sock uid ")), "{acts:?}");
    server.stop().await;
}
