//! The messages, one file per API, each described once for both directions.
//!
//! Strings and bytes are borrowed: from the frame when read, from the caller when written. Where an
//! old version carries one of something and a newer version many (the keys of `FindCoordinator`,
//! the members of `LeaveGroup`, the groups of `OffsetFetch`), the structure here always has many.

mod acls;
mod alter_configs;
mod api_versions;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_topic_partitions;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod sasl_authenticate;
mod sasl_handshake;
mod sync_group;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod sampler;
#[cfg(test)]
mod tests;

pub use acls::{
    Acl, AclDescription, AclFilter, AclResource, CreateAclsRequest, CreateAclsResponse, CreatedAcl,
    DeleteAclsRequest, DeleteAclsResponse, DeletedAcls, DescribeAclsRequest, DescribeAclsResponse,
    MatchingAcl,
};
pub use alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlteredConfigs,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, IncrementalConfig,
    IncrementalResource,
};
pub use api_versions::{ApiVersionsRequest, ApiVersionsResponse, ServedApi};
pub use consumer_group_describe::{
    AssignedTopic, ConsumerAssignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
    DescribedConsumer, DescribedConsumerGroup,
};
pub use consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatAssignment,
    TopicPartitions,
};
pub use create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, GrowingAssignment, GrowingTopic, GrownTopic,
};
pub use create_topics::{
    CreatableAssignment, CreatableTopic, CreateTopicsRequest, CreateTopicsResponse, CreatedConfig,
    CreatedTopic, NamedConfig,
};
pub use delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse, DeletedGroup};
pub use delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
    DeletedRecordsPartition, DeletedRecordsTopic,
};
pub use delete_topics::{DeletableTopic, DeleteTopicsRequest, DeleteTopicsResponse, DeletedTopic};
pub use describe_cluster::{
    ClusterBroker, DescribeClusterRequest, DescribeClusterResponse, ENDPOINT_TYPE_BROKER,
    ENDPOINT_TYPE_CONTROLLER,
};
pub use describe_configs::{
    ConfigEntry, ConfigSynonym, DescribeConfigsRequest, DescribeConfigsResource,
    DescribeConfigsResponse, DescribedConfigs,
};
pub use describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedMember,
};
pub use describe_topic_partitions::{
    DescribeTopic, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribedPartition, DescribedTopic, TopicCursor,
};
pub use fetch::{
    AbortedTransaction, CurrentLeader, DivergingEpoch, FetchPartition, FetchRequest, FetchResponse,
    FetchTopic, FetchedPartition, FetchedTopic, ForgottenTopic, Records,
};
pub use find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse, KEY_TYPE_GROUP,
    KEY_TYPE_TRANSACTION,
};
pub use heartbeat::{HeartbeatRequest, HeartbeatResponse};
pub use init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
pub use join_group::{GroupProtocol, JoinGroupRequest, JoinGroupResponse, JoinedMember};
pub use leave_group::{LeaveGroupRequest, LeaveGroupResponse, LeavingMember, LeftMember};
pub use list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
pub use list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
    ListedPartition, ListedTopic, TIMESTAMP_EARLIEST, TIMESTAMP_EARLIEST_LOCAL,
    TIMESTAMP_EARLIEST_PENDING_UPLOAD, TIMESTAMP_LATEST, TIMESTAMP_LATEST_TIERED, TIMESTAMP_MAX,
};
pub use list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingPartition,
    OngoingTopic, ReassignmentsTopic,
};
pub use metadata::{
    Broker, MetadataRequest, MetadataRequestTopic, MetadataResponse, PartitionMetadata,
    TopicMetadata,
};
pub use offset_commit::{
    CommitPartition, CommitTopic, CommittedPartition, CommittedTopic, OffsetCommitRequest,
    OffsetCommitResponse,
};
pub use offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteTopic, OffsetDeletedPartition,
    OffsetDeletedTopic,
};
pub use offset_fetch::{
    FetchedGroup, FetchedOffset, FetchedOffsets, OffsetFetchGroup, OffsetFetchRequest,
    OffsetFetchResponse, OffsetFetchTopic,
};
pub use offset_for_leader_epoch::{
    EpochEnd, EpochEndTopic, EpochPartition, EpochTopic, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};
pub use produce::{
    ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic, ProducedPartition,
    ProducedTopic, RecordError,
};
pub use sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
pub use sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
pub use sync_group::{MemberAssignment, SyncGroupRequest, SyncGroupResponse};

#[cfg(test)]
pub(crate) use sampler::Sampler;

use crate::{
    ApiKey, ApiVersion, Error, Result,
    codec::{Decoder, Wire},
};

/// The body of a request or a response.
pub trait Message<'a>: Wire<'a> + Default {
    /// The API it belongs to.
    const API: ApiKey;
}

/// "Not asked for", of a set of authorized operations.
pub const OPERATIONS_UNKNOWN: i32 = i32::MIN;
/// A topic, as something that has settings.
pub const RESOURCE_TOPIC: i8 = 2;
/// A broker, likewise.
pub const RESOURCE_BROKER: i8 = 4;
/// The loggers of a broker, likewise.
pub const RESOURCE_BROKER_LOGGER: i8 = 8;
/// What clients are asked to measure, likewise.
pub const RESOURCE_CLIENT_METRICS: i8 = 16;
/// A consumer group, likewise.
pub const RESOURCE_GROUP: i8 = 32;

/// Reads one message. Bytes behind its end are ignored, as Kafka's broker ignores them.
///
/// # Errors
/// [`Error::UnsupportedVersion`] if the version is not served, or what is wrong with the bytes.
pub fn decode<'a, M: Message<'a>>(version: ApiVersion, bytes: &'a [u8]) -> Result<M> {
    decode_counted(version, bytes).map(|(message, _)| message)
}

/// Reads one message, and answers how many elements all its arrays have together: what a message takes
/// in memory is told by them rather than by its length.
///
/// # Errors
/// As for [`decode`].
pub fn decode_counted<'a, M: Message<'a>>(
    version: ApiVersion,
    bytes: &'a [u8],
) -> Result<(M, usize)> {
    if !M::API.serves(version) {
        return Err(Error::UnsupportedVersion { api: M::API, version });
    }
    let mut message = M::default();
    let mut decoder = Decoder::new(M::API, version, bytes);
    message.wire(&mut decoder)?;
    Ok((message, decoder.elements_read()))
}

/// Declares the bodies of an API.
macro_rules! message {
    ($api:ident: $($message:ident $(<$lifetime:lifetime>)?),+) => {
        $(impl<'a> crate::messages::Message<'a> for $message$(<$lifetime>)? {
            const API: crate::ApiKey = crate::ApiKey::$api;
        })+
    };
}
use message;

/// The one element of a list that the version at hand can carry: added if there is none yet.
fn only<T: Default>(list: &mut Vec<T>) -> Result<&mut T> {
    if list.is_empty() {
        list.push(T::default());
    }
    match list.as_mut_slice() {
        [one] => Ok(one),
        _ => Err(Error::Unwritable { what: "several elements in a version that carries one" }),
    }
}
