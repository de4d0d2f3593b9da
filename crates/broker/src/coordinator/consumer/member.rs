//! One member of a consumer group, and its way from what it holds to what it shall hold.

use std::time::{Duration, Instant};

use super::{Assignor, Beat, Held, Partitions, Subscription};

/// What the coordinator knows about a member. `assigned` and `revoking` have nothing in common, and no
/// partition is in either of two members.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Consumer {
    pub(super) instance_id: Option<String>,
    pub(super) rack_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) rebalance_timeout: Duration,
    pub(super) subscription: Subscription,
    pub(super) assignor: Option<Assignor>,
    /// The epoch it was last told; [`super::AWAY`] while it means to come back.
    pub(super) epoch: i32,
    /// The one before, which it may still believe in.
    pub(super) previous_epoch: i32,
    /// What it was told to hold.
    pub(super) assigned: Partitions,
    /// What it was told to give up, and has not yet said that it did.
    pub(super) revoking: Partitions,
    /// What it shall hold in the end.
    pub(super) target: Partitions,
    /// When its session ends.
    pub(super) expires: Instant,
    /// When it is removed for not giving up what it must. Set exactly while it is `revoking`.
    pub(super) revoke_by: Option<Instant>,
}

impl Consumer {
    /// Whether it holds what it shall hold and knows it.
    pub(super) fn is_stable(&self, epoch: i32) -> bool {
        self.epoch == epoch && self.revoking.is_empty() && self.assigned == self.target
    }

    /// Whether nobody else may have this now.
    pub(super) fn holds(&self, held: &Held) -> bool {
        self.assigned.contains(held) || self.revoking.contains(held)
    }

    /// Takes the next step towards its target, which is that of `epoch`. `owned` is what it says it
    /// holds, if it says so; `free` tells what nobody else holds.
    pub(super) fn step(
        &mut self,
        now: Instant,
        epoch: i32,
        owned: Option<&Partitions>,
        free: impl Fn(&Held) -> bool,
    ) {
        let gave_up = |revoked: &Partitions| owned.is_some_and(|owned| owned.is_disjoint(revoked));
        if !self.revoking.is_empty() {
            if !gave_up(&self.revoking) {
                return;
            }
            self.revoking.clear();
            self.revoke_by = None;
        }
        if self.is_stable(epoch) {
            return;
        }
        let kept: Partitions = self.assigned.intersection(&self.target).copied().collect();
        let surplus: Partitions = self.assigned.difference(&kept).copied().collect();
        if !surplus.is_empty() && !gave_up(&surplus) {
            self.assigned = kept;
            self.revoking = surplus;
            self.revoke_by = Some(now + self.rebalance_timeout);
            return;
        }
        let gained = self.target.difference(&kept).copied().filter(free);
        let assigned = gained.chain(kept.iter().copied()).collect();
        self.assigned = assigned;
        self.move_to(epoch);
    }

    /// Takes over what a heartbeat says beside the subscription.
    pub(super) fn update(&mut self, beat: &Beat) {
        self.client_id.clone_from(&beat.client_id);
        self.client_host.clone_from(&beat.client_host);
        if let Some(timeout) = beat.rebalance_timeout {
            self.rebalance_timeout = timeout;
        }
        if beat.assignor.is_some() {
            self.assignor = beat.assignor;
        }
        if beat.rack_id.is_some() {
            self.rack_id.clone_from(&beat.rack_id);
        }
    }

    /// Bytes it takes in memory, about, beyond its own size.
    pub(super) fn weight(&self) -> usize {
        let names = [&self.instance_id, &self.rack_id].into_iter().flatten();
        names.map(String::len).sum::<usize>() + self.subscription.weight()
    }

    fn move_to(&mut self, epoch: i32) {
        if self.epoch != epoch {
            self.previous_epoch = self.epoch;
            self.epoch = epoch;
        }
    }
}
