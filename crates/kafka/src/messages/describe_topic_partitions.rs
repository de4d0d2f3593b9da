//! `DescribeTopicPartitions` (75), version 0: what newer admin clients ask instead of `Metadata`, page by
//! page (KIP-966).

use crate::{
    ErrorCode, LeaderEpoch, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::{OPERATIONS_UNKNOWN, message},
};

message!(DescribeTopicPartitions: DescribeTopicPartitionsRequest<'a>, DescribeTopicPartitionsResponse<'a>);

/// Asks for partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeTopicPartitionsRequest<'a> {
    /// The topics; none asks for all.
    pub topics: Vec<DescribeTopic<'a>>,
    /// How many partitions the answer may have.
    pub response_partition_limit: i32,
    /// Where to go on.
    pub cursor: Option<TopicCursor<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeTopic<'a> {
    /// The name.
    pub name: &'a str,
}

/// A place in the list of all partitions of all topics, by name and number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicCursor<'a> {
    /// The topic.
    pub topic_name: &'a str,
    /// The first partition.
    pub partition: PartitionId,
}

/// Answers partitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeTopicPartitionsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DescribedTopic<'a>>,
    /// Where the next page begins; `None` if this was the last.
    pub next_cursor: Option<TopicCursor<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedTopic<'a> {
    /// Why there is no answer.
    pub error: ErrorCode,
    /// The name.
    pub name: Option<&'a str>,
    /// The id.
    pub topic_id: TopicId,
    /// Whether Kafka itself writes it.
    pub is_internal: bool,
    /// The partitions of this page.
    pub partitions: Vec<DescribedPartition>,
    /// What the caller may do, as a set of bits.
    pub topic_authorized_operations: i32,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribedPartition {
    /// Why it cannot be used.
    pub error: ErrorCode,
    /// The number.
    pub partition: PartitionId,
    /// The node id of the leader.
    pub leader_id: i32,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// Node ids of all replicas.
    pub replicas: Vec<i32>,
    /// Node ids of the replicas in sync.
    pub in_sync_replicas: Vec<i32>,
    /// Node ids that may lead although they are not in sync.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// The last of those before there were none.
    pub last_known_elr: Option<Vec<i32>>,
    /// Node ids of the replicas that are away.
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsRequest<'_> {
    fn default() -> Self {
        Self { topics: Vec::new(), response_partition_limit: 2000, cursor: None }
    }
}

impl Default for DescribedTopic<'_> {
    fn default() -> Self {
        Self {
            error: ErrorCode::None,
            name: Some(""),
            topic_id: TopicId::NONE,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: OPERATIONS_UNKNOWN,
        }
    }
}

impl<'a> Wire<'a> for DescribeTopicPartitionsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topics)?;
        coder.field(&mut self.response_partition_limit)?;
        coder.nullable_struct(&mut self.cursor)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for TopicCursor<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topic_name)?;
        coder.field(&mut self.partition)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeTopicPartitionsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.nullable_struct(&mut self.next_cursor)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.name)?;
        coder.field(&mut self.topic_id)?;
        coder.field(&mut self.is_internal)?;
        coder.field(&mut self.partitions)?;
        coder.field(&mut self.topic_authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.partition)?;
        coder.field(&mut self.leader_id)?;
        coder.field(&mut self.leader_epoch)?;
        coder.field(&mut self.replicas)?;
        coder.field(&mut self.in_sync_replicas)?;
        coder.field(&mut self.eligible_leader_replicas)?;
        coder.field(&mut self.last_known_elr)?;
        coder.field(&mut self.offline_replicas)?;
        coder.tags()
    }
}
