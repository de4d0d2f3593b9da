//! Each row once in the log, whatever happens between.

use std::path::Path;
use std::sync::atomic::Ordering;

use capture::{ErrorKind, Start};

use super::scripted::{Failure, Server, all_rows, name, script, settings, spec, wait};
use crate::TaskState;

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn e01_a_restart_goes_on_behind_the_last_durable_row() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(5);
    let mut transactions = 5;
    for _ in 0..4 {
        let server = Server::started(folder.path(), &script);
        wait("all rows are in the log", || server.rows().len() == all_rows(transactions).len());
        transactions += 5;
        script.transactions.store(transactions, Ordering::SeqCst);
        wait("more rows came", || server.rows().len() > all_rows(transactions - 5).len());
        server.tasks.shutdown();
        assert_eq!(server.rows(), all_rows(transactions)[..server.rows().len()]);
    }
}

#[test]
fn e01_a_kill_at_any_moment_loses_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = script(20_000);
    let server = Server::started(folder.path(), &source);
    for crash in 1..6 {
        wait("some more rows came", || server.end() > crash * 2000);
        // What is on disk at this instant, a torn tail included, is what a kill would leave.
        let image = tempfile::tempdir().unwrap();
        copy(folder.path(), image.path());
        let rest = script(0);
        let again = Server::open(settings(image.path()), image.path(), &rest);
        let before = again.rows().len();
        assert!(before > 0);
        rest.transactions.store(u64::try_from(before).unwrap() / 3 + 40, Ordering::SeqCst);
        wait("rows came after the crash", || again.rows().len() >= before + 60);
        again.tasks.shutdown();
        let rows = again.rows();
        assert_eq!(rows, all_rows(20_100)[..rows.len()]);
    }
    server.tasks.shutdown();
}

#[test]
fn a18_a_source_that_breaks_at_every_row_still_gives_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(10);
    for after in [0, 1, 2, 3, 4, 1, 1, 1, 5] {
        let failure = Failure { kind: ErrorKind::Unreachable, after_rows: Some(after) };
        script.failures.lock().unwrap().push_back(failure);
    }
    let server = Server::started(folder.path(), &script);
    wait("all rows came", || server.rows().len() >= all_rows(10).len());
    assert_eq!(server.rows(), all_rows(10));
    assert_eq!(script.starts.lock().unwrap().len(), 10);
    server.tasks.shutdown();
}

#[test]
fn each_batch_ends_with_the_position_of_its_last_record() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(200);
    script.row_bytes.store(30_000, Ordering::SeqCst);
    let server = Server::started(folder.path(), &script);
    wait("all rows came", || server.rows().len() == all_rows(200).len());
    server.tasks.shutdown();
    let mut largest = 0;
    let mut batch = 0;
    let mut last = None;
    for seen in server.log() {
        batch += 1;
        last = seen.id.or(last);
        let Some(position) = seen.position else { continue };
        if let Some(id) = seen.id {
            let id = id - 1;
            assert_eq!(position, format!("tx={} row={}", id / 3, id % 3 + 1));
        }
        largest = largest.max(batch);
        batch = 0;
    }
    assert!(largest < 60, "a batch of {largest} records of 30 kB is more than a mebibyte");
}

#[test]
fn the_first_heartbeat_comes_at_once_and_tells_where_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let slow = crate::Settings {
        heartbeat: std::time::Duration::from_secs(3600),
        ..settings(folder.path())
    };
    let script = script(0);
    let server = Server::open(slow.clone(), folder.path(), &script);
    server.tasks.put(spec()).unwrap();
    server.tasks.start(&name()).unwrap();
    wait("a heartbeat", || server.heartbeats() == 1);
    server.tasks.shutdown();
    let server = Server::open(slow, folder.path(), &script);
    wait("it reads on", || server.state() == TaskState::Normal);
    let starts = script.starts.lock().unwrap().clone();
    assert_eq!(starts[0], Start::Now);
    assert!(matches!(&starts[1], Start::At(at) if at.as_str() == "tx=0 row=0"), "{starts:?}");
    server.tasks.shutdown();
}

#[test]
fn heartbeats_go_on_while_nothing_happens_and_stay_away_while_rows_come() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(0);
    let server = Server::started(folder.path(), &script);
    wait("heartbeats on an idle source", || server.heartbeats() >= 3);
    let times: Vec<_> = server.log().iter().map(|seen| seen.timestamp_ms).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 90), "{times:?}");
    server.tasks.shutdown();

    let folder = tempfile::tempdir().unwrap();
    let script = self::script(u64::MAX);
    let server = Server::started(folder.path(), &script);
    wait("many rows", || server.end() > 5000);
    server.tasks.shutdown();
    let beats = server.heartbeats();
    assert!(beats <= 1, "{beats} heartbeats while rows came all the time");
}
