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
use tls::{HandshakeError, Identity, Secured};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::api::{self, Answer, Call, Endpoint};
use crate::cursors::Cursors;
use crate::error::ConnectionError;
use crate::incoming::{Came, Demand, Incoming, RESERVE_BYTES, Received};
use crate::login;
use crate::outgoing::{COPY_BYTES_MAX, Outgoing};
use crate::places::Place;
use crate::principal::Principal;
use crate::session::{Greeting, Session, Step, Terms};
use crate::settings::{Access, Advertised, ListenerSettings};
use crate::shared::Shared;
use crate::stop::Stop;
use crate::strays::{Sign, Trail};
use crate::stream::Stream;

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    peer: SocketAddr,
    /// Its place among all connections.
    place: Place,
    endpoint: Endpoint,
    session: Session,
    shared: Arc<Shared>,
    stop: Stop,
    /// When a client that must log in has to be done with it.
    login_by: Instant,
    incoming: Incoming,
    cursors: Cursors,
    trail: Trail,
    /// What to tell of clients that do not come to where they are told; `None` where they are told what
    /// they dialled.
    advertised: Option<Told>,
}

/// Where clients are told to connect.
#[derive(Debug)]
struct Told {
    address: String,
    /// What configures it.
    setting: String,
}

/// Counts a connection as open as long as it lives, however it ends.
struct Counted(Gauge);

/// What counters call logins by certificate.
const TLS: &str = "TLS";
/// A client that asks for nothing for so long keeps no buffer and no file open.
const QUIET: Duration = Duration::from_secs(10);

impl Connection {
    /// Serves an accepted client until it goes, breaks the protocol, falls silent, or the broker stops.
    pub(crate) async fn run(
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
        settings: &ListenerSettings,
        terms: Arc<Terms>,
        shared: Arc<Shared>,
        stop: Stop,
    ) {
        let counted = Counted::new(shared.metrics.connections.clone());
        let metrics = shared.metrics.clone();
        let ended = match Self::open(stream, peer, place, settings, terms, shared, stop).await {
            Ok(Some(mut connection)) => {
                let ended = connection.serve().await;
                if connection.trail.has_come() {
                    connection.shared.strays().left(peer.ip().to_canonical());
                }
                ended
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        drop(counted);
        match ended {
            Ok(()) | Err(ConnectionError::Unanswerable) => {}
            Err(
                ConnectionError::Io(error) | ConnectionError::Handshake(HandshakeError::Io(error)),
            ) => {
                tracing::debug!(%peer, %error, "kafka client lost");
            }
            Err(ConnectionError::Login { mechanism, reason }) => {
                metrics.login_refused(mechanism.name());
                tracing::warn!(%peer, %mechanism, reason, "kafka login refused");
            }
            Err(ConnectionError::Full(limit)) => {
                metrics.connection_refused(limit.label());
                tracing::warn!(%peer, %limit, "kafka login refused: too many connections");
            }
            Err(ConnectionError::Guesses) => {
                metrics.connection_refused("guesses");
                tracing::warn!(%peer, "kafka client closed: too many logins from its address were wrong");
            }
            Err(ConnectionError::LoginTimeout) => {
                metrics.connection_refused("login_timeout");
                tracing::info!(%peer, "kafka client closed: it did not log in in time");
            }
            Err(ConnectionError::LoginExpired) => {
                tracing::info!(%peer, "kafka client closed: its login was not renewed in time");
            }
            Err(
                error @ (ConnectionError::Stranger
                | ConnectionError::Handshake(HandshakeError::Refused(_))),
            ) => {
                metrics.login_refused(TLS);
                tracing::warn!(%peer, %error, "kafka client refused during its TLS handshake");
            }
            Err(ConnectionError::GroupDeleted) => {
                tracing::info!(%peer, "kafka client closed: its group was deleted");
            }
            Err(error @ ConnectionError::Catalog(_)) => {
                tracing::error!(%peer, %error, "kafka login impossible");
            }
            Err(error) => {
                metrics.protocol_errors.inc();
                tracing::warn!(%peer, %error, "kafka client closed: its bytes are no request we serve");
            }
        }
    }

    /// Shakes hands where the listener asks for it; `None` if the broker stops.
    async fn open(
        stream: TcpStream,
        peer: SocketAddr,
        mut place: Place,
        settings: &ListenerSettings,
        terms: Arc<Terms>,
        shared: Arc<Shared>,
        mut stop: Stop,
    ) -> Result<Option<Self>, ConnectionError> {
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let login_by = Instant::now() + shared.settings.login_timeout;
        let (stream, dialled, client) = match &settings.tls {
            None => (Stream::Plain(stream), None, None),
            Some(acceptor) => {
                let accepted = tokio::select! {
                    accepted = timeout_at(login_by, acceptor.accept(stream)) => accepted,
                    () = stop.raised() => return Ok(None),
                };
                let accepted = accepted.map_err(|_late| ConnectionError::LoginTimeout)?;
                let Secured { stream, dialled, client } = accepted?;
                (Stream::Tls(Box::new(stream)), dialled, client)
            }
        };
        let endpoint = match (&settings.advertised, dialled) {
            (Advertised::At { host, port }, _) => Endpoint { host: host.clone(), port: *port },
            (Advertised::Dialled, Some(host)) => Endpoint { host, port: local.port() },
            (Advertised::Dialled, None) => {
                Endpoint { host: local.ip().to_canonical().to_string(), port: local.port() }
            }
        };
        let known = match settings.access {
            Access::Certificates => {
                let principal = certified(&shared, client).await?;
                place.belongs_to(&principal).map_err(ConnectionError::Full)?;
                Some(principal)
            }
            Access::Anonymous | Access::Accounts => None,
        };
        let session = Session::new(settings.access, known, terms);
        let share = shared.settings.budget.share(Lane::Serving, RESERVE_BYTES);
        let incoming = Incoming::new(share, shared.settings.write_timeout);
        let cursors = Cursors::default();
        Ok(Some(Self {
            stream,
            peer,
            place,
            endpoint,
            session,
            shared,
            stop,
            login_by,
            incoming,
            cursors,
            trail: Trail::default(),
            advertised: told(settings),
        }))
    }

    async fn serve(&mut self) -> Result<(), ConnectionError> {
        while let Some(mut received) = self.next_request().await? {
            let began = Instant::now();
            let mut step = self.session.receive(began.into_std(), &received.bytes)?;
            if let Step::Serve { elements, .. } = step
                && let Demand::Bytes(bytes) = received.memory.settle(received.bytes.len(), elements)
            {
                // It waits as the few bytes that it came in.
                drop(step);
                self.incoming.grow(&mut received, bytes).await;
                step = self.session.receive(began.into_std(), &received.bytes)?;
            }
            match step {
                Step::Answer(greeting) => self.greet(greeting, began).await?,
                Step::Ask(question) => {
                    let (session, place) = (&mut self.session, &mut self.place);
                    let login =
                        login::decide(&self.shared, session, place, self.peer.ip(), question);
                    let greeting = tokio::select! {
                        decided = login => decided?,
                        () = self.stream.gone() => return Ok(()),
                        () = self.stop.raised() => return Ok(()),
                    };
                    self.greet(greeting, began).await?;
                }
                Step::Admit(_) => {
                    return Err(ConnectionError::Sasl("a login was complete without a question"));
                }
                Step::Serve { header, request, .. } => {
                    let Some(principal) = self.session.principal() else { return Ok(()) };
                    if !self.shared.still_admits(principal) {
                        return Err(ConnectionError::GroupDeleted);
                    }
                    let peer = self.peer.ip().to_canonical();
                    let call = Call::new(&header, principal, &self.endpoint, peer, &self.stop);
                    let mut answer = tokio::select! {
                        biased;
                        answer = api::serve(&self.shared, &call, request, &mut self.cursors) => answer?,
                        () = self.stream.gone() => return Ok(()),
                    };
                    let api = header.api;
                    let bytes = answer.frame.bytes().len() + self.copied(&answer);
                    // Who holds memory waits for none.
                    let _room = match answer.memory.take() {
                        Some(held) => Some(held),
                        None => self.incoming.room(received, bytes).await,
                    };
                    self.outgoing(answer.frame.sent_len() as u64).answer(&answer).await?;
                    self.count(api, answer.error, began);
                    if !answer.throttle.is_zero() && !self.wait_out(answer.throttle).await {
                        return Ok(());
                    }
                    let now = Instant::now();
                    let sign = self.trail.answered(api, now);
                    self.follow(sign, now);
                }
            }
        }
        Ok(())
    }

    /// The next request; `None` when there will be no more.
    async fn next_request(&mut self) -> Result<Option<Received>, ConnectionError> {
        let now = Instant::now();
        let idle_until = now + self.shared.settings.idle_timeout;
        let login_by = self.session.principal().is_none().then_some(self.login_by);
        let until = login_by.map_or(idle_until, |login_by| idle_until.min(login_by));
        let limit = self.session.frame_bytes_max();
        for wait in [until.min(now + QUIET), until] {
            let stream = &mut self.stream;
            match self.incoming.next(stream, limit, wait, login_by, &mut self.stop).await? {
                Came::Frame(received) => return Ok(Some(received)),
                Came::End => return Ok(None),
                Came::Nothing => {
                    self.incoming.release();
                    self.cursors.release();
                    self.follow(self.trail.silent(), Instant::now());
                }
            }
        }
        if login_by.is_some() { Err(ConnectionError::LoginTimeout) } else { Ok(None) }
    }

    /// Sends what the session answers by itself. A login that was wrong is told late, because clients try
    /// again at once, and for ever.
    async fn greet(&mut self, greeting: Greeting, began: Instant) -> Result<(), ConnectionError> {
        if matches!(greeting.close, Some(ConnectionError::Login { .. })) {
            tokio::select! {
                () = tokio::time::sleep(self.shared.settings.login_refusal_delay) => {}
                () = self.stop.raised() => {}
            }
        }
        self.outgoing(greeting.bytes.len() as u64).bytes(&greeting.bytes).await?;
        self.count(greeting.api, greeting.error, began);
        greeting.close.map_or(Ok(()), Err)
    }

    /// Leaves a client unheard for a time (KIP-219); `false` if it goes, or the broker stops.
    async fn wait_out(&mut self, throttle: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(throttle) => true,
            () = self.stream.gone() => false,
            () = self.stop.raised() => false,
        }
    }

    /// The way out, for something of this length.
    fn outgoing(&mut self, bytes: u64) -> Outgoing<'_> {
        let patience = self.shared.settings.write_timeout;
        Outgoing::new(&mut self.stream, &self.shared.disk, patience, bytes)
    }

    /// The memory that sending takes beside the message itself.
    fn copied(&self, answer: &Answer) -> usize {
        match self.stream {
            Stream::Tls(_) if !answer.records.is_empty() => COPY_BYTES_MAX,
            Stream::Tls(_) | Stream::Plain(_) => 0,
        }
    }

    /// Says that the client does not come to where it is told, if it looks so.
    fn follow(&self, sign: Sign, now: Instant) {
        // Where clients are told what they dialled, they can come; who came counts for all listeners.
        if sign == Sign::None || (self.advertised.is_none() && sign != Sign::Came) {
            return;
        }
        let peer = self.peer.ip().to_canonical();
        let is_away = self.shared.strays().note(peer, sign, now);
        if let (true, Some(Told { address, setting })) = (is_away, &self.advertised) {
            tracing::warn!(
                "a client came from {peer} but the advertised address is {address}, it will not come back. Set {setting}."
            );
        }
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

/// Nothing where clients are told what they dialled: that can be reached.
fn told(settings: &ListenerSettings) -> Option<Told> {
    let address = settings.advertised.to_string();
    (settings.advertised != Advertised::Dialled)
        .then(|| Told { address, setting: settings.advertised_setting() })
}

/// Whom a certificate belongs to: its common name is what the group's user is called.
async fn certified(
    shared: &Shared,
    client: Option<Identity>,
) -> Result<Principal, ConnectionError> {
    let Some(user) = client.and_then(|client| client.common_name) else {
        return Err(ConnectionError::Stranger);
    };
    let catalog = shared.catalog.clone();
    let find = tokio::task::spawn_blocking(move || catalog.group_by_user(&user));
    let group = find.await.map_err(io::Error::other)??.ok_or(ConnectionError::Stranger)?;
    Ok(shared.admitted(group))
}
