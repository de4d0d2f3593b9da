//! FindCoordinator: this broker coordinates every group; transactions have no coordinator.

use kafka::ErrorCode;
use kafka::messages::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse, KEY_TYPE_GROUP,
    KEY_TYPE_TRANSACTION,
};

use super::{Answer, Call, NODE_ID, first_error};
use crate::error::ConnectionError;

pub(super) fn answer(
    call: &Call<'_>,
    request: &FindCoordinatorRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let coordinators: Vec<_> =
        request.keys.iter().map(|key| find(call, request.key_type, key)).collect();
    let error = first_error(coordinators.iter().map(|coordinator| coordinator.error));
    call.answer(error, FindCoordinatorResponse { coordinators, ..Default::default() })
}

/// Any group id has a coordinator: whether the caller may use the group is told by the calls that use
/// it, whose refusal every client takes for final (a refusal here makes librdkafka ask for ever).
fn find<'r>(call: &Call<'r>, key_type: i8, key: &'r str) -> Coordinator<'r> {
    if key_type == KEY_TYPE_GROUP {
        return Coordinator {
            key,
            node_id: NODE_ID,
            host: &call.endpoint.host,
            port: i32::from(call.endpoint.port),
            ..Default::default()
        };
    }
    // Producers take this for final.
    let error = match key_type {
        KEY_TYPE_TRANSACTION => ErrorCode::TransactionalIdAuthorizationFailed,
        _ => ErrorCode::InvalidRequest,
    };
    let error_message = Some("only consumer groups have a coordinator here");
    Coordinator { key, error, error_message, ..Default::default() }
}
