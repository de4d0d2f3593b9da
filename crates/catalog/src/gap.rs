//! Gaps: what of a source's log a task has left out, because a person decided so.
//!
//! A decision to read on elsewhere is kept with its gap until the task's log holds something from the
//! new place, so that a kill in between loses neither. What a task's log itself says is not kept here.

use change::{Position, TaskName, UnixTime};
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::row::{optional_parsed, optional_time, optional_unsigned, parsed, time};
use crate::{BadEvent, Catalog, Desired, Result, StartAt};

/// What a task has left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Number of the gap, unique in the catalog.
    pub id: i64,
    /// The code of what led to it, like `binlog_purged`.
    pub cause: String,
    /// The only table that lacks changes, as `database.table`; `None` when all may.
    pub table: Option<String>,
    /// The only event that was left out. Its code and message are empty.
    pub event: Option<BadEvent>,
    /// What was delivered last before the gap.
    pub from: Option<Position>,
    /// Where reading went on, once that is known.
    pub to: Option<Position>,
    /// Source time of what was delivered last before the gap.
    pub from_time: Option<UnixTime>,
    /// Source time of the first change behind the gap, once that is known.
    pub to_time: Option<UnixTime>,
    /// Who decided.
    pub who: String,
    /// When.
    pub at: UnixTime,
}

/// A gap that a person accepts, as far as it is known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGap {
    /// See [`Gap::cause`].
    pub cause: String,
    /// See [`Gap::from`].
    pub from: Option<Position>,
    /// See [`Gap::to`].
    pub to: Option<Position>,
    /// See [`Gap::from_time`].
    pub from_time: Option<UnixTime>,
    /// See [`Gap::to_time`].
    pub to_time: Option<UnixTime>,
    /// See [`Gap::who`].
    pub who: String,
}

/// A decision to read on elsewhere than the task's log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingStart {
    /// Where to read on.
    pub start: StartAt,
    /// What the task's log said when it was decided. As soon as it says something else, the decision is
    /// used up.
    pub instead_of: Position,
    /// [`Gap::id`] of the gap that this leaves.
    pub gap: i64,
}

/// Gaps that one answer holds.
const LISTED_MAX: i64 = 1_000;

impl Gap {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let position =
            |column| optional_parsed(row, column, |text| Position::parse(text.as_bytes()));
        let event = match row.get::<_, Option<String>>("event_place")? {
            Some(place) => Some(BadEvent {
                place,
                kind: row.get("event_kind")?,
                size: optional_unsigned(row, "event_size")?.unwrap_or(0),
                bytes: row.get("event_bytes")?,
                code: String::new(),
                message: String::new(),
                at: time(row, "at_unix")?,
            }),
            None => None,
        };
        Ok(Self {
            id: row.get("id")?,
            cause: row.get("cause")?,
            table: row.get("table_name")?,
            event,
            from: position("from_position")?,
            to: position("to_position")?,
            from_time: optional_time(row, "from_time_unix")?,
            to_time: optional_time(row, "to_time_unix")?,
            who: row.get("who")?,
            at: time(row, "at_unix")?,
        })
    }
}

impl Catalog {
    /// Keeps a decision to read on elsewhere, with the gap that it leaves, and wants the task to run. A
    /// decision that is not used up yet is replaced, and its gap with it. Answers the gap's number.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn accept_gap(
        &self,
        task: &TaskName,
        start: &StartAt,
        instead_of: &Position,
        gap: &NewGap,
    ) -> Result<i64> {
        self.write(|transaction| {
            crate::task::must_exist(transaction, task)?;
            let replaced = read_pending(transaction, task)?;
            transaction.execute("DELETE FROM pending_starts WHERE task = ?1", [task.as_str()])?;
            if let Some(replaced) = replaced {
                transaction.execute("DELETE FROM gaps WHERE id = ?1", [replaced.gap])?;
            }
            let id = insert(transaction, task, gap, None, None, self.now_unix())?;
            transaction.execute(
                "INSERT INTO pending_starts (task, start_at, instead_of, gap)
                 VALUES (?1, ?2, ?3, ?4)",
                (task.as_str(), start.to_string(), instead_of.as_str(), id),
            )?;
            transaction.execute(
                "UPDATE tasks SET desired = ?2, failure_code = NULL, failure_message = NULL,
                     failure_remedies_json = NULL, failed_unix = NULL WHERE name = ?1",
                (task.as_str(), Desired::Running.as_str()),
            )?;
            Ok(id)
        })
    }

    /// The decision to read on elsewhere that is not used up, if any.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn pending_start(&self, task: &TaskName) -> Result<Option<PendingStart>> {
        self.read(|transaction| read_pending(transaction, task))
    }

    /// Fixes what the decision meant, once the source has said where that is.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn fix_pending_start(&self, task: &TaskName, at: &Position) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE pending_starts SET start_at = ?2 WHERE task = ?1",
                (task.as_str(), StartAt::At(at.clone()).to_string()),
            )?;
            transaction.execute(
                "UPDATE gaps SET to_position = ?2 WHERE to_position IS NULL
                     AND id IN (SELECT gap FROM pending_starts WHERE task = ?1)",
                (task.as_str(), at.as_str()),
            )?;
            Ok(())
        })
    }

    /// The decision is used up: the task's log holds something from the new place.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn use_up_pending_start(&self, task: &TaskName) -> Result<()> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM pending_starts WHERE task = ?1", [task.as_str()])?;
            Ok(())
        })
    }

    /// Keeps the source time of the first change behind a gap; the first call counts.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn end_gap(&self, gap: i64, time: UnixTime) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE gaps SET to_time_unix = ?2 WHERE id = ?1 AND to_time_unix IS NULL",
                (gap, time.seconds()),
            )?;
            Ok(())
        })
    }

    /// The gaps of a task, newest first, at most a thousand.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn gaps(&self, task: &TaskName) -> Result<Vec<Gap>> {
        self.read(|transaction| {
            let mut statement = transaction
                .prepare("SELECT * FROM gaps WHERE task = ?1 ORDER BY id DESC LIMIT ?2")?;
            let rows = statement.query_map((task.as_str(), LISTED_MAX), Gap::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// How many gaps a task has, by cause.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn gap_counts(&self, task: &TaskName) -> Result<Vec<(String, u64)>> {
        self.read(|transaction| {
            let mut statement = transaction
                .prepare("SELECT cause, count(*) FROM gaps WHERE task = ?1 GROUP BY cause")?;
            let rows = statement.query_map([task.as_str()], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Adds a gap and answers its number.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    task: &TaskName,
    gap: &NewGap,
    table: Option<&str>,
    event: Option<&BadEvent>,
    now_unix: i64,
) -> Result<i64> {
    let NewGap { cause, from, to, from_time, to_time, who } = gap;
    transaction.execute(
        "INSERT INTO gaps (task, cause, table_name, event_place, event_kind, event_size,
             event_bytes, from_position, to_position, from_time_unix, to_time_unix, who, at_unix)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        (
            task.as_str(),
            cause,
            table,
            event.map(|event| &event.place),
            event.map(|event| &event.kind),
            event.map(|event| crate::row::to_integer(event.size)),
            event.map(|event| &event.bytes),
            from.as_ref().map(Position::as_str),
            to.as_ref().map(Position::as_str),
            from_time.map(UnixTime::seconds),
            to_time.map(UnixTime::seconds),
            who,
            now_unix,
        ),
    )?;
    Ok(transaction.last_insert_rowid())
}

fn read_pending(transaction: &Transaction<'_>, task: &TaskName) -> Result<Option<PendingStart>> {
    let sql = "SELECT * FROM pending_starts WHERE task = ?1";
    let pending = transaction.query_row(sql, [task.as_str()], |row| {
        Ok(PendingStart {
            start: parsed(row, "start_at", |text| StartAt::kept(&text))?,
            instead_of: parsed(row, "instead_of", |text| Position::parse(text.as_bytes()))?,
            gap: row.get("gap")?,
        })
    });
    Ok(pending.optional()?)
}
