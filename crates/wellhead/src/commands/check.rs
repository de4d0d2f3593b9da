//! `wellhead check`: can this database be tapped, and what would mend what is wrong? Read-only, and
//! without a server.

use anyhow::{Context, Result};
use capture::{CheckItem, CheckResult, Selection};
use change::SystemClock;
use mysql::connection::{Endpoint, Secret, Timeouts};
use serde_json::json;

use crate::cli::{CheckArgs, Global};
use crate::client::{load, read_secret};
use crate::exit::Failure;
use crate::output::{Answer, Verdict, colours, visible};
use crate::password;
use crate::sources::endpoint;

pub(super) async fn run(global: &Global, args: &CheckArgs) -> Result<Answer> {
    let (mut endpoint, tables) = if args.target.contains("://") {
        described(args)?
    } else {
        configured(global, &args.target)?
    };
    if let Some(file) = &args.password_file {
        endpoint.password = Some(Secret::new(read_secret(file)?));
    }
    if endpoint.password.is_none() {
        let who = format!("{}@{}", endpoint.user, endpoint.address());
        endpoint.password = password::ask_on_terminal(&who)?.map(Secret::new);
    }
    if let Some(tls) = &args.tls {
        endpoint.tls = tls.parse().map_err(|_| {
            Failure::usage(format!(
                "--tls {tls:?} is none of disable, prefer, require, verify-ca, verify-full"
            ))
        })?;
    }
    endpoint.ca = args.ca.clone().or(endpoint.ca);
    let tables = if args.tables.is_empty() { tables } else { args.tables.clone() };
    let selection = Selection::new(&tables, &args.exclude)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let timeouts = Timeouts { connect: global.timeout.min(CONNECT_MAX), answer: global.timeout };
    let look = move || mysql::precheck::precheck(&endpoint, timeouts, &selection, &SystemClock);
    let items = tokio::task::spawn_blocking(look).await.context("the check ended early")?;
    Ok(judged(&items, colours()))
}

/// A database given by its URL, and the tables that it names.
fn described(args: &CheckArgs) -> Result<(Endpoint, Vec<String>)> {
    let endpoint =
        Endpoint::parse(&args.target).map_err(|error| Failure::usage(error.to_string()))?;
    let tables = match &endpoint.database {
        Some(database) => format!("{database}.*"),
        None => EVERYTHING.into(),
    };
    Ok((endpoint, vec![tables]))
}

/// A source of the configuration, and what its tasks track.
fn configured(global: &Global, name: &str) -> Result<(Endpoint, Vec<String>)> {
    let Some(file) = &global.config else {
        return Err(Failure::usage(format!(
            "{name} is no URL, so it must be a source of a configuration: give it with -c wellhead.toml, or give a URL like mysql://user@host:3306/shop"
        ))
        .into());
    };
    let config = load(global)?.config;
    let Some(source) = config.sources.iter().find(|source| source.name.as_str() == name) else {
        let known: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        let file = file.display();
        return Err(Failure::usage(format!("{file} has no source {name}; it has: {known}")).into());
    };
    let tasks = config.tasks.iter().filter(|task| task.source == source.name);
    let mut tables: Vec<String> = tasks.flat_map(|task| task.include.iter().cloned()).collect();
    if tables.is_empty() {
        tables.push(EVERYTHING.into());
    }
    let endpoint = endpoint(source).map_err(|error| Failure::usage(error.message))?;
    Ok((endpoint, tables))
}

/// A server that could not be asked is no bad answer but none.
fn judged(items: &[CheckItem], colours: bool) -> Answer {
    let count = |result| items.iter().filter(|item| item.result == result).count();
    let (ok, warnings) = (count(CheckResult::Ok), count(CheckResult::Warn));
    let (failed, skipped) = (count(CheckResult::Failed), count(CheckResult::Skipped));
    let reached = |item: &CheckItem| item.name != CONNECTION || item.result != CheckResult::Failed;
    let verdict = match failed {
        0 => Verdict::Good,
        _ if items.iter().all(reached) => Verdict::Bad,
        _ => Verdict::Unreachable,
    };
    let plural = if warnings == 1 { "" } else { "s" };
    let mut summary = format!("{ok} ok, {warnings} warning{plural}, {failed} failed");
    if skipped > 0 {
        summary.push_str(&format!(", {skipped} not looked at"));
    }
    if verdict != Verdict::Good {
        summary.push_str(&format!(" (exit {})", verdict.code()));
    }
    let text = format!("{}{summary}\n", listed(items, colours));
    Answer { summary, result: json!(items), text, verdict }
}

fn listed(items: &[CheckItem], colours: bool) -> String {
    let width = items.iter().map(|item| item.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut group = "";
    for item in items.iter().filter(|item| item.result != CheckResult::Skipped) {
        let head = if item.group == group { "" } else { item.group };
        group = item.group;
        let mark = mark(item.result, colours);
        let line = format!(
            "{head:<8}{mark}  {:<width$}  {}{}",
            item.name,
            visible(&said(item)),
            skippable(item)
        );
        text.push_str(line.trim_end());
        text.push('\n');
        for remedy in remedies(item) {
            text.push_str(&format!("{:14}fix: {}\n", "", visible(&remedy)));
        }
    }
    let skipped = items.iter().filter(|item| item.result == CheckResult::Skipped);
    let skipped: Vec<_> = skipped.map(|item| item.name).collect();
    if !skipped.is_empty() {
        text.push_str(&format!("not looked at: {}\n", skipped.join(", ")));
    }
    text
}

/// Whether a task may start in spite of a failure.
fn skippable(item: &CheckItem) -> &'static str {
    match (item.result, item.name, item.can_skip) {
        (CheckResult::Failed, CONNECTION, _) => "",
        (CheckResult::Failed, _, true) => "   can be skipped: yes",
        (CheckResult::Failed, _, false) => "   can be skipped: no",
        _ => "",
    }
}

/// What mends an item, as far as what was found does not say it already.
pub(crate) fn remedies(item: &CheckItem) -> impl Iterator<Item = String> {
    item.remedy.iter().filter_map(|remedy| {
        let parts = [remedy.title.as_str(), remedy.sql.as_str()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let remedy = parts.join(": ");
        (!item.found.contains(&remedy)).then_some(remedy)
    })
}

/// What was found, and what is wanted instead.
pub(crate) fn said(item: &CheckItem) -> String {
    let mut text = item.found.clone();
    match item.result {
        CheckResult::Failed if !item.wanted.is_empty() => {
            text.push_str(&format!(", needs {}", item.wanted));
        }
        CheckResult::Warn if !item.wanted.is_empty() => {
            text.push_str(&format!(", better {}", item.wanted));
        }
        _ => {}
    }
    text
}

/// Four columns wide.
fn mark(result: CheckResult, colours: bool) -> String {
    let (word, colour) = match result {
        CheckResult::Ok => ("ok  ", "32"),
        CheckResult::Warn => ("warn", "33"),
        CheckResult::Failed => ("FAIL", "31;1"),
        CheckResult::Skipped => ("-   ", "2"),
    };
    if colours { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.into() }
}

/// How long one address may take to answer a connection.
const CONNECT_MAX: std::time::Duration = std::time::Duration::from_secs(10);
/// The item that tells whether the server can be reached and lets us in.
pub(crate) const CONNECTION: &str = "connection";
const EVERYTHING: &str = "*.*";

#[cfg(test)]
mod tests {
    use capture::Remedy;

    use super::*;

    fn item(
        group: &'static str,
        name: &'static str,
        result: CheckResult,
        found: &str,
        wanted: &str,
    ) -> CheckItem {
        CheckItem {
            group,
            name,
            result,
            found: found.into(),
            wanted: wanted.into(),
            remedy: Vec::new(),
            can_skip: result == CheckResult::Warn,
        }
    }

    #[test]
    fn items_stand_under_their_group_with_what_mends_them() {
        let mut format =
            item("log", "binlog_format", CheckResult::Failed, "found STATEMENT", "ROW");
        format.remedy.push(Remedy {
            title: "log rows".into(),
            sql: "SET GLOBAL binlog_format = ROW;".into(),
        });
        let items = [
            item("source", "connection", CheckResult::Ok, "MariaDB 10.11.6, not encrypted", ""),
            format,
            item("log", "gtid_mode", CheckResult::Warn, "OFF", "ON"),
        ];
        let answer = judged(&items, false);
        assert_eq!(
            answer.text,
            "source  ok    connection     MariaDB 10.11.6, not encrypted\n\
             log     FAIL  binlog_format  found STATEMENT, needs ROW   can be skipped: no\n              \
             fix: log rows: SET GLOBAL binlog_format = ROW;\n        \
             warn  gtid_mode      OFF, better ON\n\
             1 ok, 1 warning, 1 failed (exit 4)\n"
        );
        assert_eq!(answer.verdict, Verdict::Bad);
        assert_eq!(answer.result[1]["result"], "failed");
    }

    #[test]
    fn a_server_that_cannot_be_asked_exits_with_3() {
        let items = [
            item("source", "connection", CheckResult::Failed, "nobody listens", ""),
            item("log", "binlog", CheckResult::Skipped, "", ""),
        ];
        let answer = judged(&items, false);
        assert_eq!(answer.verdict, Verdict::Unreachable);
        assert!(
            answer.text.ends_with(
                "FAIL  connection  nobody listens\nnot looked at: binlog\n\
                 0 ok, 0 warnings, 1 failed, 1 not looked at (exit 3)\n"
            ),
            "{}",
            answer.text
        );
    }

    #[test]
    fn colours_do_not_shift_columns() {
        assert_eq!(mark(CheckResult::Ok, true), "\u{1b}[32mok  \u{1b}[0m");
        assert_eq!(mark(CheckResult::Ok, false).len(), 4);
    }
}
