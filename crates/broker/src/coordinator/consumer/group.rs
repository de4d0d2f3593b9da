//! One consumer group: who is in it, which epoch counts, and who shall hold what.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;

use super::assignor::Wish;
use super::member::Consumer;
use super::{
    AWAY, Assignor, Beat, ConsumerGroupView, ConsumerView, Held, JOINING, LEAVING, Partitions,
    Standing, Subscription, TopicShape,
};
use crate::coordinator::{
    GroupError, GroupKind, GroupLimits, GroupOverview, GroupState, GroupView, Identity, MemberId,
    MemberView, earliest,
};

/// What clients of this protocol are called, whatever they do.
const PROTOCOL_TYPE: &str = "consumer";

/// Invariants between calls: no partition is held by two members; `statics` holds exactly the members
/// with an instance id; the targets are those of `epoch`.
#[derive(Debug, Default)]
pub(in crate::coordinator) struct ConsumerGroup {
    pub(super) epoch: i32,
    pub(super) assignor: Assignor,
    pub(super) members: BTreeMap<MemberId, Consumer>,
    /// Static members by `group.instance.id`.
    pub(super) statics: BTreeMap<String, MemberId>,
    /// The topics that members want, as they were last seen; by name.
    pub(super) topics: BTreeMap<String, TopicShape>,
    /// It has to be kept.
    pub(super) changed: bool,
}

impl ConsumerGroup {
    /// See [`super::Coordinator::beat`].
    pub(super) fn beat(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        beat: Beat,
        topics: &[TopicShape],
    ) -> Result<Standing, GroupError> {
        match beat.epoch {
            LEAVING => self.leave(&beat),
            AWAY => self.go_away(&beat),
            JOINING => self.enter(now, limits, beat, topics),
            _ => self.stay(now, limits, &beat, topics),
        }
    }

    /// A member joins, or begins anew.
    fn enter(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        beat: Beat,
        topics: &[TopicShape],
    ) -> Result<Standing, GroupError> {
        let id = match beat.member_id.as_str() {
            "" => beat.fresh_id.clone(),
            id => MemberId::new(id),
        };
        let replaced = self.replaceable(&id, &beat)?;
        let wanted = beat.topics.unwrap_or_default();
        let subscription = Subscription::new(wanted, beat.pattern.as_deref(), beat.task)?;
        let mut member = Consumer {
            instance_id: beat.instance_id,
            rack_id: beat.rack_id,
            client_id: beat.client_id,
            client_host: beat.client_host,
            rebalance_timeout: beat.rebalance_timeout.unwrap_or_default(),
            subscription,
            assignor: beat.assignor,
            epoch: JOINING,
            previous_epoch: JOINING,
            assigned: Partitions::new(),
            revoking: Partitions::new(),
            target: Partitions::new(),
            expires: now + limits.consumer_session_timeout,
            revoke_by: None,
        };
        self.check_room(limits, replaced.as_ref(), &id, &member)?;
        let itself = self.detach(&id);
        let replaced = replaced.and_then(|old| self.detach(&old));
        let one_for_one = itself.is_none() || replaced.is_none();
        let before = replaced.or(itself);
        let alike = one_for_one
            && before.as_ref().is_some_and(|before| {
                before.subscription == member.subscription && before.assignor == member.assignor
            });
        if let Some(before) = before {
            member.target = before.target;
        }
        if let Some(instance_id) = &member.instance_id {
            self.statics.insert(instance_id.clone(), id.clone());
        }
        self.members.insert(id.clone(), member);
        self.changed = true;
        self.renew_target(!alike, topics);
        self.step(now, &id, beat.owned.as_ref());
        let member = self.members.get(&id).ok_or(GroupError::UnknownMember)?;
        let assignment = Some(member.assigned.clone());
        Ok(Standing { member_id: id.to_string(), epoch: member.epoch, assignment })
    }

    /// The static member in whose place a newcomer comes.
    fn replaceable(&self, id: &MemberId, beat: &Beat) -> Result<Option<MemberId>, GroupError> {
        let owner = beat.instance_id.as_ref().and_then(|instance| self.statics.get(instance));
        let Some(owner) = owner.filter(|owner| *owner != id) else { return Ok(None) };
        match self.members.get(owner) {
            Some(member) if member.epoch != AWAY => Err(GroupError::UnreleasedInstance),
            Some(_) | None => Ok(Some(owner.clone())),
        }
    }

    /// A member is heard.
    fn stay(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        beat: &Beat,
        topics: &[TopicShape],
    ) -> Result<Standing, GroupError> {
        let id = self.identify(&beat.member_id, beat.instance_id.as_deref())?;
        let member = self.members.get(&id).ok_or(GroupError::UnknownMember)?;
        if !knows_its_epoch(member, beat) {
            return Err(GroupError::FencedEpoch);
        }
        let before = member.clone();
        let mut after = member.clone();
        after.update(beat);
        after.expires = now + limits.consumer_session_timeout;
        if beat.topics.is_some() || beat.pattern.is_some() {
            let wanted = beat.topics.clone().unwrap_or_else(|| before.subscription.topics.clone());
            let pattern = beat.pattern.as_deref().or(before.subscription.pattern());
            let same = wanted == before.subscription.topics
                && pattern.unwrap_or_default() == before.subscription.pattern().unwrap_or_default();
            if !same {
                let task = before.subscription.task.clone();
                after.subscription = Subscription::new(wanted, pattern, task)?;
                self.check_room(limits, None, &id, &after)?;
            }
        }
        let differs =
            after.subscription != before.subscription || after.assignor != before.assignor;
        self.members.insert(id.clone(), after);
        self.renew_target(differs, topics);
        self.step(now, &id, beat.owned.as_ref());
        let member = self.members.get(&id).ok_or(GroupError::UnknownMember)?;
        self.changed |= Consumer { expires: before.expires, ..member.clone() } != before;
        let tells =
            member.assigned != before.assigned || beat.epoch != before.epoch || is_full(beat);
        let assignment = tells.then(|| member.assigned.clone());
        Ok(Standing { member_id: id.to_string(), epoch: member.epoch, assignment })
    }

    fn leave(&mut self, beat: &Beat) -> Result<Standing, GroupError> {
        let id = self.identify(&beat.member_id, beat.instance_id.as_deref())?;
        self.remove(&id);
        Ok(Standing { member_id: id.to_string(), epoch: LEAVING, assignment: None })
    }

    /// A static member leaves and means to come back: what it holds waits for it until its session ends.
    fn go_away(&mut self, beat: &Beat) -> Result<Standing, GroupError> {
        let instance_id = beat.instance_id.as_deref().ok_or(GroupError::UnknownMember)?;
        let id = self.identify(&beat.member_id, Some(instance_id))?;
        let member = self.members.get_mut(&id).ok_or(GroupError::UnknownMember)?;
        member.epoch = AWAY;
        member.revoking.clear();
        member.revoke_by = None;
        self.changed = true;
        Ok(Standing { member_id: id.to_string(), epoch: AWAY, assignment: None })
    }

    /// An admin client removes a member, by its id or by its instance id.
    pub(super) fn dismiss(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        let id = match instance_id {
            Some(instance_id) if member_id.is_empty() => {
                self.statics.get(instance_id).cloned().ok_or(GroupError::UnknownMember)?
            }
            _ => self.identify(member_id, instance_id)?,
        };
        self.remove(&id);
        Ok(())
    }

    /// Sends all members away. They learn of it at their next heartbeat, and join as newcomers.
    pub(in crate::coordinator) fn expel(&mut self) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in &ids {
            self.detach(id);
        }
        self.bump();
    }

    /// Removes members whose session has ended, or who did not give up in time what they must.
    pub(super) fn tick(&mut self, now: Instant) {
        let late = |member: &Consumer| {
            member.expires <= now || member.revoke_by.is_some_and(|deadline| deadline <= now)
        };
        let gone = self.members.iter().filter(|(_, member)| late(member));
        let gone: Vec<MemberId> = gone.map(|(id, _)| id.clone()).collect();
        for id in &gone {
            self.detach(id);
        }
        if !gone.is_empty() {
            self.bump();
        }
    }

    /// When [`ConsumerGroup::tick`] has something to do at the earliest.
    pub(in crate::coordinator) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.members.values().map(|member| member.expires).min();
        earliest(sessions, self.members.values().filter_map(|member| member.revoke_by).min())
    }

    /// See [`super::Coordinator::check_commit`].
    pub(in crate::coordinator) fn check_commit(
        &self,
        identity: &Identity,
    ) -> Result<(), GroupError> {
        if identity.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        self.check_epoch(&identity.member_id, identity.generation)
    }

    /// Whether this is a member, and its epoch.
    pub(super) fn check_epoch(&self, member_id: &str, epoch: i32) -> Result<(), GroupError> {
        let member = self.members.get(member_id).ok_or(GroupError::UnknownMember)?;
        match member.epoch == epoch {
            true => Ok(()),
            false => Err(GroupError::StaleEpoch),
        }
    }

    pub(in crate::coordinator) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn identify(&self, member_id: &str, instance_id: Option<&str>) -> Result<MemberId, GroupError> {
        if let Some(instance_id) = instance_id {
            let owner = self.statics.get(instance_id).ok_or(GroupError::UnknownMember)?;
            if owner.as_str() != member_id {
                return Err(GroupError::FencedInstance);
            }
        }
        let (id, _) = self.members.get_key_value(member_id).ok_or(GroupError::UnknownMember)?;
        Ok(id.clone())
    }

    fn check_room(
        &self,
        limits: &GroupLimits,
        replaced: Option<&MemberId>,
        id: &MemberId,
        member: &Consumer,
    ) -> Result<(), GroupError> {
        let stays = |other: &MemberId| other != id && Some(other) != replaced;
        let others = || self.members.iter().filter(|(other, _)| stays(other));
        let weight = id.as_str().len() + member.weight();
        let all: usize = others().map(|(id, other)| id.as_str().len() + other.weight()).sum();
        let fits = others().count() < limits.members
            && weight <= limits.member_bytes
            && all + weight <= limits.group_bytes;
        if fits { Ok(()) } else { Err(GroupError::GroupFull) }
    }

    /// Removes a member, and lets the others share its work.
    fn remove(&mut self, id: &MemberId) {
        if self.detach(id).is_some() {
            self.bump();
        }
    }

    /// Takes a member out without any consequence for the others.
    fn detach(&mut self, id: &MemberId) -> Option<Consumer> {
        let member = self.members.remove(id)?;
        if let Some(instance_id) = &member.instance_id {
            self.statics.remove(instance_id);
        }
        Some(member)
    }

    /// Begins an epoch if something `differs`, or the topics do.
    fn renew_target(&mut self, differs: bool, topics: &[TopicShape]) {
        let wanted =
            |topic: &TopicShape| self.members.values().any(|m| m.subscription.wants(topic));
        let mut known: BTreeMap<String, TopicShape> = BTreeMap::new();
        for topic in self.topics.values().chain(topics).filter(|topic| wanted(topic)) {
            known.insert(topic.name.clone(), topic.clone());
        }
        let moved = known != self.topics;
        self.topics = known;
        if differs || moved {
            self.bump();
        }
    }

    /// Begins the next epoch, with a target of its own.
    fn bump(&mut self) {
        self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        self.assignor = self.elect_assignor();
        self.changed = true;
        let wishes = self.members.iter().map(|(id, member)| {
            let wanted = self.topics.values().filter(|topic| member.subscription.wants(topic));
            (id.clone(), Wish { topics: wanted.collect(), target: member.target.clone() })
        });
        let target = self.assignor.assign(&wishes.collect());
        for (id, partitions) in target {
            if let Some(member) = self.members.get_mut(&id) {
                member.target = partitions;
            }
        }
    }

    /// The assignor that most members want; the first one where nobody wants another.
    fn elect_assignor(&self) -> Assignor {
        let votes = |assignor: Assignor| {
            self.members.values().filter(|member| member.assignor == Some(assignor)).count()
        };
        let [first, others @ ..] = Assignor::ALL;
        others.into_iter().fold(first, |best, next| match votes(next) > votes(best) {
            true => next,
            false => best,
        })
    }

    /// Lets a member take its next step.
    fn step(&mut self, now: Instant, id: &MemberId, owned: Option<&Partitions>) {
        let Some(mut member) = self.members.remove(id) else { return };
        let others = &self.members;
        let free = |held: &Held| !others.values().any(|other| other.holds(held));
        member.step(now, self.epoch, owned, free);
        self.members.insert(id.clone(), member);
    }

    fn state(&self) -> GroupState {
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.members.values().all(|member| member.is_stable(self.epoch)) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    pub(in crate::coordinator) fn overview(&self) -> GroupOverview {
        let (kind, state) = (GroupKind::Consumer, self.state());
        GroupOverview { kind, state, protocol_type: PROTOCOL_TYPE.to_owned() }
    }

    pub(in crate::coordinator) fn view(&self) -> GroupView {
        let member = |(id, member): (&MemberId, &Consumer)| MemberView {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            leads: false,
            metadata: Bytes::new(),
            assignment: Bytes::new(),
        };
        GroupView {
            state: self.state(),
            generation: self.epoch,
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocol: self.assignor.as_str().to_owned(),
            members: self.members.iter().map(member).collect(),
        }
    }

    pub(super) fn view_in_full(&self) -> ConsumerGroupView {
        let member = |(id, member): (&MemberId, &Consumer)| ConsumerView {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            rack_id: member.rack_id.clone(),
            epoch: member.epoch,
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            topics: member.subscription.topics.iter().cloned().collect(),
            pattern: member.subscription.pattern().map(str::to_owned),
            assigned: member.assigned.clone(),
            target: member.target.clone(),
        };
        ConsumerGroupView {
            state: self.state(),
            epoch: self.epoch,
            assignor: self.assignor,
            members: self.members.iter().map(member).collect(),
            topics: self.topics.values().cloned().collect(),
        }
    }
}

/// Whether a member says the epoch it was told, or the one before it because it missed the answer.
fn knows_its_epoch(member: &Consumer, beat: &Beat) -> bool {
    let missed = || beat.owned.as_ref().is_some_and(|owned| owned.is_subset(&member.assigned));
    beat.epoch == member.epoch
        || (beat.epoch < member.epoch && beat.epoch == member.previous_epoch && missed())
}

/// Whether a heartbeat says everything, and so wants to be told everything.
fn is_full(beat: &Beat) -> bool {
    let subscribes = beat.topics.is_some() || beat.pattern.is_some();
    beat.rebalance_timeout.is_some() && subscribes && beat.owned.is_some()
}
