//! The coordinator's shell: hands requests in, lets waiting ones wait, tells it the time, and keeps what
//! has to survive a restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use catalog::Catalog;
use change::{Clock, GroupId, UnixTime};
use tokio::sync::{Notify, oneshot};

use crate::coordinator::{
    Beat, ConsumerGroupView, Coordinator, GroupError, GroupLimits, GroupOverview, GroupView,
    Identity, Join, JoinReply, Reply, Standing, Sync, Synced, Ticket, TopicShape,
};
use crate::keeping::Keeping;
use crate::stop::Stop;

/// All consumer groups of one broker.
#[derive(Debug)]
pub(crate) struct Groups {
    desk: Arc<Mutex<Desk>>,
    /// Held while offsets are admitted and kept. Taken before `writes` and `desk`, and never while one of
    /// these is held.
    commits: Mutex<()>,
    /// Held while members are written down and while a group is deleted, so that nothing of a group is
    /// written behind its end. Taken before `desk`, only where blocking is allowed.
    writes: Arc<Mutex<()>>,
    /// Something may be due earlier than the timer thinks.
    changed: Notify,
    /// There is something to keep.
    unkept: Notify,
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    retention: Duration,
}

#[derive(Debug)]
struct Desk {
    coordinator: Coordinator,
    keeping: Keeping,
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

/// A group has members, who would overwrite or miss what is done to its offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StillLiving(pub(crate) GroupView);

/// How often it is looked whether groups have expired (`offsets.retention.check.interval.ms`).
const EXPIRY_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// How soon it is tried again to write down what the disk has refused.
const REWRITE_INTERVAL: Duration = Duration::from_secs(1);

impl Groups {
    pub(crate) fn new(limits: GroupLimits, catalog: Catalog, clock: Arc<dyn Clock>) -> Self {
        let retention = limits.offsets_retention;
        let desk = Desk {
            coordinator: Coordinator::new(limits),
            keeping: Keeping::default(),
            waiting: HashMap::new(),
            last_ticket: 0,
            closed: false,
        };
        Self {
            desk: Arc::new(Mutex::new(desk)),
            commits: Mutex::default(),
            writes: Arc::default(),
            changed: Notify::new(),
            unkept: Notify::new(),
            catalog,
            clock,
            retention,
        }
    }

    /// Takes over the groups of before a restart. From now on their members have their whole session to
    /// be heard, so this is done when they can be.
    pub(crate) async fn restore(&self) {
        let catalog = self.catalog.clone();
        let kept = match tokio::task::spawn_blocking(move || catalog.memberships()).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                tracing::error!(%error, "the members of groups are not known any more; all will join again");
                return;
            }
            Err(_) => return,
        };
        let mut desk = self.desk();
        for group in kept {
            desk.coordinator.restore(now(), group);
        }
        drop(desk);
        self.changed.notify_one();
    }

    /// Joins, and waits until the rebalance is over. `None` only while the broker shuts down.
    pub(crate) async fn join(&self, group: &GroupId, join: Join) -> Option<JoinReply> {
        let waiting = self.hand_in(group, |coordinator, now, ticket| {
            coordinator.join(now, group, ticket, join);
        });
        match waiting.reply().await? {
            Reply::Join(reply) => Some(reply),
            Reply::Sync(_) | Reply::Beat(_) => None,
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
            Reply::Join(_) | Reply::Beat(_) => None,
        }
    }

    /// A member of a consumer group is heard; waits until what follows from it is on disk. `None` only
    /// while the broker shuts down.
    pub(crate) async fn beat(
        &self,
        group: &GroupId,
        beat: Beat,
        topics: &[TopicShape],
    ) -> Option<Result<Standing, GroupError>> {
        let waiting = self.hand_in(group, |coordinator, now, ticket| {
            coordinator.beat(now, group, ticket, beat, topics);
        });
        match waiting.reply().await? {
            Reply::Beat(reply) => Some(reply),
            Reply::Join(_) | Reply::Sync(_) => None,
        }
    }

    /// A group of the consumer protocol in full; `None` of any other.
    pub(crate) fn describe_consumers(&self, group: &GroupId) -> Option<ConsumerGroupView> {
        self.desk().coordinator.describe_consumers(group)
    }

    /// Whether a member of a consumer group may ask where it stands.
    pub(crate) fn check_fetch(
        &self,
        group: &GroupId,
        member_id: Option<&str>,
        epoch: i32,
    ) -> Result<(), GroupError> {
        self.desk().coordinator.check_fetch(group, member_id, epoch)
    }

    pub(crate) fn consumer_heartbeat_interval(&self) -> Duration {
        self.desk().coordinator.consumer_heartbeat_interval()
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
        self.change(|coordinator| coordinator.leave(now(), group, member_id, instance_id))
    }

    /// Keeps a commit with `keep` if `identity` may commit now. One at a time, so that commits are kept
    /// in the order in which they were admitted. Blocks as long as `keep` does.
    pub(crate) fn commit<T>(
        &self,
        group: &GroupId,
        identity: &Identity,
        keep: impl FnOnce() -> T,
    ) -> Result<T, GroupError> {
        let _turn = lock(&self.commits);
        self.desk().coordinator.check_commit(now(), group, identity)?;
        Ok(keep())
    }

    /// Changes offsets of a group with `keep`, from outside of it. Refused while it has members, unless
    /// `force` sends them away; then they join again and ask where the group stands. Who joins in the
    /// meantime is sent away too: they may have asked too early. Blocks as long as `keep` does.
    pub(crate) fn intervene<T>(
        &self,
        group: &GroupId,
        force: bool,
        keep: impl FnOnce() -> T,
    ) -> Result<T, StillLiving> {
        let _turn = lock(&self.commits);
        self.must_be_empty(group, force)?;
        let kept = keep();
        self.change(|coordinator| coordinator.expel(group));
        Ok(kept)
    }

    /// Forgets a group with `keep`, unless it has members. Blocks as long as `keep` does.
    pub(crate) fn dismiss<T>(
        &self,
        group: &GroupId,
        keep: impl FnOnce() -> T,
    ) -> Result<T, StillLiving> {
        let _turn = lock(&self.commits);
        self.must_be_empty(group, false)?;
        let _written = lock(&self.writes);
        let kept = keep();
        self.remove(group);
        Ok(kept)
    }

    /// Deletes a group with `keep`, its members notwithstanding. Blocks as long as `keep` does.
    ///
    /// # Errors
    /// Those of `keep`; the group is as it was then.
    pub(crate) fn delete<E>(
        &self,
        group: &GroupId,
        keep: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let _turn = lock(&self.commits);
        let _written = lock(&self.writes);
        keep()?;
        self.remove(group);
        Ok(())
    }

    fn must_be_empty(&self, group: &GroupId, force: bool) -> Result<(), StillLiving> {
        match self.describe(group) {
            Some(view) if !view.members.is_empty() && !force => Err(StillLiving(view)),
            _ => Ok(()),
        }
    }

    pub(crate) fn remove(&self, group: &GroupId) {
        self.change(|coordinator| coordinator.remove(group));
    }

    pub(crate) fn describe(&self, group: &GroupId) -> Option<GroupView> {
        self.desk().coordinator.describe(group)
    }

    /// All groups with state, in no order.
    pub(crate) fn overviews(&self) -> Vec<(GroupId, GroupOverview)> {
        let desk = self.desk();
        desk.coordinator.overviews().map(|(id, overview)| (id.clone(), overview)).collect()
    }

    /// Keeps the time and what changes, until `stop` is raised; then nobody waits any more.
    pub(crate) async fn run(&self, stop: Stop) {
        tokio::join!(
            self.keep_time(stop.clone()),
            self.keep_changes(stop.clone()),
            self.expire_idle(stop)
        );
        self.keep_unkept().await;
    }

    /// Tells the coordinator the time whenever something is due.
    async fn keep_time(&self, mut stop: Stop) {
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
            self.dispatch(|coordinator| coordinator.tick(now()));
        }
        let mut desk = self.desk();
        desk.closed = true;
        desk.waiting.clear();
    }

    /// Writes down what changes. Where the disk refuses, groups go on in memory alone, and it is tried
    /// again: after a crash their members would join again.
    async fn keep_changes(&self, mut stop: Stop) {
        loop {
            tokio::select! {
                () = self.unkept.notified() => {}
                () = stop.raised() => return,
            }
            self.keep_unkept().await;
            while self.desk().keeping.is_in_vain() {
                tokio::select! {
                    () = tokio::time::sleep(REWRITE_INTERVAL) => {}
                    () = stop.raised() => return,
                }
                self.keep_unkept().await;
            }
        }
    }

    /// Writes down all that is not on disk yet, or as much as the disk takes.
    async fn keep_unkept(&self) {
        while self.desk().keeping.is_waiting() {
            let (desk, writes) = (Arc::clone(&self.desk), Arc::clone(&self.writes));
            let catalog = self.catalog.clone();
            let written = tokio::task::spawn_blocking(move || write(&desk, &writes, &catalog));
            if !written.await.unwrap_or_default() {
                return;
            }
        }
    }

    /// Forgets groups that nobody defined and nobody uses any more.
    async fn expire_idle(&self, mut stop: Stop) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EXPIRY_INTERVAL) => {}
                () = stop.raised() => return,
            }
            let Some(before) = self.expiry() else { continue };
            let living = self.living();
            let catalog = self.catalog.clone();
            let expire = move || catalog.expire_groups(before, &living);
            match tokio::task::spawn_blocking(expire).await {
                Ok(Ok(expired)) => self.forget_idle(&expired),
                Ok(Err(error)) => {
                    tracing::error!(%error, "groups that expired cannot be forgotten")
                }
                Err(_) => return,
            }
        }
    }

    /// What was not used since then has expired.
    fn expiry(&self) -> Option<UnixTime> {
        let retention = i64::try_from(self.retention.as_secs()).ok()?;
        Some(UnixTime::from_seconds(self.clock.now().seconds().checked_sub(retention)?))
    }

    /// Groups with members.
    fn living(&self) -> Vec<GroupId> {
        let desk = self.desk();
        let living = desk.coordinator.overviews().filter(|(_, overview)| !overview.is_empty());
        living.map(|(id, _)| id.clone()).collect()
    }

    fn forget_idle(&self, groups: &[GroupId]) {
        self.change(|coordinator| {
            for group in groups {
                if coordinator.describe(group).is_some_and(|view| view.members.is_empty()) {
                    coordinator.remove(group);
                }
            }
        });
        if !groups.is_empty() {
            tracing::info!(
                count = groups.len(),
                "groups that were not used for long are forgotten"
            );
        }
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
        let closed = desk.closed;
        if !closed {
            desk.waiting.insert(ticket, sender);
        }
        drop(desk);
        if !closed {
            self.change(|coordinator| request(coordinator, now(), ticket));
        }
        Waiting { groups: self, group, ticket, reply }
    }

    /// Calls the coordinator in a way that may move a deadline.
    fn change<T>(&self, call: impl FnOnce(&mut Coordinator) -> T) -> T {
        let answer = self.dispatch(call);
        self.changed.notify_one();
        answer
    }

    /// Calls the coordinator, and lets what it has answered and changed go its way.
    fn dispatch<T>(&self, call: impl FnOnce(&mut Coordinator) -> T) -> T {
        let mut desk = self.desk();
        let answer = call(&mut desk.coordinator);
        let unkept = desk.coordinator.take_unkept(self.clock.now());
        let replies = desk.coordinator.take_replies();
        let free = desk.keeping.add(unkept, replies);
        desk.send(free);
        let waiting = desk.keeping.is_waiting();
        drop(desk);
        if waiting {
            self.unkept.notify_one();
        }
        answer
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }
}

/// Writes one batch down; answers whether that could be done.
fn write(desk: &Mutex<Desk>, writes: &Mutex<()>, catalog: &Catalog) -> bool {
    // Before the batch is made: a group that is deleted until then is not in it.
    let _written = lock(writes);
    let Some(batch) = lock(desk).keeping.begin() else { return true };
    let written = catalog.put_memberships(&batch.settled, &batch.forgotten);
    let mut desk = lock(desk);
    let was_in_vain = desk.keeping.is_in_vain();
    let replies = match &written {
        Ok(()) => desk.keeping.end(batch),
        Err(_) => desk.keeping.end_in_vain(batch),
    };
    desk.send(replies);
    drop(desk);
    match &written {
        Ok(()) if was_in_vain => tracing::info!("who belongs to a group is kept again"),
        Err(error) if !was_in_vain => {
            tracing::error!(
                %error,
                "who belongs to a group cannot be kept; it is tried again, and after a crash members join again"
            );
        }
        _ => {}
    }
    written.is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    fn send(&mut self, replies: Vec<(Ticket, Reply)>) {
        for (ticket, reply) in replies {
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
        if self.groups.desk().waiting.remove(&self.ticket).is_some() {
            self.groups.change(|coordinator| coordinator.abandon(now(), self.group, self.ticket));
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

    use catalog::{GroupMember, Membership};
    use change::SystemClock;
    use tempfile::TempDir;
    use tokio::sync::watch;

    use super::*;
    use crate::coordinator::Unkept;

    fn groups(folder: &TempDir) -> Groups {
        let catalog = Catalog::open(folder.path()).unwrap();
        Groups::new(GroupLimits::default(), catalog, Arc::new(SystemClock))
    }

    fn group(name: &str) -> GroupId {
        GroupId::new(name).unwrap()
    }

    /// A group with members of these ids. Two of the same cannot be kept.
    fn settle(groups: &Groups, name: &str, members: &[&str]) {
        let member = |id: &&str| GroupMember {
            id: (*id).into(),
            instance_id: None,
            client_id: String::new(),
            client_host: String::new(),
            session_timeout: Duration::from_secs(10),
            rebalance_timeout: Duration::from_secs(10),
            protocols: Vec::new(),
            assignment: Vec::new(),
        };
        let membership = Membership {
            group: group(name),
            generation: 1,
            protocol_type: "consumer".into(),
            protocol: "range".into(),
            leader: None,
            changed: UnixTime::from_seconds(0),
            members: members.iter().map(member).collect(),
        };
        let unkept = Unkept { settled: vec![membership.into()], forgotten: Vec::new() };
        assert!(groups.desk().keeping.add(unkept, Vec::new()).is_empty());
    }

    #[test]
    fn nothing_of_a_group_is_written_behind_its_end() {
        let folder = TempDir::new().unwrap();
        let groups = groups(&folder);
        settle(&groups, "dtsx", &["a"]);
        settle(&groups, "dtsy", &["b"]);
        let (written, seen) = mpsc::channel();
        std::thread::scope(|scope| {
            let deleted = groups.delete(&group("dtsx"), || {
                scope.spawn(|| {
                    written.send(write(&groups.desk, &groups.writes, &groups.catalog)).unwrap();
                });
                match seen.recv_timeout(Duration::from_millis(50)) {
                    Err(_) => Ok(()),
                    Ok(_) => Err("it was written while it was deleted"),
                }
            });
            assert_eq!(deleted, Ok(()));
            assert_eq!(seen.recv_timeout(Duration::from_secs(10)), Ok(true));
        });
        assert_eq!(groups.catalog.memberships().unwrap().len(), 1);
    }

    #[test]
    fn a_group_that_cannot_be_deleted_goes_on() {
        let folder = TempDir::new().unwrap();
        let groups = groups(&folder);
        settle(&groups, "dtsx", &["a"]);
        assert_eq!(groups.delete(&group("dtsx"), || Err("no")), Err("no"));
        assert!(write(&groups.desk, &groups.writes, &groups.catalog));
        assert_eq!(groups.catalog.memberships().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_tried_again() {
        let folder = TempDir::new().unwrap();
        let groups = groups(&folder);
        let (raise, stop) = watch::channel(false);
        let changes = async {
            settle(&groups, "dtsx", &["twice", "twice"]);
            settle(&groups, "dtsy", &["once"]);
            groups.unkept.notify_one();
            while !groups.desk().keeping.is_in_vain() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert!(groups.catalog.memberships().unwrap().is_empty());
            // Nobody says that there is something to write.
            settle(&groups, "dtsx", &["once"]);
            while groups.desk().keeping.is_in_vain() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(groups.catalog.memberships().unwrap().len(), 2);
            raise.send_replace(true);
        };
        let both = async { tokio::join!(groups.keep_changes(Stop::new(stop)), changes) };
        tokio::time::timeout(Duration::from_secs(60), both).await.expect("nobody tried again");
    }

    #[test]
    fn commits_are_kept_in_the_order_in_which_they_were_admitted() {
        let folder = TempDir::new().unwrap();
        let groups = groups(&folder);
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
