//! Verdicts on the server's log settings and on the account's privileges.

use capture::CheckItem;

use super::grants::Grants;
use super::item::{duration, failed, ok, remedy, skippable, skipped, warn};
use crate::connection::{Flavour, ServerFacts};

/// Every item of this file, for when none can be looked at.
pub(super) const NAMES: [(&str, &str); 16] = [
    ("source", "version"),
    ("source", "replication_slave"),
    ("source", "replication_client"),
    ("source", "server_id"),
    ("log", "log_bin"),
    ("log", "binlog_storage_engine"),
    ("log", "binlog_format"),
    ("log", "binlog_row_image"),
    ("log", "binlog_row_metadata"),
    ("log", "binlog_row_value_options"),
    ("log", "gtid_mode"),
    ("log", "binlog_checksum"),
    ("log", "binlog_expire"),
    ("log", "log_replica_updates"),
    ("log", "replica_order"),
    ("log", "binlog_files"),
];

/// Whether the account may read the log.
pub(super) fn privileges(facts: &ServerFacts) -> Vec<CheckItem> {
    let grants = Grants::parse(&facts.grants);
    let item = |name: &'static str, wanted: &'static str, names: &[&str]| {
        if facts.grants.is_empty() {
            skipped("source", name)
        } else if grants.has_global(names) {
            ok("source", name, "granted")
        } else {
            let sql = format!("GRANT {wanted} ON *.* TO {};", account(facts));
            let item = failed("source", name, "not granted", wanted);
            remedy(item, "run as an administrator", sql)
        }
    };
    let slave = ["REPLICATION SLAVE"];
    let client = ["REPLICATION CLIENT", "BINLOG MONITOR", "SUPER"];
    vec![
        item("replication_slave", "REPLICATION SLAVE", &slave),
        item("replication_client", "REPLICATION CLIENT", &client),
    ]
}

/// Whether the server's settings allow capture.
pub(super) fn settings(facts: &ServerFacts) -> Vec<CheckItem> {
    let mut items = vec![version(facts), server_id(facts), log_bin(facts)];
    if facts.log_bin {
        items.extend([
            storage_engine(facts),
            format(facts),
            row_image(facts),
            row_metadata(facts),
            row_value_options(facts),
            gtid_mode(facts),
            checksum(facts),
            expire(facts),
            replica_updates(facts),
            replica_order(facts),
        ]);
    } else {
        let skip = |(group, name): &(&'static str, &'static str)| skipped(group, name);
        items.extend(NAMES.iter().skip(5).take(10).map(skip));
    }
    items
}

/// The account as its first grant names it.
pub(super) fn account(facts: &ServerFacts) -> String {
    let name = facts.grants.first().and_then(|line| {
        let (_, rest) = line.split_once(" TO ")?;
        let end = rest
            .find(" IDENTIFIED")
            .or_else(|| rest.find(" WITH"))
            .or_else(|| rest.find(" REQUIRE"));
        Some(end.and_then(|end| rest.get(..end)).unwrap_or(rest).to_owned())
    });
    name.unwrap_or_else(|| "CURRENT_USER".to_owned())
}

fn version(facts: &ServerFacts) -> CheckItem {
    let version = &facts.version;
    let tested = match version.flavour {
        Flavour::MySql => version.is_at_least(5, 7, 0),
        Flavour::MariaDb => version.is_at_least(10, 2, 0),
    };
    let found = format!("{version} ({})", facts.version_comment);
    if tested {
        ok("source", "version", found)
    } else {
        warn("source", "version", found, "MySQL 5.7 or MariaDB 10.2, or later")
    }
}

fn server_id(facts: &ServerFacts) -> CheckItem {
    match facts.server_id {
        Some(0) => {
            let item =
                failed("source", "server_id", "0: the server lets no replica connect", "1 or more");
            remedy(
                item,
                "give the server a number, also in its configuration",
                set(facts, "server_id", "1"),
            )
        }
        Some(id) => ok("source", "server_id", id.to_string()),
        None => skipped("source", "server_id"),
    }
}

fn log_bin(facts: &ServerFacts) -> CheckItem {
    if facts.log_bin {
        let end = facts.log_end.as_ref();
        let found =
            end.map_or("ON".to_owned(), |end| format!("ON, at {}:{}", end.file, end.position));
        return ok("log", "log_bin", found);
    }
    let item = failed("log", "log_bin", "OFF", "ON");
    remedy(
        item,
        "put log_bin=mysql-bin, binlog_format=ROW and server_id=1 under [mysqld] in the server's configuration, and restart it",
        "",
    )
}

fn format(facts: &ServerFacts) -> CheckItem {
    // MySQL is about to drop the variable; without it there is only ROW.
    let found = facts.binlog_format.as_deref().unwrap_or("ROW");
    if found.eq_ignore_ascii_case("ROW") {
        return ok("log", "binlog_format", found);
    }
    let item = failed("log", "binlog_format", found, "ROW");
    remedy(
        item,
        "sessions that are open keep the old format until they reconnect",
        set(facts, "binlog_format", "'ROW'"),
    )
}

fn storage_engine(facts: &ServerFacts) -> CheckItem {
    match facts.binlog_storage_engine.as_deref().unwrap_or_default() {
        "" => ok("log", "binlog_storage_engine", "files of its own"),
        engine => {
            let found = format!("{engine}: the log has neither files nor positions to read by");
            let item = failed("log", "binlog_storage_engine", found, "files of its own");
            remedy(
                item,
                "take binlog_storage_engine out of the server's configuration, give log_bin a name there, and restart it",
                "",
            )
        }
    }
}

fn row_image(facts: &ServerFacts) -> CheckItem {
    // Servers before 5.6 have only full images.
    let found = facts.binlog_row_image.as_deref().unwrap_or("FULL");
    if found.eq_ignore_ascii_case("FULL") {
        return ok("log", "binlog_row_image", found);
    }
    let left_out = match found.to_ascii_uppercase().as_str() {
        "MINIMAL" => "only keys and changed columns are logged, the others count as not captured",
        "NOBLOB" => "unchanged BLOB and TEXT columns are not logged and count as not captured",
        "FULL_NODUP" => "unchanged columns stand in the before image alone",
        _ => "columns are left out",
    };
    let item = failed("log", "binlog_row_image", format!("{found}: {left_out}"), "FULL");
    remedy(skippable(item), "", set(facts, "binlog_row_image", "'FULL'"))
}

fn row_metadata(facts: &ServerFacts) -> CheckItem {
    match facts.binlog_row_metadata.as_deref() {
        Some(found) if found.eq_ignore_ascii_case("FULL") => {
            ok("log", "binlog_row_metadata", found)
        }
        Some(found) => {
            let found = format!("{found}: names and signs of columns come from the catalog");
            let item = warn("log", "binlog_row_metadata", found, "FULL");
            remedy(item, "", set(facts, "binlog_row_metadata", "'FULL'"))
        }
        None => warn(
            "log",
            "binlog_row_metadata",
            "this version has none: names and signs of columns come from the catalog",
            "MySQL 8.0 or MariaDB 10.5 with FULL",
        ),
    }
}

/// Partial JSON updates are put together with the document before them, which only whole images hold.
fn row_value_options(facts: &ServerFacts) -> CheckItem {
    let found = facts.binlog_row_value_options.as_deref().unwrap_or_default();
    let image = facts.binlog_row_image.as_deref().unwrap_or("FULL");
    if found.is_empty() {
        return ok("log", "binlog_row_value_options", "whole JSON values");
    }
    if image.eq_ignore_ascii_case("FULL") {
        return ok("log", "binlog_row_value_options", format!("{found}, put together"));
    }
    let item = failed(
        "log",
        "binlog_row_value_options",
        format!("{found}: with binlog_row_image={image} changed JSON values are not captured"),
        "empty, or binlog_row_image=FULL",
    );
    remedy(skippable(item), "", set(facts, "binlog_row_value_options", "''"))
}

fn gtid_mode(facts: &ServerFacts) -> CheckItem {
    match (facts.version.flavour, facts.gtid_mode.as_deref()) {
        (Flavour::MariaDb, _) => ok("log", "gtid_mode", "MariaDB always has GTIDs"),
        (Flavour::MySql, Some(mode)) if mode.eq_ignore_ascii_case("ON") => {
            ok("log", "gtid_mode", mode)
        }
        (Flavour::MySql, mode) => {
            let found = format!("{}: a failover cannot be followed", mode.unwrap_or("none"));
            let item = warn("log", "gtid_mode", found, "ON");
            let steps = ["'OFF_PERMISSIVE'", "'ON_PERMISSIVE'", "'ON'"];
            let mut sql = set(facts, "enforce_gtid_consistency", "'ON'");
            for step in steps {
                sql.push(' ');
                sql.push_str(&set(facts, "gtid_mode", step));
            }
            remedy(item, "on every server of the group, one step after the other", sql)
        }
    }
}

fn checksum(facts: &ServerFacts) -> CheckItem {
    match facts.binlog_checksum.as_deref() {
        Some(found) if !found.eq_ignore_ascii_case("NONE") => ok("log", "binlog_checksum", found),
        _ => {
            let found = "NONE: damage on the way to us stays unseen";
            let item = warn("log", "binlog_checksum", found, "CRC32");
            remedy(item, "", set(facts, "binlog_checksum", "'CRC32'"))
        }
    }
}

fn expire(facts: &ServerFacts) -> CheckItem {
    match facts.binlog_expire_seconds {
        None => skipped("log", "binlog_expire"),
        Some(0) => ok("log", "binlog_expire", "kept until purged by hand"),
        Some(seconds) => {
            let kept = duration(i64::try_from(seconds).unwrap_or(i64::MAX));
            if seconds >= WEEK_SECONDS {
                return ok("log", "binlog_expire", format!("kept for {kept}"));
            }
            let found =
                format!("kept for {kept}: a task that stands still for longer loses its place");
            let item = warn("log", "binlog_expire", found, "7 days");
            let sql = match facts.version.flavour {
                Flavour::MySql if facts.version.is_at_least(8, 0, 0) => {
                    set(facts, "binlog_expire_logs_seconds", "604800")
                }
                _ => set(facts, "expire_logs_days", "7"),
            };
            remedy(item, "", sql)
        }
    }
}

fn replica_updates(facts: &ServerFacts) -> CheckItem {
    match (facts.logs_replica_updates, facts.is_replica) {
        (Some(true), _) => ok("log", "log_replica_updates", "ON"),
        (Some(false), Some(true)) => {
            let found = "OFF: what this server receives as a replica is not in its log";
            let item = skippable(failed("log", "log_replica_updates", found, "ON"));
            if facts.version.flavour == Flavour::MySql && facts.version.is_at_least(8, 0, 26) {
                remedy(item, "the server must be restarted for it", REPLICA_UPDATES_SQL)
            } else {
                remedy(item, REPLICA_UPDATES_REMEDY, "")
            }
        }
        (Some(false), Some(false)) => ok("log", "log_replica_updates", "OFF, and it is no replica"),
        (Some(false), None) => {
            ok("log", "log_replica_updates", "OFF, which matters only on a replica")
        }
        (None, _) => skipped("log", "log_replica_updates"),
    }
}

fn replica_order(facts: &ServerFacts) -> CheckItem {
    if facts.is_replica != Some(true) {
        return ok("log", "replica_order", "it is no replica");
    }
    if !facts.reorders_replicated {
        return ok("log", "replica_order", "transactions are logged as their source did");
    }
    let found = "several appliers, without an order: transactions may stand in another order here";
    let item = warn("log", "replica_order", found, "replica_preserve_commit_order = ON");
    let name = if facts.version.is_at_least(8, 0, 26) { "replica" } else { "slave" };
    let sql = [
        format!("STOP {} SQL_THREAD;", name.to_ascii_uppercase()),
        set(facts, &format!("{name}_preserve_commit_order"), "ON"),
        format!("START {} SQL_THREAD;", name.to_ascii_uppercase()),
    ];
    remedy(item, "", sql.join(" "))
}

/// A statement that sets a variable, for good where the server can.
fn set(facts: &ServerFacts, name: &str, value: &str) -> String {
    let lasting = facts.version.flavour == Flavour::MySql && facts.version.is_at_least(8, 0, 0);
    let scope = if lasting { "PERSIST" } else { "GLOBAL" };
    format!("SET {scope} {name} = {value};")
}

const REPLICA_UPDATES_REMEDY: &str = "set log_replica_updates (MariaDB: log_slave_updates) in the \
                                      server's configuration and restart it";

const REPLICA_UPDATES_SQL: &str = "SET PERSIST_ONLY log_replica_updates = ON; RESTART;";

const WEEK_SECONDS: u64 = 7 * 86_400;
