//! Who may call, and what everyone else is told.

use super::Server;

#[tokio::test]
async fn over_tcp_everything_but_liveness_needs_a_token() {
    let server = Server::start().await;
    for path in ["/api/v1/tasks", "/api/v1/server", "/metrics", "/api/v1/openapi.json", "/nowhere"]
    {
        server.ask_over_tcp(path, "").await.assert_problem(401, "unauthorized");
        let wrong = "authorization: Bearer wh_wrong\r\n";
        server.ask_over_tcp(path, wrong).await.assert_problem(401, "unauthorized");
    }
    let right = format!("authorization: Bearer {}\r\n", server.token);
    let answer = server.ask_over_tcp("/api/v1/server", &right).await;
    assert_eq!((answer.status, &answer.json["version"]), (200, &"1.2.3".into()));
    for path in ["/livez", "/readyz"] {
        assert_eq!(server.ask_over_tcp(path, "").await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn over_the_socket_our_own_user_needs_none() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/v1/server").await.status, 200);
    let metrics = server.get("/metrics").await;
    assert!(metrics.text.ends_with("# EOF\n"), "{}", metrics.text);
    assert!(metrics.text.contains("wellhead_build_info{version=\"1.2.3\"} 1\n"));
    assert!(metrics.text.contains("\nwellhead_log_disk_free_bytes{} "), "{}", metrics.text);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_serve_is_not_ready_but_alive() {
    let server = Server::start().await;
    server.app.set_ready(false);
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/livez").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_path_or_method_is_a_problem_too() {
    let server = Server::start().await;
    server.get("/api/v1/nothing").await.assert_problem(404, "not_found");
    let answer = server.ask("PATCH", "/api/v1/tasks", "").await;
    assert_eq!((answer.status, &answer.json["code"]), (405, &"not_found".into()));
    server.stop().await;
}
