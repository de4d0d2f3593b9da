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
    let find = |key: &&'_ str| {
        let verdict = match request.key_type {
            KEY_TYPE_GROUP => call.principal.group(key).map(|_| ()),
            _ => Err(ErrorCode::InvalidRequest),
        };
        match verdict {
            Ok(()) => (ErrorCode::None, NODE_ID, call.endpoint.host.as_str(), call.endpoint.port),
            Err(error) => (error, -1, "", 0),
        }
    };
    let coordinators: Vec<_> = request
        .keys
        .iter()
        .map(|key| {
            let (error, node_id, host, port) = find(key);
            let error_message = (!error.is_none()).then_some(NOT_HERE);
            let port = if port == 0 { -1 } else { i32::from(port) };
            Coordinator { key, node_id, host, port, error, error_message }
        })
        .collect();
    let error = first_error(coordinators.iter().map(|coordinator| coordinator.error));
    call.answer(error, FindCoordinatorResponse { coordinators, ..Default::default() })
}

const NOT_HERE: &str = "group.id must be the id of the consumer group whose account is logged in";
