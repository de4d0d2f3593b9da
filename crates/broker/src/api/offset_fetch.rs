//! OffsetFetch: where a group stands, with the words of its commit, byte for byte; offset −1 and empty
//! words where it has not committed.
//!
//! What is named twice is refused the second time, so that an answer is no longer than what is kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use catalog::CommittedOffset;
use kafka::messages::{
    FetchedGroup, FetchedOffset, FetchedOffsets, OffsetFetchGroup, OffsetFetchRequest,
    OffsetFetchResponse, OffsetFetchTopic,
};
use kafka::{ApiVersion, ErrorCode, LeaderEpoch, Offset, PartitionId, TopicId};

use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;
use crate::topics::Topic;

/// From this version on topics are given by their id.
const BY_ID_FROM: ApiVersion = ApiVersion(10);

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &OffsetFetchRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let visible = match call.version >= BY_ID_FROM {
        true => Some(call.principal.visible(&broker.topics)),
        false => None,
    };
    let mut seen = HashSet::new();
    let mut committed = Vec::with_capacity(request.groups.len());
    for group in &request.groups {
        committed.push(match seen.insert(group.group_id) {
            true => load_for(broker, call, group).await,
            false => Err(ErrorCode::InvalidRequest),
        });
    }
    let groups: Vec<_> = request
        .groups
        .iter()
        .zip(&committed)
        .map(|(group, committed)| match committed {
            Ok(committed) => found(group, visible.as_deref(), committed),
            Err(error) => refused(group, *error),
        })
        .collect();
    let error = first_error(groups.iter().map(|group| group.error));
    call.answer(error, OffsetFetchResponse { groups, ..Default::default() })
}

/// The same for whoever says to be a member of a consumer group.
async fn load_for(
    broker: &Shared,
    call: &Call<'_>,
    asked: &OffsetFetchGroup<'_>,
) -> Result<Vec<CommittedOffset>, ErrorCode> {
    let group = call.principal.group(asked.group_id)?;
    broker.groups.check_fetch(&group, asked.member_id, asked.member_epoch)?;
    load(broker, call, asked.group_id).await
}

pub(super) async fn load(
    broker: &Shared,
    call: &Call<'_>,
    group_id: &str,
) -> Result<Vec<CommittedOffset>, ErrorCode> {
    let group = call.principal.group(group_id)?;
    let catalog = broker.catalog.clone();
    match tokio::task::spawn_blocking(move || catalog.committed_offsets(&group)).await {
        Ok(Ok(committed)) => Ok(committed),
        Ok(Err(error)) => {
            tracing::error!(%error, "committed offsets cannot be read");
            // Java's consumers ask again after this code, and give up after any other that fits.
            Err(ErrorCode::CoordinatorLoadInProgress)
        }
        Err(_) => Err(ErrorCode::UnknownServerError),
    }
}

/// Where one group stands. Topics are given by their id if it is said which `visible` ones there are.
fn found<'m>(
    group: &OffsetFetchGroup<'m>,
    visible: Option<&'m [Arc<Topic>]>,
    committed: &'m [CommittedOffset],
) -> FetchedGroup<'m> {
    let by_place: BTreeMap<(&str, i32), &CommittedOffset> =
        committed.iter().map(|c| ((c.topic.as_str(), c.partition), c)).collect();
    let topics = match (&group.topics, visible) {
        (Some(topics), None) => named(topics, &by_place),
        (Some(topics), Some(visible)) => named_by_id(topics, visible, &by_place),
        (None, None) => everything(&by_place),
        (None, Some(visible)) => everything_by_id(visible, &by_place),
    };
    FetchedGroup { group_id: group.group_id, topics, error: ErrorCode::None }
}

/// What was asked for.
fn named<'m>(
    topics: &[OffsetFetchTopic<'m>],
    by_place: &BTreeMap<(&'m str, i32), &'m CommittedOffset>,
) -> Vec<FetchedOffsets<'m>> {
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(topics.len());
    for topic in topics {
        let offset = |partition: &PartitionId| {
            let place = (topic.name, partition.0);
            match by_place.get(&place) {
                _ if !seen.insert(place) => nothing(*partition, ErrorCode::InvalidRequest),
                Some(committed) => fetched(committed),
                None => nothing(*partition, ErrorCode::None),
            }
        };
        let partitions = topic.partitions.iter().map(offset).collect();
        found.push(FetchedOffsets { name: topic.name, partitions, ..Default::default() });
    }
    found
}

/// All that was committed, topic by topic.
fn everything<'m>(
    by_place: &BTreeMap<(&'m str, i32), &'m CommittedOffset>,
) -> Vec<FetchedOffsets<'m>> {
    let mut topics: Vec<FetchedOffsets<'m>> = Vec::new();
    for ((name, _), committed) in by_place {
        match topics.last_mut() {
            Some(topic) if topic.name == *name => topic.partitions.push(fetched(committed)),
            _ => topics.push(FetchedOffsets {
                name,
                partitions: vec![fetched(committed)],
                ..Default::default()
            }),
        }
    }
    topics
}

/// What was asked for by the ids of topics.
fn named_by_id<'m>(
    topics: &[OffsetFetchTopic<'m>],
    visible: &'m [Arc<Topic>],
    by_place: &BTreeMap<(&'m str, i32), &'m CommittedOffset>,
) -> Vec<FetchedOffsets<'m>> {
    let names: HashMap<TopicId, &str> =
        visible.iter().map(|topic| (topic.id(), topic.name.as_str())).collect();
    let name = |topic: &OffsetFetchTopic<'_>| names.get(&topic.topic_id).copied();
    let with_names = topics
        .iter()
        .map(|topic| OffsetFetchTopic { name: name(topic).unwrap_or_default(), ..topic.clone() });
    let mut found = named(&with_names.collect::<Vec<_>>(), by_place);
    for (found, asked) in found.iter_mut().zip(topics) {
        found.topic_id = asked.topic_id;
        if found.name.is_empty() {
            let unknown = |number: &PartitionId| nothing(*number, ErrorCode::UnknownTopicId);
            found.partitions = asked.partitions.iter().map(unknown).collect();
        }
    }
    found
}

/// All that was committed of topics that still are there.
fn everything_by_id<'m>(
    visible: &[Arc<Topic>],
    by_place: &BTreeMap<(&'m str, i32), &'m CommittedOffset>,
) -> Vec<FetchedOffsets<'m>> {
    let mut topics = everything(by_place);
    for found in &mut topics {
        let topic = visible.iter().find(|topic| topic.name.as_str() == found.name);
        found.topic_id = topic.map_or(TopicId::NONE, |topic| topic.id());
    }
    topics.retain(|topic| topic.topic_id != TopicId::NONE);
    topics
}

fn refused<'m>(group: &OffsetFetchGroup<'m>, error: ErrorCode) -> FetchedGroup<'m> {
    let topics = group.topics.iter().flatten().map(|topic| FetchedOffsets {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|number| nothing(*number, error)).collect(),
    });
    FetchedGroup { group_id: group.group_id, topics: topics.collect(), error }
}

fn fetched(committed: &CommittedOffset) -> FetchedOffset<'_> {
    FetchedOffset {
        partition: PartitionId(committed.partition),
        offset: Offset(committed.offset),
        leader_epoch: LeaderEpoch(committed.leader_epoch),
        metadata: Some(&committed.metadata),
        error: ErrorCode::None,
    }
}

fn nothing(partition: PartitionId, error: ErrorCode) -> FetchedOffset<'static> {
    FetchedOffset { partition, error, ..Default::default() }
}
