//! ListPartitionReassignments: there is one broker, so no partition ever moves.

use kafka::ErrorCode;
use kafka::messages::ListPartitionReassignmentsResponse;

use super::{Answer, Call};
use crate::error::ConnectionError;

pub(super) fn answer(call: &Call<'_>) -> Result<Answer, ConnectionError> {
    call.answer(ErrorCode::None, ListPartitionReassignmentsResponse::default())
}
