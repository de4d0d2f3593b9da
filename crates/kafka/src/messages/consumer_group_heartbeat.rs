//! `ConsumerGroupHeartbeat` (68), versions 0 to 1: the one request of the consumer protocol of KIP-848,
//! by which a member enters, stays, changes its subscription, learns its assignment, and leaves.

use crate::{
    ErrorCode, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::message,
};

message!(ConsumerGroupHeartbeat: ConsumerGroupHeartbeatRequest<'a>, ConsumerGroupHeartbeatResponse<'a>);

/// Says how a member stands. What is `None` has not changed since the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroupHeartbeatRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The member's own choice of an id since version 1; before, empty of a new member.
    pub member_id: &'a str,
    /// 0 joins, −1 leaves, −2 leaves for a while (static members).
    pub member_epoch: i32,
    /// The static name of the member.
    pub instance_id: Option<&'a str>,
    /// Where the member stands.
    pub rack_id: Option<&'a str>,
    /// How long the member may take to give up partitions, in milliseconds, or −1.
    pub rebalance_timeout_ms: i32,
    /// The topics it wants.
    pub subscribed_topic_names: Option<Vec<&'a str>>,
    /// The same as an RE2 pattern, since version 1.
    pub subscribed_topic_regex: Option<&'a str>,
    /// The assignor it wants.
    pub server_assignor: Option<&'a str>,
    /// What it holds.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicPartitions {
    /// The topic.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<PartitionId>,
}

/// Tells a member what it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerGroupHeartbeatResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// Why the member is not in.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// The member.
    pub member_id: Option<&'a str>,
    /// Its epoch.
    pub member_epoch: i32,
    /// When to send the next one, in milliseconds.
    pub heartbeat_interval_ms: i32,
    /// What it may hold; `None` has not changed.
    pub assignment: Option<HeartbeatAssignment>,
}

/// What a member may hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeartbeatAssignment {
    /// The partitions, by topic.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Default for ConsumerGroupHeartbeatRequest<'_> {
    fn default() -> Self {
        Self {
            group_id: "",
            member_id: "",
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

impl<'a> Wire<'a> for ConsumerGroupHeartbeatRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.member_epoch)?;
        coder.field(&mut self.instance_id)?;
        coder.field(&mut self.rack_id)?;
        coder.field(&mut self.rebalance_timeout_ms)?;
        coder.field(&mut self.subscribed_topic_names)?;
        coder.since(1, &mut self.subscribed_topic_regex)?;
        coder.field(&mut self.server_assignor)?;
        coder.field(&mut self.topic_partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for TopicPartitions {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ConsumerGroupHeartbeatResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.member_epoch)?;
        coder.field(&mut self.heartbeat_interval_ms)?;
        coder.nullable_struct(&mut self.assignment)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for HeartbeatAssignment {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.topic_partitions)?;
        coder.tags()
    }
}
