//! Full disks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use capture::{Sink, SinkError};
use catalog::Operations;
use change::{Body, Change, Position, SystemClock, Transaction, UnixTime};
use kafka::Offset;
use kafka::batch::BatchBuilder;
use log::simulation::SimulatedDisk;
use log::{Config, Incarnation, Partition};
use prometheus_client::registry::Registry;
use record::DtsEncoder;

use super::scripted::{Server, all_rows, name, script, settings, spec, wait};
use crate::appender::{Appender, Batch, Worker};
use crate::pipeline::Pipeline;
use crate::{Metrics, Settings, Verdict};

fn batch(offset: i64) -> Batch {
    let mut records = BatchBuilder::default();
    records.push(0, None, Some(&[7; 1000])).unwrap();
    Batch {
        records,
        base_offset: Offset(offset),
        position: Position::parse(format!("at={offset}").as_bytes()).unwrap(),
        time: UnixTime::from_seconds(offset),
        has_changes: true,
    }
}

/// An appender over a disk in memory, and the thread behind it.
fn appender(disk: &SimulatedDisk) -> (Arc<Appender>, std::thread::JoinHandle<()>) {
    let config = Config::new(Incarnation::from_bytes([1; 16]));
    let Partition { writer, .. } =
        Partition::open_on(Arc::new(disk.clone()), std::path::Path::new("/p"), &config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { queue_bytes: 1 << 20, ..settings(folder.path()) };
    let appender = Arc::new(Appender::new(&settings, Offset(0), None, log::Retention::default()));
    let worker = Worker {
        appender: Arc::clone(&appender),
        writer,
        settings: Arc::new(settings),
        clock: Arc::new(SystemClock),
        metrics: Metrics::new(&mut Registry::default()).task("t"),
        sealed: Vec::new(),
        unsynced: Vec::new(),
    };
    (appender, std::thread::spawn(move || worker.run()))
}

fn position(appender: &Appender) -> Option<String> {
    appender.progress().position.map(|position| position.to_string())
}

#[test]
fn i03_a_full_disk_holds_the_log_and_space_lets_it_go_on() {
    let disk = SimulatedDisk::new();
    let (appender, thread) = appender(&disk);
    appender.push(batch(0)).unwrap();
    assert_eq!(appender.drain().next_offset, Offset(1));
    disk.limit_growth(Some(0));
    appender.push(batch(1)).unwrap();
    wait("it says so", || appender.progress().stall.is_some_and(|r| r.code == "disk_full"));
    assert_eq!(position(&appender).as_deref(), Some("at=0"));
    disk.limit_growth(None);
    let progress = appender.drain();
    assert_eq!((progress.next_offset, progress.stall.is_none()), (Offset(2), true));
    appender.close();
    thread.join().unwrap();
}

#[test]
fn i03_what_a_full_disk_holds_is_dropped_when_the_capture_ends() {
    let disk = SimulatedDisk::new();
    let (appender, thread) = appender(&disk);
    disk.limit_growth(Some(0));
    for offset in 0..20 {
        appender.push(batch(offset)).unwrap();
    }
    wait("it stalls", || appender.progress().stall.is_some());
    appender.begin_stop();
    let progress = appender.drain();
    assert_eq!((progress.next_offset, progress.position), (Offset(0), None));
    assert!(appender.push(batch(20)).is_err(), "a batch behind a dropped one has no place");
    disk.limit_growth(None);
    appender.reopen();
    appender.push(batch(0)).unwrap();
    assert_eq!(appender.drain().next_offset, Offset(1));
    appender.close();
    thread.join().unwrap();
}

#[test]
fn i03_what_a_full_disk_has_dropped_is_not_settled() {
    let disk = SimulatedDisk::new();
    let (appender, thread) = appender(&disk);
    let folder = tempfile::tempdir().unwrap();
    let (settings, metrics) = (settings(folder.path()), Metrics::new(&mut Registry::default()));
    let (mut encoder, metrics) = (DtsEncoder::new(), metrics.task("t"));
    let mut connected = |_: Position| {};
    let mut pipeline = Pipeline::new(
        &appender,
        &settings,
        &SystemClock,
        &metrics,
        &mut encoder,
        Operations::default(),
        &mut connected,
    );
    let here = Change {
        time: UnixTime::from_seconds(1),
        position: "",
        safe_position: "",
        resume: &Position::parse(b"at=1").unwrap(),
        transaction: &Transaction::default(),
        body: Body::Begin,
    };
    disk.limit_growth(Some(0));
    pipeline.change(&here).unwrap();
    let settled = std::thread::scope(|threads| {
        threads.spawn(|| {
            wait("it stalls", || appender.progress().stall.is_some());
            appender.begin_stop();
        });
        pipeline.settle(&here)
    });
    assert!(matches!(settled, Err(SinkError::Closed)), "{settled:?}");
    assert_eq!(position(&appender), None);
    appender.close();
    thread.join().unwrap();
}

#[test]
fn a_failed_flush_ends_appending_and_tells_why() {
    let disk = SimulatedDisk::new();
    let (appender, thread) = appender(&disk);
    disk.fail_syncs(true);
    appender.push(batch(0)).unwrap();
    let progress = appender.drain();
    assert_eq!(progress.failure.unwrap().code, "log_failed");
    assert_eq!(progress.position, None);
    wait("it takes no more", || appender.push(batch(1)).is_err());
    appender.drain();
    thread.join().unwrap();
}

#[test]
fn i03_a_task_on_a_full_disk_says_so_and_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(100_000);
    let full = Settings { min_free_bytes: u64::MAX, ..settings(folder.path()) };
    let server = Server::open(full, folder.path(), &script);
    server.tasks.put(spec()).unwrap();
    server.tasks.start(&name()).unwrap();
    wait("it stalls", || {
        let view = server.tasks.view(&name()).unwrap();
        view.reason.is_some_and(|reason| reason.code == "disk_full")
            && view.verdict == Verdict::Stalled
    });
    let started = Instant::now();
    server.tasks.pause(&name()).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    server.tasks.start(&name()).unwrap();
    wait("it stalls again", || server.tasks.view(&name()).unwrap().reason.is_some());
    let started = Instant::now();
    server.tasks.shutdown();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(server.log().is_empty());

    script.transactions.store(3, Ordering::SeqCst);
    let server = Server::open(settings(folder.path()), folder.path(), &script);
    wait("rows, now that there is space", || server.rows() == all_rows(3));
    server.tasks.shutdown();
}
