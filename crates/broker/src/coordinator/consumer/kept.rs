//! A consumer group on its way to the catalog and back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use change::{GroupId, TaskName, UnixTime};
use kafka::{PartitionId, TopicId};

use super::group::ConsumerGroup;
use super::member::Consumer;
use super::{Assignor, Held, Partitions, Subscription, TopicShape};
use crate::coordinator::{GroupLimits, MemberId};

/// No client can ask for more: its field has 32 bits.
const REBALANCE_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);

impl ConsumerGroup {
    /// Everything that has to be kept.
    pub(in crate::coordinator) fn to_kept(
        &self,
        group: &GroupId,
        changed: UnixTime,
    ) -> catalog::ConsumerGroup {
        let topics = self.topics.values().map(|topic| catalog::KnownTopic {
            name: topic.name.clone(),
            id: topic.id.0,
            partitions: topic.partitions,
            task: topic.task.clone(),
        });
        let members = self.members.iter().map(|(id, member)| member.to_kept(id));
        catalog::ConsumerGroup {
            group: group.clone(),
            epoch: self.epoch,
            assignor: self.assignor.as_str().to_owned(),
            changed,
            roll: catalog::ConsumerRoll { topics: topics.collect(), members: members.collect() },
        }
    }

    /// A group as it was kept. Its members are given their whole session to be heard again.
    pub(in crate::coordinator) fn restored(
        now: Instant,
        limits: &GroupLimits,
        kept: catalog::ConsumerGroup,
    ) -> Self {
        let topics = kept.roll.topics.into_iter().map(|topic| TopicShape {
            name: topic.name,
            id: TopicId(topic.id),
            partitions: topic.partitions,
            task: topic.task,
        });
        let mut group = Self {
            epoch: kept.epoch.max(0),
            assignor: Assignor::named(&kept.assignor).unwrap_or_default(),
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            topics: topics.map(|topic| (topic.name.clone(), topic)).collect(),
            changed: false,
        };
        for member in kept.roll.members {
            let id = MemberId::new(&member.id);
            let Some(member) = Consumer::restored(now, limits, member) else { continue };
            if let Some(instance_id) = &member.instance_id {
                group.statics.insert(instance_id.clone(), id.clone());
            }
            group.members.insert(id, member);
        }
        group
    }
}

impl Consumer {
    fn to_kept(&self, id: &MemberId) -> catalog::Consumer {
        catalog::Consumer {
            id: id.to_string(),
            instance_id: self.instance_id.clone(),
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            task: self.subscription.task.as_ref().map(ToString::to_string),
            rebalance_timeout: self.rebalance_timeout,
            epoch: self.epoch,
            previous_epoch: self.previous_epoch,
            assignor: self.assignor.map(|assignor| assignor.as_str().to_owned()),
            topics: self.subscription.topics.iter().cloned().collect(),
            pattern: self.subscription.pattern().map(str::to_owned),
            assigned: self.assigned.iter().map(to_kept).collect(),
            revoking: self.revoking.iter().map(to_kept).collect(),
            target: self.target.iter().map(to_kept).collect(),
        }
    }

    /// `None` of one whose subscription this release does not understand; it will join again.
    fn restored(now: Instant, limits: &GroupLimits, kept: catalog::Consumer) -> Option<Self> {
        let task = match kept.task {
            Some(task) => Some(TaskName::new(task).ok()?),
            None => None,
        };
        let topics = kept.topics.into_iter().collect();
        let subscription = Subscription::new(topics, kept.pattern.as_deref(), task).ok()?;
        let rebalance_timeout = kept.rebalance_timeout.min(REBALANCE_TIMEOUT_MAX);
        let revoking = restored(&kept.revoking);
        Some(Self {
            instance_id: kept.instance_id,
            rack_id: kept.rack_id,
            client_id: kept.client_id,
            client_host: kept.client_host,
            rebalance_timeout,
            subscription,
            assignor: kept.assignor.as_deref().and_then(Assignor::named),
            epoch: kept.epoch,
            previous_epoch: kept.previous_epoch,
            assigned: restored(&kept.assigned),
            revoke_by: (!revoking.is_empty()).then(|| now + rebalance_timeout),
            revoking,
            target: restored(&kept.target),
            expires: now + limits.consumer_session_timeout,
        })
    }
}

fn to_kept(held: &Held) -> catalog::HeldPartition {
    catalog::HeldPartition { topic: held.topic.0, partition: held.partition.0 }
}

fn restored(kept: &[catalog::HeldPartition]) -> Partitions {
    let held = |kept: &catalog::HeldPartition| Held {
        topic: TopicId(kept.topic),
        partition: PartitionId(kept.partition),
    };
    kept.iter().map(held).collect()
}
