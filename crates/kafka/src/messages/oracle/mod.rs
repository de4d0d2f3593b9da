//! What the fields mean: the oracle reads what is written here, and every field must have arrived
//! under its own name, in every version. (That the bytes are the same says nothing of two
//! neighbours of one type that have changed places.)

use bytes::Bytes;
use kafka_protocol::{
    messages::{
        self as theirs, BrokerId, GroupId, ProducerId, RequestKind, ResponseKind, TopicName,
        TransactionalId,
    },
    protocol::StrBytes,
};
use proptest::prelude::*;
use uuid::Uuid;

use super as ours;
use super::{Records, Sampler};
use crate::{
    ApiKey, ApiVersion, CorrelationId, ErrorCode, LeaderEpoch, Offset, PartitionId, Request,
    RequestHeader, Response, TopicId, split_response,
};

/// The oracle's value, as we would have it.
trait Meaning<T> {
    fn meaning(self) -> T;
}

macro_rules! meanings {
    ($($theirs:ty => $ours:ty: |$value:ident| $meaning:expr;)*) => {
        $(impl Meaning<$ours> for $theirs {
            fn meaning(self) -> $ours {
                let $value = self;
                $meaning
            }
        })*
    };
}

meanings! {
    bool => bool: |value| value;
    i8 => i8: |value| value;
    i16 => i16: |value| value;
    i32 => i32: |value| value;
    i64 => i64: |value| value;
    i16 => ErrorCode: |value| ErrorCode::from_number(value);
    i32 => PartitionId: |value| PartitionId(value);
    i32 => LeaderEpoch: |value| LeaderEpoch(value);
    i64 => Offset: |value| Offset(value);
    BrokerId => i32: |value| value.0;
    ProducerId => i64: |value| value.0;
    Uuid => TopicId: |value| TopicId(value.into_bytes());
    Bytes => &'static [u8]: |value| value.to_vec().leak();
    StrBytes => &'static str: |value| value.to_string().leak();
    GroupId => &'static str: |value| value.0.meaning();
    TopicName => &'static str: |value| value.0.meaning();
    TransactionalId => &'static str: |value| value.0.meaning();
    Option<Bytes> => Records<'static>: |value| value.map_or(Records::Null, |bytes| Records::Here(bytes.meaning()));
}

impl<A: Meaning<B>, B> Meaning<Option<B>> for Option<A> {
    fn meaning(self) -> Option<B> {
        self.map(A::meaning)
    }
}

impl<A: Meaning<B>, B> Meaning<Vec<B>> for Vec<A> {
    fn meaning(self) -> Vec<B> {
        self.into_iter().map(A::meaning).collect()
    }
}

macro_rules! fields {
    ($($theirs:ty => $ours:ty { $($our:ident = $their:ident,)* })*) => {
        $(impl Meaning<$ours> for $theirs {
            fn meaning(self) -> $ours {
                let mut message = <$ours>::default();
                $(message.$our = self.$their.meaning();)*
                message
            }
        })*
    };
}

mod admin;
mod consuming;

/// The request as we would have it, where old versions carry one of what new versions carry many.
fn request_meaning(kind: RequestKind, version: ApiVersion) -> Request<'static> {
    match kind {
        RequestKind::Metadata(mut body) => {
            if version.0 == 0 {
                body.topics.take_if(|topics| topics.is_empty());
            }
            Request::Metadata(body.meaning())
        }
        RequestKind::FindCoordinator(body) if version.0 < 4 => {
            let (key_type, keys) = (body.key_type, vec![body.key.meaning()]);
            Request::FindCoordinator(ours::FindCoordinatorRequest { key_type, keys })
        }
        RequestKind::LeaveGroup(body) if version.0 < 3 => {
            let member_id = body.member_id.meaning();
            let members = vec![ours::LeavingMember { member_id, ..Default::default() }];
            let group_id = body.group_id.meaning();
            Request::LeaveGroup(ours::LeaveGroupRequest { group_id, members })
        }
        RequestKind::OffsetFetch(body) if version.0 < 8 => {
            let (group_id, topics) = (body.group_id.meaning(), body.topics.meaning());
            let groups = vec![ours::OffsetFetchGroup { group_id, topics, ..Default::default() }];
            let require_stable = body.require_stable;
            Request::OffsetFetch(ours::OffsetFetchRequest { groups, require_stable })
        }
        RequestKind::Produce(body) => Request::Produce(body.meaning()),
        RequestKind::Fetch(body) => Request::Fetch(body.meaning()),
        RequestKind::ListOffsets(body) => Request::ListOffsets(body.meaning()),
        RequestKind::OffsetCommit(body) => Request::OffsetCommit(body.meaning()),
        RequestKind::OffsetFetch(body) => Request::OffsetFetch(body.meaning()),
        RequestKind::FindCoordinator(body) => Request::FindCoordinator(body.meaning()),
        RequestKind::JoinGroup(body) => Request::JoinGroup(body.meaning()),
        RequestKind::Heartbeat(body) => Request::Heartbeat(body.meaning()),
        RequestKind::LeaveGroup(body) => Request::LeaveGroup(body.meaning()),
        RequestKind::SyncGroup(body) => Request::SyncGroup(body.meaning()),
        RequestKind::SaslHandshake(body) => Request::SaslHandshake(body.meaning()),
        RequestKind::ApiVersions(body) => Request::ApiVersions(body.meaning()),
        RequestKind::OffsetForLeaderEpoch(body) => Request::OffsetForLeaderEpoch(body.meaning()),
        RequestKind::SaslAuthenticate(body) => Request::SaslAuthenticate(body.meaning()),
        RequestKind::DescribeAcls(body) => {
            Request::DescribeAcls(ours::DescribeAclsRequest { filter: body.meaning() })
        }
        RequestKind::DescribeGroups(body) => Request::DescribeGroups(body.meaning()),
        RequestKind::ListGroups(body) => Request::ListGroups(body.meaning()),
        RequestKind::CreateTopics(body) => Request::CreateTopics(body.meaning()),
        RequestKind::DeleteTopics(body) => Request::DeleteTopics(body.meaning()),
        RequestKind::DeleteRecords(body) => Request::DeleteRecords(body.meaning()),
        RequestKind::InitProducerId(body) => Request::InitProducerId(body.meaning()),
        RequestKind::CreateAcls(body) => Request::CreateAcls(body.meaning()),
        RequestKind::DeleteAcls(body) => Request::DeleteAcls(body.meaning()),
        RequestKind::DescribeConfigs(body) => Request::DescribeConfigs(body.meaning()),
        RequestKind::AlterConfigs(body) => Request::AlterConfigs(body.meaning()),
        RequestKind::CreatePartitions(body) => Request::CreatePartitions(body.meaning()),
        RequestKind::DeleteGroups(body) => Request::DeleteGroups(body.meaning()),
        RequestKind::IncrementalAlterConfigs(body) => {
            Request::IncrementalAlterConfigs(body.meaning())
        }
        RequestKind::ListPartitionReassignments(body) => {
            Request::ListPartitionReassignments(body.meaning())
        }
        RequestKind::OffsetDelete(body) => Request::OffsetDelete(body.meaning()),
        RequestKind::DescribeCluster(body) => Request::DescribeCluster(body.meaning()),
        RequestKind::ConsumerGroupHeartbeat(body) => {
            Request::ConsumerGroupHeartbeat(body.meaning())
        }
        RequestKind::ConsumerGroupDescribe(body) => Request::ConsumerGroupDescribe(body.meaning()),
        RequestKind::DescribeTopicPartitions(body) => {
            Request::DescribeTopicPartitions(body.meaning())
        }
        other => panic!("not served: {other:?}"),
    }
}

/// The response as we would have it, where old versions carry one of what new versions carry many.
fn response_meaning(kind: ResponseKind, version: ApiVersion) -> Response<'static> {
    match kind {
        ResponseKind::FindCoordinator(body) if version.0 < 4 => {
            let coordinators = vec![ours::Coordinator {
                key: "",
                node_id: body.node_id.meaning(),
                host: body.host.meaning(),
                port: body.port,
                error: body.error_code.meaning(),
                error_message: body.error_message.filter(|_| version.0 > 0).meaning(),
            }];
            let throttle_time_ms = body.throttle_time_ms;
            Response::FindCoordinator(ours::FindCoordinatorResponse {
                throttle_time_ms,
                coordinators,
            })
        }
        ResponseKind::OffsetFetch(body) if version.0 < 8 => {
            let (topics, error) = (body.topics.meaning(), body.error_code.meaning());
            let groups = vec![ours::FetchedGroup { group_id: "", topics, error }];
            let throttle_time_ms = body.throttle_time_ms;
            Response::OffsetFetch(ours::OffsetFetchResponse { throttle_time_ms, groups })
        }
        // The oracle reads something empty where the version has nothing, and we read null.
        ResponseKind::Fetch(mut body) if version.0 < 4 => {
            let partitions = body.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
            partitions.for_each(|partition| partition.aborted_transactions = None);
            Response::Fetch(body.meaning())
        }
        ResponseKind::CreateTopics(mut body) if version.0 < 5 => {
            for topic in &mut body.topics {
                topic.configs = None;
                topic.error_message.take_if(|_| version.0 == 0);
            }
            Response::CreateTopics(body.meaning())
        }
        ResponseKind::DescribeConfigs(mut body) if version.0 < 3 => {
            let configs = body.results.iter_mut().flat_map(|result| &mut result.configs);
            configs.for_each(|config| config.documentation = None);
            Response::DescribeConfigs(body.meaning())
        }
        ResponseKind::Produce(body) => Response::Produce(body.meaning()),
        ResponseKind::Fetch(body) => Response::Fetch(body.meaning()),
        ResponseKind::ListOffsets(body) => Response::ListOffsets(body.meaning()),
        ResponseKind::Metadata(body) => Response::Metadata(body.meaning()),
        ResponseKind::OffsetCommit(body) => Response::OffsetCommit(body.meaning()),
        ResponseKind::OffsetFetch(body) => Response::OffsetFetch(body.meaning()),
        ResponseKind::FindCoordinator(body) => Response::FindCoordinator(body.meaning()),
        ResponseKind::JoinGroup(body) => Response::JoinGroup(body.meaning()),
        ResponseKind::Heartbeat(body) => Response::Heartbeat(body.meaning()),
        ResponseKind::LeaveGroup(body) => Response::LeaveGroup(body.meaning()),
        ResponseKind::SyncGroup(body) => Response::SyncGroup(body.meaning()),
        ResponseKind::SaslHandshake(body) => Response::SaslHandshake(body.meaning()),
        ResponseKind::ApiVersions(body) => Response::ApiVersions(body.meaning()),
        ResponseKind::OffsetForLeaderEpoch(body) => Response::OffsetForLeaderEpoch(body.meaning()),
        ResponseKind::SaslAuthenticate(body) => Response::SaslAuthenticate(body.meaning()),
        ResponseKind::DescribeAcls(body) => Response::DescribeAcls(body.meaning()),
        ResponseKind::DescribeGroups(body) => Response::DescribeGroups(body.meaning()),
        ResponseKind::ListGroups(body) => Response::ListGroups(body.meaning()),
        ResponseKind::CreateTopics(body) => Response::CreateTopics(body.meaning()),
        ResponseKind::DeleteTopics(body) => Response::DeleteTopics(body.meaning()),
        ResponseKind::DeleteRecords(body) => Response::DeleteRecords(body.meaning()),
        ResponseKind::InitProducerId(body) => Response::InitProducerId(body.meaning()),
        ResponseKind::CreateAcls(body) => Response::CreateAcls(body.meaning()),
        ResponseKind::DeleteAcls(body) => Response::DeleteAcls(body.meaning()),
        ResponseKind::DescribeConfigs(body) => Response::DescribeConfigs(body.meaning()),
        ResponseKind::AlterConfigs(body) => Response::AlterConfigs(body.meaning()),
        ResponseKind::CreatePartitions(body) => Response::CreatePartitions(body.meaning()),
        ResponseKind::DeleteGroups(body) => Response::DeleteGroups(body.meaning()),
        ResponseKind::IncrementalAlterConfigs(body) => {
            Response::IncrementalAlterConfigs(body.meaning())
        }
        ResponseKind::ListPartitionReassignments(body) => {
            Response::ListPartitionReassignments(body.meaning())
        }
        ResponseKind::OffsetDelete(body) => Response::OffsetDelete(body.meaning()),
        ResponseKind::DescribeCluster(body) => Response::DescribeCluster(body.meaning()),
        ResponseKind::ConsumerGroupHeartbeat(body) => {
            Response::ConsumerGroupHeartbeat(body.meaning())
        }
        ResponseKind::ConsumerGroupDescribe(body) => {
            Response::ConsumerGroupDescribe(body.meaning())
        }
        ResponseKind::DescribeTopicPartitions(body) => {
            Response::DescribeTopicPartitions(body.meaning())
        }
        other => panic!("not served: {other:?}"),
    }
}

/// Every version that the oracle knows: it ends with Kafka 3.9. For newer ones see the golden bytes.
fn every_version() -> impl Iterator<Item = (ApiKey, theirs::ApiKey, ApiVersion)> {
    ApiKey::ALL.into_iter().flat_map(|api| {
        let versions = api.versions();
        let theirs = theirs::ApiKey::try_from(api.number()).unwrap();
        let known = theirs.valid_versions();
        (versions.min..=versions.max.min(known.max))
            .map(move |version| (api, theirs, ApiVersion(version)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_field_of_every_request_means_what_its_name_says(seed: u64) {
        for (api, their_api, version) in every_version() {
            let request = Request::sample(api, &mut Sampler::new(api, version, seed));
            let frame = request.clone().encode(version, CorrelationId(1), None).unwrap();
            let (_, body) = RequestHeader::split(frame.payload()).unwrap();
            let mut body = Bytes::copy_from_slice(body);
            let read = RequestKind::decode(their_api, &mut body, version.0).unwrap();
            prop_assert_eq!(request_meaning(read, version), request, "version {}", version);
        }
    }

    #[test]
    fn every_field_of_every_response_means_what_its_name_says(seed: u64) {
        for (api, their_api, version) in every_version() {
            let response = Response::sample(api, &mut Sampler::new(api, version, seed));
            let frame = response.clone().encode(version, CorrelationId(1)).unwrap();
            let (_, body) = split_response(api, version, frame.payload()).unwrap();
            let mut body = Bytes::copy_from_slice(body);
            let read = ResponseKind::decode(their_api, &mut body, version.0).unwrap();
            prop_assert_eq!(response_meaning(read, version), response, "version {}", version);
        }
    }
}
