//! One client: reads frames, one at a time, has them answered, sends the answers in order.
//!
//! The next request is read only after the answer to the last one is sent, as Kafka does it; what a
//! client sends ahead waits in the socket. No byte is allocated by an announced length: the buffer
//! grows with what has come.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use kafka::{ApiKey, ErrorCode, Segment};
use log::FileRange;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::api::{self, Answer, Call, Endpoint};
use crate::error::ConnectionError;
use crate::principal::Principal;
use crate::sasl::{Credentials, PLAIN};
use crate::session::{Greeting, Session, Step};
use crate::settings::{Advertised, ListenerSettings};
use crate::shared::Shared;
use crate::stop::Stop;

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    endpoint: Endpoint,
    session: Session,
    shared: Arc<Shared>,
    stop: Stop,
    /// When a client that must log in has to be done with it.
    login_by: Instant,
    /// Bytes that were read and not yet used: the rest of a frame, or the start of the next.
    read: BytesMut,
}

/// Counts a connection as open as long as it lives, however it ends.
struct Counted(Gauge);

/// The length in front of a frame.
const LENGTH_BYTES: usize = 4;
/// Read at a time.
const READ_BYTES: usize = 8 << 10;
/// A read buffer that has grown beyond this is given back after its frame.
const KEPT_BYTES_MAX: usize = 64 << 10;

impl Connection {
    /// Wraps an accepted socket.
    pub(crate) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        settings: &ListenerSettings,
        shared: Arc<Shared>,
        stop: Stop,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let endpoint = match &settings.advertised {
            Advertised::At { host, port } => Endpoint { host: host.clone(), port: *port },
            Advertised::Dialled => {
                let dialled = stream.local_addr()?;
                let host = dialled.ip().to_canonical().to_string();
                Endpoint { host, port: dialled.port() }
            }
        };
        let session = Session::new(settings.access);
        let login_by = Instant::now() + shared.settings.login_timeout;
        let read = BytesMut::new();
        Ok(Self { stream, peer, endpoint, session, shared, stop, login_by, read })
    }

    /// Serves until the client goes, breaks the protocol, falls silent, or the broker stops.
    pub(crate) async fn run(mut self) {
        let counted = Counted::new(self.shared.metrics.connections.clone());
        let ended = self.serve().await;
        drop(counted);
        let peer = self.peer;
        match ended {
            Ok(()) | Err(ConnectionError::Unanswerable) => {}
            Err(ConnectionError::Io(error)) => tracing::debug!(%peer, %error, "kafka client lost"),
            Err(ConnectionError::Login) => {
                self.shared.metrics.login_refused(PLAIN);
                tracing::warn!(%peer, "kafka login refused: wrong user or password");
            }
            Err(ConnectionError::GroupDeleted) => {
                tracing::info!(%peer, "kafka client closed: its group was deleted");
            }
            Err(error @ ConnectionError::Catalog(_)) => {
                tracing::error!(%peer, %error, "kafka login impossible");
            }
            Err(error) => {
                self.shared.metrics.protocol_errors.inc();
                tracing::warn!(%peer, %error, "kafka client closed: its bytes are no request we serve");
            }
        }
    }

    async fn serve(&mut self) -> Result<(), ConnectionError> {
        while let Some(frame) = self.next_frame().await? {
            let began = Instant::now();
            let step = self.session.receive(&frame)?;
            match step {
                Step::Answer(greeting) => self.greet(greeting, began).await?,
                Step::Verify(credentials) => {
                    let account = self.verify(credentials).await?;
                    let greeting = self.session.verified(account)?;
                    self.greet(greeting, began).await?;
                }
                Step::Serve(header, request) => {
                    let Some(principal) = self.session.principal() else { return Ok(()) };
                    if !self.shared.still_admits(principal) {
                        return Err(ConnectionError::GroupDeleted);
                    }
                    let peer = self.peer.ip().to_canonical();
                    let call = Call::new(&header, principal, &self.endpoint, peer, &self.stop);
                    let answer = tokio::select! {
                        answer = api::serve(&self.shared, &call, request) => answer?,
                        () = gone(&self.stream) => return Ok(()),
                    };
                    self.send(&answer).await?;
                    self.count(header.api, answer.error, began);
                }
            }
        }
        Ok(())
    }

    /// The next whole frame, without its length; `None` when there will be no more.
    async fn next_frame(&mut self) -> Result<Option<BytesMut>, ConnectionError> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Some(frame));
            }
            self.read.reserve(READ_BYTES);
            let idle_until = Instant::now() + self.shared.settings.idle_timeout;
            let until = match self.session.principal() {
                Some(_) => idle_until,
                None => idle_until.min(self.login_by),
            };
            let read = tokio::select! {
                read = timeout_at(until, self.stream.read_buf(&mut self.read)) => read,
                () = self.stop.raised() => return Ok(None),
            };
            match read {
                Ok(Ok(1..)) => {}
                Ok(Ok(0)) if self.read.is_empty() => return Ok(None),
                Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Splits a frame off what was read, if it is there whole.
    fn take_frame(&mut self) -> Result<Option<BytesMut>, ConnectionError> {
        let Some(length) = self.read.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = i32::from_be_bytes(*length);
        let limit = self.session.frame_bytes_max();
        let size = match usize::try_from(length) {
            Ok(size) if size <= limit => size,
            _ => return Err(ConnectionError::FrameLength { length, limit }),
        };
        if self.read.len() < LENGTH_BYTES + size {
            return Ok(None);
        }
        self.read.advance(LENGTH_BYTES);
        let frame = self.read.split_to(size);
        if self.read.is_empty() && size > KEPT_BYTES_MAX {
            self.read = BytesMut::new();
        }
        Ok(Some(frame))
    }

    /// Sends what the session answers by itself.
    async fn greet(&mut self, greeting: Greeting, began: Instant) -> Result<(), ConnectionError> {
        self.send_bytes(&greeting.bytes).await?;
        self.count(greeting.api, greeting.error, began);
        greeting.close.map_or(Ok(()), Err)
    }

    /// Whom the credentials belong to. Those that belong to nobody are told late, because clients try
    /// again at once, and for ever.
    async fn verify(
        &mut self,
        credentials: Option<Credentials>,
    ) -> Result<Option<Principal>, ConnectionError> {
        let found = match credentials {
            Some(credentials) => self.account_of(credentials).await?,
            None => None,
        };
        if found.is_none() {
            tokio::select! {
                () = tokio::time::sleep(self.shared.settings.login_refusal_delay) => {}
                () = self.stop.raised() => {}
            }
        }
        Ok(found)
    }

    async fn account_of(
        &self,
        credentials: Credentials,
    ) -> Result<Option<Principal>, ConnectionError> {
        let Ok(_place) = self.shared.checks.acquire().await else { return Ok(None) };
        let catalog = self.shared.catalog.clone();
        let check = tokio::task::spawn_blocking(move || {
            catalog.verify_password(&credentials.user, &credentials.password)
        });
        let group = check.await.map_err(io::Error::other)??;
        Ok(group.map(|group| Principal::Account { group: group.id, task: group.task }))
    }

    /// Sends an answer, its records straight from their files.
    async fn send(&mut self, answer: &Answer) -> Result<(), ConnectionError> {
        let mut records = answer.records.iter();
        for segment in answer.frame.segments() {
            match segment {
                Segment::Bytes(bytes) => self.send_bytes(bytes).await?,
                Segment::Records(_) => {
                    if let Some(range) = records.next() {
                        self.send_range(range).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn send_bytes(&mut self, mut bytes: &[u8]) -> Result<(), ConnectionError> {
        let patience = self.shared.settings.write_timeout;
        while !bytes.is_empty() {
            let written = within(patience, self.stream.write(bytes)).await?;
            match written {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                _ => bytes = bytes.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    async fn send_range(&mut self, range: &FileRange) -> Result<(), ConnectionError> {
        let patience = self.shared.settings.write_timeout;
        let stream = &self.stream;
        let mut sent = 0_u64;
        while sent < range.length() {
            let part = stream.async_io(Interest::WRITABLE, || range.send(sent, stream));
            match within(patience, part).await? {
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                part => sent = sent.saturating_add(part as u64),
            }
        }
        Ok(())
    }

    fn count(&self, api: ApiKey, error: ErrorCode, began: Instant) {
        self.shared.metrics.answered(api, error, began.elapsed());
    }
}

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Waits until the client has closed its side. One that has already sent its next request counts as
/// there.
async fn gone(stream: &TcpStream) {
    match stream.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}

/// A step of sending that must not take for ever.
async fn within<T>(patience: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, step).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
