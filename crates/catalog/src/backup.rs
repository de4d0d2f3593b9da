//! The catalog as a file: copied while a server uses it, and changed in a copy that none uses yet.
//!
//! The key is not needed for any of it: passwords stay sealed.
//!
//! A copy of the catalog must belong to a copy of the logs that is a little older. What the catalog
//! says more than they do is met like after a crash (it is written before the log goes on), save for
//! three things, which are cared for here: the decisions of people and of tasks about a place in a
//! source's log ([`CatalogFile::decisions`]), the definitions that were forgotten because the original
//! log had passed them ([`CatalogFile::take_definitions_of`]), and the offsets of groups that have come
//! further than the copied log ([`CatalogFile::set_offsets_back`]).

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest;
use change::{TaskName, TopicName};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use uuid::Uuid;

use crate::seal::KEY_FILE_NAME;
use crate::store::{FILE_NAME, inspect};
use crate::{Error, Result};

/// A catalog that is not opened to be served.
#[derive(Debug)]
pub struct CatalogFile {
    connection: Connection,
    path: PathBuf,
}

/// A digest of all decisions in a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions(Vec<u8>);

/// The end of a copied log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// Its topic.
    pub topic: TopicName,
    /// Its partition.
    pub partition: i32,
    /// The offset behind its last record.
    pub offset: i64,
    /// The time of its last record in seconds; `None` if it is empty.
    pub time_seconds: Option<i64>,
}

/// A group whose offset was set back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetBack {
    /// The group's id.
    pub group_id: String,
    /// The topic.
    pub topic: String,
    /// What it had committed.
    pub from: i64,
    /// What the copy says; `None` if it says nothing any more.
    pub to: Option<i64>,
}

/// Tables whose rows decide how a source's log is read on, or what of it was left out.
const DECIDING: [&str; 7] =
    ["tasks", "sources", "pending_starts", "held_tables", "gaps", "bad_events", "skipped_events"];
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const KEY_BYTES_MAX: u64 = 1024;
/// Beyond this a number that a client committed counts milliseconds.
const MILLISECONDS_FROM: i64 = 10_000_000_000;

impl CatalogFile {
    /// Opens the catalog of a data folder, also of one that a server uses.
    ///
    /// # Errors
    /// There is none, or it is damaged or of a newer format.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        std::fs::metadata(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        inspect(&connection, &path)?;
        Ok(Self { connection, path })
    }

    /// Writes a copy, as of one moment, into a folder that has none; durable after the folder was
    /// synced, and readable by its owner alone.
    ///
    /// # Errors
    /// The copy exists or cannot be written.
    pub fn copy_into(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE_NAME);
        let io = |source| Error::Io { path: path.clone(), source };
        // SQLite would make it readable by others; it takes an empty file.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(io)?;
        self.connection.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
        File::open(&path).and_then(|file| file.sync_all()).map_err(io)
    }

    /// All decisions, as a digest: the same before and after a log was copied, they belong to the copy.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn decisions(&self) -> Result<Decisions> {
        let mut digest = digest::Context::new(&digest::SHA256);
        for table in DECIDING {
            let known: bool = self.connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
                [table],
                |row| row.get(0),
            )?;
            if !known {
                continue;
            }
            digest.update(table.as_bytes());
            // All of them have three columns at least, and a key among these.
            let sql = format!("SELECT * FROM {table} ORDER BY 1, 2, 3");
            let mut statement = self.connection.prepare(&sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    digest_value(&mut digest, row.get_ref(column)?);
                }
            }
        }
        Ok(Decisions(digest.finish().as_ref().to_vec()))
    }

    /// All tasks with their topics.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn tasks(&self) -> Result<Vec<(TaskName, TopicName)>> {
        let mut statement =
            self.connection.prepare("SELECT name, topic FROM tasks ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            Ok((
                crate::row::parsed(row, "name", TaskName::new)?,
                crate::row::parsed(row, "topic", TopicName::new)?,
            ))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Takes over the definitions that an earlier copy still has, so that every place behind that one's
    /// log can be decoded.
    ///
    /// # Errors
    /// The catalog cannot be written, or the other one not be read.
    pub fn take_definitions_of(&mut self, earlier: &Self) -> Result<()> {
        self.connection.execute("ATTACH ?1 AS earlier", [earlier.path.to_string_lossy()])?;
        self.connection.execute(
            "INSERT OR IGNORE INTO main.schema_history SELECT * FROM earlier.schema_history",
            [],
        )?;
        self.connection.execute("DETACH earlier", [])?;
        Ok(())
    }

    /// Sets back what groups have committed beyond the end of their logs, so that they skip nothing:
    /// the copy will give the same offsets to other records.
    ///
    /// A group whose clients commit the last record they have processed, with its second as metadata
    /// (DTS clients), gets the log's last record, others the offset behind it.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn set_offsets_back(&mut self, ends: &[LogEnd]) -> Result<Vec<SetBack>> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut all = Vec::new();
        for end in ends {
            let mut statement = transaction.prepare(
                "SELECT group_id, offset, metadata FROM committed_offsets
                     WHERE topic = ?1 AND partition = ?2 AND offset >= ?3",
            )?;
            let place = (end.topic.as_str(), end.partition, end.offset);
            let rows = statement.query_map(place, |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
            })?;
            for (group, offset, metadata) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
                let Some((to, metadata)) = end.place_of(offset, &metadata) else { continue };
                let key = (group.as_str(), end.topic.as_str(), end.partition);
                match to {
                    Some(to) => transaction.execute(
                        "UPDATE committed_offsets SET offset = ?4, metadata = ?5, leader_epoch = -1
                             WHERE group_id = ?1 AND topic = ?2 AND partition = ?3",
                        (key.0, key.1, key.2, to, &metadata),
                    )?,
                    None => transaction.execute(
                        "DELETE FROM committed_offsets
                             WHERE group_id = ?1 AND topic = ?2 AND partition = ?3",
                        key,
                    )?,
                };
                all.push(SetBack {
                    group_id: group,
                    topic: end.topic.to_string(),
                    from: offset,
                    to,
                });
            }
        }
        transaction.commit()?;
        Ok(all)
    }

    /// Makes the catalog that of another server, which may run beside the first one: it gets an
    /// identity of its own, and numbers that sources know the first one by are chosen anew. Answers
    /// the sources that had such a number.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn become_another(&mut self) -> Result<Vec<String>> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("UPDATE server SET uuid = ?1", [Uuid::new_v4().to_string()])?;
        let numbered = {
            let mut statement = transaction
                .prepare("SELECT name FROM sources WHERE server_id IS NOT NULL ORDER BY name")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        transaction.execute("UPDATE sources SET server_id = NULL", [])?;
        transaction.commit()?;
        Ok(numbered)
    }

    /// Leaves one durable file without a journal. Only for a copy that no server uses.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<()> {
        let Self { connection, path } = self;
        connection.pragma_update(None, "journal_mode", "DELETE")?;
        connection.close().map_err(|(_, error)| error)?;
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|source| Error::Io { path, source })
    }
}

impl LogEnd {
    /// Where a group stands in the copy that has committed `offset`; `None` if it stays there.
    fn place_of(&self, offset: i64, metadata: &str) -> Option<(Option<i64>, String)> {
        match committed_seconds(metadata) {
            // It has processed a record that the copy does not have.
            Some((seconds, rest)) => {
                let last = self.offset.checked_sub(1).filter(|last| *last >= 0);
                let time = self.time_seconds.map_or(seconds, |time| seconds.min(time));
                Some((last, format!("{time}{rest}")))
            }
            None => (offset > self.offset).then(|| (Some(self.offset), metadata.to_owned())),
        }
    }
}

/// Copies the key to the passwords in a catalog, readable by its owner alone; answers whether there is
/// one.
///
/// # Errors
/// It cannot be read, or the copy exists or cannot be written.
pub fn copy_key(from: &Path, to: &Path) -> Result<bool> {
    let (from, to) = (from.join(KEY_FILE_NAME), to.join(KEY_FILE_NAME));
    let mut key = Vec::new();
    match File::open(&from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        opened => opened.and_then(|file| file.take(KEY_BYTES_MAX).read_to_end(&mut key)),
    }
    .map_err(|source| Error::Io { path: from, source })?;
    let io = |source| Error::Io { path: to.clone(), source };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(io)?;
    file.write_all(&key).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).map_err(io)?;
    Ok(true)
}

/// The seconds that a DTS client keeps in its metadata, and what stands behind them: `|…`, or the NUL
/// that librdkafka's Python binding appends.
fn committed_seconds(metadata: &str) -> Option<(i64, &str)> {
    let end = metadata.find(|c: char| !c.is_ascii_digit()).unwrap_or(metadata.len());
    let (digits, rest) = metadata.split_at_checked(end)?;
    if !(rest.is_empty() || rest.starts_with(['|', '\0'])) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    Some((if number >= MILLISECONDS_FROM { number / 1000 } else { number }, rest))
}

/// With its kind and length, so that no two rows have the same bytes.
fn digest_value(digest: &mut digest::Context, value: ValueRef<'_>) {
    let mut add = |kind: u8, bytes: &[u8]| {
        digest.update(&[kind]);
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    match value {
        ValueRef::Null => add(0, &[]),
        ValueRef::Integer(number) => add(1, &number.to_be_bytes()),
        ValueRef::Real(number) => add(2, &number.to_be_bytes()),
        ValueRef::Text(text) => add(3, text),
        ValueRef::Blob(bytes) => add(4, bytes),
    }
}
