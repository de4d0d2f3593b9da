//! One segment, read whole: batches, records, indexes.

use std::path::Path;

use kafka::batch::{self, BatchHeader};

use super::UNPACKED_MAX;
use super::findings::{Finding, Findings, Severity};
use super::folder::Folder;
use super::indexes::{self, Compared, IndexState};
use super::walk::{Step, Walk};
use crate::segment::Contents;
use crate::{Error, Offset};

/// What a segment was found to hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    /// All its whole batches; the length is that of the file up to the last of them.
    pub(super) contents: Contents,
    pub(super) batches: u64,
    pub(super) records: u64,
    /// Bytes of the file, and of the records unpacked.
    pub(super) bytes: u64,
    pub(super) unpacked_bytes: u64,
    /// The epoch of the last batch.
    pub(super) leader_epoch: i32,
}

/// Reads a segment whole; `None` if retention has removed it meanwhile.
pub(super) fn read(
    folder: &Folder,
    base: Offset,
    findings: &mut Findings,
) -> Result<Option<Read>, Error> {
    let path = folder.log(base);
    let Some(file) = folder.open(base)? else { return Ok(None) };
    let mut walk = Walk::new(&file, &path, base)?;
    let (state, said) = indexes::state(folder, base, walk.end())?;
    let mut compared = match state {
        IndexState::Ok => Compared::open(folder, base)?,
        _ => Vec::new(),
    };
    note_state(folder, base, state, findings);
    let mut read = Read {
        contents: Contents::empty(base),
        batches: 0,
        records: 0,
        bytes: walk.end(),
        unpacked_bytes: 0,
        leader_epoch: i32::MIN,
    };
    let mut broken = false;
    while let Some(step) = walk.next()? {
        match step {
            Step::Batch { header, position, expected } => {
                if let Some(expected) = expected {
                    let what = format!(
                        "a batch begins with offset {}, not {expected}",
                        header.base_offset
                    );
                    findings.damage(&path, Some(position), Some(header.base_offset), what);
                    broken = true;
                    compared.clear();
                }
                read.contents.length = position;
                for index in &mut compared {
                    index.see(&header, &read.contents, findings)?;
                }
                read.add(&header, &walk.bytes(position, &header)?, &path, findings);
            }
            Step::Broken { position, end, reason, next } => {
                broken |= next.is_some();
                // What a lost batch said is not known, so nothing more can be said of the indexes.
                compared.clear();
                let torn = next.is_none() && folder.is_last(base);
                let bytes = end.saturating_sub(position);
                let lost = next.map(|next| format!("; offsets up to before {next} are lost"));
                let what = if torn {
                    format!("unfinished end: {bytes} bytes ({reason})")
                } else {
                    format!("{bytes} bytes are no batch: {reason}{}", lost.unwrap_or_default())
                };
                findings.add(Finding {
                    severity: if torn { Severity::Unfinished } else { Severity::Damage },
                    file: path.clone(),
                    position: Some(position),
                    offset: Some(read.contents.next),
                    what,
                });
            }
        }
    }
    if let Some(said) = said.filter(|_| !broken) {
        for index in compared {
            index.end(&read.contents, &said, findings);
        }
    }
    Ok(Some(read))
}

impl Read {
    fn add(&mut self, header: &BatchHeader, bytes: &[u8], path: &Path, findings: &mut Findings) {
        let position = self.contents.length;
        let epoch = header.leader_epoch.0;
        if epoch < self.leader_epoch {
            let what = format!("leader epoch {epoch} comes behind {}", self.leader_epoch);
            findings.damage(path, Some(position), Some(header.base_offset), what);
        }
        self.leader_epoch = epoch;
        match check_records(header, bytes) {
            Ok(unpacked) => {
                self.unpacked_bytes = self.unpacked_bytes.saturating_add(unpacked);
            }
            Err((offset, what)) => findings.damage(path, Some(position), Some(offset), what),
        }
        self.batches = self.batches.saturating_add(1);
        self.records =
            self.records.saturating_add(u64::try_from(header.record_count).unwrap_or_default());
        let _unindexed = self.contents.add(header, None, u32::MAX);
    }
}

/// Unpacks a batch and compares its records with its header; answers how many bytes they are.
fn check_records(header: &BatchHeader, bytes: &[u8]) -> Result<u64, (Offset, String)> {
    let base = header.base_offset;
    let mut buffer = Vec::new();
    let records =
        batch::records(bytes, UNPACKED_MAX, &mut buffer).map_err(|error| (base, told(&error)))?;
    let mut next = base;
    let mut first_ms = None;
    let mut last_ms = i64::MIN;
    let mut size = 0_u64;
    for record in records {
        let record = record.map_err(|error| (next, told(&error)))?;
        if record.offset != next {
            return Err((next, format!("a record has offset {}", record.offset)));
        }
        first_ms = first_ms.or(Some(record.timestamp_ms));
        last_ms = last_ms.max(record.timestamp_ms);
        let parts = [record.key, record.value].into_iter().flatten().map(<[u8]>::len);
        size = size.saturating_add(parts.sum::<usize>() as u64);
        next = Offset(next.0.saturating_add(1));
    }
    if next != header.next_offset() {
        let promised = header.next_offset().0.saturating_sub(base.0);
        let there = next.0.saturating_sub(base.0);
        return Err((next, format!("a batch promises {promised} records and has {there}")));
    }
    if first_ms != Some(header.base_timestamp) || last_ms != header.max_timestamp {
        return Err((base, "a batch promises other times than its records have".into()));
    }
    Ok(if buffer.is_empty() { size } else { buffer.len() as u64 })
}

/// An error with what caused it.
fn told(error: &kafka::Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn note_state(folder: &Folder, base: Offset, state: IndexState, findings: &mut Findings) {
    let made_anew = "; the next start makes it anew";
    let what = match state {
        IndexState::Ok | IndexState::InMemory => return,
        // A segment that is still written has none, and an older one is removed at the next start.
        _ if folder.is_last(base) => return,
        IndexState::Missing => format!("its index is missing{made_anew}"),
        IndexState::Stale => format!("its index is of another length of it{made_anew}"),
        IndexState::Damaged(why) => {
            format!("its index is damaged: {why}; it is not used, and made anew at a later start")
        }
        IndexState::OtherVersion(version) => {
            format!("its index has format version {version}, which is not read here{made_anew}")
        }
    };
    findings.note(&folder.log(base), what);
}
