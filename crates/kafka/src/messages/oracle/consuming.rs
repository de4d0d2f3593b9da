//! The fields of what consumers and producers send and get.

use super::{Meaning, ours, theirs};

fields! {
    theirs::ApiVersionsRequest => ours::ApiVersionsRequest<'static> {
        client_software_name = client_software_name,
        client_software_version = client_software_version,
    }
    theirs::ApiVersionsResponse => ours::ApiVersionsResponse {
        error = error_code, apis = api_keys, throttle_time_ms = throttle_time_ms,
    }
    theirs::api_versions_response::ApiVersion => ours::ServedApi {
        api = api_key, min = min_version, max = max_version,
    }

    theirs::MetadataRequest => ours::MetadataRequest<'static> {
        topics = topics,
        allow_auto_topic_creation = allow_auto_topic_creation,
        include_cluster_authorized_operations = include_cluster_authorized_operations,
        include_topic_authorized_operations = include_topic_authorized_operations,
    }
    theirs::metadata_request::MetadataRequestTopic => ours::MetadataRequestTopic<'static> {
        topic_id = topic_id, name = name,
    }
    theirs::MetadataResponse => ours::MetadataResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        brokers = brokers,
        cluster_id = cluster_id,
        controller_id = controller_id,
        topics = topics,
        cluster_authorized_operations = cluster_authorized_operations,
    }
    theirs::metadata_response::MetadataResponseBroker => ours::Broker<'static> {
        node_id = node_id, host = host, port = port, rack = rack,
    }
    theirs::metadata_response::MetadataResponseTopic => ours::TopicMetadata<'static> {
        error = error_code,
        name = name,
        topic_id = topic_id,
        is_internal = is_internal,
        partitions = partitions,
        topic_authorized_operations = topic_authorized_operations,
    }
    theirs::metadata_response::MetadataResponsePartition => ours::PartitionMetadata {
        error = error_code,
        partition = partition_index,
        leader_id = leader_id,
        leader_epoch = leader_epoch,
        replicas = replica_nodes,
        in_sync_replicas = isr_nodes,
        offline_replicas = offline_replicas,
    }

    theirs::ListOffsetsRequest => ours::ListOffsetsRequest<'static> {
        replica_id = replica_id,
        isolation_level = isolation_level,
        topics = topics,
    }
    theirs::list_offsets_request::ListOffsetsTopic => ours::ListOffsetsTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::list_offsets_request::ListOffsetsPartition => ours::ListOffsetsPartition {
        partition = partition_index,
        current_leader_epoch = current_leader_epoch,
        timestamp = timestamp,
        max_num_offsets = max_num_offsets,
    }
    theirs::ListOffsetsResponse => ours::ListOffsetsResponse<'static> {
        throttle_time_ms = throttle_time_ms, topics = topics,
    }
    theirs::list_offsets_response::ListOffsetsTopicResponse => ours::ListedTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::list_offsets_response::ListOffsetsPartitionResponse => ours::ListedPartition {
        partition = partition_index,
        error = error_code,
        old_style_offsets = old_style_offsets,
        timestamp = timestamp,
        offset = offset,
        leader_epoch = leader_epoch,
    }

    theirs::FetchRequest => ours::FetchRequest<'static> {
        replica_id = replica_id,
        max_wait_ms = max_wait_ms,
        min_bytes = min_bytes,
        max_bytes = max_bytes,
        isolation_level = isolation_level,
        session_id = session_id,
        session_epoch = session_epoch,
        topics = topics,
        forgotten_topics = forgotten_topics_data,
        rack_id = rack_id,
    }
    theirs::fetch_request::FetchTopic => ours::FetchTopic<'static> {
        name = topic, topic_id = topic_id, partitions = partitions,
    }
    theirs::fetch_request::FetchPartition => ours::FetchPartition {
        partition = partition,
        current_leader_epoch = current_leader_epoch,
        fetch_offset = fetch_offset,
        last_fetched_epoch = last_fetched_epoch,
        log_start_offset = log_start_offset,
        max_bytes = partition_max_bytes,
    }
    theirs::fetch_request::ForgottenTopic => ours::ForgottenTopic<'static> {
        name = topic, topic_id = topic_id, partitions = partitions,
    }
    theirs::FetchResponse => ours::FetchResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        session_id = session_id,
        topics = responses,
        node_endpoints = node_endpoints,
    }
    theirs::fetch_response::FetchableTopicResponse => ours::FetchedTopic<'static> {
        name = topic, topic_id = topic_id, partitions = partitions,
    }
    theirs::fetch_response::PartitionData => ours::FetchedPartition<'static> {
        partition = partition_index,
        error = error_code,
        high_watermark = high_watermark,
        last_stable_offset = last_stable_offset,
        log_start_offset = log_start_offset,
        diverging_epoch = diverging_epoch,
        current_leader = current_leader,
        aborted_transactions = aborted_transactions,
        preferred_read_replica = preferred_read_replica,
        records = records,
    }
    theirs::fetch_response::AbortedTransaction => ours::AbortedTransaction {
        producer_id = producer_id, first_offset = first_offset,
    }

    theirs::FindCoordinatorRequest => ours::FindCoordinatorRequest<'static> {
        key_type = key_type, keys = coordinator_keys,
    }
    theirs::FindCoordinatorResponse => ours::FindCoordinatorResponse<'static> {
        throttle_time_ms = throttle_time_ms, coordinators = coordinators,
    }
    theirs::find_coordinator_response::Coordinator => ours::Coordinator<'static> {
        key = key,
        node_id = node_id,
        host = host,
        port = port,
        error = error_code,
        error_message = error_message,
    }

    theirs::JoinGroupRequest => ours::JoinGroupRequest<'static> {
        group_id = group_id,
        session_timeout_ms = session_timeout_ms,
        rebalance_timeout_ms = rebalance_timeout_ms,
        member_id = member_id,
        group_instance_id = group_instance_id,
        protocol_type = protocol_type,
        protocols = protocols,
        reason = reason,
    }
    theirs::join_group_request::JoinGroupRequestProtocol => ours::GroupProtocol<'static> {
        name = name, metadata = metadata,
    }
    theirs::JoinGroupResponse => ours::JoinGroupResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        generation_id = generation_id,
        protocol_type = protocol_type,
        protocol_name = protocol_name,
        leader = leader,
        skip_assignment = skip_assignment,
        member_id = member_id,
        members = members,
    }
    theirs::join_group_response::JoinGroupResponseMember => ours::JoinedMember<'static> {
        member_id = member_id, group_instance_id = group_instance_id, metadata = metadata,
    }

    theirs::SyncGroupRequest => ours::SyncGroupRequest<'static> {
        group_id = group_id,
        generation_id = generation_id,
        member_id = member_id,
        group_instance_id = group_instance_id,
        protocol_type = protocol_type,
        protocol_name = protocol_name,
        assignments = assignments,
    }
    theirs::sync_group_request::SyncGroupRequestAssignment => ours::MemberAssignment<'static> {
        member_id = member_id, assignment = assignment,
    }
    theirs::SyncGroupResponse => ours::SyncGroupResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        protocol_type = protocol_type,
        protocol_name = protocol_name,
        assignment = assignment,
    }

    theirs::HeartbeatRequest => ours::HeartbeatRequest<'static> {
        group_id = group_id,
        generation_id = generation_id,
        member_id = member_id,
        group_instance_id = group_instance_id,
    }
    theirs::HeartbeatResponse => ours::HeartbeatResponse {
        throttle_time_ms = throttle_time_ms, error = error_code,
    }

    theirs::LeaveGroupRequest => ours::LeaveGroupRequest<'static> {
        group_id = group_id, members = members,
    }
    theirs::leave_group_request::MemberIdentity => ours::LeavingMember<'static> {
        member_id = member_id, group_instance_id = group_instance_id, reason = reason,
    }
    theirs::LeaveGroupResponse => ours::LeaveGroupResponse<'static> {
        throttle_time_ms = throttle_time_ms, error = error_code, members = members,
    }
    theirs::leave_group_response::MemberResponse => ours::LeftMember<'static> {
        member_id = member_id, group_instance_id = group_instance_id, error = error_code,
    }

    theirs::OffsetCommitRequest => ours::OffsetCommitRequest<'static> {
        group_id = group_id,
        generation_id = generation_id_or_member_epoch,
        member_id = member_id,
        group_instance_id = group_instance_id,
        retention_time_ms = retention_time_ms,
        topics = topics,
    }
    theirs::offset_commit_request::OffsetCommitRequestTopic => ours::CommitTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::offset_commit_request::OffsetCommitRequestPartition => ours::CommitPartition<'static> {
        partition = partition_index,
        offset = committed_offset,
        leader_epoch = committed_leader_epoch,
        commit_timestamp = commit_timestamp,
        metadata = committed_metadata,
    }
    theirs::OffsetCommitResponse => ours::OffsetCommitResponse<'static> {
        throttle_time_ms = throttle_time_ms, topics = topics,
    }
    theirs::offset_commit_response::OffsetCommitResponseTopic => ours::CommittedTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::offset_commit_response::OffsetCommitResponsePartition => ours::CommittedPartition {
        partition = partition_index, error = error_code,
    }

    theirs::OffsetFetchRequest => ours::OffsetFetchRequest<'static> {
        groups = groups, require_stable = require_stable,
    }
    theirs::offset_fetch_request::OffsetFetchRequestGroup => ours::OffsetFetchGroup<'static> {
        group_id = group_id,
        member_id = member_id,
        member_epoch = member_epoch,
        topics = topics,
    }
    theirs::offset_fetch_request::OffsetFetchRequestTopics => ours::OffsetFetchTopic<'static> {
        name = name, partitions = partition_indexes,
    }
    theirs::offset_fetch_request::OffsetFetchRequestTopic => ours::OffsetFetchTopic<'static> {
        name = name, partitions = partition_indexes,
    }
    theirs::OffsetFetchResponse => ours::OffsetFetchResponse<'static> {
        throttle_time_ms = throttle_time_ms, groups = groups,
    }
    theirs::offset_fetch_response::OffsetFetchResponseGroup => ours::FetchedGroup<'static> {
        group_id = group_id, topics = topics, error = error_code,
    }
    theirs::offset_fetch_response::OffsetFetchResponseTopics => ours::FetchedOffsets<'static> {
        name = name, partitions = partitions,
    }
    theirs::offset_fetch_response::OffsetFetchResponsePartitions => ours::FetchedOffset<'static> {
        partition = partition_index,
        offset = committed_offset,
        leader_epoch = committed_leader_epoch,
        metadata = metadata,
        error = error_code,
    }
    theirs::offset_fetch_response::OffsetFetchResponseTopic => ours::FetchedOffsets<'static> {
        name = name, partitions = partitions,
    }
    theirs::offset_fetch_response::OffsetFetchResponsePartition => ours::FetchedOffset<'static> {
        partition = partition_index,
        offset = committed_offset,
        leader_epoch = committed_leader_epoch,
        metadata = metadata,
        error = error_code,
    }

    theirs::OffsetForLeaderEpochRequest => ours::OffsetForLeaderEpochRequest<'static> {
        replica_id = replica_id, topics = topics,
    }
    theirs::offset_for_leader_epoch_request::OffsetForLeaderTopic => ours::EpochTopic<'static> {
        name = topic, partitions = partitions,
    }
    theirs::offset_for_leader_epoch_request::OffsetForLeaderPartition => ours::EpochPartition {
        partition = partition,
        current_leader_epoch = current_leader_epoch,
        leader_epoch = leader_epoch,
    }
    theirs::OffsetForLeaderEpochResponse => ours::OffsetForLeaderEpochResponse<'static> {
        throttle_time_ms = throttle_time_ms, topics = topics,
    }
    theirs::offset_for_leader_epoch_response::OffsetForLeaderTopicResult => ours::EpochEndTopic<'static> {
        name = topic, partitions = partitions,
    }
    theirs::offset_for_leader_epoch_response::EpochEndOffset => ours::EpochEnd {
        error = error_code,
        partition = partition,
        leader_epoch = leader_epoch,
        end_offset = end_offset,
    }

    theirs::ProduceRequest => ours::ProduceRequest<'static> {
        transactional_id = transactional_id,
        acks = acks,
        timeout_ms = timeout_ms,
        topics = topic_data,
    }
    theirs::produce_request::TopicProduceData => ours::ProduceTopic<'static> {
        name = name, partitions = partition_data,
    }
    theirs::produce_request::PartitionProduceData => ours::ProducePartition<'static> {
        partition = index, records = records,
    }
    theirs::ProduceResponse => ours::ProduceResponse<'static> {
        topics = responses, throttle_time_ms = throttle_time_ms,
    }
    theirs::produce_response::TopicProduceResponse => ours::ProducedTopic<'static> {
        name = name, partitions = partition_responses,
    }
    theirs::produce_response::PartitionProduceResponse => ours::ProducedPartition<'static> {
        partition = index,
        error = error_code,
        base_offset = base_offset,
        log_append_time_ms = log_append_time_ms,
        log_start_offset = log_start_offset,
        record_errors = record_errors,
        error_message = error_message,
    }
    theirs::produce_response::BatchIndexAndErrorMessage => ours::RecordError<'static> {
        batch_index = batch_index, message = batch_index_error_message,
    }

    theirs::SaslHandshakeRequest => ours::SaslHandshakeRequest<'static> {
        mechanism = mechanism,
    }
    theirs::SaslHandshakeResponse => ours::SaslHandshakeResponse<'static> {
        error = error_code, mechanisms = mechanisms,
    }
    theirs::SaslAuthenticateRequest => ours::SaslAuthenticateRequest<'static> {
        auth_bytes = auth_bytes,
    }
    theirs::SaslAuthenticateResponse => ours::SaslAuthenticateResponse<'static> {
        error = error_code,
        error_message = error_message,
        auth_bytes = auth_bytes,
        session_lifetime_ms = session_lifetime_ms,
    }

    theirs::fetch_response::EpochEndOffset => ours::DivergingEpoch {
        epoch = epoch, end_offset = end_offset,
    }
    theirs::fetch_response::LeaderIdAndEpoch => ours::CurrentLeader {
        leader_id = leader_id, leader_epoch = leader_epoch,
    }
    theirs::fetch_response::NodeEndpoint => ours::Broker<'static> {
        node_id = node_id, host = host, port = port, rack = rack,
    }
}
