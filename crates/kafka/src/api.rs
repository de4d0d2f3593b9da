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
    /// Chooses a SASL mechanism.
    SaslHandshake = 17,
    /// Asks what is served; this table is the answer.
    ApiVersions = 18,
    /// Finds where the batches of a leader epoch end.
    OffsetForLeaderEpoch = 23,
    /// Carries a SASL token.
    SaslAuthenticate = 36,
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
    /// Every served API, by number.
    pub const ALL: [Self; 15] = [
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
        Self::SaslHandshake,
        Self::ApiVersions,
        Self::OffsetForLeaderEpoch,
        Self::SaslAuthenticate,
    ];

    /// Which versions are served.
    pub const fn versions(self) -> Versions {
        match self {
            Self::Produce => versions(0, 9, 9),
            Self::Fetch => versions(4, 13, 12),
            Self::ListOffsets => versions(0, 7, 6),
            Self::Metadata => versions(0, 12, 9),
            Self::OffsetCommit => versions(0, 9, 8),
            Self::OffsetFetch => versions(0, 8, 6),
            Self::FindCoordinator => versions(0, 4, 3),
            Self::JoinGroup => versions(0, 9, 6),
            Self::Heartbeat => versions(0, 4, 4),
            Self::LeaveGroup => versions(0, 5, 4),
            Self::SyncGroup => versions(0, 5, 4),
            Self::SaslHandshake => versions(0, 1, NEVER),
            Self::ApiVersions => versions(0, 4, 3),
            Self::OffsetForLeaderEpoch => versions(0, 4, 4),
            Self::SaslAuthenticate => versions(0, 2, 2),
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The served API with this number.
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
