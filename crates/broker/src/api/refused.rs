//! What Kafka's admin clients and producers ask and never get here: to make, change or delete topics,
//! records, settings and access rules, and to write transactions.
//!
//! Each thing that was named gets the error that Kafka gives to who lacks the right to it (see
//! [`super::rights`]). What is named twice is refused twice: an answer is no longer than its question.

use kafka::messages::{
    AlterConfigsRequest, AlterConfigsResponse, AlteredConfigs, CreateAclsRequest,
    CreateAclsResponse, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
    CreateTopicsResponse, CreatedAcl, CreatedTopic, DeletableTopic, DeleteAclsRequest,
    DeleteAclsResponse, DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, DeletedAcls, DeletedRecordsPartition, DeletedRecordsTopic, DeletedTopic,
    DescribeAclsResponse, GrownTopic, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, InitProducerIdRequest, InitProducerIdResponse,
    RESOURCE_BROKER, RESOURCE_BROKER_LOGGER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP,
    RESOURCE_TOPIC,
};
use kafka::{ErrorCode, TopicId};

use super::rights::{CLUSTER_REFUSAL, GROUP_REFUSAL, Refusal, TOPIC_REFUSAL};
use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;

type Answered = Result<Answer, ConnectionError>;

pub(super) fn create_topics(call: &Call<'_>, request: &CreateTopicsRequest<'_>) -> Answered {
    let Refusal { error, message } = TOPIC_REFUSAL;
    let refuse = |name| CreatedTopic {
        name,
        error,
        error_message: Some(message),
        configs: Some(Vec::new()),
        ..Default::default()
    };
    let topics: Vec<_> = request.topics.iter().map(|topic| refuse(topic.name)).collect();
    let error = first_error(topics.iter().map(|topic| topic.error));
    call.answer(error, CreateTopicsResponse { topics, ..Default::default() })
}

/// A topic is named, or, since version 6, given by its id; an id that nobody may see does not exist.
pub(super) fn delete_topics(
    broker: &Shared,
    call: &Call<'_>,
    request: &DeleteTopicsRequest<'_>,
) -> Answered {
    let named = request
        .topic_names
        .iter()
        .map(|name| DeletableTopic { name: Some(name), topic_id: TopicId::NONE });
    let asked: Vec<_> = named.chain(request.topics.iter().cloned()).collect();
    let found: Vec<_> = asked
        .iter()
        .map(|topic| call.principal.topic_by_id(&broker.topics, topic.topic_id))
        .collect();
    let refuse = |(asked, found): (&DeletableTopic<'_>, &'_ Option<_>)| {
        let (error, message) = match (asked.name, found) {
            (None, _) if asked.topic_id == TopicId::NONE => {
                (ErrorCode::InvalidRequest, "neither a name nor an id was given")
            }
            (Some(_), _) if asked.topic_id != TopicId::NONE => {
                (ErrorCode::InvalidRequest, "a name and an id were given")
            }
            (None, None) => (ErrorCode::UnknownTopicId, "there is no topic of this id"),
            _ => (TOPIC_REFUSAL.error, TOPIC_REFUSAL.message),
        };
        (error, message)
    };
    let verdicts: Vec<_> = asked.iter().zip(&found).map(refuse).collect();
    let responses = asked.iter().zip(&found).zip(&verdicts);
    let responses = responses.map(|((asked, found), (error, message))| DeletedTopic {
        name: asked.name.or(found.as_ref().map(|topic| topic.name.as_str())),
        topic_id: asked.topic_id,
        error: *error,
        error_message: Some(message),
    });
    let error = first_error(verdicts.iter().map(|(error, _)| *error));
    call.answer(
        error,
        DeleteTopicsResponse { responses: responses.collect(), ..Default::default() },
    )
}

pub(super) fn create_partitions(
    call: &Call<'_>,
    request: &CreatePartitionsRequest<'_>,
) -> Answered {
    let Refusal { error, message } = TOPIC_REFUSAL;
    let refuse = |name| GrownTopic { name, error, error_message: Some(message) };
    let results: Vec<_> = request.topics.iter().map(|topic| refuse(topic.name)).collect();
    let error = first_error(results.iter().map(|result| result.error));
    call.answer(error, CreatePartitionsResponse { results, ..Default::default() })
}

pub(super) fn delete_records(call: &Call<'_>, request: &DeleteRecordsRequest<'_>) -> Answered {
    let Refusal { error, .. } = TOPIC_REFUSAL;
    let topics = request.topics.iter().map(|topic| DeletedRecordsTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .iter()
            .map(|asked| DeletedRecordsPartition {
                partition: asked.partition,
                error,
                ..Default::default()
            })
            .collect(),
    });
    call.answer(error, DeleteRecordsResponse { topics: topics.collect(), ..Default::default() })
}

pub(super) fn alter_configs(call: &Call<'_>, request: &AlterConfigsRequest<'_>) -> Answered {
    let named = request.resources.iter().map(|one| (one.resource_type, one.resource_name));
    let responses: Vec<_> = named.map(unaltered).collect();
    let error = first_error(responses.iter().map(|response| response.error));
    call.answer(error, AlterConfigsResponse { responses, ..Default::default() })
}

pub(super) fn incremental_alter_configs(
    call: &Call<'_>,
    request: &IncrementalAlterConfigsRequest<'_>,
) -> Answered {
    let named = request.resources.iter().map(|one| (one.resource_type, one.resource_name));
    let responses: Vec<_> = named.map(unaltered).collect();
    let error = first_error(responses.iter().map(|response| response.error));
    call.answer(error, IncrementalAlterConfigsResponse { responses, ..Default::default() })
}

/// The settings of whatever it is stay as they are.
fn unaltered((resource_type, resource_name): (i8, &str)) -> AlteredConfigs<'_> {
    let Refusal { error, message } = match resource_type {
        RESOURCE_TOPIC => TOPIC_REFUSAL,
        RESOURCE_GROUP => GROUP_REFUSAL,
        RESOURCE_BROKER | RESOURCE_BROKER_LOGGER | RESOURCE_CLIENT_METRICS => CLUSTER_REFUSAL,
        _ => Refusal {
            error: ErrorCode::InvalidRequest,
            message: "this kind of thing has no settings",
        },
    };
    AlteredConfigs { error, error_message: Some(message), resource_type, resource_name }
}

/// A producer of transactions may not use its name, any other may not write to the cluster.
pub(super) fn init_producer_id(call: &Call<'_>, request: &InitProducerIdRequest<'_>) -> Answered {
    let error = match request.transactional_id {
        Some(_) => ErrorCode::TransactionalIdAuthorizationFailed,
        None => ErrorCode::ClusterAuthorizationFailed,
    };
    call.answer(error, InitProducerIdResponse { error, producer_epoch: -1, ..Default::default() })
}

pub(super) fn describe_acls(call: &Call<'_>) -> Answered {
    let Refusal { error, message } = CLUSTER_REFUSAL;
    let response =
        DescribeAclsResponse { error, error_message: Some(message), ..Default::default() };
    call.answer(error, response)
}

pub(super) fn create_acls(call: &Call<'_>, request: &CreateAclsRequest<'_>) -> Answered {
    let Refusal { error, message } = CLUSTER_REFUSAL;
    let results =
        request.creations.iter().map(|_| CreatedAcl { error, error_message: Some(message) });
    call.answer(error, CreateAclsResponse { results: results.collect(), ..Default::default() })
}

pub(super) fn delete_acls(call: &Call<'_>, request: &DeleteAclsRequest<'_>) -> Answered {
    let Refusal { error, message } = CLUSTER_REFUSAL;
    let filter_results = request.filters.iter().map(|_| DeletedAcls {
        error,
        error_message: Some(message),
        ..Default::default()
    });
    call.answer(
        error,
        DeleteAclsResponse { filter_results: filter_results.collect(), ..Default::default() },
    )
}
