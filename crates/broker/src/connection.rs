//! One client: reads frames, one at a time, has them answered, sends the answers in order.
//!
//! The next request is read only after the answer to the last one is sent, as Kafka does it; what a
//! client sends ahead waits in the socket. How bytes come and go is not seen here: see `incoming` and
//! `outgoing`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use budget::Lane;
use kafka::{ApiKey, ErrorCode};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::api::{self, Call, Endpoint};
use crate::cursors::Cursors;
use crate::error::ConnectionError;
use crate::incoming::{Came, Incoming, RESERVE_BYTES, Received};
use crate::outgoing::Outgoing;
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
    incoming: Incoming,
    cursors: Cursors,
}

/// Counts a connection as open as long as it lives, however it ends.
struct Counted(Gauge);

/// A client that asks for nothing for so long keeps no buffer and no file open.
const QUIET: Duration = Duration::from_secs(10);

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
        let share = shared.settings.budget.share(Lane::Serving, RESERVE_BYTES);
        let incoming = Incoming::new(share, shared.settings.write_timeout);
        let cursors = Cursors::default();
        Ok(Self { stream, peer, endpoint, session, shared, stop, login_by, incoming, cursors })
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
        while let Some(received) = self.next_request().await? {
            let began = Instant::now();
            let step = self.session.receive(&received.bytes)?;
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
                        biased;
                        answer = api::serve(&self.shared, &call, request, &mut self.cursors) => answer?,
                        () = gone(&self.stream) => return Ok(()),
                    };
                    let api = header.api;
                    let bytes = answer.frame.bytes().len();
                    let _room = self.incoming.room(received, bytes).await;
                    self.outgoing(answer.frame.sent_len() as u64).answer(&answer).await?;
                    self.count(api, answer.error, began);
                }
            }
        }
        Ok(())
    }

    /// The next request; `None` when there will be no more.
    async fn next_request(&mut self) -> Result<Option<Received>, ConnectionError> {
        let now = Instant::now();
        let idle_until = now + self.shared.settings.idle_timeout;
        let until = match self.session.principal() {
            Some(_) => idle_until,
            None => idle_until.min(self.login_by),
        };
        let limit = self.session.frame_bytes_max();
        for wait in [until.min(now + QUIET), until] {
            match self.incoming.next(&mut self.stream, limit, wait, &mut self.stop).await? {
                Came::Frame(received) => return Ok(Some(received)),
                Came::End => return Ok(None),
                Came::Nothing => {
                    self.incoming.release();
                    self.cursors.release();
                }
            }
        }
        Ok(None)
    }

    /// Sends what the session answers by itself.
    async fn greet(&mut self, greeting: Greeting, began: Instant) -> Result<(), ConnectionError> {
        self.outgoing(greeting.bytes.len() as u64).bytes(&greeting.bytes, false).await?;
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

    /// The way out, for something of this length.
    fn outgoing(&self, bytes: u64) -> Outgoing<'_> {
        let patience = self.shared.settings.write_timeout;
        Outgoing::new(&self.stream, &self.shared.disk, patience, bytes)
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
