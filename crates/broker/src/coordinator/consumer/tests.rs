//! What members of a consumer group are told, case by case.

use super::*;
use crate::coordinator::{GroupLimits, GroupState, Identity, Join, Protocol};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A coordinator with one group, and the topics there are.
pub(super) struct Bench {
    pub(super) coordinator: Coordinator,
    pub(super) group: GroupId,
    pub(super) now: Instant,
    pub(super) topics: Vec<TopicShape>,
    kept: Option<catalog::KeptGroup>,
}

pub(super) fn topic(name: &str, number: u8, partitions: i32) -> TopicShape {
    TopicShape { name: name.into(), id: TopicId([number; 16]), partitions, task: "shop".into() }
}

pub(super) fn held(number: u8, partitions: &[i32]) -> Partitions {
    let held =
        |partition: &i32| Held { topic: TopicId([number; 16]), partition: PartitionId(*partition) };
    partitions.iter().map(held).collect()
}

/// A heartbeat that says nothing new.
pub(super) fn beat(member: &str, epoch: i32) -> Beat {
    Beat {
        member_id: member.into(),
        fresh_id: MemberId::new("fresh"),
        epoch,
        instance_id: None,
        rack_id: None,
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: None,
        topics: None,
        pattern: None,
        assignor: None,
        owned: None,
        task: None,
    }
}

/// The first heartbeat of a member that wants topics.
pub(super) fn entering(member: &str, topics: &[&str]) -> Beat {
    Beat {
        rebalance_timeout: Some(60 * SECOND),
        topics: Some(topics.iter().map(|name| (*name).to_owned()).collect()),
        owned: Some(Partitions::new()),
        ..beat(member, JOINING)
    }
}

impl Bench {
    pub(super) fn new(topics: Vec<TopicShape>) -> Self {
        Self {
            coordinator: Coordinator::new(GroupLimits { members: 3, ..GroupLimits::default() }),
            group: GroupId::new("g").unwrap(),
            now: Instant::now(),
            topics,
            kept: None,
        }
    }

    pub(super) fn beat(&mut self, beat: Beat) -> Result<Standing, GroupError> {
        self.coordinator.beat(self.now, &self.group, Ticket(1), beat, &self.topics);
        let mut replies = self.coordinator.take_replies();
        assert_eq!(replies.len(), 1);
        self.keep();
        match replies.remove(0).1 {
            Reply::Beat(standing) => standing,
            other => panic!("{other:?}"),
        }
    }

    /// Enters, and answers epoch and assignment.
    fn enter(&mut self, member: &str) -> (i32, Partitions) {
        let standing = self.beat(entering(member, &["t"])).unwrap();
        assert_eq!(standing.member_id, member);
        (standing.epoch, standing.assignment.unwrap())
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.coordinator.tick(self.now);
        self.keep();
    }

    fn keep(&mut self) {
        let unkept = self.coordinator.take_unkept(change::UnixTime::from_seconds(0));
        if let Some(kept) = unkept.settled.into_iter().next() {
            self.kept = Some(kept);
        }
    }

    /// The process is killed, and starts again with what was kept.
    pub(super) fn restart(&mut self) {
        let limits = self.coordinator.limits.clone();
        self.coordinator = Coordinator::new(limits);
        if let Some(kept) = self.kept.clone() {
            self.coordinator.restore(self.now, kept);
        }
    }

    fn state(&self) -> GroupState {
        self.coordinator.describe(&self.group).unwrap().state
    }

    fn commit(&mut self, member: &str, epoch: i32) -> Result<(), GroupError> {
        let identity = Identity::new(epoch, member, None);
        self.coordinator.check_commit(self.now, &self.group, &identity)
    }
}

fn owning(beat: Beat, owned: Partitions) -> Beat {
    Beat { owned: Some(owned), ..beat }
}

#[test]
fn j05_the_first_member_is_given_everything_at_once() {
    let mut bench = Bench::new(vec![topic("t", 1, 2), topic("other", 2, 1)]);
    assert_eq!(bench.enter("a"), (1, held(1, &[0, 1])));
    assert_eq!(bench.state(), GroupState::Stable);
    let quiet = bench.beat(beat("a", 1)).unwrap();
    assert_eq!((quiet.epoch, quiet.assignment), (1, None), "nothing has changed");
}

#[test]
fn a_member_without_an_id_is_given_one() {
    let mut bench = Bench::new(Vec::new());
    assert_eq!(bench.beat(entering("", &["t"])).unwrap().member_id, "fresh");
}

#[test]
fn j05_what_one_gives_up_another_gets_and_never_before() {
    let mut bench = Bench::new(vec![topic("t", 1, 2)]);
    bench.enter("a");
    assert_eq!(bench.enter("b"), (2, Partitions::new()), "a holds all of it");
    assert_eq!(bench.state(), GroupState::Reconciling);
    let told = bench.beat(beat("a", 1)).unwrap();
    assert_eq!((told.epoch, told.assignment), (1, Some(held(1, &[1]))), "still in its epoch");
    let again = bench.beat(owning(beat("a", 1), held(1, &[0, 1]))).unwrap();
    assert_eq!((again.epoch, again.assignment), (1, None), "it has not given up yet");
    assert_eq!(bench.beat(beat("b", 2)).unwrap().assignment, None);
    assert_eq!(bench.beat(owning(beat("a", 1), held(1, &[1]))).unwrap().epoch, 2);
    assert_eq!(bench.beat(beat("b", 2)).unwrap().assignment, Some(held(1, &[0])));
    assert_eq!(bench.state(), GroupState::Stable);
}

#[test]
fn j05_a_standby_takes_over_what_another_leaves_and_disturbs_nobody_before() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    bench.enter("b");
    assert_eq!(bench.enter("a"), (2, Partitions::new()));
    let told = bench.beat(beat("b", 1)).unwrap();
    assert_eq!((told.epoch, told.assignment), (2, None), "it keeps what it holds");
    assert_eq!(bench.state(), GroupState::Stable);
    let left = bench.beat(beat("b", LEAVING)).unwrap();
    assert_eq!((left.epoch, left.assignment), (LEAVING, None));
    assert_eq!(bench.beat(beat("a", 2)).unwrap().assignment, Some(held(1, &[0])));
    assert_eq!(bench.beat(beat("b", 2)), Err(GroupError::UnknownMember));
}

#[test]
fn j05_who_is_silent_for_a_session_is_removed() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    bench.enter("a");
    bench.enter("b");
    bench.pass(40 * SECOND);
    bench.beat(beat("b", 2)).unwrap();
    bench.pass(6 * SECOND);
    assert_eq!(bench.beat(beat("b", 2)).unwrap().assignment, Some(held(1, &[0])));
    assert_eq!(bench.beat(beat("a", 1)), Err(GroupError::UnknownMember));
}

#[test]
fn who_does_not_give_up_in_time_is_removed() {
    let mut bench = Bench::new(vec![topic("t", 1, 2)]);
    bench.enter("a");
    bench.enter("b");
    bench.beat(beat("a", 1)).unwrap();
    for _ in 0..6 {
        bench.pass(9 * SECOND);
        bench.beat(owning(beat("a", 1), held(1, &[0, 1]))).unwrap();
        bench.beat(beat("b", 2)).unwrap();
    }
    bench.pass(9 * SECOND);
    assert_eq!(bench.beat(beat("a", 1)), Err(GroupError::UnknownMember));
    assert_eq!(bench.beat(beat("b", 2)).unwrap().assignment, Some(held(1, &[0, 1])));
}

#[test]
fn epochs_that_were_not_given_are_fenced_and_a_missed_answer_is_told_again() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    assert_eq!(bench.beat(beat("a", 7)), Err(GroupError::UnknownMember), "there is no group");
    bench.enter("a");
    bench.enter("b");
    assert_eq!(bench.beat(beat("a", 2)), Err(GroupError::FencedEpoch));
    assert_eq!(bench.beat(beat("a", 1)).unwrap().epoch, 2);
    let missed = bench.beat(owning(beat("a", 1), held(1, &[0]))).unwrap();
    assert_eq!((missed.epoch, missed.assignment), (2, Some(held(1, &[0]))));
    assert_eq!(
        bench.beat(beat("a", 1)),
        Err(GroupError::FencedEpoch),
        "it does not say what it owns"
    );
    assert_eq!(bench.beat(owning(beat("a", 1), held(1, &[5]))), Err(GroupError::FencedEpoch));
    assert_eq!(bench.enter("a"), (2, held(1, &[0])), "it begins anew, and nobody is disturbed");
}

#[test]
fn j05_a_static_member_comes_back_to_what_it_had() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    let named = |beat: Beat| Beat { instance_id: Some("pod".into()), ..beat };
    bench.beat(named(entering("a", &["t"]))).unwrap();
    bench.enter("b");
    assert_eq!(bench.beat(named(entering("c", &["t"]))), Err(GroupError::UnreleasedInstance));
    assert_eq!(bench.beat(named(beat("a", AWAY))).unwrap().epoch, AWAY);
    assert_eq!(bench.beat(beat("b", 2)).unwrap().assignment, None, "its place is kept");
    let back = bench.beat(named(entering("c", &["t"]))).unwrap();
    assert_eq!((back.epoch, back.assignment), (2, Some(held(1, &[0]))));
    assert_eq!(bench.beat(named(beat("a", 2))), Err(GroupError::FencedInstance));
    bench.beat(named(beat("c", AWAY))).unwrap();
    bench.pass(40 * SECOND);
    bench.beat(beat("b", 2)).unwrap();
    bench.pass(6 * SECOND);
    assert_eq!(
        bench.beat(beat("b", 2)).unwrap().assignment,
        Some(held(1, &[0])),
        "it did not come"
    );
}

#[test]
fn subscriptions_by_name_and_by_pattern_change_at_any_time() {
    let mut bench = Bench::new(vec![topic("t", 1, 1), topic("t-2", 2, 1)]);
    bench.enter("a");
    let pattern = |text: &str| Beat {
        topics: Some(BTreeSet::new()),
        pattern: Some(text.into()),
        ..beat("a", 1)
    };
    assert_eq!(bench.beat(pattern("t(")), Err(GroupError::InvalidPattern));
    assert_eq!(bench.beat(pattern("(a{1000}){1000}")), Err(GroupError::InvalidPattern));
    let told = bench.beat(pattern("t-\\d")).unwrap();
    assert_eq!((told.epoch, told.assignment), (1, Some(Partitions::new())), "it gives up first");
    let told = bench.beat(owning(beat("a", 1), Partitions::new())).unwrap();
    assert_eq!((told.epoch, told.assignment), (2, Some(held(2, &[0]))));
    bench.topics.push(topic("t-3", 3, 1));
    let told = bench.beat(owning(beat("a", 2), held(2, &[0]))).unwrap();
    assert_eq!(told.epoch, 3, "a topic came");
    assert_eq!(told.assignment.unwrap().len(), 2);
}

#[test]
fn a_member_is_never_told_of_what_it_may_not_see() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    let task = |name: &str| Some(TaskName::new(name).unwrap());
    let stranger =
        Beat { pattern: Some(".*".into()), task: task("stock"), ..entering("a", &["t"]) };
    assert_eq!(bench.beat(stranger).unwrap().assignment, Some(Partitions::new()));
    let own = Beat { task: task("shop"), ..entering("b", &["t"]) };
    assert_eq!(bench.beat(own).unwrap().assignment, Some(held(1, &[0])));
}

#[test]
fn j05_a_restart_forgets_nothing_even_if_topics_come_late() {
    let mut bench = Bench::new(vec![topic("t", 1, 2)]);
    bench.enter("a");
    bench.enter("b");
    bench.beat(beat("a", 1)).unwrap();
    let topics = std::mem::take(&mut bench.topics);
    bench.restart();
    assert_eq!(bench.beat(owning(beat("a", 1), held(1, &[1]))).unwrap().epoch, 2);
    bench.restart();
    assert_eq!(bench.beat(beat("b", 2)).unwrap().assignment, Some(held(1, &[0])));
    bench.topics = topics;
    assert_eq!(bench.beat(beat("a", 2)).unwrap().epoch, 2, "they are what they were");
    bench.restart();
    assert_eq!(bench.state(), GroupState::Stable);
    bench.pass(46 * SECOND);
    assert_eq!(bench.state(), GroupState::Empty);
    bench.restart();
    assert_eq!(bench.state(), GroupState::Empty);
}

#[test]
fn a_topic_that_is_made_anew_is_another_one() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    bench.enter("a");
    bench.topics = vec![topic("t", 9, 1)];
    let told = bench.beat(beat("a", 1)).unwrap();
    assert_eq!((told.epoch, told.assignment), (1, Some(Partitions::new())));
    let told = bench.beat(owning(beat("a", 1), Partitions::new())).unwrap();
    assert_eq!((told.epoch, told.assignment), (2, Some(held(9, &[0]))));
}

#[test]
fn j05_commits_need_the_epoch_of_the_member() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    bench.enter("a");
    assert_eq!(bench.commit("a", 1), Ok(()));
    assert_eq!(bench.commit("a", 0), Err(GroupError::StaleEpoch));
    assert_eq!(bench.commit("b", 1), Err(GroupError::UnknownMember));
    assert_eq!(bench.commit("", -1), Err(GroupError::UnknownMember), "it has members");
    let fetch = |member, epoch| bench.coordinator.check_fetch(&bench.group, member, epoch);
    assert_eq!(fetch(None, -1), Ok(()));
    assert_eq!(fetch(Some("a"), 1), Ok(()));
    assert_eq!(fetch(Some("a"), 2), Err(GroupError::StaleEpoch));
    assert_eq!(fetch(Some("b"), 1), Err(GroupError::UnknownMember));
    bench.coordinator.expel(&bench.group);
    assert_eq!(bench.commit("", -1), Ok(()));
    assert_eq!(bench.beat(beat("a", 1)), Err(GroupError::UnknownMember), "it was sent away");
    assert_eq!(bench.enter("a").1, held(1, &[0]));
}

#[test]
fn limits_hold() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    for member in ["a", "b", "c"] {
        bench.enter(member);
    }
    assert_eq!(bench.beat(entering("d", &["t"])), Err(GroupError::GroupFull));
    bench.enter("c");
    let long = "x".repeat(300 << 10);
    assert_eq!(bench.beat(entering("a", &[&long])), Err(GroupError::GroupFull));
    let more = Beat { topics: Some([long].into()), ..beat("c", 3) };
    let more = bench.beat(more);
    assert_eq!(more, Err(GroupError::GroupFull));
    assert_eq!(bench.commit("a", 1), Ok(()), "who was refused stays as it was");
}

#[test]
fn a_group_changes_its_protocol_only_when_it_is_empty() {
    let mut bench = Bench::new(vec![topic("t", 1, 1)]);
    let join = |bench: &mut Bench| {
        let join = Join {
            member_id: String::new(),
            fresh_id: MemberId::new("classic"),
            instance_id: None,
            requires_known_id: false,
            can_skip_assignment: false,
            client_id: String::new(),
            client_host: String::new(),
            session_timeout: 10 * SECOND,
            rebalance_timeout: 10 * SECOND,
            protocol_type: "consumer".into(),
            protocols: vec![Protocol { name: "range".into(), metadata: bytes::Bytes::new() }],
        };
        bench.coordinator.join(bench.now, &bench.group, Ticket(2), join);
        bench.pass(SECOND);
        match bench.coordinator.take_replies().remove(0).1 {
            Reply::Join(reply) => reply.result.map(|joined| joined.generation),
            other => panic!("{other:?}"),
        }
    };
    bench.enter("a");
    assert_eq!(join(&mut bench), Err(GroupError::InconsistentProtocol));
    bench.beat(beat("a", LEAVING)).unwrap();
    assert_eq!(join(&mut bench), Ok(1));
    assert_eq!(bench.beat(entering("a", &["t"])), Err(GroupError::NoGroup));
    let group = bench.group.clone();
    bench.coordinator.leave(bench.now, &group, "classic", None).unwrap();
    assert_eq!(bench.enter("a").1, held(1, &[0]));
    bench.coordinator.leave(bench.now, &group, "a", None).unwrap();
    assert_eq!(bench.state(), GroupState::Empty);
}

#[test]
fn the_assignors_share_evenly_each_in_its_way() {
    let mut bench = Bench::new(vec![topic("t", 1, 3)]);
    let range = |member: &str| Beat { assignor: Some(Assignor::Range), ..entering(member, &["t"]) };
    bench.beat(range("b")).unwrap();
    bench.beat(range("a")).unwrap();
    let target = |bench: &Bench| {
        let view = bench.coordinator.describe_consumers(&bench.group).unwrap();
        view.members.iter().map(|member| member.target.clone()).collect::<Vec<_>>()
    };
    assert_eq!(target(&bench), [held(1, &[0, 1]), held(1, &[2])]);
    bench.topics.push(topic("u", 2, 1));
    let uniform = Beat {
        assignor: Some(Assignor::Uniform),
        topics: Some(["t".to_owned(), "u".to_owned()].into()),
        ..beat("b", 1)
    };
    bench.beat(uniform).unwrap();
    let both: Partitions = held(1, &[2]).union(&held(2, &[0])).copied().collect();
    assert_eq!(target(&bench), [held(1, &[0, 1]), both], "who has something keeps it");
}
