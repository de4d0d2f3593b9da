//! The listeners of the API: one TCP port, and a socket in the data folder for the command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tls::Acceptor;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access::Caller;
use crate::app::App;
use crate::door::Door;
use crate::routes::router;

/// The bound listeners, before they serve.
#[derive(Debug)]
pub struct HttpServer {
    tcp: Door,
    admin: UnixListener,
    admin_path: PathBuf,
}

/// A listener could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {what}: {source}")]
pub struct ServeError {
    /// Address or path.
    pub what: String,
    /// What the operating system says.
    pub source: std::io::Error,
}

impl HttpServer {
    /// Binds both; the port speaks TLS if it has a certificate to show. A socket file that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// The port is taken, or the data folder cannot hold a socket.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<Acceptor>>,
        admin_path: &Path,
    ) -> Result<Self, ServeError> {
        let tcp = TcpListener::bind(address)
            .await
            .map(|listener| Door::new(listener, tls))
            .map_err(|source| ServeError { what: address.to_string(), source })?;
        let failed = |source| ServeError { what: admin_path.display().to_string(), source };
        // The data folder is locked by this process, so a socket found in it is left over.
        if let Err(error) = std::fs::remove_file(admin_path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(failed(error));
        }
        let admin = UnixListener::bind(admin_path).map_err(failed)?;
        Ok(Self { tcp, admin, admin_path: admin_path.to_path_buf() })
    }

    /// The TCP address, with the port the system chose where 0 was asked.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.address()
    }

    /// Serves until `stop` becomes true, then answers what was asked and ends. The caller joins.
    #[must_use]
    pub fn serve(self, app: App, stop: watch::Receiver<bool>) -> JoinHandle<std::io::Result<()>> {
        tokio::spawn(async move {
            let service = router(app).into_make_service_with_connect_info::<Caller>();
            let tcp = axum::serve(self.tcp, service.clone())
                .with_graceful_shutdown(stopped(stop.clone()));
            let admin = axum::serve(self.admin, service).with_graceful_shutdown(stopped(stop));
            let result = tokio::try_join!(tcp, admin).map(|_| ());
            if let Err(error) = std::fs::remove_file(&self.admin_path) {
                tracing::debug!(%error, "the admin socket was gone");
            }
            result
        })
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends the server too.
    drop(stop.wait_for(|stop| *stop).await);
}
