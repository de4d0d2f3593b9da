//! Handshakes over loopback sockets, with certificates made here.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// An authority and the files it has signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        Self::called("test authority")
    }

    fn called(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// Signs a certificate for `localhost`, and writes it and its key.
    fn sign(&self, common_name: &str) -> Files {
        let mut params = named(common_name);
        params.subject_alt_names = CertificateParams::new(["localhost".into(), "127.0.0.1".into()])
            .unwrap()
            .subject_alt_names;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.write(&certificate.pem(), &key.serialize_pem())
    }

    fn write(&self, certificate: &str, key: &str) -> Files {
        let files = self.files();
        std::fs::write(&files.certificate, certificate).unwrap();
        std::fs::write(&files.key, key).unwrap();
        files
    }

    fn files(&self) -> Files {
        Files { certificate: self.path("tls.crt"), key: self.path("tls.key"), client_ca: None }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn connector(&self) -> Connector {
        Connector::new(Some(&self.path("ca.pem"))).unwrap()
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "shop");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_after = date_time_ymd(2120, 2, 29);
    params
}

/// Both ends of a handshake that was begun.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

/// The common name of what a new connection is shown.
async fn shown(acceptor: &Acceptor, connector: &Connector) -> Option<String> {
    let (client, server) = pair().await;
    let (client, server) =
        tokio::join!(connector.connect("localhost", client), acceptor.accept(server));
    assert_eq!(server.unwrap().dialled.as_deref(), Some("localhost"));
    let client = client.unwrap();
    let chain = client.get_ref().1.peer_certificates().unwrap();
    Identity::of(&chain[0]).common_name
}

#[tokio::test]
async fn a_client_and_a_listener_understand_each_other() {
    let authority = Authority::new();
    let acceptor = Acceptor::open(authority.sign("one"), Protocol::Kafka).unwrap();
    let (client, server) = pair().await;
    let connector = authority.connector();
    let (client, secured) =
        tokio::join!(connector.connect("127.0.0.1", client), acceptor.accept(server));
    let (mut client, mut secured) = (client.unwrap(), secured.unwrap());
    assert_eq!((secured.dialled, secured.client), (None, None), "an address is no name");
    client.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    secured.stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_to_the_next_and_the_last_goes_on() {
    let authority = Authority::new();
    let connector = authority.connector();
    let acceptor = Acceptor::open(authority.sign("old"), Protocol::Kafka).unwrap();
    let (client, server) = pair().await;
    let (client, secured) =
        tokio::join!(connector.connect("localhost", client), acceptor.accept(server));
    let (mut client, mut secured) = (client.unwrap(), secured.unwrap());
    assert_eq!(acceptor.reload_if_changed().unwrap(), None);
    authority.sign("new");
    let changed = acceptor.reload_if_changed().unwrap().unwrap();
    assert_eq!(changed.name.as_deref(), Some("new"));
    assert_eq!(changed.not_after.unwrap().to_string(), "2120-02-29T00:00:00Z");
    assert_eq!(shown(&acceptor, &connector).await.as_deref(), Some("new"));
    secured.stream.write_all(b"still here").await.unwrap();
    let mut heard = [0; 10];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
}

#[tokio::test]
async fn half_a_replacement_is_told_once_and_changes_nothing() {
    let authority = Authority::new();
    let files = authority.sign("old");
    let old_key = std::fs::read_to_string(&files.key).unwrap();
    let acceptor = Acceptor::open(files.clone(), Protocol::Kafka).unwrap();
    authority.sign("new");
    let new_key = std::fs::read_to_string(&files.key).unwrap();
    std::fs::write(&files.key, old_key).unwrap();
    assert!(matches!(acceptor.reload_if_changed(), Err(Error::NoPair { .. })));
    assert_eq!(acceptor.reload_if_changed().unwrap(), None, "it was told");
    assert_eq!(acceptor.certificate().name.as_deref(), Some("old"));
    std::fs::remove_file(&files.key).unwrap();
    assert!(matches!(acceptor.reload_if_changed(), Err(Error::File { .. })));
    std::fs::write(&files.key, new_key).unwrap();
    assert!(acceptor.reload_if_changed().unwrap().is_some());
    assert_eq!(shown(&acceptor, &authority.connector()).await.as_deref(), Some("new"));
}

#[test]
fn who_looks_while_certificates_are_replaced_does_not_bring_the_old_ones_back() {
    let authority = Authority::new();
    let acceptor = Acceptor::open(authority.sign("first"), Protocol::Kafka).unwrap();
    authority.sign("second");
    let (looked, second) = acceptor.prepare_if_changed().unwrap().unwrap();
    acceptor.show(acceptor.prepare(authority.sign("third")).unwrap());
    assert!(!acceptor.show_behind(&looked, second));
    assert_eq!(acceptor.certificate().name.as_deref(), Some("third"));
    assert_eq!(acceptor.reload_if_changed().unwrap(), None);
    authority.sign("fourth");
    assert!(acceptor.reload_if_changed().unwrap().is_some());
    assert_eq!(acceptor.certificate().name.as_deref(), Some("fourth"));
}

#[tokio::test]
async fn who_speaks_plaintext_is_sent_nothing() {
    let authority = Authority::new();
    let acceptor = Acceptor::open(authority.sign("one"), Protocol::Kafka).unwrap();
    let (mut client, server) = pair().await;
    client.write_all(&[0, 0, 0, 20, 0, 18]).await.unwrap();
    assert!(matches!(acceptor.accept(server).await, Err(HandshakeError::Plaintext)));
    let mut heard = Vec::new();
    let _ended = client.read_to_end(&mut heard).await;
    assert!(heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_so() {
    let authority = Authority::new();
    let acceptor = Acceptor::open(authority.sign("one"), Protocol::Http).unwrap();
    let (mut client, server) = pair().await;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(matches!(acceptor.accept(server).await, Err(HandshakeError::Plaintext)));
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
    assert!(body.contains("https"), "{body}");
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_listener_says_so() {
    let (authority, other) = (Authority::new(), Authority::called("another"));
    let acceptor = Acceptor::open(authority.sign("one"), Protocol::Kafka).unwrap();
    let (client, server) = pair().await;
    let connector = other.connector();
    let (client, refused) =
        tokio::join!(connector.connect("localhost", client), acceptor.accept(server));
    assert!(client.is_err());
    let told = refused.unwrap_err().to_string();
    assert!(told.starts_with("the client does not trust the listener's certificate"), "{told}");
}

#[tokio::test]
async fn a_listener_that_asks_for_certificates_lets_nobody_in_without() {
    let authority = Authority::new();
    let files = authority.sign("billing-dts1");
    let asking = Files { client_ca: Some(authority.path("ca.pem")), ..files.clone() };
    let acceptor = Acceptor::open(asking, Protocol::Kafka).unwrap();
    let (client, server) = pair().await;
    let connector = authority.connector();
    let (_, refused) =
        tokio::join!(connector.connect("localhost", client), acceptor.accept(server));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the client shows no certificate, and the listener asks for one"
    );

    let roots = files::authorities(&authority.path("ca.pem")).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(files.chain().unwrap(), files.private_key().unwrap())
        .unwrap();
    let (client, server) = pair().await;
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let (_, secured) = tokio::join!(connector.connect(name, client), acceptor.accept(server));
    let identity = secured.unwrap().client.unwrap();
    assert_eq!(identity.common_name.as_deref(), Some("billing-dts1"));
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let files = authority.sign("one");
    let told = |files: Files| {
        let text = Acceptor::open(files, Protocol::Kafka).unwrap_err().to_string();
        text.replace(&format!("{}/", authority.folder.path().display()), "")
    };
    let other = |name: &str| authority.path(name);
    let missing = Files { certificate: other("gone.crt"), ..files.clone() };
    assert_eq!(told(missing), "gone.crt cannot be read: No such file or directory (os error 2)");
    let swapped = Files { certificate: files.key.clone(), ..files.clone() };
    assert_eq!(told(swapped), "tls.key holds no certificate in PEM form");
    let swapped = Files { key: files.certificate.clone(), ..files.clone() };
    assert_eq!(told(swapped), "tls.crt holds no private key in PEM form without a passphrase");
    let foreign = Files { client_ca: Some(files.key.clone()), ..files.clone() };
    assert_eq!(told(foreign), "tls.key holds no certificate in PEM form");
    std::fs::write(other("large.crt"), vec![b'\n'; 2 << 20]).unwrap();
    let large = Files { certificate: other("large.crt"), ..files };
    assert_eq!(told(large), "large.crt cannot be read: it is larger than 1 MiB");
}

#[test]
fn a_subject_with_two_common_names_has_none() {
    let mut params = named("billing-dts1");
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3]), "other-dts2");
    let key = KeyPair::generate().unwrap();
    let identity = Identity::of(params.self_signed(&key).unwrap().der());
    assert_eq!(identity.common_name, None);
    assert!(identity.not_after.is_some());
}

#[test]
fn a_certificate_cut_short_anywhere_says_nothing_and_breaks_nothing() {
    let key = KeyPair::generate().unwrap();
    let certificate = named("billing-dts1").self_signed(&key).unwrap();
    let whole = certificate.der().as_ref();
    assert_eq!(Identity::of(whole).common_name.as_deref(), Some("billing-dts1"));
    for length in 0..whole.len() {
        assert_eq!(Identity::of(&whole[..length]), Identity::default(), "{length}");
    }
    for at in 0..whole.len() {
        let mut altered = whole.to_vec();
        altered[at] = !altered[at];
        let _ = Identity::of(&altered);
    }
}

#[test]
fn the_system_or_a_file_says_who_is_trusted() {
    let told = Connector::new(Some(Path::new("/nowhere/ca.pem"))).unwrap_err().to_string();
    assert!(told.starts_with("/nowhere/ca.pem cannot be read"), "{told}");
}
