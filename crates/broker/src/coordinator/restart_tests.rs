//! What a coordinator knows of groups that were kept by one before it.

use std::collections::BTreeMap;

use super::tests::{Bench, SECOND};
use super::*;

/// All that was kept, as a catalog holds it.
#[derive(Debug, Default)]
pub(super) struct Shelf(BTreeMap<GroupId, KeptGroup>);

impl Shelf {
    /// Takes over what is not kept yet. Answers how many groups came to rest.
    pub(super) fn take(&mut self, coordinator: &mut Coordinator) -> usize {
        let unkept = coordinator.take_unkept(UnixTime::from_seconds(0));
        for group in unkept.forgotten {
            self.0.remove(&group);
        }
        let settled = unkept.settled.len();
        for kept in unkept.settled {
            self.0.insert(kept.group().clone(), kept);
        }
        settled
    }

    /// A coordinator that starts with what was kept.
    pub(super) fn start(&self, now: Instant, limits: GroupLimits) -> Coordinator {
        let mut coordinator = Coordinator::new(limits);
        for kept in self.0.values() {
            coordinator.restore(now, kept.clone());
        }
        coordinator
    }
}

impl Bench {
    /// The process is killed, and starts again with what was kept.
    fn restart(&mut self, shelf: &mut Shelf) {
        shelf.take(&mut self.coordinator);
        self.coordinator = shelf.start(self.now, self.coordinator.limits.clone());
        self.replies.clear();
    }
}

#[test]
fn members_go_on_after_a_restart_as_if_there_had_been_none() {
    let (mut bench, a, joined) = Bench::settled();
    bench.restart(&mut Shelf::default());
    assert_eq!(bench.state(), GroupState::Stable);
    assert_eq!(bench.heartbeat(joined.generation, &a), Ok(()));
    assert_eq!(bench.commit(joined.generation, &a), Ok(()));
    assert_eq!(bench.commit(-1, ""), Err(GroupError::UnknownMember));
    let ticket = bench.sync(&joined, &a, &[]);
    assert_eq!(bench.assignment(ticket).as_ref(), b"all");
    let view = bench.coordinator.describe(&bench.group).unwrap();
    assert_eq!((view.protocol_type.as_str(), view.protocol.as_str()), ("consumer", "range"));
    let member = &view.members[0];
    assert_eq!(
        (member.metadata.as_ref(), member.assignment.as_ref()),
        (&b"subscription"[..], &b"all"[..])
    );
    assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("c", "/127.0.0.1"));
    assert!(member.leads);
}

#[test]
fn a_member_that_does_not_come_back_is_given_its_whole_session() {
    let (mut bench, a, joined) = Bench::settled();
    bench.pass(9 * SECOND);
    bench.restart(&mut Shelf::default());
    bench.pass(9 * SECOND);
    assert_eq!(bench.state(), GroupState::Stable);
    bench.pass(SECOND);
    assert_eq!(bench.state(), GroupState::Empty);
    assert_eq!(bench.heartbeat(joined.generation, &a), Err(GroupError::UnknownMember));
    assert_eq!(bench.commit(-1, ""), Ok(()));
}

#[test]
fn generations_go_on_counting_after_the_last_member_has_gone() {
    let (mut bench, a, _) = Bench::settled();
    bench.leave(&a, None).unwrap();
    bench.restart(&mut Shelf::default());
    assert_eq!(bench.state(), GroupState::Empty);
    let ticket = bench.join("");
    assert_eq!(bench.joined(ticket).1.generation, 3, "1 had members, 2 had none");
}

#[test]
fn a_rebalance_that_was_under_way_begins_again() {
    let (mut bench, a, first) = Bench::settled();
    let mut shelf = Shelf::default();
    assert_eq!(shelf.take(&mut bench.coordinator), 1);
    let newcomer = bench.join("");
    bench.join(&a);
    let (b, _) = bench.joined(newcomer);
    assert_eq!(shelf.take(&mut bench.coordinator), 0, "it is not at rest");
    bench.restart(&mut shelf);
    assert_eq!(bench.heartbeat(first.generation, &a), Ok(()), "the last assignment counts");
    assert_eq!(bench.heartbeat(first.generation + 1, &a), Err(GroupError::IllegalGeneration));
    assert_eq!(bench.heartbeat(first.generation + 1, &b), Err(GroupError::UnknownMember));
    let ticket = bench.join(&b);
    assert_eq!(bench.refused(ticket), GroupError::UnknownMember);
}

#[test]
fn a_join_that_the_restart_cut_off_is_repeated() {
    let (mut bench, a, _) = Bench::settled();
    let waiting = bench.join("");
    let rejoin = bench.join(&a);
    let (b, joined_b) = bench.joined(waiting);
    let joined_a = bench.joined(rejoin).1;
    bench.sync(&joined_a, &a, &[(&a, b"0"), (&b, b"1")]);
    bench.restart(&mut Shelf::default());
    let again = bench.join(&b);
    assert_eq!(
        bench.joined(again).1.generation,
        joined_b.generation,
        "a follower that says the same"
    );
    let ticket = bench.sync(&joined_b, &b, &[]);
    assert_eq!(bench.assignment(ticket).as_ref(), b"1");
    bench.join(&a);
    assert_eq!(bench.state(), GroupState::PreparingRebalance, "its leader wants a new assignment");
}

#[test]
fn a_static_member_is_known_by_its_name_after_a_restart() {
    let mut bench = Bench::new();
    let ticket = bench.join_static("pod-0");
    let (old, joined) = bench.joined(ticket);
    bench.sync(&joined, &old, &[(&old, b"work")]);
    let mut shelf = Shelf::default();
    bench.restart(&mut shelf);
    let ticket = bench.join_static("pod-0");
    let (new, rejoined) = bench.joined(ticket);
    assert_ne!(old, new);
    assert_eq!((rejoined.generation, bench.state()), (1, GroupState::Stable));
    bench.restart(&mut shelf);
    let ticket = bench.sync(&rejoined, &new, &[]);
    assert_eq!(bench.assignment(ticket).as_ref(), b"work");
    assert_eq!(bench.heartbeat(1, &old), Err(GroupError::UnknownMember));
    assert_eq!(bench.leave(&old, Some("pod-0")), Err(GroupError::FencedInstance));
}

#[test]
fn members_that_are_sent_away_join_as_newcomers() {
    let (mut bench, a, joined) = Bench::settled();
    let waiting = bench.join("");
    bench.coordinator.expel(&bench.group.clone());
    bench.collect();
    assert_eq!(bench.refused(waiting), GroupError::UnknownMember);
    assert_eq!(bench.heartbeat(joined.generation, &a), Err(GroupError::UnknownMember));
    assert_eq!(bench.commit(joined.generation, &a), Err(GroupError::UnknownMember));
    bench.restart(&mut Shelf::default());
    assert_eq!(bench.state(), GroupState::Empty);
    let ticket = bench.join("");
    assert_eq!(bench.joined(ticket).1.generation, 2);
}

#[test]
fn a_group_that_was_removed_does_not_come_back() {
    let (mut bench, ..) = Bench::settled();
    let mut shelf = Shelf::default();
    shelf.take(&mut bench.coordinator);
    bench.coordinator.remove(&bench.group.clone());
    bench.restart(&mut shelf);
    assert!(bench.coordinator.describe(&bench.group).is_none());
}

#[test]
fn what_makes_no_sense_in_a_kept_group_is_mended() {
    let (mut bench, a, _) = Bench::settled();
    let mut shelf = Shelf::default();
    shelf.take(&mut bench.coordinator);
    for kept in shelf.0.values_mut() {
        let KeptGroup::Classic(membership) = kept else { panic!("{kept:?}") };
        membership.leader = Some("nobody".into());
        membership.generation = -7;
        membership.members[0].session_timeout = Duration::MAX;
        membership.members[0].rebalance_timeout = Duration::MAX;
    }
    bench.restart(&mut shelf);
    assert_eq!(bench.heartbeat(0, &a), Ok(()));
    let view = bench.coordinator.describe(&bench.group).unwrap();
    assert!(view.members[0].leads);
    bench.pass(Duration::from_secs(30 * 60));
    assert_eq!(bench.state(), GroupState::Empty);
}
