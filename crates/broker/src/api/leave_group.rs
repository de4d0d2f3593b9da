//! LeaveGroup: one member up to version 2, several (KIP-345) from version 3.

use change::GroupId;
use kafka::messages::{LeaveGroupRequest, LeaveGroupResponse, LeavingMember, LeftMember};
use kafka::{ApiVersion, ErrorCode};

use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From this version on each member has its own error.
const SEVERAL_MEMBERS_FROM: ApiVersion = ApiVersion(3);

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &LeaveGroupRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let group = match call.principal.group(request.group_id) {
        Ok(group) => group,
        Err(error) => {
            return call.answer(error, LeaveGroupResponse { error, ..Default::default() });
        }
    };
    let members: Vec<_> =
        request.members.iter().map(|member| leave(broker, &group, member)).collect();
    let found = first_error(members.iter().map(|member| member.error));
    let several = call.version >= SEVERAL_MEMBERS_FROM;
    let error = if several { ErrorCode::None } else { found };
    let members = if several { members } else { Vec::new() };
    call.answer(found, LeaveGroupResponse { error, members, ..Default::default() })
}

fn leave<'r>(broker: &Shared, group: &GroupId, member: &LeavingMember<'r>) -> LeftMember<'r> {
    let left = broker.groups.leave(group, member.member_id, member.group_instance_id);
    LeftMember {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error: left.err().map(ErrorCode::from).unwrap_or_default(),
    }
}
