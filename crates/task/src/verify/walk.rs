//! Reading a log record by record, with everything checked on the way that a reader can check.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka::batch::{self, BatchHeader};
use log::{Offset, Reader};
use record::View;

use super::operation::{Cancel, Stopped};

/// What is wrong with a log itself.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The first ones.
    pub(super) told: Vec<String>,
}

/// Reads a log, and knows where it is.
#[derive(Debug)]
pub(super) struct Walk<'r> {
    reader: &'r Reader,
    cancel: &'r Cancel,
    buffer: Vec<u8>,
}

/// Bytes read from the log at once, save for a longer batch.
const CHUNK_BYTES: u64 = 1 << 20;
/// Bytes that the records of one batch may take: a batch is a few megabytes, or one row.
const BATCH_BYTES_MAX: usize = 0x7fff_ffff;
/// The longest pause behind a piece of the log, which leaves the processor to the capture.
const PAUSE_MAX: Duration = Duration::from_millis(20);
const FAULTS_TOLD_MAX: usize = 20;

impl Faults {
    fn tell(&mut self, fault: String) {
        if self.told.len() < FAULTS_TOLD_MAX {
            self.told.push(fault);
        }
    }
}

impl<'r> Walk<'r> {
    pub(super) fn new(reader: &'r Reader, cancel: &'r Cancel) -> Self {
        Self { reader, cancel, buffer: Vec::new() }
    }

    /// Visits each record from `from` up to before `until` with its offset, its bytes and what they
    /// say. What retention has removed meanwhile is left out.
    pub(super) fn each(
        &mut self,
        from: i64,
        until: i64,
        faults: &mut Faults,
        mut visit: impl FnMut(i64, &[u8], &View<'_>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let mut next = from;
        while next < until {
            self.cancel.check()?;
            let began = Instant::now();
            let range = match self.reader.read(Offset(next), CHUNK_BYTES) {
                Ok(outcome) => outcome.range,
                Err(log::Error::OffsetOutOfRange { start, .. }) if start.0 > next => {
                    next = start.0;
                    continue;
                }
                Err(error) => return Err(Stopped::log(&error)),
            };
            let Some(range) = range else { return Ok(()) };
            let bytes = range.read().map_err(|error| Stopped::log(&error))?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() && next < until {
                let header = BatchHeader::parse(rest).map_err(|error| Stopped::log(&error))?;
                next = self.batch(rest, &header, next..until, faults, &mut visit)?;
                rest = rest.get(header.batch_len..).unwrap_or_default();
            }
            self.cancel.pause((began.elapsed() / 4).min(PAUSE_MAX))?;
        }
        Ok(())
    }

    /// Visits the records of one batch; answers the offset behind it.
    fn batch(
        &mut self,
        bytes: &[u8],
        header: &BatchHeader,
        wanted: std::ops::Range<i64>,
        faults: &mut Faults,
        visit: &mut impl FnMut(i64, &[u8], &View<'_>) -> Result<(), Stopped>,
    ) -> Result<i64, Stopped> {
        let base = header.base_offset.0;
        if base > wanted.start {
            faults.tell(format!("offsets {} to {} are missing", wanted.start, base - 1));
        }
        if let Err(error) = header.verify(bytes) {
            faults.tell(format!("the batch at offset {base} is damaged: {error}"));
        }
        let mut due = base;
        match batch::records(bytes, BATCH_BYTES_MAX, &mut self.buffer) {
            Err(error) => faults.tell(format!("the batch at offset {base} is unreadable: {error}")),
            Ok(records) => {
                for record in records {
                    let record = match record {
                        Ok(record) => record,
                        Err(error) => {
                            faults.tell(format!("the record at offset {due} is damaged: {error}"));
                            break;
                        }
                    };
                    let offset = record.offset.0;
                    if offset != due {
                        faults.tell(format!("offset {due} is missing, {offset} follows"));
                    }
                    due = offset.saturating_add(1);
                    if !wanted.contains(&offset) {
                        continue;
                    }
                    let value = record.value.unwrap_or_default();
                    match View::parse(value) {
                        Ok(view) => visit(offset, value, &view)?,
                        Err(error) => faults.tell(format!(
                            "the record at offset {offset} cannot be decoded: {error}"
                        )),
                    }
                }
                if due != header.next_offset().0 {
                    faults.tell(format!(
                        "the batch at offset {base} ends at {due}, not at {}",
                        header.next_offset().0
                    ));
                }
            }
        }
        Ok(header.next_offset().0)
    }

    /// The bytes of the records with these offsets, as far as the log still has them.
    pub(super) fn fetch(
        &mut self,
        offsets: impl IntoIterator<Item = i64>,
    ) -> Result<BTreeMap<i64, Vec<u8>>, Stopped> {
        let mut found: BTreeMap<i64, Vec<u8>> =
            offsets.into_iter().map(|offset| (offset, Vec::new())).collect();
        let mut from = found.first_key_value().map(|(offset, _)| *offset);
        while let Some(wanted) = from {
            self.cancel.check()?;
            // One byte asks for the one batch that holds the offset.
            let range = match self.reader.read(Offset(wanted), 1) {
                Ok(outcome) => outcome.range,
                Err(log::Error::OffsetOutOfRange { .. }) => None,
                Err(error) => return Err(Stopped::log(&error)),
            };
            let mut behind = wanted.saturating_add(1);
            if let Some(range) = range {
                let bytes = range.read().map_err(|error| Stopped::log(&error))?;
                let header = BatchHeader::parse(&bytes).map_err(|error| Stopped::log(&error))?;
                behind = header.next_offset().0.max(behind);
                let records = batch::records(&bytes, BATCH_BYTES_MAX, &mut self.buffer);
                for record in records.into_iter().flatten().flatten() {
                    if let Some(bytes) = found.get_mut(&record.offset.0) {
                        *bytes = record.value.unwrap_or_default().to_vec();
                    }
                }
            }
            from = found.range(behind..).next().map(|(offset, _)| *offset);
        }
        found.retain(|_, bytes| !bytes.is_empty());
        Ok(found)
    }
}
