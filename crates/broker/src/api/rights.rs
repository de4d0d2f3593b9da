//! What may be done here, as Kafka's authorizer would say it: everyone may read and describe what they
//! see, and nobody may create, write, change or delete. So what changes something is refused as Kafka
//! refuses whoever lacks the right to it, whether the thing exists or not.

use kafka::ErrorCode;

/// Read, describe, and describe the settings of, as bits of Kafka's `AclOperation`.
pub(super) const TOPIC_OPERATIONS: i32 = 1 << 3 | 1 << 8 | 1 << 10;
/// Describe, and describe the settings of, likewise.
pub(super) const CLUSTER_OPERATIONS: i32 = 1 << 8 | 1 << 10;

/// What a topic refuses.
pub(super) const TOPIC_REFUSAL: Refusal = Refusal {
    error: ErrorCode::TopicAuthorizationFailed,
    message: "topics here are made, filled and deleted by change tracking tasks alone",
};
/// What the broker refuses.
pub(super) const CLUSTER_REFUSAL: Refusal = Refusal {
    error: ErrorCode::ClusterAuthorizationFailed,
    message: "this broker is configured by its operator alone",
};
/// What a group refuses.
pub(super) const GROUP_REFUSAL: Refusal = Refusal {
    error: ErrorCode::GroupAuthorizationFailed,
    message: "groups have no settings here that clients may change",
};

/// An error and the same for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) error: ErrorCode,
    pub(super) message: &'static str,
}
