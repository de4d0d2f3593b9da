//! `OffsetDelete` (47), version 0: forgets where a group stands in single partitions.

use crate::{
    ErrorCode, PartitionId, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(OffsetDelete: OffsetDeleteRequest<'a>, OffsetDeleteResponse<'a>);

/// Asks to delete stored offsets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetDeleteRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The topics.
    pub topics: Vec<OffsetDeleteTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetDeleteTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<PartitionId>,
}

/// Says which offsets were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetDeleteResponse<'a> {
    /// An error of the whole request.
    pub error: ErrorCode,
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<OffsetDeletedTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetDeletedTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<OffsetDeletedPartition>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffsetDeletedPartition {
    /// The number.
    pub partition: PartitionId,
    /// Why nothing was deleted.
    pub error: ErrorCode,
}

impl<'a> Wire<'a> for OffsetDeleteRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.topics)
    }
}

impl<'a> Wire<'a> for OffsetDeleteTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)
    }
}

impl<'a> Wire<'a> for OffsetDeleteResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)
    }
}

impl<'a> Wire<'a> for OffsetDeletedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)
    }
}

impl<'a> Wire<'a> for OffsetDeletedPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.error)
    }
}
