//! `CreatePartitions` (37), versions 0 to 3: read far enough to refuse every topic by its name.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(CreatePartitions: CreatePartitionsRequest<'a>, CreatePartitionsResponse<'a>);

/// Asks to add partitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreatePartitionsRequest<'a> {
    /// The topics.
    pub topics: Vec<GrowingTopic<'a>>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: i32,
    /// Whether to say only what would happen.
    pub validate_only: bool,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrowingTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// How many partitions it shall have.
    pub count: i32,
    /// Where the replicas of the new ones shall be.
    pub assignments: Option<Vec<GrowingAssignment>>,
}

/// Where the replicas of one partition shall be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrowingAssignment {
    /// Node ids.
    pub broker_ids: Vec<i32>,
}

/// Says which topics have grown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreatePartitionsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per topic.
    pub results: Vec<GrownTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrownTopic<'a> {
    /// The name.
    pub name: &'a str,
    /// Why it has not grown.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
}

impl<'a> Wire<'a> for CreatePartitionsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topics)?;
        coder.field(&mut self.timeout_ms)?;
        coder.field(&mut self.validate_only)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for GrowingTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.count)?;
        coder.field(&mut self.assignments)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for GrowingAssignment {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.broker_ids)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CreatePartitionsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.results)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for GrownTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.tags()
    }
}
