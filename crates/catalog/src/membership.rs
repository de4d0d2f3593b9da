//! Who belonged to a consumer group when it last came to rest, so that a coordinator that starts again
//! knows the members that are still there.
//!
//! What is kept is what Kafka's coordinator writes to `__consumer_offsets` (`GroupMetadataValue`): the
//! group as it was stable, or left by its last member. A rebalance that is under way is not kept; its
//! members join again.

use std::time::Duration;

use change::{GroupId, UnixTime};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction};

use crate::row::{parsed, time};
use crate::{Catalog, ConsumerGroup, Result};

/// A group as a coordinator has to know it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptGroup {
    /// Its members agree among themselves.
    Classic(Membership),
    /// The coordinator assigns (KIP-848).
    Consumer(ConsumerGroup),
}

/// A consumer group at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group, which need not be one of [`Catalog::groups`]: on loopback clients choose their own.
    pub group: GroupId,
    /// The generation its members know.
    pub generation: i32,
    /// `consumer` for consumers.
    pub protocol_type: String,
    /// The assignor it agreed on; empty without members.
    pub protocol: String,
    /// Who leads; `None` without members.
    pub leader: Option<String>,
    /// Since when it is as it is.
    pub changed: UnixTime,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// One member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub id: String,
    /// Its `group.instance.id`.
    pub instance_id: Option<String>,
    /// As the client calls itself.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// After how long without a sign of life it is removed.
    pub session_timeout: Duration,
    /// How long others wait for it in a rebalance.
    pub rebalance_timeout: Duration,
    /// Assignors with its subscription, most wanted first.
    pub protocols: Vec<(String, Vec<u8>)>,
    /// What it works on.
    pub assignment: Vec<u8>,
}

impl Catalog {
    /// Keeps groups as they are now, in place of what was known of them, and forgets others; what those
    /// have committed stays.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn put_memberships(&self, settled: &[KeptGroup], forgotten: &[GroupId]) -> Result<()> {
        self.write(|transaction| {
            for group in forgotten {
                forget(transaction, group)?;
            }
            for kept in settled {
                forget(transaction, kept.group())?;
                match kept {
                    KeptGroup::Classic(membership) => insert(transaction, membership)?,
                    KeptGroup::Consumer(group) => group.insert(transaction)?,
                }
            }
            Ok(())
        })
    }

    /// All groups that were kept, by id.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn memberships(&self) -> Result<Vec<KeptGroup>> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT * FROM group_states ORDER BY group_id")?;
            let rows = statement.query_map([], KeptGroup::from_row)?;
            let mut groups = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            for kept in &mut groups {
                if let KeptGroup::Classic(membership) = kept {
                    membership.members = members(transaction, &membership.group)?;
                }
            }
            Ok(groups)
        })
    }
}

impl KeptGroup {
    /// Its id.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        match self {
            Self::Classic(membership) => &membership.group,
            Self::Consumer(group) => &group.group,
        }
    }

    /// One of the classic protocol without its members.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        match row.get::<_, Option<String>>("consumers_json")? {
            Some(_) => ConsumerGroup::from_row(row).map(Self::Consumer),
            None => Membership::from_row(row).map(Self::Classic),
        }
    }
}

impl From<Membership> for KeptGroup {
    fn from(membership: Membership) -> Self {
        Self::Classic(membership)
    }
}

impl Membership {
    /// Without its members.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            group: parsed(row, "group_id", GroupId::new)?,
            generation: row.get("generation")?,
            protocol_type: row.get("protocol_type")?,
            protocol: row.get("protocol")?,
            leader: row.get("leader")?,
            changed: time(row, "changed_unix")?,
            members: Vec::new(),
        })
    }
}

impl GroupMember {
    /// Without its protocols.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("member_id")?,
            instance_id: row.get("instance_id")?,
            client_id: row.get("client_id")?,
            client_host: row.get("client_host")?,
            session_timeout: milliseconds(row, "session_timeout_ms")?,
            rebalance_timeout: milliseconds(row, "rebalance_timeout_ms")?,
            protocols: Vec::new(),
            assignment: row.get("assignment")?,
        })
    }
}

/// Forgets a group, if it is known.
fn forget(transaction: &Transaction<'_>, group: &GroupId) -> Result<()> {
    transaction.execute("DELETE FROM group_states WHERE group_id = ?1", [group.as_str()])?;
    Ok(())
}

fn insert(transaction: &Transaction<'_>, membership: &Membership) -> Result<()> {
    let group = membership.group.as_str();
    transaction.execute(
        "INSERT INTO group_states
             (group_id, generation, protocol_type, protocol, leader, changed_unix)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            group,
            membership.generation,
            &membership.protocol_type,
            &membership.protocol,
            &membership.leader,
            membership.changed.seconds(),
        ),
    )?;
    let mut insert_member = transaction.prepare(
        "INSERT INTO group_members (group_id, member_id, instance_id, client_id, client_host,
             session_timeout_ms, rebalance_timeout_ms, assignment)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut insert_protocol = transaction.prepare(
        "INSERT INTO group_protocols (group_id, member_id, place, name, metadata)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for member in &membership.members {
        insert_member.execute((
            group,
            &member.id,
            &member.instance_id,
            &member.client_id,
            &member.client_host,
            whole_milliseconds(member.session_timeout),
            whole_milliseconds(member.rebalance_timeout),
            &member.assignment,
        ))?;
        for (place, (name, metadata)) in (0_i64..).zip(&member.protocols) {
            insert_protocol.execute((group, &member.id, place, name, metadata))?;
        }
    }
    Ok(())
}

fn members(connection: &Connection, group: &GroupId) -> Result<Vec<GroupMember>> {
    let mut statement =
        connection.prepare("SELECT * FROM group_members WHERE group_id = ?1 ORDER BY member_id")?;
    let rows = statement.query_map([group.as_str()], GroupMember::from_row)?;
    let mut members = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut statement = connection.prepare(
        "SELECT name, metadata FROM group_protocols WHERE group_id = ?1 AND member_id = ?2
             ORDER BY place",
    )?;
    for member in &mut members {
        let rows = statement.query_map([group.as_str(), &member.id], |row| {
            Ok((row.get("name")?, row.get("metadata")?))
        })?;
        member.protocols = rows.collect::<rusqlite::Result<_>>()?;
    }
    Ok(members)
}

/// A column of milliseconds.
fn milliseconds(row: &Row<'_>, column: &str) -> rusqlite::Result<Duration> {
    let index = row.as_ref().column_index(column)?;
    let number: i64 = row.get(index)?;
    let number = u64::try_from(number).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, error.into())
    })?;
    Ok(Duration::from_millis(number))
}

fn whole_milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
