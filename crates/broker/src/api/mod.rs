//! One file per API, named as Kafka names it. Each turns a decoded request of a known principal into an
//! [`Answer`]; bytes, sockets and logins are not seen here. ApiVersions and SASL are the session's.

mod consumer_group_describe;
mod consumer_group_heartbeat;
mod delete_groups;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_topic_partitions;
mod epochs;
pub(crate) mod fetch;
mod find_coordinator;
mod heartbeat;
pub(crate) mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod refused;
mod rights;
pub(crate) mod sync_group;

use std::net::IpAddr;
use std::time::Duration;

use budget::Permit;
use kafka::messages::Message;
use kafka::{ApiVersion, CorrelationId, ErrorCode, Frame, Request, RequestHeader, encode_response};
use log::FileRange;

use crate::coordinator::GroupError;
use crate::cursors::Cursors;
use crate::error::ConnectionError;
use crate::principal::Principal;
use crate::shared::Shared;
use crate::stop::Stop;

/// The number of the one broker there is.
pub(crate) const NODE_ID: i32 = 1;

/// A request's circumstances.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) version: ApiVersion,
    pub(crate) correlation: CorrelationId,
    pub(crate) client_id: &'a str,
    /// Whom the connection acts for.
    pub(crate) principal: &'a Principal,
    /// What clients on this connection are told to connect to.
    pub(crate) endpoint: &'a Endpoint,
    /// Where the client comes from.
    pub(crate) peer: IpAddr,
    /// Raised when the broker stops; nobody waits any longer then.
    pub(crate) stop: &'a Stop,
}

/// A host and port that clients can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What goes back to the client.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The message; where it says that records stand elsewhere, they stand in `records`.
    pub(crate) frame: Frame,
    /// Record batches in files, in the order of the message.
    pub(crate) records: Vec<FileRange>,
    /// So many bytes of the first of them are known to be in memory.
    pub(crate) checked_bytes: u64,
    /// The memory that sending it takes, if some of its records stand in no file.
    pub(crate) memory: Option<Permit>,
    /// The client is not heard for so long after it; it is told so.
    pub(crate) throttle: Duration,
    /// The first error in it, for counters.
    pub(crate) error: ErrorCode,
}

/// Serves one request.
///
/// # Errors
/// The connection must be closed without an answer.
pub(crate) async fn serve(
    broker: &Shared,
    call: &Call<'_>,
    request: Request<'_>,
    cursors: &mut Cursors,
) -> Result<Answer, ConnectionError> {
    match request {
        Request::Fetch(request) => fetch::answer(broker, call, &request, cursors).await,
        Request::Metadata(request) => metadata::answer(broker, call, &request),
        Request::ListOffsets(request) => list_offsets::answer(broker, call, &request).await,
        Request::OffsetForLeaderEpoch(request) => {
            offset_for_leader_epoch::answer(broker, call, &request).await
        }
        Request::Produce(request) => produce::answer(call, &request),
        Request::FindCoordinator(request) => find_coordinator::answer(call, &request),
        Request::JoinGroup(request) => join_group::answer(broker, call, &request).await,
        Request::SyncGroup(request) => sync_group::answer(broker, call, &request).await,
        Request::Heartbeat(request) => heartbeat::answer(broker, call, &request),
        Request::LeaveGroup(request) => leave_group::answer(broker, call, &request),
        Request::OffsetCommit(request) => offset_commit::answer(broker, call, &request).await,
        Request::OffsetFetch(request) => offset_fetch::answer(broker, call, &request).await,
        Request::ApiVersions(_) | Request::SaslHandshake(_) | Request::SaslAuthenticate(_) => {
            Err(ConnectionError::Sasl("the session answers this request"))
        }
        Request::DescribeCluster(request) => describe_cluster::answer(broker, call, &request),
        Request::DescribeTopicPartitions(request) => {
            describe_topic_partitions::answer(broker, call, &request)
        }
        Request::DescribeConfigs(request) => describe_configs::answer(broker, call, &request).await,
        Request::ListPartitionReassignments(_) => list_partition_reassignments::answer(call),
        Request::CreateTopics(request) => refused::create_topics(call, &request),
        Request::DeleteTopics(request) => refused::delete_topics(broker, call, &request),
        Request::CreatePartitions(request) => refused::create_partitions(call, &request),
        Request::DeleteRecords(request) => refused::delete_records(call, &request),
        Request::AlterConfigs(request) => refused::alter_configs(call, &request),
        Request::IncrementalAlterConfigs(request) => {
            refused::incremental_alter_configs(call, &request)
        }
        Request::InitProducerId(request) => refused::init_producer_id(call, &request),
        Request::DescribeAcls(_) => refused::describe_acls(call),
        Request::CreateAcls(request) => refused::create_acls(call, &request),
        Request::DeleteAcls(request) => refused::delete_acls(call, &request),
        Request::ListGroups(request) => list_groups::answer(broker, call, &request).await,
        Request::DescribeGroups(request) => describe_groups::answer(broker, call, &request).await,
        Request::DeleteGroups(request) => delete_groups::answer(broker, call, &request).await,
        Request::OffsetDelete(request) => offset_delete::answer(broker, call, &request).await,
        Request::ConsumerGroupHeartbeat(request) => {
            consumer_group_heartbeat::answer(broker, call, &request).await
        }
        Request::ConsumerGroupDescribe(request) => {
            consumer_group_describe::answer(broker, call, &request)
        }
    }
}

impl<'a> Call<'a> {
    /// A request's circumstances, from its header and its connection.
    pub(crate) fn new(
        header: &RequestHeader<'a>,
        principal: &'a Principal,
        endpoint: &'a Endpoint,
        peer: IpAddr,
        stop: &'a Stop,
    ) -> Self {
        Self {
            version: header.version,
            correlation: header.correlation,
            client_id: header.client_id.unwrap_or_default(),
            principal,
            endpoint,
            peer,
            stop,
        }
    }

    /// The answer without records.
    fn answer<'m>(
        &self,
        error: ErrorCode,
        message: impl Message<'m>,
    ) -> Result<Answer, ConnectionError> {
        self.answer_with_records(error, message, Vec::new())
    }

    fn answer_with_records<'m>(
        &self,
        error: ErrorCode,
        message: impl Message<'m>,
        records: Vec<FileRange>,
    ) -> Result<Answer, ConnectionError> {
        let frame = encode_response(self.version, self.correlation, message)?;
        let throttle = Duration::ZERO;
        Ok(Answer { frame, records, checked_bytes: 0, memory: None, throttle, error })
    }
}

/// The first error of many.
fn first_error(errors: impl IntoIterator<Item = ErrorCode>) -> ErrorCode {
    errors.into_iter().find(|error| !error.is_none()).unwrap_or_default()
}

impl From<GroupError> for ErrorCode {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::UnknownMember => Self::UnknownMemberId,
            GroupError::NoGroup => Self::GroupIdNotFound,
            GroupError::IllegalGeneration => Self::IllegalGeneration,
            GroupError::RebalanceInProgress => Self::RebalanceInProgress,
            GroupError::InconsistentProtocol => Self::InconsistentGroupProtocol,
            GroupError::InvalidSessionTimeout => Self::InvalidSessionTimeout,
            GroupError::MemberIdRequired => Self::MemberIdRequired,
            GroupError::FencedInstance => Self::FencedInstanceId,
            GroupError::GroupFull => Self::GroupMaxSizeReached,
            GroupError::TooManyGroups => Self::CoordinatorNotAvailable,
            GroupError::FencedEpoch => Self::FencedMemberEpoch,
            GroupError::StaleEpoch => Self::StaleMemberEpoch,
            GroupError::UnreleasedInstance => Self::UnreleasedInstanceId,
            GroupError::InvalidPattern => Self::InvalidRegularExpression,
        }
    }
}
