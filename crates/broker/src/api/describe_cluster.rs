//! DescribeCluster: the one broker, as Metadata names it. It is its own controller, but has no door that
//! speaks as one.

use kafka::messages::{
    ClusterBroker, DescribeClusterRequest, DescribeClusterResponse, ENDPOINT_TYPE_BROKER,
    ENDPOINT_TYPE_CONTROLLER,
};
use kafka::{ApiVersion, ErrorCode};

use super::rights::CLUSTER_OPERATIONS;
use super::{Answer, Call, NODE_ID, metadata};
use crate::error::ConnectionError;
use crate::shared::Shared;

/// Before it, requests have no endpoint type.
const ENDPOINTS_FROM: ApiVersion = ApiVersion(1);

pub(super) fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &DescribeClusterRequest,
) -> Result<Answer, ConnectionError> {
    if let Some((error, message)) = refusal(call.version, request.endpoint_type) {
        let response =
            DescribeClusterResponse { error, error_message: Some(message), ..Default::default() };
        return call.answer(error, response);
    }
    let cluster_id = metadata::cluster_id(broker, call.principal);
    let mut response = DescribeClusterResponse {
        cluster_id: &cluster_id,
        controller_id: NODE_ID,
        brokers: vec![ClusterBroker {
            broker_id: NODE_ID,
            host: &call.endpoint.host,
            port: i32::from(call.endpoint.port),
            rack: None,
            is_fenced: false,
        }],
        ..Default::default()
    };
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    call.answer(ErrorCode::None, response)
}

fn refusal(version: ApiVersion, endpoint_type: i8) -> Option<(ErrorCode, &'static str)> {
    match endpoint_type {
        ENDPOINT_TYPE_BROKER => None,
        _ if version < ENDPOINTS_FROM => None,
        ENDPOINT_TYPE_CONTROLLER => {
            Some((ErrorCode::MismatchedEndpointType, "this is a broker, not a controller"))
        }
        _ => Some((ErrorCode::UnsupportedEndpointType, "there is no such kind of endpoint")),
    }
}
