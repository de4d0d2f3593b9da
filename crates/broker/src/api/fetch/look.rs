//! One look at the logs, without a wait for more or for the disk.
//!
//! The answer holds the first batch whole however long it is (a consumer must get past it), and what
//! else fits into the client's limits and ours.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use kafka::batch::Compression;
use kafka::messages::{CurrentLeader, FetchedPartition, FetchedTopic, Records};
use kafka::{ApiVersion, ErrorCode, Offset};
use log::{Cursor, FileRange, Reader};

use super::asked::Asked;
use crate::api::{NODE_ID, first_error};
use crate::cursors::Cursors;

/// What one look found.
#[derive(Debug)]
pub(super) struct Look<'s> {
    /// In the order of what was asked for.
    pub(super) topics: Vec<FetchedTopic<'s>>,
    pub(super) records: Vec<FileRange>,
    pub(super) bytes: u64,
    /// Whether a wait would add nothing: there is more that this answer cannot take, or something to
    /// be told at once.
    pub(super) is_urgent: bool,
    pub(super) error: ErrorCode,
}

/// How a client reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) version: ApiVersion,
    pub(super) isolation_level: i8,
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

/// The isolation level of who wants no records of open or aborted transactions.
const READ_COMMITTED: i8 = 1;
/// From this version on a client reads Zstandard (KIP-110).
const ZSTD_FROM: ApiVersion = ApiVersion(10);
/// From this version on a client knows that the disk can fail.
const STORAGE_ERROR_FROM: ApiVersion = ApiVersion(6);
/// From this version on a client with a fallen epoch is told who leads (KIP-951).
const LEADER_TOLD_FROM: ApiVersion = ApiVersion(16);

impl<'s> Look<'s> {
    /// Looks for at most `bytes_max` bytes.
    pub(super) fn at(
        asked: &[Asked<'s>],
        reading: Reading,
        bytes_max: u64,
        cursors: &mut Cursors,
    ) -> Self {
        let mut budget = Budget { left: bytes_max, empty: true, has_more: false };
        let mut records = Vec::new();
        let mut topics: Vec<FetchedTopic<'s>> = Vec::with_capacity(1);
        for asked in asked {
            let fetched = match asked.readable() {
                Some(reader) => {
                    let mut cursor = cursors.take(reader);
                    let read = read_one(&mut cursor, asked, reading, &mut budget, &mut records);
                    cursors.keep(cursor);
                    read
                }
                None => not_read(asked, reading.version),
            };
            match topics.last_mut() {
                Some(last) if last.name == asked.name && last.topic_id == asked.topic_id => {
                    last.partitions.push(fetched);
                }
                _ => topics.push(FetchedTopic {
                    name: asked.name,
                    topic_id: asked.topic_id,
                    partitions: vec![fetched],
                }),
            }
        }
        let bytes = records.iter().map(FileRange::length).sum();
        let error = first_error(topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error));
        let parts = asked.iter().any(|asked| asked.diverging.is_some());
        Self { topics, records, bytes, is_urgent: budget.has_more || parts, error }
    }

    /// The logs that were read, with the ends at which they were found: what was appended since ends a
    /// wait at once.
    pub(super) fn ends<'a>(&self, asked: &'a [Asked<'s>]) -> Vec<(&'a Reader, Offset)> {
        let fetched = self.topics.iter().flat_map(|topic| &topic.partitions);
        let read = fetched.zip(asked).filter(|(fetched, _)| fetched.error.is_none());
        let end = |(fetched, asked): (&FetchedPartition<'_>, &'a Asked<'s>)| {
            asked.readable().map(|reader| (reader, fetched.high_watermark))
        };
        read.filter_map(end).collect()
    }
}

fn read_one(
    cursor: &mut Cursor,
    asked: &Asked<'_>,
    reading: Reading,
    budget: &mut Budget,
    records: &mut Vec<FileRange>,
) -> FetchedPartition<'static> {
    let Reading { version, isolation_level } = reading;
    let wanted = &asked.partition;
    let limit = u64::try_from(wanted.max_bytes).unwrap_or_default().min(budget.left);
    let outcome = match cursor.read(wanted.fetch_offset, limit) {
        Ok(outcome) => outcome,
        Err(log::Error::OffsetOutOfRange { .. }) => {
            return refused(asked, ErrorCode::OffsetOutOfRange);
        }
        Err(error) => {
            tracing::error!(%error, "the log cannot be read");
            return refused(asked, storage_error(version));
        }
    };
    if outcome.compression == Compression::Zstd && version < ZSTD_FROM {
        return refused(asked, ErrorCode::UnsupportedCompressionType);
    }
    budget.has_more |= !outcome.reaches_end;
    let taken = outcome.range.and_then(|range| budget.take(range, limit));
    let length = taken.as_ref().and_then(|range| usize::try_from(range.length()).ok());
    records.extend(taken);
    FetchedPartition {
        partition: wanted.partition,
        high_watermark: outcome.high_watermark,
        last_stable_offset: outcome.high_watermark,
        log_start_offset: outcome.log_start_offset,
        // There are no transactions; who reads committed records is told so.
        aborted_transactions: (isolation_level == READ_COMMITTED).then(Vec::new),
        records: length.map_or(Records::NONE, Records::Elsewhere),
        ..Default::default()
    }
}

/// The answer about a partition whose records are not read.
fn not_read(asked: &Asked<'_>, version: ApiVersion) -> FetchedPartition<'static> {
    let mut answer = refused(asked, asked.refusal);
    let Some(reader) = asked.reader() else {
        // As Kafka's broker spells it.
        answer.aborted_transactions = Some(Vec::new());
        return answer;
    };
    if let (ErrorCode::FencedLeaderEpoch, true) = (asked.refusal, version >= LEADER_TOLD_FROM) {
        let leader_epoch = reader.leader_epoch();
        answer.current_leader = CurrentLeader { leader_id: NODE_ID, leader_epoch };
    }
    if let Some(diverging_epoch) = asked.diverging {
        answer.diverging_epoch = diverging_epoch;
        answer.high_watermark = reader.high_watermark();
        answer.last_stable_offset = answer.high_watermark;
        answer.log_start_offset = reader.log_start_offset();
    }
    answer
}

fn refused(asked: &Asked<'_>, error: ErrorCode) -> FetchedPartition<'static> {
    FetchedPartition { partition: asked.partition.partition, error, ..Default::default() }
}

/// What a client of this version is told when the disk fails.
pub(super) fn storage_error(version: ApiVersion) -> ErrorCode {
    if version < STORAGE_ERROR_FROM {
        ErrorCode::NotLeaderOrFollower
    } else {
        ErrorCode::KafkaStorageError
    }
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
pub(super) async fn any_beyond(ends: &[(&Reader, Offset)]) {
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
