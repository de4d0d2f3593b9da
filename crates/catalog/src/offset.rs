//! What consumer groups have committed.

use std::collections::HashSet;

use change::{GroupId, TopicName, UnixTime};
use rusqlite::Row;

use crate::row::{parsed, time};
use crate::{Catalog, Result};

/// How far a group has come in one partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The topic.
    pub topic: TopicName,
    /// The partition's number.
    pub partition: i32,
    /// The offset, as the client gave it (DTS clients give the last one they processed, others the
    /// next one they want).
    pub offset: i64,
    /// The leader epoch that the client gave, or -1.
    pub leader_epoch: i32,
    /// The client's own text, given back byte for byte (DTS clients keep seconds in it).
    pub metadata: String,
    /// When it was committed.
    pub committed_at: UnixTime,
}

impl CommittedOffset {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            topic: parsed(row, "topic", TopicName::new)?,
            partition: row.get("partition")?,
            offset: row.get("offset")?,
            leader_epoch: row.get("leader_epoch")?,
            metadata: row.get("metadata")?,
            committed_at: time(row, "committed_at_unix")?,
        })
    }
}

impl Catalog {
    /// Keeps offsets of a group, all or none. The group need not be one of [`Catalog::groups`]: on
    /// loopback clients may come without account and choose their group id.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn commit_offsets(&self, group: &GroupId, offsets: &[CommittedOffset]) -> Result<()> {
        self.write(|transaction| {
            let mut statement = transaction.prepare(
                "INSERT INTO committed_offsets
                     (group_id, topic, partition, offset, leader_epoch, metadata, committed_at_unix)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (group_id, topic, partition) DO UPDATE SET
                     offset = ?4, leader_epoch = ?5, metadata = ?6, committed_at_unix = ?7",
            )?;
            for offset in offsets {
                statement.execute((
                    group.as_str(),
                    offset.topic.as_str(),
                    offset.partition,
                    offset.offset,
                    offset.leader_epoch,
                    &offset.metadata,
                    offset.committed_at.seconds(),
                ))?;
            }
            Ok(())
        })
    }

    /// All that a group has committed, by topic and partition.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn committed_offsets(&self, group: &GroupId) -> Result<Vec<CommittedOffset>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT * FROM committed_offsets WHERE group_id = ?1 ORDER BY topic, partition",
            )?;
            let rows = statement.query_map([group.as_str()], CommittedOffset::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The ids of all groups that have committed something to a topic, by id.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn groups_with_offsets(&self, topic: &TopicName) -> Result<Vec<GroupId>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT DISTINCT group_id FROM committed_offsets WHERE topic = ?1 ORDER BY group_id",
            )?;
            let rows = statement
                .query_map([topic.as_str()], |row| parsed(row, "group_id", GroupId::new))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The ids of all groups that have committed something, by id.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn committed_groups(&self) -> Result<Vec<GroupId>> {
        self.read(|transaction| {
            let mut statement = transaction
                .prepare("SELECT DISTINCT group_id FROM committed_offsets ORDER BY group_id")?;
            let rows = statement.query_map([], |row| parsed(row, "group_id", GroupId::new))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Forgets what a group has committed to some partitions.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn delete_offsets_of(&self, group: &GroupId, places: &[(TopicName, i32)]) -> Result<()> {
        self.write(|transaction| {
            let mut statement = transaction.prepare(
                "DELETE FROM committed_offsets
                     WHERE group_id = ?1 AND topic = ?2 AND partition = ?3",
            )?;
            for (topic, partition) in places {
                statement.execute((group.as_str(), topic.as_str(), partition))?;
            }
            Ok(())
        })
    }

    /// Forgets all that a group has committed, and who belonged to it.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn clear_group(&self, group: &GroupId) -> Result<()> {
        self.write(|transaction| {
            for table in ["committed_offsets", "group_states"] {
                let sql = format!("DELETE FROM {table} WHERE group_id = ?1");
                transaction.execute(&sql, [group.as_str()])?;
            }
            Ok(())
        })
    }

    /// Forgets the groups that nobody defined (loopback clients name their own) and that have neither
    /// committed nor changed their members since `before`, save for those that are `living`. Answers
    /// their ids.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn expire_groups(&self, before: UnixTime, living: &[GroupId]) -> Result<Vec<GroupId>> {
        let living: HashSet<&str> = living.iter().map(GroupId::as_str).collect();
        self.write(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT group_id, max(at_unix) AS last_unix FROM (
                     SELECT group_id, committed_at_unix AS at_unix FROM committed_offsets
                     UNION ALL SELECT group_id, changed_unix FROM group_states)
                 WHERE group_id NOT IN (SELECT id FROM groups)
                 GROUP BY group_id HAVING last_unix < ?1 ORDER BY group_id",
            )?;
            let rows = statement
                .query_map([before.seconds()], |row| parsed(row, "group_id", GroupId::new))?;
            let mut expired = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            expired.retain(|group| !living.contains(group.as_str()));
            for group in &expired {
                for table in ["committed_offsets", "group_states"] {
                    let sql = format!("DELETE FROM {table} WHERE group_id = ?1");
                    transaction.execute(&sql, [group.as_str()])?;
                }
            }
            Ok(expired)
        })
    }
}
