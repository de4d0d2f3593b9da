//! SyncGroup: the leader brings the assignment, everyone takes theirs.

use bytes::Bytes;
use kafka::ErrorCode;
use kafka::messages::{SyncGroupRequest, SyncGroupResponse};

use super::{Answer, Call};
use crate::coordinator::{Identity, Sync};
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &SyncGroupRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let group = match call.principal.group(request.group_id) {
        Ok(group) => group,
        Err(error) => return refusal(call, error),
    };
    match broker.groups.sync(&group, to_sync(request)).await {
        Some(Ok(synced)) => {
            let response = SyncGroupResponse {
                protocol_type: Some(&synced.protocol_type),
                protocol_name: Some(&synced.protocol),
                assignment: &synced.assignment,
                ..Default::default()
            };
            call.answer(ErrorCode::None, response)
        }
        Some(Err(error)) => refusal(call, error.into()),
        None => refusal(call, ErrorCode::CoordinatorNotAvailable),
    }
}

/// The request as the coordinator takes it.
pub(crate) fn to_sync(request: &SyncGroupRequest<'_>) -> Sync {
    Sync {
        identity: Identity::new(
            request.generation_id,
            request.member_id,
            request.group_instance_id,
        ),
        protocol_type: request.protocol_type.map(str::to_owned),
        protocol: request.protocol_name.map(str::to_owned),
        assignments: request
            .assignments
            .iter()
            .map(|a| (a.member_id.to_owned(), Bytes::copy_from_slice(a.assignment)))
            .collect(),
    }
}

fn refusal(call: &Call<'_>, error: ErrorCode) -> Result<Answer, ConnectionError> {
    call.answer(error, SyncGroupResponse { error, ..Default::default() })
}
