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

use kafka::batch::HEADER_LEN;

use crate::closed::Closed;
use crate::durable::{self, Disk, File};
use crate::error::Reason;
use crate::group;
use crate::index::{Entry, Index, Kind};
use crate::segment::{self, Active, Contents, Extent};
use crate::window::Window;
use crate::{Config, Error, LeaderEpoch, Offset};

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
    /// Where the last group begins: everything before was durable once.
    group: u64,
    /// Offset of the first record there.
    group_base: Offset,
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
    if let Some(reason) = &scan.stopped {
        refuse_damage(&*file, &path, length, &scan.contents, reason)?;
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
        file.forget_cached(0);
        return Err(Error::io("syncing", &path)(source));
    }
    // Nor this one: a process that was killed when its sync had failed leaves in memory what is not on
    // the disk, and the next sync says nothing of it. Everything before the last group is proven.
    file.forget_cached(scan.group);
    if !is_still_whole(&*file, &path, &scan)? {
        tracing::warn!(segment = %path.display(), "memory held what the disk does not have");
        return recover_active(disk, folder, base, config, epoch);
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

/// Reads the last group again.
fn is_still_whole(file: &dyn File, path: &Path, scan: &Scan) -> Result<bool, Error> {
    let mut window = Window::new(file, scan.contents.length);
    let (end, ..) = window.walk(scan.group, scan.group_base).map_err(Error::io("reading", path))?;
    Ok(end == scan.contents.length)
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
    let mut scan = Scan {
        contents: Contents::empty(base),
        entries: Vec::new(),
        group: 0,
        group_base: base,
        stopped: None,
    };
    let mut window = Window::new(file, end);
    let mut epochs = LeaderEpoch::NONE.0..=epoch.0;
    while scan.contents.length < end {
        let position = scan.contents.length;
        let head = window.bytes(position, HEADER_LEN).map_err(Error::io("reading", path))?;
        let begins_group = group::is_marked(head);
        let checked =
            window.check(position, scan.contents.next).map_err(Error::io("reading", path))?;
        match checked {
            Ok(header) if epochs.contains(&header.leader_epoch.0) => {
                epochs = header.leader_epoch.0..=epoch.0;
                if begins_group {
                    (scan.group, scan.group_base) = (position, header.base_offset);
                }
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
