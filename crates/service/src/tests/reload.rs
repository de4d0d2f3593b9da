//! The configuration, read again as somebody plays it.

use std::sync::Mutex;

use super::Server;
use crate::{Problem, Reload};

/// Answers what a test has put there.
#[derive(Debug, Default)]
pub(super) struct PlayedReload {
    wrong: Mutex<Option<Problem>>,
}

impl Reload for PlayedReload {
    fn reload(&self) -> Result<Vec<String>, Problem> {
        match self.wrong.lock().unwrap().take() {
            Some(problem) => Err(problem),
            None => Ok(vec!["kafka.listen".into()]),
        }
    }
}

#[tokio::test]
async fn a_configuration_is_read_again_and_what_came_of_it_is_shown() {
    let server = Server::start().await;
    let shown = server.get("/api/v1/server").await;
    assert!(shown.json["last_reload"].is_null(), "{}", shown.text);
    assert_eq!(shown.json["listeners"][0]["login"], "sasl");

    let answer = server.ask("POST", "/api/v1/server/config/reload", "").await;
    assert_eq!((answer.status, &answer.json["restart_for"][0]), (200, &"kafka.listen".into()));
    let last = &server.get("/api/v1/server").await.json["last_reload"];
    assert_eq!((&last["success"], &last["restart_for"][0]), (&true.into(), &"kafka.listen".into()));

    let wrong = Problem::invalid("wellhead.toml:3", "unknown key \"listn\"");
    *server.reload.wrong.lock().unwrap() = Some(wrong);
    let answer = server.ask("POST", "/api/v1/server/config/reload", "").await;
    assert_eq!((answer.status, &answer.json["code"]), (422, &"invalid_value".into()));
    let last = &server.get("/api/v1/server").await.json["last_reload"];
    assert_eq!(
        (&last["success"], &last["error"]),
        (&false.into(), &"unknown key \"listn\"".into())
    );
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("wellhead_config_last_reload_success 0"), "{metrics}");
    assert!(metrics.contains("wellhead_config_reload_timestamp_seconds 1"), "{metrics}");
}
