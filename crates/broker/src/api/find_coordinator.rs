//! FindCoordinator: this broker coordinates every group; transactions have no coordinator.

use kafka::ErrorCode;
use kafka::messages::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse, KEY_TYPE_GROUP,
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

fn find<'r>(call: &Call<'r>, key_type: i8, key: &'r str) -> Coordinator<'r> {
    let admitted = match key_type {
        KEY_TYPE_GROUP => call.principal.group(key),
        _ => Err(ErrorCode::InvalidRequest),
    };
    match admitted {
        Ok(_) => Coordinator {
            key,
            node_id: NODE_ID,
            host: &call.endpoint.host,
            port: i32::from(call.endpoint.port),
            ..Default::default()
        },
        Err(error) => {
            Coordinator { key, error, error_message: reason(error), ..Default::default() }
        }
    }
}

/// The error for people.
fn reason(error: ErrorCode) -> Option<&'static str> {
    match error {
        ErrorCode::InvalidGroupId => {
            Some("group.id must be the id of the consumer group whose account is logged in")
        }
        _ => Some("only consumer groups have a coordinator here"),
    }
}
