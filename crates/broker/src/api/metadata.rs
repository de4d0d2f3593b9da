//! Metadata: one broker, and the topics that the caller may see.
//!
//! The cluster id is the incarnation of the log that the caller reads: DTS clients seek again by time
//! when it changes (`ClusterSwitchListener`). Who sees several logs gets the server's own id. The leader
//! epoch is that of the log's writer, one more with each start: a client that has seen an older one asks
//! where that ended (`offset_for_leader_epoch`) and goes on. Topics are never created, whatever the
//! request allows.

use std::collections::HashSet;
use std::sync::Arc;

use change::TopicName;
use kafka::messages::{
    Broker, MetadataRequest, MetadataRequestTopic, MetadataResponse, PartitionMetadata,
    TopicMetadata,
};
use kafka::{ApiVersion, ErrorCode, PartitionId, TopicId};
use log::Reader;

use super::rights::{CLUSTER_OPERATIONS, TOPIC_OPERATIONS};
use super::{Answer, Call, NODE_ID, first_error};
use crate::error::ConnectionError;
use crate::principal::Principal;
use crate::shared::Shared;
use crate::topics::Topic;

/// From this version on a topic that is known by its id alone has no name.
const NULL_NAMES_FROM: ApiVersion = ApiVersion(12);

/// A topic that was asked for, found or not.
#[derive(Debug)]
enum Found<'r> {
    Topic(Arc<Topic>),
    NoSuchName(&'r str, ErrorCode),
    NoSuchId(TopicId),
}

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &MetadataRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let cluster_id = cluster_id(broker, call.principal);
    let found: Vec<Found<'_>> = match &request.topics {
        None => call.principal.visible(&broker.topics).into_iter().map(Found::Topic).collect(),
        Some(asked) => {
            let mut seen = HashSet::new();
            let once = asked.iter().filter(|topic| seen.insert((topic.topic_id, topic.name)));
            once.map(|topic| find(broker, call, topic)).collect()
        }
    };
    let mut topics: Vec<_> = found.iter().map(|found| found.metadata(call.version)).collect();
    if request.include_topic_authorized_operations {
        let found = topics.iter_mut().filter(|topic| topic.error.is_none());
        found.for_each(|topic| topic.topic_authorized_operations = TOPIC_OPERATIONS);
    }
    let error = first_error(topics.iter().map(|topic| topic.error));
    let mut response = MetadataResponse {
        brokers: vec![Broker {
            node_id: NODE_ID,
            host: &call.endpoint.host,
            port: i32::from(call.endpoint.port),
            rack: None,
        }],
        cluster_id: Some(&cluster_id),
        controller_id: NODE_ID,
        topics,
        ..Default::default()
    };
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    call.answer(error, response)
}

/// The identity of the cluster as this principal sees it.
pub(super) fn cluster_id(broker: &Shared, principal: &Principal) -> String {
    let visible = principal.visible(&broker.topics);
    let of_the_log = match visible.as_slice() {
        [only] => only.incarnation().map(|incarnation| incarnation.to_string()),
        _ => None,
    };
    of_the_log.unwrap_or_else(|| broker.cluster_id.clone())
}

fn find<'r>(broker: &Shared, call: &Call<'_>, asked: &MetadataRequestTopic<'r>) -> Found<'r> {
    let name = asked.name.unwrap_or_default();
    if asked.topic_id != TopicId::NONE {
        let found = call.principal.topic_by_id(&broker.topics, asked.topic_id);
        return found.map_or(Found::NoSuchId(asked.topic_id), Found::Topic);
    }
    match call.principal.topic(&broker.topics, name) {
        Some(topic) => Found::Topic(topic),
        None => Found::NoSuchName(name, missing(name)),
    }
}

/// Why there is no topic of this name.
pub(super) fn missing(name: &str) -> ErrorCode {
    match TopicName::new(name) {
        Ok(_) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    }
}

impl Found<'_> {
    fn metadata(&self, version: ApiVersion) -> TopicMetadata<'_> {
        match self {
            Self::Topic(topic) => TopicMetadata {
                name: Some(topic.name.as_str()),
                topic_id: topic.id(),
                partitions: (0..).zip(&topic.partitions).map(partition).collect(),
                ..Default::default()
            },
            Self::NoSuchName(name, error) => {
                TopicMetadata { error: *error, name: Some(name), ..Default::default() }
            }
            Self::NoSuchId(topic_id) => TopicMetadata {
                error: ErrorCode::UnknownTopicId,
                name: (version < NULL_NAMES_FROM).then_some(""),
                topic_id: *topic_id,
                ..Default::default()
            },
        }
    }
}

fn partition((number, reader): (i32, &Reader)) -> PartitionMetadata {
    PartitionMetadata {
        partition: PartitionId(number),
        leader_id: NODE_ID,
        leader_epoch: reader.leader_epoch(),
        replicas: vec![NODE_ID],
        in_sync_replicas: vec![NODE_ID],
        ..Default::default()
    }
}
