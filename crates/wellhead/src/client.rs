//! The client of the API: HTTP/1.1 over the admin socket of a data folder, or over TCP with a token, in clear
//! or under TLS.
//!
//! One connection a call; nothing here retries.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::Problem;
use tls::Connector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::cli::{Global, TAP_DATA_DIR};
use crate::config::{self, Inputs};
use crate::exit::Failure;

/// A way to a server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    place: Place,
    token: Option<String>,
    timeout: Duration,
}

/// Where a server answers.
#[derive(Debug, Clone)]
enum Place {
    Socket {
        path: PathBuf,
        /// Nobody named the folder, so it may be another one.
        guessed: bool,
    },
    Tcp {
        /// `host:port`.
        authority: String,
        /// `None` speaks plain HTTP.
        tls: Option<Connector>,
    },
}

/// An answer without its meaning.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    body: Bytes,
}

/// The longest answer that is taken: some records of the largest rows there are.
const ANSWER_BYTES_MAX: usize = 512 << 20;
/// Where a server keeps its data when nobody says otherwise.
const DATA_DIR: &str = "/var/lib/wellhead";
const DEFAULT_PORT: u16 = 8090;

impl Client {
    /// The server that the flags name, else the one whose data folder is found.
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let token = global.token_file.as_deref().map(read_secret).transpose()?;
        let place = match &global.url {
            Some(url) => {
                let (is_secured, authority) = address(url)?;
                let connector = || Connector::new(global.url_ca.as_deref());
                let tls = is_secured.then(connector).transpose();
                Place::Tcp { authority, tls: tls.map_err(|e| Failure::usage(e.to_string()))? }
            }
            None => {
                let (folder, guessed) = data_dir(global)?;
                Place::Socket { path: folder.join("admin.sock"), guessed }
            }
        };
        Ok(Self { place, token, timeout: global.timeout })
    }

    /// The same way, with more patience.
    pub(crate) fn with_patience(mut self, more: Duration) -> Self {
        self.timeout = self.timeout.saturating_add(more);
        self
    }

    /// `GET`, answered with JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(Method::GET, path, Bytes::new()).await
    }

    /// `POST` without a body, answered with JSON.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(Method::POST, path, Bytes::new()).await
    }

    /// `POST` of JSON, answered with JSON.
    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).context("the request cannot be written as JSON")?;
        self.json(Method::POST, path, body.into()).await
    }

    /// `PUT` of JSON, answered with JSON.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).context("the request cannot be written as JSON")?;
        self.json(Method::PUT, path, body.into()).await
    }

    /// `DELETE`, answered with nothing.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        let reply = self.exchange(Method::DELETE, path, Bytes::new()).await?;
        self.checked(reply).map(|_| ())
    }

    /// Any call, with any answer.
    pub(crate) async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Reply> {
        let late = || {
            let waited = self.timeout.as_secs_f64();
            Failure::environment(format!(
                "the server at {} did not answer within {waited} s; give a longer --timeout",
                self.place.shown()
            ))
        };
        let exchange = async {
            match &self.place {
                Place::Socket { path: socket, .. } => {
                    let stream = UnixStream::connect(socket).await;
                    self.speak(stream.map_err(|e| self.place.unreachable(&e))?, method, path, body)
                        .await
                }
                Place::Tcp { authority, tls } => {
                    let stream = TcpStream::connect(authority).await;
                    let stream = stream.map_err(|e| self.place.unreachable(&e))?;
                    let Some(connector) = tls else {
                        return self.speak(stream, method, path, body).await;
                    };
                    let stream = connector.connect(host(authority), stream).await;
                    let stream = stream.map_err(|e| self.place.distrusted(&e))?;
                    self.speak(stream, method, path, body).await
                }
            }
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| late())?
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T> {
        let reply = self.exchange(method, path, body).await?;
        let body = self.checked(reply)?;
        serde_json::from_slice(&body).map_err(|_| self.strange().into())
    }

    /// The body of a good answer, or what the server has against the call.
    fn checked(&self, reply: Reply) -> Result<Bytes> {
        if reply.status.is_success() {
            return Ok(reply.body);
        }
        match serde_json::from_slice::<Problem>(&reply.body) {
            Ok(mut problem) => {
                if reply.status == StatusCode::UNAUTHORIZED {
                    problem.detail.push_str("; give it with --token-file FILE");
                }
                Err(Failure::refused(problem).into())
            }
            Err(_) => Err(self.strange().into()),
        }
    }

    async fn speak<S>(&self, stream: S, method: Method, path: &str, body: Bytes) -> Result<Reply>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| {
            Failure::environment(format!(
                "the connection to {} broke: {error}; is the server stopping?",
                self.place.shown()
            ))
        };
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, self.place.host());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body)).context("the request cannot be written")?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let answer = async move {
            let response = sender.send_request(request).await.map_err(broken)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| {
                Failure::environment(format!("the answer could not be read: {error}"))
            })?;
            anyhow::Ok(Reply { status, body: body.to_bytes() })
        };
        // The connection ends when the answer is read and its sender gone; what ends it badly is told
        // by the answer too.
        let (answer, _connection) = tokio::join!(answer, connection);
        answer
    }

    fn strange(&self) -> Failure {
        Failure::environment(format!(
            "what answers at {} is not wellhead, or another version of it; look at --url, and at wellhead version",
            self.place.shown()
        ))
    }
}

impl Place {
    fn shown(&self) -> String {
        match self {
            Self::Socket { path, .. } => path.display().to_string(),
            Self::Tcp { authority, tls: None } => format!("http://{authority}"),
            Self::Tcp { authority, tls: Some(_) } => format!("https://{authority}"),
        }
    }

    fn host(&self) -> &str {
        match self {
            Self::Socket { .. } => "localhost",
            Self::Tcp { authority, .. } => authority,
        }
    }

    /// The handshake of TLS came to nothing.
    fn distrusted(&self, error: &std::io::Error) -> Failure {
        let shown = self.shown();
        Failure::environment(format!(
            "the server at {shown} is not trusted ({error}); give the authority of its certificate with --url-ca FILE, and the name that it has with --url; or does it speak http?"
        ))
    }

    fn unreachable(&self, error: &std::io::Error) -> Failure {
        let shown = self.shown();
        let message = match self {
            Self::Socket { .. } if error.kind() == std::io::ErrorKind::PermissionDenied => format!(
                "{shown} may not be used by this user; run this as the server's user, or give --url and --token-file"
            ),
            Self::Socket { guessed, .. } => {
                let hint = if *guessed { " (its data is elsewhere? give --data-dir)" } else { "" };
                format!(
                    "no server answers at {shown}; is it running? start it with: wellhead serve -c wellhead.toml, or: wellhead tap URL{hint}"
                )
            }
            Self::Tcp { .. } => format!(
                "no server answers at {shown} ({error}); is it running, and is that the address of http.listen?"
            ),
        };
        Failure::environment(message)
    }
}

/// The host of a `host:port`.
fn host(authority: &str) -> &str {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// A name as one segment of a path.
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A secret from a file, without the line break that editors leave at its end.
pub(crate) fn read_secret(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The data folder, and whether it was only guessed.
pub(crate) fn data_dir(global: &Global) -> Result<(PathBuf, bool)> {
    if let Some(folder) = &global.data_dir {
        return Ok((folder.clone(), false));
    }
    if global.config.is_some() || std::env::var_os("WELLHEAD_SERVER__DATA_DIR").is_some() {
        return Ok((load(global)?.config.server.data_dir, false));
    }
    let near = Path::new(TAP_DATA_DIR);
    let folder = if near.is_dir() { near } else { Path::new(DATA_DIR) };
    Ok((folder.to_path_buf(), true))
}

/// The configuration that the flags and the environment name.
pub(crate) fn load(global: &Global) -> Result<config::Loaded> {
    Ok(config::load(&inputs(global))?)
}

/// What the flags and the environment say of the configuration.
pub(crate) fn inputs(global: &Global) -> Inputs {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let flags = global.data_dir.as_ref().map(|folder| config::Flag {
        name: "--data-dir",
        key: "server.data_dir",
        value: folder.to_string_lossy().into_owned(),
    });
    let flags = flags.into_iter().collect();
    Inputs { file: global.config.clone(), environment, flags, without_secrets: false }
}

/// Whether an address like `https://wh.internal:8090` asks for TLS, and its `host:port`.
fn address(url: &str) -> Result<(bool, String)> {
    let wrong = |why: &str| {
        Failure::usage(format!(
            "--url {why}; it is the server's address, like http://127.0.0.1:8090"
        ))
    };
    if url.starts_with("mysql://") || url.starts_with("mariadb://") {
        return Err(wrong("names a database, which --source takes").into());
    }
    let (is_secured, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        (None, None) => return Err(wrong("starts with neither http:// nor https://").into()),
    };
    let address = rest.trim_end_matches('/');
    if address.is_empty() || address.contains(['/', '@', '?', '#', ' ']) {
        return Err(wrong("has more or less than a host and a port").into());
    }
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { address.to_owned() } else { format!("{address}:{DEFAULT_PORT}") };
    Ok((is_secured, address))
}

#[cfg(test)]
mod tests;
