//! Who belongs to groups: kept whole, replaced whole, and forgotten with their groups.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use change::{Clock, GroupId, TaskName, TopicName, UnixTime};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{
    Catalog, CommittedOffset, Consumer, ConsumerGroup, ConsumerRoll, Error, GroupMember, GroupSpec,
    HeldPartition, KeptGroup, KnownTopic, Membership, Secret,
};

const NOW: i64 = 1_795_000_000;

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(NOW)
    }
}

fn open(folder: &TempDir) -> Catalog {
    Catalog::open_with_clock(folder.path(), Arc::new(FixedClock)).unwrap()
}

fn id(name: &str) -> GroupId {
    GroupId::new(name).unwrap()
}

fn member(name: &str, instance: Option<&str>) -> GroupMember {
    GroupMember {
        id: format!("{name}-0c1b"),
        instance_id: instance.map(Into::into),
        client_id: name.into(),
        client_host: "/127.0.0.1".into(),
        session_timeout: Duration::from_millis(45_001),
        rebalance_timeout: Duration::from_secs(300),
        protocols: vec![("sticky".into(), vec![0, 255, 7]), ("range".into(), Vec::new())],
        assignment: vec![1, 0, 2],
    }
}

fn membership(name: &str, members: Vec<GroupMember>) -> Membership {
    Membership {
        group: id(name),
        generation: 7,
        protocol_type: "consumer".into(),
        protocol: "sticky".into(),
        leader: members.first().map(|member| member.id.clone()),
        changed: UnixTime::from_seconds(NOW),
        members,
    }
}

fn commit(catalog: &Catalog, group: &GroupId, at: i64) {
    let offset = CommittedOffset {
        topic: TopicName::new("shop").unwrap(),
        partition: 0,
        offset: 1,
        leader_epoch: -1,
        metadata: String::new(),
        committed_at: UnixTime::from_seconds(at),
    };
    catalog.commit_offsets(group, &[offset]).unwrap();
}

/// A catalog with a task and a group that somebody defined; its task and its group's id.
fn with_group(folder: &TempDir) -> (Catalog, TaskName, GroupId) {
    let catalog = super::lasting::catalog_with_task(folder.path());
    let task = super::lasting::task_name();
    let spec = GroupSpec {
        task: task.clone(),
        name: "billing".into(),
        account: "billing".into(),
        password: Secret::new("s3cret-Passw0rd"),
        fetch_rate: None,
        owner: None,
    };
    let group = catalog.create_group(&spec).unwrap().id;
    (catalog, task, group)
}

#[test]
fn members_come_back_as_they_were_kept() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let kept = [
        membership("a", vec![member("one", Some("pod-0")), member("two", None)]),
        membership("b", Vec::new()),
    ];
    let kept = kept.map(KeptGroup::from);
    catalog.put_memberships(&kept, &[]).unwrap();
    drop(catalog);
    assert_eq!(open(&folder).memberships().unwrap(), kept);
}

fn consumer_group(name: &str) -> ConsumerGroup {
    let held = HeldPartition { topic: [7; 16], partition: 0 };
    let member = Consumer {
        id: "m-1".into(),
        instance_id: Some("pod-0".into()),
        rack_id: None,
        client_id: "rdkafka".into(),
        client_host: "/127.0.0.1".into(),
        task: Some("shop".into()),
        rebalance_timeout: Duration::from_millis(300_001),
        epoch: 4,
        previous_epoch: 3,
        assignor: Some("range".into()),
        topics: vec!["shop".into()],
        pattern: Some("s.*\"\\d".into()),
        assigned: vec![held],
        revoking: vec![HeldPartition { partition: 1, ..held }],
        target: Vec::new(),
    };
    let topic = KnownTopic { name: "shop".into(), id: [7; 16], partitions: 2, task: "shop".into() };
    ConsumerGroup {
        group: id(name),
        epoch: 5,
        assignor: "uniform".into(),
        changed: UnixTime::from_seconds(NOW),
        roll: ConsumerRoll { topics: vec![topic], members: vec![member] },
    }
}

#[test]
fn a_group_of_either_protocol_takes_the_place_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let classic = KeptGroup::from(membership("a", vec![member("one", None)]));
    let consumer = KeptGroup::Consumer(consumer_group("a"));
    for kept in [&classic, &consumer, &classic, &consumer] {
        catalog.put_memberships(std::slice::from_ref(kept), &[]).unwrap();
        assert_eq!(catalog.memberships().unwrap(), std::slice::from_ref(kept));
    }
    drop(catalog);
    let catalog = open(&folder);
    assert_eq!(catalog.memberships().unwrap(), [consumer]);
    let sql = "UPDATE group_states SET consumers_json = '{}'";
    Connection::open(folder.path().join("catalog.db")).unwrap().execute(sql, []).unwrap();
    assert!(matches!(catalog.memberships(), Err(Error::Corrupt { .. })));
}

#[test]
fn a_group_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let before = membership("a", vec![member("one", None), member("two", None)]);
    let after = Membership { generation: 8, ..membership("a", vec![member("two", None)]) };
    let after = KeptGroup::from(after);
    catalog.put_memberships(&[before.into()], &[]).unwrap();
    catalog.put_memberships(std::slice::from_ref(&after), &[]).unwrap();
    assert_eq!(catalog.memberships().unwrap(), [after]);
    catalog.put_memberships(&[], &[id("a"), id("nobody")]).unwrap();
    assert_eq!(catalog.memberships().unwrap(), []);
    assert_eq!(rows(folder.path()), 0, "no member is left behind");
}

#[test]
fn members_go_with_their_group_and_with_their_task() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, task, group) = with_group(&folder);
    let keep = || {
        let kept = membership(group.as_str(), vec![member("one", None)]);
        catalog.put_memberships(&[kept.into()], &[]).unwrap();
    };
    keep();
    catalog.clear_group(&group).unwrap();
    assert_eq!(catalog.memberships().unwrap(), []);
    keep();
    catalog.delete_group(&task, "billing").unwrap();
    assert_eq!(catalog.memberships().unwrap(), []);

    let folder = tempfile::tempdir().unwrap();
    let (catalog, task, group) = with_group(&folder);
    let kept = membership(group.as_str(), vec![member("one", None)]);
    catalog.put_memberships(&[kept.into()], &[]).unwrap();
    catalog.delete_task(&task).unwrap();
    assert_eq!(catalog.memberships().unwrap(), []);
    assert_eq!(rows(folder.path()), 0);
}

#[test]
fn j05_groups_that_nobody_defined_or_uses_expire() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, _, defined) = with_group(&folder);
    let (old, fresh, living) = (id("old"), id("fresh"), id("living"));
    for group in [&defined, &old, &fresh, &living] {
        commit(&catalog, group, NOW - 100);
        let changed = UnixTime::from_seconds(NOW - 100);
        let kept = Membership { changed, ..membership(group.as_str(), Vec::new()) };
        catalog.put_memberships(&[kept.into()], &[]).unwrap();
    }
    commit(&catalog, &fresh, NOW - 10);
    let before = UnixTime::from_seconds(NOW - 100);
    assert_eq!(catalog.expire_groups(before, &[]).unwrap(), [], "not a second too early");
    let before = UnixTime::from_seconds(NOW - 50);
    let expired = catalog.expire_groups(before, std::slice::from_ref(&living)).unwrap();
    assert_eq!(expired, std::slice::from_ref(&old));
    let mut left = vec![defined, fresh, living];
    left.sort();
    assert_eq!(catalog.committed_groups().unwrap(), left);
    assert!(catalog.memberships().unwrap().iter().all(|kept| *kept.group() != old));
}

#[test]
fn single_offsets_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let topic = TopicName::new("shop").unwrap();
    commit(&catalog, &id("a"), NOW);
    catalog.delete_offsets_of(&id("a"), &[(topic.clone(), 1)]).unwrap();
    catalog.delete_offsets_of(&id("b"), &[(topic.clone(), 0)]).unwrap();
    assert_eq!(catalog.committed_groups().unwrap(), [id("a")]);
    catalog.delete_offsets_of(&id("a"), &[(topic, 0)]).unwrap();
    assert_eq!(catalog.committed_groups().unwrap(), []);
}

#[test]
fn a_time_below_zero_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let kept = membership("a", vec![member("one", None)]);
    catalog.put_memberships(&[kept.into()], &[]).unwrap();
    let sql = "UPDATE group_members SET session_timeout_ms = -1";
    Connection::open(folder.path().join("catalog.db")).unwrap().execute(sql, []).unwrap();
    assert!(matches!(catalog.memberships(), Err(Error::Corrupt { .. })));
}

/// Rows about members, whatever group they are of.
fn rows(folder: &Path) -> i64 {
    let connection = Connection::open(folder.join("catalog.db")).unwrap();
    let sql =
        "SELECT (SELECT count(*) FROM group_members) + (SELECT count(*) FROM group_protocols)";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}
