//! Kafka's error codes, by Kafka's names and numbers (protocol guide, "Error Codes").

use crate::{
    Result,
    codec::{Coder, Wire},
};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a response says about a request, a topic, a partition or a group.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[repr(i16)]
        pub enum ErrorCode {
            $($(#[$doc])* $name = $code,)*
        }

        impl ErrorCode {
            /// Every code this crate knows.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code with this number; a number that is not known here is
            /// [`ErrorCode::UnknownServerError`], as Kafka's own clients treat it.
            pub const fn from_number(number: i16) -> Self {
                match number {
                    $($code => Self::$name,)*
                    _ => Self::UnknownServerError,
                }
            }
        }
    };
}

error_codes! {
    /// Something went wrong on the server that has no code of its own.
    UnknownServerError = -1,
    /// No error.
    #[default]
    None = 0,
    /// The offset is outside what the partition holds.
    OffsetOutOfRange = 1,
    /// A record failed its checksum.
    CorruptMessage = 2,
    /// The topic or partition does not exist, or the caller may not know that it does.
    UnknownTopicOrPartition = 3,
    /// A fetch size below zero.
    InvalidFetchSize = 4,
    /// The partition has no leader just now.
    LeaderNotAvailable = 5,
    /// This broker does not lead the partition.
    NotLeaderOrFollower = 6,
    /// The request took longer than it allowed.
    RequestTimedOut = 7,
    /// The broker is not available.
    BrokerNotAvailable = 8,
    /// The record is larger than the topic allows.
    MessageTooLarge = 10,
    /// The metadata of a committed offset is too long.
    OffsetMetadataTooLarge = 12,
    /// The coordinator is reading its groups and not ready yet.
    CoordinatorLoadInProgress = 14,
    /// There is no coordinator just now.
    CoordinatorNotAvailable = 15,
    /// This broker does not coordinate the group.
    NotCoordinator = 16,
    /// Not a legal topic, or not one for this operation.
    InvalidTopicException = 17,
    /// A generation that is not the group's current one.
    IllegalGeneration = 22,
    /// No protocol that all members support, or an empty list.
    InconsistentGroupProtocol = 23,
    /// Not a legal group id, or not the caller's.
    InvalidGroupId = 24,
    /// The group has no such member.
    UnknownMemberId = 25,
    /// The session timeout is outside what the broker allows.
    InvalidSessionTimeout = 26,
    /// The group is rebalancing; the member must join again.
    RebalanceInProgress = 27,
    /// The committed offset data is too large.
    InvalidCommitOffsetSize = 28,
    /// The caller may not use the topic.
    TopicAuthorizationFailed = 29,
    /// The caller may not use the group.
    GroupAuthorizationFailed = 30,
    /// The caller may not do this to the cluster.
    ClusterAuthorizationFailed = 31,
    /// A timestamp that cannot be.
    InvalidTimestamp = 32,
    /// A SASL mechanism that the broker does not offer.
    UnsupportedSaslMechanism = 33,
    /// A request that is not legal before or after SASL authentication.
    IllegalSaslState = 34,
    /// A version of an API that is not served.
    UnsupportedVersion = 35,
    /// The topic exists already.
    TopicAlreadyExists = 36,
    /// A number of partitions that cannot be.
    InvalidPartitions = 37,
    /// A number of replicas that cannot be.
    InvalidReplicationFactor = 38,
    /// A placement of replicas that cannot be.
    InvalidReplicaAssignment = 39,
    /// A setting that cannot be.
    InvalidConfig = 40,
    /// This broker is not the controller.
    NotController = 41,
    /// The request breaks the protocol in a way that has no code of its own.
    InvalidRequest = 42,
    /// The message format does not support what was asked for.
    UnsupportedForMessageFormat = 43,
    /// A rule of the broker forbids the request.
    PolicyViolation = 44,
    /// The caller may not write transactions under this name.
    TransactionalIdAuthorizationFailed = 53,
    /// There are no access rules, because nobody checks any.
    SecurityDisabled = 54,
    /// The disk failed.
    KafkaStorageError = 56,
    /// Wrong user or password.
    SaslAuthenticationFailed = 58,
    /// The group has members, or a member that still reads the topic.
    NonEmptyGroup = 68,
    /// The group does not exist.
    GroupIdNotFound = 69,
    /// A fetch session that the broker does not know.
    FetchSessionIdNotFound = 70,
    /// A fetch session epoch that does not follow the last one.
    InvalidFetchSessionEpoch = 71,
    /// The client knows an older leader epoch than the broker.
    FencedLeaderEpoch = 74,
    /// The client knows a newer leader epoch than the broker.
    UnknownLeaderEpoch = 75,
    /// Compression that the fetch version cannot carry.
    UnsupportedCompressionType = 76,
    /// The member must join again with the member id it has just been given (KIP-394).
    MemberIdRequired = 79,
    /// The group is full.
    GroupMaxSizeReached = 81,
    /// Another member has taken over this static member id (KIP-345).
    FencedInstanceId = 82,
    /// A member of the group reads the topic.
    GroupSubscribedToTopic = 86,
    /// A record that the broker refuses.
    InvalidRecord = 87,
    /// The topic id does not exist (KIP-516).
    UnknownTopicId = 100,
    /// The topic id belongs to another topic name.
    InconsistentTopicId = 103,
    /// The topic id is not the one the fetch session started with.
    FetchSessionTopicIdError = 106,
    /// The member has an older epoch than the group knows, and must join again (KIP-848).
    FencedMemberEpoch = 110,
    /// Another member has this static name (KIP-848).
    UnreleasedInstanceId = 111,
    /// An assignor that the broker does not have (KIP-848).
    UnsupportedAssignor = 112,
    /// The member has a newer epoch than the client says (KIP-848).
    StaleMemberEpoch = 113,
    /// The address belongs to another kind of node than was asked for (KIP-919).
    MismatchedEndpointType = 114,
    /// A kind of node that is not known (KIP-919).
    UnsupportedEndpointType = 115,
    /// A pattern that cannot be read (KIP-848).
    InvalidRegularExpression = 128,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// Whether this is [`ErrorCode::None`].
    pub const fn is_none(self) -> bool {
        matches!(self, Self::None)
    }
}

impl<'a> Wire<'a> for ErrorCode {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        let mut number = self.number();
        coder.int16(&mut number)?;
        *self = Self::from_number(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn every_code_is_found_by_its_number() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), *code);
        }
    }

    #[test]
    fn numbers_and_names_agree_with_the_oracle() {
        // The oracle has no names for what KIP-848 brought; those follow the table of the protocol guide.
        for code in ErrorCode::ALL.iter().filter(|code| (1..110).contains(&code.number())) {
            let oracle = kafka_protocol::ResponseError::try_from_code(code.number())
                .unwrap_or_else(|| panic!("the oracle does not know {code:?}"));
            assert_eq!(format!("{oracle:?}"), format!("{code:?}"));
        }
    }

    #[test]
    fn an_unknown_number_is_an_unknown_server_error() {
        assert_eq!(ErrorCode::from_number(9999), ErrorCode::UnknownServerError);
    }
}
