//! `OffsetForLeaderEpoch` (23), versions 0 to 4: where the batches of a leader epoch end (KIP-320).

use crate::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(OffsetForLeaderEpoch: OffsetForLeaderEpochRequest<'a>, OffsetForLeaderEpochResponse<'a>);

/// Asks for the ends of epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetForLeaderEpochRequest<'a> {
    /// −1 for clients, since version 3; −2 where the version does not say.
    pub replica_id: i32,
    /// The topics.
    pub topics: Vec<EpochTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EpochTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<EpochPartition>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EpochPartition {
    /// The number.
    pub partition: PartitionId,
    /// What the client believes, since version 2.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch whose end is wanted.
    pub leader_epoch: LeaderEpoch,
}

/// Answers the ends of epochs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetForLeaderEpochResponse<'a> {
    /// Milliseconds, since version 2.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<EpochEndTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EpochEndTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<EpochEnd>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EpochEnd {
    /// Why there is no answer.
    pub error: ErrorCode,
    /// The number.
    pub partition: PartitionId,
    /// The largest epoch not above the wanted one, since version 1.
    pub leader_epoch: LeaderEpoch,
    /// One more than the last offset of that epoch.
    pub end_offset: Offset,
}

impl Default for OffsetForLeaderEpochRequest<'_> {
    fn default() -> Self {
        Self { replica_id: -2, topics: Vec::new() }
    }
}

impl<'a> Wire<'a> for OffsetForLeaderEpochRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(3, &mut self.replica_id)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for EpochTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for EpochPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.since(2, &mut self.current_leader_epoch)?;
        coder.field(&mut self.leader_epoch)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for OffsetForLeaderEpochResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(2, &mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for EpochEndTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for EpochEnd {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.partition)?;
        coder.since(1, &mut self.leader_epoch)?;
        coder.field(&mut self.end_offset)?;
        coder.tags()
    }
}
