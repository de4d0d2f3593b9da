//! JoinGroup: enters a group, and waits until the rebalance is over.

use std::time::Duration;

use bytes::Bytes;
use kafka::messages::{GroupProtocol, JoinGroupRequest, JoinGroupResponse, JoinedMember};
use kafka::{ApiVersion, ErrorCode};
use uuid::Uuid;

use super::{Answer, Call};
use crate::coordinator::{self, Join, MemberId, Protocol};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// From this version on a newcomer must come back with an id (KIP-394).
const REQUIRES_KNOWN_ID_FROM: ApiVersion = ApiVersion(4);
/// From this version on null protocols can be answered.
const NULL_PROTOCOL_FROM: ApiVersion = ApiVersion(7);
/// From this version on clients know `skip_assignment` (KIP-814).
const SKIP_ASSIGNMENT_FROM: ApiVersion = ApiVersion(9);
/// A client's name for itself is kept to this length, in member ids too.
const CLIENT_ID_CHARS_MAX: usize = 128;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &JoinGroupRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let group = match call.principal.group(request.group_id) {
        Ok(group) => group,
        Err(error) => return refusal(call, error, request.member_id),
    };
    let host = format!("/{}", call.peer);
    let join = to_join(request, call.version, call.client_id, host, Uuid::new_v4());
    let Some(reply) = broker.groups.join(&group, join).await else {
        return refusal(call, ErrorCode::CoordinatorNotAvailable, request.member_id);
    };
    let joined = match &reply.result {
        Ok(joined) => joined,
        Err(error) => return refusal(call, (*error).into(), &reply.member_id),
    };
    let response = JoinGroupResponse {
        error: ErrorCode::None,
        generation_id: joined.generation,
        protocol_type: Some(&joined.protocol_type),
        protocol_name: Some(&joined.protocol),
        leader: joined.leader.as_str(),
        skip_assignment: joined.skip_assignment,
        member_id: &reply.member_id,
        members: joined.members.iter().map(as_sent).collect(),
        ..Default::default()
    };
    call.answer(ErrorCode::None, response)
}

fn as_sent(member: &coordinator::JoinedMember) -> JoinedMember<'_> {
    JoinedMember {
        member_id: member.member_id.as_str(),
        group_instance_id: member.instance_id.as_deref(),
        metadata: &member.metadata,
    }
}

/// The request as the coordinator takes it; `fresh` is the random part of a new member's id.
pub(crate) fn to_join(
    request: &JoinGroupRequest<'_>,
    version: ApiVersion,
    client_id: &str,
    client_host: String,
    fresh: Uuid,
) -> Join {
    let session_timeout = milliseconds(request.session_timeout_ms);
    let client_id: String = client_id.chars().take(CLIENT_ID_CHARS_MAX).collect();
    let stem = match request.group_instance_id {
        Some(instance_id) => instance_id.chars().take(CLIENT_ID_CHARS_MAX).collect(),
        None => client_id.clone(),
    };
    let protocol = |protocol: &GroupProtocol<'_>| Protocol {
        name: protocol.name.to_owned(),
        metadata: Bytes::copy_from_slice(protocol.metadata),
    };
    Join {
        member_id: request.member_id.to_owned(),
        fresh_id: MemberId::new(&format!("{stem}-{fresh}")),
        instance_id: request.group_instance_id.map(str::to_owned),
        requires_known_id: version >= REQUIRES_KNOWN_ID_FROM,
        can_skip_assignment: version >= SKIP_ASSIGNMENT_FROM,
        client_id,
        client_host,
        session_timeout,
        rebalance_timeout: match request.rebalance_timeout_ms {
            ..0 => session_timeout,
            timeout_ms => milliseconds(timeout_ms),
        },
        protocol_type: request.protocol_type.to_owned(),
        protocols: request.protocols.iter().map(protocol).collect(),
    }
}

fn refusal(call: &Call<'_>, error: ErrorCode, member_id: &str) -> Result<Answer, ConnectionError> {
    let protocol_name = (call.version < NULL_PROTOCOL_FROM).then_some("");
    call.answer(error, JoinGroupResponse { error, protocol_name, member_id, ..Default::default() })
}

/// Negative timeouts are none.
fn milliseconds(timeout_ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout_ms).unwrap_or_default())
}
