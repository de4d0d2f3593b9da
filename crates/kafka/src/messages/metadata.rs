//! `Metadata` (3), versions 0 to 13: brokers, topics, partitions, and the identity of the cluster.

use crate::{
    ErrorCode, LeaderEpoch, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::{OPERATIONS_UNKNOWN, message},
};

message!(Metadata: MetadataRequest<'a>, MetadataResponse<'a>);

/// Asks about topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataRequest<'a> {
    /// The topics; `None` asks for all of them. (In version 0 an empty list asks for all: it is
    /// read as `None` too.)
    pub topics: Option<Vec<MetadataRequestTopic<'a>>>,
    /// Whether missing topics should be created, since version 4; before that they are.
    pub allow_auto_topic_creation: bool,
    /// Since version 8, until version 10.
    pub include_cluster_authorized_operations: bool,
    /// Since version 8.
    pub include_topic_authorized_operations: bool,
}

/// One topic that is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataRequestTopic<'a> {
    /// Since version 10; [`TopicId::NONE`] if the topic is named.
    pub topic_id: TopicId,
    /// `None`, since version 10, if the topic is given by its id.
    pub name: Option<&'a str>,
}

/// Answers about topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataResponse<'a> {
    /// Milliseconds, since version 3.
    pub throttle_time_ms: i32,
    /// Where to connect to.
    pub brokers: Vec<Broker<'a>>,
    /// The identity of the cluster, since version 2. Java clients notice when it changes.
    pub cluster_id: Option<&'a str>,
    /// The node id of the controller, since version 1.
    pub controller_id: i32,
    /// The topics, in the order asked for.
    pub topics: Vec<TopicMetadata<'a>>,
    /// A set of bits, since version 8, until version 10.
    pub cluster_authorized_operations: i32,
    /// An error of the whole request, since version 13.
    pub error: ErrorCode,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Broker<'a> {
    /// Its number.
    pub node_id: i32,
    /// A host name or address that the client can reach.
    pub host: &'a str,
    /// The port of its listener.
    pub port: i32,
    /// Since version 1.
    pub rack: Option<&'a str>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata<'a> {
    /// Why there is nothing to say about the topic.
    pub error: ErrorCode,
    /// The name; may be `None` only since version 12.
    pub name: Option<&'a str>,
    /// Since version 10.
    pub topic_id: TopicId,
    /// Whether Kafka itself uses the topic, since version 1.
    pub is_internal: bool,
    /// The partitions.
    pub partitions: Vec<PartitionMetadata>,
    /// A set of bits, since version 8.
    pub topic_authorized_operations: i32,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionMetadata {
    /// Why there is nothing to say about the partition.
    pub error: ErrorCode,
    /// Its number.
    pub partition: PartitionId,
    /// The node id of its leader, or −1.
    pub leader_id: i32,
    /// Since version 7. [`LeaderEpoch::NONE`] keeps clients from asking `OffsetForLeaderEpoch`.
    pub leader_epoch: LeaderEpoch,
    /// Node ids of all replicas.
    pub replicas: Vec<i32>,
    /// Node ids of the replicas in sync.
    pub in_sync_replicas: Vec<i32>,
    /// Node ids of the replicas that are away, since version 5.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataRequest<'_> {
    fn default() -> Self {
        Self {
            topics: None,
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl Default for MetadataResponse<'_> {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: OPERATIONS_UNKNOWN,
            error: ErrorCode::None,
        }
    }
}

impl Default for TopicMetadata<'_> {
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

impl<'a> Wire<'a> for MetadataRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.nullable_array_since(1, &mut self.topics)?;
        if coder.version() == 0 {
            self.topics.take_if(|topics| topics.is_empty());
        }
        coder.since(4, &mut self.allow_auto_topic_creation)?;
        coder.between(8, 10, &mut self.include_cluster_authorized_operations)?;
        coder.since(8, &mut self.include_topic_authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for MetadataRequestTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(10, &mut self.topic_id)?;
        coder.nullable_string_since(10, &mut self.name)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for MetadataResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(3, &mut self.throttle_time_ms)?;
        coder.field(&mut self.brokers)?;
        coder.since(2, &mut self.cluster_id)?;
        coder.since(1, &mut self.controller_id)?;
        coder.field(&mut self.topics)?;
        coder.between(8, 10, &mut self.cluster_authorized_operations)?;
        coder.since(13, &mut self.error)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for Broker<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.node_id)?;
        coder.field(&mut self.host)?;
        coder.field(&mut self.port)?;
        coder.since(1, &mut self.rack)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for TopicMetadata<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.nullable_string_since(12, &mut self.name)?;
        coder.since(10, &mut self.topic_id)?;
        coder.since(1, &mut self.is_internal)?;
        coder.field(&mut self.partitions)?;
        coder.since(8, &mut self.topic_authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for PartitionMetadata {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.partition)?;
        coder.field(&mut self.leader_id)?;
        coder.since(7, &mut self.leader_epoch)?;
        coder.field(&mut self.replicas)?;
        coder.field(&mut self.in_sync_replicas)?;
        coder.since(5, &mut self.offline_replicas)?;
        coder.tags()
    }
}
