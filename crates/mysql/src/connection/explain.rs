//! An error of this crate as a task and a person need it: its kind, a stable code, and what to do.

use std::io::ErrorKind as IoKind;

use capture::{ErrorKind, SourceError};

use super::Endpoint;
use crate::{Error, ServerError};

/// Says what `error` means for the source at `endpoint`. `reading_at` is where in the server's log we
/// were, as a person writes it (`binlog.000007:4711`), if a dump was running.
#[must_use]
pub fn explain(error: Error, endpoint: &Endpoint, reading_at: Option<&str>) -> SourceError {
    let address = endpoint.address();
    let described = match &error {
        Error::Resolve { host, .. } => SourceError::new(
            ErrorKind::Unreachable,
            "unknown_host",
            format!("the host {host} is unknown: check its name in the source's URL"),
        ),
        Error::Connect { source, .. } => refused_connection(&address, source.kind()),
        Error::Io { source, doing } => SourceError::new(
            ErrorKind::Unreachable,
            "connection_lost",
            format!("the connection to {address} broke while {doing}: {source}"),
        ),
        Error::Closed { doing } => SourceError::new(
            ErrorKind::Unreachable,
            "connection_lost",
            format!("{address} closed the connection while {doing}"),
        ),
        Error::TlsNotOffered => SourceError::new(
            ErrorKind::Misconfigured,
            "tls_not_offered",
            format!("{address} does not offer TLS, which the source's tls setting demands"),
        )
        .remedy("set ssl_cert and ssl_key on the server and restart it")
        .remedy("set the source's tls to prefer, if the network in between is trusted"),
        Error::Tls(source) => tls(&address, source),
        Error::TlsSetup { .. } | Error::CaFile { .. } => SourceError::new(
            ErrorKind::Misconfigured,
            "tls_setup",
            format!("{address} cannot be verified: {error}"),
        ),
        Error::AuthPlugin { plugin } => SourceError::new(
            ErrorKind::Unsupported,
            "auth_plugin_unsupported",
            format!("{} uses the authentication plugin {plugin}, which is not supported", account(endpoint)),
        )
        .remedy("give the account caching_sha2_password (MySQL), or ed25519 or mysql_native_password (MariaDB)"),
        Error::AuthNeedsTls { plugin } => SourceError::new(
            ErrorKind::Misconfigured,
            "auth_needs_tls",
            format!("{} would send its password readable ({plugin}), which needs TLS", account(endpoint)),
        )
        .remedy("set the source's tls to verify-full, and switch TLS on on the server"),
        Error::AuthKey { .. } => SourceError::new(
            ErrorKind::Corrupt,
            "auth_key",
            format!("{} cannot log in: {error}", account(endpoint)),
        )
        .remedy("set the source's tls to require, so that no RSA key is needed"),
        Error::Malformed { .. } => SourceError::new(
            ErrorKind::Corrupt,
            "protocol_violation",
            format!("{address} broke the protocol{}: {error}", at(reading_at)),
        ),
        Error::TooLarge { .. } => SourceError::new(
            ErrorKind::Unsupported,
            "too_large",
            format!("{address} sent more than is taken{}: {error}", at(reading_at)),
        ),
        Error::Unsupported(_) => SourceError::new(
            ErrorKind::Unsupported,
            "unsupported",
            format!("{address}: {error}"),
        ),
        Error::MissingPrivilege { privilege, source } => SourceError::new(
            ErrorKind::Denied,
            "missing_privilege",
            format!(
                "{} lacks {privilege} on {address}: {}",
                account(endpoint),
                source.message
            ),
        )
        .remedy(format!("GRANT {privilege} ON *.* to the account")),
        Error::Server(answer) => server(answer, endpoint, reading_at),
    };
    described.caused_by(error)
}

fn refused_connection(address: &str, kind: IoKind) -> SourceError {
    let (what, remedy) = match kind {
        IoKind::ConnectionRefused => (
            "refused the connection",
            "check that the server runs, that the port is right, and that bind_address is not 127.0.0.1",
        ),
        IoKind::TimedOut | IoKind::WouldBlock => {
            ("did not answer", "check the host, and the firewall in between")
        }
        _ => ("cannot be reached", "check the host, the port and the network in between"),
    };
    SourceError::new(ErrorKind::Unreachable, "unreachable", format!("{address} {what}: {remedy}"))
        .remedy(remedy)
}

fn tls(address: &str, error: &rustls::Error) -> SourceError {
    match error {
        rustls::Error::InvalidCertificate(reason) => SourceError::new(
            ErrorKind::Misconfigured,
            "tls_certificate",
            format!("the certificate of {address} was refused: {reason}"),
        )
        .remedy("name the authority that signed it with --ca")
        .remedy("set tls to verify-ca if only the name differs, or to require to accept any certificate"),
        _ => SourceError::new(
            ErrorKind::Misconfigured,
            "tls_handshake",
            format!("TLS with {address} failed: {error}; TLS 1.2 or 1.3 is needed"),
        )
        .remedy("let the server offer TLS 1.2 (tls_version), or set tls to disable on a trusted network"),
    }
}

fn server(error: &ServerError, endpoint: &Endpoint, reading_at: Option<&str>) -> SourceError {
    let address = endpoint.address();
    let ServerError { code, message, .. } = error;
    match code {
        // ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ER_HOST_NOT_PRIVILEGED
        1045 | 1698 | 1130 => SourceError::new(
            ErrorKind::Denied,
            "access_denied",
            format!("{address} refuses {}: {message}", account(endpoint)),
        )
        .remedy("check user and password of the source's URL (write special characters as %XX)")
        .remedy("check on the server that the account may come from this machine: SELECT user, host, plugin FROM mysql.user;"),
        // ER_MUST_CHANGE_PASSWORD, ER_MUST_CHANGE_PASSWORD_LOGIN, ER_ACCOUNT_HAS_BEEN_LOCKED, MariaDB's
        1820 | 1862 | 3118 | 4151 => SourceError::new(
            ErrorKind::Denied,
            "account_locked",
            format!("{address} does not let {} in: {message}", account(endpoint)),
        )
        .remedy("unlock the account on the server (ALTER USER ... ACCOUNT UNLOCK), or give it a new password"),
        // ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR
        1044 | 1142 | 1227 => SourceError::new(
            ErrorKind::Denied,
            "missing_privilege",
            format!("{} lacks a privilege on {address}: {message}", account(endpoint)),
        )
        .remedy("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* to the account"),
        // ER_CON_COUNT_ERROR, ER_USER_LIMIT_REACHED, ER_TOO_MANY_USER_CONNECTIONS
        1040 | 1226 | 1203 => SourceError::new(
            ErrorKind::Unreachable,
            "too_many_connections",
            format!("{address} takes no more connections: {message}"),
        ),
        // ER_SERVER_SHUTDOWN, ER_NEW_ABORTING_CONNECTION, ER_CONNECTION_KILLED, ER_QUERY_INTERRUPTED
        1053 | 1184 | 1927 | 1317 | 3168 | 4031 => SourceError::new(
            ErrorKind::Unreachable,
            "connection_lost",
            format!("{address} ended the connection{}: {message}", at(reading_at)),
        ),
        1129 => SourceError::new(
            ErrorKind::Denied,
            "host_blocked",
            format!("{address} blocks this machine: {message}"),
        )
        .remedy("TRUNCATE TABLE performance_schema.host_cache; (MySQL) or FLUSH HOSTS; (MariaDB)"),
        // MariaDB's ER_SLAVE_SAME_ID, which other servers put into the text of 1236
        4052 => server_id_taken(message, &address),
        1236 => dump_refused(message, &address, reading_at),
        // ER_NO_BINARY_LOGGING: SHOW BINLOG EVENTS and the like
        1381 => no_binlog(&address),
        _ => SourceError::new(
            ErrorKind::Misconfigured,
            "server_error",
            format!("{address} answered{}: {error}", at(reading_at)),
        ),
    }
}

/// Error 1236 carries everything that can be wrong with a dump; only its text tells what.
fn dump_refused(message: &str, address: &str, reading_at: Option<&str>) -> SourceError {
    let text = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["max_allowed_packet", "exceeded max"]) {
        return SourceError::new(
            ErrorKind::Misconfigured,
            "max_allowed_packet",
            format!("an event{} is longer than the server may send: {message}", at(reading_at)),
        )
        .remedy("SET GLOBAL replica_max_allowed_packet = 1073741824; (MySQL 8)")
        .remedy("SET GLOBAL slave_max_allowed_packet = 1073741824; SET GLOBAL max_allowed_packet = 1073741824;");
    }
    if says(&["same server_uuid", "same server_id", "same server_uuid/server_id"]) {
        return server_id_taken(message, address);
    }
    if says(&["binary log is not open", "binary logging is not enabled", "is not enabled"]) {
        return no_binlog(address);
    }
    if says(&[
        "more transactions than",
        "more gtids than",
        "diverged",
        "which is not in the master's binlog",
        "connecting slave requested to start from gtid",
    ]) {
        return position_lost(
            "position_unknown",
            format!(
                "{address} does not know the transactions this task has read{}: it is another server, \
                 or it was restored or failed over to an older state: {message}",
                at(reading_at)
            ),
        );
    }
    if says(&["could not find first log", "purged", "could not find gtid", "has been purged"]) {
        return position_lost(
            "binlog_purged",
            format!("{address} has purged the binlog{}: {message}", at(reading_at)),
        )
        .remedy("keep logs longer than a task may stand still: raise binlog_expire_logs_seconds (MySQL: SET PERSIST; MariaDB: SET GLOBAL)");
    }
    if says(&["auto_position mode", "gtid_mode"]) {
        return SourceError::new(
            ErrorKind::Misconfigured,
            "gtid_mode",
            format!("{address} no longer logs GTIDs, which this task resumes by: {message}"),
        )
        .remedy("switch gtid_mode back to ON");
    }
    if says(&["impossible position", "position > file size", "beyond", "end of file"]) {
        return position_lost(
            "position_unknown",
            format!(
                "{address} has nothing{}: the server lost the end of its log, or is another one: {message}",
                at(reading_at)
            ),
        );
    }
    SourceError::new(
        ErrorKind::Corrupt,
        "binlog_unreadable",
        format!("{address} cannot read its own binlog{}: {message}", at(reading_at)),
    )
}

fn server_id_taken(message: &str, address: &str) -> SourceError {
    SourceError::new(
        ErrorKind::Misconfigured,
        "server_id_taken",
        format!("another replica of {address} uses the same server id: {message}"),
    )
    .remedy("set the source's server_id to auto, or to a number no other replica has")
}

fn position_lost(code: &'static str, message: String) -> SourceError {
    SourceError::new(ErrorKind::PositionLost, code, message)
        .remedy("wellhead task start NAME --start earliest --accept-gap")
        .remedy("wellhead task start NAME --start now --accept-gap")
}

fn no_binlog(address: &str) -> SourceError {
    SourceError::new(
        ErrorKind::Misconfigured,
        "binlog_off",
        format!("{address} writes no binlog"),
    )
    .remedy("set log_bin, server_id and binlog_format=ROW in the server's configuration and restart it")
}

fn account(endpoint: &Endpoint) -> String {
    format!("the account {:?}", endpoint.user)
}

fn at(reading_at: Option<&str>) -> String {
    reading_at.map(|place| format!(" at {place}")).unwrap_or_default()
}
