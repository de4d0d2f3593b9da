//! LeaveGroup, one member at a time.

use std::time::Instant;

use super::group::{Group, Outbox};
use super::{GroupError, GroupLimits};

impl Group {
    /// See [`super::Coordinator::leave`].
    pub(super) fn leave(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        member_id: &str,
        instance_id: Option<&str>,
        outbox: &mut Outbox,
    ) -> Result<(), GroupError> {
        if instance_id.is_none() && self.promised.remove(member_id).is_some() {
            self.end_rebalance_if_ready(now, limits, outbox);
            return Ok(());
        }
        let id = match instance_id {
            Some(instance_id) if member_id.is_empty() => {
                self.statics.get(instance_id).cloned().ok_or(GroupError::UnknownMember)?
            }
            _ => self.identify(member_id, instance_id)?,
        };
        self.remove_member(now, limits, &id, outbox);
        Ok(())
    }
}
