//! States, acts, verdicts.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use capture::{ErrorKind, Start};
use catalog::Operations;

use super::scripted::{Failure, Server, all_rows, name, script, settings, spec, wait};
use crate::{Error, TaskState, Verdict};

fn fail_with(script: &super::scripted::Script, kind: ErrorKind, times: usize) {
    for _ in 0..times {
        script.failures.lock().unwrap().push_back(Failure { kind, after_rows: None });
    }
}

#[test]
fn e04_a_lost_position_fails_for_good_and_only_a_person_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(3);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows().len() == 9);
    server.tasks.pause(&name()).unwrap();
    fail_with(&script, ErrorKind::PositionLost, 1);
    server.tasks.start(&name()).unwrap();
    wait("it has failed", || server.state() == TaskState::Failed);
    let starts = script.starts.lock().unwrap().len();
    let beats = server.heartbeats();
    wait("its topic stays alive", || server.heartbeats() > beats + 1);
    assert_eq!(script.starts.lock().unwrap().len(), starts, "it was not tried again");
    server.tasks.shutdown();

    let server = Server::open(settings(folder.path()), folder.path(), &script);
    assert_eq!(server.state(), TaskState::Failed);
    let reason = server.tasks.view(&name()).unwrap().reason.unwrap();
    assert_eq!(reason.code, "scripted");
    assert_eq!(script.starts.lock().unwrap().len(), starts, "nor after a restart");
    script.transactions.store(5, Ordering::SeqCst);
    server.tasks.start(&name()).unwrap();
    wait("it goes on", || server.rows() == all_rows(5));
    server.tasks.shutdown();
}

#[test]
fn now_stays_the_moment_of_the_first_connection_though_it_breaks_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(2);
    let broken = Failure { kind: ErrorKind::Unreachable, after_rows: Some(0) };
    script.failures.lock().unwrap().push_back(broken);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows() == all_rows(2));
    let starts = script.starts.lock().unwrap().clone();
    assert_eq!(starts[0], Start::Now);
    assert!(matches!(&starts[1], Start::At(at) if at.as_str() == "tx=0 row=0"), "{starts:?}");
    server.tasks.shutdown();
}

#[test]
fn a20_an_unreachable_source_is_tried_again_and_the_topic_stays_alive() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(1);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows().len() == 3);
    server.tasks.pause(&name()).unwrap();
    let before = server.log().last().unwrap().clone();
    fail_with(&script, ErrorKind::Unreachable, 60);
    server.tasks.start(&name()).unwrap();
    wait("it is tried again", || script.starts.lock().unwrap().len() > 5);
    let view = server.tasks.view(&name()).unwrap();
    assert_eq!(view.state, TaskState::Error);
    assert!(view.retry.is_some_and(|retry| retry.count >= 1), "{view:?}");
    assert_eq!((view.verdict, view.lag_seconds), (Verdict::Unknown, None));
    wait("it comes back", || server.state() == TaskState::Normal);
    let kept_alive = |seen: &&super::scripted::Seen| seen.timestamp_ms == before.timestamp_ms;
    assert!(
        server.log().iter().filter(kept_alive).count() > 3,
        "heartbeats that claim nothing new"
    );
    assert_eq!(server.rows(), all_rows(1));
    server.tasks.shutdown();
}

#[test]
fn an_error_that_stays_ends_the_retries_although_the_source_connects_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(9);
    for _ in 0..1000 {
        let failure = Failure { kind: ErrorKind::Corrupt, after_rows: Some(0) };
        script.failures.lock().unwrap().push_back(failure);
    }
    let settings = crate::Settings {
        retry_for: Duration::from_millis(300),
        retry_max_interval: Duration::from_millis(100),
        ..settings(folder.path())
    };
    let server = Server::open(settings, folder.path(), &script);
    server.tasks.put(spec()).unwrap();
    server.tasks.start(&name()).unwrap();
    wait("it gives up", || server.state() == TaskState::Failed);
    assert!(script.starts.lock().unwrap().len() < 20);
    server.tasks.shutdown();
}

#[test]
fn k04_pausing_and_resuming_and_deleting() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(4);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows().len() == 12);
    server.tasks.pause(&name()).unwrap();
    assert_eq!(server.state(), TaskState::Stopped);
    script.transactions.store(6, Ordering::SeqCst);
    assert_eq!(server.rows(), all_rows(4));
    server.tasks.shutdown();
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    assert_eq!(server.state(), TaskState::Stopped, "a paused task stays paused");
    server.tasks.start(&name()).unwrap();
    wait("the rest", || server.rows() == all_rows(6));
    server.tasks.delete(&name()).unwrap();
    assert!(matches!(server.tasks.view(&name()), Err(Error::NotFound(_))));
    assert!(!folder.path().join("log/shop").exists());
    assert!(matches!(server.tasks.start(&name()), Err(Error::NotFound(_))));
    server.tasks.shutdown();
}

#[test]
fn starts_at_once_run_one_capture() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(50);
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    server.tasks.put(spec()).unwrap();
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| server.tasks.start(&name()).unwrap());
        }
    });
    wait("rows", || server.rows().len() == 150);
    assert_eq!(script.most_running.load(Ordering::SeqCst), 1);
    assert_eq!(server.rows(), all_rows(50));
    server.tasks.shutdown();
}

#[test]
fn a_source_that_ignores_its_stop_does_not_hold_the_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(2);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.rows().len() == 6);
    script.deaf.store(true, Ordering::SeqCst);
    let started = Instant::now();
    server.tasks.shutdown();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    script.deaf.store(false, Ordering::SeqCst);
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    assert_eq!(server.rows(), all_rows(2));
    server.tasks.shutdown();
}

#[test]
fn e11_changes_that_are_not_wanted_still_move_the_position() {
    let folder = tempfile::tempdir().unwrap();
    // It never rests, so nothing but the changes themselves can move the position.
    let script = script(u64::MAX);
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    let only_ddl = catalog::TaskSpec { operations: Operations::Ddl, ..spec() };
    server.tasks.put(only_ddl).unwrap();
    server.tasks.start(&name()).unwrap();
    let position = || server.tasks.view(&name()).unwrap().position;
    wait("the position moves", || position().is_some_and(|at| at.ends_with("row=0")));
    assert!(server.rows().is_empty());
    server.tasks.shutdown();
}

#[test]
fn k04_retention_changes_while_the_task_runs() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(2000);
    script.row_bytes.store(1000, Ordering::SeqCst);
    let small = crate::Settings {
        segment_bytes: 1 << 20,
        compression: kafka::batch::Compression::None,
        ..settings(folder.path())
    };
    let server = Server::open(small, folder.path(), &script);
    server.tasks.put(spec()).unwrap();
    server.tasks.start(&name()).unwrap();
    wait("rows", || server.end() >= 10_000);
    server.tasks.put(catalog::TaskSpec { max_bytes: Some(1), ..spec() }).unwrap();
    let start = || server.tasks.data_range(&name()).unwrap().map(|range| range.begin_offset);
    wait("the oldest rows go", || start().is_some_and(|start| start > 0));
    server.tasks.shutdown();
}

#[test]
fn a_task_that_has_read_everything_is_idle_and_has_no_lag() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(0);
    let server = Server::started(folder.path(), &script);
    // A heartbeat may be on its way to the disk at the moment of a look.
    wait("it is idle without lag", || {
        let view = server.tasks.view(&name()).unwrap();
        (view.verdict, view.lag_seconds) == (Verdict::Idle, Some(0.0))
    });
    script.transactions.store(1, Ordering::SeqCst);
    wait("it is current", || server.tasks.view(&name()).unwrap().verdict == Verdict::Current);
    server.tasks.pause(&name()).unwrap();
    let view = server.tasks.view(&name()).unwrap();
    assert_eq!((view.verdict, view.lag_seconds), (Verdict::Unknown, None));
    server.tasks.shutdown();
}

#[test]
fn the_lag_does_not_depend_on_the_clocks_being_equal() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(u64::MAX);
    script.status.update(|status| status.clock_ahead_micros = 3_600_000_000);
    let server = Server::started(folder.path(), &script);
    wait("rows", || server.end() > 300);
    let view = server.tasks.view(&name()).unwrap();
    let lag = view.lag_seconds.unwrap();
    assert!((3599.0..3620.0).contains(&lag), "an hour ahead means an hour old: {lag}");
    server.tasks.shutdown();
}
