//! Answers on their way out: data to standard output, words to standard error, and the exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{Format, Global};
use crate::exit::{Failure, code_of};

/// What a command found out or did.
#[derive(Debug)]
pub(crate) struct Answer {
    /// One sentence, for the envelope, and for standard error where there is no text.
    pub(crate) summary: String,
    /// For programs.
    pub(crate) result: Value,
    /// For people; ends with a line break unless it is empty.
    pub(crate) text: String,
    /// Whether the answer is a good one.
    pub(crate) verdict: Verdict,
}

/// What the exit code tells of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 0
    Good,
    /// 4
    Bad,
    /// 3: the one who was asked could not be reached.
    Unreachable,
}

impl Answer {
    /// Something to show.
    pub(crate) fn data(text: String, result: Value) -> Self {
        Self { summary: String::new(), result, text, verdict: Verdict::Good }
    }

    /// Something that was done.
    pub(crate) fn done(summary: impl Into<String>, result: Value) -> Self {
        Self { summary: summary.into(), result, text: String::new(), verdict: Verdict::Good }
    }
}

impl Verdict {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Unreachable => 3,
            Self::Bad => 4,
        }
    }
}

/// Ends a command that printed by itself.
pub(crate) fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            to_stderr(&error_lines(&error));
            code_of(&error)
        }
    }
}

/// Prints an answer in the form that was asked for.
pub(crate) fn finish(command: &str, global: &Global, result: Result<Answer>) -> ExitCode {
    let format = global.output.unwrap_or(Format::Table);
    let machine = matches!(format, Format::Json | Format::Jsonl);
    match result {
        Ok(answer) => {
            let text = match format {
                Format::Json => envelope(command, &answer),
                Format::Jsonl => lines(&answer.result),
                _ => {
                    if answer.text.is_empty() && !answer.summary.is_empty() && !global.quiet {
                        to_stderr(&format!("{}\n", for_this_server(global, &answer.summary)));
                    }
                    answer.text
                }
            };
            to_stdout(&text);
            ExitCode::from(answer.verdict.code())
        }
        Err(error) => {
            if machine {
                to_stdout(&error_envelope(command, &error));
            } else {
                to_stderr(&for_this_server(global, &error_lines(&error)));
            }
            code_of(&error)
        }
    }
}

/// The text with the flags that led to the server behind each command that a line ends with, or that
/// stands behind a colon in it: so that it does the same when it is pasted.
pub(crate) fn for_this_server(global: &Global, text: &str) -> String {
    let path = |path: &std::path::Path| {
        let path = path.display().to_string();
        if path.contains([' ', '\'']) { format!("{path:?}") } else { path }
    };
    let mut flags = String::new();
    if let Some(file) = &global.config {
        flags.push_str(&format!(" -c {}", path(file)));
    }
    if let Some(folder) = &global.data_dir {
        flags.push_str(&format!(" --data-dir {}", path(folder)));
    }
    if let Some(url) = &global.url {
        flags.push_str(&format!(" --url {url}"));
    }
    if let Some(file) = &global.token_file {
        flags.push_str(&format!(" --token-file {}", path(file)));
    }
    with_flags(&flags, text)
}

/// The same, with flags that are known already.
pub(crate) fn with_flags(flags: &str, text: &str) -> String {
    let mut flagged = String::new();
    let mut parts = text.split(COMMAND);
    flagged.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let ends = [", ", "; ", "\n"].into_iter().filter_map(|end| part.find(end));
        let (command, behind) = part.split_at(ends.min().unwrap_or(part.len()));
        let flags =
            if WITHOUT_SERVER.iter().any(|verb| command.starts_with(verb)) { "" } else { flags };
        flagged.push_str(&format!("{COMMAND}{command}{flags}{behind}"));
    }
    flagged
}

/// Verbs that ask no running server.
const WITHOUT_SERVER: [&str; 3] = ["check ", "serve ", "tap "];
/// What stands before the words of a command that a message names.
const COMMAND: &str = ": wellhead ";

/// Aligned columns; the first row is the head. Controls are replaced, because names come from outside.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells =
            row.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", visible(cell)));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The text with each control character replaced, so that it cannot move a reader's terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A position as people say it, and as `--start` takes it: `file:offset` where it has a file, else as it is.
pub(crate) fn place(position: &str) -> String {
    match (word(position, "file="), word(position, "offset=")) {
        (Some(file), Some(offset)) => format!("{file}:{offset}"),
        _ => position.to_owned(),
    }
}

/// The same with the transactions that lie before it.
pub(crate) fn place_and_gtids(position: &str) -> String {
    match word(position, "gtid=") {
        Some(gtids) if position.contains("file=") => format!("{} (GTID {gtids})", place(position)),
        _ => place(position),
    }
}

fn word<'a>(position: &'a str, key: &str) -> Option<&'a str> {
    position.split(' ').find_map(|word| word.strip_prefix(key)).filter(|word| !word.is_empty())
}

/// A number of bytes as people say it.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];
    let unit = UNITS.into_iter().find(|(_, shift)| count >> shift > 0);
    match unit {
        Some((unit, shift)) if shift > 0 => {
            let tenths = count.saturating_mul(10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        _ => format!("{count} B"),
    }
}

/// Whether standard output is a terminal that may be coloured.
pub(crate) fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

/// Writes data; a reader that went away wants no more.
pub(crate) fn to_stdout(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes words.
pub(crate) fn to_stderr(text: &str) {
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
}

fn envelope(command: &str, answer: &Answer) -> String {
    let ok = answer.verdict == Verdict::Good;
    let object = json!({
        "command": command,
        "ok": ok,
        "summary": answer.summary,
        "result": answer.result,
        "error": null,
    });
    format!("{object}\n")
}

fn error_envelope(command: &str, error: &anyhow::Error) -> String {
    let summary = told(error);
    let problem = error.downcast_ref::<Failure>().and_then(Failure::problem);
    let faults = error.downcast_ref::<crate::config::Faults>();
    let body = match (problem, faults) {
        (Some(problem), _) => json!(problem),
        (None, Some(faults)) => json!(faults.problem()),
        (None, None) => json!({ "detail": summary }),
    };
    let object = json!({
        "command": command,
        "ok": false,
        "summary": summary,
        "result": null,
        "error": body,
    });
    format!("{object}\n")
}

/// One line an item: of a list its items, of anything else the thing itself.
fn lines(result: &Value) -> String {
    match result.as_array() {
        Some(items) => items.iter().map(|item| format!("{item}\n")).collect(),
        None => format!("{result}\n"),
    }
}

/// An error with its causes, each said once: some already tell theirs.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// `error: …`; faults of a configuration have a line each.
fn error_lines(error: &anyhow::Error) -> String {
    match error.downcast_ref::<crate::config::Faults>() {
        Some(faults) => faults.iter().map(|fault| format!("error: {fault}\n")).collect(),
        None => format!("error: {}\n", told(error)),
    }
}

#[cfg(test)]
mod tests {
    use service::{Code, Problem};

    use super::*;

    #[test]
    fn columns_align_and_cells_cannot_move_the_terminal() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let rows = [row(["NAME", "STATE", "TITLE"]), row(["shop", "normal", "a\u{1b}[2J"])];
        assert_eq!(table(&rows), "NAME  STATE   TITLE\nshop  normal  a\u{fffd}[2J\n");
    }

    #[test]
    fn sizes_are_said_in_binary_units() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(5 << 30), "5.0 GiB");
    }

    #[test]
    fn the_envelope_holds_the_result_or_the_problem() {
        let answer = Answer::done("task shop is stopped", json!({"name": "shop"}));
        assert_eq!(
            envelope("task pause", &answer),
            "{\"command\":\"task pause\",\"ok\":true,\"summary\":\"task shop is stopped\",\
             \"result\":{\"name\":\"shop\"},\"error\":null}\n"
        );
        let refused = Failure::refused(Problem::new(Code::NotFound, "there is no task shop"));
        assert_eq!(
            error_envelope("task show", &refused.into()),
            "{\"command\":\"task show\",\"ok\":false,\"summary\":\"there is no task shop\",\
             \"result\":null,\"error\":{\"type\":\"/errors/not-found\",\"title\":\"not found\",\
             \"status\":404,\"code\":\"not_found\",\"detail\":\"there is no task shop\"}}\n"
        );
    }

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let taken = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let cause = taken.to_string();
        let error = anyhow::Error::new(taken).context(format!("port 1: {cause}; take another"));
        assert_eq!(told(&error), format!("port 1: {cause}; take another"));
        assert_eq!(
            told(&error.context("no server")),
            format!("no server: port 1: {cause}; take another")
        );
    }

    #[test]
    fn a_command_that_is_told_leads_to_the_same_server() {
        let told = "reason  gone\n  choose: wellhead task start a --start @TIME, with its time\n\
                    follow it with: wellhead task show a\n";
        assert_eq!(
            with_flags(" --data-dir d", told),
            "reason  gone\n  choose: wellhead task start a --start @TIME --data-dir d, with its time\n\
             follow it with: wellhead task show a --data-dir d\n"
        );
        assert_eq!(with_flags("", told), told);
        assert_eq!(
            with_flags(
                " --data-dir d",
                "look with: wellhead check URL; then: wellhead task start a"
            ),
            "look with: wellhead check URL; then: wellhead task start a --data-dir d"
        );
    }

    #[test]
    fn a_list_is_a_line_for_each_item() {
        assert_eq!(lines(&json!([{"a": 1}, {"a": 2}])), "{\"a\":1}\n{\"a\":2}\n");
        assert_eq!(lines(&json!({"a": 1})), "{\"a\":1}\n");
    }
}
