//! `ListPartitionReassignments` (46), version 0: which partitions are moving between brokers (KIP-455).
//! `kafka-topics --describe` asks it.

use crate::{
    ErrorCode, PartitionId, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(ListPartitionReassignments: ListPartitionReassignmentsRequest<'a>, ListPartitionReassignmentsResponse<'a>);

/// Asks for moving partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPartitionReassignmentsRequest<'a> {
    /// How long the answer may take, in milliseconds.
    pub timeout_ms: i32,
    /// The topics; `None` asks for all.
    pub topics: Option<Vec<ReassignmentsTopic<'a>>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReassignmentsTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<PartitionId>,
}

/// Answers moving partitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPartitionReassignmentsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// Why there is no answer.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// The topics.
    pub topics: Vec<OngoingTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OngoingTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: Vec<OngoingPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OngoingPartition {
    /// The number.
    pub partition: PartitionId,
    /// Node ids of all replicas.
    pub replicas: Vec<i32>,
    /// Node ids of those that come.
    pub adding_replicas: Vec<i32>,
    /// Node ids of those that go.
    pub removing_replicas: Vec<i32>,
}

impl Default for ListPartitionReassignmentsRequest<'_> {
    fn default() -> Self {
        Self { timeout_ms: 60_000, topics: None }
    }
}

impl<'a> Wire<'a> for ListPartitionReassignmentsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.timeout_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ReassignmentsTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListPartitionReassignmentsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for OngoingTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for OngoingPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.replicas)?;
        coder.field(&mut self.adding_replicas)?;
        coder.field(&mut self.removing_replicas)?;
        coder.tags()
    }
}
