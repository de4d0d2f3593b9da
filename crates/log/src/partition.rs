//! A partition: one folder, opened by one writer.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::durable::{self, Disk, RealDisk};
use crate::meta::{self, Incarnation, Meta};
use crate::reader::{Shared, View};
use crate::recovery::{self, Recovered};
use crate::segment::{self, Active, Contents};
use crate::{Error, LeaderEpoch, Offset, Reader, Writer};

/// How a partition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// A segment is closed when an append would make it longer than this. One append is never
    /// split, so a longer one makes a longer segment.
    pub segment_bytes: u32,
    /// Every so many bytes a batch is indexed.
    pub index_interval_bytes: u32,
    /// The identity a new log gets; ignored if there is one already. Take a random UUID.
    pub new_incarnation: Incarnation,
    /// The leader epoch that a new log begins with; ignored if there is one already. Take
    /// [`crate::new_epoch`], so that it is greater than any of a log that was here before.
    pub new_epoch: LeaderEpoch,
}

impl Config {
    /// The usual sizes: segments of 256 MiB, an index entry every 8 KiB. Epochs begin at 1.
    #[must_use]
    pub const fn new(new_incarnation: Incarnation) -> Self {
        Self {
            segment_bytes: 256 << 20,
            index_interval_bytes: 8 << 10,
            new_incarnation,
            new_epoch: LeaderEpoch(1),
        }
    }
}

/// An opened partition, in its parts.
#[derive(Debug)]
pub struct Partition {
    /// The one that appends. It holds the folder's lock.
    pub writer: Writer,
    /// Serves what is durable; clone it as often as needed.
    pub reader: Reader,
    /// What was found.
    pub recovery: Recovery,
}

/// What opening a partition found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The first offset in the log.
    pub log_start_offset: Offset,
    /// The offset that the next record gets. Everything before is durable and visible.
    pub next_offset: Offset,
    /// Bytes that were cut off the end because they were no whole batch.
    pub truncated_bytes: u64,
    /// Segments whose index had to be rebuilt.
    pub rebuilt_indexes: usize,
    /// The last batch, as it is served: its last record says how far the source was read. `None` if
    /// the log has never held one.
    pub last_batch: Option<Vec<u8>>,
}

impl Partition {
    /// Whether a folder holds a log or what is left of one, so that [`Partition::open`] would not begin
    /// a new one.
    ///
    /// # Errors
    /// [`Error::Io`]: the folder cannot be looked into.
    pub fn exists(folder: &Path) -> Result<bool, Error> {
        let names = match RealDisk.list(folder).map_err(Error::io("listing", folder)) {
            Err(error) if error.is_missing_file() => return Ok(false),
            names => names?,
        };
        let of_a_log =
            |name: &String| name == meta::FILE_NAME || segment::base_of(name, "log").is_some();
        Ok(names.iter().any(of_a_log))
    }

    /// Opens the partition in `folder`, creating it if needed, and recovers from whatever a crash
    /// left.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::NewerFormat`], [`Error::Corrupt`] where more than a torn end is
    /// wrong, [`Error::Io`], [`Error::Full`].
    pub fn open(folder: &Path, config: &Config) -> Result<Self, Error> {
        Self::open_on(Arc::new(RealDisk), folder, config)
    }

    /// The same on a disk of the caller's choice.
    ///
    /// # Errors
    /// As for [`Partition::open`].
    pub fn open_on(disk: Arc<dyn Disk>, folder: &Path, config: &Config) -> Result<Self, Error> {
        let folder: Arc<Path> = Arc::from(folder);
        if Meta::load(&*disk, &folder)?.is_none() {
            // Otherwise it is durable: the file was made after the folder was.
            disk.create_folder(&folder).map_err(Error::io("creating", &folder))?;
        }
        let lock = disk.lock(&folder.join("lock")).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => Error::Locked { path: folder.to_path_buf() },
            _ => Error::io("locking", &folder)(error),
        })?;
        let names = disk.list(&folder).map_err(Error::io("listing", &folder))?;
        let mut bases: Vec<_> =
            names.iter().filter_map(|name| segment::base_of(name, "log")).collect();
        bases.sort_unstable();

        let recovered;
        let meta = match Meta::load(&*disk, &folder)? {
            Some(meta) => {
                recovered = recovery::recover(&disk, &folder, &bases, config, meta.leader_epoch)?;
                next_epoch(&*disk, &folder, meta)?
            }
            None => {
                recovered = create_first(&disk, &folder, &bases)?;
                let incarnation = config.new_incarnation;
                let meta = Meta { leader_epoch: config.new_epoch, incarnation };
                meta.store(&*disk, &folder)?;
                meta
            }
        };
        remove_strays(&*disk, &folder, &names, &bases)?;
        let last_batch = recovery::last_batch(&recovered)?;

        let Recovered { closed, active, active_contents, truncated_bytes, rebuilt_indexes } =
            recovered;
        let view = View { closed, active: Arc::new(active), active_contents };
        let recovery = Recovery {
            log_start_offset: view.start(),
            next_offset: view.end(),
            truncated_bytes,
            rebuilt_indexes,
            last_batch,
        };
        let (visible, watch) = watch::channel(view.end());
        let shared = Arc::new(Shared::new(meta, view));
        let reader = Reader::new(Arc::clone(&shared), watch);
        let writer = Writer::new(disk, folder, *config, lock, shared, visible);
        Ok(Self { writer, reader, recovery })
    }
}

/// Makes the first segment of a new log. `partition.meta` follows it, so that a log without
/// segments is known to be damaged and never starts again at offset 0.
fn create_first(
    disk: &Arc<dyn Disk>,
    folder: &Arc<Path>,
    bases: &[Offset],
) -> Result<Recovered, Error> {
    let base = Offset(0);
    let path = segment::path(folder, base, "log");
    let file = match bases {
        [] => disk.create(&path).map_err(Error::io("creating", &path))?,
        [only] if *only == base => disk.open(&path).map_err(Error::io("opening", &path))?,
        _ => return Err(Error::corrupt(folder, 0, "its partition.meta is missing")),
    };
    if file.length().map_err(Error::io("reading", &path))? != 0 {
        return Err(Error::corrupt(folder, 0, "its partition.meta is missing"));
    }
    disk.sync_folder(folder).map_err(Error::io("syncing", folder))?;
    Ok(Recovered {
        closed: Vec::new(),
        active: Active::new(base, path, file, Vec::new()),
        active_contents: Contents::empty(base),
        truncated_bytes: 0,
        rebuilt_indexes: 0,
    })
}

/// Counts this writer. On a full disk it goes on with the epoch of the one before it, because only
/// who has opened the log can free space; nothing visible is ever taken back, so no client can
/// tell.
fn next_epoch(disk: &dyn Disk, folder: &Path, meta: Meta) -> Result<Meta, Error> {
    let next = Meta { leader_epoch: LeaderEpoch(meta.leader_epoch.0.saturating_add(1)), ..meta };
    match next.store(disk, folder) {
        Ok(()) => Ok(next),
        Err(Error::Full { .. }) => {
            tracing::warn!(folder = %folder.display(), "disk is full; keeping the leader epoch");
            // Storing it would have made names durable that a killed process had not synced.
            disk.sync_folder(folder).map_err(Error::io("syncing", folder))?;
            Ok(meta)
        }
        Err(error) => Err(error),
    }
}

/// Removes what a crash left half done: temporary files, and indexes of segments that are gone.
fn remove_strays(
    disk: &dyn Disk,
    folder: &Path,
    names: &[String],
    bases: &[Offset],
) -> Result<(), Error> {
    for name in names {
        let index = segment::base_of(name, "index").or_else(|| segment::base_of(name, "timeindex"));
        let orphan = index.is_some_and(|base| bases.binary_search(&base).is_err());
        if orphan || name.ends_with(".tmp") {
            let path = folder.join(name);
            durable::remove_if_present(disk, &path).map_err(Error::io("removing", &path))?;
        }
    }
    Ok(())
}
