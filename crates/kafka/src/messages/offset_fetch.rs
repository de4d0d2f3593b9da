//! `OffsetFetch` (9), versions 0 to 10: where a group stands.

use crate::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::{message, only},
};

message!(OffsetFetch: OffsetFetchRequest<'a>, OffsetFetchResponse<'a>);

/// Asks for stored offsets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetFetchRequest<'a> {
    /// Exactly one until version 7.
    pub groups: Vec<OffsetFetchGroup<'a>>,
    /// Whether open transactions must be waited for, since version 7.
    pub require_stable: bool,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetFetchGroup<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The member, in the consumer protocol of KIP-848; since version 9.
    pub member_id: Option<&'a str>,
    /// Its epoch, or −1; since version 9.
    pub member_epoch: i32,
    /// The topics; `None`, since version 2, asks for all of them.
    pub topics: Option<Vec<OffsetFetchTopic<'a>>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetFetchTopic<'a> {
    /// The name, until version 9.
    pub name: &'a str,
    /// The id, since version 10.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<PartitionId>,
}

/// Answers stored offsets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetFetchResponse<'a> {
    /// Milliseconds, since version 3.
    pub throttle_time_ms: i32,
    /// One per group asked for, so exactly one until version 7.
    pub groups: Vec<FetchedGroup<'a>>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchedGroup<'a> {
    /// The group, since version 8.
    pub group_id: &'a str,
    /// The topics.
    pub topics: Vec<FetchedOffsets<'a>>,
    /// An error of the whole group, since version 2.
    pub error: ErrorCode,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchedOffsets<'a> {
    /// The name, until version 9.
    pub name: &'a str,
    /// The id, since version 10.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<FetchedOffset<'a>>,
}

/// One partition. Its default is "nothing stored".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedOffset<'a> {
    /// The number.
    pub partition: PartitionId,
    /// Where the group stands, or [`Offset::NONE`].
    pub offset: Offset,
    /// As it was committed, since version 5.
    pub leader_epoch: LeaderEpoch,
    /// The words of the commit, byte for byte; empty if nothing is stored.
    pub metadata: Option<&'a str>,
    /// Why there is no answer.
    pub error: ErrorCode,
}

impl Default for OffsetFetchGroup<'_> {
    fn default() -> Self {
        Self { group_id: "", member_id: None, member_epoch: -1, topics: None }
    }
}

impl Default for FetchedOffset<'_> {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            offset: Offset::NONE,
            leader_epoch: LeaderEpoch::NONE,
            metadata: Some(""),
            error: ErrorCode::None,
        }
    }
}

impl<'a> Wire<'a> for OffsetFetchRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        if coder.version() < 8 {
            let group = only(&mut self.groups)?;
            coder.field(&mut group.group_id)?;
            coder.nullable_array_since(2, &mut group.topics)?;
        } else {
            coder.field(&mut self.groups)?;
        }
        coder.since(7, &mut self.require_stable)?;
        coder.tags()
    }
}

/// The form since version 8.
impl<'a> Wire<'a> for OffsetFetchGroup<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.since(9, &mut self.member_id)?;
        coder.since(9, &mut self.member_epoch)?;
        coder.field(&mut self.topics)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for OffsetFetchTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(9, &mut self.name)?;
        coder.since(10, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for OffsetFetchResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(3, &mut self.throttle_time_ms)?;
        if coder.version() < 8 {
            let group = only(&mut self.groups)?;
            coder.field(&mut group.topics)?;
            coder.since(2, &mut group.error)?;
        } else {
            coder.field(&mut self.groups)?;
        }
        coder.tags()
    }
}

/// The form since version 8.
impl<'a> Wire<'a> for FetchedGroup<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.topics)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FetchedOffsets<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(9, &mut self.name)?;
        coder.since(10, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FetchedOffset<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.offset)?;
        coder.since(5, &mut self.leader_epoch)?;
        coder.field(&mut self.metadata)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}
