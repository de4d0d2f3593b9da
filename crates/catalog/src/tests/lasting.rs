//! What is put into a catalog is there after it was opened again, and nothing secret shows.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::{
    Catalog, CommittedOffset, Desired, Error, Failure, GroupSpec, MAX_GROUPS_PER_TASK,
    OnTableError, Operations, Owned, Put, SchemaEntry, Secret, SourceSpec, StartAt, StatementScope,
    TaskSpec, TlsMode,
};
use change::{
    Clock, Column, ColumnType, GroupId, Position, SourceName, TableSchema, TaskName, TopicName,
    UnixTime,
};
use tempfile::TempDir;

const PASSWORD: &str = "s3cret-Passw0rd";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &Path) -> Catalog {
    Catalog::open(folder).unwrap()
}

fn source() -> SourceSpec {
    SourceSpec {
        name: SourceName::new("shop-db").unwrap(),
        kind: "mysql".into(),
        url: "mysql://wh@db.internal:3306".into(),
        password: Some(Secret::new(PASSWORD)),
        tls: TlsMode::VerifyFull,
        ca: Some("/etc/ssl/db.pem".into()),
        server_id: Some(4_000_000_000),
        owner: Some("wellhead.toml:61".into()),
    }
}

pub(super) fn task_name() -> TaskName {
    TaskName::new("shop").unwrap()
}

fn topic() -> TopicName {
    TopicName::new("shop-topic").unwrap()
}

fn task() -> TaskSpec {
    TaskSpec {
        name: task_name(),
        source: source().name,
        topic: topic(),
        title: "Läden".into(),
        include: vec!["shop.*".into()],
        exclude: vec!["shop.tmp_*".into()],
        operations: Operations::Dml,
        statements: StatementScope::Tracked,
        on_table_error: OnTableError::Stop,
        start: StartAt::At(Position::parse(b"mysql-bin.000042:1187").unwrap()),
        retention: Some(Duration::from_secs(86_400)),
        max_bytes: Some(1 << 40),
        owner: None,
    }
}

fn group(name: &str) -> GroupSpec {
    GroupSpec {
        task: task_name(),
        name: name.into(),
        account: "billing".into(),
        password: Secret::new(PASSWORD),
        fetch_rate: None,
        owner: None,
    }
}

fn offset(partition: i32, offset: i64, metadata: &str) -> CommittedOffset {
    CommittedOffset {
        topic: topic(),
        partition,
        offset,
        leader_epoch: -1,
        metadata: metadata.into(),
        committed_at: UnixTime::from_seconds(1_712_905_965),
    }
}

pub(super) fn catalog_with_task(folder: &Path) -> Catalog {
    let catalog = open(folder);
    catalog.put_source(&source()).unwrap();
    catalog.put_task(&task()).unwrap();
    catalog
}

#[test]
fn sources_and_tasks_come_back_as_they_were_put() {
    let folder = folder();
    let catalog = open(folder.path());
    let server_id = catalog.server_id();
    assert_eq!(catalog.put_source(&source()).unwrap(), Put::Created);
    assert_eq!(catalog.put_source(&source()).unwrap(), Put::Replaced);
    assert_eq!(catalog.put_task(&task()).unwrap(), Put::Created);
    assert_eq!(catalog.put_task(&task()).unwrap(), Put::Replaced);
    drop(catalog);

    let catalog = open(folder.path());
    assert_eq!(catalog.server_id(), server_id);
    assert_eq!(catalog.source(&source().name).unwrap().unwrap().spec, source());
    let kept = catalog.task(&task_name()).unwrap().unwrap();
    assert_eq!(kept.spec, task());
    assert_eq!((kept.desired, kept.failure), (Desired::NotStarted, None));
    assert_eq!((catalog.sources().unwrap().len(), catalog.tasks().unwrap().len()), (1, 1));
}

#[test]
fn a_failed_task_stays_failed_and_wanted_after_a_restart() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let failure = Failure {
        code: "binlog_purged".into(),
        message: "binlog.000007 was purged".into(),
        remedies: vec!["wellhead task reset shop".into()],
        at: UnixTime::from_seconds(1_700_000_000),
    };
    catalog.set_desired(&task_name(), Desired::Running).unwrap();
    catalog.set_failure(&task_name(), Some(&failure)).unwrap();
    catalog.put_task(&task()).unwrap();
    drop(catalog);

    let catalog = open(folder.path());
    let kept = catalog.task(&task_name()).unwrap().unwrap();
    assert_eq!((kept.desired, kept.failure), (Desired::Running, Some(failure)));
    catalog.set_failure(&task_name(), None).unwrap();
    assert_eq!(catalog.task(&task_name()).unwrap().unwrap().failure, None);
}

#[test]
fn a_task_needs_its_source_and_a_topic_of_its_own() {
    let folder = folder();
    let catalog = open(folder.path());
    let error = catalog.put_task(&task()).unwrap_err();
    assert_eq!(error.to_string(), "there is no source \"shop-db\"");
    catalog.put_source(&source()).unwrap();
    catalog.put_task(&task()).unwrap();
    let other = TaskSpec { name: TaskName::new("other").unwrap(), ..task() };
    let error = catalog.put_task(&other).unwrap_err();
    assert_eq!(error.to_string(), "topic \"shop-topic\" exists already");
    let moved = TaskSpec { topic: TopicName::new("elsewhere").unwrap(), ..task() };
    let error = catalog.put_task(&moved).unwrap_err();
    assert_eq!(error.to_string(), "topic is not allowed: the topic of a task cannot be changed");
    let error = catalog.delete_source(&source().name).unwrap_err();
    assert_eq!(error.to_string(), "source \"shop-db\" is used by task \"shop\"; delete that first");
}

#[test]
fn deleting_a_task_takes_groups_offsets_and_history_with_it() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let id = catalog.create_group(&group("billing")).unwrap().id;
    let loopback = GroupId::new("anyone").unwrap();
    catalog.commit_offsets(&id, &[offset(0, 1, "")]).unwrap();
    catalog.commit_offsets(&loopback, &[offset(0, 1, "")]).unwrap();
    catalog.append_schemas(&task_name(), &[entry("a", true)]).unwrap();
    catalog.delete_task(&task_name()).unwrap();
    catalog.delete_source(&source().name).unwrap();

    assert!(catalog.group_by_id(&id).unwrap().is_none());
    assert!(catalog.committed_offsets(&id).unwrap().is_empty());
    assert!(catalog.committed_offsets(&loopback).unwrap().is_empty());
    assert!(catalog.schema_history(&task_name()).unwrap().is_empty());
    assert!(matches!(catalog.delete_task(&task_name()), Err(Error::NotFound { .. })));
}

#[test]
fn a_group_gets_an_id_and_logs_in_with_it() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let made = catalog.create_group(&group("billing")).unwrap();
    let id = made.id.as_str();
    assert_eq!((id.len(), &id[..3]), (18, "dts"));
    assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    assert_eq!(made.user(), format!("billing-{id}"));
    assert_eq!(made.topic, topic());
    assert_eq!(made.scram_sha_256.iterations, NonZeroU32::new(4096).unwrap());

    let verify = |user: &str, password: &str| {
        catalog.verify_password(user, &Secret::new(password)).unwrap().map(|group| group.id)
    };
    for _ in 0..2 {
        assert_eq!(verify(&made.user(), PASSWORD), Some(made.id.clone()));
        assert_eq!(verify(&made.user(), "s3cret-Passw0rD"), None);
        assert_eq!(verify(&format!("other-{id}"), PASSWORD), None);
        assert_eq!(verify("billing-dtsaaaaaaaaaaaaaaa", PASSWORD), None);
        assert_eq!(verify("billing", PASSWORD), None);
        assert_eq!(verify("", ""), None);
    }
}

#[test]
fn putting_a_group_again_changes_its_password_and_keeps_its_id() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let (put, made) = catalog.put_group(&group("billing")).unwrap();
    assert_eq!(put, Put::Created);
    let old = Secret::new(PASSWORD);
    assert!(catalog.verify_password(&made.user(), &old).unwrap().is_some());
    let (put, same) = catalog.put_group(&group("billing")).unwrap();
    assert_eq!((put, &same), (Put::Replaced, &made), "the same password keeps its verifiers");

    let new = Secret::new("an0ther-password");
    let spec = GroupSpec { password: new.clone(), account: "b2".into(), ..group("billing") };
    let (_, changed) = catalog.put_group(&spec).unwrap();
    assert_eq!((&changed.id, changed.user()), (&made.id, format!("b2-{}", made.id)));
    assert!(catalog.verify_password(&made.user(), &old).unwrap().is_none());
    assert!(catalog.verify_password(&changed.user(), &old).unwrap().is_none());
    assert!(catalog.verify_password(&changed.user(), &new).unwrap().is_some());
    catalog.delete_group(&task_name(), "billing").unwrap();
    assert!(catalog.verify_password(&changed.user(), &new).unwrap().is_none());
}

#[test]
fn a_task_has_at_most_twenty_groups() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    for number in 0..MAX_GROUPS_PER_TASK {
        catalog.create_group(&group(&format!("g{number}"))).unwrap();
    }
    assert_eq!(
        catalog.create_group(&group("one more")).unwrap_err().to_string(),
        "task \"shop\" has 20 groups already, which is the limit; delete one first"
    );
    assert_eq!(catalog.groups(&task_name()).unwrap().len(), MAX_GROUPS_PER_TASK);
    assert!(matches!(catalog.create_group(&group("g0")), Err(Error::Exists { .. })));
    catalog.delete_group(&task_name(), "g0").unwrap();
    catalog.create_group(&group("one more")).unwrap();
}

#[test]
fn names_accounts_and_passwords_of_groups_follow_the_rules() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let refused = |spec: GroupSpec| catalog.create_group(&spec).unwrap_err().to_string();
    let with_password = |text: &str| GroupSpec { password: Secret::new(text), ..group("g") };
    for text in ["", "Ab1", "a1b2c3d", &"aB3".repeat(11)] {
        let error = refused(with_password(text));
        assert_eq!(error, "password is not allowed: it has 8 to 32 characters");
    }
    for text in ["abcdefgh", "12345678", "ABCDEFGH", "--------"] {
        assert!(refused(with_password(text)).contains("at least two kinds"), "{text}");
    }
    for text in ["pässwörd12", "with space 1", "tab\tpass1234"] {
        assert!(refused(with_password(text)).contains("printable ASCII"), "{text}");
    }
    for account in ["", "a-b", "a b", "ä", "seventeen_letters"] {
        let spec = GroupSpec { account: account.into(), ..group("g") };
        assert!(refused(spec).starts_with("account is not allowed"), "{account}");
    }
    for name in ["", "a/b", "a\nb", &"x".repeat(129)] {
        assert!(refused(group(name)).starts_with("group name is not allowed"), "{name}");
    }
    catalog.create_group(&group(&"ä".repeat(128))).unwrap();
    catalog.create_group(&with_password("abcdefg1")).unwrap();
}

#[test]
fn committed_offsets_come_back_byte_for_byte() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let id = GroupId::new("any group, chosen by a client").unwrap();
    let metadata = ["", "1712905965", "1712905965|x", "1712905965\0", "läßt \u{1f980}\r\n"];
    let offsets: Vec<_> =
        (0..).zip(metadata).map(|(number, text)| offset(number, i64::MAX, text)).collect();
    catalog.commit_offsets(&id, &offsets).unwrap();
    drop(catalog);
    let catalog = open(folder.path());
    assert_eq!(catalog.committed_offsets(&id).unwrap(), offsets);

    catalog.commit_offsets(&id, &[offset(1, 7, "")]).unwrap();
    assert_eq!(catalog.committed_offsets(&id).unwrap()[1], offset(1, 7, ""));
    assert_eq!(catalog.groups_with_offsets(&topic()).unwrap(), std::slice::from_ref(&id));
    catalog.clear_group(&id).unwrap();
    assert!(catalog.committed_offsets(&id).unwrap().is_empty());
}

#[test]
fn the_schema_history_is_ordered_and_replaces_by_place() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    for step in [entry("b", false), entry("a", false), entry("a", true)] {
        catalog.append_schemas(&task_name(), std::slice::from_ref(&step)).unwrap();
    }
    drop(catalog);
    let catalog = open(folder.path());
    let kept = catalog.schema_history(&task_name()).unwrap();
    assert_eq!(kept, [entry("a", true), entry("b", false)]);
    let nobody = TaskName::new("nobody").unwrap();
    assert!(matches!(
        catalog.append_schemas(&nobody, &[entry("a", true)]),
        Err(Error::NotFound { .. })
    ));
}

fn entry(valid_from: &str, exists: bool) -> SchemaEntry {
    let kind = ColumnType::Enum { labels: vec!["a'b".into(), "ü".into()] };
    let columns = vec![Column { name: "id".into(), kind }];
    let schema = TableSchema::new("shop".into(), "orders".into(), columns, vec![0], vec![]);
    SchemaEntry {
        valid_from: valid_from.into(),
        database: "shop".into(),
        table: "orders".into(),
        schema: exists.then_some(schema),
        definition: exists.then(|| "the source's own words".into()),
    }
}

#[test]
fn replaced_steps_are_forgotten_and_the_valid_ones_kept() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let mut other = entry("s 1", true);
    other.table = "parts".into();
    let steps = [entry("r 9", true), entry("s 1", true), entry("s 2", false), entry("s 4", true)];
    catalog.append_schemas(&task_name(), &steps).unwrap();
    catalog.append_schemas(&task_name(), std::slice::from_ref(&other)).unwrap();
    catalog.forget_schemas(&task_name(), "s ", "s 3").unwrap();
    let kept = catalog.schema_history(&task_name()).unwrap();
    assert_eq!(kept, [entry("r 9", true), other, entry("s 2", false), entry("s 4", true)]);
}

#[derive(Debug, Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn a_token_is_known_until_it_ends_or_is_revoked() {
    let folder = folder();
    let clock = Arc::new(SetClock::default());
    clock.0.store(1000, Ordering::SeqCst);
    let catalog = Catalog::open_with_clock(folder.path(), clock.clone()).unwrap();
    let lasting = catalog.create_admin_token("ops", None).unwrap();
    let short = catalog.create_admin_token("link", Some(Duration::from_secs(60))).unwrap();
    let known = |secret: &Secret| catalog.verify_token(secret.expose()).unwrap().is_some();
    assert!(lasting.secret.expose().starts_with("wh_"));
    assert!(known(&lasting.secret) && known(&short.secret));
    assert!(!known(&Secret::new("wh_")) && !known(&Secret::new("")));
    clock.0.store(1060, Ordering::SeqCst);
    assert!(known(&lasting.secret) && !known(&short.secret));
    let tokens = catalog.tokens().unwrap();
    assert_eq!(tokens[0].last_used, Some(UnixTime::from_seconds(1060)));
    catalog.revoke_token(lasting.token.id).unwrap();
    assert!(!known(&lasting.secret));
    assert!(matches!(catalog.revoke_token(lasting.token.id), Err(Error::NotFound { .. })));
}

#[test]
fn the_audit_trail_tells_the_newest_first() {
    let folder = folder();
    let catalog = open(folder.path());
    for act in ["task.create", "task.pause", "task.delete"] {
        catalog.append_audit("token ops", act, "task shop", "").unwrap();
    }
    let acts: Vec<_> = catalog.audit(2).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(acts, ["task.delete", "task.pause"]);
}

#[test]
fn what_a_file_no_longer_has_is_released_and_the_rest_stays_owned() {
    let folder = folder();
    let catalog = open(folder.path());
    let owner = Some("wellhead.toml:70".to_owned());
    catalog.put_source(&source()).unwrap();
    catalog.put_task(&TaskSpec { owner: owner.clone(), ..task() }).unwrap();
    for name in ["billing", "search"] {
        catalog.put_group(&GroupSpec { owner: owner.clone(), ..group(name) }).unwrap();
    }
    let kept = Owned {
        sources: vec!["shop-db".into()],
        tasks: Vec::new(),
        groups: vec![("shop".into(), "search".into())],
    };
    let released = catalog.release_orphans(&kept).unwrap();
    assert_eq!(released, ["task shop", "group billing of task shop"]);
    let owner_of = |name| catalog.group(&task_name(), name).unwrap().unwrap().owner;
    assert_eq!((owner_of("billing"), owner_of("search")), (None, owner));
    assert_eq!(catalog.task(&task_name()).unwrap().unwrap().spec.owner, None);
    assert!(catalog.source(&source().name).unwrap().unwrap().spec.owner.is_some());
    assert!(catalog.release_orphans(&kept).unwrap().is_empty());
}

#[test]
fn many_threads_share_one_catalog() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    std::thread::scope(|threads| {
        for partition in 0..8 {
            let catalog = catalog.clone();
            threads.spawn(move || {
                let id = GroupId::new(format!("g{}", partition % 2)).unwrap();
                for number in 0..20 {
                    catalog.commit_offsets(&id, &[offset(partition, number, "")]).unwrap();
                    assert!(!catalog.committed_offsets(&id).unwrap().is_empty());
                }
            });
        }
    });
    for id in ["g0", "g1"] {
        let kept = catalog.committed_offsets(&GroupId::new(id).unwrap()).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.offset).collect::<Vec<_>>(), [19; 4]);
    }
}

#[test]
fn k06_secrets_never_show_and_never_lie_on_disk_in_clear() {
    let folder = folder();
    let catalog = catalog_with_task(folder.path());
    let made = catalog.create_group(&group("billing")).unwrap();
    let token = catalog.create_admin_token("ops", None).unwrap();
    let kept = catalog.sources().unwrap();
    let shown =
        format!("{catalog:?} {made:?} {kept:?} {token:?} {:?} {}", group("g"), token.secret);
    for secret in [PASSWORD, token.secret.expose()] {
        assert!(!shown.contains(secret), "{shown}");
    }
    drop(catalog);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [PASSWORD, token.secret.expose()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
