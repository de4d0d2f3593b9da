use std::collections::BTreeMap;

use super::*;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A coordinator with one group, a clock that only tests move, and the replies so far.
pub(super) struct Bench {
    pub(super) coordinator: Coordinator,
    pub(super) group: GroupId,
    pub(super) now: Instant,
    tickets: u64,
    pub(super) replies: BTreeMap<Ticket, Reply>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(GroupLimits { initial_rebalance_delay: Duration::ZERO, ..Default::default() })
    }

    fn with(limits: GroupLimits) -> Self {
        Self {
            coordinator: Coordinator::new(limits),
            group: GroupId::new("dtsaaaaaaaaaaaaaaa").unwrap(),
            now: Instant::now(),
            tickets: 0,
            replies: BTreeMap::new(),
        }
    }

    fn request(&self, member_id: &str) -> Join {
        Join {
            member_id: member_id.into(),
            fresh_id: MemberId::new(&format!("fresh-{}", self.tickets + 1)),
            instance_id: None,
            requires_known_id: false,
            can_skip_assignment: false,
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            session_timeout: 10 * SECOND,
            rebalance_timeout: 60 * SECOND,
            protocol_type: "consumer".into(),
            protocols: vec![protocol("range", b"subscription")],
        }
    }

    fn send(&mut self, join: Join) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.coordinator.join(self.now, &self.group.clone(), ticket, join);
        self.collect();
        ticket
    }

    pub(super) fn join(&mut self, member_id: &str) -> Ticket {
        let join = self.request(member_id);
        self.send(join)
    }

    pub(super) fn join_static(&mut self, instance_id: &str) -> Ticket {
        let join = Join { instance_id: Some(instance_id.into()), ..self.request("") };
        self.send(join)
    }

    pub(super) fn sync(
        &mut self,
        member: &Joined,
        member_id: &str,
        work: &[(&str, &[u8])],
    ) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let sync = Sync {
            identity: identity(member.generation, member_id),
            protocol_type: Some("consumer".into()),
            protocol: Some(member.protocol.clone()),
            assignments: work
                .iter()
                .map(|(id, bytes)| ((*id).to_owned(), Bytes::copy_from_slice(bytes)))
                .collect(),
        };
        self.coordinator.sync(self.now, &self.group.clone(), ticket, sync);
        self.collect();
        ticket
    }

    pub(super) fn heartbeat(&mut self, generation: i32, member_id: &str) -> Result<(), GroupError> {
        let identity = identity(generation, member_id);
        self.coordinator.heartbeat(self.now, &self.group.clone(), &identity)
    }

    pub(super) fn commit(&mut self, generation: i32, member_id: &str) -> Result<(), GroupError> {
        let identity = identity(generation, member_id);
        self.coordinator.check_commit(self.now, &self.group.clone(), &identity)
    }

    pub(super) fn leave(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        let group = self.group.clone();
        let left = self.coordinator.leave(self.now, &group, member_id, instance_id);
        self.collect();
        left
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.coordinator.tick(self.now);
        self.collect();
    }

    pub(super) fn collect(&mut self) {
        for (ticket, reply) in self.coordinator.take_replies() {
            assert!(self.replies.insert(ticket, reply).is_none(), "{ticket:?} answered twice");
        }
    }

    pub(super) fn joined(&self, ticket: Ticket) -> (String, Joined) {
        match self.replies.get(&ticket) {
            Some(Reply::Join(JoinReply { member_id, result: Ok(joined) })) => {
                (member_id.clone(), joined.clone())
            }
            other => panic!("{ticket:?} has not joined: {other:?}"),
        }
    }

    pub(super) fn refused(&self, ticket: Ticket) -> GroupError {
        match self.replies.get(&ticket) {
            Some(Reply::Join(JoinReply { result: Err(error), .. }) | Reply::Sync(Err(error))) => {
                *error
            }
            other => panic!("{ticket:?} was not refused: {other:?}"),
        }
    }

    pub(super) fn assignment(&self, ticket: Ticket) -> Bytes {
        match self.replies.get(&ticket) {
            Some(Reply::Sync(Ok(synced))) => synced.assignment.clone(),
            other => panic!("{ticket:?} has no assignment: {other:?}"),
        }
    }

    pub(super) fn state(&self) -> GroupState {
        self.coordinator.describe(&self.group).unwrap().state
    }

    /// One stable member that leads.
    pub(super) fn settled() -> (Self, String, Joined) {
        let mut bench = Self::new();
        let ticket = bench.join("");
        let (id, joined) = bench.joined(ticket);
        let ticket = bench.sync(&joined, &id, &[(&id, b"all")]);
        assert_eq!(bench.assignment(ticket).as_ref(), b"all");
        (bench, id, joined)
    }
}

fn protocol(name: &str, metadata: &[u8]) -> Protocol {
    Protocol { name: name.into(), metadata: Bytes::copy_from_slice(metadata) }
}

fn identity(generation: i32, member_id: &str) -> Identity {
    Identity { generation, member_id: member_id.into(), instance_id: None }
}

#[test]
fn a_single_consumer_starts_at_once() {
    let (mut bench, id, joined) = Bench::settled();
    assert_eq!((joined.generation, joined.leader.as_str()), (1, id.as_str()));
    assert_eq!(joined.members[0].metadata.as_ref(), b"subscription");
    assert_eq!(bench.state(), GroupState::Stable);
    assert_eq!(bench.heartbeat(1, &id), Ok(()));
}

#[test]
fn the_first_member_waits_the_initial_delay_and_newcomers_prolong_it() {
    let delay = SECOND;
    let mut bench =
        Bench::with(GroupLimits { initial_rebalance_delay: delay, ..Default::default() });
    let a = bench.join("");
    bench.pass(delay / 2);
    let b = bench.join("");
    bench.pass(delay / 2);
    assert!(!bench.replies.contains_key(&a), "the second member prolonged the delay");
    bench.pass(delay);
    let (leader, follower) = (bench.joined(a).1, bench.joined(b).1);
    assert_eq!((leader.generation, follower.generation), (1, 1));
    assert_eq!((leader.members.len(), follower.members.len()), (2, 0));
}

#[test]
fn a_new_member_must_come_back_with_its_id() {
    let mut bench = Bench::new();
    let first = Join { requires_known_id: true, ..bench.request("") };
    let ticket = bench.send(first);
    assert_eq!(bench.refused(ticket), GroupError::MemberIdRequired);
    let Some(Reply::Join(JoinReply { member_id, .. })) = bench.replies.get(&ticket).cloned() else {
        panic!("no reply");
    };
    let second = Join { requires_known_id: true, ..bench.request(&member_id) };
    let ticket = bench.send(second);
    assert_eq!(bench.joined(ticket).0, member_id);
}

#[test]
fn a_promised_id_lapses_with_the_session_timeout() {
    let mut bench = Bench::new();
    let first = Join { requires_known_id: true, ..bench.request("") };
    let ticket = bench.send(first);
    let Some(Reply::Join(JoinReply { member_id, .. })) = bench.replies.get(&ticket).cloned() else {
        panic!("no reply");
    };
    bench.pass(10 * SECOND);
    let ticket = bench.join(&member_id);
    assert_eq!(bench.refused(ticket), GroupError::UnknownMember);
}

#[test]
fn a_second_member_takes_over_when_the_first_leaves() {
    let (mut bench, a, first) = Bench::settled();
    let waiting = bench.join("");
    assert_eq!(bench.heartbeat(first.generation, &a), Err(GroupError::RebalanceInProgress));
    let rejoin = bench.join(&a);
    let (b, joined_b) = bench.joined(waiting);
    let (_, joined_a) = bench.joined(rejoin);
    assert_eq!((joined_a.generation, joined_b.generation), (2, 2));
    assert_eq!(joined_a.members.len(), 2);

    let sync_b = bench.sync(&joined_b, &b, &[]);
    assert!(!bench.replies.contains_key(&sync_b), "waits for the leader");
    let sync_a = bench.sync(&joined_a, &a, &[(&a, b"0"), ("stranger", b"x")]);
    assert_eq!(bench.assignment(sync_a).as_ref(), b"0");
    assert_eq!(bench.assignment(sync_b).as_ref(), b"");

    assert_eq!(bench.leave(&a, None), Ok(()));
    assert_eq!(bench.heartbeat(2, &b), Err(GroupError::RebalanceInProgress));
    let ticket = bench.join(&b);
    let (_, alone) = bench.joined(ticket);
    assert_eq!((alone.generation, alone.leader.as_str()), (3, b.as_str()));
}

#[test]
fn a_silent_member_is_removed_after_its_session_timeout() {
    let (mut bench, a, _) = Bench::settled();
    let waiting = bench.join("");
    bench.pass(9 * SECOND);
    assert!(!bench.replies.contains_key(&waiting));
    bench.pass(SECOND);
    let (b, joined) = bench.joined(waiting);
    assert_eq!((joined.generation, joined.leader.as_str()), (2, b.as_str()));
    assert_eq!(bench.heartbeat(1, &a), Err(GroupError::UnknownMember));
}

#[test]
fn heartbeats_keep_a_member_alive_but_not_a_rebalance() {
    let (mut bench, a, _) = Bench::settled();
    let waiting = bench.join("");
    for _ in 0..12 {
        bench.pass(5 * SECOND);
        let _ = bench.heartbeat(1, &a);
    }
    let (b, joined) = bench.joined(waiting);
    assert_eq!(joined.leader.as_str(), b, "the one who never joined again lost its place");
}

#[test]
fn a_leader_that_never_syncs_is_removed() {
    let mut bench = Bench::new();
    let ticket = bench.join("");
    let (a, joined) = bench.joined(ticket);
    for _ in 0..11 {
        bench.pass(5 * SECOND);
        assert_eq!(bench.heartbeat(joined.generation, &a), Ok(()));
    }
    bench.pass(5 * SECOND);
    assert_eq!(bench.heartbeat(joined.generation, &a), Err(GroupError::UnknownMember));
    assert_eq!(bench.state(), GroupState::Empty);
}

#[test]
fn old_generations_and_strangers_are_told_so() {
    let (mut bench, a, _) = Bench::settled();
    assert_eq!(bench.heartbeat(0, &a), Err(GroupError::IllegalGeneration));
    assert_eq!(bench.heartbeat(1, "stranger"), Err(GroupError::UnknownMember));
    assert_eq!(bench.leave("stranger", None), Err(GroupError::UnknownMember));
    let stale = Joined { generation: 9, ..bench.joined(Ticket(1)).1 };
    let ticket = bench.sync(&stale, &a, &[]);
    assert_eq!(bench.refused(ticket), GroupError::IllegalGeneration);
}

#[test]
fn a_commit_without_membership_works_only_while_the_group_is_empty() {
    let mut bench = Bench::new();
    assert_eq!(bench.commit(-1, ""), Ok(()));
    assert_eq!(bench.commit(3, "m"), Err(GroupError::NoGroup));
    let (mut bench, a, _) = Bench::settled();
    assert_eq!(bench.commit(-1, ""), Err(GroupError::UnknownMember));
    assert_eq!(bench.commit(1, &a), Ok(()));
    assert_eq!(bench.commit(2, &a), Err(GroupError::IllegalGeneration));
    bench.leave(&a, None).unwrap();
    assert_eq!(bench.commit(-1, ""), Ok(()));
    assert_eq!(bench.commit(1, &a), Err(GroupError::UnknownMember));
}

#[test]
fn a_commit_is_refused_between_join_and_assignment() {
    let mut bench = Bench::new();
    let ticket = bench.join("");
    let (a, joined) = bench.joined(ticket);
    assert_eq!(bench.commit(joined.generation, &a), Err(GroupError::RebalanceInProgress));
}

#[test]
fn members_agree_on_a_protocol_that_all_know() {
    let mut bench =
        Bench::with(GroupLimits { initial_rebalance_delay: SECOND, ..Default::default() });
    let both = vec![protocol("range", b"r1"), protocol("sticky", b"s1")];
    let only = vec![protocol("sticky", b"s2")];
    let first = Join { protocols: both, ..bench.request("") };
    let a = bench.send(first);
    let second = Join { protocols: only, ..bench.request("") };
    let b = bench.send(second);
    let stranger = Join { protocols: vec![protocol("range", b"")], ..bench.request("") };
    let stranger = bench.send(stranger);
    assert_eq!(bench.refused(stranger), GroupError::InconsistentProtocol);
    bench.pass(SECOND);
    bench.pass(SECOND);
    let leader = bench.joined(a).1;
    assert_eq!(leader.protocol, "sticky");
    assert_eq!(bench.joined(b).1.protocol, "sticky");
    let metadata: Vec<&[u8]> = leader.members.iter().map(|m| m.metadata.as_ref()).collect();
    assert_eq!(metadata, [b"s1", b"s2"]);
}

#[test]
fn another_protocol_type_is_refused() {
    let (mut bench, ..) = Bench::settled();
    let join = Join { protocol_type: "connect".into(), ..bench.request("") };
    let ticket = bench.send(join);
    assert_eq!(bench.refused(ticket), GroupError::InconsistentProtocol);
}

#[test]
fn a_repeated_join_in_a_stable_group_changes_nothing_unless_the_leader_asks() {
    let (mut bench, a, _) = Bench::settled();
    let waiting = bench.join("");
    let rejoin = bench.join(&a);
    let (b, joined_b) = bench.joined(waiting);
    let joined_a = bench.joined(rejoin).1;
    bench.sync(&joined_a, &a, &[]);
    bench.sync(&joined_b, &b, &[]);
    let again = bench.join(&b);
    assert_eq!(bench.joined(again).1.generation, 2);
    assert_eq!(bench.state(), GroupState::Stable);
    bench.join(&a);
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let mut bench = Bench::new();
    let ticket = bench.join_static("pod-0");
    let (old, joined) = bench.joined(ticket);
    bench.sync(&joined, &old, &[(&old, b"work")]);
    let ticket = bench.join_static("pod-0");
    let (new, rejoined) = bench.joined(ticket);
    assert_ne!(old, new);
    assert_eq!((rejoined.generation, bench.state()), (1, GroupState::Stable));
    assert!(rejoined.members.is_empty() && rejoined.leader.as_str() == old);
    let ticket = bench.sync(&rejoined, &new, &[]);
    assert_eq!(bench.assignment(ticket).as_ref(), b"work");

    let fenced =
        Identity { generation: 1, member_id: old.clone(), instance_id: Some("pod-0".into()) };
    let group = bench.group.clone();
    let answer = bench.coordinator.heartbeat(bench.now, &group, &fenced);
    assert_eq!(answer, Err(GroupError::FencedInstance));
}

#[test]
fn a_static_leader_that_knows_how_skips_the_assignment() {
    let mut bench = Bench::new();
    let ticket = bench.join_static("pod-0");
    let (old, joined) = bench.joined(ticket);
    bench.sync(&joined, &old, &[(&old, b"work")]);
    let join =
        Join { instance_id: Some("pod-0".into()), can_skip_assignment: true, ..bench.request("") };
    let ticket = bench.send(join);
    let (new, rejoined) = bench.joined(ticket);
    assert!(rejoined.skip_assignment && rejoined.leader.as_str() == new);
    assert_eq!(rejoined.members.len(), 1);
}

#[test]
fn a_static_member_is_removed_by_its_instance_id() {
    let mut bench = Bench::new();
    bench.join_static("pod-0");
    assert_eq!(bench.leave("", Some("pod-1")), Err(GroupError::UnknownMember));
    assert_eq!(bench.leave("wrong", Some("pod-0")), Err(GroupError::FencedInstance));
    assert_eq!(bench.leave("", Some("pod-0")), Ok(()));
}

#[test]
fn a_waiting_member_whose_connection_closed_does_not_hold_up_the_others() {
    let (mut bench, a, _) = Bench::settled();
    let gone = bench.join("");
    bench.coordinator.abandon(bench.now, &bench.group.clone(), gone);
    let rejoin = bench.join(&a);
    assert!(!bench.replies.contains_key(&rejoin), "the one that went may still come back");
    bench.pass(10 * SECOND);
    assert_eq!(bench.joined(rejoin).1.members.len(), 1);
    assert!(!bench.replies.contains_key(&gone));
}

#[test]
fn members_bytes_and_groups_are_bounded() {
    let mut bench = Bench::with(GroupLimits {
        groups: 1,
        members: 1,
        member_bytes: 64,
        initial_rebalance_delay: Duration::ZERO,
        ..Default::default()
    });
    let fat = Join { protocols: vec![protocol("range", &[0; 65])], ..bench.request("") };
    let fat = bench.send(fat);
    assert_eq!(bench.refused(fat), GroupError::GroupFull);
    let ticket = bench.join("");
    let a = bench.joined(ticket).0;
    let second = bench.join("");
    assert_eq!(bench.refused(second), GroupError::GroupFull);
    bench.group = GroupId::new("other").unwrap();
    let other = bench.join("");
    assert_eq!(bench.refused(other), GroupError::TooManyGroups);
    bench.group = GroupId::new("dtsaaaaaaaaaaaaaaa").unwrap();
    bench.leave(&a, None).unwrap();
    bench.group = GroupId::new("other").unwrap();
    let other = bench.join("");
    assert_eq!(bench.joined(other).1.generation, 1, "an empty group made room");
}

#[test]
fn session_timeouts_out_of_range_are_refused() {
    let mut bench = Bench::new();
    for timeout in [Duration::ZERO, Duration::from_millis(5_999), Duration::from_secs(3_600)] {
        let join = Join { session_timeout: timeout, ..bench.request("") };
        let ticket = bench.send(join);
        assert_eq!(bench.refused(ticket), GroupError::InvalidSessionTimeout);
    }
}

#[test]
fn a_removed_group_answers_everyone_who_waits() {
    let mut bench = Bench::with(GroupLimits::default());
    let ticket = bench.join("");
    bench.coordinator.remove(&bench.group.clone());
    bench.collect();
    assert_eq!(bench.refused(ticket), GroupError::UnknownMember);
    assert!(bench.coordinator.describe(&bench.group).is_none());
}
