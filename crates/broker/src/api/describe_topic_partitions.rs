//! DescribeTopicPartitions: what Metadata says of topics, in the order of their names, page by page.
//!
//! A topic that may not be seen does not exist, as in Metadata. An invalid cursor is told for each topic
//! that was named, because the answer has no error of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, DescribedPartition,
    DescribedTopic, TopicCursor,
};
use kafka::{ErrorCode, LeaderEpoch, PartitionId};

use super::metadata::missing;
use super::rights::TOPIC_OPERATIONS;
use super::{Answer, Call, NODE_ID, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;
use crate::topics::Topic;

/// Partitions of one answer, whatever the client asks for (`max.request.partition.size.limit`).
const PARTITIONS_MAX: usize = 2_000;

/// Topics by name; `None` are not there.
type Found<'r> = BTreeMap<&'r str, Option<&'r Topic>>;

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &DescribeTopicPartitionsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let visible = call.principal.visible(&broker.topics);
    let asked = found(&visible, request);
    let begin = match &request.cursor {
        None => ("", 0),
        Some(cursor) => (cursor.topic_name, cursor.partition.0),
    };
    let is_asked = request.topics.is_empty() || begin.0.is_empty() || asked.contains_key(begin.0);
    let response = if is_asked && begin.1 >= 0 {
        page(&asked, begin, request.response_partition_limit)
    } else {
        let refused = asked.keys().map(|name| unknown(name, ErrorCode::InvalidRequest));
        DescribeTopicPartitionsResponse { topics: refused.collect(), ..Default::default() }
    };
    let error = first_error(response.topics.iter().map(|topic| topic.error));
    call.answer(error, response)
}

/// What was named; everything that can be seen, if nothing was.
fn found<'r>(visible: &'r [Arc<Topic>], request: &DescribeTopicPartitionsRequest<'r>) -> Found<'r> {
    let all: Found<'r> =
        visible.iter().map(|topic| (topic.name.as_str(), Some(topic.as_ref()))).collect();
    if request.topics.is_empty() {
        return all;
    }
    let named = request.topics.iter().map(|topic| topic.name);
    named.map(|name| (name, all.get(name).copied().flatten())).collect()
}

/// The partitions from a place on, as many as fit.
fn page<'r>(
    found: &Found<'r>,
    (first_topic, first_partition): (&'r str, i32),
    limit: i32,
) -> DescribeTopicPartitionsResponse<'r> {
    let mut left = usize::try_from(limit).unwrap_or_default().clamp(1, PARTITIONS_MAX);
    let mut response = DescribeTopicPartitionsResponse::default();
    for (name, topic) in found.range(first_topic..) {
        let Some(topic) = topic else {
            response.topics.push(unknown(name, missing(name)));
            continue;
        };
        let first = if *name == first_topic { first_partition } else { 0 };
        let rest = (0..).zip(&topic.partitions).filter(|(number, _)| *number >= first);
        let partitions: Vec<_> =
            rest.clone().take(left).map(|(number, log)| described(number, log)).collect();
        left -= partitions.len();
        if let Some((number, _)) = rest.clone().nth(partitions.len()) {
            response.next_cursor =
                Some(TopicCursor { topic_name: name, partition: PartitionId(number) });
        }
        if !partitions.is_empty() || topic.partitions.is_empty() {
            response.topics.push(DescribedTopic {
                name: Some(name),
                topic_id: topic.id(),
                partitions,
                topic_authorized_operations: TOPIC_OPERATIONS,
                ..Default::default()
            });
        }
        if response.next_cursor.is_some() {
            break;
        }
    }
    response
}

fn described(number: i32, log: &log::Reader) -> DescribedPartition {
    DescribedPartition {
        partition: PartitionId(number),
        leader_id: NODE_ID,
        leader_epoch: LeaderEpoch(log.leader_epoch().0),
        replicas: vec![NODE_ID],
        in_sync_replicas: vec![NODE_ID],
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..Default::default()
    }
}

fn unknown(name: &str, error: ErrorCode) -> DescribedTopic<'_> {
    DescribedTopic { error, name: Some(name), ..Default::default() }
}
