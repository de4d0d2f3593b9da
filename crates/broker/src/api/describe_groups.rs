//! DescribeGroups: who is in a group, and what each one works on.
//!
//! A group of which nothing is known is Kafka's *Dead*: without an error before version 6, with one since
//! (KIP-1043). So is one of the consumer protocol (KIP-848), as in Kafka. A group that is named twice is refused the second time, so that an answer is no longer
//! than what is known.

use std::collections::HashSet;

use catalog::CommittedOffset;
use kafka::messages::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedMember,
};
use kafka::{ApiVersion, ErrorCode};

use super::{Answer, Call, first_error, offset_fetch};
use crate::coordinator::{GroupState, GroupView, MemberView};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From this version on a group that does not exist is an error.
const NOT_FOUND_FROM: ApiVersion = ApiVersion(6);
/// The state of a group of which nothing is known.
const DEAD: &str = "Dead";
/// Read, delete and describe, as bits of `AclOperation`: all that can be done with a group here.
const OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &DescribeGroupsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let mut seen = HashSet::new();
    let mut views = Vec::with_capacity(request.groups.len());
    for group in &request.groups {
        views.push(match seen.insert(*group) {
            true => view(broker, call, group).await,
            false => Err(ErrorCode::InvalidRequest),
        });
    }
    let asked = request.groups.iter().zip(&views);
    let groups: Vec<_> = asked
        .map(|(group_id, view)| {
            let mut group = described(call.version, view);
            group.group_id = group_id;
            if request.include_authorized_operations && group.error.is_none() {
                group.authorized_operations = OPERATIONS;
            }
            group
        })
        .collect();
    let error = first_error(groups.iter().map(|group| group.error));
    call.answer(error, DescribeGroupsResponse { groups, ..Default::default() })
}

/// What is known of a group; one that only has committed is empty.
async fn view(
    broker: &Shared,
    call: &Call<'_>,
    group_id: &str,
) -> Result<Option<GroupView>, ErrorCode> {
    let group = call.principal.group(group_id)?;
    if broker.groups.describe_consumers(&group).is_some() {
        return Ok(None);
    }
    if let Some(view) = broker.groups.describe(&group) {
        return Ok(Some(view));
    }
    let committed: Vec<CommittedOffset> = offset_fetch::load(broker, call, group_id).await?;
    let empty = GroupView {
        state: GroupState::Empty,
        generation: 0,
        protocol_type: String::new(),
        protocol: String::new(),
        members: Vec::new(),
    };
    Ok((!committed.is_empty()).then_some(empty))
}

fn described(
    version: ApiVersion,
    view: &Result<Option<GroupView>, ErrorCode>,
) -> DescribedGroup<'_> {
    let dead = DescribedGroup { group_state: DEAD, ..Default::default() };
    match view {
        Ok(Some(view)) => found(view),
        Ok(None) if version >= NOT_FOUND_FROM => DescribedGroup {
            error: ErrorCode::GroupIdNotFound,
            error_message: Some("there is no such group"),
            ..dead
        },
        Ok(None) => dead,
        Err(error) => DescribedGroup { error: *error, ..Default::default() },
    }
}

fn found(view: &GroupView) -> DescribedGroup<'_> {
    DescribedGroup {
        group_state: view.state.as_str(),
        protocol_type: &view.protocol_type,
        protocol_data: &view.protocol,
        members: view.members.iter().map(member).collect(),
        ..Default::default()
    }
}

fn member(member: &MemberView) -> DescribedMember<'_> {
    DescribedMember {
        member_id: member.member_id.as_str(),
        group_instance_id: member.instance_id.as_deref(),
        client_id: &member.client_id,
        client_host: &member.client_host,
        member_metadata: &member.metadata,
        member_assignment: &member.assignment,
    }
}
