//! The coordinator's shell: hands requests in, lets waiting ones wait, and tells it the time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use change::GroupId;
use tokio::sync::{Notify, oneshot};

use crate::coordinator::{
    Coordinator, GroupError, GroupLimits, GroupView, Identity, Join, JoinReply, Reply, Sync,
    Synced, Ticket,
};
use crate::stop::Stop;

/// All consumer groups of one broker.
#[derive(Debug)]
pub(crate) struct Groups {
    desk: Mutex<Desk>,
    /// Held while a commit is admitted and kept. Taken before `desk`, and never while that is held.
    commits: Mutex<()>,
    /// Something may be due earlier than the timer thinks.
    changed: Notify,
}

#[derive(Debug)]
struct Desk {
    coordinator: Coordinator,
    /// Who waits for the reply to which ticket.
    waiting: HashMap<Ticket, oneshot::Sender<Reply>>,
    last_ticket: u64,
    /// Nobody keeps the time any more, so nobody may wait.
    closed: bool,
}

/// A request that waits. Dropped before its reply came, it takes the request back.
struct Waiting<'a> {
    groups: &'a Groups,
    group: &'a GroupId,
    ticket: Ticket,
    reply: oneshot::Receiver<Reply>,
}

impl Groups {
    pub(crate) fn new(limits: GroupLimits) -> Self {
        let desk = Desk {
            coordinator: Coordinator::new(limits),
            waiting: HashMap::new(),
            last_ticket: 0,
            closed: false,
        };
        Self { desk: Mutex::new(desk), commits: Mutex::new(()), changed: Notify::new() }
    }

    /// Joins, and waits until the rebalance is over. `None` only while the broker shuts down.
    pub(crate) async fn join(&self, group: &GroupId, join: Join) -> Option<JoinReply> {
        let waiting = self.hand_in(group, |coordinator, now, ticket| {
            coordinator.join(now, group, ticket, join);
        });
        match waiting.reply().await? {
            Reply::Join(reply) => Some(reply),
            Reply::Sync(_) => None,
        }
    }

    /// Syncs, and waits for the leader's assignment. `None` only while the broker shuts down.
    pub(crate) async fn sync(
        &self,
        group: &GroupId,
        sync: Sync,
    ) -> Option<Result<Synced, GroupError>> {
        let waiting = self.hand_in(group, |coordinator, now, ticket| {
            coordinator.sync(now, group, ticket, sync);
        });
        match waiting.reply().await? {
            Reply::Sync(reply) => Some(reply),
            Reply::Join(_) => None,
        }
    }

    pub(crate) fn heartbeat(&self, group: &GroupId, identity: &Identity) -> Result<(), GroupError> {
        self.desk().coordinator.heartbeat(now(), group, identity)
    }

    pub(crate) fn leave(
        &self,
        group: &GroupId,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        let mut desk = self.desk();
        let left = desk.coordinator.leave(now(), group, member_id, instance_id);
        desk.dispatch();
        drop(desk);
        self.changed.notify_one();
        left
    }

    /// Keeps a commit with `keep` if `identity` may commit now. One at a time, so that commits are kept
    /// in the order in which they were admitted. Blocks as long as `keep` does.
    pub(crate) fn commit<T>(
        &self,
        group: &GroupId,
        identity: &Identity,
        keep: impl FnOnce() -> T,
    ) -> Result<T, GroupError> {
        let _turn = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        self.desk().coordinator.check_commit(now(), group, identity)?;
        Ok(keep())
    }

    pub(crate) fn remove(&self, group: &GroupId) {
        let mut desk = self.desk();
        desk.coordinator.remove(group);
        desk.dispatch();
    }

    pub(crate) fn describe(&self, group: &GroupId) -> Option<GroupView> {
        self.desk().coordinator.describe(group)
    }

    /// Tells the coordinator the time whenever something is due, until `stop` is raised; then nobody
    /// waits any more.
    pub(crate) async fn keep_time(&self, mut stop: Stop) {
        loop {
            let wake_at = self.desk().coordinator.wake_at();
            let due = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.changed.notified() => {}
                () = stop.raised() => break,
            }
            let mut desk = self.desk();
            desk.coordinator.tick(now());
            desk.dispatch();
        }
        let mut desk = self.desk();
        desk.closed = true;
        desk.waiting.clear();
    }

    fn hand_in<'a>(
        &'a self,
        group: &'a GroupId,
        request: impl FnOnce(&mut Coordinator, Instant, Ticket),
    ) -> Waiting<'a> {
        let (sender, reply) = oneshot::channel();
        let mut desk = self.desk();
        desk.last_ticket += 1;
        let ticket = Ticket(desk.last_ticket);
        if !desk.closed {
            desk.waiting.insert(ticket, sender);
            request(&mut desk.coordinator, now(), ticket);
            desk.dispatch();
        }
        drop(desk);
        self.changed.notify_one();
        Waiting { groups: self, group, ticket, reply }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Sends out the replies that were made.
    fn dispatch(&mut self) {
        for (ticket, reply) in self.coordinator.take_replies() {
            if let Some(sender) = self.waiting.remove(&ticket) {
                // The receiver is gone when its connection is; there is nobody to tell.
                let _ = sender.send(reply);
            }
        }
    }
}

impl Waiting<'_> {
    async fn reply(mut self) -> Option<Reply> {
        (&mut self.reply).await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut desk = self.groups.desk();
        if desk.waiting.remove(&self.ticket).is_some() {
            desk.coordinator.abandon(now(), self.group, self.ticket);
            drop(desk);
            self.groups.changed.notify_one();
        }
    }
}

/// The runtime's clock, so that tests may pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn commits_are_kept_in_the_order_in_which_they_were_admitted() {
        let groups = Groups::new(GroupLimits::default());
        let group = GroupId::new("dtsx").unwrap();
        let outside = Identity::new(-1, "", None);
        let (kept, seen) = mpsc::channel();
        std::thread::scope(|scope| {
            let first = groups.commit(&group, &outside, || {
                scope.spawn(|| groups.commit(&group, &outside, || kept.send("second").unwrap()));
                let early = seen.recv_timeout(Duration::from_millis(50));
                assert!(early.is_err(), "the second commit overtook the first");
            });
            assert_eq!(first, Ok(()));
            assert_eq!(seen.recv_timeout(Duration::from_secs(10)), Ok("second"));
        });
    }
}
