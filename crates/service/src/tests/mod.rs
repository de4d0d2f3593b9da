//! The API as programs meet it: over sockets, with a source that is only played.

mod access;
mod budget;
mod choices;
mod played;
mod records;
mod reload;
mod tasks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::budget::Budget;
use catalog::Catalog;
use change::SystemClock;
use kafka::batch::Compression;
use prometheus_client::registry::Registry;
use serde_json::Value;
use task::{Metrics, Settings, Tasks};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{App, HttpServer, ListenerFacts, ServerFacts};
use played::{Deaf, Played};
use reload::PlayedReload;

/// A server on a free port and a socket.
struct Server {
    tcp: SocketAddr,
    socket: PathBuf,
    token: String,
    app: App,
    tasks: Tasks,
    reload: Arc<PlayedReload>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
    _folder: tempfile::TempDir,
}

/// An answer, its body read as JSON where it is some.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    text: String,
    json: Value,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let token = catalog.create_admin_token("test", None).unwrap();
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let clock = Arc::new(SystemClock);
        let broker = broker::Broker::new(
            broker::Settings::default(),
            Arc::default(),
            catalog.clone(),
            clock.clone(),
            &mut registry,
        );
        let settings = settings(folder.path().join("log"));
        let tasks = Tasks::open(
            catalog.clone(),
            settings,
            Arc::new(Played),
            Arc::new(Deaf),
            clock.clone(),
            metrics,
        )
        .unwrap();
        let socket = folder.path().join("admin.sock");
        let http = HttpServer::bind("127.0.0.1:0".parse().unwrap(), None, &socket).await.unwrap();
        let tcp = http.address().unwrap();
        let reload = Arc::new(PlayedReload::default());
        let facts = ServerFacts {
            version: "1.2.3",
            started: change::Clock::now(&SystemClock),
            listeners: vec![ListenerFacts {
                name: None,
                address: "127.0.0.1:9092".parse().unwrap(),
                advertised: "auto".into(),
                login: "sasl",
                tls: None,
            }],
            http: tcp,
            http_tls: None,
            reload: Some(reload.clone()),
            data_dir: folder.path().into(),
            accounts: true,
            budget: Budget::new(64 << 20),
        };
        let app = App::new(tasks.clone(), catalog, broker.groups(), registry, facts, clock);
        app.set_ready(true);
        let (stop, stopped) = watch::channel(false);
        let serving = http.serve(app.clone(), stopped);
        let token = token.secret.expose().to_owned();
        Self { tcp, socket, token, app, tasks, reload, stop, serving, _folder: folder }
    }

    /// Asks over the socket.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        exchange(stream, method, path, "", body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Asks over TCP with these header lines.
    async fn ask_over_tcp(&self, path: &str, headers: &str) -> Answer {
        let stream = TcpStream::connect(self.tcp).await.unwrap();
        exchange(stream, "GET", path, headers, "").await
    }

    /// A task whose played source has delivered all it has.
    async fn task(&self, name: &str, host: &str) {
        let body = format!(
            r#"{{"source":{{"url":"mysql://u:geheim@{host}/"}},"tables":["shop.*"],"auto_start":true}}"#
        );
        let answer = self.ask("PUT", &format!("/api/v1/tasks/{name}"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Waits until a GET answers what is wanted, and answers that.
    async fn wait(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(std::time::Instant::now() < deadline, "{path} still answers {}", answer.text);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) {
        self.app.set_ready(false);
        let tasks = self.tasks.clone();
        tokio::task::spawn_blocking(move || tasks.shutdown()).await.unwrap();
        self.stop.send_replace(true);
        self.serving.await.unwrap().unwrap();
        assert!(!self.socket.exists());
    }
}

impl Answer {
    /// The error body of the contract, whatever went wrong.
    fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.json["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        assert_eq!(self.json["status"], status);
        assert!(self.json["type"].as_str().unwrap().starts_with("/errors/"));
        assert!(!self.json["detail"].as_str().unwrap().is_empty());
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer").unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, text) = text.split_once("\r\n\r\n").expect("a whole head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let json = serde_json::from_str(text).unwrap_or(Value::Null);
    Answer { status, head: head.to_ascii_lowercase(), text: text.into(), json }
}

fn settings(log_dir: PathBuf) -> Settings {
    Settings {
        log_dir,
        disk: Arc::new(log::durable::RealDisk),
        segment_bytes: 1 << 20,
        compression: Compression::Lz4,
        sync_interval: Duration::from_millis(1),
        heartbeat: Duration::from_secs(3600),
        queue_bytes: 1 << 20,
        budget: Budget::new(64 << 20),
        min_free_bytes: 0,
        retry_for: Duration::from_secs(60),
        retry_max_interval: Duration::from_secs(1),
        retention: Duration::from_secs(3600),
        retention_bytes: None,
    }
}
