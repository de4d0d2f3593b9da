//! Copies of a catalog that is in use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use change::{GroupId, SourceName, TaskName, TopicName, UnixTime};
use tempfile::TempDir;

use crate::{
    Catalog, CatalogFile, CommittedOffset, Desired, Error, LogEnd, SchemaEntry, Secret, SourceSpec,
    TlsMode, copy_key,
};

fn source() -> SourceSpec {
    SourceSpec {
        name: SourceName::new("one").unwrap(),
        kind: "mariadb".into(),
        url: "mysql://cdc@127.0.0.1:3306".into(),
        password: Some(Secret::new("hidden-password")),
        tls: TlsMode::Prefer,
        ca: None,
        server_id: Some(4711),
        owner: None,
    }
}

fn task() -> crate::TaskSpec {
    crate::TaskSpec {
        name: TaskName::new("shop").unwrap(),
        source: SourceName::new("one").unwrap(),
        topic: topic(),
        title: String::new(),
        include: vec!["shop.*".into()],
        exclude: vec![],
        operations: crate::Operations::All,
        start: crate::StartAt::Now,
        statements: crate::StatementScope::Instance,
        on_table_error: crate::OnTableError::Quarantine,
        retention: None,
        max_bytes: None,
        owner: None,
    }
}

fn topic() -> TopicName {
    TopicName::new("shop").unwrap()
}

fn live() -> (TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    catalog.put_source(&source()).unwrap();
    catalog.put_task(&task()).unwrap();
    (folder, catalog)
}

fn commit(catalog: &Catalog, group: &str, offset: i64, metadata: &str) {
    let offset = CommittedOffset {
        topic: topic(),
        partition: 0,
        offset,
        leader_epoch: 3,
        metadata: metadata.into(),
        committed_at: UnixTime::from_seconds(1),
    };
    catalog.commit_offsets(&GroupId::new(group).unwrap(), &[offset]).unwrap();
}

fn committed(catalog: &Catalog, group: &str) -> Option<(i64, String)> {
    let all = catalog.committed_offsets(&GroupId::new(group).unwrap()).unwrap();
    all.into_iter().next().map(|found| (found.offset, found.metadata))
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    CatalogFile::open(from).unwrap().copy_into(to.path()).unwrap();
    assert!(copy_key(from, to.path()).unwrap());
    to
}

#[test]
fn a_copy_of_a_catalog_in_use_opens_with_its_key() {
    let (folder, catalog) = live();
    let to = copy(folder.path());
    catalog.set_desired(&task().name, Desired::Running).unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(to.path()).unwrap().map(Result::unwrap) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["catalog.db", "catalog.key"]);
    let copied = Catalog::open(to.path()).unwrap();
    assert_eq!(copied.source(&source().name).unwrap().unwrap().spec, source());
    assert_eq!(copied.task(&task().name).unwrap().unwrap().desired, Desired::NotStarted);
    assert_eq!(copied.server_id(), catalog.server_id());
    let file = CatalogFile::open(to.path()).unwrap();
    assert_eq!(file.tasks().unwrap(), [(task().name, topic())]);
}

#[test]
fn without_its_key_the_copy_holds_no_password() {
    let (folder, _catalog) = live();
    let to = tempfile::tempdir().unwrap();
    CatalogFile::open(folder.path()).unwrap().copy_into(to.path()).unwrap();
    let bytes = fs::read(to.path().join("catalog.db")).unwrap();
    assert!(!bytes.windows(15).any(|part| part == b"hidden-password"));
    assert!(matches!(Catalog::open(to.path()), Err(Error::KeyMissing { .. })));
}

#[test]
fn a_copy_replaces_nothing_and_needs_something() {
    let (folder, _catalog) = live();
    let to = copy(folder.path());
    let file = CatalogFile::open(folder.path()).unwrap();
    assert!(matches!(file.copy_into(to.path()), Err(Error::Io { .. })));
    assert!(matches!(copy_key(folder.path(), to.path()), Err(Error::Io { .. })));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(CatalogFile::open(empty.path()), Err(Error::Io { .. })));
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none(), "nothing is created");
    assert!(!copy_key(empty.path(), to.path()).unwrap());
}

#[test]
fn decisions_are_the_same_until_somebody_decides() {
    let (folder, catalog) = live();
    let file = CatalogFile::open(folder.path()).unwrap();
    let before = file.decisions().unwrap();
    commit(&catalog, "dtsgroup", 7, "");
    catalog.create_admin_token("admin.token", None).unwrap();
    assert_eq!(file.decisions().unwrap(), before, "consumers decide nothing");
    let copied = copy(folder.path());
    assert_eq!(CatalogFile::open(copied.path()).unwrap().decisions().unwrap(), before);
    catalog.set_desired(&task().name, Desired::Paused).unwrap();
    let after = file.decisions().unwrap();
    assert_ne!(after, before);
    assert_ne!(CatalogFile::open(copied.path()).unwrap().decisions().unwrap(), after);
}

#[test]
fn definitions_that_were_forgotten_meanwhile_are_kept() {
    let (folder, catalog) = live();
    let step = |valid_from: &str| SchemaEntry {
        valid_from: valid_from.into(),
        database: "shop".into(),
        table: "orders".into(),
        schema: None,
        definition: Some(format!("as of {valid_from}")),
    };
    let name = task().name;
    catalog.append_schemas(&name, &[step("1"), step("3")]).unwrap();
    let earlier = copy(folder.path());
    catalog.append_schemas(&name, &[step("5")]).unwrap();
    catalog.forget_schemas(&name, "0", "4").unwrap();
    assert_eq!(catalog.schema_history(&name).unwrap(), [step("3"), step("5")]);
    let to = copy(folder.path());
    let mut file = CatalogFile::open(to.path()).unwrap();
    file.take_definitions_of(&CatalogFile::open(earlier.path()).unwrap()).unwrap();
    file.finish().unwrap();
    let copied = Catalog::open(to.path()).unwrap();
    assert_eq!(copied.schema_history(&name).unwrap(), [step("1"), step("3"), step("5")]);
}

#[test]
fn groups_beyond_the_copied_log_are_set_back_to_its_end() {
    let (folder, catalog) = live();
    for (group, offset, metadata) in [
        ("behind", 40, ""),
        ("there", 100, ""),
        ("beyond", 120, "own text"),
        ("dts-there", 99, "1700000000"),
        ("dts-beyond", 100, "1700000900"),
        ("dts-more", 150, "1700000900000|x"),
    ] {
        commit(&catalog, group, offset, metadata);
    }
    let to = copy(folder.path());
    let mut file = CatalogFile::open(to.path()).unwrap();
    let end =
        LogEnd { topic: topic(), partition: 0, offset: 100, time_seconds: Some(1_700_000_500) };
    let mut groups: Vec<_> =
        file.set_offsets_back(&[end]).unwrap().into_iter().map(|back| back.group_id).collect();
    groups.sort();
    assert_eq!(groups, ["beyond", "dts-beyond", "dts-more"]);
    file.finish().unwrap();
    let copied = Catalog::open(to.path()).unwrap();
    for (group, offset, metadata) in [
        ("behind", 40, ""),
        ("there", 100, ""),
        ("beyond", 100, "own text"),
        ("dts-there", 99, "1700000000"),
        ("dts-beyond", 99, "1700000500"),
        ("dts-more", 99, "1700000500|x"),
    ] {
        assert_eq!(committed(&copied, group), Some((offset, metadata.into())), "{group}");
    }
    assert_eq!(committed(&catalog, "beyond"), Some((120, "own text".into())), "the original");
}

#[test]
fn a_group_of_an_empty_log_has_committed_nothing() {
    let (folder, catalog) = live();
    commit(&catalog, "plain", 5, "");
    commit(&catalog, "dts", 0, "1700000000");
    let to = copy(folder.path());
    let mut file = CatalogFile::open(to.path()).unwrap();
    let end = LogEnd { topic: topic(), partition: 0, offset: 0, time_seconds: None };
    assert_eq!(file.set_offsets_back(&[end]).unwrap().len(), 2);
    file.finish().unwrap();
    let copied = Catalog::open(to.path()).unwrap();
    assert_eq!(committed(&copied, "plain"), Some((0, String::new())));
    assert_eq!(committed(&copied, "dts"), None);
}

#[test]
fn another_server_has_an_identity_and_numbers_of_its_own() {
    let (folder, catalog) = live();
    let to = copy(folder.path());
    let mut file = CatalogFile::open(to.path()).unwrap();
    assert_eq!(file.become_another().unwrap(), ["one"]);
    file.finish().unwrap();
    let copied = Catalog::open(to.path()).unwrap();
    assert_ne!(copied.server_id(), catalog.server_id());
    let spec = copied.source(&source().name).unwrap().unwrap().spec;
    assert_eq!(spec, SourceSpec { server_id: None, ..source() });
}
