//! OffsetForLeaderEpoch: clients ask it (KIP-320) to find out whether a new leader has lost what an old
//! one showed them. Leader epochs are those of the log's writers, one for each start, and are told as
//! they stand in the log. Nothing visible is ever taken back, so a client always finds that it may go on.
//!
//! The end of a past epoch stands on the disk, so it is looked up by a thread made for waiting.

use std::collections::HashSet;

use kafka::messages::{
    EpochEnd, EpochEndTopic, EpochPartition, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};
use kafka::{ErrorCode, LeaderEpoch, Offset};
use log::Reader;

use super::epochs::leader_epoch_error;
use super::{Answer, Call, first_error};
use crate::disk::Disk;
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &OffsetForLeaderEpochRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let mut seen = HashSet::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in &request.topics {
        let topic = call.principal.topic(&broker.topics, asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in &asked.partitions {
            // Of a partition that is named twice the first one counts.
            if !seen.insert((asked.name, partition.partition)) {
                continue;
            }
            let reader = topic.as_ref().and_then(|topic| topic.partition(partition.partition));
            partitions.push(end_of(&broker.disk, reader, partition).await);
        }
        topics.push(EpochEndTopic { name: asked.name, partitions });
    }
    let error = first_error(topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error));
    call.answer(error, OffsetForLeaderEpochResponse { topics, ..Default::default() })
}

async fn end_of(disk: &Disk, reader: Option<&Reader>, asked: &EpochPartition) -> EpochEnd {
    let none = EpochEnd {
        error: ErrorCode::None,
        partition: asked.partition,
        leader_epoch: LeaderEpoch::NONE,
        end_offset: Offset::NONE,
    };
    let Some(reader) = reader else {
        return EpochEnd { error: ErrorCode::UnknownTopicOrPartition, ..none };
    };
    let error = leader_epoch_error(asked.current_leader_epoch, reader.leader_epoch());
    if !error.is_none() {
        return EpochEnd { error, ..none };
    }
    let (epoch, reader) = (asked.leader_epoch, reader.clone());
    match disk.run(move || reader.epoch_end(epoch)).await {
        Some(Ok(Some(end))) => {
            EpochEnd { leader_epoch: end.leader_epoch, end_offset: end.end_offset, ..none }
        }
        Some(Ok(None)) => none,
        Some(Err(error)) => {
            tracing::error!(%error, "the end of an epoch cannot be looked up in the log");
            EpochEnd { error: ErrorCode::KafkaStorageError, ..none }
        }
        None => EpochEnd { error: ErrorCode::KafkaStorageError, ..none },
    }
}
