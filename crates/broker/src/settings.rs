//! What an operator decides about the broker, already checked.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use budget::Budget;
use tls::Acceptor;

use crate::Error;
use crate::coordinator::GroupLimits;
use crate::guesses::GuessLimits;
use crate::sasl::Mechanism;

/// What holds for all listeners together.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections at a time; further ones are closed at once. Those from one address that have not
    /// logged in where they must are at most half of them.
    pub connections_max: usize,
    /// The same from one address (IPv6: from one network of 64 bits).
    pub connections_per_address_max: usize,
    /// The same of one consumer group.
    pub connections_per_group_max: usize,
    /// How long a login lasts unless it is renewed (`connections.max.reauth.ms`); `None` for ever.
    pub login_lifetime: Option<Duration>,
    /// What wrong passwords cost.
    pub guesses: GuessLimits,
    /// A client that must log in has so long for it.
    pub login_timeout: Duration,
    /// A wrong password is told after so long (`connection.failed.authentication.delay.ms`).
    pub login_refusal_delay: Duration,
    /// A connection without a request for so long is closed (`connections.max.idle.ms`).
    pub idle_timeout: Duration,
    /// A client that takes nothing of its answer for so long is closed.
    pub write_timeout: Duration,
    /// Bytes of one Fetch answer, whatever the client asks for (`fetch.max.bytes`).
    pub fetch_bytes_max: u64,
    /// Bytes a second that a consumer group may fetch, where it has no rate of its own
    /// (`consumer_byte_rate`); `None` for as fast as it can.
    pub fetch_rate: Option<NonZeroU64>,
    /// How long a Fetch may wait for data, whatever the client asks for.
    pub fetch_wait_max: Duration,
    /// Bounds and times of consumer groups.
    pub groups: GroupLimits,
    /// The memory that connections share among themselves, and with tasks.
    pub budget: Budget,
}

/// One door for clients.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// Its name, for messages; `None` for the one of `[kafka]`.
    pub name: Option<String>,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// What clients are told to connect to.
    pub advertised: Advertised,
    /// Who may come in.
    pub access: Access,
    /// How clients may log in.
    pub mechanisms: Vec<Mechanism>,
    /// What it shows to clients of TLS; `None` speaks plaintext.
    pub tls: Option<Arc<Acceptor>>,
}

/// What Metadata and FindCoordinator tell clients to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advertised {
    /// The address that the client itself has dialled; under TLS the name, which it holds the
    /// listener's certificate against.
    Dialled,
    /// Always this.
    At {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, as on a loopback `tap`: every topic, any group id. Who logs in all the same is held to
    /// their account.
    Anonymous,
    /// Only consumer groups that log in.
    Accounts,
    /// Only consumer groups that show a certificate: its common name is the user that a login would name.
    /// The listener's TLS asks for one.
    Certificates,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_max: 2_000,
            connections_per_address_max: usize::MAX,
            connections_per_group_max: usize::MAX,
            login_lifetime: None,
            guesses: GuessLimits::default(),
            login_timeout: Duration::from_secs(30),
            login_refusal_delay: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(10 * 60),
            write_timeout: Duration::from_secs(60),
            fetch_bytes_max: 50 << 20,
            fetch_rate: None,
            fetch_wait_max: Duration::from_secs(60),
            groups: GroupLimits::default(),
            budget: Budget::unbounded(),
        }
    }
}

impl ListenerSettings {
    /// The setting that says where it listens.
    pub(crate) fn listen_setting(&self) -> String {
        match &self.name {
            None => "kafka.listen (--kafka)".into(),
            Some(name) => format!("listen of [[kafka.listener]] {name}"),
        }
    }

    /// The setting that says what clients are told to connect to.
    pub(crate) fn advertised_setting(&self) -> String {
        match &self.name {
            None => "kafka.advertised (WELLHEAD_KAFKA__ADVERTISED)".into(),
            Some(name) => format!("advertised of [[kafka.listener]] {name}"),
        }
    }
}

/// As it is configured.
impl std::fmt::Display for Advertised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dialled => f.write_str("auto"),
            Self::At { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::At { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl std::str::FromStr for Advertised {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "auto" {
            return Ok(Self::Dialled);
        }
        let wrong = || Error::Advertised(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        match port.parse::<u16>() {
            Ok(port) if port > 0 && !host.is_empty() => Ok(Self::At { host: host.into(), port }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advertised_is_auto_or_host_and_port() {
        let at = |host: &str, port| Advertised::At { host: host.into(), port };
        assert_eq!("auto".parse::<Advertised>().unwrap(), Advertised::Dialled);
        assert_eq!("wh.internal:18003".parse::<Advertised>().unwrap(), at("wh.internal", 18003));
        assert_eq!("[::1]:9092".parse::<Advertised>().unwrap(), at("::1", 9092));
        for wrong in ["", "host", ":9092", "host:", "host:0", "host:65536", "host:x"] {
            assert!(wrong.parse::<Advertised>().is_err(), "{wrong:?}");
        }
    }
}
