//! `ListOffsets` (2), versions 0 to 11: finds the offset of a time, of the start or of the end.

use crate::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(ListOffsets: ListOffsetsRequest<'a>, ListOffsetsResponse<'a>);

/// Asks for the end of the partition.
pub const TIMESTAMP_LATEST: i64 = -1;
/// Asks for the first offset that is still held.
pub const TIMESTAMP_EARLIEST: i64 = -2;
/// Asks for the record with the highest timestamp, since version 7 (KIP-734).
pub const TIMESTAMP_MAX: i64 = -3;
/// Asks for the first offset that is held on the broker's own disk, since version 8 (KIP-405).
pub const TIMESTAMP_EARLIEST_LOCAL: i64 = -4;
/// Asks for the last offset that was moved to other storage, since version 9 (KIP-1005).
pub const TIMESTAMP_LATEST_TIERED: i64 = -5;
/// Asks for the first offset that has still to be moved there, since version 11 (KIP-1023).
pub const TIMESTAMP_EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Asks for offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOffsetsRequest<'a> {
    /// −1 for clients.
    pub replica_id: i32,
    /// 0 read uncommitted, 1 read committed; since version 2.
    pub isolation_level: i8,
    /// The topics.
    pub topics: Vec<ListOffsetsTopic<'a>>,
    /// How long the answer may take where other storage is asked, in milliseconds; since version 10.
    pub timeout_ms: i32,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListOffsetsTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<ListOffsetsPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOffsetsPartition {
    /// The number.
    pub partition: PartitionId,
    /// What the client believes, since version 4.
    pub current_leader_epoch: LeaderEpoch,
    /// A time, or one of the `TIMESTAMP_` constants.
    pub timestamp: i64,
    /// How many offsets to answer, in version 0; 1 since then.
    pub max_num_offsets: i32,
}

/// Answers offsets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListOffsetsResponse<'a> {
    /// Milliseconds, since version 2.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<ListedTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<ListedPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPartition {
    /// The number.
    pub partition: PartitionId,
    /// Why there is no answer.
    pub error: ErrorCode,
    /// Segment starts from new to old, in version 0.
    pub old_style_offsets: Vec<i64>,
    /// The timestamp of the record found, or −1; since version 1.
    pub timestamp: i64,
    /// The offset found, or [`Offset::NONE`]; since version 1.
    pub offset: Offset,
    /// The leader epoch of the record found, since version 4.
    pub leader_epoch: LeaderEpoch,
}

impl Default for ListOffsetsRequest<'_> {
    fn default() -> Self {
        Self { replica_id: -1, isolation_level: 0, topics: Vec::new(), timeout_ms: 0 }
    }
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            current_leader_epoch: LeaderEpoch::NONE,
            timestamp: 0,
            max_num_offsets: 1,
        }
    }
}

impl Default for ListedPartition {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            error: ErrorCode::None,
            old_style_offsets: Vec::new(),
            timestamp: -1,
            offset: Offset::NONE,
            leader_epoch: LeaderEpoch::NONE,
        }
    }
}

impl<'a> Wire<'a> for ListOffsetsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.replica_id)?;
        coder.since(2, &mut self.isolation_level)?;
        coder.field(&mut self.topics)?;
        coder.since(10, &mut self.timeout_ms)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListOffsetsTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListOffsetsPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.since(4, &mut self.current_leader_epoch)?;
        coder.field(&mut self.timestamp)?;
        coder.until(0, &mut self.max_num_offsets)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListOffsetsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(2, &mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListedPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.error)?;
        coder.until(0, &mut self.old_style_offsets)?;
        coder.since(1, &mut self.timestamp)?;
        coder.since(1, &mut self.offset)?;
        coder.since(4, &mut self.leader_epoch)?;
        coder.tags()
    }
}
