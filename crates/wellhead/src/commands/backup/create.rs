//! `wellhead backup create`: a copy of the data folder at one moment.
//!
//! Logs first, then the catalog. What a catalog knows more than its logs is what it knows more after a
//! crash, too: definitions of tables behind the end of the log. Three things would hurt. Groups that
//! have come further than the copied log are set back to its end. Definitions that were forgotten
//! meanwhile, because the original log had passed them, are taken from a copy of the catalog that is
//! older than that of the logs. And a decision about a place in the source's log (a gap that was
//! accepted, a table that is held back) that was made between the two would be lost or done twice; so
//! the decisions are compared, and the copy is brought up to date until they are the same.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use catalog::{CatalogFile, LogEnd};
use change::{Clock, SystemClock, TopicName};
use log::backup::{PartitionBackup, PartitionCopy};
use log::durable::{Disk, RealDisk};
use serde_json::json;

use super::manifest::{CopiedFile, CopiedPartition, GroupSetBack, Manifest, sha256};
use super::staging::Staging;
use crate::cli::{BackupCreate, Global};
use crate::client::data_dir;
use crate::commands::log::told;
use crate::data_dir::Use;
use crate::exit::Failure;
use crate::output::{Answer, bytes, to_stderr};

/// How often a copy is brought up to date because a decision was made meanwhile.
const TRIES: usize = 20;
const CATALOG: &str = "catalog.db";

pub(super) fn run(global: &Global, args: &BackupCreate) -> Result<Answer> {
    let (data, _) = data_dir(global)?;
    if !data.join(CATALOG).is_file() {
        bail!(Failure::environment(format!(
            "{} is no data folder: it has no {CATALOG}; give the server's: --data-dir DIR",
            data.display()
        )));
    }
    if is_within(&args.folder, &data) {
        bail!(Failure::usage(format!(
            "{} lies in the data folder; give a folder beside it",
            args.folder.display()
        )));
    }
    // Held to the end, so that no server starts meanwhile.
    let used = Use::look(&data)?;
    let staging = Staging::begin(&args.folder)?;
    match fill(&data, &staging, &used, args) {
        Ok(manifest) => {
            staging.finish()?;
            Ok(answer(global, args, &manifest))
        }
        Err(error) => {
            staging.discard();
            Err(error)
        }
    }
}

/// A task and the number of its partition.
type Key = (String, String);

/// A copy of a data folder while it is made.
#[derive(Debug)]
struct Filling<'a> {
    data: &'a Path,
    to: &'a Path,
    partitions: BTreeMap<Key, PartitionBackup>,
}

fn fill(data: &Path, staging: &Staging, used: &Use, args: &BackupCreate) -> Result<Manifest> {
    let created = jiff::Timestamp::from_microsecond(SystemClock.now().micros());
    let created = created.context("the clock is wrong")?.to_string();
    let mut manifest = Manifest::new(created, matches!(used, Use::Running));
    let live = CatalogFile::open(data)?;
    let mut filling = Filling { data, to: staging.path(), partitions: BTreeMap::new() };
    // The long part. What is closed, removed or created behind it is met when the rest is copied.
    filling.take_closed()?;
    let (path, earlier) = (staging.path().join(CATALOG), staging.path().join("earlier"));
    for _ in 0..TRIES {
        RealDisk.create_folder(&earlier).with_context(|| uncreated(&earlier))?;
        live.copy_into(&earlier)?;
        let before = CatalogFile::open(&earlier)?;
        let copies = filling.finish()?;
        live.copy_into(staging.path())?;
        let mut copied = CatalogFile::open(staging.path())?;
        let is_one_moment = filling.is_of(&copies) && copied.decisions()? == before.decisions()?;
        if is_one_moment {
            copied.take_definitions_of(&before)?;
        }
        drop(before);
        log::durable::remove_folder(&earlier)
            .with_context(|| format!("{} cannot be removed", earlier.display()))?;
        if !is_one_moment {
            drop(copied);
            remove(&path)?;
            continue;
        }
        filling.complete(copied, copies, &mut manifest)?;
        let digest = sha256(&path);
        manifest.catalog_sha256 =
            digest.with_context(|| format!("{} cannot be read", path.display()))?;
        manifest.has_key = !args.without_key && catalog::copy_key(data, staging.path())?;
        manifest.write(staging.path())?;
        return Ok(manifest);
    }
    bail!(Failure::environment(
        "tasks are being changed all the time, so that no moment can be copied; try again when nobody changes them"
    ))
}

impl Filling<'_> {
    fn take_closed(&mut self) -> Result<()> {
        self.begin_new()?;
        for (key, backup) in &mut self.partitions {
            match backup.take_closed() {
                // Its task was deleted; it is left out below.
                Err(_) if !folder_of(self.data, key).exists() => {}
                taken => taken.map_err(told)?,
            }
        }
        Ok(())
    }

    /// Brings all partitions up to date.
    fn finish(&mut self) -> Result<Vec<(Key, PartitionCopy)>> {
        self.begin_new()?;
        let mut copies = Vec::new();
        let mut gone = Vec::new();
        for (key, backup) in &mut self.partitions {
            match backup.finish() {
                Err(_) if !folder_of(self.data, key).exists() => gone.push(key.clone()),
                copy => copies.push((key.clone(), copy.map_err(told)?)),
            }
        }
        for key in gone {
            self.leave_out(&key)?;
        }
        Ok(copies)
    }

    /// Begins with the partitions that are not known yet.
    fn begin_new(&mut self) -> Result<()> {
        for task in folders(&self.data.join("log"))? {
            for partition in folders(&self.data.join("log").join(&task))? {
                let key = (task.clone(), partition);
                if self.partitions.contains_key(&key) {
                    continue;
                }
                let from = folder_of(self.data, &key);
                if log::inspect::Folder::list(&from).is_ok_and(|folder| folder.is_empty()) {
                    continue;
                }
                let backup = PartitionBackup::begin(&from, &folder_of(self.to, &key))?;
                self.partitions.insert(key, backup);
            }
        }
        Ok(())
    }

    /// Whether no log was replaced by another one of its name.
    fn is_of(&self, copies: &[(Key, PartitionCopy)]) -> bool {
        copies.iter().all(|(key, copy)| {
            self.partitions.get(key).is_some_and(|backup| backup.is_of(copy.incarnation))
        })
    }

    fn leave_out(&mut self, key: &Key) -> Result<()> {
        self.partitions.remove(key);
        let task = self.to.join("log").join(&key.0);
        log::durable::remove_folder(&task)
            .with_context(|| format!("{} cannot be removed", task.display()))
    }

    /// Sets groups back to the end of their logs, and tells the manifest what there is.
    fn complete(
        &mut self,
        mut copied: CatalogFile,
        copies: Vec<(Key, PartitionCopy)>,
        manifest: &mut Manifest,
    ) -> Result<()> {
        let topics: BTreeMap<String, TopicName> =
            copied.tasks()?.into_iter().map(|(task, topic)| (task.to_string(), topic)).collect();
        let mut ends = Vec::new();
        for (key, copy) in copies {
            // A folder that a deletion has left belongs to nobody.
            let Some(topic) = topics.get(&key.0) else {
                self.leave_out(&key)?;
                continue;
            };
            ends.push(LogEnd {
                topic: topic.clone(),
                partition: key.1.parse().unwrap_or_default(),
                offset: copy.end.0,
                time_seconds: copy.last_timestamp_ms.map(|ms| ms.div_euclid(1_000)),
            });
            manifest.bytes_copied |= copy.bytes_copied;
            manifest.partitions.push(partition(key, topic, copy));
        }
        let set_back = copied.set_offsets_back(&ends)?;
        manifest.groups_set_back = set_back
            .into_iter()
            .map(|back| GroupSetBack {
                group_id: back.group_id,
                topic: back.topic,
                from_offset: back.from,
                to_offset: back.to,
            })
            .collect();
        Ok(copied.finish()?)
    }
}

fn partition((task, number): Key, topic: &TopicName, copy: PartitionCopy) -> CopiedPartition {
    let files = copy.files.into_iter().map(|(name, bytes)| CopiedFile { name, bytes });
    CopiedPartition {
        task,
        partition: number,
        topic: topic.to_string(),
        cluster_id: copy.incarnation.to_string(),
        start_offset: copy.start.0,
        end_offset: copy.end.0,
        files: files.collect(),
    }
}

fn folder_of(data: &Path, (task, partition): &Key) -> PathBuf {
    data.join("log").join(task).join(partition)
}

/// Names of the folders in a folder; none where there is no such folder.
fn folders(of: &Path) -> Result<Vec<String>> {
    let listing = match std::fs::read_dir(of) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing,
    };
    let unreadable =
        |error| Failure::environment(format!("{} cannot be listed: {error}", of.display()));
    let mut names = Vec::new();
    for entry in listing.map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path).with_context(|| format!("{} cannot be removed", path.display()))
}

fn uncreated(path: &Path) -> String {
    format!("{} cannot be created", path.display())
}

/// Whether a path that need not exist lies in a folder.
fn is_within(path: &Path, folder: &Path) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    match (parent, folder.canonicalize()) {
        (Ok(parent), Ok(folder)) => parent.starts_with(folder),
        _ => false,
    }
}

fn answer(global: &Global, args: &BackupCreate, manifest: &Manifest) -> Answer {
    if !global.quiet {
        to_stderr(&remarks(manifest));
    }
    let partitions = &manifest.partitions;
    let records: i64 =
        partitions.iter().map(|part| part.end_offset.saturating_sub(part.start_offset)).sum();
    let size = partitions.iter().flat_map(|part| &part.files).map(|file| file.bytes).sum();
    let folder = args.folder.display().to_string();
    let logs = partitions.len();
    let logs = if logs == 1 { "1 log".to_owned() } else { format!("{logs} logs") };
    let summary = format!("{folder} is a backup of {logs} with {records} records, {}", bytes(size));
    Answer::done(summary, json!({ "folder": folder, "manifest": manifest }))
}

/// What whoever keeps the backup should know.
fn remarks(manifest: &Manifest) -> String {
    let mut text = String::new();
    if manifest.bytes_copied {
        text.push_str(
            "note: closed segments were copied, because they cannot be linked to this folder (another disk, or another owner)\n",
        );
    } else {
        text.push_str(
            "note: closed segments share their bytes with the data folder; copy the backup to another disk to survive the loss of this one\n",
        );
    }
    if manifest.has_key {
        text.push_str(
            "note: catalog.key opens the passwords of sources; keep the backup as safe as the data folder\n",
        );
    }
    for back in &manifest.groups_set_back {
        let to = back.to_offset.map_or_else(|| "nothing".to_owned(), |to| to.to_string());
        text.push_str(&format!(
            "note: group {} has come to {} meanwhile; in the backup it stands at {to}, where the log ends\n",
            back.group_id, back.from_offset
        ));
    }
    text
}
