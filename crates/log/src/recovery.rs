//! What a crash left, made into a log again.
//!
//! Closed segments were synced before the next one was created, so they are taken as their indexes
//! describe them. The last segment is read whole: its first batch that is not complete, or whose
//! checksum does not fit, or that does not follow the one before, ends the log, and what is behind
//! is cut off. What remains is synced before anyone sees it, because a process that was killed may
//! have written it without. Where the bytes behind the first wrong batch prove that it was durable
//! once (`group`), it is damage and not a torn end: nothing is cut off, and the log is refused.

use std::path::Path;
use std::sync::Arc;

use kafka::batch::{BatchHeader, HEADER_LEN};

use crate::closed::Closed;
use crate::durable::{self, Disk, File};
use crate::error::Reason;
use crate::group;
use crate::index::{Entry, Index, Kind};
use crate::segment::{self, Active, Contents, Extent, batch_len};
use crate::{Config, Error, LeaderEpoch, Offset};

/// Where the bytes start in a batch that its checksum covers: behind the checksum, so neither base
/// offset nor leader epoch are covered.
const CHECKED_AT: u64 = 21;
/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// The segments of a folder after recovery.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) closed: Vec<Arc<Closed>>,
    pub(crate) active: Active,
    pub(crate) active_contents: Contents,
    pub(crate) truncated_bytes: u64,
    pub(crate) rebuilt_indexes: usize,
}

/// What reading a segment from its start found.
#[derive(Debug)]
struct Scan {
    contents: Contents,
    entries: Vec<Entry>,
    /// Why it ended before the end of the file.
    stopped: Option<Reason>,
}

/// Recovers the segments of a folder that has at least one. No batch has a leader epoch above
/// `epoch`.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    folder: &Arc<Path>,
    bases: &[Offset],
    config: &Config,
    epoch: LeaderEpoch,
) -> Result<Recovered, Error> {
    let Some((last, before)) = bases.split_last() else {
        return Err(Error::corrupt(folder, 0, "its segments are missing"));
    };
    let mut closed = Vec::with_capacity(before.len());
    let mut rebuilt_indexes = 0;
    for (base, following) in before.iter().zip(bases.iter().skip(1)) {
        let (segment, rebuilt) = recover_closed(disk, folder, *base, config, epoch)?;
        if segment.contents.next != *following {
            let path = segment::path(folder, *following, "log");
            return Err(Error::corrupt(&path, 0, "it does not follow the segment before it"));
        }
        rebuilt_indexes += usize::from(rebuilt);
        closed.push(Arc::new(segment));
    }
    let (active, active_contents, truncated_bytes) =
        recover_active(disk, folder, *last, config, epoch)?;
    Ok(Recovered { closed, active, active_contents, truncated_bytes, rebuilt_indexes })
}

fn recover_closed(
    disk: &Arc<dyn Disk>,
    folder: &Arc<Path>,
    base: Offset,
    config: &Config,
    epoch: LeaderEpoch,
) -> Result<(Closed, bool), Error> {
    let path = segment::path(folder, base, "log");
    let file = disk.open(&path).map_err(Error::io("opening", &path))?;
    let length = file.length().map_err(Error::io("reading", &path))?;
    if let Some(closed) = Closed::from_indexes(disk, folder, base, length) {
        return Ok((closed, false));
    }
    tracing::warn!(segment = %path.display(), "index is missing or damaged; rebuilding it");
    let scan = scan(&*file, &path, base, config.index_interval_bytes, epoch)?;
    if let Some(reason) = scan.stopped {
        return Err(Error::corrupt(&path, scan.contents.length, reason));
    }
    if scan.contents.is_empty() {
        return Err(Error::corrupt(&path, 0, "it is empty, but not the last segment"));
    }
    let closed = Closed::new(Arc::clone(disk), Arc::clone(folder), scan.contents);
    match closed.write_indexes(&scan.entries) {
        // The segment is then searched without.
        Err(Error::Full { .. }) => {
            tracing::warn!(segment = %path.display(), "disk is full; going on without its index");
        }
        written => written?,
    }
    Ok((closed, true))
}

fn recover_active(
    disk: &Arc<dyn Disk>,
    folder: &Arc<Path>,
    base: Offset,
    config: &Config,
    epoch: LeaderEpoch,
) -> Result<(Active, Contents, u64), Error> {
    let path = segment::path(folder, base, "log");
    let file = disk.open(&path).map_err(Error::io("opening", &path))?;
    let length = file.length().map_err(Error::io("reading", &path))?;
    let scan = scan(&*file, &path, base, config.index_interval_bytes, epoch)?;
    let truncated = length.saturating_sub(scan.contents.length);
    if let Some(reason) = scan.stopped {
        refuse_damage(&*file, &path, length, &scan.contents, &reason)?;
        tracing::warn!(
            segment = %path.display(),
            position = scan.contents.length,
            bytes = truncated,
            %reason,
            "cutting off the torn end of the log"
        );
        file.set_length(scan.contents.length).map_err(Error::io("truncating", &path))?;
    }
    if let Err(source) = file.sync_data() {
        // Another opening must not take for durable what only the system's memory holds.
        file.forget_cached();
        return Err(Error::io("syncing", &path)(source));
    }
    for kind in [Kind::Offsets, Kind::Times] {
        let stale = segment::path(folder, base, kind.suffix());
        durable::remove_if_present(&**disk, &stale).map_err(Error::io("removing", &stale))?;
    }
    Ok((Active::new(base, path, file, scan.entries), scan.contents, truncated))
}

/// Tells damage from a torn end: behind a torn end no batch begins a group. What was acknowledged is
/// never cut off.
fn refuse_damage(
    file: &dyn File,
    path: &Path,
    end: u64,
    whole: &Contents,
    reason: &Reason,
) -> Result<(), Error> {
    let mut window = Window::new(file, end);
    let behind = group::group_behind(&mut window, whole.length, whole.next)
        .map_err(Error::io("reading", path))?;
    let Some(behind) = behind else { return Ok(()) };
    let reason = format!(
        "{reason}, but what starts at byte {behind} was written after it was durable, so this is no \
         torn end; nothing was cut off: restore the folder from a backup, or reset the task"
    );
    Err(Error::corrupt(path, whole.length, reason))
}

/// Reads batches from the start of a file and checks each, up to the first that is wrong. The leader
/// epoch is not under the checksum, but it never falls and never was above `epoch`; clients would be
/// misled by one that was.
fn scan(
    file: &dyn File,
    path: &Path,
    base: Offset,
    interval: u32,
    epoch: LeaderEpoch,
) -> Result<Scan, Error> {
    let end = file.length().map_err(Error::io("reading", path))?;
    let mut scan = Scan { contents: Contents::empty(base), entries: Vec::new(), stopped: None };
    let mut window = Window::new(file, end);
    let mut epochs = LeaderEpoch::NONE.0..=epoch.0;
    while scan.contents.length < end {
        let checked = window
            .check(scan.contents.length, scan.contents.next)
            .map_err(Error::io("reading", path))?;
        match checked {
            Ok(header) if epochs.contains(&header.leader_epoch.0) => {
                epochs = header.leader_epoch.0..=epoch.0;
                let entry = scan.contents.add(&header, scan.entries.last(), interval);
                scan.entries.extend(entry);
            }
            Ok(_) => {
                scan.stopped = Some("no writer had a batch's leader epoch then".into());
                break;
            }
            Err(reason) => {
                scan.stopped = Some(reason);
                break;
            }
        }
    }
    Ok(scan)
}

/// A file read in order through one buffer of fixed size, however long its batches are.
pub(crate) struct Window<'a> {
    file: &'a dyn File,
    end: u64,
    buffer: Vec<u8>,
    /// Where the buffer's bytes stand in the file.
    start: u64,
    filled: usize,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn File, end: u64) -> Self {
        Self { file, end, buffer: vec![0; CHUNK], start: 0, filled: 0 }
    }

    /// Checks the batch at `position`; `Err` inside says what is wrong with it.
    pub(crate) fn check(
        &mut self,
        position: u64,
        expected: Offset,
    ) -> std::io::Result<Result<BatchHeader, Reason>> {
        let header = match BatchHeader::parse(self.bytes(position, HEADER_LEN)?) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error.to_string().into())),
        };
        if header.base_offset != expected {
            return Ok(Err("a batch does not follow the one before it".into()));
        }
        let batch_end = position.saturating_add(batch_len(&header));
        if batch_end > self.end {
            return Ok(Err("it ends inside a batch".into()));
        }
        let mut at = position.saturating_add(CHECKED_AT);
        let mut crc = 0;
        while at < batch_end {
            let wanted = usize::try_from(batch_end - at).unwrap_or(CHUNK).min(CHUNK);
            let part = self.bytes(at, wanted)?;
            if part.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            crc = crc32c::crc32c_append(crc, part);
            at = at.saturating_add(part.len() as u64);
        }
        Ok(if crc == header.crc {
            Ok(header)
        } else {
            Err("a batch's checksum does not fit".into())
        })
    }

    /// Up to `wanted` bytes from `position` on; fewer at the end of the buffer or of the file, but
    /// never fewer than a header if the file has it.
    pub(crate) fn bytes(&mut self, position: u64, wanted: usize) -> std::io::Result<&[u8]> {
        let least = wanted.min(HEADER_LEN);
        let mut skip = self.skip(position);
        if skip.is_none_or(|skip| self.filled.saturating_sub(skip) < least) {
            let rest = usize::try_from(self.end.saturating_sub(position)).unwrap_or(CHUNK);
            self.filled = 0;
            self.start = position;
            let part = self.buffer.get_mut(..rest.min(CHUNK)).unwrap_or_default();
            durable::read_exact_at(self.file, part, position)?;
            self.filled = rest.min(CHUNK);
            skip = Some(0);
        }
        let skip = skip.unwrap_or_default();
        let available = self.filled.saturating_sub(skip).min(wanted);
        Ok(self.buffer.get(skip..skip.saturating_add(available)).unwrap_or_default())
    }

    /// How deep in the buffer a position is.
    fn skip(&self, position: u64) -> Option<usize> {
        usize::try_from(position.checked_sub(self.start)?).ok().filter(|skip| *skip <= self.filled)
    }
}

/// The bytes of the last batch of the log, if there is any.
pub(crate) fn last_batch(recovered: &Recovered) -> Result<Option<Vec<u8>>, Error> {
    let extent = if recovered.active_contents.is_empty() {
        match recovered.closed.last() {
            Some(closed) => closed.open()?,
            None => return Ok(None),
        }
    } else {
        let active = &recovered.active;
        Extent {
            contents: recovered.active_contents,
            path: active.path.clone(),
            file: Arc::clone(&active.file),
            index: Index::Unusable,
        }
    };
    let last = Offset(extent.contents.next.0.saturating_sub(1));
    let (position, header) = extent.batch_of(last)?;
    // The header was checked against the length of the file.
    let mut bytes = vec![0; header.batch_len];
    durable::read_exact_at(&*extent.file, &mut bytes, position)
        .map_err(Error::io("reading", &extent.path))?;
    Ok(Some(bytes))
}
