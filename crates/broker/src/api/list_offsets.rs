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
//! partition that is named twice is refused, once, as in Kafka.
//!
//! All that the log holds is on this machine, so the first offset that is here (KIP-405) is the first of
//! all, and none is elsewhere. Version 0 is from before times were looked up by record: it answers where
//! segments begin, the newest first, that were written before the asked time.
//!
//! What stands on the disk is looked up by a thread made for waiting.

use std::collections::HashSet;

use change::UnixTime;
use kafka::messages::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListedPartition, ListedTopic,
    TIMESTAMP_EARLIEST, TIMESTAMP_EARLIEST_LOCAL, TIMESTAMP_EARLIEST_PENDING_UPLOAD,
    TIMESTAMP_LATEST, TIMESTAMP_LATEST_TIERED, TIMESTAMP_MAX,
};
use kafka::{ApiVersion, ErrorCode, LeaderEpoch, Offset, PartitionId};
use log::Reader;

use super::epochs::leader_epoch_error;
use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From here on a time is milliseconds.
const MILLISECONDS_FROM: i64 = 10_000_000_000;
/// How far a client's clock may be ahead of ours.
const CLOCK_SKEW_MS: i64 = 5_000;
/// From this version on a client is told the epoch of what was found, and says its own.
const EPOCHS_FROM: ApiVersion = ApiVersion(4);

/// An offset with the time it stands for, in the unit of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listed {
    offset: Offset,
    timestamp: i64,
    leader_epoch: LeaderEpoch,
}

/// Nothing matches.
const NONE: Listed =
    Listed { offset: Offset::NONE, timestamp: -1, leader_epoch: LeaderEpoch::NONE };

/// A time as a client means it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Latest,
    Earliest,
    HighestTimestamp,
    /// What has left this machine, or is about to: nothing does.
    Elsewhere,
    Seconds(i64),
    Milliseconds(i64),
}

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &ListOffsetsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let now = broker.clock.now();
    let twice = named_twice(request);
    let mut seen = HashSet::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in &request.topics {
        let topic = call.principal.topic(&broker.topics, asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in &asked.partitions {
            let place = (asked.name, partition.partition);
            if !seen.insert(place) {
                continue;
            }
            let reader = topic.as_ref().and_then(|topic| topic.partition(partition.partition));
            partitions.push(match reader {
                None => listed(partition, Err(ErrorCode::UnknownTopicOrPartition)),
                Some(_) if twice.contains(&place) => {
                    listed(partition, Err(ErrorCode::InvalidRequest))
                }
                Some(reader) if call.version == ApiVersion(0) => segments(reader, partition, now),
                Some(reader) => {
                    listed(partition, list(broker, call.version, reader, partition, now).await)
                }
            });
        }
        topics.push(ListedTopic { name: asked.name, partitions });
    }
    let errors = topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error);
    let error = first_error(errors);
    call.answer(error, ListOffsetsResponse { topics, ..Default::default() })
}

/// The partitions that a request names more than once.
fn named_twice<'r>(request: &ListOffsetsRequest<'r>) -> HashSet<(&'r str, PartitionId)> {
    let mut seen = HashSet::new();
    let topics = request.topics.iter();
    let places = topics.flat_map(|topic| {
        topic.partitions.iter().map(|partition| (topic.name, partition.partition))
    });
    places.filter(|place| !seen.insert(*place)).collect()
}

fn listed(partition: &ListOffsetsPartition, result: Result<Listed, ErrorCode>) -> ListedPartition {
    let (found, error) = match result {
        Ok(found) => (found, ErrorCode::None),
        Err(error) => (NONE, error),
    };
    ListedPartition {
        partition: partition.partition,
        error,
        old_style_offsets: Vec::new(),
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: found.leader_epoch,
    }
}

/// The answer of version 0.
fn segments(reader: &Reader, asked: &ListOffsetsPartition, now: UnixTime) -> ListedPartition {
    let answer = |error, old_style_offsets| ListedPartition {
        partition: asked.partition,
        error,
        old_style_offsets,
        ..Default::default()
    };
    let mut begins = reader.segments();
    let end = reader.high_watermark();
    let end = log::TimedOffset { offset: end, timestamp_ms: now.millis() };
    if begins.last().is_none_or(|last| last.offset < end.offset) {
        begins.push(end);
    }
    let until = match Asked::parse(asked.timestamp, ApiVersion(1)) {
        Some(Asked::Latest) => begins.len(),
        Some(Asked::Earliest) => 1,
        Some(Asked::Seconds(time)) => written_until(&begins, time.saturating_mul(1_000)),
        Some(Asked::Milliseconds(time)) => written_until(&begins, time),
        Some(Asked::HighestTimestamp | Asked::Elsewhere) | None => {
            return answer(ErrorCode::UnsupportedVersion, Vec::new());
        }
    };
    let most = usize::try_from(asked.max_num_offsets).unwrap_or_default();
    let newest_first = begins.get(..until).unwrap_or_default().iter().rev();
    answer(ErrorCode::None, newest_first.take(most).map(|begin| begin.offset.0).collect())
}

/// How many segments up to the last one that was written before this time.
fn written_until(begins: &[log::TimedOffset], time_ms: i64) -> usize {
    let last = begins.iter().rposition(|begin| begin.timestamp_ms <= time_ms);
    last.map_or(0, |last| last.saturating_add(1))
}

async fn list(
    broker: &Shared,
    version: ApiVersion,
    reader: &Reader,
    asked: &ListOffsetsPartition,
    now: UnixTime,
) -> Result<Listed, ErrorCode> {
    let error = leader_epoch_error(asked.current_leader_epoch, reader.leader_epoch());
    if !error.is_none() {
        return Err(error);
    }
    let time = Asked::parse(asked.timestamp, version).ok_or(ErrorCode::UnsupportedVersion)?;
    let with_epoch = version >= EPOCHS_FROM;
    match time {
        Asked::Elsewhere => Ok(NONE),
        Asked::Latest => Ok(Listed {
            offset: reader.high_watermark(),
            timestamp: -1,
            leader_epoch: reader.leader_epoch(),
        }),
        Asked::Earliest if !with_epoch => Ok(Listed { offset: reader.log_start_offset(), ..NONE }),
        Asked::Earliest | Asked::HighestTimestamp | Asked::Seconds(_) | Asked::Milliseconds(_) => {
            let (log, asked) = (reader.clone(), asked.timestamp);
            let found = broker.disk.run(move || find(&log, time, asked, with_epoch, now)).await;
            found.unwrap_or(Err(ErrorCode::KafkaStorageError))
        }
    }
}

/// Looks up what stands on the disk; waits for it.
fn find(
    reader: &Reader,
    time: Asked,
    asked: i64,
    with_epoch: bool,
    now: UnixTime,
) -> Result<Listed, ErrorCode> {
    let found = match time {
        Asked::Earliest => Ok(Some(Listed { offset: reader.log_start_offset(), ..NONE })),
        time => at_time(reader, time),
    };
    let failed = |error: log::Error| {
        tracing::error!(%error, "a time cannot be looked up in the log");
        ErrorCode::KafkaStorageError
    };
    let mut listed = match found.map_err(failed)? {
        Some(found) => found,
        None => return Ok(at_end(reader, time, asked, now)),
    };
    if with_epoch {
        listed.leader_epoch = match reader.epoch_at(listed.offset) {
            // Retention came in between.
            Err(log::Error::OffsetOutOfRange { .. }) => LeaderEpoch::NONE,
            epoch => epoch.map_err(failed)?,
        };
    }
    Ok(listed)
}

/// The first record of a time or later.
fn at_time(reader: &Reader, time: Asked) -> Result<Option<Listed>, log::Error> {
    let Some(range) = reader.data_range() else { return Ok(None) };
    let (time_ms, per_unit) = match time {
        Asked::Seconds(time) if time < range.first_ms.div_euclid(1_000) => return Ok(Some(NONE)),
        Asked::Seconds(time) => (time.saturating_mul(1_000), 1_000),
        Asked::Milliseconds(time) => (time, 1),
        _ => (range.last_ms, 1),
    };
    let found = reader.offset_for_time(time_ms)?;
    Ok(found.map(|found| Listed {
        offset: found.offset,
        timestamp: found.timestamp_ms.div_euclid(per_unit),
        leader_epoch: LeaderEpoch::NONE,
    }))
}

/// What a time is answered that no record has: "now" is the end of the log, the future is nothing.
fn at_end(reader: &Reader, time: Asked, asked: i64, now: UnixTime) -> Listed {
    let time_ms = match time {
        Asked::Seconds(time) => time.saturating_mul(1_000),
        Asked::Milliseconds(time) => time,
        _ => return NONE,
    };
    if time_ms > now.millis().saturating_add(CLOCK_SKEW_MS) {
        return NONE;
    }
    let (offset, leader_epoch) = (reader.high_watermark(), reader.leader_epoch());
    Listed { offset, timestamp: asked, leader_epoch }
}

impl Asked {
    /// What a client of this version means; `None` if it cannot mean anything. Each constant came with a
    /// version of its own.
    fn parse(timestamp: i64, version: ApiVersion) -> Option<Self> {
        match (timestamp, version.0) {
            (TIMESTAMP_LATEST, _) => Some(Self::Latest),
            (TIMESTAMP_EARLIEST, _) | (TIMESTAMP_EARLIEST_LOCAL, 8..) => Some(Self::Earliest),
            (TIMESTAMP_MAX, 7..) => Some(Self::HighestTimestamp),
            (TIMESTAMP_LATEST_TIERED, 9..) | (TIMESTAMP_EARLIEST_PENDING_UPLOAD, 11..) => {
                Some(Self::Elsewhere)
            }
            (0..MILLISECONDS_FROM, _) => Some(Self::Seconds(timestamp)),
            (MILLISECONDS_FROM.., _) => Some(Self::Milliseconds(timestamp)),
            _ => None,
        }
    }
}
