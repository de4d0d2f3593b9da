//! Looks, read-only, whether a server can be tapped, and says what would mend what is wrong.
//!
//! The names of items are part of the contract: programs select by them. This module asks the server;
//! the verdicts are pure functions in `log_items` and `table_items`.

mod grants;
mod item;
mod log_items;
mod table_items;

#[cfg(test)]
mod tests;

use capture::{CheckItem, Selection};
use change::Clock;

use crate::connection::{
    Connection, Endpoint, ServerFacts, Timeouts, explain, oldest_entry_time, server_facts,
};
use crate::{Error, describe};
use item::{failed, ok, skipped, warn};
use table_items::Tables;

/// Checks the server at `endpoint` and the tables that `selection` tracks. A server that cannot be
/// reached gives a failed item, and the rest is skipped.
#[must_use]
pub fn precheck(
    endpoint: &Endpoint,
    timeouts: Timeouts,
    selection: &Selection,
    clock: &dyn Clock,
) -> Vec<CheckItem> {
    let (mut connection, facts) = match connect(endpoint, timeouts) {
        Ok(pair) => pair,
        Err(error) => return unreachable(error, endpoint),
    };
    let mut items = vec![connection_item(&connection, &facts, endpoint)];
    items.extend(log_items::privileges(&facts));
    items.extend(log_items::settings(&facts));
    items.push(reach(endpoint, timeouts, &facts, clock));
    match look_at_tables(&mut connection, selection) {
        Ok(tables) => items.extend(table_items::judge(&tables, &facts)),
        Err(error) => {
            let reason = explain(error, endpoint, None);
            items.push(failed("tables", "tables", reason.message, "a readable information_schema"));
        }
    }
    connection.close();
    items
}

fn connect(endpoint: &Endpoint, timeouts: Timeouts) -> Result<(Connection, ServerFacts), Error> {
    let mut connection = Connection::connect(endpoint, timeouts)?;
    let facts = server_facts(&mut connection)?;
    Ok((connection, facts))
}

fn unreachable(error: Error, endpoint: &Endpoint) -> Vec<CheckItem> {
    let reason = explain(error, endpoint, None);
    let mut item = failed("source", "connection", reason.message, "");
    for remedy in reason.remedies {
        item = item::remedy(item, remedy, "");
    }
    let rest = log_items::NAMES.iter().chain(&table_items::NAMES);
    std::iter::once(item).chain(rest.map(|(group, name)| skipped(group, name))).collect()
}

fn connection_item(connection: &Connection, facts: &ServerFacts, endpoint: &Endpoint) -> CheckItem {
    let version = &facts.version;
    let local = matches!(endpoint.host.as_str(), "localhost" | "127.0.0.1" | "::1");
    match connection.encryption() {
        Some(encryption) => ok("source", "connection", format!("{version}, {encryption}")),
        None if local => ok("source", "connection", format!("{version}, not encrypted")),
        None => {
            let item = warn("source", "connection", format!("{version}, not encrypted"), "TLS");
            item::remedy(item, "switch TLS on on the server and set the source's tls", "")
        }
    }
}

/// How far back the log reaches. Opens a short dump, so it also proves that a dump is allowed.
fn reach(
    endpoint: &Endpoint,
    timeouts: Timeouts,
    facts: &ServerFacts,
    clock: &dyn Clock,
) -> CheckItem {
    let Some(oldest) = facts.binlog_files.first() else {
        return skipped("log", "binlog_files");
    };
    let files = match facts.binlog_files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    match oldest_entry_time(endpoint, timeouts, &oldest.name) {
        Ok(Some(time)) => {
            let age = clock.now().seconds().saturating_sub(time.seconds()).max(0);
            let found = format!("{files}, reaching back {}", item::duration(age));
            ok("log", "binlog_files", found)
        }
        Ok(None) => ok("log", "binlog_files", files),
        Err(error) => {
            let reason = explain(error, endpoint, None);
            failed("log", "binlog_files", reason.message, "a dump from the oldest file")
        }
    }
}

fn look_at_tables(connection: &mut Connection, selection: &Selection) -> Result<Tables, Error> {
    let catalog = describe::load(connection, selection)?;
    let mut foreign = Vec::new();
    let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES \
               WHERE ENGINE IN ('FEDERATED', 'MRG_MYISAM')";
    connection.query_each(sql, |row| {
        if selection.tracks(row.text(0), row.text(1)) {
            foreign.push(format!("{}.{} ({})", row.text(0), row.text(1), row.text(2)));
        }
        Ok(())
    })?;
    Ok(Tables { catalog, foreign })
}
