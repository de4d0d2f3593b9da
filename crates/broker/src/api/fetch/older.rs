//! Message sets for clients of Kafka 0.10 and older: batches are read, converted and held until they are
//! sent.
//!
//! All others get their records as they lie in the files. These few get a copy, so it takes memory and a
//! core: both are asked for first. An answer is short, and only so many are made at a time, by threads
//! made for waiting. How much a batch decompresses to is known only afterwards, so more memory is asked
//! for when what there is turns out to be too little; what was held is let go before.

use std::io;
use std::time::Duration;

use budget::{Budget, Lane, Permit, Share};
use kafka::batch::{BatchHeader, HEADER_LEN};
use kafka::message_set::{Conversion, MessageFormat, Room};
use kafka::messages::Records;
use kafka::{ApiVersion, ErrorCode, Offset};
use log::FileRange;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::asked::Asked;
use super::look::{Look, storage_error};

/// What conversions share.
#[derive(Debug)]
pub(crate) struct Conversions {
    share: Share,
    places: Semaphore,
}

/// What is to be converted of one partition.
#[derive(Debug, Clone)]
struct Job {
    range: FileRange,
    from: Offset,
    bytes_max: usize,
}

/// Why a batch was not converted.
#[derive(Debug)]
enum Failure {
    /// It takes more memory than there was.
    Room,
    /// It cannot be read, or has no older form.
    Error(ErrorCode),
}

/// Bytes of an answer, but for a single longer message.
pub(super) const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Conversions at a time.
const PLACES: usize = 2;
/// What a conversion may take at first: batches are shorter, unless a row is longer.
const ROOM_BYTES: usize = 8 << 20;
/// What sending an answer takes besides its records.
const SENDING_BYTES: usize = 256 << 10;
/// Grows by this, until a batch fits.
const ROOM_GROWTH: usize = 4;
/// Nothing that was written needs more.
const ROOM_BYTES_MAX: usize = 2 << 30;
/// How long a client waits for memory before it is told that there is nothing yet.
const PATIENCE: Duration = Duration::from_secs(20);

/// The message format that a client of this version reads; `None` if it reads record batches.
pub(super) const fn format_of(version: ApiVersion) -> Option<MessageFormat> {
    match version.0 {
        ..=1 => Some(MessageFormat::V0),
        2 | 3 => Some(MessageFormat::V1),
        _ => None,
    }
}

impl Conversions {
    /// Of a broker that begins.
    pub(crate) fn new(budget: &Budget) -> Self {
        Self { share: budget.share(Lane::Serving, 0), places: Semaphore::new(PLACES) }
    }

    /// Puts message sets into the place of the record batches that a look found. Answers the right to
    /// hold and to send them. Where there is no memory in time, the answer has no records, and the client
    /// asks again.
    pub(super) async fn convert(
        &self,
        look: &mut Look<'_>,
        asked: &[Asked<'_>],
        format: MessageFormat,
        version: ApiVersion,
    ) -> Option<Permit> {
        let jobs = jobs(look, asked);
        if jobs.is_empty() {
            return None;
        }
        let (sets, permit) = self.sets(jobs, format, version).await;
        put(look, sets);
        permit
    }

    async fn sets(
        &self,
        jobs: Vec<Job>,
        format: MessageFormat,
        version: ApiVersion,
    ) -> (Vec<Result<Vec<u8>, ErrorCode>>, Option<Permit>) {
        let Ok(_place) = self.places.acquire().await else { return (Vec::new(), None) };
        let mut room = ROOM_BYTES;
        loop {
            let Ok(Ok(mut permit)) = timeout(PATIENCE, self.share.acquire(room)).await else {
                return (Vec::new(), None);
            };
            let work = jobs.clone();
            match spawn_blocking(move || convert_all(&work, format, room)).await {
                Ok(Ok(sets)) => {
                    let held: usize = sets.iter().flatten().map(Vec::capacity).sum();
                    permit.shrink_to(held.saturating_add(SENDING_BYTES));
                    return (sets, Some(permit));
                }
                Ok(Err(Failure::Room)) if room < ROOM_BYTES_MAX => {
                    room = room.saturating_mul(ROOM_GROWTH).min(ROOM_BYTES_MAX);
                }
                Ok(Err(Failure::Error(error))) => return (vec![Err(error)], None),
                Ok(Err(Failure::Room)) | Err(_) => {
                    tracing::error!("a batch cannot be converted for a client of Kafka 0.10");
                    return (vec![Err(storage_error(version))], None);
                }
            }
        }
    }
}

/// Each range of a look, with what was asked for.
fn jobs(look: &mut Look<'_>, asked: &[Asked<'_>]) -> Vec<Job> {
    let mut ranges = std::mem::take(&mut look.records).into_iter();
    let fetched = look.topics.iter().flat_map(|topic| &topic.partitions);
    let with_records =
        fetched.zip(asked).filter(|(fetched, _)| matches!(fetched.records, Records::Elsewhere(_)));
    let job = |(_, asked): (_, &Asked<'_>)| {
        let bytes_max = usize::try_from(asked.partition.max_bytes).unwrap_or_default();
        Some(Job { range: ranges.next()?, from: asked.partition.fetch_offset, bytes_max })
    };
    with_records.filter_map(job).collect()
}

/// Puts sets where records were; partitions behind the last set get nothing.
fn put(look: &mut Look<'_>, sets: Vec<Result<Vec<u8>, ErrorCode>>) {
    let mut sets = sets.into_iter();
    for fetched in look.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        if !matches!(fetched.records, Records::Elsewhere(_)) {
            continue;
        }
        fetched.records = Records::NONE;
        match sets.next() {
            Some(Ok(set)) if !set.is_empty() => {
                fetched.records = Records::Elsewhere(set.len());
                look.records.push(FileRange::in_memory(set));
            }
            Some(Err(error)) => {
                (fetched.error, fetched.high_watermark) = (error, Offset::NONE);
                look.error = error;
            }
            Some(Ok(_)) | None => {}
        }
    }
    look.bytes = look.records.iter().map(FileRange::length).sum();
}

/// Converts one range after the other, until the answer is long enough.
fn convert_all(
    jobs: &[Job],
    format: MessageFormat,
    room: usize,
) -> Result<Vec<Result<Vec<u8>, ErrorCode>>, Failure> {
    let mut left = usize::try_from(ANSWER_BYTES_MAX).unwrap_or(usize::MAX);
    let mut sets: Vec<Result<Vec<u8>, ErrorCode>> = Vec::with_capacity(jobs.len());
    for job in jobs {
        if left == 0 {
            break;
        }
        match convert_one(job, format, left, room) {
            Ok(set) => {
                left = left.saturating_sub(set.len());
                sets.push(Ok(set));
            }
            Err(Failure::Error(error)) => sets.push(Err(error)),
            // The next request begins with it.
            Err(Failure::Room) if !sets.is_empty() => break,
            Err(Failure::Room) => return Err(Failure::Room),
        }
    }
    Ok(sets)
}

/// Converts a range as far as it goes. What cannot be converted is told when a request begins with it.
fn convert_one(
    job: &Job,
    format: MessageFormat,
    left: usize,
    room: usize,
) -> Result<Vec<u8>, Failure> {
    let bytes_max = job.bytes_max.min(left);
    // Held at once: a batch, its records decompressed, those that are to be compressed again, and the
    // set with the last of them.
    let part_max = room.saturating_sub(bytes_max) / 4;
    let mut conversion = Conversion::new(format, job.from, bytes_max, part_max);
    let mut batch = Vec::new();
    let mut position = 0;
    while position < job.range.length() {
        let next = read_batch(&job.range, position, part_max, &mut batch);
        let added = next.and_then(|next| Ok((next, conversion.add(&batch)?)));
        match added {
            Ok((next, Room::Left)) => position = next,
            Ok((_, Room::None)) => break,
            Err(failure) if conversion.is_empty() => return Err(failure),
            Err(_) => break,
        }
    }
    Ok(conversion.finish())
}

/// Reads the batch at `position`, and answers where the next one is.
fn read_batch(
    range: &FileRange,
    position: u64,
    bytes_max: usize,
    batch: &mut Vec<u8>,
) -> Result<u64, Failure> {
    let mut header = [0; HEADER_LEN];
    range.read_part(position, &mut header)?;
    let length = BatchHeader::parse(&header)?.batch_len;
    if length > bytes_max {
        return Err(Failure::Room);
    }
    batch.resize(length, 0);
    range.read_part(position, batch)?;
    Ok(position.saturating_add(length as u64))
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the log cannot be read");
        Self::Error(ErrorCode::KafkaStorageError)
    }
}

impl From<kafka::Error> for Failure {
    fn from(error: kafka::Error) -> Self {
        match error {
            kafka::Error::DecompressedTooLarge { .. } => Self::Room,
            kafka::Error::Unwritable { .. } => Self::Error(ErrorCode::UnsupportedCompressionType),
            error => {
                tracing::error!(%error, "a batch cannot be converted");
                Self::Error(ErrorCode::CorruptMessage)
            }
        }
    }
}
