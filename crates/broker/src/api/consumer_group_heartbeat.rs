//! ConsumerGroupHeartbeat: a member of a consumer group of the newer protocol (KIP-848) enters, stays,
//! learns what it may hold, and leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatAssignment,
    TopicPartitions,
};
use kafka::{ApiVersion, ErrorCode};
use uuid::Uuid;

use super::{Answer, Call};
use crate::coordinator::{Assignor, Beat, GroupError, Held, MemberId, Partitions, TopicShape};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From this version on clients choose the ids of members themselves.
const OWN_ID_FROM: ApiVersion = ApiVersion(1);
/// A client's name for itself is kept to this length.
const CLIENT_ID_CHARS_MAX: usize = 128;
/// The epoch of a member that joins.
const JOINING: i32 = 0;
/// The epoch of a static member that leaves for a while; below it there is nothing.
const AWAY: i32 = -2;

/// Why a request is refused, with the same for people.
type Refused = (ErrorCode, &'static str);

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &ConsumerGroupHeartbeatRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let beat = match check(call.version, request).and_then(|()| to_beat(call, request)) {
        Ok(beat) => beat,
        Err((error, message)) => return refusal(call, error, Some(message)),
    };
    let group = match call.principal.group(request.group_id) {
        Ok(group) => group,
        Err(error) => return refusal(call, error, None),
    };
    let topics: Vec<TopicShape> =
        call.principal.visible(&broker.topics).iter().filter_map(|topic| topic.shape()).collect();
    let standing = match broker.groups.beat(&group, beat, &topics).await {
        Some(Ok(standing)) => standing,
        Some(Err(error)) => return refusal(call, error.into(), Some(told(error))),
        None => return refusal(call, ErrorCode::CoordinatorNotAvailable, None),
    };
    let interval = broker.groups.consumer_heartbeat_interval().as_millis();
    let assignment = standing.assignment.as_ref();
    let response = ConsumerGroupHeartbeatResponse {
        member_id: Some(&standing.member_id),
        member_epoch: standing.epoch,
        heartbeat_interval_ms: i32::try_from(interval).unwrap_or(i32::MAX),
        assignment: assignment.map(|held| HeartbeatAssignment { topic_partitions: by_topic(held) }),
        ..Default::default()
    };
    call.answer(ErrorCode::None, response)
}

/// What can be refused without looking at the group.
fn check(version: ApiVersion, request: &ConsumerGroupHeartbeatRequest<'_>) -> Result<(), Refused> {
    let invalid = |message| Err((ErrorCode::InvalidRequest, message));
    let epoch = request.member_epoch;
    if request.group_id.trim().is_empty() {
        return invalid("GroupId can't be empty.");
    }
    if request.member_id.trim().is_empty() && (epoch != JOINING || version >= OWN_ID_FROM) {
        return invalid("MemberId can't be empty.");
    }
    if request.instance_id.is_some_and(|id| id.trim().is_empty()) {
        return invalid("InstanceId can't be empty.");
    }
    if request.rack_id.is_some_and(|id| id.trim().is_empty()) {
        return invalid("RackId can't be empty.");
    }
    if epoch < AWAY {
        return invalid("MemberEpoch is invalid.");
    }
    if epoch == AWAY && request.instance_id.is_none() {
        return invalid("InstanceId can't be null.");
    }
    if epoch == JOINING {
        let names = request.subscribed_topic_names.as_ref().is_some_and(|names| !names.is_empty());
        let pattern = request.subscribed_topic_regex.is_some_and(|pattern| !pattern.is_empty());
        if request.rebalance_timeout_ms < 0 {
            return invalid("RebalanceTimeoutMs must be provided in first request.");
        }
        if request.topic_partitions.as_ref().is_none_or(|held| !held.is_empty()) {
            return invalid("TopicPartitions must be empty when (re-)joining.");
        }
        if !names && !pattern {
            return invalid(
                "SubscribedTopicNames or SubscribedTopicRegex must be set in first request.",
            );
        }
    }
    Ok(())
}

fn to_beat(call: &Call<'_>, request: &ConsumerGroupHeartbeatRequest<'_>) -> Result<Beat, Refused> {
    let assignor = match request.server_assignor {
        None => None,
        Some(name) => Some(
            Assignor::named(name)
                .ok_or((ErrorCode::UnsupportedAssignor, "the assignors are uniform and range"))?,
        ),
    };
    let names = request.subscribed_topic_names.as_ref();
    let rebalance_timeout = u64::try_from(request.rebalance_timeout_ms).ok();
    Ok(Beat {
        member_id: request.member_id.to_owned(),
        fresh_id: MemberId::new(&Uuid::new_v4().to_string()),
        epoch: request.member_epoch,
        instance_id: request.instance_id.map(str::to_owned),
        rack_id: request.rack_id.map(str::to_owned),
        client_id: call.client_id.chars().take(CLIENT_ID_CHARS_MAX).collect(),
        client_host: format!("/{}", call.peer),
        rebalance_timeout: rebalance_timeout.map(Duration::from_millis),
        topics: names
            .map(|names| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>()),
        pattern: request.subscribed_topic_regex.map(str::to_owned),
        assignor,
        owned: request.topic_partitions.as_deref().map(to_held),
        task: call.principal.task().cloned(),
    })
}

fn to_held(topics: &[TopicPartitions]) -> Partitions {
    let held = |topic: &TopicPartitions| {
        let id = topic.topic_id;
        topic.partitions.clone().into_iter().map(move |partition| Held { topic: id, partition })
    };
    topics.iter().flat_map(held).collect()
}

/// As messages list partitions.
fn by_topic(held: &Partitions) -> Vec<TopicPartitions> {
    let mut topics: Vec<TopicPartitions> = Vec::new();
    for held in held {
        match topics.last_mut() {
            Some(topic) if topic.topic_id == held.topic => topic.partitions.push(held.partition),
            _ => topics
                .push(TopicPartitions { topic_id: held.topic, partitions: vec![held.partition] }),
        }
    }
    topics
}

fn told(error: GroupError) -> &'static str {
    match error {
        GroupError::NoGroup => "the group is of the classic protocol and has members",
        GroupError::UnknownMember => "the member is not known; it has to join again",
        GroupError::FencedEpoch => "the member epoch is not the one it was given",
        GroupError::FencedInstance => "the group instance id was taken over",
        GroupError::UnreleasedInstance => "another member with this group instance id is there",
        GroupError::InvalidPattern => "the regular expression cannot be read",
        GroupError::GroupFull => "the group is full",
        _ => "the coordinator refuses it",
    }
}

fn refusal(
    call: &Call<'_>,
    error: ErrorCode,
    error_message: Option<&str>,
) -> Result<Answer, ConnectionError> {
    call.answer(
        error,
        ConsumerGroupHeartbeatResponse { error, error_message, ..Default::default() },
    )
}
