//! SyncGroup: the leader brings the assignment, everyone takes theirs.

use std::time::Instant;

use super::group::{Group, GroupState, Outbox};
use super::member::{Member, MemberId};
use super::{GroupError, Reply, Sync, Synced, Ticket};

impl Group {
    /// See [`super::Coordinator::sync`].
    pub(super) fn sync(&mut self, now: Instant, ticket: Ticket, sync: Sync, outbox: &mut Outbox) {
        match self.try_sync(now, ticket, sync, outbox) {
            Ok(Some(synced)) => outbox.push((ticket, Reply::Sync(Ok(synced)))),
            Ok(None) => {}
            Err(error) => outbox.push((ticket, Reply::Sync(Err(error)))),
        }
    }

    /// Answers at once, or leaves the ticket with the member.
    fn try_sync(
        &mut self,
        now: Instant,
        ticket: Ticket,
        sync: Sync,
        outbox: &mut Outbox,
    ) -> Result<Option<Synced>, GroupError> {
        let state = self.state;
        let leader = self.leader.clone();
        let other_type = sync.protocol_type.is_some_and(|name| name != self.protocol_type);
        let other_name = sync.protocol.is_some_and(|name| name != self.protocol);
        let id = self.identify(&sync.identity.member_id, sync.identity.instance_id.as_deref())?;
        let member = self.current_member(now, &sync.identity)?;
        if other_type || other_name {
            return Err(GroupError::InconsistentProtocol);
        }
        match state {
            GroupState::Empty | GroupState::Reconciling => return Err(GroupError::UnknownMember),
            GroupState::PreparingRebalance => return Err(GroupError::RebalanceInProgress),
            GroupState::CompletingRebalance => {
                member.synced = true;
                if let Some(replaced) = member.syncing.replace(ticket) {
                    outbox.push((replaced, Reply::Sync(Err(GroupError::UnknownMember))));
                }
                if leader.as_ref() == Some(&id) {
                    self.assign(now, sync.assignments, outbox);
                }
            }
            GroupState::Stable => {
                member.synced = true;
                let assignment = member.assignment.clone();
                self.forget_sync_deadline();
                return Ok(Some(self.synced(assignment)));
            }
        }
        Ok(None)
    }

    /// Keeps the leader's assignment and answers everyone who waits for it. Members the leader did not
    /// name get an empty one; names that are no members are passed over.
    fn assign(
        &mut self,
        now: Instant,
        assignments: Vec<(String, bytes::Bytes)>,
        outbox: &mut Outbox,
    ) {
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(id.as_str()) {
                member.assignment = assignment;
            }
        }
        self.state = GroupState::Stable;
        self.settled = true;
        let waiting = |(id, member): (&MemberId, &mut Member)| {
            member.syncing.take().map(|ticket| (id.clone(), ticket, member.assignment.clone()))
        };
        let waiting: Vec<_> = self.members.iter_mut().filter_map(waiting).collect();
        for (id, ticket, assignment) in waiting {
            outbox.push((ticket, Reply::Sync(Ok(self.synced(assignment)))));
            if let Some(member) = self.members.get_mut(&id) {
                member.touch(now);
            }
        }
        self.forget_sync_deadline();
    }

    /// Once everyone has asked, nobody is late.
    fn forget_sync_deadline(&mut self) {
        if self.members.values().all(|member| member.synced) {
            self.sync_deadline = None;
        }
    }

    fn synced(&self, assignment: bytes::Bytes) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment,
        }
    }
}
