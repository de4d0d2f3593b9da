//! A whole partition, read to its last byte.

use super::findings::{Findings, Severity};
use super::folder::Folder;
use super::segment;
use crate::reader::DataRange;
use crate::{Error, Offset};

/// What reading all of a partition found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Segments that were read.
    pub segments: u64,
    /// Whole batches.
    pub batches: u64,
    /// Their records.
    pub records: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Bytes of all records, unpacked.
    pub unpacked_bytes: u64,
    /// The first offset, and the one behind the last; `None` without a segment.
    pub offsets: Option<(Offset, Offset)>,
    /// The times of the records.
    pub times: Option<DataRange>,
    /// What is not as it should be.
    pub findings: Findings,
}

/// Reads everything and checks it: each batch's checksum and place, each record's, their times, and the
/// indexes against them. `seen` is told of each segment that was read, with its bytes.
///
/// # Errors
/// A file cannot be read. What is wrong inside of one is no error but a finding.
pub fn verify(folder: &Folder, mut seen: impl FnMut(Offset, u64)) -> Result<Verified, Error> {
    let mut verified = Verified {
        segments: 0,
        batches: 0,
        records: 0,
        bytes: 0,
        unpacked_bytes: 0,
        offsets: None,
        times: None,
        findings: Findings::default(),
    };
    check_names(folder, &mut verified.findings);
    let mut before: Option<segment::Read> = None;
    for base in folder.bases.iter().copied() {
        let Some(read) = segment::read(folder, base, &mut verified.findings)? else {
            // Retention removed it, and with it all before it: the log begins behind it by now.
            before = None;
            continue;
        };
        if let Some(before) = before {
            follows(folder, &before, &read, &mut verified.findings);
        }
        verified.add(&read);
        seen(base, read.bytes);
        before = Some(read);
    }
    // What it says now: another writer may have come since the folder was listed.
    if let (Some(facts), Some(last)) = (folder.facts_now()?, before)
        && last.leader_epoch > facts.leader_epoch.0
    {
        let what = format!(
            "partition.meta has leader epoch {}, and a batch {}: it is older than the log",
            facts.leader_epoch.0, last.leader_epoch
        );
        verified.findings.damage(folder.path(), None, None, what);
    }
    Ok(verified)
}

impl Verified {
    /// Whether nothing is missing or unreadable.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings.count(Severity::Damage) == 0
    }

    fn add(&mut self, read: &segment::Read) {
        let contents = &read.contents;
        self.segments = self.segments.saturating_add(1);
        self.batches = self.batches.saturating_add(read.batches);
        self.records = self.records.saturating_add(read.records);
        self.bytes = self.bytes.saturating_add(read.bytes);
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(read.unpacked_bytes);
        let start = self.offsets.map_or(contents.base, |(start, _)| start);
        self.offsets = Some((start, contents.next));
        if read.batches > 0 {
            let (first_ms, last_ms) = (contents.first_timestamp_ms, contents.max_timestamp_ms);
            let range = self.times.unwrap_or(DataRange { first_ms, last_ms });
            self.times = Some(DataRange { last_ms: range.last_ms.max(last_ms), ..range });
        }
    }
}

fn check_names(folder: &Folder, findings: &mut Findings) {
    for name in &folder.strays {
        findings.note(&folder.path().join(name), "left over; the next start removes it");
    }
    if !folder.is_whole {
        return;
    }
    if folder.facts().is_none() && !folder.is_empty() {
        findings.damage(folder.path(), None, None, "partition.meta is missing");
    }
    if folder.bases.is_empty() && folder.facts().is_some() {
        findings.damage(folder.path(), None, None, "its segments are missing");
    }
}

fn follows(folder: &Folder, before: &segment::Read, read: &segment::Read, findings: &mut Findings) {
    let (expected, base) = (before.contents.next, read.contents.base);
    let path = folder.log(base);
    if base != expected {
        let what = format!(
            "it does not follow the segment before it, which ends before offset {expected}"
        );
        findings.damage(&path, None, Some(base), what);
    }
    if read.batches > 0 && read.leader_epoch < before.leader_epoch {
        let what =
            format!("its leader epoch {} comes behind {}", read.leader_epoch, before.leader_epoch);
        findings.damage(&path, None, Some(base), what);
    }
}
