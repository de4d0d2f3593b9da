//! Addresses, messages, and calls against a real socket.

use std::io::{Error, ErrorKind};

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::*;
use crate::cli::Cli;

fn flags(line: &str) -> Global {
    Cli::try_parse_from(line.split(' ')).unwrap().global
}

/// Answers one request with `response`, and gives back what was asked.
async fn served(
    response: &'static str,
) -> (Client, tokio::task::JoinHandle<String>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("admin.sock")).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let length = stream.read(&mut bytes).await.unwrap();
        stream.write_all(response.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    let line = format!("wellhead --data-dir {} health", folder.path().display());
    (Client::new(&flags(&line)).unwrap(), server, folder)
}

#[test]
fn an_address_is_a_host_and_a_port() {
    for (url, expected) in [
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("http://wh.internal/", "wh.internal:8090"),
        ("http://[::1]", "[::1]:8090"),
        ("http://[::1]:81", "[::1]:81"),
        ("https://wh.internal", "wh.internal:8090"),
    ] {
        assert_eq!(address(url).unwrap(), (url.starts_with("https"), expected.to_owned()));
    }
}

#[test]
fn a_certificate_is_held_against_the_host_alone() {
    for (authority, expected) in [("wh.internal:8090", "wh.internal"), ("[::1]:81", "::1")] {
        assert_eq!(host(authority), expected);
    }
}

#[test]
fn a_wrong_address_is_refused_with_the_reason() {
    let refused = |url: &str| address(url).unwrap_err().to_string();
    let hint = "; it is the server's address, like http://127.0.0.1:8090";
    for (url, why) in [
        ("mysql://u@h", "names a database, which --source takes"),
        ("h:8090", "starts with neither http:// nor https://"),
        ("http://u@h", "has more or less than a host and a port"),
        ("http://h/api", "has more or less than a host and a port"),
    ] {
        assert_eq!(refused(url), format!("--url {why}{hint}"));
    }
}

#[test]
fn names_become_one_segment_of_a_path() {
    assert_eq!(segment("shop-1.a_b"), "shop-1.a_b");
    assert_eq!(segment("a/b ?#%+组"), "a%2Fb%20%3F%23%25%2B%E7%BB%84");
}

#[test]
fn nobody_there_is_told_with_the_next_command() {
    let gone = Error::from(ErrorKind::NotFound);
    let socket = |guessed| Place::Socket { path: "./wellhead-data/admin.sock".into(), guessed };
    let base = "no server answers at ./wellhead-data/admin.sock; is it running? start it with: wellhead serve -c wellhead.toml, or: wellhead tap URL";
    assert_eq!(socket(false).unreachable(&gone).to_string(), base);
    assert_eq!(
        socket(true).unreachable(&gone).to_string(),
        format!("{base} (its data is elsewhere? give --data-dir)")
    );
    assert_eq!(
        socket(false).unreachable(&Error::from(ErrorKind::PermissionDenied)).to_string(),
        "./wellhead-data/admin.sock may not be used by this user; run this as the server's user, or give --url and --token-file"
    );
    assert_eq!(
        Place::Tcp { authority: "h:8090".into(), tls: None }
            .unreachable(&Error::from(ErrorKind::ConnectionRefused))
            .to_string(),
        "no server answers at http://h:8090 (connection refused); is it running, and is that the address of http.listen?"
    );
}

#[tokio::test]
async fn a_call_is_one_request_over_the_socket() {
    let (client, server, _folder) =
        served("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"tasks\":3").await;
    let strange = client.get::<serde_json::Value>("/api/v1/server").await.unwrap_err().to_string();
    assert!(strange.contains("is not wellhead, or another version of it"), "{strange}");
    let asked = server.await.unwrap();
    assert!(asked.starts_with("GET /api/v1/server HTTP/1.1\r\nhost: localhost\r\n"), "{asked}");
}

#[tokio::test]
async fn a_problem_becomes_an_error_with_its_detail() {
    let (client, _server, _folder) = served(concat!(
        "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n",
        r#"{"type":"/errors/unauthorized","title":"not authorized","status":401,"#,
        r#""code":"unauthorized","detail":"send a token"}"#
    ))
    .await;
    let error = client.delete("/api/v1/tasks/shop").await.unwrap_err();
    assert_eq!(error.to_string(), "send a token; give it with --token-file FILE");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_forever() {
    let folder = tempfile::tempdir().unwrap();
    let _listener = UnixListener::bind(folder.path().join("admin.sock")).unwrap();
    let line = format!("wellhead --data-dir {} --timeout 50ms health", folder.path().display());
    let client = Client::new(&flags(&line)).unwrap();
    let error = client.get::<serde_json::Value>("/readyz").await.unwrap_err().to_string();
    assert!(error.ends_with("did not answer within 0.05 s; give a longer --timeout"), "{error}");
}

#[test]
fn a_secret_file_loses_only_its_line_break() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " p w \r\n").unwrap();
    assert_eq!(read_secret(file.path()).unwrap(), " p w ");
    let missing = read_secret(Path::new("/nowhere/secret")).unwrap_err().to_string();
    assert_eq!(missing, "/nowhere/secret cannot be read: No such file or directory (os error 2)");
}
