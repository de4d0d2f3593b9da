//! What people decide: durable, exactly once, and never without a gap on record.

use std::sync::atomic::Ordering;

use capture::{DdlScope, ErrorKind, OnTableError, Quarantine, QuarantinedTable, Start};
use catalog::{StartAt, StatementScope, TaskSpec};
use change::{Position, SystemClock, TaskName, TopicName};

use super::once::copy;
use super::scripted::{Failure, Server, all_rows, name, script, settings, spec, wait};
use crate::quarantine::CatalogQuarantine;
use crate::{Error, TableAct, TaskState};

fn at(text: &str) -> StartAt {
    StartAt::At(Position::parse(text.as_bytes()).unwrap())
}

fn lose_position(script: &super::scripted::Script) {
    let failure = Failure { kind: ErrorKind::PositionLost, after_rows: None };
    script.failures.lock().unwrap().push_back(failure);
}

/// Numbers of the rows of transactions.
fn rows_of(transactions: std::ops::Range<u64>) -> Vec<i64> {
    let skipped = all_rows(transactions.start).len();
    all_rows(transactions.end)[skipped..].to_vec()
}

#[test]
fn e04_a_lost_position_is_left_behind_only_when_the_gap_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(3);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows() == all_rows(3));
    server.tasks.pause(&name()).unwrap();
    lose_position(&script);
    server.tasks.start(&name()).unwrap();
    wait("it has failed", || server.state() == TaskState::Failed);
    let reason = server.tasks.view(&name()).unwrap().reason.unwrap();
    assert!(
        reason
            .remedy
            .contains(&"wellhead task start shop --start earliest --accept-gap".to_owned()),
        "{reason:?}"
    );
    script.transactions.store(9, Ordering::SeqCst);
    script.now.store(7, Ordering::SeqCst);

    let plan = server.tasks.plan_start_at(&name(), &StartAt::Now).unwrap();
    let gap = plan.gap.unwrap();
    assert_eq!((gap.cause.as_str(), gap.to.as_deref()), ("scripted", Some("now")));
    let refused = server.tasks.start_at(&name(), &StartAt::Now, false, "me").unwrap_err();
    assert!(matches!(refused, Error::GapNotAccepted { .. }), "{refused}");
    assert!(refused.to_string().contains("tx=3 row=0"), "{refused}");
    assert_eq!(server.state(), TaskState::Failed, "nothing has changed");
    assert!(server.tasks.gaps(&name()).unwrap().is_empty());
    let nonsense = server.tasks.start_at(&name(), &at("bin:4"), true, "me").unwrap_err();
    assert!(matches!(nonsense, Error::Invalid(_)), "{nonsense}");

    server.tasks.start_at(&name(), &StartAt::Now, true, "me").unwrap();
    let expected = [all_rows(3), rows_of(7..9)].concat();
    wait("it goes on behind the gap", || server.rows() == expected);
    let gaps = server.tasks.gaps(&name()).unwrap();
    assert_eq!((gaps.len(), gaps[0].cause.as_str(), gaps[0].who.as_str()), (1, "scripted", "me"));
    let shown = |at: &Option<Position>| at.as_ref().map(ToString::to_string).unwrap();
    assert_eq!(shown(&gaps[0].from), "tx=3 row=0");
    assert_eq!(shown(&gaps[0].to), "tx=7 row=0");
    assert!(gaps[0].from_time.is_some() && gaps[0].to_time.is_some());

    // The decision is used up: from now on the log alone says where to go on.
    server.tasks.shutdown();
    script.now.store(11, Ordering::SeqCst);
    script.transactions.store(12, Ordering::SeqCst);
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    let expected = [all_rows(3), rows_of(7..12)].concat();
    wait("it goes on where it was", || server.rows() == expected);
    assert_eq!(server.catalog.pending_start(&name()).unwrap(), None);
    assert_eq!(server.tasks.gaps(&name()).unwrap().len(), 1);
    server.tasks.shutdown();
}

#[test]
fn e04_a_kill_between_the_decision_and_the_first_batch_keeps_the_decision() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(3);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows() == all_rows(3));
    server.tasks.pause(&name()).unwrap();
    script.now.store(5, Ordering::SeqCst);
    // It connects, which fixes what now is, and breaks before anything is durable.
    for _ in 0..1000 {
        let failure = Failure { kind: ErrorKind::Unreachable, after_rows: Some(0) };
        script.failures.lock().unwrap().push_back(failure);
    }
    server.tasks.start_at(&name(), &StartAt::Now, true, "me").unwrap();
    let fixed = || server.catalog.pending_start(&name()).unwrap().unwrap().start;
    wait("it has connected", || fixed() == at("tx=5 row=0"));
    let image = tempfile::tempdir().unwrap();
    copy(folder.path(), image.path());
    server.tasks.shutdown();

    let later = super::scripted::script(8);
    later.now.store(7, Ordering::SeqCst);
    let server = Server::open(settings(image.path()), image.path(), &later);
    let expected = [all_rows(3), rows_of(5..8)].concat();
    wait("rows from what now was", || server.rows() == expected);
    assert_eq!(later.starts.lock().unwrap()[0], started("tx=5 row=0"));
    assert_eq!(server.tasks.gaps(&name()).unwrap().len(), 1);
    server.tasks.shutdown();
}

fn started(text: &str) -> Start {
    Start::At(Position::parse(text.as_bytes()).unwrap())
}

#[test]
fn a_task_that_has_read_nothing_may_start_anywhere_and_a_running_one_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(4);
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    server.tasks.put(spec()).unwrap();
    let plan = server.tasks.plan_start_at(&name(), &at("tx=2 row=0")).unwrap();
    assert_eq!(plan.gap, None);
    server.tasks.start_at(&name(), &at("tx=2 row=0"), false, "me").unwrap();
    wait("rows", || server.rows() == rows_of(2..4));
    assert!(server.tasks.gaps(&name()).unwrap().is_empty());
    let refused = server.tasks.start_at(&name(), &StartAt::Earliest, true, "me").unwrap_err();
    assert!(matches!(refused, Error::WrongState { .. }), "{refused}");
    server.tasks.pause(&name()).unwrap();
    let end = server.tasks.view(&name()).unwrap().position.unwrap();
    server.tasks.start_at(&name(), &at(&end), false, "me").unwrap();
    assert!(server.tasks.gaps(&name()).unwrap().is_empty(), "it ends there anyway");
    server.tasks.shutdown();
}

#[test]
fn a_bad_event_is_tried_kept_shown_and_skipped_alone() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(6);
    *script.bad.lock().unwrap() = vec![2, 3];
    let server = Server::started(folder.path(), &script);
    for bad in [2, 3] {
        let place = format!("log:{bad}");
        wait("it has failed", || server.state() == TaskState::Failed);
        assert!(script.starts.lock().unwrap().len() >= 8, "it was tried several times");
        let reason = server.tasks.view(&name()).unwrap().reason.unwrap();
        assert!(reason.remedy.contains(&"wellhead task event shop --skip".to_owned()));
        let event = server.tasks.bad_event(&name()).unwrap();
        assert_eq!((&event.place, event.bytes.as_slice()), (&place, b"scrambled".as_slice()));
        let other = server.tasks.skip_event(&name(), "log:9", "me").unwrap_err();
        assert!(matches!(other, Error::Conflict(_)), "{other}");
        let plan = server.tasks.plan_skip_event(&name(), &place).unwrap();
        assert_eq!(plan.gap.unwrap().event.as_deref(), Some(place.as_str()));
        server.tasks.skip_event(&name(), &place, "me").unwrap();
    }
    let expected = [all_rows(2), rows_of(4..6)].concat();
    wait("the rest", || server.rows() == expected);
    let gaps = server.tasks.gaps(&name()).unwrap();
    let places: Vec<_> = gaps.iter().map(|gap| &gap.event.as_ref().unwrap().place).collect();
    assert_eq!(places, ["log:3", "log:2"]);
    wait("it follows", || server.state() == TaskState::Normal);
    assert!(matches!(server.tasks.bad_event(&name()), Err(Error::NoEvent(_))));
    server.tasks.shutdown();
}

#[test]
fn a_held_table_is_decided_about_and_the_running_source_follows() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(3);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows() == all_rows(3));
    let quarantine = CatalogQuarantine {
        catalog: server.catalog.clone(),
        task: name(),
        clock: std::sync::Arc::new(SystemClock),
    };
    let held = QuarantinedTable {
        database: "shop".into(),
        table: "items".into(),
        from: Position::parse(b"tx=1 row=0").unwrap(),
        code: "schema_mismatch".into(),
        message: "as told".into(),
        decision: capture::TableDecision::Pending,
    };
    quarantine.hold(&held).unwrap();
    assert_eq!(quarantine.tables().unwrap(), std::slice::from_ref(&held));
    let starts = || script.starts.lock().unwrap().len();
    let before = starts();
    let retry = TableAct::Retry(Some("CREATE TABLE items (id INT)".into()));
    let unknown = server.tasks.decide_table(&name(), "shop.orders", &retry, "me").unwrap_err();
    assert!(matches!(unknown, Error::NotHeld { .. }), "{unknown}");
    server.tasks.decide_table(&name(), "shop.items", &retry, "me").unwrap();
    wait("the source is started again", || starts() > before);
    let definition = Some("CREATE TABLE items (id INT)".into());
    let decision = || quarantine.tables().unwrap().remove(0).decision;
    assert_eq!(decision(), capture::TableDecision::Retry(definition));
    assert!(server.tasks.gaps(&name()).unwrap().is_empty());

    let plan = server.tasks.plan_skip_table(&name(), "shop.items").unwrap();
    assert_eq!(plan.gap.unwrap().table.as_deref(), Some("shop.items"));
    for _ in 0..2 {
        server.tasks.decide_table(&name(), "shop.items", &TableAct::Skip, "me").unwrap();
    }
    assert_eq!(decision(), capture::TableDecision::Skip);
    let gaps = server.tasks.gaps(&name()).unwrap();
    assert_eq!((gaps.len(), gaps[0].table.as_deref()), (1, Some("shop.items")));
    assert!(server.tasks.decide_table(&name(), "shop.items", &retry, "me").is_err());
    server.tasks.shutdown();
}

#[test]
fn the_source_is_told_what_the_task_is_defined_with() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(1);
    let server = Server::started(folder.path(), &script);
    let built = || *script.built.lock().unwrap();
    assert_eq!(built(), Some((DdlScope::Instance, OnTableError::Quarantine)));
    let other = TaskSpec {
        statements: StatementScope::Tracked,
        on_table_error: catalog::OnTableError::Stop,
        ..spec()
    };
    server.tasks.put(other).unwrap();
    assert_eq!(built(), Some((DdlScope::Tracked, OnTableError::Stop)));
    server.tasks.shutdown();
}

#[test]
fn a_failed_task_keeps_its_topic_alive_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(2);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows() == all_rows(2));
    server.tasks.pause(&name()).unwrap();
    lose_position(&script);
    server.tasks.start(&name()).unwrap();
    wait("it has failed", || server.state() == TaskState::Failed);
    server.tasks.shutdown();
    let starts = script.starts.lock().unwrap().len();
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    let beats = server.heartbeats();
    wait("heartbeats", || server.heartbeats() > beats + 1);
    assert_eq!(server.state(), TaskState::Failed);
    assert_eq!(script.starts.lock().unwrap().len(), starts, "its source is left alone");
    server.tasks.shutdown();
}

#[test]
fn a_log_that_cannot_be_opened_fails_its_task_alone_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(2);
    let server = Server::started(folder.path(), &script);
    let other = TaskName::new("other").unwrap();
    let topic = TopicName::new("other").unwrap();
    server.tasks.put(TaskSpec { name: other.clone(), topic, ..spec() }).unwrap();
    wait("rows", || server.end() > 8);
    server.tasks.shutdown();
    let meta = folder.path().join("log/other/0/partition.meta");
    let sound = std::fs::read(&meta).unwrap();
    std::fs::write(&meta, b"rubbish").unwrap();

    let server = Server::open(settings(folder.path()), folder.path(), &script);
    let states = |server: &Server| {
        let views = server.tasks.views().into_iter();
        views.map(|view| (view.name, view.state == TaskState::Failed)).collect::<Vec<_>>()
    };
    assert_eq!(states(&server), [("other".into(), true), ("shop".into(), false)]);
    let reason = server.tasks.view(&other).unwrap().reason.unwrap();
    assert_eq!(reason.code, "log_unusable");
    assert!(reason.message.contains("other"), "{reason:?}");
    for refused in [
        server.tasks.start(&other).map(drop),
        server.tasks.pause(&other).map(drop),
        server.tasks.data_range(&other).map(drop),
        server.tasks.put(TaskSpec { name: other.clone(), ..spec() }).map(drop),
    ] {
        assert!(refused.is_err());
    }
    let thief = TaskName::new("thief").unwrap();
    let topic = TopicName::new("other").unwrap();
    let taken = server.tasks.put(TaskSpec { name: thief, topic, ..spec() }).unwrap_err();
    assert!(matches!(taken, Error::Conflict(_)), "{taken}");

    std::fs::write(&meta, sound).unwrap();
    server.tasks.start(&other).unwrap();
    assert_eq!(states(&server), [("other".into(), false), ("shop".into(), false)]);
    server.tasks.shutdown();
    std::fs::write(&meta, b"rubbish").unwrap();
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    server.tasks.delete(&other).unwrap();
    assert!(matches!(server.tasks.view(&other), Err(Error::NotFound(_))));
    assert!(!folder.path().join("log/other").exists());
    server.tasks.shutdown();
}

#[test]
fn a_log_that_is_gone_is_not_begun_anew_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(2);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.end() > 8);
    let waiting = TaskName::new("waiting").unwrap();
    let topic = TopicName::new("waiting").unwrap();
    server.tasks.put(TaskSpec { name: waiting.clone(), topic, ..spec() }).unwrap();
    server.tasks.shutdown();
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();

    let server = Server::open(settings(folder.path()), folder.path(), &script);
    let shop = TaskName::new("shop").unwrap();
    let view = server.tasks.view(&shop).unwrap();
    assert_eq!(view.state, TaskState::Failed);
    assert!(view.reason.unwrap().message.contains("is gone"));
    assert!(matches!(server.tasks.start(&shop), Err(Error::LogGone { .. })));
    assert!(!folder.path().join("log/shop").exists());
    // It was never started: a kill in its creation may have come before its log.
    assert_eq!(server.tasks.view(&waiting).unwrap().state, TaskState::NotStarted);
    server.tasks.shutdown();
}

#[test]
fn a_new_task_takes_no_log_over_that_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::open(settings(folder.path()), folder.path(), &script(2));
    let found = folder.path().join("log/shop/0");
    std::fs::create_dir_all(&found).unwrap();
    std::fs::write(found.join("00000000000000000000.log"), b"").unwrap();
    let refused = server.tasks.put(spec()).unwrap_err();
    assert!(matches!(refused, Error::LogOfNobody { .. }), "{refused}");
    assert!(server.tasks.views().is_empty());

    std::fs::remove_dir_all(&found).unwrap();
    server.tasks.put(spec()).unwrap();
    server.tasks.shutdown();
}
