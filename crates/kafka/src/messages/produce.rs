//! `Produce` (0), versions 0 to 13: read far enough to refuse every partition by its name and number.
//!
//! The records are not looked into, and where else a leader may be (tagged fields of the answer) is never
//! written. A request with acks 0 gets no response at all; that is the
//! server's business.

use crate::{
    ErrorCode, Offset, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::{Records, message},
};

message!(Produce: ProduceRequest<'a>, ProduceResponse<'a>);

/// Asks to append records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProduceRequest<'a> {
    /// Since version 3.
    pub transactional_id: Option<&'a str>,
    /// −1 all replicas, 1 the leader, 0 do not even answer.
    pub acks: i16,
    /// How long to wait for replicas, in milliseconds.
    pub timeout_ms: i32,
    /// The topics.
    pub topics: Vec<ProduceTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProduceTopic<'a> {
    /// The name, until version 12.
    pub name: &'a str,
    /// The id, since version 13.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<ProducePartition<'a>>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProducePartition<'a> {
    /// The number.
    pub partition: PartitionId,
    /// What to append, unread.
    pub records: Records<'a>,
}

/// Says what was appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProduceResponse<'a> {
    /// The topics.
    pub topics: Vec<ProducedTopic<'a>>,
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProducedTopic<'a> {
    /// The name, until version 12.
    pub name: &'a str,
    /// The id, since version 13.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<ProducedPartition<'a>>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducedPartition<'a> {
    /// The number.
    pub partition: PartitionId,
    /// Why nothing was appended.
    pub error: ErrorCode,
    /// The offset of the first record appended, or [`Offset::NONE`].
    pub base_offset: Offset,
    /// Milliseconds, or −1; since version 2.
    pub log_append_time_ms: i64,
    /// The first offset that is still held, since version 5.
    pub log_start_offset: Offset,
    /// Which records are to blame, since version 8.
    pub record_errors: Vec<RecordError<'a>>,
    /// The error for people, since version 8.
    pub error_message: Option<&'a str>,
}

/// One record that is to blame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordError<'a> {
    /// Its place in the batch.
    pub batch_index: i32,
    /// The error for people.
    pub message: Option<&'a str>,
}

impl Default for ProducedPartition<'_> {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            error: ErrorCode::None,
            base_offset: Offset::NONE,
            log_append_time_ms: -1,
            log_start_offset: Offset::NONE,
            record_errors: Vec::new(),
            error_message: None,
        }
    }
}

impl<'a> Wire<'a> for ProduceRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(3, &mut self.transactional_id)?;
        coder.field(&mut self.acks)?;
        coder.field(&mut self.timeout_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ProduceTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(12, &mut self.name)?;
        coder.since(13, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ProducePartition<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.records)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ProduceResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topics)?;
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ProducedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(12, &mut self.name)?;
        coder.since(13, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ProducedPartition<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.base_offset)?;
        coder.since(2, &mut self.log_append_time_ms)?;
        coder.since(5, &mut self.log_start_offset)?;
        coder.since(8, &mut self.record_errors)?;
        coder.since(8, &mut self.error_message)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for RecordError<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.batch_index)?;
        coder.field(&mut self.message)?;
        coder.tags()
    }
}
