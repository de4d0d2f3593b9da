//! Heartbeat: keeps a member in its group, and tells it of a rebalance.

use kafka::messages::{HeartbeatRequest, HeartbeatResponse};

use super::{Answer, Call};
use crate::coordinator::Identity;
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &HeartbeatRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let identity =
        Identity::new(request.generation_id, request.member_id, request.group_instance_id);
    let heard = call
        .principal
        .group(request.group_id)
        .and_then(|group| broker.groups.heartbeat(&group, &identity).map_err(Into::into));
    let error = heard.err().unwrap_or_default();
    call.answer(error, HeartbeatResponse { error, ..Default::default() })
}
