//! Tasks: which changes of a source go into which topic, and whether they should.

use std::str::FromStr;
use std::time::Duration;

use change::{SourceName, TaskName, TopicName, UnixTime};
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::row::{json, optional_time, optional_unsigned, parsed, time, to_integer};
use crate::{Catalog, Error, Put, Result, StartAt};

/// A task as people define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its name, for ever.
    pub name: TaskName,
    /// The source it tracks.
    pub source: SourceName,
    /// The topic it writes, for ever.
    pub topic: TopicName,
    /// A name for people; may be empty.
    pub title: String,
    /// Patterns of tables to track, `database.table` with `*`.
    pub include: Vec<String>,
    /// Patterns of tables to leave out.
    pub exclude: Vec<String>,
    /// Kinds of changes to track.
    pub operations: Operations,
    /// Which definitions are tracked, where they are.
    pub statements: StatementScope,
    /// What becomes of a table whose rows cannot be decoded.
    pub on_table_error: OnTableError,
    /// Where the first start reads from; later starts go on where the log ends.
    pub start: StartAt,
    /// Age beyond which changes are dropped; `None` takes the server's default.
    pub retention: Option<Duration>,
    /// Size beyond which the oldest changes are dropped; `None` takes the server's default.
    pub max_bytes: Option<u64>,
    /// Where it is defined (`/etc/wellhead/wellhead.toml:61`), or `None` when the API owns it.
    pub owner: Option<String>,
}

/// A task as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its definition.
    pub spec: TaskSpec,
    /// What people want it to do.
    pub desired: Desired,
    /// Why it stopped for good, until someone starts it again.
    pub failure: Option<Failure>,
    /// When it was created.
    pub created: UnixTime,
}

/// What people want a task to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// Wait for its first start.
    NotStarted,
    /// Run, also after a restart of the server.
    Running,
    /// Stay stopped.
    Paused,
}

/// Why a task stopped for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable machine code, like `binlog_purged`.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// Commands or settings that mend it.
    pub remedies: Vec<String>,
    /// When it happened.
    pub at: UnixTime,
}

/// Kinds of changes that a task tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operations {
    /// Rows and definitions.
    #[default]
    All,
    /// Rows only.
    Dml,
    /// Definitions only.
    Ddl,
}

/// Which statements that change definitions a task tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StatementScope {
    /// Those of the whole server.
    #[default]
    Instance,
    /// Those that concern the tables it tracks.
    Tracked,
}

/// What becomes of a table whose rows cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnTableError {
    /// It is held back until a person decides; the task goes on.
    #[default]
    Quarantine,
    /// The task stops.
    Stop,
}

impl Desired {
    const ALL: [Self; 3] = [Self::NotStarted, Self::Running, Self::Paused];

    /// The word it is kept as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Running => "running",
            Self::Paused => "paused",
        }
    }
}

impl Operations {
    const ALL: [Self; 3] = [Self::All, Self::Dml, Self::Ddl];

    /// The word it is kept as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Dml => "dml",
            Self::Ddl => "ddl",
        }
    }

    /// Whether rows are tracked.
    #[must_use]
    pub fn dml(self) -> bool {
        matches!(self, Self::All | Self::Dml)
    }

    /// Whether definitions are tracked.
    #[must_use]
    pub fn ddl(self) -> bool {
        matches!(self, Self::All | Self::Ddl)
    }
}

impl StatementScope {
    const ALL: [Self; 2] = [Self::Instance, Self::Tracked];

    /// The word it is kept as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Tracked => "tracked",
        }
    }
}

impl OnTableError {
    const ALL: [Self; 2] = [Self::Quarantine, Self::Stop];

    /// The word it is kept as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Stop => "stop",
        }
    }
}

impl FromStr for StatementScope {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or("it is instance or tracked")
    }
}

impl FromStr for OnTableError {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|choice| choice.as_str() == text);
        found.ok_or("it is quarantine or stop")
    }
}

impl Catalog {
    /// Creates a task that waits for its first start, or replaces the definition of one; what people
    /// want it to do and its failure stay.
    ///
    /// # Errors
    /// The source does not exist, another task has the topic, the task had another topic, or the
    /// catalog cannot be written.
    pub fn put_task(&self, spec: &TaskSpec) -> Result<Put> {
        self.write(|transaction| {
            check(transaction, spec)?;
            let kept = read(transaction, &spec.name)?;
            if kept.as_ref().is_some_and(|kept| kept.spec.topic != spec.topic) {
                return Err(Error::invalid("topic", "the topic of a task cannot be changed"));
            }
            write_spec(transaction, spec, self.now_unix())?;
            Ok(if kept.is_some() { Put::Replaced } else { Put::Created })
        })
    }

    /// The task of this name.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn task(&self, name: &TaskName) -> Result<Option<Task>> {
        self.read(|transaction| read(transaction, name))
    }

    /// All tasks, by name.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn tasks(&self) -> Result<Vec<Task>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT * FROM tasks ORDER BY name")?;
            let rows = statement.query_map([], Task::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Keeps what people want the task to do.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn set_desired(&self, name: &TaskName, desired: Desired) -> Result<()> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE tasks SET desired = ?2 WHERE name = ?1",
                (name.as_str(), desired.as_str()),
            )?;
            found(changed, name)
        })
    }

    /// Keeps why the task stopped for good; `None` forgets it.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn set_failure(&self, name: &TaskName, failure: Option<&Failure>) -> Result<()> {
        let remedies = failure.map(|failure| to_json(&failure.remedies));
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE tasks SET failure_code = ?2, failure_message = ?3,
                     failure_remedies_json = ?4, failed_unix = ?5 WHERE name = ?1",
                (
                    name.as_str(),
                    failure.map(|failure| &failure.code),
                    failure.map(|failure| &failure.message),
                    remedies,
                    failure.map(|failure| failure.at.seconds()),
                ),
            )?;
            found(changed, name)
        })
    }

    /// Deletes a task with its groups, everything committed to its topic, its schema history, and what it
    /// has set aside.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn delete_task(&self, name: &TaskName) -> Result<()> {
        self.write(|transaction| {
            for statement in [
                "DELETE FROM committed_offsets
                     WHERE topic IN (SELECT topic FROM tasks WHERE name = ?1)",
                "DELETE FROM committed_offsets
                     WHERE group_id IN (SELECT id FROM groups WHERE task = ?1)",
                "DELETE FROM group_states
                     WHERE group_id IN (SELECT id FROM groups WHERE task = ?1)",
                "DELETE FROM groups WHERE task = ?1",
                "DELETE FROM schema_history WHERE task = ?1",
                "DELETE FROM held_tables WHERE task = ?1",
                "DELETE FROM bad_events WHERE task = ?1",
                "DELETE FROM skipped_events WHERE task = ?1",
                "DELETE FROM pending_starts WHERE task = ?1",
                "DELETE FROM gaps WHERE task = ?1",
            ] {
                transaction.execute(statement, [name.as_str()])?;
            }
            found(transaction.execute("DELETE FROM tasks WHERE name = ?1", [name.as_str()])?, name)
        })
    }
}

impl Task {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let spec = TaskSpec {
            name: parsed(row, "name", TaskName::new)?,
            source: parsed(row, "source", SourceName::new)?,
            topic: parsed(row, "topic", TopicName::new)?,
            title: row.get("title")?,
            include: json(row, "include_json")?,
            exclude: json(row, "exclude_json")?,
            operations: word(row, "operations", &Operations::ALL, Operations::as_str)?,
            statements: parsed(row, "statements", |text| text.parse())?,
            on_table_error: parsed(row, "on_table_error", |text| text.parse())?,
            start: parsed(row, "start_at", |text| StartAt::kept(&text))?,
            retention: optional_unsigned(row, "retention_seconds")?.map(Duration::from_secs),
            max_bytes: optional_unsigned(row, "max_bytes")?,
            owner: row.get("owner")?,
        };
        let failure = match optional_time(row, "failed_unix")? {
            Some(at) => Some(Failure {
                code: row.get("failure_code")?,
                message: row.get("failure_message")?,
                remedies: json(row, "failure_remedies_json")?,
                at,
            }),
            None => None,
        };
        let desired = word(row, "desired", &Desired::ALL, Desired::as_str)?;
        Ok(Self { spec, desired, failure, created: time(row, "created_unix")? })
    }
}

/// What the database would refuse too, but less clearly.
fn check(transaction: &Transaction<'_>, spec: &TaskSpec) -> Result<()> {
    let exists = |sql: &str, parameters: &[&str]| -> rusqlite::Result<bool> {
        transaction.query_row(sql, rusqlite::params_from_iter(parameters), |row| row.get(0))
    };
    let source = spec.source.as_str();
    if !exists("SELECT EXISTS (SELECT 1 FROM sources WHERE name = ?1)", &[source])? {
        return Err(Error::not_found("source", source));
    }
    let taken = exists(
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE topic = ?1 AND name <> ?2)",
        &[spec.topic.as_str(), spec.name.as_str()],
    )?;
    if taken {
        return Err(Error::Exists { what: "topic", name: spec.topic.to_string() });
    }
    Ok(())
}

fn write_spec(transaction: &Transaction<'_>, spec: &TaskSpec, now_unix: i64) -> Result<()> {
    transaction.execute(
        "INSERT INTO tasks (name, source, topic, title, include_json, exclude_json, operations,
             start_at, retention_seconds, max_bytes, owner, desired, created_unix, statements,
             on_table_error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (name) DO UPDATE SET source = ?2, title = ?4, include_json = ?5,
             exclude_json = ?6, operations = ?7, start_at = ?8, retention_seconds = ?9,
             max_bytes = ?10, owner = ?11, statements = ?14, on_table_error = ?15",
        (
            spec.name.as_str(),
            spec.source.as_str(),
            spec.topic.as_str(),
            &spec.title,
            to_json(&spec.include),
            to_json(&spec.exclude),
            spec.operations.as_str(),
            spec.start.to_string(),
            spec.retention.map(|age| to_integer(age.as_secs())),
            spec.max_bytes.map(to_integer),
            &spec.owner,
            Desired::NotStarted.as_str(),
            now_unix,
            spec.statements.as_str(),
            spec.on_table_error.as_str(),
        ),
    )?;
    Ok(())
}

fn read(transaction: &Transaction<'_>, name: &TaskName) -> Result<Option<Task>> {
    Ok(transaction
        .query_row("SELECT * FROM tasks WHERE name = ?1", [name.as_str()], Task::from_row)
        .optional()?)
}

/// Refuses a task that is not there, which the database would do too, but less clearly.
pub(crate) fn must_exist(transaction: &Transaction<'_>, name: &TaskName) -> Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM tasks WHERE name = ?1)";
    let exists: bool = transaction.query_row(sql, [name.as_str()], |row| row.get(0))?;
    found(usize::from(exists), name)
}

fn found(changed: usize, name: &TaskName) -> Result<()> {
    if changed == 0 { Err(Error::not_found("task", name)) } else { Ok(()) }
}

fn to_json(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

fn word<T: Copy>(
    row: &Row<'_>,
    column: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    parsed(row, column, |text| {
        all.iter().copied().find(|value| as_str(*value) == text).ok_or("unknown word")
    })
}
