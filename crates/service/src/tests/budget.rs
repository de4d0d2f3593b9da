//! How many series a scrape may have: 60 for the server, 45 for a task, 8 for a group.

use catalog::CommittedOffset;
use change::{GroupId, TopicName, UnixTime};

use super::Server;

#[tokio::test]
async fn a_scrape_stays_within_its_budget_of_series() {
    let server = Server::start().await;
    for task in ["a", "b", "c"] {
        server.task(task, "db").await;
        let body = r#"{"account":"billing","password":"Secret_123"}"#;
        let path = format!("/api/v1/tasks/{task}/groups/billing");
        let put = server.ask("PUT", &path, body).await;
        let commit = CommittedOffset {
            topic: TopicName::new(task).unwrap(),
            partition: 0,
            offset: 1,
            leader_epoch: 0,
            metadata: String::new(),
            committed_at: UnixTime::from_seconds(7),
        };
        let id = GroupId::new(put.json["group_id"].as_str().unwrap()).unwrap();
        server.app.catalog.commit_offsets(&id, &[commit]).unwrap();
        // A task that was started, stopped and started elsewhere.
        for act in ["pause", "start", "pause"] {
            server.ask("POST", &format!("/api/v1/tasks/{task}/{act}"), "").await;
        }
        let start = r#"{"start":"now","accept_gap":true}"#;
        server.ask("POST", &format!("/api/v1/tasks/{task}/start"), start).await;
        let path = format!("/api/v1/tasks/{task}");
        server.wait(&path, |shown| shown.json["state"] == "normal").await;
    }
    let metrics = server.get("/metrics").await.text;
    let series = |with: &str| {
        let lines = metrics.lines().filter(|line| !line.starts_with('#'));
        lines.filter(|line| line.contains(with)).count()
    };
    let (task, group) = ("task=\"a\"", "group=\"billing\"");
    let of_groups = series(group);
    let of_tasks: usize =
        ["a", "b", "c"].map(|name| series(&format!("task=\"{name}\""))).iter().sum();
    let of_server = series("") - of_tasks;
    assert!(of_server <= 60, "{of_server} of the server\n{metrics}");
    assert!(of_tasks - of_groups <= 3 * 45, "{} of task a\n{metrics}", series(task));
    assert!(of_groups <= 3 * 8, "{of_groups} of groups\n{metrics}");
    server.stop().await;
}
