//! Verdicts on the tables to track.

use capture::CheckItem;

use super::grants::Grants;
use super::item::{failed, ok, remedy, skippable, skipped, warn};
use super::log_items::account;
use crate::connection::ServerFacts;
use crate::describe::Catalog;

/// Every item of this file, for when none can be looked at.
pub(super) const NAMES: [(&str, &str); 5] = [
    ("tables", "tables"),
    ("tables", "select"),
    ("tables", "primary_keys"),
    ("tables", "engines"),
    ("tables", "column_types"),
];

/// What was found out about the selection's tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) catalog: Catalog,
    /// Tables whose engine keeps its rows elsewhere, so that they are not logged, with the engine.
    pub(super) foreign: Vec<String>,
}

/// One item each.
pub(super) fn judge(tables: &Tables, facts: &ServerFacts) -> Vec<CheckItem> {
    let mut items = vec![count(tables), select(tables, facts)];
    if tables.catalog == Catalog::default() {
        items.extend(NAMES.iter().skip(2).map(|(group, name)| skipped(group, name)));
    } else {
        items.extend([primary_keys(tables), engines(tables), column_types(tables)]);
    }
    items
}

fn count(tables: &Tables) -> CheckItem {
    match tables.catalog.tables.len() + tables.catalog.unknown.len() {
        0 => {
            let found = "none: no table matches, or the account sees none of them";
            warn("tables", "tables", found, "at least one table")
        }
        1 => ok("tables", "tables", "1 table"),
        count => ok("tables", "tables", format!("{count} tables")),
    }
}

fn select(tables: &Tables, facts: &ServerFacts) -> CheckItem {
    if facts.grants.is_empty() {
        return skipped("tables", "select");
    }
    let grants = Grants::parse(&facts.grants);
    let all = &tables.catalog.tables;
    let missing: Vec<String> = all
        .iter()
        .filter(|table| !grants.covers("SELECT", &table.database, &table.table))
        .map(|table| format!("{}.{}", table.database, table.table))
        .collect();
    let hidden = all.is_empty() && !grants.has_global(&["SELECT"]);
    if missing.is_empty() && !hidden {
        return ok("tables", "select", format!("SELECT on {0} of {0} tables", all.len()));
    }
    let found = if hidden {
        "no table is visible".to_owned()
    } else {
        format!("not on {}", first_few(&missing))
    };
    let item = failed("tables", "select", found, "SELECT, to know the tables' definitions");
    let sql = format!("GRANT SELECT ON *.* TO {};", account(facts));
    remedy(item, "run as an administrator; the tracked databases are enough", sql)
}

fn primary_keys(tables: &Tables) -> CheckItem {
    let keyless: Vec<String> = tables
        .catalog
        .tables
        .iter()
        .filter(|table| table.primary_key.is_empty())
        .map(|table| format!("{}.{}", table.database, table.table))
        .collect();
    if keyless.is_empty() {
        return ok("tables", "primary_keys", "all tables have one");
    }
    let found = format!("missing on {}: their changes name no row", first_few(&keyless));
    warn("tables", "primary_keys", found, "a primary key on each table")
}

fn engines(tables: &Tables) -> CheckItem {
    if tables.foreign.is_empty() {
        return ok("tables", "engines", "all tables are logged");
    }
    let found = format!("not logged: {}", first_few(&tables.foreign));
    let item = failed("tables", "engines", found, "no FEDERATED or MRG_MYISAM table");
    remedy(skippable(item), "exclude them from the task", "")
}

fn column_types(tables: &Tables) -> CheckItem {
    let unknown: Vec<String> = tables
        .catalog
        .unknown
        .iter()
        .map(|c| format!("{}.{}.{} ({})", c.database, c.table, c.column, c.column_type))
        .collect();
    if unknown.is_empty() {
        return ok("tables", "column_types", "all are supported");
    }
    let found = format!("not supported: {}", first_few(&unknown));
    let item = failed("tables", "column_types", found, "types that are supported");
    remedy(item, "exclude their tables from the task", "")
}

/// `a, b, c (4 more)`.
fn first_few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} ({more} more)", shown.join(", ")),
    }
}

/// More names than these make a line nobody reads.
const NAMED: usize = 5;
