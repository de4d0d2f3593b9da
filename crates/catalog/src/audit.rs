//! The audit trail: who changed what, and when.

use change::UnixTime;

use crate::row::time;
use crate::{Catalog, Result};

/// One act. Secrets must have been taken out of `detail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: UnixTime,
    /// Who: a token's name, `admin.sock uid 0`, or a file.
    pub who: String,
    /// What was done, like `task.pause`.
    pub action: String,
    /// To what, like `task shop`.
    pub target: String,
    /// More about it; may be empty.
    pub detail: String,
}

/// Acts that are kept; older ones are dropped.
const MAX_ENTRIES: i64 = 100_000;

impl Catalog {
    /// Adds an act of now.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn append_audit(&self, who: &str, action: &str, target: &str, detail: &str) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO audit (at_unix, who, action, target, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (self.now_unix(), who, action, target, detail),
            )?;
            let oldest = transaction.last_insert_rowid().saturating_sub(MAX_ENTRIES);
            transaction.execute("DELETE FROM audit WHERE id <= ?1", [oldest])?;
            Ok(())
        })
    }

    /// The last `limit` acts, newest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT at_unix, who, action, target, detail FROM audit ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], |row| {
                Ok(AuditEntry {
                    at: time(row, "at_unix")?,
                    who: row.get("who")?,
                    action: row.get("action")?,
                    target: row.get("target")?,
                    detail: row.get("detail")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
