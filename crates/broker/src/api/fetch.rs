//! Fetch: record batches as they lie in the files, now or when there are enough of them.
//!
//! The answer holds the first batch whole however long it is (a consumer must get past it), and what
//! else fits into the client's limits and ours. Record bytes do not pass through here: the answer names
//! ranges of files, which the connection sends. High watermark and last stable offset are the same,
//! because nothing here is transactional. Fetch sessions (KIP-227) are not kept: session id 0 in every
//! answer tells clients to name all partitions each time, and there are few. A partition that is named
//! twice is refused the second time, so that a request costs no more than there are partitions.
//!
//! What is not in the system's memory is brought there first, by a thread made for waiting (`disk`), so
//! that nobody else waits for it.
//!
//! Left out: leader epochs of the client are not compared (see `offset_for_leader_epoch`), and batches
//! are not looked into, so a zstd log would reach clients older than Fetch v10 too; lz4 is our default
//! for their sake.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kafka::messages::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition, FetchedTopic,
    Records,
};
use kafka::{ApiVersion, ErrorCode, Offset};
use log::{CHECKED_BYTES, Cursor, FileRange, Reader};
use tokio::time::Instant;

use super::{Answer, Call, first_error};
use crate::cursors::Cursors;
use crate::error::ConnectionError;
use crate::shared::Shared;
use crate::topics::{Topic, TopicDirectory};

/// From this version on topics are asked for by id.
const BY_ID_FROM: ApiVersion = ApiVersion(13);

/// What one look at the logs found.
#[derive(Debug)]
struct Look<'r> {
    topics: Vec<FetchedTopic<'r>>,
    records: Vec<FileRange>,
    bytes: u64,
    /// Whether there is more that this answer cannot take: waiting would not add to it.
    has_more: bool,
    error: ErrorCode,
}

/// Bytes that may still be added.
#[derive(Debug)]
struct Budget {
    left: u64,
    /// Whether the answer holds no batch yet: the next one is taken however long it is.
    empty: bool,
    /// Whether something stayed behind, because of a limit or at the end of a file.
    has_more: bool,
}

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &FetchRequest<'_>,
    cursors: &mut Cursors,
) -> Result<Answer, ConnectionError> {
    if request.session_id != 0 {
        let error = ErrorCode::FetchSessionIdNotFound;
        return call.answer(error, FetchResponse { error, ..Default::default() });
    }
    let topics: Vec<_> =
        request.topics.iter().map(|topic| find(&broker.topics, call, topic)).collect();
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or_default());
    let now = Instant::now();
    cursors.begin(now);
    let deadline = now + wait.min(broker.settings.fetch_wait_max);
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or_default();
    let mut stop = call.stop.clone();
    loop {
        warm_up(broker, request, &topics, cursors).await;
        let look = look(broker.answer_bytes(request.max_bytes), call, request, &topics, cursors);
        let ends = ends_of(&look.topics, &topics);
        let enough =
            look.bytes >= min_bytes || look.has_more || !look.error.is_none() || ends.is_empty();
        if enough || stop.is_raised() || Instant::now() >= deadline {
            broker.metrics.fetched(call.principal.label(), look.bytes);
            let response = FetchResponse { topics: look.topics, ..Default::default() };
            let answer = call.answer_with_records(look.error, response, look.records)?;
            return Ok(Answer { checked_bytes: CHECKED_BYTES, ..answer });
        }
        drop(look);
        tokio::select! {
            () = any_beyond(&ends) => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = stop.raised() => {}
        }
    }
}

/// What there is now, without a wait for more of it or for the disk.
///
/// # Errors
/// As for [`answer`].
pub(crate) fn plan(
    topics: &TopicDirectory,
    call: &Call<'_>,
    request: &FetchRequest<'_>,
    cursors: &mut Cursors,
) -> Result<Answer, ConnectionError> {
    let found: Vec<_> = request.topics.iter().map(|topic| find(topics, call, topic)).collect();
    let left = u64::try_from(request.max_bytes).unwrap_or_default();
    let look = look(left, call, request, &found, cursors);
    let response = FetchResponse { topics: look.topics, ..Default::default() };
    call.answer_with_records(look.error, response, look.records)
}

fn find(topics: &TopicDirectory, call: &Call<'_>, asked: &FetchTopic<'_>) -> Option<Arc<Topic>> {
    if call.version >= BY_ID_FROM {
        call.principal.topic_by_id(topics, asked.topic_id)
    } else {
        call.principal.topic(topics, asked.name)
    }
}

/// Waits for the disk where the answer would begin with bytes that are not in memory.
async fn warm_up(
    broker: &Shared,
    request: &FetchRequest<'_>,
    topics: &[Option<Arc<Topic>>],
    cursors: &mut Cursors,
) {
    let mut left = broker.answer_bytes(request.max_bytes);
    let mut seen = HashSet::new();
    for (asked, topic) in request.topics.iter().zip(topics) {
        let Some(topic) = topic else { continue };
        for partition in &asked.partitions {
            let Some(reader) = topic.partition(partition.partition) else { continue };
            if left == 0 {
                return;
            }
            // What is refused waits for nothing.
            if !seen.insert((&topic.name, partition.partition)) {
                continue;
            }
            let limit = u64::try_from(partition.max_bytes).unwrap_or_default().min(left);
            let mut cursor = cursors.take(reader);
            if !cursor.is_warm(partition.fetch_offset, limit) {
                let bytes;
                (cursor, bytes) = broker.disk.prepare(cursor, partition.fetch_offset, limit).await;
                left = left.saturating_sub(bytes);
            }
            cursors.keep(cursor);
        }
    }
}

/// The readers that were asked for, with the ends at which the look found them: what was appended since
/// ends the wait at once.
fn ends_of<'t>(
    looked: &[FetchedTopic<'_>],
    topics: &'t [Option<Arc<Topic>>],
) -> Vec<(&'t Reader, Offset)> {
    let mut ends = Vec::new();
    for (looked, topic) in looked.iter().zip(topics) {
        let Some(topic) = topic else { continue };
        for partition in looked.partitions.iter().filter(|partition| partition.error.is_none()) {
            let reader = topic.partition(partition.partition);
            ends.extend(reader.map(|reader| (reader, partition.high_watermark)));
        }
    }
    ends
}

fn look<'r>(
    left: u64,
    call: &Call<'_>,
    request: &FetchRequest<'r>,
    topics: &[Option<Arc<Topic>>],
    cursors: &mut Cursors,
) -> Look<'r> {
    let mut budget = Budget { left, empty: true, has_more: false };
    let mut seen = HashSet::new();
    let mut records = Vec::new();
    let mut fetched = Vec::with_capacity(request.topics.len());
    for (asked, topic) in request.topics.iter().zip(topics) {
        let unknown = if call.version >= BY_ID_FROM {
            ErrorCode::UnknownTopicId
        } else {
            ErrorCode::UnknownTopicOrPartition
        };
        let read = |partition: &FetchPartition| match topic {
            None => refused(partition, unknown),
            Some(topic) if !seen.insert((&topic.name, partition.partition)) => {
                refused(partition, ErrorCode::InvalidRequest)
            }
            Some(topic) => match topic.partition(partition.partition) {
                Some(reader) => {
                    let mut cursor = cursors.take(reader);
                    let read = read_one(&mut cursor, partition, &mut budget, &mut records);
                    cursors.keep(cursor);
                    read
                }
                None => refused(partition, ErrorCode::UnknownTopicOrPartition),
            },
        };
        let partitions = asked.partitions.iter().map(read).collect();
        fetched.push(FetchedTopic { name: asked.name, topic_id: asked.topic_id, partitions });
    }
    let bytes = records.iter().map(FileRange::length).sum();
    let error = first_error(fetched.iter().flat_map(|topic| &topic.partitions).map(|p| p.error));
    Look { topics: fetched, records, bytes, has_more: budget.has_more, error }
}

fn read_one(
    cursor: &mut Cursor,
    asked: &FetchPartition,
    budget: &mut Budget,
    records: &mut Vec<FileRange>,
) -> FetchedPartition<'static> {
    let limit = u64::try_from(asked.max_bytes).unwrap_or_default().min(budget.left);
    let outcome = match cursor.read(asked.fetch_offset, limit) {
        Ok(outcome) => outcome,
        Err(log::Error::OffsetOutOfRange { .. }) => {
            return refused(asked, ErrorCode::OffsetOutOfRange);
        }
        Err(error) => {
            tracing::error!(%error, "the log cannot be read");
            return refused(asked, ErrorCode::KafkaStorageError);
        }
    };
    budget.has_more |= !outcome.reaches_end;
    let taken = outcome.range.and_then(|range| budget.take(range, limit));
    let length = taken.as_ref().and_then(|range| usize::try_from(range.length()).ok());
    records.extend(taken);
    FetchedPartition {
        partition: asked.partition,
        high_watermark: outcome.high_watermark,
        last_stable_offset: outcome.high_watermark,
        log_start_offset: outcome.log_start_offset,
        records: length.map_or(Records::NONE, Records::Elsewhere),
        ..Default::default()
    }
}

impl Shared {
    /// Bytes that an answer may hold if the client asks for so many.
    fn answer_bytes(&self, asked: i32) -> u64 {
        u64::try_from(asked).unwrap_or_default().min(self.settings.fetch_bytes_max)
    }
}

fn refused(asked: &FetchPartition, error: ErrorCode) -> FetchedPartition<'static> {
    FetchedPartition { partition: asked.partition, error, ..Default::default() }
}

impl Budget {
    /// Takes a range that was read with `limit`, unless it is a single longer batch behind others.
    fn take(&mut self, range: FileRange, limit: u64) -> Option<FileRange> {
        if range.length() > limit && !self.empty {
            self.has_more = true;
            return None;
        }
        self.empty = false;
        self.left = self.left.saturating_sub(range.length());
        Some(range)
    }
}

/// Waits until one of the logs has grown beyond its end.
async fn any_beyond(ends: &[(&Reader, Offset)]) {
    if let [(reader, end)] = ends {
        reader.wait_beyond(*end).await;
        return;
    }
    /// The wait for one log.
    type Wait<'w> = Pin<Box<dyn Future<Output = Offset> + Send + 'w>>;
    let mut waits: Vec<Wait<'_>> = Vec::with_capacity(ends.len());
    for (reader, end) in ends {
        waits.push(Box::pin(reader.wait_beyond(*end)));
    }
    std::future::poll_fn(|context| {
        let grown = waits.iter_mut().any(|wait| wait.as_mut().poll(context).is_ready());
        if grown { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
