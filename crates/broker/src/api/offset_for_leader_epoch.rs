//! OffsetForLeaderEpoch: clients ask it (KIP-320) to find out whether a new leader has lost what an old
//! one showed them. Here nothing visible is ever taken back, so every epoch up to the present one ends
//! at the end of the log; Metadata says −1 for epochs, and few clients ask at all.

use kafka::messages::{
    EpochEnd, EpochEndTopic, EpochPartition, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};
use kafka::{ErrorCode, LeaderEpoch, Offset};
use log::Reader;

use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &OffsetForLeaderEpochRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in &request.topics {
        let topic = call.principal.topic(&broker.topics, asked.name);
        let end = |partition: &EpochPartition| {
            let reader = topic.as_ref().and_then(|topic| topic.partition(partition.partition));
            end_of(reader, partition)
        };
        let partitions = asked.partitions.iter().map(end).collect();
        topics.push(EpochEndTopic { name: asked.name, partitions });
    }
    let error = first_error(topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error));
    call.answer(error, OffsetForLeaderEpochResponse { topics, ..Default::default() })
}

fn end_of(reader: Option<&Reader>, asked: &EpochPartition) -> EpochEnd {
    let none = EpochEnd {
        error: ErrorCode::None,
        partition: asked.partition,
        leader_epoch: LeaderEpoch::NONE,
        end_offset: Offset::NONE,
    };
    let Some(reader) = reader else {
        return EpochEnd { error: ErrorCode::UnknownTopicOrPartition, ..none };
    };
    if asked.leader_epoch.0 < 0 || asked.leader_epoch > reader.leader_epoch() {
        return none;
    }
    EpochEnd { leader_epoch: asked.leader_epoch, end_offset: reader.high_watermark(), ..none }
}
