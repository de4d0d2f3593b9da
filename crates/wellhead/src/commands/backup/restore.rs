//! `wellhead backup restore`: a data folder out of a backup.
//!
//! Logs that somebody may go on with elsewhere become others: they get a cluster id of their own, so
//! that clients which come over from there notice that an offset is another record now.

use std::path::Path;

use anyhow::{Context, Result, bail};
use catalog::CatalogFile;
use change::{Clock, SystemClock};
use log::Incarnation;
use log::inspect::{Folder, verify};
use serde_json::json;

use super::manifest::{CopiedPartition, Manifest, sha256};
use super::staging::Staging;
use crate::cli::{BackupRestore, ClusterId, Global};
use crate::client::data_dir;
use crate::exit::Failure;
use crate::output::{Answer, to_stderr};

const CATALOG: &str = "catalog.db";

pub(super) fn run(global: &Global, args: &BackupRestore) -> Result<Answer> {
    let (data, guessed) = data_dir(global)?;
    if guessed {
        bail!(Failure::usage("give the folder to make: --data-dir DIR"));
    }
    let manifest = Manifest::read(&args.backup)?;
    check_catalog(&args.backup, &manifest)?;
    let becomes_another = match args.cluster_id {
        ClusterId::Auto => manifest.server_was_running,
        ClusterId::Keep => false,
        ClusterId::New => true,
    };
    let staging = Staging::begin(&data)?;
    let numbered = match fill(&staging, args, &manifest, becomes_another) {
        Ok(numbered) => numbered,
        Err(error) => {
            staging.discard();
            return Err(error);
        }
    };
    staging.finish()?;
    if !global.quiet {
        to_stderr(&remarks(&manifest, becomes_another, &numbered));
    }
    let folder = data.display().to_string();
    let summary = format!(
        "{folder} holds what the backup of {} held; serve it with: wellhead serve",
        manifest.created
    );
    let result = json!({
        "data_dir": folder,
        "cluster_id": if becomes_another { "new" } else { "kept" },
        "source_numbers_dropped": numbered,
        "manifest": manifest,
    });
    Ok(Answer::done(summary, result))
}

fn check_catalog(backup: &Path, manifest: &Manifest) -> Result<()> {
    let path = backup.join(CATALOG);
    let found = sha256(&path).map_err(|error| {
        Failure::bad_answer(format!("{} cannot be read: {error}", path.display()))
    })?;
    if found != manifest.catalog_sha256 {
        bail!(Failure::bad_answer(format!(
            "{} is not what was backed up: its SHA-256 is another one",
            path.display()
        )));
    }
    Ok(())
}

/// Answers the sources whose fixed number was dropped.
fn fill(
    staging: &Staging,
    args: &BackupRestore,
    manifest: &Manifest,
    becomes_another: bool,
) -> Result<Vec<String>> {
    for partition in &manifest.partitions {
        restore_partition(staging.path(), args, partition, becomes_another)?;
    }
    let from = args.backup.join(CATALOG);
    log::durable::copy(&from, &staging.path().join(CATALOG), u64::MAX).map_err(|error| {
        Failure::environment(format!("{} cannot be copied: {error}", from.display()))
    })?;
    if manifest.has_key && !catalog::copy_key(&args.backup, staging.path())? {
        bail!(Failure::bad_answer(format!("{} has lost its catalog.key", args.backup.display())));
    }
    let mut catalog = CatalogFile::open(staging.path())?;
    let numbered = if becomes_another { catalog.become_another()? } else { Vec::new() };
    catalog.finish()?;
    Ok(numbered)
}

fn restore_partition(
    data: &Path,
    args: &BackupRestore,
    partition: &CopiedPartition,
    becomes_another: bool,
) -> Result<()> {
    let inside = inside(&partition.task, &partition.partition)?;
    let (from, to) = (args.backup.join(&inside), data.join(&inside));
    let files: Vec<_> =
        partition.files.iter().map(|file| (file.name.clone(), file.bytes)).collect();
    let new_log = becomes_another.then(|| {
        let incarnation = Incarnation::from_bytes(uuid::Uuid::new_v4().into_bytes());
        (incarnation, log::new_epoch(SystemClock.now().millis()))
    });
    log::backup::restore(&from, &to, &files, new_log, args.link).map_err(|error| match error {
        log::Error::Corrupt { .. } => Failure::bad_answer(error.to_string()).into(),
        other => anyhow::Error::new(other),
    })?;
    let verified = verify(&Folder::list(&to)?, |_, _| {})?;
    let offsets = verified.offsets.map(|(start, end)| (start.0, end.0));
    if !verified.is_sound() || offsets != Some((partition.start_offset, partition.end_offset)) {
        bail!(Failure::bad_answer(format!(
            "{} is damaged; look closer with: wellhead log verify {}",
            from.display(),
            from.display()
        )));
    }
    Ok(())
}

/// The path of a partition in a data folder. The names come from a file.
fn inside(task: &str, partition: &str) -> Result<std::path::PathBuf> {
    let task = change::TaskName::new(task).context("the manifest names no task")?;
    let number: u32 = partition.parse().context("the manifest names no partition")?;
    Ok(Path::new("log").join(task.as_str()).join(number.to_string()))
}

/// What whoever serves the folder should know.
fn remarks(manifest: &Manifest, becomes_another: bool, numbered: &[String]) -> String {
    let mut text = String::new();
    if becomes_another {
        text.push_str(
            "note: the logs got new cluster ids: offsets behind the end of the backup are other records here than in the original\n",
        );
    } else {
        text.push_str(
            "note: the logs keep their cluster ids: do not start the original any more; if it has gone on, restore with --cluster-id new\n",
        );
    }
    for source in numbered {
        text.push_str(&format!(
            "note: source {source} had a server_id of its own; it is chosen anew at each connection now, so that the original is not cut off. If wellhead.toml sets it, give another one there\n"
        ));
    }
    if !manifest.has_key {
        text.push_str(
            "note: the backup has no catalog.key; put it into the folder (mode 0600) before serving\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_leads_to_nothing_outside_of_the_folder() {
        assert_eq!(inside("shop", "0").unwrap(), Path::new("log/shop/0"));
        for (task, partition) in [("..", "0"), ("a/b", "0"), ("shop", ".."), ("shop", "0/..")] {
            assert!(inside(task, partition).is_err(), "{task} {partition}");
        }
    }
}
