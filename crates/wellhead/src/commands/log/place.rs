//! Which partitions a place on the command line means.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use log::inspect::Folder;

use crate::cli::Global;
use crate::client::data_dir;
use crate::exit::Failure;

/// A partition, or one segment of it.
#[derive(Debug)]
pub(super) struct Found {
    /// `task/partition`, or the path that was given.
    pub(super) name: String,
    /// Its files; an error if it is of a newer format, or its `partition.meta` is damaged.
    pub(super) folder: Result<Folder, log::Error>,
}

/// The partitions of a place: a task, a data folder, a partition's folder, a segment; or of the data
/// folder that the flags name.
pub(super) fn find(global: &Global, place: Option<&Path>) -> Result<Vec<Found>> {
    let Some(place) = place else {
        let (folder, _) = data_dir(global)?;
        return of_data_folder(&folder);
    };
    if place.is_file() {
        let folder = Folder::of_segment(place);
        return Ok(vec![Found { name: place.display().to_string(), folder }]);
    }
    if place.join("log").is_dir() {
        return of_data_folder(place);
    }
    if place.is_dir() {
        let is_partition = |folder: &Folder| !folder.is_empty();
        let folder = Folder::list(place);
        if folder.as_ref().map_or(true, is_partition) {
            return Ok(vec![Found { name: place.display().to_string(), folder }]);
        }
        let found = of_task(place, &place.display().to_string())?;
        if found.is_empty() {
            bail!(Failure::usage(format!(
                "{} holds no log; give a data folder, log/TASK/0 of one, or a .log file",
                place.display()
            )));
        }
        return Ok(found);
    }
    of_named_task(global, place)
}

fn of_named_task(global: &Global, place: &Path) -> Result<Vec<Found>> {
    let (data, _) = data_dir(global)?;
    let task = place.display().to_string();
    let folder = data.join("log").join(place);
    if place.components().count() != 1 || !folder.is_dir() {
        let tasks: Vec<_> =
            folders(&data.join("log"))?.iter().map(|path| super::file_name(path)).collect();
        let there = if tasks.is_empty() { "none".into() } else { tasks.join(", ") };
        bail!(Failure::usage(format!(
            "{task} is neither a file nor a folder, and no task of {} (there: {there}); its data is elsewhere? give --data-dir",
            data.display()
        )));
    }
    of_task(&folder, &task)
}

fn of_data_folder(data: &Path) -> Result<Vec<Found>> {
    let log = data.join("log");
    if !data.is_dir() {
        bail!(Failure::environment(format!(
            "there is no folder {}; give the server's: --data-dir DIR",
            data.display()
        )));
    }
    let mut found = Vec::new();
    for task in folders(&log)? {
        found.extend(of_task(&task, &super::file_name(&task))?);
    }
    Ok(found)
}

fn of_task(task: &Path, name: &str) -> Result<Vec<Found>> {
    let partitions = folders(task)?.into_iter().map(|path| Found {
        name: format!("{name}/{}", super::file_name(&path)),
        folder: Folder::list(&path),
    });
    let is_partition = |found: &Found| found.folder.as_ref().map_or(true, |f| !f.is_empty());
    Ok(partitions.filter(is_partition).collect())
}

/// The folders in a folder, by name; none where there is no such folder.
fn folders(of: &Path) -> Result<Vec<PathBuf>> {
    let listing = match std::fs::read_dir(of) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing,
    };
    let unreadable =
        |error| Failure::environment(format!("{} cannot be listed: {error}", of.display()));
    let mut found = Vec::new();
    for entry in listing.map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}
