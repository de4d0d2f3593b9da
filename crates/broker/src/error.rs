//! What can go wrong with the broker as a whole, said by who is at fault.

use std::io;
use std::net::SocketAddr;

use tls::HandshakeError;

use crate::places::Full;
use crate::sasl::Mechanism;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address} for kafka clients: {source}; change {setting}, or stop what uses it"
    )]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// What configures it.
        setting: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The text is no address that clients could be told.
    #[error(
        "advertised address {0:?} is neither \"auto\" nor host:port with a port from 1 to 65535"
    )]
    Advertised(String),
    /// The name is no SASL mechanism that is spoken.
    #[error("{0:?} is not spoken: a login is by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")]
    Mechanism(String),
}

/// Why a connection ends. Only the broker's own log and counters see it; the peer sees a close.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The peer announced a frame that is longer than it may be, or shorter than nothing.
    #[error("a frame of {length} bytes was announced, and at most {limit} are read")]
    FrameLength {
        /// As announced.
        length: i32,
        /// As allowed at this point of the connection.
        limit: usize,
    },
    /// The peer's bytes are no request, or one that is not served.
    #[error(transparent)]
    Protocol(#[from] kafka::Error),
    /// The peer begins a handshake of TLS where none is expected.
    #[error("it begins a TLS handshake, and this listener speaks plaintext")]
    Secured,
    /// The handshake of TLS came to nothing.
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    /// The peer's certificate is good, and names no group.
    #[error("its certificate names no group: its common name must be <account>-<group id>")]
    Stranger,
    /// The peer breaks the order of SASL.
    #[error("{0}")]
    Sasl(&'static str),
    /// The peer could not prove who it is.
    #[error("login refused: {reason}")]
    Login {
        /// How it tried.
        mechanism: Mechanism,
        /// What was wrong. Nothing of what the peer has said.
        reason: &'static str,
    },
    /// The peer took too long to say who it is.
    #[error("it did not log in in time")]
    LoginTimeout,
    /// The peer's login has ended, and it did not renew it.
    #[error("the login has ended and was not renewed")]
    LoginExpired,
    /// There were too many wrong passwords from the peer's address for the next one to be looked at soon.
    #[error("too many logins from its address were wrong")]
    Guesses,
    /// The peer's group has as many connections as it may have.
    #[error(transparent)]
    Full(Full),
    /// The peer's group was deleted since it logged in.
    #[error("the group was deleted")]
    GroupDeleted,
    /// The peer wants no answer to what is refused (Produce with acks=0).
    #[error("refused without an answer, as the client asked")]
    Unanswerable,
    /// The peer takes its answer too slowly, or the connection broke.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The catalog failed while the peer logged in.
    #[error("the catalog failed: {0}")]
    Catalog(#[from] catalog::Error),
}
