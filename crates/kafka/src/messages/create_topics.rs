//! `CreateTopics` (19), versions 0 to 7: read far enough to refuse every topic by its name.
//!
//! The tagged field of the answer (why its settings are not shown) is never written.

use crate::{
    ErrorCode, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::message,
};

message!(CreateTopics: CreateTopicsRequest<'a>, CreateTopicsResponse<'a>);

/// Asks to create topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTopicsRequest<'a> {
    /// The topics.
    pub topics: Vec<CreatableTopic<'a>>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: i32,
    /// Whether to say only what would happen, since version 1.
    pub validate_only: bool,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreatableTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// How many partitions, or −1.
    pub num_partitions: i32,
    /// How many replicas, or −1.
    pub replication_factor: i16,
    /// Where the replicas shall be.
    pub assignments: Vec<CreatableAssignment>,
    /// Settings.
    pub configs: Vec<NamedConfig<'a>>,
}

/// Where the replicas of one partition shall be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreatableAssignment {
    /// The number.
    pub partition: PartitionId,
    /// Node ids.
    pub broker_ids: Vec<i32>,
}

/// A setting that shall get a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Option<&'a str>,
}

/// Says which topics were created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateTopicsResponse<'a> {
    /// Milliseconds, since version 2.
    pub throttle_time_ms: i32,
    /// One per topic.
    pub topics: Vec<CreatedTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// The id, since version 7.
    pub topic_id: TopicId,
    /// Why it was not created.
    pub error: ErrorCode,
    /// The error for people, since version 1.
    pub error_message: Option<&'a str>,
    /// How many partitions it has, or −1; since version 5.
    pub num_partitions: i32,
    /// How many replicas it has, or −1; since version 5.
    pub replication_factor: i16,
    /// Its settings, since version 5.
    pub configs: Option<Vec<CreatedConfig<'a>>>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Option<&'a str>,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// As in `DescribeConfigs`.
    pub config_source: i8,
    /// Whether it is a secret.
    pub is_sensitive: bool,
}

impl Default for CreateTopicsRequest<'_> {
    fn default() -> Self {
        Self { topics: Vec::new(), timeout_ms: 60_000, validate_only: false }
    }
}

impl Default for CreatedTopic<'_> {
    fn default() -> Self {
        Self {
            name: "",
            topic_id: TopicId::NONE,
            error: ErrorCode::None,
            error_message: None,
            num_partitions: -1,
            replication_factor: -1,
            configs: None,
        }
    }
}

impl Default for CreatedConfig<'_> {
    fn default() -> Self {
        Self { name: "", value: None, read_only: false, config_source: -1, is_sensitive: false }
    }
}

impl<'a> Wire<'a> for CreateTopicsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topics)?;
        coder.field(&mut self.timeout_ms)?;
        coder.since(1, &mut self.validate_only)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreatableTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.num_partitions)?;
        coder.field(&mut self.replication_factor)?;
        coder.field(&mut self.assignments)?;
        coder.field(&mut self.configs)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreatableAssignment {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.broker_ids)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for NamedConfig<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.value)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreateTopicsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(2, &mut self.throttle_time_ms)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreatedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.since(7, &mut self.topic_id)?;
        coder.field(&mut self.error)?;
        coder.since(1, &mut self.error_message)?;
        coder.since(5, &mut self.num_partitions)?;
        coder.since(5, &mut self.replication_factor)?;
        coder.since(5, &mut self.configs)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreatedConfig<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.value)?;
        coder.field(&mut self.read_only)?;
        coder.field(&mut self.config_source)?;
        coder.field(&mut self.is_sensitive)?;
        coder.tags()
    }
}
