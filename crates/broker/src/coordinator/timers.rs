//! What happens to a group because time passes.

use std::time::Instant;

use super::earliest;
use super::group::{Group, Outbox};
use super::member::{Member, MemberId};
use super::{GroupError, GroupLimits};

impl Group {
    /// Ends sessions, promises and rebalances that are due.
    pub(super) fn tick(&mut self, now: Instant, limits: &GroupLimits, outbox: &mut Outbox) {
        self.promised.retain(|_, lapses| *lapses > now);
        for id in self.members_where(|member| !member.is_waiting() && member.expires <= now) {
            self.remove_member(now, limits, &id, outbox);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= now) {
            self.sync_deadline = None;
            for id in self.members_where(|member| !member.synced) {
                self.detach(&id, GroupError::UnknownMember, outbox);
            }
            self.begin_rebalance(now, limits, outbox);
        }
        self.end_rebalance_if_ready(now, limits, outbox);
    }

    /// When [`Group::tick`] has something to do at the earliest.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.members.values().filter(|m| !m.is_waiting()).map(|m| m.expires).min();
        let promises = self.promised.values().min().copied();
        let rebalance = self.rebalance.as_ref().map(|rebalance| rebalance.deadline);
        earliest(earliest(sessions, promises), earliest(rebalance, self.sync_deadline))
    }

    fn members_where(&self, condition: impl Fn(&Member) -> bool) -> Vec<MemberId> {
        let chosen = self.members.iter().filter(|(_, member)| condition(member));
        chosen.map(|(id, _)| id.clone()).collect()
    }
}
