//! A group at rest: what of it is kept, and how it comes back after a restart.
//!
//! A group is at rest when its leader has assigned, when a static member came back into it, and when its
//! last member has gone; that is when Kafka's coordinator writes it down too. In between it rebalances,
//! and whoever took part in that joins again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use catalog::{GroupMember, Membership};
use change::{GroupId, UnixTime};

use super::group::{Group, GroupState, Outbox};
use super::member::{Member, MemberId};
use super::{GroupError, GroupLimits, Protocol};

/// No client can ask for more: its field has 32 bits.
const REBALANCE_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);

impl Group {
    /// Everything that has to be kept; `None` while it rebalances.
    pub(super) fn membership(&self, group: &GroupId, changed: UnixTime) -> Option<Membership> {
        if !matches!(self.state, GroupState::Stable | GroupState::Empty) {
            return None;
        }
        Some(Membership {
            group: group.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.as_ref().map(ToString::to_string),
            changed,
            members: self.members.iter().map(|(id, member)| member.to_kept(id)).collect(),
        })
    }

    /// A group as it was kept. Its members are given their whole session to be heard again.
    pub(super) fn restored(now: Instant, limits: &GroupLimits, kept: Membership) -> Self {
        let mut group = Self {
            generation: kept.generation.max(0),
            protocol_type: kept.protocol_type,
            ..Self::default()
        };
        for member in kept.members {
            let id = MemberId::new(&member.id);
            if let Some(instance_id) = &member.instance_id {
                group.statics.insert(instance_id.clone(), id.clone());
            }
            group.members.insert(id, Member::restored(now, limits, member));
        }
        if !group.members.is_empty() {
            group.state = GroupState::Stable;
            group.protocol = kept.protocol;
            let led = kept.leader.and_then(|id| group.members.get_key_value(id.as_str()));
            group.leader =
                led.or_else(|| group.members.first_key_value()).map(|(id, _)| id.clone());
        }
        group
    }

    /// Sends all members away. They learn of it at their next request, and join as newcomers.
    pub(super) fn expel(&mut self, outbox: &mut Outbox) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in &ids {
            self.detach(id, GroupError::UnknownMember, outbox);
        }
        self.promised.clear();
        self.rebalance = None;
        self.sync_deadline = None;
        self.rest_empty();
    }

    /// The last member has gone.
    pub(super) fn rest_empty(&mut self) {
        self.state = GroupState::Empty;
        self.protocol.clear();
        self.settled = true;
    }
}

impl Member {
    fn to_kept(&self, id: &MemberId) -> GroupMember {
        let protocol = |protocol: &Protocol| (protocol.name.clone(), protocol.metadata.to_vec());
        GroupMember {
            id: id.to_string(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            session_timeout: self.session_timeout,
            rebalance_timeout: self.rebalance_timeout,
            protocols: self.protocols.iter().map(protocol).collect(),
            assignment: self.assignment.to_vec(),
        }
    }

    fn restored(now: Instant, limits: &GroupLimits, kept: GroupMember) -> Self {
        let session_timeout = kept.session_timeout.min(*limits.session_timeout.end());
        let protocol =
            |(name, metadata): (String, Vec<u8>)| Protocol { name, metadata: metadata.into() };
        Self {
            instance_id: kept.instance_id,
            client_id: kept.client_id,
            client_host: kept.client_host,
            session_timeout,
            rebalance_timeout: kept.rebalance_timeout.min(REBALANCE_TIMEOUT_MAX),
            protocols: kept.protocols.into_iter().map(protocol).collect(),
            joining: None,
            syncing: None,
            synced: true,
            assignment: Bytes::from(kept.assignment),
            expires: now + session_timeout,
        }
    }
}
