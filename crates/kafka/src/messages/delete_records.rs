//! `DeleteRecords` (21), versions 0 to 2: read far enough to refuse every partition by its name and
//! number.

use crate::{
    ErrorCode, Offset, PartitionId, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(DeleteRecords: DeleteRecordsRequest<'a>, DeleteRecordsResponse<'a>);

/// Asks to delete records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteRecordsRequest<'a> {
    /// The topics.
    pub topics: Vec<DeleteRecordsTopic<'a>>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: i32,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteRecordsTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<DeleteRecordsPartition>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeleteRecordsPartition {
    /// The number.
    pub partition: PartitionId,
    /// The first offset to keep; −1 deletes everything.
    pub offset: Offset,
}

/// Says which records were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteRecordsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DeletedRecordsTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedRecordsTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<DeletedRecordsPartition>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeletedRecordsPartition {
    /// The number.
    pub partition: PartitionId,
    /// The first offset that is still held, or [`Offset::NONE`].
    pub low_watermark: Offset,
    /// Why nothing was deleted.
    pub error: ErrorCode,
}

impl<'a> Wire<'a> for DeleteRecordsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topics)?;
        coder.field(&mut self.timeout_ms)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteRecordsTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteRecordsPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.offset)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteRecordsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeletedRecordsTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeletedRecordsPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.low_watermark)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}
