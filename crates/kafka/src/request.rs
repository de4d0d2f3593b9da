//! Any request and any response, for code that has a frame and does not know yet what it is.

#[cfg(test)]
use crate::messages::Sampler;
use crate::{
    ApiKey, ApiVersion, CorrelationId, Frame, RequestHeader, Result, encode_request,
    encode_response,
    messages::{
        AlterConfigsRequest, AlterConfigsResponse, ApiVersionsRequest, ApiVersionsResponse,
        ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
        ConsumerGroupHeartbeatResponse, CreateAclsRequest, CreateAclsResponse,
        CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
        CreateTopicsResponse, DeleteAclsRequest, DeleteAclsResponse, DeleteGroupsRequest,
        DeleteGroupsResponse, DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest,
        DeleteTopicsResponse, DescribeAclsRequest, DescribeAclsResponse, DescribeClusterRequest,
        DescribeClusterResponse, DescribeConfigsRequest, DescribeConfigsResponse,
        DescribeGroupsRequest, DescribeGroupsResponse, DescribeTopicPartitionsRequest,
        DescribeTopicPartitionsResponse, FetchRequest, FetchResponse, FindCoordinatorRequest,
        FindCoordinatorResponse, HeartbeatRequest, HeartbeatResponse,
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, InitProducerIdRequest,
        InitProducerIdResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
        LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, ListOffsetsRequest,
        ListOffsetsResponse, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
        MetadataRequest, MetadataResponse, OffsetCommitRequest, OffsetCommitResponse,
        OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse,
        OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest, ProduceResponse,
        SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
        SaslHandshakeResponse, SyncGroupRequest, SyncGroupResponse, decode, decode_counted,
    },
};

macro_rules! bodies {
    ($($(#[$doc:meta])* $api:ident($request:ty, $response:ty),)*) => {
        /// Any request.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Request<'a> {
            $($(#[$doc])* $api($request),)*
        }

        /// Any response.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Response<'a> {
            $($(#[$doc])* $api($response),)*
        }

        #[cfg(test)]
        impl Request<'static> {
            /// A request with something in every field that the sampler's version has.
            pub(crate) fn sample(api: ApiKey, sampler: &mut Sampler) -> Self {
                match api {
                    $(ApiKey::$api => Self::$api(sampler.fill()),)*
                }
            }
        }

        impl<'a> Request<'a> {
            /// Reads the message behind a header.
            ///
            /// # Errors
            /// [`crate::Error::UnsupportedVersion`] if the version is not served, or what is wrong
            /// with the bytes.
            pub fn decode(api: ApiKey, version: ApiVersion, body: &'a [u8]) -> Result<Self> {
                Self::decode_counted(api, version, body).map(|(request, _)| request)
            }

            /// Reads the message behind a header, and answers how many elements all its arrays
            /// have together.
            ///
            /// # Errors
            /// As for [`Request::decode`].
            pub fn decode_counted(
                api: ApiKey,
                version: ApiVersion,
                body: &'a [u8],
            ) -> Result<(Self, usize)> {
                match api {
                    $(ApiKey::$api => decode_counted(version, body)
                        .map(|(request, elements)| (Self::$api(request), elements)),)*
                }
            }

            /// Which API this belongs to.
            pub const fn api(&self) -> ApiKey {
                match self {
                    $(Self::$api(_) => ApiKey::$api,)*
                }
            }

            /// Writes a whole request.
            ///
            /// # Errors
            /// [`crate::Error::Unwritable`] if a field has no form in this version.
            pub fn encode(
                self,
                version: ApiVersion,
                correlation: CorrelationId,
                client_id: Option<&'a str>,
            ) -> Result<Frame> {
                match self {
                    $(Self::$api(body) => encode_request(version, correlation, client_id, body),)*
                }
            }
        }

        #[cfg(test)]
        impl Response<'static> {
            /// A response with something in every field that the sampler's version has.
            pub(crate) fn sample(api: ApiKey, sampler: &mut Sampler) -> Self {
                match api {
                    $(ApiKey::$api => Self::$api(sampler.fill()),)*
                }
            }
        }

        impl<'a> Response<'a> {
            /// Reads the message behind a response header.
            ///
            /// # Errors
            /// [`crate::Error::UnsupportedVersion`] if the version is not spoken, or what is wrong
            /// with the bytes.
            pub fn decode(api: ApiKey, version: ApiVersion, body: &'a [u8]) -> Result<Self> {
                match api {
                    $(ApiKey::$api => decode(version, body).map(Self::$api),)*
                }
            }

            /// Which API this belongs to.
            pub const fn api(&self) -> ApiKey {
                match self {
                    $(Self::$api(_) => ApiKey::$api,)*
                }
            }

            /// Writes a whole response.
            ///
            /// # Errors
            /// [`crate::Error::Unwritable`] if a field has no form in this version.
            pub fn encode(self, version: ApiVersion, correlation: CorrelationId) -> Result<Frame> {
                match self {
                    $(Self::$api(body) => encode_response(version, correlation, body),)*
                }
            }
        }
    };
}

bodies! {
    /// Appends records.
    Produce(ProduceRequest<'a>, ProduceResponse<'a>),
    /// Reads record batches.
    Fetch(FetchRequest<'a>, FetchResponse<'a>),
    /// Finds an offset by time.
    ListOffsets(ListOffsetsRequest<'a>, ListOffsetsResponse<'a>),
    /// Names the brokers, topics and partitions.
    Metadata(MetadataRequest<'a>, MetadataResponse<'a>),
    /// Stores where a group stands.
    OffsetCommit(OffsetCommitRequest<'a>, OffsetCommitResponse<'a>),
    /// Reads where a group stands.
    OffsetFetch(OffsetFetchRequest<'a>, OffsetFetchResponse<'a>),
    /// Names the broker that coordinates a group.
    FindCoordinator(FindCoordinatorRequest<'a>, FindCoordinatorResponse<'a>),
    /// Enters a group.
    JoinGroup(JoinGroupRequest<'a>, JoinGroupResponse<'a>),
    /// Keeps a member in its group.
    Heartbeat(HeartbeatRequest<'a>, HeartbeatResponse),
    /// Leaves a group.
    LeaveGroup(LeaveGroupRequest<'a>, LeaveGroupResponse<'a>),
    /// Hands out the assignment of a group.
    SyncGroup(SyncGroupRequest<'a>, SyncGroupResponse<'a>),
    /// Says who is in a group.
    DescribeGroups(DescribeGroupsRequest<'a>, DescribeGroupsResponse<'a>),
    /// Says which groups there are.
    ListGroups(ListGroupsRequest<'a>, ListGroupsResponse<'a>),
    /// Chooses a SASL mechanism.
    SaslHandshake(SaslHandshakeRequest<'a>, SaslHandshakeResponse<'a>),
    /// Asks what is served.
    ApiVersions(ApiVersionsRequest<'a>, ApiVersionsResponse),
    /// Creates topics; refused.
    CreateTopics(CreateTopicsRequest<'a>, CreateTopicsResponse<'a>),
    /// Deletes topics; refused.
    DeleteTopics(DeleteTopicsRequest<'a>, DeleteTopicsResponse<'a>),
    /// Deletes records; refused.
    DeleteRecords(DeleteRecordsRequest<'a>, DeleteRecordsResponse<'a>),
    /// Asked before producing; refused.
    InitProducerId(InitProducerIdRequest<'a>, InitProducerIdResponse),
    /// Finds where a leader epoch ends.
    OffsetForLeaderEpoch(OffsetForLeaderEpochRequest<'a>, OffsetForLeaderEpochResponse<'a>),
    /// Shows access rules; refused.
    DescribeAcls(DescribeAclsRequest<'a>, DescribeAclsResponse<'a>),
    /// Makes access rules; refused.
    CreateAcls(CreateAclsRequest<'a>, CreateAclsResponse<'a>),
    /// Deletes access rules; refused.
    DeleteAcls(DeleteAclsRequest<'a>, DeleteAclsResponse<'a>),
    /// Shows settings of topics and of the broker.
    DescribeConfigs(DescribeConfigsRequest<'a>, DescribeConfigsResponse<'a>),
    /// Replaces settings; refused.
    AlterConfigs(AlterConfigsRequest<'a>, AlterConfigsResponse<'a>),
    /// Carries a SASL token.
    SaslAuthenticate(SaslAuthenticateRequest<'a>, SaslAuthenticateResponse<'a>),
    /// Adds partitions; refused.
    CreatePartitions(CreatePartitionsRequest<'a>, CreatePartitionsResponse<'a>),
    /// Forgets groups.
    DeleteGroups(DeleteGroupsRequest<'a>, DeleteGroupsResponse<'a>),
    /// Changes settings; refused.
    IncrementalAlterConfigs(IncrementalAlterConfigsRequest<'a>, IncrementalAlterConfigsResponse<'a>),
    /// Says which partitions are moving: none, ever.
    ListPartitionReassignments(ListPartitionReassignmentsRequest<'a>, ListPartitionReassignmentsResponse<'a>),
    /// Forgets where a group stands.
    OffsetDelete(OffsetDeleteRequest<'a>, OffsetDeleteResponse<'a>),
    /// Names the brokers, for admin clients.
    DescribeCluster(DescribeClusterRequest, DescribeClusterResponse<'a>),
    /// Enters, keeps and leaves a group of the consumer protocol (KIP-848).
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest<'a>, ConsumerGroupHeartbeatResponse<'a>),
    /// Says who is in a group of the consumer protocol.
    ConsumerGroupDescribe(ConsumerGroupDescribeRequest<'a>, ConsumerGroupDescribeResponse<'a>),
    /// Names topics and partitions, page by page.
    DescribeTopicPartitions(DescribeTopicPartitionsRequest<'a>, DescribeTopicPartitionsResponse<'a>),
}

impl<'a> Request<'a> {
    /// Reads a whole request without its frame length.
    ///
    /// # Errors
    /// As [`RequestHeader::split`] and [`Request::decode`]. A server that must answer a version it
    /// does not serve calls these two itself.
    pub fn decode_whole(request: &'a [u8]) -> Result<(RequestHeader<'a>, Self)> {
        let (header, body) = RequestHeader::split(request)?;
        Ok((header, Self::decode(header.api, header.version, body)?))
    }
}
