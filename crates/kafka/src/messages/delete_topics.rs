//! `DeleteTopics` (20), versions 0 to 6: read far enough to refuse every topic by its name or id.

use crate::{
    ErrorCode, Result, TopicId,
    codec::{Coder, Wire},
    messages::message,
};

message!(DeleteTopics: DeleteTopicsRequest<'a>, DeleteTopicsResponse<'a>);

/// Asks to delete topics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteTopicsRequest<'a> {
    /// The topics, since version 6.
    pub topics: Vec<DeletableTopic<'a>>,
    /// Their names, until version 5.
    pub topic_names: Vec<&'a str>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: i32,
}

/// One topic, by its name or by its id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletableTopic<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The id.
    pub topic_id: TopicId,
}

/// Says which topics were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteTopicsResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// One per topic.
    pub responses: Vec<DeletedTopic<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedTopic<'a> {
    /// The name; may be `None` only since version 6.
    pub name: Option<&'a str>,
    /// The id, since version 6.
    pub topic_id: TopicId,
    /// Why it was not deleted.
    pub error: ErrorCode,
    /// The error for people, since version 5.
    pub error_message: Option<&'a str>,
}

impl Default for DeletedTopic<'_> {
    fn default() -> Self {
        Self {
            name: Some(""),
            topic_id: TopicId::NONE,
            error: ErrorCode::None,
            error_message: None,
        }
    }
}

impl<'a> Wire<'a> for DeleteTopicsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(6, &mut self.topics)?;
        coder.until(5, &mut self.topic_names)?;
        coder.field(&mut self.timeout_ms)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeletableTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.topic_id)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteTopicsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.field(&mut self.responses)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeletedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.nullable_string_since(6, &mut self.name)?;
        coder.since(6, &mut self.topic_id)?;
        coder.field(&mut self.error)?;
        coder.since(5, &mut self.error_message)?;
        coder.tags()
    }
}
