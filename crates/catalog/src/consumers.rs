//! Who belongs to a group of the consumer protocol (KIP-848), and what each one holds and shall hold.
//!
//! Kept with each change, before a member learns of it: such a group never rests as a whole, its members
//! follow one by one. What Kafka writes as `ConsumerGroup…` records of `__consumer_offsets` stands here in
//! one column, because it is read and written as a whole.

use std::time::Duration;

use change::{GroupId, UnixTime};
use rusqlite::{Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::row::{json, parsed, time};
use crate::{Error, Result};

/// What clients of this protocol are called, whatever they do.
const PROTOCOL_TYPE: &str = "consumer";

/// A group of the consumer protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroup {
    /// The group, which need not be a defined one, as with [`crate::Membership`].
    pub group: GroupId,
    /// Grows with every change of its members, their subscriptions, or their topics.
    pub epoch: i32,
    /// The assignor in use.
    pub assignor: String,
    /// Since when it is as it is.
    pub changed: UnixTime,
    /// Topics and members.
    pub roll: ConsumerRoll,
}

/// What a group of the consumer protocol consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConsumerRoll {
    /// The topics that its members want and that there were.
    pub topics: Vec<KnownTopic>,
    /// Its members.
    pub members: Vec<Consumer>,
}

/// A topic as the assignment was made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTopic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: [u8; 16],
    /// How many partitions it has.
    pub partitions: i32,
    /// The task it belongs to.
    pub task: String,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// Its id.
    pub id: String,
    /// Its `group.instance.id`.
    pub instance_id: Option<String>,
    /// Where it stands.
    pub rack_id: Option<String>,
    /// As the client calls itself.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// The task whose topics it may see; `None` if it may see all.
    pub task: Option<String>,
    /// How long it may take to give up partitions.
    pub rebalance_timeout: Duration,
    /// The epoch it was last told.
    pub epoch: i32,
    /// The one before.
    pub previous_epoch: i32,
    /// The assignor it wants.
    pub assignor: Option<String>,
    /// The topics it wants.
    pub topics: Vec<String>,
    /// The same as a pattern.
    pub pattern: Option<String>,
    /// What it was given.
    pub assigned: Vec<HeldPartition>,
    /// What it must give up first.
    pub revoking: Vec<HeldPartition>,
    /// What it shall have.
    pub target: Vec<HeldPartition>,
}

/// A partition of a topic, by the topic's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPartition {
    /// The topic.
    pub topic: [u8; 16],
    /// The partition.
    pub partition: i32,
}

impl ConsumerGroup {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            group: parsed(row, "group_id", GroupId::new)?,
            epoch: row.get("generation")?,
            assignor: row.get("protocol")?,
            changed: time(row, "changed_unix")?,
            roll: json(row, "consumers_json")?,
        })
    }

    pub(crate) fn insert(&self, transaction: &Transaction<'_>) -> Result<()> {
        let roll = serde_json::to_string(&self.roll)
            .map_err(|error| Error::Corrupt { reason: error.to_string() })?;
        transaction.execute(
            "INSERT INTO group_states
                 (group_id, generation, protocol_type, protocol, changed_unix, consumers_json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                self.group.as_str(),
                self.epoch,
                PROTOCOL_TYPE,
                &self.assignor,
                self.changed.seconds(),
                roll,
            ),
        )?;
        Ok(())
    }
}
