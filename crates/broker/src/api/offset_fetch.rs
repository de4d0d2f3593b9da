//! OffsetFetch: where a group stands, with the words of its commit, byte for byte; offset −1 and empty
//! words where it has not committed.
//!
//! What is named twice is refused the second time, so that an answer is no longer than what is kept.

use std::collections::{BTreeMap, HashSet};

use catalog::CommittedOffset;
use kafka::messages::{
    FetchedGroup, FetchedOffset, FetchedOffsets, OffsetFetchGroup, OffsetFetchRequest,
    OffsetFetchResponse, OffsetFetchTopic,
};
use kafka::{ErrorCode, LeaderEpoch, Offset, PartitionId};

use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &OffsetFetchRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let mut seen = HashSet::new();
    let mut committed = Vec::with_capacity(request.groups.len());
    for group in &request.groups {
        committed.push(match seen.insert(group.group_id) {
            true => load(broker, call, group.group_id).await,
            false => Err(ErrorCode::InvalidRequest),
        });
    }
    let groups: Vec<_> = request
        .groups
        .iter()
        .zip(&committed)
        .map(|(group, committed)| match committed {
            Ok(committed) => found(group, committed),
            Err(error) => refused(group, *error),
        })
        .collect();
    let error = first_error(groups.iter().map(|group| group.error));
    call.answer(error, OffsetFetchResponse { groups, ..Default::default() })
}

async fn load(
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

fn found<'m>(group: &OffsetFetchGroup<'m>, committed: &'m [CommittedOffset]) -> FetchedGroup<'m> {
    let by_place: BTreeMap<(&str, i32), &CommittedOffset> =
        committed.iter().map(|c| ((c.topic.as_str(), c.partition), c)).collect();
    let topics = match &group.topics {
        Some(topics) => named(topics, &by_place),
        None => everything(&by_place),
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
        found.push(FetchedOffsets { name: topic.name, partitions });
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
            _ => topics.push(FetchedOffsets { name, partitions: vec![fetched(committed)] }),
        }
    }
    topics
}

fn refused<'m>(group: &OffsetFetchGroup<'m>, error: ErrorCode) -> FetchedGroup<'m> {
    let topics = group.topics.iter().flatten().map(|topic| FetchedOffsets {
        name: topic.name,
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
