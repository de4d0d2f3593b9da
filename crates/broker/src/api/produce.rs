//! Produce: advertised, because librdkafka derives its Fetch version from it, and refused for every
//! partition. A producer that wants no answer (acks=0) is disconnected, as Kafka does it with errors.

use kafka::ErrorCode;
use kafka::messages::{
    ProducePartition, ProduceRequest, ProduceResponse, ProducedPartition, ProducedTopic,
};

use super::{Answer, Call};
use crate::error::ConnectionError;

pub(super) fn answer(
    call: &Call<'_>,
    request: &ProduceRequest<'_>,
) -> Result<Answer, ConnectionError> {
    if request.acks == 0 {
        return Err(ConnectionError::Unanswerable);
    }
    let error = ErrorCode::TopicAuthorizationFailed;
    let refuse = |partition: &ProducePartition<'_>| ProducedPartition {
        partition: partition.partition,
        error,
        error_message: Some("this topic is written by its change tracking task alone"),
        ..Default::default()
    };
    let topics = request.topics.iter().map(|topic| ProducedTopic {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(refuse).collect(),
    });
    let response = ProduceResponse { topics: topics.collect(), ..Default::default() };
    call.answer(error, response)
}
