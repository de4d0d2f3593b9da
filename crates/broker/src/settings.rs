//! What an operator decides about the broker, already checked.

use std::net::SocketAddr;
use std::time::Duration;

use budget::Budget;

use crate::Error;
use crate::coordinator::GroupLimits;

/// What holds for all listeners together.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections at a time; further ones are closed at once.
    pub connections_max: usize,
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
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// What clients are told to connect to.
    pub advertised: Advertised,
    /// Who may come in.
    pub access: Access,
}

/// What Metadata and FindCoordinator tell clients to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advertised {
    /// The address that the client itself has dialled.
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_max: 2_000,
            login_timeout: Duration::from_secs(30),
            login_refusal_delay: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(10 * 60),
            write_timeout: Duration::from_secs(60),
            fetch_bytes_max: 50 << 20,
            fetch_wait_max: Duration::from_secs(60),
            groups: GroupLimits::default(),
            budget: Budget::unbounded(),
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
