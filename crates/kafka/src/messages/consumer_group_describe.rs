//! `ConsumerGroupDescribe` (69), versions 0 to 1: who is in a group of the consumer protocol of KIP-848.

use crate::{
    ErrorCode, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::{OPERATIONS_UNKNOWN, message},
};

message!(ConsumerGroupDescribe: ConsumerGroupDescribeRequest<'a>, ConsumerGroupDescribeResponse<'a>);

/// Asks what groups are like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerGroupDescribeRequest<'a> {
    /// Their ids.
    pub group_ids: Vec<&'a str>,
    /// Whether to answer what the caller may do.
    pub include_authorized_operations: bool,
}

/// Says what groups are like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerGroupDescribeResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per group asked for.
    pub groups: Vec<DescribedConsumerGroup<'a>>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedConsumerGroup<'a> {
    /// [`ErrorCode::GroupIdNotFound`] of a group of the classic protocol, too: clients ask
    /// `DescribeGroups` then.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// Its id.
    pub group_id: &'a str,
    /// Kafka's name of its state.
    pub group_state: &'a str,
    /// Grows with every change of its members or their subscriptions.
    pub group_epoch: i32,
    /// The group epoch that the target assignment is made for.
    pub assignment_epoch: i32,
    /// The assignor in use.
    pub assignor_name: &'a str,
    /// Its members.
    pub members: Vec<DescribedConsumer<'a>>,
    /// What the caller may do, as a set of bits.
    pub authorized_operations: i32,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedConsumer<'a> {
    /// Its id.
    pub member_id: &'a str,
    /// Its static name.
    pub instance_id: Option<&'a str>,
    /// Where it stands.
    pub rack_id: Option<&'a str>,
    /// Its epoch.
    pub member_epoch: i32,
    /// How its client calls itself.
    pub client_id: &'a str,
    /// Where it comes from: a slash and the address.
    pub client_host: &'a str,
    /// The topics it wants.
    pub subscribed_topic_names: Vec<&'a str>,
    /// The same as a pattern.
    pub subscribed_topic_regex: Option<&'a str>,
    /// What it holds.
    pub assignment: ConsumerAssignment<'a>,
    /// What it shall hold.
    pub target_assignment: ConsumerAssignment<'a>,
    /// 0 of the classic protocol, 1 of the consumer protocol, −1 unknown; since version 1.
    pub member_type: i8,
}

/// What a member holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerAssignment<'a> {
    /// The partitions, by topic.
    pub topic_partitions: Vec<AssignedTopic<'a>>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssignedTopic<'a> {
    /// The id.
    pub topic_id: TopicId,
    /// The name.
    pub topic_name: &'a str,
    /// The partitions.
    pub partitions: Vec<PartitionId>,
}

impl Default for DescribedConsumerGroup<'_> {
    fn default() -> Self {
        Self {
            error: ErrorCode::None,
            error_message: None,
            group_id: "",
            group_state: "",
            group_epoch: 0,
            assignment_epoch: 0,
            assignor_name: "",
            members: Vec::new(),
            authorized_operations: OPERATIONS_UNKNOWN,
        }
    }
}

impl Default for DescribedConsumer<'_> {
    fn default() -> Self {
        Self {
            member_id: "",
            instance_id: None,
            rack_id: None,
            member_epoch: 0,
            client_id: "",
            client_host: "",
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: None,
            assignment: ConsumerAssignment::default(),
            target_assignment: ConsumerAssignment::default(),
            member_type: -1,
        }
    }
}

impl<'a> Wire<'a> for ConsumerGroupDescribeRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_ids)?;
        coder.field(&mut self.include_authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ConsumerGroupDescribeResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.groups)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedConsumerGroup<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.group_state)?;
        coder.field(&mut self.group_epoch)?;
        coder.field(&mut self.assignment_epoch)?;
        coder.field(&mut self.assignor_name)?;
        coder.field(&mut self.members)?;
        coder.field(&mut self.authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedConsumer<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.instance_id)?;
        coder.field(&mut self.rack_id)?;
        coder.field(&mut self.member_epoch)?;
        coder.field(&mut self.client_id)?;
        coder.field(&mut self.client_host)?;
        coder.field(&mut self.subscribed_topic_names)?;
        coder.field(&mut self.subscribed_topic_regex)?;
        coder.field(&mut self.assignment)?;
        coder.field(&mut self.target_assignment)?;
        coder.since(1, &mut self.member_type)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ConsumerAssignment<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topic_partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AssignedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topic_id)?;
        coder.field(&mut self.topic_name)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}
