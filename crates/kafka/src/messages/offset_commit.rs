//! `OffsetCommit` (8), versions 0 to 10: stores where a group stands.

use crate::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::message,
};

message!(OffsetCommit: OffsetCommitRequest<'a>, OffsetCommitResponse<'a>);

/// Asks to store offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetCommitRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The member's generation, or its epoch in the consumer protocol of KIP-848 (since version 9); −1 of a
    /// client that is not a member. Since version 1.
    pub generation_id: i32,
    /// The member, since version 1; empty of a client that is not one.
    pub member_id: &'a str,
    /// Its static name, since version 7.
    pub group_instance_id: Option<&'a str>,
    /// How long to keep the offsets, in milliseconds, or −1; since version 2, until version 4.
    pub retention_time_ms: i64,
    /// The topics.
    pub topics: Vec<CommitTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitTopic<'a> {
    /// The name, until version 9.
    pub name: &'a str,
    /// The id, since version 10.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<CommitPartition<'a>>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPartition<'a> {
    /// The number.
    pub partition: PartitionId,
    /// Where the group stands.
    pub offset: Offset,
    /// The epoch of the last record read, since version 6.
    pub leader_epoch: LeaderEpoch,
    /// Milliseconds, or −1 for now; in version 1 only.
    pub commit_timestamp: i64,
    /// The client's own words, to be given back byte for byte.
    pub metadata: Option<&'a str>,
}

/// Says what was stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetCommitResponse<'a> {
    /// Milliseconds, since version 3.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<CommittedTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommittedTopic<'a> {
    /// The name, until version 9.
    pub name: &'a str,
    /// The id, since version 10.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<CommittedPartition>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommittedPartition {
    /// The number.
    pub partition: PartitionId,
    /// Why it was not stored.
    pub error: ErrorCode,
}

impl Default for OffsetCommitRequest<'_> {
    fn default() -> Self {
        Self {
            group_id: "",
            generation_id: -1,
            member_id: "",
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

impl Default for CommitPartition<'_> {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            offset: Offset(0),
            leader_epoch: LeaderEpoch::NONE,
            commit_timestamp: -1,
            metadata: None,
        }
    }
}

impl<'a> Wire<'a> for OffsetCommitRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.since(1, &mut self.generation_id)?;
        coder.since(1, &mut self.member_id)?;
        coder.since(7, &mut self.group_instance_id)?;
        coder.between(2, 4, &mut self.retention_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CommitTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(9, &mut self.name)?;
        coder.since(10, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CommitPartition<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.offset)?;
        coder.since(6, &mut self.leader_epoch)?;
        coder.between(1, 1, &mut self.commit_timestamp)?;
        coder.field(&mut self.metadata)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for OffsetCommitResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(3, &mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CommittedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(9, &mut self.name)?;
        coder.since(10, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CommittedPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}
