//! What a task has left out or set aside is there after the catalog was opened again, and goes with it.

use std::path::Path;

use crate::{
    BadEvent, Catalog, Desired, Error, Failure, HeldTable, NewGap, OnTableError, Operations,
    SourceSpec, StartAt, StatementScope, TableChoice, TaskSpec, TlsMode,
};
use change::{Position, SourceName, TaskName, TopicName, UnixTime};

fn name() -> TaskName {
    TaskName::new("shop").unwrap()
}

fn position(text: &str) -> Position {
    Position::parse(text.as_bytes()).unwrap()
}

fn catalog(folder: &Path) -> Catalog {
    let catalog = Catalog::open(folder).unwrap();
    let source = SourceSpec {
        name: SourceName::new("db").unwrap(),
        kind: "mysql".into(),
        url: "mysql://u@h".into(),
        password: None,
        tls: TlsMode::Prefer,
        ca: None,
        server_id: None,
        owner: None,
    };
    catalog.put_source(&source).unwrap();
    let task = TaskSpec {
        name: name(),
        source: source.name,
        topic: TopicName::new("shop").unwrap(),
        title: String::new(),
        include: vec!["shop.*".into()],
        exclude: Vec::new(),
        operations: Operations::All,
        statements: StatementScope::default(),
        on_table_error: OnTableError::default(),
        start: StartAt::Now,
        retention: None,
        max_bytes: None,
        owner: None,
    };
    catalog.put_task(&task).unwrap();
    catalog
}

fn gap(cause: &str) -> NewGap {
    NewGap {
        cause: cause.into(),
        from: Some(position("bin.000001:4")),
        to: None,
        from_time: Some(UnixTime::from_seconds(7)),
        to_time: None,
        who: "token ops".into(),
    }
}

fn event(place: &str) -> BadEvent {
    BadEvent {
        place: place.into(),
        kind: "WRITE_ROWS".into(),
        size: 5_000_000_000,
        bytes: vec![0, 1, 255],
        code: "event_corrupt".into(),
        message: "as told".into(),
        at: UnixTime::from_seconds(9),
    }
}

#[test]
fn e04_an_accepted_gap_is_kept_with_its_decision_and_clears_the_failure() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog(folder.path());
    let failure = Failure {
        code: "binlog_purged".into(),
        message: String::new(),
        remedies: vec![],
        at: UnixTime::from_seconds(1),
    };
    catalog.set_failure(&name(), Some(&failure)).unwrap();
    let here = position("bin.000001:4");
    catalog.accept_gap(&name(), &StartAt::Earliest, &here, &gap("binlog_purged")).unwrap();
    let second = catalog.accept_gap(&name(), &StartAt::Now, &here, &gap("binlog_purged")).unwrap();
    drop(catalog);

    let catalog = Catalog::open(folder.path()).unwrap();
    let task = catalog.task(&name()).unwrap().unwrap();
    assert_eq!((task.desired, task.failure), (Desired::Running, None));
    let pending = catalog.pending_start(&name()).unwrap().unwrap();
    assert_eq!((pending.start, pending.instead_of), (StartAt::Now, here.clone()));
    assert_eq!(pending.gap, second);
    let there = position("bin.000009:4711");
    catalog.fix_pending_start(&name(), &there).unwrap();
    let pending = catalog.pending_start(&name()).unwrap().unwrap();
    assert_eq!(pending.start, StartAt::At(there.clone()), "now is now only once");
    catalog.end_gap(second, UnixTime::from_seconds(70)).unwrap();
    catalog.end_gap(second, UnixTime::from_seconds(80)).unwrap();
    catalog.use_up_pending_start(&name()).unwrap();
    assert_eq!(catalog.pending_start(&name()).unwrap(), None);

    let gaps = catalog.gaps(&name()).unwrap();
    assert_eq!(gaps.len(), 1, "a decision that was replaced has left out nothing");
    assert_eq!((gaps[0].from.as_ref(), gaps[0].to.as_ref()), (Some(&here), Some(&there)));
    let seconds = |time: Option<UnixTime>| time.map(UnixTime::seconds);
    assert_eq!((seconds(gaps[0].from_time), seconds(gaps[0].to_time)), (Some(7), Some(70)));
    assert_eq!(gaps[0].who, "token ops");
    assert_eq!(catalog.gap_counts(&name()).unwrap(), [("binlog_purged".into(), 1)]);
}

#[test]
fn a_table_is_held_decided_about_and_released() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog(folder.path());
    let held = HeldTable {
        database: "shop".into(),
        table: "a.b".into(),
        from: position("bin.000001:4"),
        code: "schema_mismatch".into(),
        message: "as told".into(),
        choice: TableChoice::Pending,
        since: UnixTime::from_seconds(5),
    };
    catalog.hold_table(&name(), &held).unwrap();
    let later = HeldTable { since: UnixTime::from_seconds(50), ..held.clone() };
    catalog.hold_table(&name(), &later).unwrap();
    assert_eq!(catalog.held_tables(&name()).unwrap(), [held], "it is held since the first time");
    let definition = "CREATE TABLE a (id INT)";
    catalog.retry_table(&name(), "shop", "a.b", Some(definition)).unwrap();
    drop(catalog);

    let catalog = Catalog::open(folder.path()).unwrap();
    let choice = || catalog.held_tables(&name()).unwrap().remove(0).choice;
    assert_eq!(choice(), TableChoice::Retry(Some(definition.into())));
    assert!(catalog.skip_table(&name(), "shop", "a.b", &gap("schema_mismatch")).unwrap().is_some());
    assert!(catalog.skip_table(&name(), "shop", "a.b", &gap("schema_mismatch")).unwrap().is_none());
    assert_eq!(choice(), TableChoice::Skip);
    let gaps = catalog.gaps(&name()).unwrap();
    assert_eq!((gaps.len(), gaps[0].table.as_deref()), (1, Some("shop.a.b")));
    catalog.release_table(&name(), "shop", "a.b").unwrap();
    assert!(catalog.held_tables(&name()).unwrap().is_empty());
    let error = catalog.retry_table(&name(), "shop", "a.b", None).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[test]
fn exactly_the_event_that_was_shown_is_skipped_and_its_bytes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog(folder.path());
    let shown = event("bin.000007:4711");
    catalog.keep_bad_event(&name(), &shown).unwrap();
    assert_eq!(catalog.bad_event(&name()).unwrap(), Some(shown.clone()));
    let skipped = |place: &str, kind: &str| {
        catalog.event_skipped(&name(), place, kind, shown.size, &shown.bytes)
    };
    assert!(matches!(skipped(&shown.place, &shown.kind), Err(Error::NotFound { .. })));
    catalog.skip_event(&name(), &shown, "token ops").unwrap();
    assert_eq!(catalog.events_to_skip(&name()).unwrap(), std::slice::from_ref(&shown.place));
    assert!(!skipped(&shown.place, "QUERY").unwrap());
    let other =
        |size, bytes: &[u8]| catalog.event_skipped(&name(), &shown.place, &shown.kind, size, bytes);
    assert!(!other(shown.size + 1, &shown.bytes).unwrap());
    assert!(!other(shown.size, b"another").unwrap(), "after a reset of the server, say");
    assert!(skipped(&shown.place, &shown.kind).unwrap());
    assert!(!other(shown.size, b"another").unwrap(), "nor later");
    assert!(skipped(&shown.place, &shown.kind).unwrap());
    assert_eq!(catalog.gaps(&name()).unwrap().len(), 1, "coming by again is no second gap");
    assert_eq!(catalog.bad_event(&name()).unwrap(), None);
    let gaps = catalog.gaps(&name()).unwrap();
    let kept = gaps[0].event.as_ref().unwrap();
    assert_eq!((gaps.len(), &kept.place, kept.size), (1, &shown.place, shown.size));
    assert_eq!((gaps[0].cause.as_str(), &kept.bytes), ("event_corrupt", &shown.bytes));
    let second = event("bin.000007:5000");
    catalog.skip_event(&name(), &second, "token ops").unwrap();
    let places = catalog.events_to_skip(&name()).unwrap();
    let both = [second.place, shown.place.clone()];
    assert_eq!(places, both, "the source may come by the first one again");
    let new = BadEvent { bytes: b"another".to_vec(), ..shown };
    catalog.skip_event(&name(), &new, "token ops").unwrap();
    assert!(catalog.event_skipped(&name(), &new.place, &new.kind, new.size, b"another").unwrap());
    assert_eq!(catalog.gaps(&name()).unwrap().len(), 2, "another event is another gap");
}

#[test]
fn what_was_left_out_goes_with_its_task() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog(folder.path());
    let here = position("bin.000001:4");
    catalog.accept_gap(&name(), &StartAt::Now, &here, &gap("x")).unwrap();
    let shown = event("bin.000007:4711");
    catalog.keep_bad_event(&name(), &shown).unwrap();
    catalog.skip_event(&name(), &shown, "me").unwrap();
    catalog.event_skipped(&name(), &shown.place, &shown.kind, shown.size, &shown.bytes).unwrap();
    catalog.delete_task(&name()).unwrap();
    assert!(catalog.gaps(&name()).unwrap().is_empty());
    assert!(matches!(catalog.keep_bad_event(&name(), &shown), Err(Error::NotFound { .. })));
}
