//! `DescribeCluster` (60), versions 0 to 2: the brokers, as admin clients ask for them (KIP-700).

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::{OPERATIONS_UNKNOWN, message},
};

message!(DescribeCluster: DescribeClusterRequest, DescribeClusterResponse<'a>);

/// [`DescribeClusterRequest::endpoint_type`] of brokers.
pub const ENDPOINT_TYPE_BROKER: i8 = 1;
/// The same of controllers (KIP-919).
pub const ENDPOINT_TYPE_CONTROLLER: i8 = 2;

/// Asks what the cluster is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeClusterRequest {
    /// Whether to answer what the caller may do.
    pub include_cluster_authorized_operations: bool,
    /// Whose addresses are wanted, since version 1.
    pub endpoint_type: i8,
    /// Whether brokers are wanted that are not in use yet, since version 2.
    pub include_fenced_brokers: bool,
}

/// Says what the cluster is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeClusterResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// Why there is no answer.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// As asked for, since version 1.
    pub endpoint_type: i8,
    /// As `Metadata` says it.
    pub cluster_id: &'a str,
    /// The node id of the controller, or −1.
    pub controller_id: i32,
    /// The brokers.
    pub brokers: Vec<ClusterBroker<'a>>,
    /// What the caller may do, as a set of bits.
    pub cluster_authorized_operations: i32,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterBroker<'a> {
    /// Its number.
    pub broker_id: i32,
    /// The host that clients connect to.
    pub host: &'a str,
    /// The port.
    pub port: i32,
    /// Where it stands.
    pub rack: Option<&'a str>,
    /// Whether it is not in use yet, since version 2.
    pub is_fenced: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: false,
            endpoint_type: ENDPOINT_TYPE_BROKER,
            include_fenced_brokers: false,
        }
    }
}

impl Default for DescribeClusterResponse<'_> {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error: ErrorCode::None,
            error_message: None,
            endpoint_type: ENDPOINT_TYPE_BROKER,
            cluster_id: "",
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: OPERATIONS_UNKNOWN,
        }
    }
}

impl<'a> Wire<'a> for DescribeClusterRequest {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.include_cluster_authorized_operations)?;
        coder.since(1, &mut self.endpoint_type)?;
        coder.since(2, &mut self.include_fenced_brokers)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeClusterResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.since(1, &mut self.endpoint_type)?;
        coder.field(&mut self.cluster_id)?;
        coder.field(&mut self.controller_id)?;
        coder.field(&mut self.brokers)?;
        coder.field(&mut self.cluster_authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ClusterBroker<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.broker_id)?;
        coder.field(&mut self.host)?;
        coder.field(&mut self.port)?;
        coder.field(&mut self.rack)?;
        coder.since(2, &mut self.is_fenced)?;
        coder.tags()
    }
}
