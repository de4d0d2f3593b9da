//! What can go wrong between us and a MySQL-family server, by who is at fault.
//!
//! What follows from an error is decided elsewhere: [`crate::connection::explain`] turns it into a
//! [`capture::SourceError`] with a remedy, and the task decides about retries.

use std::io;
use std::path::PathBuf;

/// An error of this crate's connection side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host name has no address.
    #[error("{host} has no address")]
    Resolve {
        /// The name as given.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// No address of the host took the connection.
    #[error("{address} takes no connection")]
    Connect {
        /// Host and port as given.
        address: String,
        /// What the last address tried said.
        #[source]
        source: io::Error,
    },
    /// An established connection broke.
    #[error("the connection broke while {doing}")]
    Io {
        /// What was going on.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The server closed the connection.
    #[error("the server closed the connection while {doing}")]
    Closed {
        /// What was going on.
        doing: &'static str,
    },
    /// TLS is demanded, but the server does not offer it.
    #[error("the server does not offer TLS")]
    TlsNotOffered,
    /// The TLS handshake failed, or its certificate was refused.
    #[error("TLS with the server failed")]
    Tls(#[source] rustls::Error),
    /// Our own side of TLS cannot be set up.
    #[error("TLS cannot be set up: {reason}")]
    TlsSetup {
        /// What is missing.
        reason: String,
    },
    /// The file with the certificate authority cannot be used.
    #[error("the CA file {} cannot be used: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The server asks for an authentication plugin that we do not speak.
    #[error("the account uses the authentication plugin {plugin}, which is not supported")]
    AuthPlugin {
        /// The plugin's name as the server spells it.
        plugin: String,
    },
    /// The plugin would send the password readable, and the connection is not encrypted.
    #[error("the authentication plugin {plugin} sends the password in clear and needs TLS")]
    AuthNeedsTls {
        /// The plugin's name as the server spells it.
        plugin: String,
    },
    /// The password cannot be encrypted for the server.
    #[error("the password cannot be encrypted with the server's RSA key: {reason}")]
    AuthKey {
        /// What is wrong.
        reason: &'static str,
    },
    /// Bytes that break the protocol.
    #[error("{what} from the server cannot be read: {reason}")]
    Malformed {
        /// The message concerned.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something longer than we are willing to hold.
    #[error("{what} of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// The message concerned.
        what: &'static str,
        /// Its length as far as known.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Something well-formed that we do not support.
    #[error("{0}")]
    Unsupported(String),
    /// The server let us in, but not do what a replica must.
    #[error("the account lacks the privilege {privilege}")]
    MissingPrivilege {
        /// The privilege's name in a `GRANT`.
        privilege: &'static str,
        /// What the server said.
        #[source]
        source: ServerError,
    },
    /// The server answered with an error.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// An `ERR` packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server says: {message} (error {code}, SQLSTATE {sqlstate})")]
pub struct ServerError {
    /// MySQL's error number.
    pub code: u16,
    /// Five characters; `HY000` where the server sent none.
    pub sqlstate: String,
    /// The server's own text.
    pub message: String,
}

impl Error {
    /// The server's error number, if the server answered with an error.
    #[must_use]
    pub const fn server_code(&self) -> Option<u16> {
        match self {
            Self::Server(error) => Some(error.code),
            _ => None,
        }
    }

    /// Whether the server refused a statement for want of rights.
    #[must_use]
    pub const fn is_missing_privilege(&self) -> bool {
        // ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR
        matches!(self.server_code(), Some(1044 | 1142 | 1227))
    }
}
