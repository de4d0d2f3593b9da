//! What can go wrong with certificates and with handshakes, said by who is at fault.

use std::io;
use std::path::PathBuf;

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system does not let the file be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is no such thing.
    #[error("{} holds no {wanted}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Certificate and key are no pair. While they are being replaced, one of them may be the old one.
    #[error("{} is not the key of the certificate in {}", key.display(), certificate.display())]
    NoPair {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
    },
    /// A certificate authority that cannot be trusted with anything.
    #[error("{} holds a certificate authority that cannot be used: {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system's own authorities, or the parameters of TLS.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer's first byte begins no TLS record.
    #[error("its first byte begins no TLS handshake, so it speaks plaintext")]
    Plaintext,
    /// One side refused the other.
    #[error("{}", explained(.0))]
    Refused(rustls::Error),
    /// The connection broke, or the peer closed it.
    #[error("the connection ended during the handshake: {0}")]
    Io(#[from] io::Error),
}

/// The commonest reasons, in words that lead to their remedy.
fn explained(error: &rustls::Error) -> String {
    use rustls::AlertDescription::{
        BadCertificate, CertificateExpired, CertificateUnknown, UnknownCA,
    };

    match error {
        rustls::Error::AlertReceived(
            alert @ (UnknownCA | CertificateUnknown | BadCertificate | CertificateExpired),
        ) => format!(
            "the client does not trust the listener's certificate ({alert:?}): its authority, its names \
             or its dates are not what the client expects"
        ),
        rustls::Error::NoCertificatesPresented => {
            "the client shows no certificate, and the listener asks for one".into()
        }
        rustls::Error::InvalidCertificate(reason) => {
            format!("the client's certificate is refused: {reason}")
        }
        other => other.to_string(),
    }
}
