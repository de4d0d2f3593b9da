//! ListOffsets: the ends of a partition, and the offset of a time.
//!
//! Two kinds of clients ask for times. DTS clients speak in **seconds**, all others in milliseconds; a
//! time of at least 10^10 is milliseconds (the clients' own rule; as seconds it would be the year
//! 2286). The answer is in the unit of the question. Decided, where the two worlds differ:
//!
//! | asked time | seconds (as DTS) | milliseconds (as Kafka) |
//! |---|---|---|
//! | before the data range | none | the first record |
//! | within it | the first record of that time or later | the same |
//! | after the last record, not after now | the end of the log, with the asked time | the same |
//! | in the future | none | none |
//!
//! *None* is offset −1 and timestamp −1. The third line differs from both on purpose: a consumer that
//! starts at "now" on an idle stream would get none, and DTS clients then replay the whole log. A
//! partition that is named twice is refused the second time, as in Kafka.

use std::collections::HashSet;

use change::UnixTime;
use kafka::messages::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListedPartition, ListedTopic,
    TIMESTAMP_EARLIEST, TIMESTAMP_LATEST, TIMESTAMP_MAX,
};
use kafka::{ErrorCode, Offset};
use log::Reader;

use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From here on a time is milliseconds.
const MILLISECONDS_FROM: i64 = 10_000_000_000;
/// How far a client's clock may be ahead of ours.
const CLOCK_SKEW_MS: i64 = 5_000;

/// An offset with the time it stands for, in the unit of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listed {
    offset: Offset,
    timestamp: i64,
}

/// Nothing matches.
const NONE: Listed = Listed { offset: Offset::NONE, timestamp: -1 };

/// A time as a client means it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Latest,
    Earliest,
    HighestTimestamp,
    Seconds(i64),
    Milliseconds(i64),
}

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &ListOffsetsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let now = broker.clock.now();
    let mut seen = HashSet::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in &request.topics {
        let topic = call.principal.topic(&broker.topics, asked.name);
        let list = |partition: &ListOffsetsPartition| {
            let reader = topic.as_ref().and_then(|topic| topic.partition(partition.partition));
            let result = match reader {
                None => Err(ErrorCode::UnknownTopicOrPartition),
                Some(_) if !seen.insert((asked.name, partition.partition)) => {
                    Err(ErrorCode::InvalidRequest)
                }
                Some(reader) => list_one(reader, partition.timestamp, now),
            };
            listed(partition, result)
        };
        let partitions = asked.partitions.iter().map(list).collect();
        topics.push(ListedTopic { name: asked.name, partitions });
    }
    let errors = topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error);
    let error = first_error(errors);
    call.answer(error, ListOffsetsResponse { topics, ..Default::default() })
}

fn listed(partition: &ListOffsetsPartition, result: Result<Listed, ErrorCode>) -> ListedPartition {
    let (found, error) = match result {
        Ok(found) => (found, ErrorCode::None),
        Err(error) => (NONE, error),
    };
    let wanted = found != NONE && partition.max_num_offsets > 0;
    ListedPartition {
        partition: partition.partition,
        error,
        old_style_offsets: if wanted { vec![found.offset.0] } else { Vec::new() },
        timestamp: found.timestamp,
        offset: found.offset,
        ..Default::default()
    }
}

fn list_one(reader: &Reader, timestamp: i64, now: UnixTime) -> Result<Listed, ErrorCode> {
    let end = reader.high_watermark();
    let asked = Asked::parse(timestamp).ok_or(ErrorCode::InvalidRequest)?;
    let range = reader.data_range();
    let (time_ms, per_unit) = match asked {
        Asked::Latest => return Ok(Listed { offset: end, timestamp: -1 }),
        Asked::Earliest => {
            return Ok(Listed { offset: reader.log_start_offset(), timestamp: -1 });
        }
        Asked::HighestTimestamp => match range {
            Some(range) => (range.last_ms, 1),
            None => return Ok(NONE),
        },
        Asked::Milliseconds(time) => (time, 1),
        Asked::Seconds(time) => {
            if range.is_some_and(|range| time < range.first_ms.div_euclid(1_000)) {
                return Ok(NONE);
            }
            (time.saturating_mul(1_000), 1_000)
        }
    };
    let found = reader.offset_for_time(time_ms).map_err(|error| {
        tracing::error!(%error, "a time cannot be looked up in the log");
        ErrorCode::KafkaStorageError
    })?;
    Ok(match found {
        Some(found) => {
            Listed { offset: found.offset, timestamp: found.timestamp_ms.div_euclid(per_unit) }
        }
        None if time_ms <= now.millis().saturating_add(CLOCK_SKEW_MS) => {
            Listed { offset: end, timestamp }
        }
        None => NONE,
    })
}

impl Asked {
    fn parse(timestamp: i64) -> Option<Self> {
        match timestamp {
            TIMESTAMP_LATEST => Some(Self::Latest),
            TIMESTAMP_EARLIEST => Some(Self::Earliest),
            TIMESTAMP_MAX => Some(Self::HighestTimestamp),
            0..MILLISECONDS_FROM => Some(Self::Seconds(timestamp)),
            MILLISECONDS_FROM.. => Some(Self::Milliseconds(timestamp)),
            _ => None,
        }
    }
}
