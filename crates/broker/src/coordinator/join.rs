//! JoinGroup: newcomers, members that come back, and static members that were replaced.

use std::time::Instant;

use super::group::{Group, GroupState, Outbox, answer_waiting};
use super::member::{self, Member, MemberId};
use super::{GroupError, GroupLimits, Join, JoinReply, Joined, Reply, Ticket};

impl Group {
    /// See [`super::Coordinator::join`].
    pub(super) fn join(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        ticket: Ticket,
        join: Join,
        outbox: &mut Outbox,
    ) {
        let member_id = join.member_id.clone();
        let answered = if member_id.is_empty() {
            self.join_newcomer(now, limits, ticket, join, outbox)
        } else {
            self.join_again(now, limits, ticket, join, outbox)
        };
        match answered {
            Ok(Admission::Waiting) => {}
            Ok(Admission::Answered(reply)) => outbox.push((ticket, Reply::Join(reply))),
            Err(error) => {
                let reply = JoinReply { member_id, result: Err(error) };
                outbox.push((ticket, Reply::Join(reply)));
            }
        }
    }

    /// A member without an id.
    fn join_newcomer(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        ticket: Ticket,
        join: Join,
        outbox: &mut Outbox,
    ) -> Result<Admission, GroupError> {
        self.check_protocols(&join)?;
        let owner = join.instance_id.as_ref().and_then(|id| self.statics.get(id)).cloned();
        if let Some(old) = owner {
            self.check_room(limits, &join, Some(old.as_str()))?;
            return self.replace_static(now, limits, ticket, &old, join, outbox);
        }
        self.check_room(limits, &join, None)?;
        let id = join.fresh_id.clone();
        if join.requires_known_id && join.instance_id.is_none() {
            self.promised.insert(id.clone(), now + join.session_timeout);
            let result = Err(GroupError::MemberIdRequired);
            return Ok(Admission::Answered(JoinReply { member_id: id.to_string(), result }));
        }
        self.add(now, limits, ticket, id, join, outbox);
        Ok(Admission::Waiting)
    }

    /// A member with an id: one that was promised to it, or one it has joined with before.
    fn join_again(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        ticket: Ticket,
        join: Join,
        outbox: &mut Outbox,
    ) -> Result<Admission, GroupError> {
        self.check_protocols(&join)?;
        let promised = self.promised.get_key_value(join.member_id.as_str());
        if let (Some((id, _)), None) = (promised, &join.instance_id) {
            let id = id.clone();
            self.check_room(limits, &join, Some(id.as_str()))?;
            self.promised.remove(&id);
            self.add(now, limits, ticket, id, join, outbox);
            return Ok(Admission::Waiting);
        }
        let id = self.identify(&join.member_id, join.instance_id.as_deref())?;
        self.check_room(limits, &join, Some(id.as_str()))?;
        let member = self.members.get_mut(&id).ok_or(GroupError::UnknownMember)?;
        let unchanged = member.protocols == join.protocols;
        let leads = self.leader.as_ref() == Some(&id);
        let answer_now = match self.state {
            GroupState::Empty | GroupState::Reconciling => return Err(GroupError::UnknownMember),
            GroupState::PreparingRebalance => false,
            GroupState::CompletingRebalance => unchanged,
            GroupState::Stable => unchanged && !leads,
        };
        if answer_now {
            member.touch(now);
            let joined = self.joined(&id).ok_or(GroupError::UnknownMember)?;
            let reply = JoinReply { member_id: id.to_string(), result: Ok(joined) };
            return Ok(Admission::Answered(reply));
        }
        // A client that repeats its request on a new connection takes the old one's place.
        answer_waiting(&id, member, GroupError::UnknownMember, outbox);
        member.update(now, join);
        member.joining = Some(ticket);
        self.begin_rebalance(now, limits, outbox);
        Ok(Admission::Waiting)
    }

    /// A process comes back under the same `group.instance.id` and gets a new member id; the old one
    /// is fenced. A stable group stays as it is when its protocol does.
    fn replace_static(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        ticket: Ticket,
        old: &MemberId,
        join: Join,
        outbox: &mut Outbox,
    ) -> Result<Admission, GroupError> {
        let id = join.fresh_id.clone();
        let can_skip_assignment = join.can_skip_assignment;
        let led = self.leader.as_ref() == Some(old);
        let mut member = self
            .detach(old, GroupError::FencedInstance, outbox)
            .ok_or(GroupError::UnknownMember)?;
        member.update(now, join);
        if let Some(instance_id) = member.instance_id.clone() {
            self.statics.insert(instance_id, id.clone());
        }
        if led {
            self.leader = Some(id.clone());
        }
        self.members.insert(id.clone(), member);
        if self.state == GroupState::Stable && self.choose_protocol() == self.protocol {
            let joined = self.rejoined_static(&id, old, led, can_skip_assignment)?;
            self.settled = true;
            let reply = JoinReply { member_id: id.to_string(), result: Ok(joined) };
            return Ok(Admission::Answered(reply));
        }
        if let Some(member) = self.members.get_mut(&id) {
            member.joining = Some(ticket);
        }
        self.begin_rebalance(now, limits, outbox);
        Ok(Admission::Waiting)
    }

    /// The current generation for a static member that came back. A leader that does not know
    /// `skip_assignment` is told the old leader's id, so that it does not assign anew.
    fn rejoined_static(
        &self,
        id: &MemberId,
        old: &MemberId,
        led: bool,
        can_skip_assignment: bool,
    ) -> Result<Joined, GroupError> {
        let mut joined = self.joined(id).ok_or(GroupError::UnknownMember)?;
        if led && can_skip_assignment {
            joined.skip_assignment = true;
        } else if led {
            joined.leader = old.clone();
            joined.members.clear();
        }
        Ok(joined)
    }

    /// Adds a member that waits for the rebalance it causes.
    fn add(
        &mut self,
        now: Instant,
        limits: &GroupLimits,
        ticket: Ticket,
        id: MemberId,
        join: Join,
        outbox: &mut Outbox,
    ) {
        if self.members.is_empty() {
            self.protocol_type.clone_from(&join.protocol_type);
        }
        if let Some(instance_id) = &join.instance_id {
            self.statics.insert(instance_id.clone(), id.clone());
        }
        self.members.insert(id.clone(), Member::new(now, ticket, join));
        self.leader.get_or_insert(id);
        if let Some(initial) = self.rebalance.as_mut().and_then(|r| r.initial.as_mut()) {
            initial.newcomer = true;
        }
        self.begin_rebalance(now, limits, outbox);
    }

    /// All members must share the type and at least one protocol.
    fn check_protocols(&self, join: &Join) -> Result<(), GroupError> {
        if self.members.is_empty() {
            return Ok(());
        }
        let shared = |name: &str| self.members.values().all(|member| member.supports(name));
        let fits = join.protocols.iter().any(|protocol| shared(&protocol.name));
        if self.protocol_type != join.protocol_type || !fits {
            return Err(GroupError::InconsistentProtocol);
        }
        Ok(())
    }

    /// Bounds members and their bytes; `replaces` is the id whose place is taken.
    fn check_room(
        &self,
        limits: &GroupLimits,
        join: &Join,
        replaces: Option<&str>,
    ) -> Result<(), GroupError> {
        let taken = self.members.len() + self.promised.len();
        let grows = replaces.is_none();
        let bytes = self.weight_without(replaces.unwrap_or_default()) + member::weight(join);
        if (grows && taken >= limits.members) || bytes > limits.group_bytes {
            return Err(GroupError::GroupFull);
        }
        Ok(())
    }
}

/// What became of a JoinGroup.
#[derive(Debug)]
enum Admission {
    /// It waits in its member.
    Waiting,
    /// It is answered.
    Answered(JoinReply),
}
