//! Fetch: records, now or when there are enough of them.
//!
//! Record batches go out as they lie in the files: the answer names ranges of files, which the connection
//! sends, and no record passes through here. Only clients of Kafka 0.10 and older get message sets that
//! are made for them (`older`). High watermark and last stable offset are the same, because nothing here
//! is transactional; so a client that reads committed records alone reads all of them.
//!
//! What is not in the system's memory is brought there first, by a thread made for waiting (`disk`), so
//! that nobody else waits for it.
//!
//! `asked` is the list of what is wanted, from the request or from its session (`session`, KIP-227);
//! `look` reads it.

mod asked;
mod look;
mod older;
pub(crate) mod session;

use std::sync::PoisonError;
use std::time::Duration;

use kafka::messages::{Broker, FetchPartition, FetchRequest, FetchResponse, FetchedTopic};
use kafka::{ErrorCode, Offset};
use log::CHECKED_BYTES;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Answer, Call, Endpoint, NODE_ID};
use crate::cursors::Cursors;
use crate::error::ConnectionError;
use crate::shared::Shared;
use crate::topics::TopicDirectory;

pub(crate) use older::Conversions;
pub(crate) use session::FetchSessions;

use asked::Asked;
use look::{Look, Reading};
use session::{Opened, Place};

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &FetchRequest<'_>,
    cursors: &mut Cursors,
) -> Result<Answer, ConnectionError> {
    let now = Instant::now();
    let opened = match open_session(broker, call, request, now) {
        Ok(opened) => opened,
        Err(error) => {
            return call.answer(error, FetchResponse { error, ..Default::default() });
        }
    };
    let account = call.principal.account();
    let owed = account.map(|group| broker.quotas().wait(now.into_std(), group));
    if let Some(throttle) = owed.filter(|owed| !owed.is_zero()) {
        return throttled(broker, call, &opened, throttle);
    }
    let mut asked = match &opened {
        Opened::Incremental(held) => asked::by_session(&broker.topics, call, held),
        Opened::Sessionless | Opened::Full => asked::by_request(&broker.topics, call, request),
    };
    asked::compare_epochs(&broker.disk, &mut asked).await;
    cursors.begin(now);
    let mut look = wait_and_look(broker, call, request, &asked, cursors, now).await;
    let mut memory = None;
    if let Some(format) = older::format_of(call.version) {
        memory = broker.conversions.convert(&mut look, &asked, format, call.version).await;
    }
    broker.metrics.fetched(call.principal.label(), look.bytes);
    let took = |group| broker.quotas().took(Instant::now().into_std(), group, look.bytes);
    let throttle = account.map(took).unwrap_or_default();
    broker.metrics.throttled(call.principal.label(), throttle);
    let session = keep_session(broker, call, &opened, &asked, &mut look.topics);
    let (session_id, error) = session.unwrap_or_else(|error| (request.session_id, error));
    let mut told = look.topics.iter().flat_map(|topic| &topic.partitions);
    let leader = told.any(|told| told.current_leader.leader_id >= 0).then_some(call.endpoint);
    let node_endpoints = leader.into_iter().map(this_node).collect();
    let counted = if error.is_none() { look.error } else { error };
    let topics = look.topics;
    let throttle_time_ms = millis(throttle);
    let response = FetchResponse { throttle_time_ms, error, session_id, topics, node_endpoints };
    let answer = call.answer_with_records(counted, response, look.records)?;
    Ok(Answer { checked_bytes: CHECKED_BYTES, memory, throttle, ..answer })
}

/// Nothing, for a group that has fetched more than its quota; a session goes on, as with Kafka.
fn throttled(
    broker: &Shared,
    call: &Call<'_>,
    opened: &Opened,
    throttle: Duration,
) -> Result<Answer, ConnectionError> {
    broker.metrics.throttled(call.principal.label(), throttle);
    let session_id = match opened {
        Opened::Incremental(held) => held.id,
        Opened::Sessionless | Opened::Full => 0,
    };
    let throttle_time_ms = millis(throttle);
    let response = FetchResponse { throttle_time_ms, session_id, ..Default::default() };
    Ok(Answer { throttle, ..call.answer(ErrorCode::None, response)? })
}

/// As clients are told it: not shorter than it is.
fn millis(throttle: Duration) -> i32 {
    i32::try_from(throttle.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

/// What there is now, without a session and without a wait for more of it or for the disk.
///
/// # Errors
/// As for [`answer`].
pub(crate) fn plan(
    topics: &TopicDirectory,
    call: &Call<'_>,
    request: &FetchRequest<'_>,
    cursors: &mut Cursors,
) -> Result<Answer, ConnectionError> {
    let asked = asked::by_request(topics, call, request);
    let bytes_max = u64::try_from(request.max_bytes).unwrap_or_default();
    let look = Look::at(&asked, reading(call, request), bytes_max, cursors);
    let response = FetchResponse { topics: look.topics, ..Default::default() };
    call.answer_with_records(look.error, response, look.records)
}

/// Looks again and again, until there is enough, or something to be told at once, or the time is over.
async fn wait_and_look<'s>(
    broker: &Shared,
    call: &Call<'_>,
    request: &FetchRequest<'_>,
    asked: &[Asked<'s>],
    cursors: &mut Cursors,
    now: Instant,
) -> Look<'s> {
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or_default());
    let deadline = now + wait.min(broker.settings.fetch_wait_max);
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or_default();
    let mut bytes_max = u64::try_from(request.max_bytes).unwrap_or_default();
    bytes_max = bytes_max.min(broker.settings.fetch_bytes_max);
    if let Some(group) = call.principal.account() {
        bytes_max = bytes_max.min(broker.quotas().bytes_max(group));
    }
    if older::format_of(call.version).is_some() {
        bytes_max = bytes_max.min(older::ANSWER_BYTES_MAX);
    }
    let mut stop = call.stop.clone();
    loop {
        warm_up(broker, asked, bytes_max, cursors).await;
        let look = Look::at(asked, reading(call, request), bytes_max, cursors);
        let ends = look.ends(asked);
        let enough =
            look.bytes >= min_bytes || look.is_urgent || !look.error.is_none() || ends.is_empty();
        if enough || stop.is_raised() || Instant::now() >= deadline {
            return look;
        }
        drop(look);
        tokio::select! {
            () = look::any_beyond(&ends) => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = stop.raised() => {}
        }
    }
}

/// Waits for the disk where the answer would begin with bytes that are not in memory.
async fn warm_up(broker: &Shared, asked: &[Asked<'_>], bytes_max: u64, cursors: &mut Cursors) {
    let mut left = bytes_max;
    for asked in asked {
        let Some(reader) = asked.readable() else { continue };
        if left == 0 {
            return;
        }
        let FetchPartition { max_bytes, fetch_offset, .. } = asked.partition;
        let limit = u64::try_from(max_bytes).unwrap_or_default().min(left);
        let mut cursor = cursors.take(reader);
        if !cursor.is_warm(fetch_offset, limit) {
            let bytes;
            (cursor, bytes) = broker.disk.prepare(cursor, fetch_offset, limit).await;
            left = left.saturating_sub(bytes);
        }
        cursors.keep(cursor);
    }
}

fn reading(call: &Call<'_>, request: &FetchRequest<'_>) -> Reading {
    Reading { version: call.version, isolation_level: request.isolation_level }
}

fn open_session(
    broker: &Shared,
    call: &Call<'_>,
    request: &FetchRequest<'_>,
    now: Instant,
) -> Result<Opened, ErrorCode> {
    if session::is_none(request) {
        return Ok(Opened::Sessionless);
    }
    let mut sessions = broker.fetch_sessions.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.open(now.into_std(), call.principal, asked::is_by_id(call.version), request)
}

/// Takes out what the client knows, or begins a session; answers the session's id.
fn keep_session(
    broker: &Shared,
    call: &Call<'_>,
    opened: &Opened,
    asked: &[Asked<'_>],
    topics: &mut Vec<FetchedTopic<'_>>,
) -> Result<(i32, ErrorCode), ErrorCode> {
    if matches!(opened, Opened::Sessionless) {
        return Ok((0, ErrorCode::None));
    }
    let mut sessions = broker.fetch_sessions.lock().unwrap_or_else(PoisonError::into_inner);
    if let Opened::Incremental(held) = opened {
        let answered = sessions.answer(held, topics);
        if answered.is_err() {
            topics.clear();
        }
        return answered.map(|()| (held.id, ErrorCode::None));
    }
    let fetched = topics.iter().flat_map(|topic| &topic.partitions);
    let answered: Vec<(Place, FetchPartition, Offset, Offset)> = fetched
        .zip(asked)
        .map(|(fetched, asked)| {
            let place = Place {
                name: asked.name.into(),
                topic_id: asked.topic_id,
                partition: asked.partition.partition,
            };
            (place, asked.partition.clone(), fetched.high_watermark, fetched.log_start_offset)
        })
        .collect();
    let is_by_id = asked::is_by_id(call.version);
    let draw = || {
        let (_, random) = Uuid::new_v4().as_u64_pair();
        i32::try_from(random & POSITIVE_BITS).unwrap_or_default()
    };
    let id = sessions.create(Instant::now().into_std(), call.principal, is_by_id, &answered, draw);
    Ok((id, ErrorCode::None))
}

/// Random ids have these bits, so that they are positive.
const POSITIVE_BITS: u64 = 0x7fff_ffff;

/// Where this broker is, for a client that has to find the leader again.
fn this_node(endpoint: &Endpoint) -> Broker<'_> {
    Broker { node_id: NODE_ID, host: &endpoint.host, port: i32::from(endpoint.port), rack: None }
}
