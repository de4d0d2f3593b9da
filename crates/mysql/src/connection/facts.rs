//! What a server says about itself, as far as capture depends on it.

use std::collections::BTreeMap;

use super::{Connection, Flavour, ServerVersion};
use crate::Error;

/// What a server says about itself. What it does not have, or will not tell this account, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Flavour and version.
    pub version: ServerVersion,
    /// `@@version_comment`: tells distributions and cloud services apart.
    pub version_comment: String,
    /// `@@server_id`.
    pub server_id: Option<u32>,
    /// `@@server_uuid`; MySQL only.
    pub server_uuid: Option<String>,
    /// Whether a binlog is written at all.
    pub log_bin: bool,
    /// `ROW`, `STATEMENT` or `MIXED`.
    pub binlog_format: Option<String>,
    /// `FULL`, `MINIMAL`, `NOBLOB` or `FULL_NODUP`.
    pub binlog_row_image: Option<String>,
    /// `FULL`, `MINIMAL` or `NO_LOG`; servers before MySQL 8.0.1 and MariaDB 10.5 have none.
    pub binlog_row_metadata: Option<String>,
    /// `PARTIAL_JSON` or empty; MySQL only.
    pub binlog_row_value_options: Option<String>,
    /// `NONE` or `CRC32`.
    pub binlog_checksum: Option<String>,
    /// `ON`, `OFF` or in between; MySQL only. MariaDB always has GTIDs.
    pub gtid_mode: Option<String>,
    /// What the server has executed: MySQL's `gtid_executed`, MariaDB's `gtid_current_pos`.
    pub gtid_executed: Option<String>,
    /// What is no longer in its binlog; MySQL only.
    pub gtid_purged: Option<String>,
    /// The last transaction of each domain in its binlog; MariaDB only.
    pub gtid_binlog_pos: Option<String>,
    /// The last transaction of each server in each domain in its binlog; MariaDB only.
    pub gtid_binlog_state: Option<String>,
    /// The last transaction of each domain that it replicated; MariaDB only.
    pub gtid_slave_pos: Option<String>,
    /// How long it keeps binlog files; 0 is for ever.
    pub binlog_expire_seconds: Option<u64>,
    /// Whether it logs what it replicates itself.
    pub logs_replica_updates: Option<bool>,
    /// 0, 1 or 2.
    pub lower_case_table_names: Option<u8>,
    /// Where its log ends now; `None` without a log or without the right to see it.
    pub log_end: Option<LogEnd>,
    /// Its binlog files, oldest first; empty without a log or without the right to see them.
    pub binlog_files: Vec<BinlogFile>,
    /// Whether it replicates from another server; `None` if it will not say.
    pub is_replica: Option<bool>,
    /// Whether sessions take `utf8` for the UTF-8 of four bytes, unless they say otherwise; MariaDB only.
    pub utf8_is_utf8mb4: bool,
    /// Where MariaDB keeps its binlog, since 12.3: `innodb`, or empty for files of its own.
    pub binlog_storage_engine: Option<String>,
    /// Whether, as a replica, it may log transactions in another order than its source did.
    pub reorders_replicated: bool,
    /// `SHOW GRANTS` of our account, without the password hashes that MariaDB adds.
    pub grants: Vec<String>,
}

impl ServerFacts {
    /// Whether the log itself describes its tables whole (`binlog_row_metadata=FULL`).
    #[must_use]
    pub fn describes_tables(&self) -> bool {
        let metadata = self.binlog_row_metadata.as_deref();
        metadata.is_some_and(|metadata| metadata.eq_ignore_ascii_case("FULL"))
    }
}

/// The current end of a server's binlog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// File being written.
    pub file: String,
    /// Byte behind the last event.
    pub position: u64,
}

/// One binlog file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogFile {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Asks the server. Read-only.
///
/// # Errors
/// The connection breaks. Questions that the server refuses leave their fact empty.
pub fn server_facts(connection: &mut Connection) -> Result<ServerFacts, Error> {
    let variables = variables(connection)?;
    let text = |name: &str| variables.get(name).cloned();
    let number = |name: &str| variables.get(name).and_then(|value| value.parse::<u64>().ok());
    let version =
        text("version").map_or_else(|| connection.version().clone(), |v| ServerVersion::parse(&v));
    let mysql = version.flavour == Flavour::MySql;
    let log_bin = text("log_bin").is_some_and(|value| is_on(&value));
    let (log_end, binlog_files) = if log_bin {
        (log_end(connection, &version)?, binlog_files(connection)?)
    } else {
        (None, Vec::new())
    };
    let executed = if mysql { "gtid_executed" } else { "gtid_current_pos" };
    Ok(ServerFacts {
        server_id: number("server_id").and_then(|id| u32::try_from(id).ok()),
        server_uuid: text("server_uuid"),
        version_comment: text("version_comment").unwrap_or_default(),
        log_bin,
        binlog_format: text("binlog_format"),
        binlog_row_image: text("binlog_row_image"),
        binlog_row_metadata: text("binlog_row_metadata"),
        binlog_row_value_options: text("binlog_row_value_options"),
        binlog_checksum: text("binlog_checksum"),
        gtid_mode: text("gtid_mode"),
        gtid_executed: global(connection, executed)?,
        gtid_purged: if mysql { global(connection, "gtid_purged")? } else { None },
        gtid_binlog_pos: if mysql { None } else { global(connection, "gtid_binlog_pos")? },
        gtid_binlog_state: if mysql { None } else { global(connection, "gtid_binlog_state")? },
        gtid_slave_pos: if mysql { None } else { global(connection, "gtid_slave_pos")? },
        binlog_expire_seconds: expire_seconds(
            number("binlog_expire_logs_seconds"),
            text("expire_logs_days").as_deref(),
        ),
        logs_replica_updates: text("log_replica_updates")
            .or_else(|| text("log_slave_updates"))
            .map(|value| is_on(&value)),
        lower_case_table_names: number("lower_case_table_names")
            .and_then(|value| u8::try_from(value).ok()),
        log_end,
        binlog_files,
        is_replica: is_replica(connection, &version)?,
        utf8_is_utf8mb4: !mysql
            && version.is_at_least(10, 6, 0)
            && text("old_mode").is_some_and(|modes| utf8_is_utf8mb4(&modes)),
        binlog_storage_engine: text("binlog_storage_engine"),
        // MariaDB's parallel appliers keep the order within each domain.
        reorders_replicated: mysql
            && number("replica_parallel_workers")
                .or_else(|| number("slave_parallel_workers"))
                .is_some_and(|workers| workers > 1)
            && text("replica_preserve_commit_order")
                .or_else(|| text("slave_preserve_commit_order"))
                .is_some_and(|value| !is_on(&value)),
        grants: grants(connection)?,
        version,
    })
}

/// One query for all: names a server does not know are simply missing from its answer.
fn variables(connection: &mut Connection) -> Result<BTreeMap<String, String>, Error> {
    let names = VARIABLES.map(|name| format!("'{name}'")).join(",");
    let sql = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})");
    let answer = connection.query(&sql)?;
    let pair = |row: &super::Row| (row.text(0).to_ascii_lowercase(), row.text(1).to_owned());
    Ok(answer.rows.iter().map(pair).collect())
}

/// A variable whose value may be long: `SHOW VARIABLES` cuts at 1024 characters.
fn global(connection: &mut Connection, name: &str) -> Result<Option<String>, Error> {
    let answer = optional(connection.query(&format!("SELECT @@global.{name}")))?;
    // MySQL breaks long sets into lines.
    Ok(answer.first().and_then(|row| row.cell(0)).map(|value| value.replace('\n', "")))
}

fn log_end(connection: &mut Connection, version: &ServerVersion) -> Result<Option<LogEnd>, Error> {
    let renamed = version.flavour == Flavour::MySql && version.is_at_least(8, 2, 0);
    let sql = if renamed { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
    let answer = optional(connection.query(sql))?;
    Ok(answer
        .first()
        .and_then(|row| Some(LogEnd { file: row.cell(0)?.to_owned(), position: row.number(1)? })))
}

fn binlog_files(connection: &mut Connection) -> Result<Vec<BinlogFile>, Error> {
    let answer = optional(connection.query("SHOW BINARY LOGS"))?;
    let file = |row: &super::Row| {
        Some(BinlogFile { name: row.cell(0)?.to_owned(), bytes: row.number(1)? })
    };
    Ok(answer.rows.iter().filter_map(file).collect())
}

fn grants(connection: &mut Connection) -> Result<Vec<String>, Error> {
    let answer = optional(connection.query("SHOW GRANTS"))?;
    let line = |row: &super::Row| row.cell(0).map(|grant| without_hash(grant).to_owned());
    Ok(answer.rows.iter().filter_map(line).collect())
}

fn without_hash(grant: &str) -> &str {
    grant.split_once(" IDENTIFIED ").map_or(grant, |(grant, _)| grant)
}

fn is_replica(connection: &mut Connection, version: &ServerVersion) -> Result<Option<bool>, Error> {
    let sql = match version.flavour {
        Flavour::MariaDb => "SHOW GLOBAL STATUS LIKE 'Slaves_running'",
        Flavour::MySql if version.is_at_least(8, 0, 22) => "SHOW REPLICA STATUS",
        Flavour::MySql => "SHOW SLAVE STATUS",
    };
    match connection.query(sql) {
        Ok(answer) if version.flavour == Flavour::MariaDb => {
            Ok(answer.first().and_then(|row| row.number::<u32>(1)).map(|running| running > 0))
        }
        Ok(answer) => Ok(Some(answer.first().is_some())),
        Err(Error::Server(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A refused question counts as no answer; a broken connection does not.
fn optional(answer: Result<super::ResultSet, Error>) -> Result<super::ResultSet, Error> {
    match answer {
        Err(Error::Server(_)) => Ok(super::ResultSet::default()),
        other => other,
    }
}

/// MySQL 8 counts seconds, 5.7 days; MariaDB knows both, and days may be a fraction.
fn expire_seconds(seconds: Option<u64>, days: Option<&str>) -> Option<u64> {
    match (seconds, days.and_then(|days| days.parse::<f64>().ok())) {
        (Some(seconds), _) if seconds > 0 => Some(seconds),
        (_, Some(days)) => Some(seconds_of(days)),
        (seconds, None) => seconds,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and the value is clamped to a century first"
)]
fn seconds_of(days: f64) -> u64 {
    (days.clamp(0.0, 36_500.0) * 86_400.0).round() as u64
}

fn is_on(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("ON")
}

/// MariaDB's `old_mode`: a list of what is as it was.
fn utf8_is_utf8mb4(old_mode: &str) -> bool {
    !old_mode.split(',').any(|mode| mode.trim().eq_ignore_ascii_case("UTF8_IS_UTF8MB3"))
}

const VARIABLES: [&str; 22] = [
    "version",
    "version_comment",
    "server_id",
    "server_uuid",
    "log_bin",
    "binlog_format",
    "binlog_row_image",
    "binlog_row_metadata",
    "binlog_row_value_options",
    "binlog_checksum",
    "gtid_mode",
    "binlog_expire_logs_seconds",
    "expire_logs_days",
    "log_replica_updates",
    "log_slave_updates",
    "lower_case_table_names",
    "old_mode",
    "binlog_storage_engine",
    "replica_parallel_workers",
    "slave_parallel_workers",
    "replica_preserve_commit_order",
    "slave_preserve_commit_order",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_hash_is_not_kept() {
        let line = "GRANT SELECT ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*A4'";
        assert_eq!(without_hash(line), "GRANT SELECT ON *.* TO `u`@`%`");
    }

    #[test]
    fn d10_old_mode_says_what_utf8_is() {
        assert!(utf8_is_utf8mb4(""));
        assert!(utf8_is_utf8mb4("NO_PROGRESS_INFO,ZERO_DATE_TIME_CAST"));
        assert!(!utf8_is_utf8mb4("NO_PROGRESS_INFO,utf8_is_utf8mb3"));
    }

    #[test]
    fn the_expiry_comes_from_whichever_variable_counts() {
        assert_eq!(expire_seconds(Some(2_592_000), Some("0")), Some(2_592_000));
        assert_eq!(expire_seconds(Some(0), Some("0.000000")), Some(0));
        assert_eq!(expire_seconds(None, Some("7")), Some(604_800));
        assert_eq!(expire_seconds(Some(0), Some("1.5")), Some(129_600));
        assert_eq!(expire_seconds(None, None), None);
    }
}
