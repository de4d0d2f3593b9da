//! The event at which a task cannot go on, and the events that a person has decided to leave out.
//!
//! A decision names one place and stays: until the task's log holds something behind that place, the
//! source comes by again after each restart.

use change::{TaskName, UnixTime};
use rusqlite::{OptionalExtension, Row};

use crate::gap::insert;
use crate::row::{optional_unsigned, time, to_integer};
use crate::{Catalog, Error, NewGap, Result};

/// An event that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    /// Where it stands, as the source writes it for people.
    pub place: String,
    /// Its kind in the source's words.
    pub kind: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// Machine code of why it cannot be used.
    pub code: String,
    /// The same in words.
    pub message: String,
    /// When the task came to it first.
    pub at: UnixTime,
}

impl BadEvent {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            place: row.get("place")?,
            kind: row.get("kind")?,
            size: optional_unsigned(row, "size")?.unwrap_or(0),
            bytes: row.get("bytes")?,
            code: row.get("code")?,
            message: row.get("message")?,
            at: time(row, "at_unix")?,
        })
    }
}

impl Catalog {
    /// Keeps the event at which a task cannot go on; another one takes its place.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn keep_bad_event(&self, task: &TaskName, event: &BadEvent) -> Result<()> {
        let BadEvent { place, kind, size, bytes, code, message, at } = event;
        self.write(|transaction| {
            crate::task::must_exist(transaction, task)?;
            transaction.execute(
                "INSERT OR REPLACE INTO bad_events
                     (task, place, kind, size, bytes, code, message, at_unix)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                (task.as_str(), place, kind, to_integer(*size), bytes, code, message, at.seconds()),
            )?;
            Ok(())
        })
    }

    /// The event at which a task cannot go on.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn bad_event(&self, task: &TaskName) -> Result<Option<BadEvent>> {
        self.read(|transaction| {
            let sql = "SELECT * FROM bad_events WHERE task = ?1";
            Ok(transaction.query_row(sql, [task.as_str()], BadEvent::from_row).optional()?)
        })
    }

    /// The task has gone on.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn forget_bad_event(&self, task: &TaskName) -> Result<()> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM bad_events WHERE task = ?1", [task.as_str()])?;
            Ok(())
        })
    }

    /// Keeps that this event shall be left out. A decision about another one at its place is replaced.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn skip_event(&self, task: &TaskName, event: &BadEvent, who: &str) -> Result<()> {
        self.write(|transaction| {
            crate::task::must_exist(transaction, task)?;
            let BadEvent { place, kind, size, bytes, code, .. } = event;
            transaction.execute(
                "INSERT INTO skipped_events
                     (task, place, kind, size, bytes, code, who, decided_unix)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (task, place) DO UPDATE SET kind = ?3, size = ?4, bytes = ?5, code = ?6,
                     who = ?7, decided_unix = ?8, gap = NULL
                     WHERE kind <> ?3 OR size <> ?4 OR bytes <> ?5",
                (
                    task.as_str(),
                    place,
                    kind,
                    to_integer(*size),
                    bytes,
                    code,
                    who,
                    self.now_unix(),
                ),
            )?;
            Ok(())
        })
    }

    /// The places of the events that shall be left out, the last decision first, at most a hundred.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn events_to_skip(&self, task: &TaskName) -> Result<Vec<String>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT place FROM skipped_events WHERE task = ?1
                     ORDER BY decided_unix DESC, id DESC LIMIT 100",
            )?;
            let rows = statement.query_map([task.as_str()], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The source has come to an event at such a place. Answers whether it is the very event that was
    /// decided about, and is left out: then its gap is kept, once, however often the source comes by. A
    /// server that was reset or failed over to has another one there.
    ///
    /// # Errors
    /// Nothing was decided about this place, or the catalog cannot be written.
    pub fn event_skipped(
        &self,
        task: &TaskName,
        place: &str,
        kind: &str,
        size: u64,
        bytes: &[u8],
    ) -> Result<bool> {
        self.write(|transaction| {
            let decided: Option<(i64, bool, String, String, Option<i64>)> = transaction
                .query_row(
                    "SELECT id, kind = ?3 AND size = ?4 AND bytes = ?5, code, who, gap
                         FROM skipped_events WHERE task = ?1 AND place = ?2",
                    (task.as_str(), place, kind, to_integer(size), bytes),
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
                )
                .optional()?;
            let (id, is_it, cause, who, gap) =
                decided.ok_or_else(|| Error::not_found("decision to skip the event at", place))?;
            if !is_it || gap.is_some() {
                return Ok(is_it);
            }
            let now_unix = self.now_unix();
            let event = BadEvent {
                place: place.into(),
                kind: kind.into(),
                size,
                bytes: bytes.into(),
                code: String::new(),
                message: String::new(),
                at: UnixTime::from_seconds(now_unix),
            };
            let gap = NewGap { cause, from: None, to: None, from_time: None, to_time: None, who };
            let gap = insert(transaction, task, &gap, None, Some(&event), now_unix)?;
            transaction.execute("UPDATE skipped_events SET gap = ?2 WHERE id = ?1", (id, gap))?;
            transaction.execute(
                "DELETE FROM bad_events WHERE task = ?1 AND place = ?2",
                (task.as_str(), place),
            )?;
            Ok(true)
        })
    }
}
