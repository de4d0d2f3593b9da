//! `wellhead log verify`: whether logs are whole, and what is wrong where.

use std::path::Path;

use anyhow::Result;
use log::inspect::{Finding, Severity, Verified, verify};
use serde_json::{Value, json};

use super::place::{Found, find};
use super::time;
use crate::cli::Global;
use crate::output::{Answer, Verdict, bytes, to_stderr, visible};

/// Findings of one log that are listed; all are counted.
const LISTED_MAX: usize = 100;

pub(super) fn run(global: &Global, place: Option<&Path>) -> Result<Answer> {
    let mut answer = Answer::data(String::new(), Value::Null);
    let mut results = Vec::new();
    let (mut logs, mut bad) = (0_usize, 0_usize);
    for Found { name, folder } in find(global, place)? {
        logs += 1;
        let seen = |base, length| {
            if global.verbose {
                to_stderr(&format!("{name}: segment {base} read, {}\n", bytes(length)));
            }
        };
        match folder.and_then(|folder| verify(&folder, seen)) {
            Ok(verified) => {
                bad += usize::from(!verified.is_sound());
                answer.text.push_str(&shown(&name, &verified));
                results.push(result(&name, &verified));
            }
            Err(error) => {
                bad += 1;
                answer.text.push_str(&visible(&format!("BAD  {name}: {error}")));
                answer.text.push('\n');
                results.push(json!({ "log": name, "ok": false, "error": error.to_string() }));
            }
        }
    }
    answer.summary = match (logs, bad) {
        (0, _) => "there is no log".into(),
        (_, 0) => format!("{logs} checked, all whole"),
        _ => format!("{logs} checked, {bad} damaged"),
    };
    if bad > 0 {
        answer.verdict = Verdict::Bad;
    }
    answer.result = Value::Array(results);
    Ok(answer)
}

fn shown(name: &str, verified: &Verified) -> String {
    let word = if verified.is_sound() { "ok " } else { "BAD" };
    let offsets = verified.offsets.map(|(start, end)| format!(", offsets {start}..{end}"));
    let times = verified
        .times
        .map(|range| format!(", {} to {}", time(range.first_ms), time(range.last_ms)));
    let mut text = format!(
        "{word}  {}: {} segments, {} batches, {} records, {}{}{}\n",
        visible(name),
        verified.segments,
        verified.batches,
        verified.records,
        bytes(verified.bytes),
        offsets.unwrap_or_default(),
        times.unwrap_or_default(),
    );
    let kept = verified.findings.kept();
    for finding in kept.iter().take(LISTED_MAX) {
        text.push_str(&format!("     {}\n", visible(&line(finding))));
    }
    let all: u64 = SEVERITIES.iter().map(|(severity, _)| verified.findings.count(*severity)).sum();
    let unlisted = all.saturating_sub(kept.len().min(LISTED_MAX) as u64);
    if unlisted > 0 {
        text.push_str(&format!("     and {unlisted} more\n"));
    }
    text
}

fn line(finding: &Finding) -> String {
    let mut text = format!("{}: {}", word(finding.severity), finding.file.display());
    if let Some(position) = finding.position {
        text.push_str(&format!(", byte {position}"));
    }
    if let Some(offset) = finding.offset {
        text.push_str(&format!(", offset {offset}"));
    }
    text.push_str(&format!(": {}", finding.what));
    text
}

fn word(severity: Severity) -> &'static str {
    SEVERITIES.iter().find(|(known, _)| *known == severity).map_or("finding", |(_, word)| word)
}

const SEVERITIES: [(Severity, &str); 3] =
    [(Severity::Note, "note"), (Severity::Unfinished, "unfinished"), (Severity::Damage, "damage")];

fn result(name: &str, verified: &Verified) -> Value {
    let findings = verified.findings.kept().iter().map(|finding| {
        json!({
            "severity": word(finding.severity),
            "file": finding.file.display().to_string(),
            "position": finding.position,
            "offset": finding.offset.map(|offset| offset.0),
            "what": finding.what,
        })
    });
    json!({
        "log": name,
        "ok": verified.is_sound(),
        "segments": verified.segments,
        "batches": verified.batches,
        "records": verified.records,
        "bytes": verified.bytes,
        "unpacked_bytes": verified.unpacked_bytes,
        "start_offset": verified.offsets.map(|(start, _)| start.0),
        "end_offset": verified.offsets.map(|(_, end)| end.0),
        "first_timestamp_ms": verified.times.map(|range| range.first_ms),
        "last_timestamp_ms": verified.times.map(|range| range.last_ms),
        "notes": verified.findings.count(Severity::Note),
        "unfinished": verified.findings.count(Severity::Unfinished),
        "damages": verified.findings.count(Severity::Damage),
        "findings": findings.collect::<Vec<_>>(),
    })
}
