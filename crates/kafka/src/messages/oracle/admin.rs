//! The fields of what admin clients send and get, and members of the consumer protocol of KIP-848.

use super::{Meaning, ours, theirs};

fields! {
    theirs::ListGroupsRequest => ours::ListGroupsRequest<'static> {
        states_filter = states_filter, types_filter = types_filter,
    }
    theirs::ListGroupsResponse => ours::ListGroupsResponse<'static> {
        throttle_time_ms = throttle_time_ms, error = error_code, groups = groups,
    }
    theirs::list_groups_response::ListedGroup => ours::ListedGroup<'static> {
        group_id = group_id,
        protocol_type = protocol_type,
        group_state = group_state,
        group_type = group_type,
    }

    theirs::DescribeGroupsRequest => ours::DescribeGroupsRequest<'static> {
        groups = groups, include_authorized_operations = include_authorized_operations,
    }
    theirs::DescribeGroupsResponse => ours::DescribeGroupsResponse<'static> {
        throttle_time_ms = throttle_time_ms, groups = groups,
    }
    theirs::describe_groups_response::DescribedGroup => ours::DescribedGroup<'static> {
        error = error_code,
        group_id = group_id,
        group_state = group_state,
        protocol_type = protocol_type,
        protocol_data = protocol_data,
        members = members,
        authorized_operations = authorized_operations,
    }
    theirs::describe_groups_response::DescribedGroupMember => ours::DescribedMember<'static> {
        member_id = member_id,
        group_instance_id = group_instance_id,
        client_id = client_id,
        client_host = client_host,
        member_metadata = member_metadata,
        member_assignment = member_assignment,
    }

    theirs::DeleteGroupsRequest => ours::DeleteGroupsRequest<'static> {
        groups_names = groups_names,
    }
    theirs::DeleteGroupsResponse => ours::DeleteGroupsResponse<'static> {
        throttle_time_ms = throttle_time_ms, results = results,
    }
    theirs::delete_groups_response::DeletableGroupResult => ours::DeletedGroup<'static> {
        group_id = group_id, error = error_code,
    }

    theirs::OffsetDeleteRequest => ours::OffsetDeleteRequest<'static> {
        group_id = group_id, topics = topics,
    }
    theirs::offset_delete_request::OffsetDeleteRequestTopic => ours::OffsetDeleteTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::OffsetDeleteResponse => ours::OffsetDeleteResponse<'static> {
        error = error_code, throttle_time_ms = throttle_time_ms, topics = topics,
    }
    theirs::offset_delete_response::OffsetDeleteResponseTopic => ours::OffsetDeletedTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::offset_delete_response::OffsetDeleteResponsePartition => ours::OffsetDeletedPartition {
        partition = partition_index, error = error_code,
    }

    theirs::ConsumerGroupHeartbeatRequest => ours::ConsumerGroupHeartbeatRequest<'static> {
        group_id = group_id,
        member_id = member_id,
        member_epoch = member_epoch,
        instance_id = instance_id,
        rack_id = rack_id,
        rebalance_timeout_ms = rebalance_timeout_ms,
        subscribed_topic_names = subscribed_topic_names,
        server_assignor = server_assignor,
        topic_partitions = topic_partitions,
    }
    theirs::consumer_group_heartbeat_request::TopicPartitions => ours::TopicPartitions {
        topic_id = topic_id, partitions = partitions,
    }
    theirs::ConsumerGroupHeartbeatResponse => ours::ConsumerGroupHeartbeatResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        error_message = error_message,
        member_id = member_id,
        member_epoch = member_epoch,
        heartbeat_interval_ms = heartbeat_interval_ms,
        assignment = assignment,
    }
    theirs::consumer_group_heartbeat_response::Assignment => ours::HeartbeatAssignment {
        topic_partitions = topic_partitions,
    }
    theirs::consumer_group_heartbeat_response::TopicPartitions => ours::TopicPartitions {
        topic_id = topic_id, partitions = partitions,
    }

    theirs::ConsumerGroupDescribeRequest => ours::ConsumerGroupDescribeRequest<'static> {
        group_ids = group_ids, include_authorized_operations = include_authorized_operations,
    }
    theirs::ConsumerGroupDescribeResponse => ours::ConsumerGroupDescribeResponse<'static> {
        throttle_time_ms = throttle_time_ms, groups = groups,
    }
    theirs::consumer_group_describe_response::DescribedGroup => ours::DescribedConsumerGroup<'static> {
        error = error_code,
        error_message = error_message,
        group_id = group_id,
        group_state = group_state,
        group_epoch = group_epoch,
        assignment_epoch = assignment_epoch,
        assignor_name = assignor_name,
        members = members,
        authorized_operations = authorized_operations,
    }
    theirs::consumer_group_describe_response::Member => ours::DescribedConsumer<'static> {
        member_id = member_id,
        instance_id = instance_id,
        rack_id = rack_id,
        member_epoch = member_epoch,
        client_id = client_id,
        client_host = client_host,
        subscribed_topic_names = subscribed_topic_names,
        subscribed_topic_regex = subscribed_topic_regex,
        assignment = assignment,
        target_assignment = target_assignment,
    }
    theirs::consumer_group_describe_response::Assignment => ours::ConsumerAssignment<'static> {
        topic_partitions = topic_partitions,
    }
    theirs::consumer_group_describe_response::TopicPartitions => ours::AssignedTopic<'static> {
        topic_id = topic_id, topic_name = topic_name, partitions = partitions,
    }

    theirs::DescribeClusterRequest => ours::DescribeClusterRequest {
        include_cluster_authorized_operations = include_cluster_authorized_operations,
        endpoint_type = endpoint_type,
    }
    theirs::DescribeClusterResponse => ours::DescribeClusterResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        error_message = error_message,
        endpoint_type = endpoint_type,
        cluster_id = cluster_id,
        controller_id = controller_id,
        brokers = brokers,
        cluster_authorized_operations = cluster_authorized_operations,
    }
    theirs::describe_cluster_response::DescribeClusterBroker => ours::ClusterBroker<'static> {
        broker_id = broker_id, host = host, port = port, rack = rack,
    }

    theirs::DescribeTopicPartitionsRequest => ours::DescribeTopicPartitionsRequest<'static> {
        topics = topics, response_partition_limit = response_partition_limit, cursor = cursor,
    }
    theirs::describe_topic_partitions_request::TopicRequest => ours::DescribeTopic<'static> {
        name = name,
    }
    theirs::describe_topic_partitions_request::Cursor => ours::TopicCursor<'static> {
        topic_name = topic_name, partition = partition_index,
    }
    theirs::DescribeTopicPartitionsResponse => ours::DescribeTopicPartitionsResponse<'static> {
        throttle_time_ms = throttle_time_ms, topics = topics, next_cursor = next_cursor,
    }
    theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic => ours::DescribedTopic<'static> {
        error = error_code,
        name = name,
        topic_id = topic_id,
        is_internal = is_internal,
        partitions = partitions,
        topic_authorized_operations = topic_authorized_operations,
    }
    theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition => ours::DescribedPartition {
        error = error_code,
        partition = partition_index,
        leader_id = leader_id,
        leader_epoch = leader_epoch,
        replicas = replica_nodes,
        in_sync_replicas = isr_nodes,
        eligible_leader_replicas = eligible_leader_replicas,
        last_known_elr = last_known_elr,
        offline_replicas = offline_replicas,
    }
    theirs::describe_topic_partitions_response::Cursor => ours::TopicCursor<'static> {
        topic_name = topic_name, partition = partition_index,
    }

    theirs::ListPartitionReassignmentsRequest => ours::ListPartitionReassignmentsRequest<'static> {
        timeout_ms = timeout_ms, topics = topics,
    }
    theirs::list_partition_reassignments_request::ListPartitionReassignmentsTopics => ours::ReassignmentsTopic<'static> {
        name = name, partitions = partition_indexes,
    }
    theirs::ListPartitionReassignmentsResponse => ours::ListPartitionReassignmentsResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        error_message = error_message,
        topics = topics,
    }
    theirs::list_partition_reassignments_response::OngoingTopicReassignment => ours::OngoingTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::list_partition_reassignments_response::OngoingPartitionReassignment => ours::OngoingPartition {
        partition = partition_index,
        replicas = replicas,
        adding_replicas = adding_replicas,
        removing_replicas = removing_replicas,
    }

    theirs::DescribeConfigsRequest => ours::DescribeConfigsRequest<'static> {
        resources = resources,
        include_synonyms = include_synonyms,
        include_documentation = include_documentation,
    }
    theirs::describe_configs_request::DescribeConfigsResource => ours::DescribeConfigsResource<'static> {
        resource_type = resource_type,
        resource_name = resource_name,
        configuration_keys = configuration_keys,
    }
    theirs::DescribeConfigsResponse => ours::DescribeConfigsResponse<'static> {
        throttle_time_ms = throttle_time_ms, results = results,
    }
    theirs::describe_configs_response::DescribeConfigsResult => ours::DescribedConfigs<'static> {
        error = error_code,
        error_message = error_message,
        resource_type = resource_type,
        resource_name = resource_name,
        configs = configs,
    }
    theirs::describe_configs_response::DescribeConfigsResourceResult => ours::ConfigEntry<'static> {
        name = name,
        value = value,
        read_only = read_only,
        is_default = is_default,
        config_source = config_source,
        is_sensitive = is_sensitive,
        synonyms = synonyms,
        config_type = config_type,
        documentation = documentation,
    }
    theirs::describe_configs_response::DescribeConfigsSynonym => ours::ConfigSynonym<'static> {
        name = name, value = value, source = source,
    }

    theirs::CreateTopicsRequest => ours::CreateTopicsRequest<'static> {
        topics = topics, timeout_ms = timeout_ms, validate_only = validate_only,
    }
    theirs::create_topics_request::CreatableTopic => ours::CreatableTopic<'static> {
        name = name,
        num_partitions = num_partitions,
        replication_factor = replication_factor,
        assignments = assignments,
        configs = configs,
    }
    theirs::create_topics_request::CreatableReplicaAssignment => ours::CreatableAssignment {
        partition = partition_index, broker_ids = broker_ids,
    }
    theirs::create_topics_request::CreatableTopicConfig => ours::NamedConfig<'static> {
        name = name, value = value,
    }
    theirs::CreateTopicsResponse => ours::CreateTopicsResponse<'static> {
        throttle_time_ms = throttle_time_ms, topics = topics,
    }
    theirs::create_topics_response::CreatableTopicResult => ours::CreatedTopic<'static> {
        name = name,
        topic_id = topic_id,
        error = error_code,
        error_message = error_message,
        num_partitions = num_partitions,
        replication_factor = replication_factor,
        configs = configs,
    }
    theirs::create_topics_response::CreatableTopicConfigs => ours::CreatedConfig<'static> {
        name = name,
        value = value,
        read_only = read_only,
        config_source = config_source,
        is_sensitive = is_sensitive,
    }

    theirs::DeleteTopicsRequest => ours::DeleteTopicsRequest<'static> {
        topics = topics, topic_names = topic_names, timeout_ms = timeout_ms,
    }
    theirs::delete_topics_request::DeleteTopicState => ours::DeletableTopic<'static> {
        name = name, topic_id = topic_id,
    }
    theirs::DeleteTopicsResponse => ours::DeleteTopicsResponse<'static> {
        throttle_time_ms = throttle_time_ms, responses = responses,
    }
    theirs::delete_topics_response::DeletableTopicResult => ours::DeletedTopic<'static> {
        name = name, topic_id = topic_id, error = error_code, error_message = error_message,
    }

    theirs::CreatePartitionsRequest => ours::CreatePartitionsRequest<'static> {
        topics = topics, timeout_ms = timeout_ms, validate_only = validate_only,
    }
    theirs::create_partitions_request::CreatePartitionsTopic => ours::GrowingTopic<'static> {
        name = name, count = count, assignments = assignments,
    }
    theirs::create_partitions_request::CreatePartitionsAssignment => ours::GrowingAssignment {
        broker_ids = broker_ids,
    }
    theirs::CreatePartitionsResponse => ours::CreatePartitionsResponse<'static> {
        throttle_time_ms = throttle_time_ms, results = results,
    }
    theirs::create_partitions_response::CreatePartitionsTopicResult => ours::GrownTopic<'static> {
        name = name, error = error_code, error_message = error_message,
    }

    theirs::DeleteRecordsRequest => ours::DeleteRecordsRequest<'static> {
        topics = topics, timeout_ms = timeout_ms,
    }
    theirs::delete_records_request::DeleteRecordsTopic => ours::DeleteRecordsTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::delete_records_request::DeleteRecordsPartition => ours::DeleteRecordsPartition {
        partition = partition_index, offset = offset,
    }
    theirs::DeleteRecordsResponse => ours::DeleteRecordsResponse<'static> {
        throttle_time_ms = throttle_time_ms, topics = topics,
    }
    theirs::delete_records_response::DeleteRecordsTopicResult => ours::DeletedRecordsTopic<'static> {
        name = name, partitions = partitions,
    }
    theirs::delete_records_response::DeleteRecordsPartitionResult => ours::DeletedRecordsPartition {
        partition = partition_index, low_watermark = low_watermark, error = error_code,
    }

    theirs::AlterConfigsRequest => ours::AlterConfigsRequest<'static> {
        resources = resources, validate_only = validate_only,
    }
    theirs::alter_configs_request::AlterConfigsResource => ours::AlterConfigsResource<'static> {
        resource_type = resource_type, resource_name = resource_name, configs = configs,
    }
    theirs::alter_configs_request::AlterableConfig => ours::NamedConfig<'static> {
        name = name, value = value,
    }
    theirs::AlterConfigsResponse => ours::AlterConfigsResponse<'static> {
        throttle_time_ms = throttle_time_ms, responses = responses,
    }
    theirs::alter_configs_response::AlterConfigsResourceResponse => ours::AlteredConfigs<'static> {
        error = error_code,
        error_message = error_message,
        resource_type = resource_type,
        resource_name = resource_name,
    }

    theirs::IncrementalAlterConfigsRequest => ours::IncrementalAlterConfigsRequest<'static> {
        resources = resources, validate_only = validate_only,
    }
    theirs::incremental_alter_configs_request::AlterConfigsResource => ours::IncrementalResource<'static> {
        resource_type = resource_type, resource_name = resource_name, configs = configs,
    }
    theirs::incremental_alter_configs_request::AlterableConfig => ours::IncrementalConfig<'static> {
        name = name, config_operation = config_operation, value = value,
    }
    theirs::IncrementalAlterConfigsResponse => ours::IncrementalAlterConfigsResponse<'static> {
        throttle_time_ms = throttle_time_ms, responses = responses,
    }
    theirs::incremental_alter_configs_response::AlterConfigsResourceResponse => ours::AlteredConfigs<'static> {
        error = error_code,
        error_message = error_message,
        resource_type = resource_type,
        resource_name = resource_name,
    }

    theirs::InitProducerIdRequest => ours::InitProducerIdRequest<'static> {
        transactional_id = transactional_id,
        transaction_timeout_ms = transaction_timeout_ms,
        producer_id = producer_id,
        producer_epoch = producer_epoch,
    }
    theirs::InitProducerIdResponse => ours::InitProducerIdResponse {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        producer_id = producer_id,
        producer_epoch = producer_epoch,
    }

    theirs::DescribeAclsResponse => ours::DescribeAclsResponse<'static> {
        throttle_time_ms = throttle_time_ms,
        error = error_code,
        error_message = error_message,
        resources = resources,
    }
    theirs::describe_acls_response::DescribeAclsResource => ours::AclResource<'static> {
        resource_type = resource_type,
        resource_name = resource_name,
        pattern_type = pattern_type,
        acls = acls,
    }
    theirs::describe_acls_response::AclDescription => ours::AclDescription<'static> {
        principal = principal,
        host = host,
        operation = operation,
        permission_type = permission_type,
    }
    theirs::CreateAclsRequest => ours::CreateAclsRequest<'static> { creations = creations, }
    theirs::create_acls_request::AclCreation => ours::Acl<'static> {
        resource_type = resource_type,
        resource_name = resource_name,
        pattern_type = resource_pattern_type,
        principal = principal,
        host = host,
        operation = operation,
        permission_type = permission_type,
    }
    theirs::CreateAclsResponse => ours::CreateAclsResponse<'static> {
        throttle_time_ms = throttle_time_ms, results = results,
    }
    theirs::create_acls_response::AclCreationResult => ours::CreatedAcl<'static> {
        error = error_code, error_message = error_message,
    }
    theirs::DeleteAclsRequest => ours::DeleteAclsRequest<'static> { filters = filters, }
    theirs::DescribeAclsRequest => ours::AclFilter<'static> {
        resource_type = resource_type_filter,
        resource_name = resource_name_filter,
        pattern_type = pattern_type_filter,
        principal = principal_filter,
        host = host_filter,
        operation = operation,
        permission_type = permission_type,
    }
    theirs::delete_acls_request::DeleteAclsFilter => ours::AclFilter<'static> {
        resource_type = resource_type_filter,
        resource_name = resource_name_filter,
        pattern_type = pattern_type_filter,
        principal = principal_filter,
        host = host_filter,
        operation = operation,
        permission_type = permission_type,
    }
    theirs::DeleteAclsResponse => ours::DeleteAclsResponse<'static> {
        throttle_time_ms = throttle_time_ms, filter_results = filter_results,
    }
    theirs::delete_acls_response::DeleteAclsFilterResult => ours::DeletedAcls<'static> {
        error = error_code, error_message = error_message, matching_acls = matching_acls,
    }
}

impl Meaning<crate::PartitionId> for theirs::offset_delete_request::OffsetDeleteRequestPartition {
    fn meaning(self) -> crate::PartitionId {
        self.partition_index.meaning()
    }
}

impl Meaning<ours::MatchingAcl<'static>> for theirs::delete_acls_response::DeleteAclsMatchingAcl {
    fn meaning(self) -> ours::MatchingAcl<'static> {
        let acl = ours::Acl {
            resource_type: self.resource_type,
            resource_name: self.resource_name.meaning(),
            pattern_type: self.pattern_type,
            principal: self.principal.meaning(),
            host: self.host.meaning(),
            operation: self.operation,
            permission_type: self.permission_type,
        };
        let (error, error_message) = (self.error_code.meaning(), self.error_message.meaning());
        ours::MatchingAcl { error, error_message, acl }
    }
}
