//! A listener's side of TLS: the certificate it shows, replaceable while it serves, and the handshake.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{InconsistentKeys, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::files::{Stamp, authorities};
use crate::{ClientStream, Error, Files, HandshakeError, Identity};

/// One listener's certificate. All methods may be called at any time, from any thread.
#[derive(Debug)]
pub struct Acceptor {
    protocol: Protocol,
    shown: RwLock<Shown>,
}

/// What is spoken under TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Kafka's. A client that speaks plaintext is sent nothing: it would take an alert of TLS for the length
    /// of an answer, and make room for hundreds of megabytes.
    Kafka,
    /// HTTP/1.1. A client that speaks plaintext is told so.
    Http,
}

/// Certificates that were read and are not shown yet.
#[derive(Debug)]
pub struct Prepared(Shown);

/// What new connections are shown.
#[derive(Debug, Clone)]
struct Shown {
    files: Files,
    /// How the files were when they were last looked at, good or not.
    stamp: Stamp,
    config: Arc<ServerConfig>,
    certificate: Certificate,
}

/// What a listener shows, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificate {
    /// The common name of its subject, if it has one.
    pub name: Option<String>,
    /// When clients begin to refuse it.
    pub not_after: Option<Timestamp>,
}

/// A client after its handshake.
#[derive(Debug)]
pub struct Secured {
    /// What it says and hears from now on.
    pub stream: ClientStream,
    /// The name by which it knows this listener (SNI), if it is one.
    pub dialled: Option<String>,
    /// Who it is, where the listener asks for that.
    pub client: Option<Identity>,
}

/// The first byte of every handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// What a connection holds at most of what its client has not taken: two records of TLS. rustls takes no
/// more from its caller then.
const UNSENT_BYTES_MAX: usize = 32 << 10;

/// What a browser, or whoever forgot an `s`, is told.
const TOLD_IN_PLAINTEXT: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
    content-length: 58\r\nconnection: close\r\n\r\n\
    this port speaks https; call it with https:// and not http";

impl Acceptor {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn open(files: Files, protocol: Protocol) -> Result<Self, Error> {
        let shown = RwLock::new(Shown::read(files, protocol)?);
        Ok(Self { protocol, shown })
    }

    /// Reads files, perhaps others than before. Nothing changes yet.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn prepare(&self, files: Files) -> Result<Prepared, Error> {
        Shown::read(files, self.protocol).map(Prepared)
    }

    /// Shows what was prepared, from the next connection on.
    pub fn show(&self, Prepared(shown): Prepared) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Reads the files if they are others than when this last looked. `None` if they are the same. A
    /// change that cannot be used is told once, because it may be half of one: certificate and key are
    /// rarely replaced at the same instant.
    ///
    /// # Errors
    /// They cannot be used; what was shown before is still shown.
    pub fn reload_if_changed(&self) -> Result<Option<Certificate>, Error> {
        let Some((looked, prepared)) = self.prepare_if_changed()? else { return Ok(None) };
        let certificate = prepared.0.certificate.clone();
        Ok(self.show_behind(&looked, prepared).then_some(certificate))
    }

    /// Reads the files if they are others than when this last looked, and says how they were then.
    pub(crate) fn prepare_if_changed(&self) -> Result<Option<(Stamp, Prepared)>, Error> {
        let Shown { files, stamp, .. } = self.shown();
        let now = files.stamp();
        if now == stamp || !self.change(&stamp, |shown| shown.stamp.clone_from(&now)) {
            return Ok(None);
        }
        Ok(Some((now, self.prepare(files)?)))
    }

    /// Shows what was prepared, unless other certificates were shown since this was looked at: those are
    /// newer. Answers whether it did.
    pub(crate) fn show_behind(&self, looked: &Stamp, Prepared(prepared): Prepared) -> bool {
        self.change(looked, |shown| *shown = prepared)
    }

    /// Changes what is shown, if it was last looked at then.
    fn change(&self, looked: &Stamp, change: impl FnOnce(&mut Shown)) -> bool {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let is_same = shown.stamp == *looked;
        if is_same {
            change(&mut shown);
        }
        is_same
    }

    /// What is shown now.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        self.shown().certificate
    }

    /// Shakes hands with a client. How long that may take, the caller says.
    ///
    /// # Errors
    /// One side refused the other, or the client went.
    pub async fn accept(&self, stream: TcpStream) -> Result<Secured, HandshakeError> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if first != [HANDSHAKE] {
            self.protocol.turn_away(&stream).await;
            return Err(HandshakeError::Plaintext);
        }
        let acceptor = TlsAcceptor::from(self.shown().config);
        let accepted = acceptor
            .accept_with(stream, |session| session.set_buffer_limit(Some(UNSENT_BYTES_MAX)))
            .await;
        let stream = accepted.map_err(refused)?;
        let (_, session) = stream.get_ref();
        let dialled = session.server_name().map(ToOwned::to_owned);
        let client = session.peer_certificates().and_then(|chain| chain.first());
        let client = client.map(|certificate| Identity::of(certificate));
        Ok(Secured { stream, dialled, client })
    }

    fn shown(&self) -> Shown {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shown {
    fn read(files: Files, protocol: Protocol) -> Result<Self, Error> {
        // Before the files are read, so that a later change is one.
        let stamp = files.stamp();
        let chain = files.chain()?;
        let Identity { common_name: name, not_after } =
            chain.first().map(|first| Identity::of(first)).unwrap_or_default();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Setup(error.to_string()))?;
        let builder = match &files.client_ca {
            Some(path) => builder.with_client_cert_verifier(verifier(path, provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_single_cert(chain, files.private_key()?).map_err(|error| match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    Error::NoPair { certificate: files.certificate.clone(), key: files.key.clone() }
                }
                other => Error::Setup(other.to_string()),
            })?;
        config.alpn_protocols = match protocol {
            Protocol::Kafka => Vec::new(),
            Protocol::Http => vec![b"http/1.1".to_vec()],
        };
        let certificate = Certificate { name, not_after };
        Ok(Self { files, stamp, config: Arc::new(config), certificate })
    }
}

impl Protocol {
    /// Says what can be said to a client that speaks plaintext. What it has said is read, because a socket
    /// that is closed over unread bytes takes the answer back.
    async fn turn_away(self, stream: &TcpStream) {
        let answer: &[u8] = match self {
            Self::Kafka => &[],
            Self::Http => TOLD_IN_PLAINTEXT,
        };
        let _ = stream.try_read(&mut [0; 4 << 10]);
        if stream.writable().await.is_ok() {
            let _ = stream.try_write(answer);
        }
    }
}

/// Lets in clients with a certificate of these authorities.
fn verifier(
    path: &std::path::Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let roots = Arc::new(authorities(path)?);
    WebPkiClientVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| Error::Authority { path: path.into(), reason: error.to_string() })
}

/// rustls's own reason, out of what a stream makes of it.
fn refused(error: io::Error) -> HandshakeError {
    match error.downcast::<rustls::Error>() {
        Ok(reason) => HandshakeError::Refused(reason),
        Err(error) => HandshakeError::Io(error),
    }
}
