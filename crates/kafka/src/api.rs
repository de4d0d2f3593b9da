//! The table of the known APIs: the one place that says what is spoken, in which versions, and whether it
//! is answered. `docs/kafka.md` shows it to users.
//!
//! A range begins with the oldest version that a client in use speaks and ends with the newest of Kafka 4.3:
//! sarama at 0.11 speaks fixed old versions, `@platformatic/kafka` only new ones, librdkafka derives its
//! Fetch version from the advertised Produce version (so Produce stands here although every topic
//! refuses it).

use crate::ApiVersion;

/// The known versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The oldest version that is served.
    pub min: i16,
    /// The newest version that is served.
    pub max: i16,
    /// The first version with compact lengths and tagged fields (KIP-482), served or not.
    pub flexible_from: i16,
}

/// What a broker of ours does with an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It answers.
    Answered,
    /// It answers that the caller may not do this.
    Refused,
}

/// "No version of this API is flexible".
const NEVER: i16 = i16::MAX;

macro_rules! apis {
    ($(
        #[doc = $purpose:literal]
        $api:ident = $number:literal: $min:literal to $max:literal, flexible from $flexible:tt,
        $standing:ident;
    )*) => {
        /// An API, by Kafka's name and number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(#[doc = $purpose] $api = $number,)*
        }

        impl ApiKey {
            /// Every known API, by number.
            pub const ALL: [Self; [$($number,)*].len()] = [$(Self::$api,)*];

            /// What it is for, in one sentence.
            pub const fn purpose(self) -> &'static str {
                match self {
                    $(Self::$api => $purpose.trim_ascii(),)*
                }
            }

            /// Which versions are served.
            pub const fn versions(self) -> Versions {
                match self {
                    $(Self::$api => Versions { min: $min, max: $max, flexible_from: $flexible },)*
                }
            }

            /// What is done with it.
            pub const fn standing(self) -> Standing {
                match self {
                    $(Self::$api => Standing::$standing,)*
                }
            }
        }
    };
}

apis! {
    /// Appends records.
    Produce = 0: 0 to 13, flexible from 9, Refused;
    /// Reads record batches.
    Fetch = 1: 0 to 18, flexible from 12, Answered;
    /// Finds an offset by time.
    ListOffsets = 2: 0 to 11, flexible from 6, Answered;
    /// Names the brokers, topics and partitions.
    Metadata = 3: 0 to 13, flexible from 9, Answered;
    /// Stores where a group stands.
    OffsetCommit = 8: 0 to 10, flexible from 8, Answered;
    /// Reads where a group stands.
    OffsetFetch = 9: 0 to 10, flexible from 6, Answered;
    /// Names the broker that coordinates a group.
    FindCoordinator = 10: 0 to 6, flexible from 3, Answered;
    /// Enters a group.
    JoinGroup = 11: 0 to 9, flexible from 6, Answered;
    /// Keeps a member in its group.
    Heartbeat = 12: 0 to 4, flexible from 4, Answered;
    /// Leaves a group.
    LeaveGroup = 13: 0 to 5, flexible from 4, Answered;
    /// Hands out the assignment of a group.
    SyncGroup = 14: 0 to 5, flexible from 4, Answered;
    /// Says who is in a group.
    DescribeGroups = 15: 0 to 6, flexible from 5, Answered;
    /// Says which groups there are.
    ListGroups = 16: 0 to 5, flexible from 3, Answered;
    /// Chooses a SASL mechanism.
    SaslHandshake = 17: 0 to 1, flexible from NEVER, Answered;
    /// Asks what is served: this table.
    ApiVersions = 18: 0 to 4, flexible from 3, Answered;
    /// Creates topics.
    CreateTopics = 19: 0 to 7, flexible from 5, Refused;
    /// Deletes topics.
    DeleteTopics = 20: 0 to 6, flexible from 4, Refused;
    /// Deletes records.
    DeleteRecords = 21: 0 to 2, flexible from 2, Refused;
    /// Is asked by a producer before it writes.
    InitProducerId = 22: 0 to 5, flexible from 2, Refused;
    /// Finds where the batches of a leader epoch end.
    OffsetForLeaderEpoch = 23: 0 to 4, flexible from 4, Answered;
    /// Shows access rules.
    DescribeAcls = 29: 0 to 3, flexible from 2, Refused;
    /// Makes access rules.
    CreateAcls = 30: 0 to 3, flexible from 2, Refused;
    /// Deletes access rules.
    DeleteAcls = 31: 0 to 3, flexible from 2, Refused;
    /// Shows settings of topics and of the broker.
    DescribeConfigs = 32: 0 to 4, flexible from 4, Answered;
    /// Replaces settings.
    AlterConfigs = 33: 0 to 2, flexible from 2, Refused;
    /// Carries a SASL token.
    SaslAuthenticate = 36: 0 to 2, flexible from 2, Answered;
    /// Adds partitions.
    CreatePartitions = 37: 0 to 3, flexible from 2, Refused;
    /// Forgets groups.
    DeleteGroups = 42: 0 to 2, flexible from 2, Answered;
    /// Changes settings.
    IncrementalAlterConfigs = 44: 0 to 1, flexible from 1, Refused;
    /// Says which partitions are moving between brokers: none.
    ListPartitionReassignments = 46: 0 to 0, flexible from 0, Answered;
    /// Forgets where a group stands.
    OffsetDelete = 47: 0 to 0, flexible from NEVER, Answered;
    /// Names the brokers, for admin clients.
    DescribeCluster = 60: 0 to 2, flexible from 0, Answered;
    /// Enters, keeps and leaves a group of the consumer protocol (KIP-848).
    ConsumerGroupHeartbeat = 68: 0 to 1, flexible from 0, Answered;
    /// Says who is in a group of the consumer protocol.
    ConsumerGroupDescribe = 69: 0 to 1, flexible from 0, Answered;
    /// Names topics and partitions, page by page.
    DescribeTopicPartitions = 75: 0 to 0, flexible from 0, Answered;
}

impl ApiKey {
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
