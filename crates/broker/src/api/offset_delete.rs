//! OffsetDelete: forgets where a group stands in single partitions (KIP-496).
//!
//! While a group has members, its offsets stay: they are those of topics that it reads.

use std::sync::Arc;

use change::TopicName;
use kafka::ErrorCode;
use kafka::messages::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeletedPartition, OffsetDeletedTopic,
};

use super::{Answer, Call, first_error, offset_fetch};
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &OffsetDeleteRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let mut places = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in &request.topics {
        let topic = call.principal.topic(&broker.topics, asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for number in &asked.partitions {
            let found = topic.as_ref().filter(|topic| topic.partition(*number).is_some());
            let error = match found {
                Some(topic) => {
                    places.push((topic.name.clone(), number.0));
                    ErrorCode::None
                }
                None => ErrorCode::UnknownTopicOrPartition,
            };
            partitions.push(OffsetDeletedPartition { partition: *number, error });
        }
        topics.push(OffsetDeletedTopic { name: asked.name, partitions });
    }
    match delete(broker, call, request.group_id, places).await {
        Ok(()) => {}
        Err(ErrorCode::GroupSubscribedToTopic) => {
            let partitions = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
            for partition in partitions.filter(|partition| partition.error.is_none()) {
                partition.error = ErrorCode::GroupSubscribedToTopic;
            }
        }
        Err(error) => {
            return call.answer(error, OffsetDeleteResponse { error, ..Default::default() });
        }
    }
    let partitions = topics.iter().flat_map(|topic| &topic.partitions);
    let error = first_error(partitions.map(|partition| partition.error));
    call.answer(error, OffsetDeleteResponse { topics, ..Default::default() })
}

async fn delete(
    broker: &Shared,
    call: &Call<'_>,
    group_id: &str,
    places: Vec<(TopicName, i32)>,
) -> Result<(), ErrorCode> {
    let group = call.principal.group(group_id)?;
    let known = broker.groups.describe(&group).is_some()
        || !offset_fetch::load(broker, call, group_id).await?.is_empty();
    if !known {
        return Err(ErrorCode::GroupIdNotFound);
    }
    let (groups, catalog) = (Arc::clone(&broker.groups), broker.catalog.clone());
    let delete =
        move || groups.intervene(&group, false, || catalog.delete_offsets_of(&group, &places));
    match tokio::task::spawn_blocking(delete).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => {
            tracing::error!(%error, "committed offsets cannot be deleted");
            Err(ErrorCode::CoordinatorNotAvailable)
        }
        Ok(Err(_)) => Err(ErrorCode::GroupSubscribedToTopic),
        Err(_) => Err(ErrorCode::UnknownServerError),
    }
}
