//! OffsetCommit: keeps where a group stands, with the client's own words, byte for byte.
//!
//! Who may commit is the coordinator's decision; where it is kept is the catalog's. Decision and keeping
//! are one step, so that a member that was replaced never overwrites its successor. DTS clients commit
//! the offset they processed (not the next one) and put the second it stands for into the metadata.

use std::sync::Arc;

use change::{GroupId, TopicName};
use kafka::messages::{
    CommitPartition, CommittedPartition, CommittedTopic, OffsetCommitRequest, OffsetCommitResponse,
};
use kafka::{ApiVersion, ErrorCode};

use super::{Answer, Call, first_error};
use crate::coordinator::{GroupError, Identity};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From this version on clients know what a group is that does not exist.
const NO_GROUP_FROM: ApiVersion = ApiVersion(9);
/// From this version on topics are given by their id.
const BY_ID_FROM: ApiVersion = ApiVersion(10);
/// Longest metadata of a commit (`offset.metadata.max.bytes`).
pub(super) const METADATA_BYTES_MAX: usize = 4096;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &OffsetCommitRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let identity =
        Identity::new(request.generation_id, request.member_id, request.group_instance_id);
    let group = match call.principal.group(request.group_id) {
        Ok(group) => group,
        Err(error) => return reply(call, request, |_, _| error),
    };
    let by_id = call.version >= BY_ID_FROM;
    let mut offsets = Vec::new();
    let mut verdicts = Vec::new();
    for asked in &request.topics {
        let topic = match by_id {
            true => call.principal.topic_by_id(&broker.topics, asked.topic_id),
            false => call.principal.topic(&broker.topics, asked.name),
        };
        for partition in &asked.partitions {
            let exists = topic.as_ref().filter(|t| t.partition(partition.partition).is_some());
            let verdict = match exists {
                None if by_id && topic.is_none() => ErrorCode::UnknownTopicId,
                None => ErrorCode::UnknownTopicOrPartition,
                Some(_) if metadata(partition).len() > METADATA_BYTES_MAX => {
                    ErrorCode::OffsetMetadataTooLarge
                }
                Some(topic) => {
                    offsets.push(to_committed(broker, &topic.name, partition));
                    ErrorCode::None
                }
            };
            verdicts.push(verdict);
        }
    }
    let stored = match store(broker, group, identity, offsets).await {
        Ok(stored) => stored,
        Err(refused) => {
            let error = refusal(call.version, refused);
            return reply(call, request, |_, _| error);
        }
    };
    let mut verdicts = verdicts.into_iter();
    reply(call, request, |_, _| match verdicts.next() {
        Some(ErrorCode::None) | None => stored,
        Some(error) => error,
    })
}

/// A refusal as clients of this version understand it.
fn refusal(version: ApiVersion, refused: GroupError) -> ErrorCode {
    match refused {
        GroupError::NoGroup if version < NO_GROUP_FROM => ErrorCode::IllegalGeneration,
        refused => refused.into(),
    }
}

/// Keeps the offsets, if the coordinator lets `identity` commit.
async fn store(
    broker: &Shared,
    group: GroupId,
    identity: Identity,
    offsets: Vec<catalog::CommittedOffset>,
) -> Result<ErrorCode, GroupError> {
    let groups = Arc::clone(&broker.groups);
    let catalog = broker.catalog.clone();
    let keep = move || match offsets.as_slice() {
        [] => groups.commit(&group, &identity, || Ok(())),
        offsets => groups.commit(&group, &identity, || catalog.commit_offsets(&group, offsets)),
    };
    Ok(match tokio::task::spawn_blocking(keep).await {
        Ok(admitted) => match admitted? {
            Ok(()) => ErrorCode::None,
            Err(error) => {
                tracing::error!(%error, "committed offsets cannot be kept");
                ErrorCode::CoordinatorNotAvailable
            }
        },
        Err(_) => ErrorCode::UnknownServerError,
    })
}

fn to_committed(
    broker: &Shared,
    topic: &TopicName,
    partition: &CommitPartition<'_>,
) -> catalog::CommittedOffset {
    catalog::CommittedOffset {
        topic: topic.clone(),
        partition: partition.partition.0,
        offset: partition.offset.0,
        leader_epoch: partition.leader_epoch.0,
        metadata: metadata(partition).to_owned(),
        committed_at: broker.clock.now(),
    }
}

/// Null is kept as empty: clients cannot tell the two apart.
fn metadata<'r>(partition: &CommitPartition<'r>) -> &'r str {
    partition.metadata.unwrap_or_default()
}

fn reply(
    call: &Call<'_>,
    request: &OffsetCommitRequest<'_>,
    mut verdict: impl FnMut(&str, &CommitPartition<'_>) -> ErrorCode,
) -> Result<Answer, ConnectionError> {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let partitions = topic.partitions.iter().map(|partition| CommittedPartition {
            partition: partition.partition,
            error: verdict(topic.name, partition),
        });
        let (name, topic_id) = (topic.name, topic.topic_id);
        topics.push(CommittedTopic { name, topic_id, partitions: partitions.collect() });
    }
    let error = first_error(topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error));
    call.answer(error, OffsetCommitResponse { topics, ..Default::default() })
}
