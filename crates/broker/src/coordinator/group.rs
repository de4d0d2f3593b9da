//! One group: its members, its state, and how a rebalance begins and ends.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::member::{Member, MemberId};
use super::{GroupError, GroupLimits, Identity, JoinReply, Joined, JoinedMember, Reply, Ticket};

/// Replies that a call makes on its way.
pub(super) type Outbox = Vec<(Ticket, Reply)>;

/// A rebalance lasts at least as long, whatever clients ask for, so that no timer fires without end.
const REBALANCE_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// The state of a group. A group of which nothing is known is Kafka's *Dead*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupState {
    /// No members.
    Empty,
    /// Members are called to join again.
    PreparingRebalance,
    /// Members have joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Everyone knows their assignment, or may ask for it.
    Stable,
    /// Members of a consumer group (KIP-848) are on their way to what they shall hold.
    Reconciling,
}

impl GroupState {
    /// As Kafka spells it (`ClassicGroupState`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Reconciling => "Reconciling",
        }
    }
}

/// Which protocol the members of a group speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupKind {
    /// They agree among themselves.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

impl GroupKind {
    /// As Kafka spells it (`Group.GroupType`).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

/// A group as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// Where it stands.
    pub state: GroupState,
    /// Number of the current generation; 0 before the first.
    pub generation: i32,
    /// `consumer` for consumers; empty before the first member.
    pub protocol_type: String,
    /// The assignor that its members agreed on; empty unless it is stable.
    pub protocol: String,
    /// Its live members.
    pub members: Vec<MemberView>,
}

/// A group as it stands in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupOverview {
    /// Which protocol its members speak.
    pub(crate) kind: GroupKind,
    /// Where it stands.
    pub(crate) state: GroupState,
    /// `consumer` for consumers; empty before the first member.
    pub(crate) protocol_type: String,
}

impl GroupOverview {
    /// Whether it has no members.
    pub(crate) fn is_empty(&self) -> bool {
        self.state == GroupState::Empty
    }
}

/// A member as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Its id.
    pub member_id: MemberId,
    /// Its `group.instance.id`.
    pub instance_id: Option<String>,
    /// As the client calls itself.
    pub client_id: String,
    /// Where it comes from: a slash and an address, as Kafka writes it.
    pub client_host: String,
    /// Whether it leads the group.
    pub leads: bool,
    /// Its subscription for the chosen assignor; empty unless the group is stable.
    pub metadata: Bytes,
    /// What it works on; empty unless the group is stable.
    pub assignment: Bytes,
}

/// Invariants between calls: `leader` is a member and is set while there are members; `statics` holds
/// exactly the members with an instance id; the state is Empty exactly when there are no members;
/// `rebalance` is set exactly in PreparingRebalance.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) state: GroupState,
    pub(super) generation: i32,
    pub(super) protocol_type: String,
    /// The chosen assignor; empty before the first generation.
    pub(super) protocol: String,
    pub(super) leader: Option<MemberId>,
    pub(super) members: BTreeMap<MemberId, Member>,
    /// Ids given out with MEMBER_ID_REQUIRED and not used yet, with when they lapse.
    pub(super) promised: BTreeMap<MemberId, Instant>,
    /// Static members by `group.instance.id`.
    pub(super) statics: BTreeMap<String, MemberId>,
    pub(super) rebalance: Option<Rebalance>,
    /// When members that have not asked for their assignment are removed.
    pub(super) sync_deadline: Option<Instant>,
    /// It came to rest since the coordinator last looked, and has to be kept.
    pub(super) settled: bool,
}

/// A rebalance that waits for members.
#[derive(Debug)]
pub(super) struct Rebalance {
    /// When it ends without those who are missing.
    pub(super) deadline: Instant,
    /// Set for the first rebalance of an empty group, which always waits its delay out.
    pub(super) initial: Option<InitialDelay>,
}

/// The patience of a first rebalance.
#[derive(Debug)]
pub(super) struct InitialDelay {
    /// Up to when newcomers may prolong it.
    latest: Instant,
    /// Whether someone came since the delay was last set.
    pub(super) newcomer: bool,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            state: GroupState::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: None,
            members: BTreeMap::new(),
            promised: BTreeMap::new(),
            statics: BTreeMap::new(),
            rebalance: None,
            sync_deadline: None,
            settled: false,
        }
    }
}

impl Group {
    /// Looks up a member by what a request says about itself.
    pub(super) fn identify(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<MemberId, GroupError> {
        if let Some(instance_id) = instance_id {
            let owner = self.statics.get(instance_id).ok_or(GroupError::UnknownMember)?;
            if owner.as_str() != member_id {
                return Err(GroupError::FencedInstance);
            }
        }
        let (id, _) = self.members.get_key_value(member_id).ok_or(GroupError::UnknownMember)?;
        Ok(id.clone())
    }

    /// The member behind `identity`, touched, if it is in the current generation.
    pub(super) fn current_member(
        &mut self,
        now: Instant,
        identity: &Identity,
    ) -> Result<&mut Member, GroupError> {
        let id = self.identify(&identity.member_id, identity.instance_id.as_deref())?;
        if identity.generation != self.generation {
            return Err(GroupError::IllegalGeneration);
        }
        let member = self.members.get_mut(&id).ok_or(GroupError::UnknownMember)?;
        member.touch(now);
        Ok(member)
    }

    /// See [`super::Coordinator::heartbeat`].
    pub(super) fn heartbeat(
        &mut self,
        now: Instant,
        identity: &Identity,
    ) -> Result<(), GroupError> {
        self.current_member(now, identity)?;
        match self.state {
            GroupState::PreparingRebalance => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// See [`super::Coordinator::check_commit`].
    pub(super) fn check_commit(
        &mut self,
        now: Instant,
        identity: &Identity,
    ) -> Result<(), GroupError> {
        if identity.generation < 0 && self.state == GroupState::Empty {
            return Ok(());
        }
        self.current_member(now, identity)?;
        match self.state {
            GroupState::CompletingRebalance => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Calls all members to join again, unless that is already so.
    pub(super) fn begin_rebalance(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        outbox: &mut Outbox,
    ) {
        if self.state != GroupState::PreparingRebalance {
            self.release_syncing(now, GroupError::RebalanceInProgress, outbox);
            let patience = self.rebalance_timeout();
            let initial = (self.state == GroupState::Empty)
                .then(|| InitialDelay { latest: now + patience, newcomer: false });
            let delay = limits.initial_rebalance_delay.min(patience);
            let deadline = now + if initial.is_some() { delay } else { patience };
            self.rebalance = Some(Rebalance { deadline, initial });
            self.sync_deadline = None;
            self.state = GroupState::PreparingRebalance;
        }
        self.end_rebalance_if_ready(now, limits, outbox);
    }

    /// Ends the rebalance when nobody is missing, or when its time is over.
    pub(super) fn end_rebalance_if_ready(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        outbox: &mut Outbox,
    ) {
        let complete = self.is_complete();
        let Some(rebalance) = &mut self.rebalance else { return };
        let due = rebalance.deadline <= now;
        let over = match &mut rebalance.initial {
            _ if self.members.is_empty() => true,
            Some(initial) if due && initial.newcomer && initial.latest > now => {
                initial.newcomer = false;
                rebalance.deadline = initial.latest.min(now + limits.initial_rebalance_delay);
                false
            }
            Some(_) => due,
            None => due || complete,
        };
        if over {
            self.end_rebalance(now, outbox);
        }
    }

    /// Removes a member and lets the others share its work.
    pub(super) fn remove_member(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        id: &MemberId,
        outbox: &mut Outbox,
    ) {
        if self.detach(id, GroupError::UnknownMember, outbox).is_none() {
            return;
        }
        match self.state {
            GroupState::Empty => {}
            GroupState::PreparingRebalance => self.end_rebalance_if_ready(now, limits, outbox),
            GroupState::CompletingRebalance | GroupState::Stable | GroupState::Reconciling => {
                self.begin_rebalance(now, limits, outbox);
            }
        }
    }

    /// Takes a member out without any consequence for the state; its waiting request gets `error`.
    pub(super) fn detach(
        &mut self,
        id: &MemberId,
        error: GroupError,
        outbox: &mut Outbox,
    ) -> Option<Member> {
        let mut member = self.members.remove(id)?;
        answer_waiting(id, &mut member, error, outbox);
        if let Some(instance_id) = &member.instance_id {
            self.statics.remove(instance_id);
        }
        if self.leader.as_ref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// See [`super::Coordinator::abandon`].
    pub(super) fn abandon(&mut self, now: Instant, ticket: Ticket) {
        for member in self.members.values_mut() {
            if member.joining == Some(ticket) {
                member.joining = None;
                member.touch(now);
            }
            if member.syncing == Some(ticket) {
                member.syncing = None;
                member.touch(now);
            }
        }
    }

    /// Answers all waiting SyncGroups with `error` and forgets their assignments.
    fn release_syncing(&mut self, now: Instant, error: GroupError, outbox: &mut Outbox) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
            if let Some(ticket) = member.syncing.take() {
                member.touch(now);
                outbox.push((ticket, Reply::Sync(Err(error))));
            }
        }
    }

    /// Begins the next generation with those who joined. Absent static members stay until their
    /// session ends; with nobody else there, the group waits on for them.
    fn end_rebalance(&mut self, now: Instant, outbox: &mut Outbox) {
        let absent: Vec<MemberId> = self
            .members
            .iter()
            .filter(|(_, member)| member.joining.is_none() && !member.is_static())
            .map(|(id, _)| id.clone())
            .collect();
        for id in &absent {
            self.detach(id, GroupError::UnknownMember, outbox);
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            let deadline = now + self.rebalance_timeout();
            self.rebalance = Some(Rebalance { deadline, initial: None });
            return;
        }
        self.rebalance = None;
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() {
            self.rest_empty();
            return;
        }
        self.protocol = self.choose_protocol();
        self.state = GroupState::CompletingRebalance;
        self.sync_deadline = Some(now + self.rebalance_timeout());
        self.announce_generation(now, outbox);
    }

    /// Answers every waiting JoinGroup with the new generation.
    fn announce_generation(&mut self, now: Instant, outbox: &mut Outbox) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(joined) = self.joined(&id) else { continue };
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.synced = false;
            if let Some(ticket) = member.joining.take() {
                member.touch(now);
                let reply = JoinReply { member_id: id.to_string(), result: Ok(joined) };
                outbox.push((ticket, Reply::Join(reply)));
            }
        }
    }

    /// Makes sure that the leader is one who joined. Says whether there is one.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &MemberId| self.members.get(id).is_some_and(|m| m.joining.is_some());
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        match self.members.keys().find(|id| joined(id)).cloned() {
            Some(id) => {
                self.leader = Some(id);
                true
            }
            None => false,
        }
    }

    /// The protocol that most members would rather have, among those that all know. The leader's
    /// order decides ties.
    pub(super) fn choose_protocol(&self) -> String {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        let common: Vec<&str> = leader
            .iter()
            .flat_map(|leader| &leader.protocols)
            .map(|protocol| protocol.name.as_str())
            .filter(|name| self.members.values().all(|member| member.supports(name)))
            .collect();
        let mut votes: HashMap<&str, usize> = HashMap::new();
        for member in self.members.values() {
            let names = member.protocols.iter().map(|protocol| protocol.name.as_str());
            if let Some(wanted) = names.into_iter().find(|name| common.contains(name)) {
                *votes.entry(wanted).or_default() += 1;
            }
        }
        let mut best: Option<(usize, &str)> = None;
        for name in common {
            let count = votes.get(name).copied().unwrap_or_default();
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, name));
            }
        }
        best.map(|(_, name)| name.to_owned()).unwrap_or_default()
    }

    /// The current generation as member `id` learns it.
    pub(super) fn joined(&self, id: &MemberId) -> Option<Joined> {
        let leader = self.leader.clone()?;
        let members = if leader == *id { self.roll_call() } else { Vec::new() };
        Some(Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader,
            skip_assignment: false,
            members,
        })
    }

    /// All members as the leader sees them.
    pub(super) fn roll_call(&self) -> Vec<JoinedMember> {
        let joined = |(id, member): (&MemberId, &Member)| JoinedMember {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(&self.protocol),
        };
        self.members.iter().map(joined).collect()
    }

    /// The longest time that any member asks the others to wait for it.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        let longest = self.members.values().map(|m| m.rebalance_timeout).max();
        longest.unwrap_or_default().max(REBALANCE_TIMEOUT_MIN)
    }

    /// Whether everyone is there, those included who were only promised an id.
    fn is_complete(&self) -> bool {
        self.promised.is_empty() && self.members.values().all(|m| m.joining.is_some())
    }

    /// Whether forgetting this group loses nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.members.is_empty() && self.promised.is_empty()
    }

    /// Bytes of metadata that its members hold, `except` one.
    pub(super) fn weight_without(&self, except: &str) -> usize {
        let others = self.members.iter().filter(|(id, _)| id.as_str() != except);
        others.map(|(_, member)| member.weight()).sum()
    }

    pub(super) fn overview(&self) -> GroupOverview {
        let kind = GroupKind::Classic;
        GroupOverview { kind, state: self.state, protocol_type: self.protocol_type.clone() }
    }

    pub(super) fn view(&self) -> GroupView {
        let stable = self.state == GroupState::Stable;
        let shown = |bytes: Bytes| if stable { bytes } else { Bytes::new() };
        let member = |(id, member): (&MemberId, &Member)| MemberView {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            leads: self.leader.as_ref() == Some(id),
            metadata: shown(member.metadata(&self.protocol)),
            assignment: shown(member.assignment.clone()),
        };
        GroupView {
            state: self.state,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: if stable { self.protocol.clone() } else { String::new() },
            members: self.members.iter().map(member).collect(),
        }
    }
}

/// Answers the request that a member left waiting, if any, with `error`.
pub(super) fn answer_waiting(
    id: &MemberId,
    member: &mut Member,
    error: GroupError,
    outbox: &mut Outbox,
) {
    if let Some(ticket) = member.joining.take() {
        let reply = JoinReply { member_id: id.to_string(), result: Err(error) };
        outbox.push((ticket, Reply::Join(reply)));
    }
    if let Some(ticket) = member.syncing.take() {
        outbox.push((ticket, Reply::Sync(Err(error))));
    }
}
