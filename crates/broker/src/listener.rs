//! Accepts connections, each served by a task of its own that is joined here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::session::Terms;
use crate::settings::{Access, ListenerSettings};
use crate::shared::Shared;
use crate::stop::Stop;

/// One door.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    settings: Arc<ListenerSettings>,
    /// What logins go by.
    terms: Arc<Terms>,
    shared: Arc<Shared>,
    stop: Stop,
    connections: JoinSet<()>,
    /// When it was last told that clients are turned away, so that a crowd makes one line a minute.
    told: Option<Instant>,
}

/// So often it is told that clients are turned away.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// How long to wait when the system has no socket for us (out of files or memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Listener {
    pub(crate) fn new(
        socket: TcpListener,
        settings: ListenerSettings,
        shared: Arc<Shared>,
        stop: Stop,
    ) -> Self {
        let terms = Terms {
            mechanisms: settings.mechanisms.clone(),
            lifetime: shared.settings.login_lifetime,
        };
        let (settings, terms) = (Arc::new(settings), Arc::new(terms));
        Self { socket, settings, terms, shared, stop, connections: JoinSet::new(), told: None }
    }

    /// Serves until the broker stops and the last connection has ended.
    pub(crate) async fn run(mut self) {
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => self.accepted(accepted).await,
                Some(ended) = self.connections.join_next() => note(ended),
                () = stop.raised() => break,
            }
        }
        drop(self.socket);
        while let Some(ended) = self.connections.join_next().await {
            note(ended);
        }
    }

    async fn accepted(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a kafka client");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return;
            }
        };
        let is_stranger = self.settings.access != Access::Anonymous;
        let place = match self.shared.places.take(peer.ip(), is_stranger) {
            Ok(place) => place,
            Err(limit) => {
                self.shared.metrics.connection_refused(limit.label());
                if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
                    self.told = Some(Instant::now());
                    tracing::warn!(%peer, %limit, "too many kafka connections, new ones are closed");
                }
                return;
            }
        };
        let (settings, shared) = (Arc::clone(&self.settings), Arc::clone(&self.shared));
        let terms = Arc::clone(&self.terms);
        let stop = self.stop.clone();
        self.connections.spawn(async move {
            Connection::run(stream, peer, place, &settings, terms, shared, stop).await;
        });
    }
}

/// A connection's task ends by itself; one that panicked is a fault of ours, and only its client lost.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "serving a kafka client failed, please report this");
    }
}
