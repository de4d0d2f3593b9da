//! ConsumerGroupDescribe: who is in a consumer group of the newer protocol (KIP-848), what each one holds
//! and shall hold. Of a group of the classic protocol there is no such group: clients ask DescribeGroups
//! then. A group that is named twice is refused the second time, so that an answer is no longer than
//! what is known.

use std::collections::{BTreeMap, HashSet};

use kafka::messages::{
    AssignedTopic, ConsumerAssignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
    DescribedConsumer, DescribedConsumerGroup,
};
use kafka::{ErrorCode, TopicId};

use super::{Answer, Call, first_error};
use crate::coordinator::{ConsumerGroupView, ConsumerView, Partitions};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// Read, delete and describe, as bits of `AclOperation`: all that can be done with a group here.
const OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8;
/// A member of the consumer protocol, as `member_type` says it.
const CONSUMER: i8 = 1;

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &ConsumerGroupDescribeRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let mut seen = HashSet::new();
    let mut views = Vec::with_capacity(request.group_ids.len());
    for group_id in &request.group_ids {
        views.push(match seen.insert(*group_id) {
            true => call.principal.group(group_id).and_then(|group| {
                broker.groups.describe_consumers(&group).ok_or(ErrorCode::GroupIdNotFound)
            }),
            false => Err(ErrorCode::InvalidRequest),
        });
    }
    let groups: Vec<_> = request
        .group_ids
        .iter()
        .zip(&views)
        .map(|(group_id, view)| {
            let mut group = match view {
                Ok(view) => described(view),
                Err(error) => refused(*error),
            };
            group.group_id = group_id;
            if request.include_authorized_operations && group.error.is_none() {
                group.authorized_operations = OPERATIONS;
            }
            group
        })
        .collect();
    let error = first_error(groups.iter().map(|group| group.error));
    call.answer(error, ConsumerGroupDescribeResponse { groups, ..Default::default() })
}

fn refused(error: ErrorCode) -> DescribedConsumerGroup<'static> {
    let error_message = match error {
        ErrorCode::GroupIdNotFound => Some("there is no such group of the consumer protocol"),
        _ => None,
    };
    DescribedConsumerGroup { error, error_message, ..Default::default() }
}

fn described(view: &ConsumerGroupView) -> DescribedConsumerGroup<'_> {
    let names = view.topics.iter().map(|topic| (topic.id, topic.name.as_str())).collect();
    DescribedConsumerGroup {
        group_state: view.state.as_str(),
        group_epoch: view.epoch,
        assignment_epoch: view.epoch,
        assignor_name: view.assignor.as_str(),
        members: view.members.iter().map(|view| member(view, &names)).collect(),
        ..Default::default()
    }
}

fn member<'m>(view: &'m ConsumerView, names: &BTreeMap<TopicId, &'m str>) -> DescribedConsumer<'m> {
    DescribedConsumer {
        member_id: view.member_id.as_str(),
        instance_id: view.instance_id.as_deref(),
        rack_id: view.rack_id.as_deref(),
        member_epoch: view.epoch,
        client_id: &view.client_id,
        client_host: &view.client_host,
        subscribed_topic_names: view.topics.iter().map(String::as_str).collect(),
        subscribed_topic_regex: view.pattern.as_deref(),
        assignment: assignment(&view.assigned, names),
        target_assignment: assignment(&view.target, names),
        member_type: CONSUMER,
    }
}

fn assignment<'m>(held: &Partitions, names: &BTreeMap<TopicId, &'m str>) -> ConsumerAssignment<'m> {
    let mut topics: Vec<AssignedTopic<'m>> = Vec::new();
    for held in held {
        match topics.last_mut() {
            Some(topic) if topic.topic_id == held.topic => topic.partitions.push(held.partition),
            _ => topics.push(AssignedTopic {
                topic_id: held.topic,
                topic_name: names.get(&held.topic).copied().unwrap_or_default(),
                partitions: vec![held.partition],
            }),
        }
    }
    ConsumerAssignment { topic_partitions: topics }
}
