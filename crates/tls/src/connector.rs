//! A client's side of TLS, for the command line: the server must prove its name.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Error;
use crate::files::authorities;

/// A connection to a server, its handshake done.
pub type ServerStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Connects to servers of some authorities.
#[derive(Debug, Clone)]
pub struct Connector(Arc<ClientConfig>);

impl Connector {
    /// Trusts the authorities in a file, or those of the operating system.
    ///
    /// # Errors
    /// There are none that can be used.
    pub fn new(ca: Option<&Path>) -> Result<Self, Error> {
        let roots = match ca {
            Some(path) => authorities(path)?,
            None => system_authorities()?,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Setup(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands with a server that must have a certificate for `host`.
    ///
    /// # Errors
    /// It has none, or the connection broke.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<ServerStream> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }
}

fn system_authorities() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::Setup(
            "the system trusts no certificate authority; name one with --ca".into(),
        ));
    }
    Ok(roots)
}
