//! Sources that are faster than the disk, and disks that stall: what is held stays within its bounds,
//! nothing is lost, and it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use budget::{Budget, Lane};
use catalog::TaskSpec;
use change::{Clock, Position, SystemClock, TaskName, TopicName, UnixTime};
use kafka::Offset;
use kafka::batch::BatchBuilder;
use log::simulation::SimulatedDisk;

use super::scripted::{ROWS, Script, Server, all_rows, name, script, settings, spec, wait};
use crate::appender::{Appender, Batch};
use crate::{Settings, TaskState, Verdict};

/// The system's clock, so many seconds later.
#[derive(Debug, Default)]
struct LeapingClock(AtomicI64);

impl Clock for LeapingClock {
    fn now(&self) -> UnixTime {
        let leap = self.0.load(Ordering::SeqCst) * 1_000_000;
        UnixTime::from_micros(SystemClock.now().micros() + leap)
    }
}

const ROW_BYTES: usize = 64 << 10;
/// A batch is handed over once it is over one megabyte; its last record may be one row longer.
const BATCH_MAX: usize = (1 << 20) + 2 * ROW_BYTES;

fn large_rows(transactions: u64) -> Arc<Script> {
    let script = script(transactions);
    script.row_bytes.store(ROW_BYTES, Ordering::SeqCst);
    script
}

/// Bytes of the rows that the source has handed out and that no reader sees yet.
fn in_flight(script: &Script, durable_rows: u64) -> usize {
    let delivered = script.delivered.load(Ordering::SeqCst);
    usize::try_from(delivered.saturating_sub(durable_rows)).unwrap() * ROW_BYTES
}

#[test]
fn i03_a_disk_that_stalls_holds_the_source_is_told_and_loses_nothing() {
    const TRANSACTIONS: u64 = 250;
    /// Appended before one flush (`GROUP_BYTES_MAX`), with the batch that goes beyond.
    const GROUP_MAX: usize = (16 << 20) + BATCH_MAX;
    let folder = tempfile::tempdir().unwrap();
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(LeapingClock::default()));
    let budget = Budget::new(64 << 20);
    let settings = Settings {
        disk: Arc::new(disk.clone()),
        budget: budget.clone(),
        queue_bytes: 2 << 20,
        compression: kafka::batch::Compression::None,
        ..settings(folder.path())
    };
    let queue_bytes = settings.queue_bytes;
    let script = large_rows(1);
    let server = Server::open_at(settings, folder.path(), &script, clock.clone());
    server.tasks.put(spec()).unwrap();
    server.tasks.start(&name()).unwrap();
    wait("the first rows", || server.rows() == all_rows(1));

    disk.stall(true);
    script.transactions.store(TRANSACTIONS, Ordering::SeqCst);
    wait("the queue is full and the source waits", || {
        budget.used_in(Lane::Writing) + BATCH_MAX > queue_bytes
    });
    wait("it is told why, by the clock that everything is told by", || {
        clock.0.fetch_add(1, Ordering::SeqCst);
        server.tasks.view(&name()).unwrap().reason.is_some_and(|why| why.code == "disk_slow")
    });
    clock.0.fetch_add(60, Ordering::SeqCst);
    let view = server.tasks.view(&name()).unwrap();
    assert_eq!((view.state, view.verdict), (TaskState::Normal, Verdict::Stalled));
    assert!(!view.reason.unwrap().remedy.is_empty());
    assert!(view.lag_seconds.expect("it is known to be behind") >= 60.0, "{:?}", view.lag_seconds);
    let durable = server.rows();
    assert_eq!(durable, all_rows(1), "nothing is shown that is not flushed");
    let bound = GROUP_MAX + queue_bytes + 2 * BATCH_MAX;
    assert!(in_flight(&script, ROWS) <= bound, "{} over {bound}", in_flight(&script, ROWS));
    assert!(budget.used_in(Lane::Writing) <= queue_bytes + 2 * BATCH_MAX);

    disk.stall(false);
    wait("all rows, once each", || server.rows().len() >= all_rows(TRANSACTIONS).len());
    assert_eq!(server.rows(), all_rows(TRANSACTIONS));
    wait("it says nothing any more", || server.tasks.view(&name()).unwrap().reason.is_none());
    server.tasks.shutdown();
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_capture_that_ends_waits_for_nobodys_memory() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Budget::new(16 << 20);
    let settings = Settings { budget: budget.clone(), ..settings(folder.path()) };
    let appender = Appender::new(&settings, Offset(0), None, log::Retention::default());
    let _all = budget.share(Lane::Writing, 0).try_acquire(16 << 20).unwrap();
    let batch = || {
        let mut records = BatchBuilder::default();
        records.push(0, None, Some(&[7; 1 << 20])).unwrap();
        let position = Position::parse(b"at=1").unwrap();
        let (base_offset, time) = (Offset(0), UnixTime::default());
        Batch { records, base_offset, position, time, has_changes: true }
    };
    std::thread::scope(|threads| {
        let pushing = threads.spawn(|| appender.push(batch()).is_ok());
        wait("it waits", || budget.waiting() == 1);
        appender.begin_stop();
        assert!(!pushing.join().unwrap());
    });
    assert_eq!((appender.progress().pending, budget.waiting()), (0, 0));
}

#[test]
fn emptied_batches_are_kept_for_the_next_unless_somebody_waits_for_memory() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Budget::new(16 << 20);
    let settings = Settings { budget: budget.clone(), ..settings(folder.path()) };
    let appender = Appender::new(&settings, Offset(0), None, log::Retention::default());
    appender.recycle(BatchBuilder::default());
    assert_eq!(appender.spares(), 1);
    let others = budget.share(Lane::Writing, 0);
    let _all = others.try_acquire(16 << 20).unwrap();
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| others.acquire_blocking(1).map(drop));
        wait("it waits", || budget.waiting() == 1);
        appender.recycle(BatchBuilder::default());
        others.close();
        assert!(waits.join().unwrap().is_err());
    });
    assert_eq!(appender.spares(), 1);
}

#[test]
fn many_tasks_wait_for_one_budget_and_all_go_on() {
    const TASKS: usize = 24;
    const TRANSACTIONS: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::new();
    let budget = Budget::new(16 << 20);
    let settings = Settings {
        disk: Arc::new(disk.clone()),
        budget: budget.clone(),
        queue_bytes: 64 << 20,
        compression: kafka::batch::Compression::None,
        ..settings(folder.path())
    };
    let script = large_rows(TRANSACTIONS);
    let server = Server::open(settings, folder.path(), &script);
    let names: Vec<_> = (0..TASKS).map(|task| TaskName::new(format!("t{task}")).unwrap()).collect();
    for name in &names {
        let topic = TopicName::new(name.as_str()).unwrap();
        server.tasks.put(TaskSpec { name: name.clone(), topic, ..spec() }).unwrap();
    }
    disk.stall(true);
    for name in &names {
        server.tasks.start(name).unwrap();
    }
    let writing = (16 << 20) / 8 * 3;
    wait("most tasks wait for memory", || {
        assert!(budget.used_in(Lane::Writing) <= writing + BATCH_MAX);
        budget.waiting() >= TASKS / 2
    });
    disk.stall(false);
    let rows = i64::try_from(TRANSACTIONS * ROWS).unwrap();
    wait("each task has all", || {
        assert!(budget.used_in(Lane::Writing) <= writing + BATCH_MAX);
        names.iter().all(|name| {
            let range = server.tasks.data_range(name).unwrap();
            range.is_some_and(|range| range.end_offset >= rows)
        })
    });
    server.tasks.shutdown();
    assert_eq!((budget.used(), budget.waiting(), budget.reserved()), (0, 0, TASKS * (64 << 10)));
}
