//! The table of the served APIs: the one place that says what is spoken, in which versions.
//!
//! Where a range begins and ends follows the clients in use: sarama at 0.11 speaks fixed old
//! versions, `@platformatic/kafka` only new ones, librdkafka derives its Fetch version from the
//! advertised Produce version (so Produce stands here although every topic refuses it).

use crate::ApiVersion;

/// An API, by Kafka's name and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ApiKey {
    /// Appends records; advertised, and refused for every partition.
    Produce = 0,
    /// Reads record batches.
    Fetch = 1,
    /// Finds an offset by time.
    ListOffsets = 2,
    /// Names the brokers, topics and partitions.
    Metadata = 3,
    /// Stores where a group stands.
    OffsetCommit = 8,
    /// Reads where a group stands.
    OffsetFetch = 9,
    /// Names the broker that coordinates a group.
    FindCoordinator = 10,
    /// Enters a group.
    JoinGroup = 11,
    /// Keeps a member in its group.
    Heartbeat = 12,
    /// Leaves a group.
    LeaveGroup = 13,
    /// Hands out the assignment of a group.
    SyncGroup = 14,
    /// Says who is in a group.
    DescribeGroups = 15,
    /// Says which groups there are.
    ListGroups = 16,
    /// Chooses a SASL mechanism.
    SaslHandshake = 17,
    /// Asks what is served; this table is the answer.
    ApiVersions = 18,
    /// Creates topics; refused.
    CreateTopics = 19,
    /// Deletes topics; refused.
    DeleteTopics = 20,
    /// Deletes records; refused.
    DeleteRecords = 21,
    /// Asked before producing; refused.
    InitProducerId = 22,
    /// Finds where the batches of a leader epoch end.
    OffsetForLeaderEpoch = 23,
    /// Shows access rules; refused.
    DescribeAcls = 29,
    /// Makes access rules; refused.
    CreateAcls = 30,
    /// Deletes access rules; refused.
    DeleteAcls = 31,
    /// Shows settings of topics and of the broker.
    DescribeConfigs = 32,
    /// Replaces settings; refused.
    AlterConfigs = 33,
    /// Carries a SASL token.
    SaslAuthenticate = 36,
    /// Adds partitions; refused.
    CreatePartitions = 37,
    /// Forgets groups.
    DeleteGroups = 42,
    /// Changes settings; refused.
    IncrementalAlterConfigs = 44,
    /// Says which partitions are moving: none, ever.
    ListPartitionReassignments = 46,
    /// Forgets where a group stands.
    OffsetDelete = 47,
    /// Names the brokers, for admin clients.
    DescribeCluster = 60,
    /// Enters, keeps and leaves a group of the consumer protocol (KIP-848).
    ConsumerGroupHeartbeat = 68,
    /// Says who is in a group of the consumer protocol.
    ConsumerGroupDescribe = 69,
    /// Names topics and partitions, page by page.
    DescribeTopicPartitions = 75,
}

/// The served versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The oldest version that is served.
    pub min: i16,
    /// The newest version that is served.
    pub max: i16,
    /// The first version with compact lengths and tagged fields (KIP-482), served or not.
    pub flexible_from: i16,
}

/// "No version of this API is flexible".
const NEVER: i16 = i16::MAX;

const fn versions(min: i16, max: i16, flexible_from: i16) -> Versions {
    Versions { min, max, flexible_from }
}

impl ApiKey {
    /// Every API whose messages are known here, by number.
    pub const ALL: [Self; 35] = [
        Self::Produce,
        Self::Fetch,
        Self::ListOffsets,
        Self::Metadata,
        Self::OffsetCommit,
        Self::OffsetFetch,
        Self::FindCoordinator,
        Self::JoinGroup,
        Self::Heartbeat,
        Self::LeaveGroup,
        Self::SyncGroup,
        Self::DescribeGroups,
        Self::ListGroups,
        Self::SaslHandshake,
        Self::ApiVersions,
        Self::CreateTopics,
        Self::DeleteTopics,
        Self::DeleteRecords,
        Self::InitProducerId,
        Self::OffsetForLeaderEpoch,
        Self::DescribeAcls,
        Self::CreateAcls,
        Self::DeleteAcls,
        Self::DescribeConfigs,
        Self::AlterConfigs,
        Self::SaslAuthenticate,
        Self::CreatePartitions,
        Self::DeleteGroups,
        Self::IncrementalAlterConfigs,
        Self::ListPartitionReassignments,
        Self::OffsetDelete,
        Self::DescribeCluster,
        Self::ConsumerGroupHeartbeat,
        Self::ConsumerGroupDescribe,
        Self::DescribeTopicPartitions,
    ];

    /// Whether a broker of ours answers it. One that is known and not answered is not advertised.
    pub const fn is_answered(self) -> bool {
        !matches!(
            self,
            Self::ConsumerGroupHeartbeat | Self::ConsumerGroupDescribe
        )
    }

    /// Which versions are served.
    pub const fn versions(self) -> Versions {
        match self {
            Self::Produce => versions(0, 13, 9),
            Self::Fetch => versions(0, 18, 12),
            Self::ListOffsets => versions(0, 11, 6),
            Self::Metadata => versions(0, 13, 9),
            Self::OffsetCommit => versions(0, 10, 8),
            Self::OffsetFetch => versions(0, 10, 6),
            Self::FindCoordinator => versions(0, 6, 3),
            Self::JoinGroup => versions(0, 9, 6),
            Self::Heartbeat => versions(0, 4, 4),
            Self::LeaveGroup => versions(0, 5, 4),
            Self::SyncGroup => versions(0, 5, 4),
            Self::DescribeGroups => versions(0, 6, 5),
            Self::ListGroups => versions(0, 5, 3),
            Self::SaslHandshake => versions(0, 1, NEVER),
            Self::ApiVersions => versions(0, 4, 3),
            Self::CreateTopics => versions(0, 7, 5),
            Self::DeleteTopics => versions(0, 6, 4),
            Self::DeleteRecords => versions(0, 2, 2),
            Self::InitProducerId => versions(0, 5, 2),
            Self::OffsetForLeaderEpoch => versions(0, 4, 4),
            Self::DescribeAcls => versions(0, 3, 2),
            Self::CreateAcls => versions(0, 3, 2),
            Self::DeleteAcls => versions(0, 3, 2),
            Self::DescribeConfigs => versions(0, 4, 4),
            Self::AlterConfigs => versions(0, 2, 2),
            Self::SaslAuthenticate => versions(0, 2, 2),
            Self::CreatePartitions => versions(0, 3, 2),
            Self::DeleteGroups => versions(0, 2, 2),
            Self::IncrementalAlterConfigs => versions(0, 1, 1),
            Self::ListPartitionReassignments => versions(0, 0, 0),
            Self::OffsetDelete => versions(0, 0, NEVER),
            Self::DescribeCluster => versions(0, 2, 0),
            Self::ConsumerGroupHeartbeat => versions(0, 1, 0),
            Self::ConsumerGroupDescribe => versions(0, 1, 0),
            Self::DescribeTopicPartitions => versions(0, 0, 0),
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The known API with this number.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.number() == number)
    }

    /// Whether this version is served.
    pub const fn serves(self, version: ApiVersion) -> bool {
        let versions = self.versions();
        versions.min <= version.0 && version.0 <= versions.max
    }

    /// Whether this version has compact lengths and tagged fields.
    pub const fn is_flexible(self, version: ApiVersion) -> bool {
        version.0 >= self.versions().flexible_from
    }
}
