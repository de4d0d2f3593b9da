//! `backup.json`: what a backup is. Written last, into a folder that gets its name after that, so that
//! half a backup is never taken for a whole one.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

pub(super) const FILE_NAME: &str = "backup.json";
/// The newest format that is read, and the one that is written.
const VERSION: u32 = 1;
const FORMAT: &str = "wellhead-backup";
/// Some hundred bytes a file; no log has more files than this has room for.
const BYTES_MAX: u64 = 256 << 20;

/// What a backup is. Format and version keep their places for ever; a later version may change the
/// rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: String,
    version: u32,
    /// When it was taken, RFC 3339.
    pub(super) created: String,
    /// The release that took it.
    pub(super) wellhead: String,
    /// Whether a server used the data folder: then it goes on with the offsets that the backup ends
    /// with.
    pub(super) server_was_running: bool,
    /// Whether `catalog.key` is there.
    pub(super) has_key: bool,
    /// Whether closed segments were copied because they could not be linked.
    pub(super) bytes_copied: bool,
    /// SHA-256 of `catalog.db`, in hex.
    pub(super) catalog_sha256: String,
    pub(super) partitions: Vec<CopiedPartition>,
    /// Groups that had come further than the copied logs.
    pub(super) groups_set_back: Vec<GroupSetBack>,
}

/// A partition in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CopiedPartition {
    pub(super) task: String,
    pub(super) partition: String,
    pub(super) topic: String,
    /// The identity of its original.
    pub(super) cluster_id: String,
    pub(super) start_offset: i64,
    /// The offset behind its last record.
    pub(super) end_offset: i64,
    pub(super) files: Vec<CopiedFile>,
}

/// A file of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CopiedFile {
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// A group whose checkpoint was set back to the end of its copied log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GroupSetBack {
    pub(super) group_id: String,
    pub(super) topic: String,
    pub(super) from_offset: i64,
    pub(super) to_offset: Option<i64>,
}

impl Manifest {
    /// A manifest of this release, of nothing yet.
    pub(super) fn new(created: String, server_was_running: bool) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            created,
            wellhead: env!("CARGO_PKG_VERSION").into(),
            server_was_running,
            has_key: false,
            bytes_copied: false,
            catalog_sha256: String::new(),
            partitions: Vec::new(),
            groups_set_back: Vec::new(),
        }
    }

    /// Writes and syncs the file, which must not exist.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE_NAME);
        let mut text = serde_json::to_vec_pretty(self).context("the manifest cannot be written")?;
        text.push(b'\n');
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all())).map_err(
            |error| {
                Failure::environment(format!("{} cannot be written: {error}", path.display()))
                    .into()
            },
        )
    }

    /// Reads the manifest of a backup.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let mut text = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut text));
        if let Err(error) = read {
            bail!(Failure::environment(format!(
                "{} cannot be read: {error}; is {} a folder that wellhead backup create made?",
                path.display(),
                folder.display()
            )));
        }
        Self::parse(&text).map_err(|why| {
            Failure::bad_answer(format!("{} cannot be used: {why}", path.display())).into()
        })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value =
            serde_json::from_slice(text).map_err(|error| format!("it is damaged: {error}"))?;
        if value.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
            return Err("it is no manifest of a backup".into());
        }
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(VERSION) => Err(format!(
                "it has format version {version}, and this release reads up to {VERSION}; restore it with the release that made it, or a newer one"
            )),
            _ => serde_json::from_value(value).map_err(|error| format!("it is damaged: {error}")),
        }
    }
}

/// SHA-256 of a file, in hex.
pub(super) fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(chunk.get(..read).unwrap_or_default());
    }
    Ok(digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::new("2026-11-21T04:00:00Z".into(), true);
        manifest.partitions.push(CopiedPartition {
            task: "shop".into(),
            partition: "0".into(),
            topic: "shop".into(),
            cluster_id: "AAAAAAAAAAAAAAAAAAAAAQ".into(),
            start_offset: 3,
            end_offset: 42,
            files: vec![CopiedFile { name: "00000000000000000003.log".into(), bytes: 99 }],
        });
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
        assert!(manifest.write(folder.path()).is_err(), "it is never overwritten");
    }

    #[test]
    fn k08_a_backup_of_a_newer_format_is_refused_with_what_to_do() {
        let newer = br#"{"format": "wellhead-backup", "version": 2, "anything": []}"#;
        let error = Manifest::parse(newer).unwrap_err();
        assert!(error.contains("restore it with the release that made it"), "{error}");
        for wrong in ["", "[]", "{}", r#"{"format": "wellhead-backup", "version": 1}"#] {
            assert!(Manifest::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
