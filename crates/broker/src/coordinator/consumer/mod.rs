//! Consumer groups of the newer protocol (KIP-848): members only heartbeat, the coordinator assigns.
//!
//! The group has an epoch, which grows with each change of members, subscriptions or topics, and a target
//! assignment for it. Each member has an epoch of its own and follows at its own pace: with a heartbeat it
//! first gives up what it shall no longer hold, then reaches the group's epoch, then is given what others
//! have given up. No partition is ever given to two members at a time.
//!
//! Pure as the rest of the coordinator; the topics that there are come with each heartbeat. Differences
//! from Kafka, on purpose: the target is made at once and not with the next heartbeat; a topic that
//! cannot be seen for a while, as at a start, keeps its assignment; a member of a group that is not known
//! any more is told to begin anew (UNKNOWN_MEMBER_ID) and not that there is no group, which clients give
//! up on; groups are not converted while they have members.

mod assignor;
mod group;
mod kept;
mod member;
mod subscription;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use change::{GroupId, TaskName};
use kafka::{PartitionId, TopicId};

pub(crate) use assignor::Assignor;
pub(super) use group::ConsumerGroup;
use subscription::Subscription;

use super::{Coordinator, GroupError, MemberId, Reply, Ticket, earliest};

/// The epoch of a member that joins.
const JOINING: i32 = 0;
/// The epoch of a member that leaves for good.
const LEAVING: i32 = -1;
/// The epoch of a static member that leaves and means to come back.
const AWAY: i32 = -2;

/// A partition of a topic, by the topic's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Held {
    /// The topic.
    pub(crate) topic: TopicId,
    /// The partition.
    pub(crate) partition: PartitionId,
}

/// Partitions of topics.
pub(crate) type Partitions = BTreeSet<Held>;

/// A topic that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicShape {
    /// Its name.
    pub(crate) name: String,
    /// Its id.
    pub(crate) id: TopicId,
    /// How many partitions it has.
    pub(crate) partitions: i32,
    /// The task it belongs to.
    pub(crate) task: String,
}

/// A ConsumerGroupHeartbeat. What is `None` has not changed.
#[derive(Debug, Clone)]
pub(crate) struct Beat {
    /// The member's id; empty for one that is to be given one.
    pub(crate) member_id: String,
    /// The id that such a one gets.
    pub(crate) fresh_id: MemberId,
    /// Its epoch, or what it wants: join (0), leave (−1), leave for a while (−2).
    pub(crate) epoch: i32,
    /// Its `group.instance.id`.
    pub(crate) instance_id: Option<String>,
    /// Where it stands.
    pub(crate) rack_id: Option<String>,
    /// As the client calls itself, for operators.
    pub(crate) client_id: String,
    /// Where it comes from, for operators.
    pub(crate) client_host: String,
    /// How long it may take to give up partitions.
    pub(crate) rebalance_timeout: Option<Duration>,
    /// The topics it wants.
    pub(crate) topics: Option<BTreeSet<String>>,
    /// The same as a pattern; empty for none.
    pub(crate) pattern: Option<String>,
    /// The assignor it wants.
    pub(crate) assignor: Option<Assignor>,
    /// What it holds.
    pub(crate) owned: Option<Partitions>,
    /// The task whose topics it may see; `None` if it may see all.
    pub(crate) task: Option<TaskName>,
}

/// How a member stands after its heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its id.
    pub(crate) member_id: String,
    /// Its epoch.
    pub(crate) epoch: i32,
    /// What it may hold; `None` has not changed.
    pub(crate) assignment: Option<Partitions>,
}

/// A group as ConsumerGroupDescribe tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerGroupView {
    pub(crate) state: super::GroupState,
    pub(crate) epoch: i32,
    pub(crate) assignor: Assignor,
    pub(crate) members: Vec<ConsumerView>,
    /// The topics of its assignments.
    pub(crate) topics: Vec<TopicShape>,
}

/// A member as ConsumerGroupDescribe tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerView {
    pub(crate) member_id: MemberId,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) epoch: i32,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: Vec<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) assigned: Partitions,
    pub(crate) target: Partitions,
}

impl Coordinator {
    /// A member is heard; the reply comes to `ticket` at once, and must wait for what is unkept with it.
    pub(crate) fn beat(
        &mut self,
        now: Instant,
        group: &GroupId,
        ticket: Ticket,
        beat: Beat,
        topics: &[TopicShape],
    ) {
        let standing = self.try_beat(now, group, beat, topics);
        self.outbox.push((ticket, Reply::Beat(standing)));
    }

    fn try_beat(
        &mut self,
        now: Instant,
        id: &GroupId,
        beat: Beat,
        topics: &[TopicShape],
    ) -> Result<Standing, GroupError> {
        if self.groups.get(id).is_some_and(|group| !group.is_idle()) {
            return Err(GroupError::NoGroup);
        }
        if let Some(group) = self.consumers.get_mut(id) {
            let standing = group.beat(now, &self.limits, beat, topics);
            self.touched_consumers(id);
            return standing;
        }
        if beat.epoch != JOINING {
            return Err(GroupError::UnknownMember);
        }
        let mut group = ConsumerGroup::default();
        let standing = group.beat(now, &self.limits, beat, topics)?;
        match self.groups.remove(id) {
            Some(_) => {}
            None => self.make_room()?,
        }
        self.consumers.insert(id.clone(), group);
        self.touched_consumers(id);
        Ok(standing)
    }

    /// Whether a member of a consumer group may ask where it stands. Members of other groups may always.
    ///
    /// # Errors
    /// As Kafka answers it.
    pub(crate) fn check_fetch(
        &self,
        group: &GroupId,
        member_id: Option<&str>,
        epoch: i32,
    ) -> Result<(), GroupError> {
        match (self.consumers.get(group), member_id) {
            (None, _) => Ok(()),
            (Some(_), None) if epoch < 0 => Ok(()),
            (Some(group), member_id) => group.check_epoch(member_id.unwrap_or_default(), epoch),
        }
    }

    /// A consumer group in full; `None` of any other.
    pub(crate) fn describe_consumers(&self, group: &GroupId) -> Option<ConsumerGroupView> {
        self.consumers.get(group).map(ConsumerGroup::view_in_full)
    }

    /// How often members are to be heard.
    pub(crate) fn consumer_heartbeat_interval(&self) -> Duration {
        self.limits.consumer_heartbeat_interval
    }

    /// LeaveGroup of an admin client.
    pub(super) fn remove_consumer(
        &mut self,
        group: &GroupId,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        let entry = self.consumers.get_mut(group).ok_or(GroupError::UnknownMember)?;
        let removed = entry.dismiss(member_id, instance_id);
        self.touched_consumers(group);
        removed
    }

    pub(super) fn tick_consumers(&mut self, now: Instant) {
        for (id, group) in &mut self.consumers {
            group.tick(now);
            if std::mem::take(&mut group.changed) {
                self.forgotten.remove(id);
                self.settled.insert(id.clone());
            }
        }
    }

    /// Takes note of what a call did to a group.
    pub(super) fn touched_consumers(&mut self, id: &GroupId) {
        let Some(group) = self.consumers.get_mut(id) else { return };
        self.wake_at = earliest(self.wake_at, group.next_deadline());
        if std::mem::take(&mut group.changed) {
            self.forgotten.remove(id);
            self.settled.insert(id.clone());
        }
    }
}
