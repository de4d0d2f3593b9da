//! `[kafka]`, `[[kafka.listener]]` and `[http]`: the addresses that clients connect to.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use broker::Mechanism;

use super::Fault;
use super::key::Kind;
use super::reader::Reader;
use super::section::{MIB, YEARS, fetch_rate, one_of, path, sized, within};
use super::setting::Object;

/// The Kafka listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kafka {
    /// The one of `[kafka]` itself.
    pub(crate) listener: Listener,
    /// `[[kafka.listener]]`, in the order of files and lines.
    pub(crate) more: Vec<Listener>,
    /// Connections at a time, over all listeners.
    pub(crate) max_connections: usize,
    /// The same from one address; 0 has no limit of its own.
    pub(crate) max_connections_per_address: usize,
    /// The same of one group; 0 has no limit of its own.
    pub(crate) max_connections_per_group: usize,
    /// How long a login lasts unless it is renewed; zero is for ever.
    pub(crate) login_lifetime: Duration,
    /// Bytes a second that a group may fetch, where it says nothing itself.
    pub(crate) fetch_rate: Option<NonZeroU64>,
    /// Bytes in one answer to a fetch.
    pub(crate) max_fetch_bytes: u64,
}

/// A door for Kafka clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    /// `None` for the one of `[kafka]`.
    pub(crate) name: Option<String>,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// What clients are told to connect to.
    pub(crate) advertised: Advertised,
    /// How clients log in. Empty lets in who shows a certificate, where that is asked for, and else
    /// anyone, which only loopback may.
    pub(crate) sasl: Vec<Mechanism>,
    /// Its certificate; `None` speaks plaintext.
    pub(crate) tls: Option<tls::Files>,
}

/// What clients are told to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advertised {
    /// The address that the client dialled.
    Auto,
    /// This one.
    Address {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
}

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Http {
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Its certificate; `None` speaks plain HTTP.
    pub(crate) tls: Option<tls::Files>,
}

/// The keys of a listener, in its section or object.
struct Keys {
    listen: &'static str,
    advertised: &'static str,
    sasl: &'static str,
    certificate: &'static str,
    key: &'static str,
    /// Where clients may be asked for certificates.
    client_ca: Option<&'static str>,
}

const MAIN: Keys = Keys {
    listen: "kafka.listen",
    advertised: "kafka.advertised",
    sasl: "kafka.sasl",
    certificate: "kafka.tls.cert_file",
    key: "kafka.tls.key_file",
    client_ca: Some("kafka.tls.client_ca_file"),
};

const MORE: Keys = Keys {
    listen: "listen",
    advertised: "advertised",
    sasl: "sasl",
    certificate: "tls.cert_file",
    key: "tls.key_file",
    client_ca: Some("tls.client_ca_file"),
};

/// How a door is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Anyone may come in.
    None,
    /// Who logs in.
    Login,
    /// Who shows a certificate.
    Certificate,
}

impl Kafka {
    /// All listeners, the one of `[kafka]` first.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = &Listener> {
        std::iter::once(&self.listener).chain(&self.more)
    }
}

impl Listener {
    /// Who may come in. A certificate is a second lock where clients log in, as in Kafka.
    pub(crate) fn lock(&self) -> Lock {
        let asks_for_certificate = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        match (self.sasl.is_empty(), asks_for_certificate) {
            (false, _) => Lock::Login,
            (true, true) => Lock::Certificate,
            (true, false) => Lock::None,
        }
    }
}

/// `[kafka]`, without the listeners that stand apart.
pub(super) fn kafka(reader: &mut Reader<'_>) -> Option<Kafka> {
    let tls = tls_files(reader, &MAIN);
    let sasl = mechanisms(reader, MAIN.sasl);
    let listener = listener(reader, &MAIN, None, sasl, tls);
    let max_connections = reader.number("kafka.limits.connections", 1..=1_000_000);
    let per_address = reader.number("kafka.limits.connections_per_address", 0..=1_000_000);
    let per_group = reader.number("kafka.limits.connections_per_group", 0..=1_000_000);
    let login_lifetime =
        reader.required("kafka.limits.login_lifetime", within(Duration::ZERO..=YEARS));
    let fetch_rate = reader.required("kafka.limits.fetch_rate", fetch_rate);
    let max_fetch_bytes = reader.required("kafka.limits.fetch_bytes", sized(64 << 10..=1024 * MIB));
    Some(Kafka {
        listener: listener?,
        more: Vec::new(),
        max_connections: max_connections?,
        max_connections_per_address: per_address?,
        max_connections_per_group: per_group?,
        login_lifetime: login_lifetime?,
        fetch_rate: fetch_rate?,
        max_fetch_bytes: max_fetch_bytes?,
    })
}

/// `[[kafka.listener]]`. How clients log in and what they are shown is as `main` has it, unless an object
/// says otherwise.
pub(super) fn more(
    objects: &[(Kind, Object)],
    main: &Listener,
    without_secrets: bool,
    faults: &mut Vec<Fault>,
) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for (kind, object) in objects.iter().filter(|(kind, _)| *kind == Kind::Listener) {
        let mut reader = Reader {
            settings: &object.settings,
            keys: kind.keys(),
            place: format!("[[{}]]", kind.as_str()),
            origin: &object.origin,
            without_secrets,
            faults,
        };
        let has = |prefix: &str| object.settings.keys().any(|key| key.starts_with(prefix));
        let (has_sasl, has_tls) = (has(MORE.sasl), has("tls."));
        let name = reader.required("name", name);
        let sasl = if has_sasl { mechanisms(&mut reader, MORE.sasl) } else { main.sasl.clone() };
        let tls = if has_tls { tls_files(&mut reader, &MORE) } else { main.tls.clone() };
        listeners.extend(name.and_then(|name| listener(&mut reader, &MORE, Some(name), sasl, tls)));
    }
    listeners
}

/// `[http]`
pub(super) fn http(reader: &mut Reader<'_>) -> Option<Http> {
    let listen = reader.required("http.listen", address);
    let keys = Keys {
        certificate: "http.tls.cert_file",
        key: "http.tls.key_file",
        client_ca: None,
        ..MAIN
    };
    let tls = tls_files(reader, &keys);
    Some(Http { listen: listen?, tls })
}

fn listener(
    reader: &mut Reader<'_>,
    keys: &Keys,
    name: Option<String>,
    sasl: Vec<Mechanism>,
    tls: Option<tls::Files>,
) -> Option<Listener> {
    let listen = reader.required(keys.listen, address);
    let advertised = match name {
        None => reader.required(keys.advertised, advertised),
        Some(_) if !reader.settings.contains_key(keys.advertised) => Some(Advertised::Auto),
        Some(_) => reader.optional(keys.advertised, advertised),
    };
    let is_known =
        [Some(keys.sasl), keys.client_ca].into_iter().flatten().all(|key| !reader.is_unknown(key));
    let listener = Listener { name, listen: listen?, advertised: advertised?, sasl, tls };
    if listener.lock() == Lock::None && is_known && !listener.listen.ip().is_loopback() {
        let rule = format!(
            "it can be reached from other machines, so clients must log in; set {} = [\"PLAIN\"], \
             or ask for certificates with {}, or listen on 127.0.0.1",
            keys.sasl,
            keys.client_ca.unwrap_or_default()
        );
        reader.refuse(keys.listen, &rule);
    }
    Some(listener)
}

fn mechanisms(reader: &mut Reader<'_>, key: &str) -> Vec<Mechanism> {
    let known = Mechanism::ALL.map(|mechanism| (mechanism.name(), mechanism));
    let mut mechanisms = Vec::new();
    for name in reader.list(key) {
        match one_of(&name, &known) {
            Ok(mechanism) if mechanisms.contains(&mechanism) => {}
            Ok(mechanism) => mechanisms.push(mechanism),
            Err(rule) => reader.refuse(key, &rule),
        }
    }
    mechanisms
}

/// The files of a certificate. An empty name is none.
fn tls_files(reader: &mut Reader<'_>, keys: &Keys) -> Option<tls::Files> {
    let mut file = |key: &str| reader.optional(key, some_path).flatten();
    let (certificate, key) = (file(keys.certificate), file(keys.key));
    let client_ca = keys.client_ca.and_then(file);
    let is_known = [Some(keys.certificate), Some(keys.key), keys.client_ca]
        .into_iter()
        .flatten()
        .all(|key| !reader.is_unknown(key));
    let needs = |reader: &mut Reader<'_>, given: &str, missing: &str| {
        if is_known {
            let message = format!("{} needs {} too", reader.name(given), reader.name(missing));
            reader.fault(given, message);
        }
        None
    };
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), client_ca) => {
            Some(tls::Files { certificate, key, client_ca })
        }
        (Some(_), None, _) => needs(reader, keys.certificate, keys.key),
        (None, Some(_), _) => needs(reader, keys.key, keys.certificate),
        (None, None, Some(_)) => {
            needs(reader, keys.client_ca.unwrap_or_default(), keys.certificate)
        }
        (None, None, None) => None,
    }
}

fn some_path(text: &str) -> Result<Option<PathBuf>, String> {
    if text.is_empty() { Ok(None) } else { path(text).map(Some) }
}

/// A name for messages.
fn name(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err("it is up to 64 letters, digits, dots, underscores and hyphens".into())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "it is an address and a port, like 127.0.0.1:9092 or [::]:9092".into())
}

fn advertised(text: &str) -> Result<Advertised, String> {
    const RULE: &str = "it is auto, or a host and a port, like wellhead.internal:9092";
    if text == "auto" {
        return Ok(Advertised::Auto);
    }
    let (host, port) = text.rsplit_once(':').ok_or(RULE)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let legal = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(|c: char| c == ':' || c.is_whitespace()),
    };
    match port.parse() {
        Ok(port) if legal && port != 0 => {
            Ok(Advertised::Address { host: bare.unwrap_or(host).into(), port })
        }
        _ => Err(RULE.into()),
    }
}
