//! The group coordinator: who belongs to a consumer group, who leads it, and which generation counts.
//!
//! A pure state machine after Kafka's classic rebalance protocol (`GroupCoordinator`, KIP-62, KIP-134,
//! KIP-345 static members, KIP-394 member ids, KIP-814 skipped assignments). It knows no socket, no
//! clock and no random source: `now` and fresh ids are parameters. A JoinGroup or SyncGroup that has to
//! wait for others leaves its [`Ticket`] behind; the answer appears later in
//! [`Coordinator::take_replies`], exactly once for each ticket that was not abandoned. What has to
//! survive a restart appears in [`Coordinator::take_unkept`] and comes back by [`Coordinator::restore`];
//! a reply must not be sent before what was unkept with it is on disk, or a generation could come twice.
//!
//! Groups of the newer protocol (KIP-848) are in [`consumer`]; a group is of the one or the other, and
//! becomes the other when it has no members.
//!
//! Differences from Kafka, on purpose: committed offsets live in the catalog, so there is no *Dead*
//! group that still holds offsets: a group is dead when it is not in the map. A waiting member whose
//! connection closed is handed back to its session timeout ([`Coordinator::abandon`]) instead of
//! counting as present for five minutes. Memory is bounded by [`GroupLimits`].

mod consumer;
mod group;
mod join;
mod leave;
mod member;
mod settled;
mod sync;
mod timers;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::Bytes;
use catalog::KeptGroup;
use change::{GroupId, UnixTime};

use consumer::ConsumerGroup;
pub(crate) use consumer::{
    Assignor, Beat, ConsumerGroupView, ConsumerView, Held, Partitions, Standing, TopicShape,
};
use group::Group;
pub(crate) use group::{GroupKind, GroupOverview};
pub use group::{GroupState, GroupView, MemberView};
pub use member::MemberId;

/// All groups and the answers that wait to be sent.
#[derive(Debug)]
pub(crate) struct Coordinator {
    limits: GroupLimits,
    groups: HashMap<GroupId, Group>,
    /// Groups of the consumer protocol. None of them is in `groups` too.
    consumers: HashMap<GroupId, ConsumerGroup>,
    /// Answers of waiting requests, oldest first, until [`Coordinator::take_replies`].
    outbox: Vec<(Ticket, Reply)>,
    /// Groups that came to rest, until [`Coordinator::take_unkept`].
    settled: BTreeSet<GroupId>,
    /// Groups that are no more, likewise. Never in `settled` too.
    forgotten: BTreeSet<GroupId>,
    /// Not later than the earliest deadline of any group. Heartbeats move deadlines without touching
    /// this, so a wake-up may find nothing to do.
    wake_at: Option<Instant>,
}

/// What one coordinator keeps in memory at the most, and the times it grants.
#[derive(Debug, Clone)]
pub struct GroupLimits {
    /// Groups at a time; an empty group makes room for a new one.
    pub groups: usize,
    /// Members of one group, those that were only promised an id included.
    pub members: usize,
    /// Protocols of one member.
    pub protocols: usize,
    /// Bytes of protocol names and metadata of one member.
    pub member_bytes: usize,
    /// Bytes of protocol names and metadata of one group: the leader's answer carries them all.
    pub group_bytes: usize,
    /// Session timeouts that are granted (`group.min.session.timeout.ms`, `group.max.…`).
    pub session_timeout: RangeInclusive<Duration>,
    /// How long the first member of an empty group waits for others
    /// (`group.initial.rebalance.delay.ms`).
    pub initial_rebalance_delay: Duration,
    /// After how long without a sign of life a member of a consumer group is removed
    /// (`group.consumer.session.timeout.ms`); what classic clients ask for by default.
    pub consumer_session_timeout: Duration,
    /// How often members of consumer groups are to be heard (`group.consumer.heartbeat.interval.ms`);
    /// as often as classic clients are by default, since a standby takes over with its next heartbeat.
    pub consumer_heartbeat_interval: Duration,
    /// Groups that nobody defined are forgotten when they had neither members nor commits for so long
    /// (`offsets.retention.minutes`).
    pub offsets_retention: Duration,
}

/// What changed since it was last asked for, and has to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unkept {
    /// Groups at rest, and those of the consumer protocol as they stand.
    pub(crate) settled: Vec<KeptGroup>,
    /// Groups that are no more.
    pub(crate) forgotten: Vec<GroupId>,
}

/// Names one waiting request; the shell chooses it and gets it back with the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// The answer to a request that left a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// To a JoinGroup.
    Join(JoinReply),
    /// To a SyncGroup.
    Sync(Result<Synced, GroupError>),
    /// To a ConsumerGroupHeartbeat.
    Beat(Result<Standing, GroupError>),
}

/// A JoinGroup request.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    /// Empty for a newcomer.
    pub(crate) member_id: String,
    /// The id a newcomer gets; random, chosen by the caller.
    pub(crate) fresh_id: MemberId,
    /// `group.instance.id` of a static member.
    pub(crate) instance_id: Option<String>,
    /// Whether a newcomer must come back with an id first (JoinGroup v4 and up).
    pub(crate) requires_known_id: bool,
    /// Whether the client understands `skip_assignment` (v9 and up).
    pub(crate) can_skip_assignment: bool,
    /// As the client calls itself, for operators.
    pub(crate) client_id: String,
    /// Where it comes from, for operators.
    pub(crate) client_host: String,
    /// After how long without a sign of life it is removed.
    pub(crate) session_timeout: Duration,
    /// How long others wait for it in a rebalance.
    pub(crate) rebalance_timeout: Duration,
    /// `consumer` for consumers.
    pub(crate) protocol_type: String,
    /// Assignors with their subscription, most wanted first.
    pub(crate) protocols: Vec<Protocol>,
}

/// An assignor's name with what a member says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    /// `range`, `cooperative-sticky`, ...
    pub(crate) name: String,
    /// The subscription; opaque to us.
    pub(crate) metadata: Bytes,
}

/// The answer to a JoinGroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinReply {
    /// The member's id: its own, the new one, or the one to come back with.
    pub(crate) member_id: String,
    /// The generation, or why not.
    pub(crate) result: Result<Joined, GroupError>,
}

/// A generation as one of its members learns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Grows with each rebalance.
    pub(crate) generation: i32,
    /// Protocol type of the group.
    pub(crate) protocol_type: String,
    /// The assignor that all members know.
    pub(crate) protocol: String,
    /// Who assigns.
    pub(crate) leader: MemberId,
    /// The leader keeps the assignment of before (KIP-814).
    pub(crate) skip_assignment: bool,
    /// All members, for the leader only.
    pub(crate) members: Vec<JoinedMember>,
}

/// A member as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    /// Its id.
    pub(crate) member_id: MemberId,
    /// Its `group.instance.id`.
    pub(crate) instance_id: Option<String>,
    /// Its metadata for the chosen protocol.
    pub(crate) metadata: Bytes,
}

/// A SyncGroup request.
#[derive(Debug, Clone)]
pub(crate) struct Sync {
    /// Who asks.
    pub(crate) identity: Identity,
    /// Protocol type, from v5 on.
    pub(crate) protocol_type: Option<String>,
    /// Protocol name, from v5 on.
    pub(crate) protocol: Option<String>,
    /// Assignments by member id, from the leader.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// What a member is to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    /// Protocol type of the group.
    pub(crate) protocol_type: String,
    /// The chosen assignor.
    pub(crate) protocol: String,
    /// The assignment; opaque to us.
    pub(crate) assignment: Bytes,
}

/// How a request says who it comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    /// The generation it believes in; negative outside of group management.
    pub(crate) generation: i32,
    /// Its member id; empty outside of group management.
    pub(crate) member_id: String,
    /// Its `group.instance.id`.
    pub(crate) instance_id: Option<String>,
}

impl Identity {
    /// As a request says it.
    pub(crate) fn new(generation: i32, member_id: &str, instance_id: Option<&str>) -> Self {
        let instance_id = instance_id.map(str::to_owned);
        Self { generation, member_id: member_id.to_owned(), instance_id }
    }
}

/// Why the coordinator refuses; each has its Kafka error code in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GroupError {
    /// No such member, or no such group.
    #[error("the member is not known")]
    UnknownMember,
    /// No such group, of which the request believes that it had a generation.
    #[error("the group is not known")]
    NoGroup,
    /// The member missed a rebalance.
    #[error("the generation is not the current one")]
    IllegalGeneration,
    /// The member shall join again.
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    /// No protocol in common with the other members, or none at all.
    #[error("the protocols do not fit those of the group")]
    InconsistentProtocol,
    /// Shorter or longer than we grant.
    #[error("the session timeout is out of range")]
    InvalidSessionTimeout,
    /// Come back with the id in the answer.
    #[error("a member id is required")]
    MemberIdRequired,
    /// Another process joined with the same `group.instance.id`.
    #[error("the group instance id was taken over")]
    FencedInstance,
    /// The group has as many members, or as many bytes of metadata, as it may.
    #[error("the group is full")]
    GroupFull,
    /// There are as many groups as there may be.
    #[error("there are too many groups")]
    TooManyGroups,
    /// The member of a consumer group has another epoch, and shall begin anew.
    #[error("the member epoch is not the one that was given")]
    FencedEpoch,
    /// The member of a consumer group has been given another epoch, and shall ask again with that.
    #[error("the member epoch is not the current one")]
    StaleEpoch,
    /// Another process with the same `group.instance.id` is in the group.
    #[error("the group instance id is in use")]
    UnreleasedInstance,
    /// The subscription is no pattern that can be read.
    #[error("the pattern of topics cannot be read")]
    InvalidPattern,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self {
            groups: 10_000,
            members: 1_000,
            protocols: 32,
            member_bytes: 256 << 10,
            group_bytes: 8 << 20,
            session_timeout: Duration::from_secs(6)..=Duration::from_secs(30 * 60),
            initial_rebalance_delay: Duration::from_millis(100),
            consumer_session_timeout: Duration::from_secs(45),
            consumer_heartbeat_interval: Duration::from_secs(3),
            offsets_retention: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

impl Coordinator {
    /// A coordinator without groups.
    pub(crate) fn new(limits: GroupLimits) -> Self {
        Self {
            limits,
            groups: HashMap::new(),
            consumers: HashMap::new(),
            outbox: Vec::new(),
            settled: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            wake_at: None,
        }
    }

    /// Takes over a group as it was kept, unless it lives already.
    pub(crate) fn restore(&mut self, now: Instant, kept: KeptGroup) {
        let id = kept.group().clone();
        if self.groups.contains_key(&id) || self.consumers.contains_key(&id) {
            return;
        }
        let deadline = match kept {
            KeptGroup::Classic(membership) => {
                let group = Group::restored(now, &self.limits, membership);
                let deadline = group.next_deadline();
                self.groups.insert(id, group);
                deadline
            }
            KeptGroup::Consumer(kept) => {
                let group = ConsumerGroup::restored(now, &self.limits, kept);
                let deadline = group.next_deadline();
                self.consumers.insert(id, group);
                deadline
            }
        };
        self.wake_at = earliest(self.wake_at, deadline);
    }

    /// A member joins; the reply comes to `ticket`, maybe at once.
    pub(crate) fn join(&mut self, now: Instant, group: &GroupId, ticket: Ticket, join: Join) {
        let member_id = join.member_id.clone();
        if let Err(error) = self.admit(group, &join) {
            let reply = JoinReply { member_id, result: Err(error) };
            self.outbox.push((ticket, Reply::Join(reply)));
            return;
        }
        let entry = self.groups.entry(group.clone()).or_default();
        entry.join(now, &self.limits, ticket, join, &mut self.outbox);
        self.touched(group);
    }

    /// A member asks for its assignment, or the leader brings all; the reply comes to `ticket`.
    pub(crate) fn sync(&mut self, now: Instant, group: &GroupId, ticket: Ticket, sync: Sync) {
        let Some(entry) = self.groups.get_mut(group) else {
            self.outbox.push((ticket, Reply::Sync(Err(GroupError::UnknownMember))));
            return;
        };
        entry.sync(now, ticket, sync, &mut self.outbox);
        self.touched(group);
    }

    /// A sign of life.
    ///
    /// # Errors
    /// What the member has to do now: join again, or with another id.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        group: &GroupId,
        identity: &Identity,
    ) -> Result<(), GroupError> {
        self.groups.get_mut(group).ok_or(GroupError::UnknownMember)?.heartbeat(now, identity)
    }

    /// A member goes for good. An empty member id with an instance id removes the static member.
    ///
    /// # Errors
    /// The member is not known, or its instance id belongs to another.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        group: &GroupId,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        if self.consumers.contains_key(group) {
            return self.remove_consumer(group, member_id, instance_id);
        }
        let entry = self.groups.get_mut(group).ok_or(GroupError::UnknownMember)?;
        let left = entry.leave(now, &self.limits, member_id, instance_id, &mut self.outbox);
        self.touched(group);
        left
    }

    /// Whether offsets may be committed: by a member of the current generation, or by anybody
    /// (generation below 0, no member id) while the group has no members.
    ///
    /// # Errors
    /// As Kafka answers it.
    pub(crate) fn check_commit(
        &mut self,
        now: Instant,
        group: &GroupId,
        identity: &Identity,
    ) -> Result<(), GroupError> {
        if let Some(group) = self.consumers.get(group) {
            return group.check_commit(identity);
        }
        match self.groups.get_mut(group) {
            Some(group) => group.check_commit(now, identity),
            None if identity.generation < 0 => Ok(()),
            None => Err(GroupError::NoGroup),
        }
    }

    /// The connection of a waiting request is gone: no reply will be made, and the member counts as
    /// silent from `now` on.
    pub(crate) fn abandon(&mut self, now: Instant, group: &GroupId, ticket: Ticket) {
        self.outbox.retain(|(waiting, _)| *waiting != ticket);
        if let Some(entry) = self.groups.get_mut(group) {
            entry.abandon(now, ticket);
            self.touched(group);
        }
    }

    /// Sends the members of a group away. They join again as newcomers, and ask where the group stands.
    pub(crate) fn expel(&mut self, group: &GroupId) {
        if let Some(entry) = self.groups.get_mut(group) {
            entry.expel(&mut self.outbox);
            self.touched(group);
        }
        if let Some(entry) = self.consumers.get_mut(group) {
            entry.expel();
            self.touched_consumers(group);
        }
    }

    /// Forgets a group; its waiting members learn that they are not known.
    pub(crate) fn remove(&mut self, group: &GroupId) {
        if let Some(mut entry) = self.groups.remove(group) {
            entry.expel(&mut self.outbox);
        }
        self.consumers.remove(group);
        self.forget(group);
    }

    /// Lets everything happen that is due: sessions that expire, rebalances that end.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.wake_at.is_none_or(|at| now < at) {
            return;
        }
        for (id, group) in &mut self.groups {
            group.tick(now, &self.limits, &mut self.outbox);
            if std::mem::take(&mut group.settled) {
                self.forgotten.remove(id);
                self.settled.insert(id.clone());
            }
        }
        self.tick_consumers(now);
        let classic = self.groups.values().filter_map(Group::next_deadline).min();
        let consumers = self.consumers.values().filter_map(ConsumerGroup::next_deadline).min();
        self.wake_at = earliest(classic, consumers);
    }

    /// When [`Coordinator::tick`] has something to do at the earliest.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Replies made since the last call, in the order they were made.
    pub(crate) fn take_replies(&mut self) -> Vec<(Ticket, Reply)> {
        std::mem::take(&mut self.outbox)
    }

    /// What has to be kept since the last call. Asked for after each call that changes something, so that
    /// groups are still as they came to rest.
    pub(crate) fn take_unkept(&mut self, at: UnixTime) -> Unkept {
        let settled = std::mem::take(&mut self.settled);
        let kept = |id: &GroupId| match self.consumers.get(id) {
            Some(group) => Some(KeptGroup::Consumer(group.to_kept(id, at))),
            None => self.groups.get(id)?.membership(id, at).map(KeptGroup::Classic),
        };
        Unkept {
            settled: settled.iter().filter_map(kept).collect(),
            forgotten: std::mem::take(&mut self.forgotten).into_iter().collect(),
        }
    }

    /// A group as operators see it; `None` when it has no state here.
    pub(crate) fn describe(&self, group: &GroupId) -> Option<GroupView> {
        let consumers = || self.consumers.get(group).map(ConsumerGroup::view);
        self.groups.get(group).map(Group::view).or_else(consumers)
    }

    /// The groups that have state here, in no order.
    pub(crate) fn overviews(&self) -> impl Iterator<Item = (&GroupId, GroupOverview)> {
        let consumers = self.consumers.iter().map(|(id, group)| (id, group.overview()));
        self.groups.iter().map(|(id, group)| (id, group.overview())).chain(consumers)
    }

    /// Takes note of what a call did to a group.
    fn touched(&mut self, id: &GroupId) {
        let Some(group) = self.groups.get_mut(id) else { return };
        self.wake_at = earliest(self.wake_at, group.next_deadline());
        if std::mem::take(&mut group.settled) {
            self.forgotten.remove(id);
            self.settled.insert(id.clone());
        }
    }

    fn forget(&mut self, id: &GroupId) {
        self.settled.remove(id);
        self.forgotten.insert(id.clone());
    }

    /// What can be refused without looking at the members; makes room for a new group.
    fn admit(&mut self, group: &GroupId, join: &Join) -> Result<(), GroupError> {
        if !self.limits.session_timeout.contains(&join.session_timeout) {
            return Err(GroupError::InvalidSessionTimeout);
        }
        if join.protocol_type.is_empty() || join.protocols.is_empty() {
            return Err(GroupError::InconsistentProtocol);
        }
        if join.protocols.len() > self.limits.protocols
            || member::weight(join) > self.limits.member_bytes
        {
            return Err(GroupError::GroupFull);
        }
        if self.groups.contains_key(group) {
            return Ok(());
        }
        if self.consumers.get(group).is_some_and(|group| !group.is_empty()) {
            return Err(GroupError::InconsistentProtocol);
        }
        if !join.member_id.is_empty() {
            return Err(GroupError::UnknownMember);
        }
        if self.consumers.remove(group).is_some() {
            return Ok(());
        }
        self.make_room()
    }

    /// Forgets an idle group, if there are as many as there may be.
    fn make_room(&mut self) -> Result<(), GroupError> {
        if self.groups.len() + self.consumers.len() < self.limits.groups {
            return Ok(());
        }
        let classic = self.groups.iter().filter(|(_, group)| group.is_idle()).map(|(id, _)| id);
        let consumers =
            self.consumers.iter().filter(|(_, group)| group.is_empty()).map(|(id, _)| id);
        let idle = classic.chain(consumers).next().cloned().ok_or(GroupError::TooManyGroups)?;
        self.groups.remove(&idle);
        self.consumers.remove(&idle);
        self.forget(&idle);
        Ok(())
    }
}

/// The earlier of two deadlines, where there are any.
fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
