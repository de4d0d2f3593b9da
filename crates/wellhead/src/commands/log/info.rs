//! `wellhead log info`: what logs are.

use std::path::Path;

use anyhow::Result;
use log::inspect::{Folder, IndexState, Info, SegmentInfo, info};
use serde_json::{Value, json};

use super::place::{Found, find};
use super::{file_name, time};
use crate::cli::{Format, Global};
use crate::output::{Answer, Verdict, bytes, table, visible};

pub(super) fn run(global: &Global, place: Option<&Path>) -> Result<Answer> {
    let found = find(global, place)?;
    let detailed = global.verbose || global.output == Some(Format::Wide);
    let head = [
        "LOG",
        "FORMAT",
        "CLUSTER ID",
        "EPOCH",
        "OFFSETS",
        "FROM",
        "TO",
        "SEGMENTS",
        "BYTES",
        "PACKED",
        "INDEXES",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut below = String::new();
    let mut results = Vec::new();
    let mut verdict = Verdict::Good;
    for Found { name, folder } in found {
        match folder.and_then(|folder| info(&folder).map(|info| (folder, info))) {
            Ok((folder, info)) => {
                rows.push(row(&name, &folder, &info));
                below.push_str(&remarks(&name, &info));
                if detailed {
                    below.push_str(&segments(&info));
                }
                results.push(result(&name, &folder, &info));
            }
            Err(error) => {
                verdict = Verdict::Bad;
                below.push_str(&visible(&format!("{name}: {error}")));
                below.push('\n');
                results.push(json!({ "log": name, "error": error.to_string() }));
            }
        }
    }
    let mut answer = Answer::data(String::new(), Value::Array(results));
    if rows.len() > 1 {
        answer.text = table(&rows);
    }
    answer.text.push_str(&below);
    if answer.text.is_empty() {
        answer.summary = "there is no log".into();
    }
    answer.verdict = verdict;
    Ok(answer)
}

fn row(name: &str, folder: &Folder, info: &Info) -> Vec<String> {
    let unknown = || "?".to_owned();
    let facts = folder.facts();
    let times = info.times.map(|range| (time(range.first_ms), time(range.last_ms)));
    let (from, to) = times.unwrap_or_else(|| ("-".into(), "-".into()));
    vec![
        name.to_owned(),
        facts.map_or_else(unknown, |facts| facts.format_version.to_string()),
        facts.map_or_else(unknown, |facts| facts.incarnation.to_string()),
        facts.map_or_else(unknown, |facts| facts.leader_epoch.0.to_string()),
        info.offsets.map_or_else(unknown, |(start, end)| format!("{start}..{end}")),
        from,
        to,
        info.segments.len().to_string(),
        bytes(info.bytes),
        packed(info).map_or_else(|| "-".into(), |factor| format!("{factor:.1}x")),
        indexes(info),
    ]
}

/// How many times longer the records are unpacked.
fn packed(info: &Info) -> Option<f64> {
    let packing = info.packing?;
    #[allow(clippy::cast_precision_loss, reason = "a factor for people")]
    Some(packing.unpacked_bytes as f64 / packing.packed_bytes.max(1) as f64)
}

/// `ok`, or how many are in which other state.
fn indexes(info: &Info) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for segment in &info.segments {
        let word = segment.index.word();
        if matches!(segment.index, IndexState::Ok | IndexState::InMemory) {
            continue;
        }
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    if counts.is_empty() {
        return "ok".into();
    }
    let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    counts.join(", ")
}

fn remarks(name: &str, info: &Info) -> String {
    let torn = info.segments.iter().filter(|segment| segment.unfinished_bytes > 0);
    let told = torn.map(|segment| {
        let (count, file) = (segment.unfinished_bytes, file_name(&segment.path));
        let what = if segment.is_active { "unfinished end" } else { "not readable" };
        format!("{name}: {what}: {count} bytes of {file}; look closer with: wellhead log verify\n")
    });
    told.collect()
}

fn segments(info: &Info) -> String {
    let head = ["SEGMENT", "OFFSETS", "FROM", "TO", "BYTES", "INDEX"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(info.segments.iter().map(|segment| {
        let times = segment.times.map(|range| (time(range.first_ms), time(range.last_ms)));
        let (from, to) = times.unwrap_or_else(|| ("-".into(), "-".into()));
        vec![
            file_name(&segment.path),
            format!("{}..{}", segment.base, segment.next),
            from,
            to,
            bytes(segment.bytes),
            segment.index.word().to_owned(),
        ]
    }));
    table(&rows)
}

fn result(name: &str, folder: &Folder, info: &Info) -> Value {
    let facts = folder.facts();
    json!({
        "log": name,
        "folder": folder.path().display().to_string(),
        "format_version": facts.map(|facts| facts.format_version),
        "cluster_id": facts.map(|facts| facts.incarnation.to_string()),
        "leader_epoch": facts.map(|facts| facts.leader_epoch.0),
        "start_offset": info.offsets.map(|(start, _)| start.0),
        "end_offset": info.offsets.map(|(_, end)| end.0),
        "first_timestamp_ms": info.times.map(|range| range.first_ms),
        "last_timestamp_ms": info.times.map(|range| range.last_ms),
        "bytes": info.bytes,
        "packed_factor": packed(info),
        "segments": info.segments.iter().map(segment).collect::<Vec<_>>(),
    })
}

fn segment(segment: &SegmentInfo) -> Value {
    json!({
        "file": segment.path.display().to_string(),
        "start_offset": segment.base.0,
        "end_offset": segment.next.0,
        "first_timestamp_ms": segment.times.map(|range| range.first_ms),
        "last_timestamp_ms": segment.times.map(|range| range.last_ms),
        "bytes": segment.bytes,
        "unfinished_bytes": segment.unfinished_bytes,
        "active": segment.is_active,
        "index": segment.index.word(),
    })
}
