//! The tables, as a numbered list of steps from one format version to the next.
//!
//! `application_id` is the magic of the file and `user_version` its format version. A step is never
//! changed once a release has written it; the next format is the next step.

use rusqlite::{Connection, TransactionBehavior};

use crate::{Error, Result};

/// `WHcl` in ASCII, as SQLite's `application_id`.
pub(crate) const APPLICATION_ID: i64 = 0x5748_636c;

/// The newest format, which is the number of steps.
pub(crate) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Brings a file of format `from` to the latest one, each step in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection, from: i64) -> Result<()> {
    let done = usize::try_from(from)
        .map_err(|_| Error::Corrupt { reason: format!("format version {from}") })?;
    for (step, version) in STEPS.iter().zip(1_i64..).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Step `n` (from 1) leads from format `n - 1` to format `n`.
const STEPS: &[&str] = &[
    "
CREATE TABLE server (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    uuid TEXT NOT NULL,
    key_check BLOB NOT NULL,
    created_unix INTEGER NOT NULL
) STRICT;

CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    password_sealed BLOB,
    tls TEXT NOT NULL,
    ca TEXT,
    server_id INTEGER,
    owner TEXT,
    created_unix INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
    name TEXT PRIMARY KEY,
    source TEXT NOT NULL REFERENCES sources (name),
    topic TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    include_json TEXT NOT NULL,
    exclude_json TEXT NOT NULL,
    operations TEXT NOT NULL,
    start_at TEXT NOT NULL,
    retention_seconds INTEGER,
    max_bytes INTEGER,
    owner TEXT,
    desired TEXT NOT NULL,
    failure_code TEXT,
    failure_message TEXT,
    failure_remedies_json TEXT,
    failed_unix INTEGER,
    created_unix INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_by_source ON tasks (source);

CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (name),
    name TEXT NOT NULL,
    account TEXT NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_sha_256_salt BLOB NOT NULL,
    scram_sha_256_stored_key BLOB NOT NULL,
    scram_sha_256_server_key BLOB NOT NULL,
    scram_sha_512_salt BLOB NOT NULL,
    scram_sha_512_stored_key BLOB NOT NULL,
    scram_sha_512_server_key BLOB NOT NULL,
    owner TEXT,
    created_unix INTEGER NOT NULL,
    UNIQUE (task, name)
) STRICT;

CREATE TABLE committed_offsets (
    group_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    committed_at_unix INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX committed_offsets_by_topic ON committed_offsets (topic);

CREATE TABLE schema_history (
    task TEXT NOT NULL REFERENCES tasks (name),
    valid_from TEXT NOT NULL,
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    schema_json TEXT,
    PRIMARY KEY (task, valid_from, database_name, table_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created_unix INTEGER NOT NULL,
    expires_unix INTEGER,
    last_used_unix INTEGER
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_unix INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
",
    "
ALTER TABLE schema_history ADD COLUMN definition TEXT;
CREATE INDEX schema_history_by_table
    ON schema_history (task, database_name, table_name, valid_from);
",
    "
ALTER TABLE tasks ADD COLUMN statements TEXT NOT NULL DEFAULT 'instance';
ALTER TABLE tasks ADD COLUMN on_table_error TEXT NOT NULL DEFAULT 'quarantine';

CREATE TABLE gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL REFERENCES tasks (name),
    cause TEXT NOT NULL,
    table_name TEXT,
    event_place TEXT,
    event_kind TEXT,
    event_size INTEGER,
    event_bytes BLOB,
    from_position TEXT,
    to_position TEXT,
    from_time_unix INTEGER,
    to_time_unix INTEGER,
    who TEXT NOT NULL,
    at_unix INTEGER NOT NULL
) STRICT;
CREATE INDEX gaps_by_task ON gaps (task);

CREATE TABLE pending_starts (
    task TEXT PRIMARY KEY REFERENCES tasks (name),
    start_at TEXT NOT NULL,
    instead_of TEXT NOT NULL,
    gap INTEGER NOT NULL REFERENCES gaps (id)
) STRICT;

CREATE TABLE held_tables (
    task TEXT NOT NULL REFERENCES tasks (name),
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    from_position TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    choice TEXT NOT NULL,
    definition TEXT,
    since_unix INTEGER NOT NULL,
    PRIMARY KEY (task, database_name, table_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE bad_events (
    task TEXT PRIMARY KEY REFERENCES tasks (name),
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    at_unix INTEGER NOT NULL
) STRICT;

CREATE TABLE skipped_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL REFERENCES tasks (name),
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    code TEXT NOT NULL,
    who TEXT NOT NULL,
    decided_unix INTEGER NOT NULL,
    gap INTEGER REFERENCES gaps (id),
    UNIQUE (task, place)
) STRICT;
",
    "
CREATE TABLE group_states (
    group_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    protocol_type TEXT NOT NULL,
    protocol TEXT NOT NULL,
    leader TEXT,
    changed_unix INTEGER NOT NULL
) STRICT;

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES group_states (group_id) ON DELETE CASCADE,
    member_id TEXT NOT NULL,
    instance_id TEXT,
    client_id TEXT NOT NULL,
    client_host TEXT NOT NULL,
    session_timeout_ms INTEGER NOT NULL,
    rebalance_timeout_ms INTEGER NOT NULL,
    assignment BLOB NOT NULL,
    PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_protocols (
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    metadata BLOB NOT NULL,
    PRIMARY KEY (group_id, member_id, place),
    FOREIGN KEY (group_id, member_id)
        REFERENCES group_members (group_id, member_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE groups ADD COLUMN fetch_rate INTEGER;
",
    "
ALTER TABLE group_states ADD COLUMN consumers_json TEXT;
",
];
