//! TLS 1.2 and 1.3 for the listeners of Kafka clients and of the API, and for the command line that calls
//! the API: certificates from files, and handshakes in bounded memory.
//!
//! [`Acceptor`] is one listener's certificate. It may be replaced while connections are open: those keep
//! what they began with, later ones get the new one. The handshake itself is rustls's; what is read out of
//! a client's certificate ([`Identity`]) is read only after rustls has verified it.
//!
//! Deliberately not here: who a certificate's owner may act for (the broker decides), when files are looked
//! at (the binary does), revocation lists, and the connections to sources, which have their own rules.

mod acceptor;
mod connector;
mod der;
mod error;
mod files;
mod identity;
#[cfg(test)]
mod tests;

pub use acceptor::{Acceptor, Certificate, Prepared, Protocol, Secured};
pub use connector::{Connector, ServerStream};
pub use error::{Error, HandshakeError};
pub use files::Files;
pub use identity::Identity;

/// A client's connection under TLS, its handshake done.
pub type ClientStream = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
