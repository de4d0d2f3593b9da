//! Metrics of captures and logs. Names are promises; labels are bounded by the number of tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::state::{TaskState, TaskView, Verdict};

const STATE: &str = "wellhead_task_state";
const VERDICT: &str = "wellhead_task_verdict";
const STATE_CHANGES: &str = "wellhead_task_state_changes";
const ERRORS: &str = "wellhead_task_errors";
const ROWS: &str = "wellhead_capture_rows";
const TRANSACTIONS: &str = "wellhead_capture_transactions";
const DDL: &str = "wellhead_capture_ddl";
const BYTES: &str = "wellhead_capture_bytes";
const LAG: &str = "wellhead_capture_lag_seconds";
const LAST_CONTACT: &str = "wellhead_capture_last_contact_seconds";
const QUEUE: &str = "wellhead_capture_queue_bytes";
const SKIPPED: &str = "wellhead_capture_skipped_events";
const GAPS: &str = "wellhead_capture_gaps";
const TABLES: &str = "wellhead_capture_tables";
const LOG_BYTES: &str = "wellhead_log_bytes";
const LOG_START: &str = "wellhead_log_start_offset";
const LOG_END: &str = "wellhead_log_end_offset";
const LOG_RANGE: &str = "wellhead_log_data_range_seconds";
const FSYNC: &str = "wellhead_log_fsync_seconds";
const APPENDED: &str = "wellhead_log_append_bytes";

const LIVE: &str = "live";
const QUARANTINED: &str = "quarantined";

type Labels = Vec<(&'static str, String)>;
type FloatGauge = Gauge<f64, AtomicU64>;

/// The metric families of all tasks.
#[derive(Debug, Clone)]
pub struct Metrics {
    state: Family<Labels, Gauge>,
    verdict: Family<Labels, Gauge>,
    state_changes: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    rows: Family<Labels, Counter>,
    transactions: Family<Labels, Counter>,
    ddl: Family<Labels, Counter>,
    bytes: Family<Labels, Counter>,
    lag: Family<Labels, FloatGauge>,
    last_contact: Family<Labels, FloatGauge>,
    queue: Family<Labels, Gauge>,
    skipped: Family<Labels, Counter>,
    gaps: Family<Labels, Counter>,
    /// What was shown of each task under labels that only the run tells, so that it can be forgotten.
    told: Arc<Mutex<BTreeMap<String, BTreeSet<Told>>>>,
    tables: Family<Labels, Gauge>,
    log_bytes: Family<Labels, Gauge>,
    log_start: Family<Labels, Gauge>,
    log_end: Family<Labels, Gauge>,
    log_range: Family<Labels, Gauge>,
    fsync: Histogram,
    appended: Family<Labels, Counter>,
}

/// A series whose label only the run tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Error(String),
    Skipped(&'static str),
    Gap(String),
}

/// Buckets from a fast disk's flush to a stuck one's. All logs lie on one disk, so it is measured once.
fn fsync_histogram() -> Histogram {
    Histogram::new([0.001, 0.005, 0.025, 0.1, 0.5, 2.5])
}

/// The handles that one task's threads write to.
#[derive(Debug, Clone)]
pub(crate) struct TaskMetrics {
    pub(crate) rows_inserted: Counter,
    pub(crate) rows_updated: Counter,
    pub(crate) rows_deleted: Counter,
    pub(crate) transactions: Counter,
    pub(crate) ddl: Counter,
    pub(crate) append_bytes: Counter,
    pub(crate) fsync_seconds: Histogram,
}

/// What is read at scrape time and is not part of a [`TaskView`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauges {
    pub(crate) bytes_read: u64,
    pub(crate) queued_bytes: u64,
    pub(crate) seconds_since_contact: Option<f64>,
    pub(crate) skipped: Vec<(&'static str, u64)>,
}

const STATES: [TaskState; 8] = [
    TaskState::Prechecking,
    TaskState::PrecheckFailed,
    TaskState::NotStarted,
    TaskState::Initial,
    TaskState::Normal,
    TaskState::Error,
    TaskState::Failed,
    TaskState::Stopped,
];

const VERDICTS: [Verdict; 4] =
    [Verdict::Current, Verdict::Idle, Verdict::Stalled, Verdict::Unknown];

impl Metrics {
    /// Registers all families.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let m = Self {
            state: Family::default(),
            verdict: Family::default(),
            state_changes: Family::default(),
            errors: Family::default(),
            rows: Family::default(),
            transactions: Family::default(),
            ddl: Family::default(),
            bytes: Family::default(),
            lag: Family::default(),
            last_contact: Family::default(),
            queue: Family::default(),
            skipped: Family::default(),
            gaps: Family::default(),
            told: Arc::default(),
            tables: Family::default(),
            log_bytes: Family::default(),
            log_start: Family::default(),
            log_end: Family::default(),
            log_range: Family::default(),
            fsync: fsync_histogram(),
            appended: Family::default(),
        };
        registry.register(STATE, "1 for the state a task is in", m.state.clone());
        registry.register(VERDICT, "1 for whether a task keeps up", m.verdict.clone());
        registry.register(STATE_CHANGES, "changes of state", m.state_changes.clone());
        registry.register(ERRORS, "errors of a task's source", m.errors.clone());
        registry.register(ROWS, "row changes written to the log", m.rows.clone());
        registry.register(TRANSACTIONS, "transactions with tracked rows", m.transactions.clone());
        registry.register(DDL, "DDL statements written to the log", m.ddl.clone());
        registry.register(BYTES, "bytes read from the source's log", m.bytes.clone());
        registry.register(LAG, "how far the log is behind the source", m.lag.clone());
        registry.register(LAST_CONTACT, "since the source was heard", m.last_contact.clone());
        registry.register(QUEUE, "bytes between capture and disk", m.queue.clone());
        registry.register(SKIPPED, "events skipped by reason", m.skipped.clone());
        registry.register(GAPS, "changes left out as decided", m.gaps.clone());
        registry.register(TABLES, "tables that are delivered or held back", m.tables.clone());
        registry.register(LOG_BYTES, "size of a topic on disk", m.log_bytes.clone());
        registry.register(LOG_START, "first offset of a topic", m.log_start.clone());
        registry.register(LOG_END, "offset behind a topic's last record", m.log_end.clone());
        registry.register(LOG_RANGE, "source time a topic holds", m.log_range.clone());
        registry.register(FSYNC, "time of a disk flush", m.fsync.clone());
        registry.register(APPENDED, "bytes appended to a topic", m.appended.clone());
        m
    }

    pub(crate) fn task(&self, task: &str) -> TaskMetrics {
        let rows = |op: &str| self.rows.get_or_create_owned(&with(task, "op", op));
        TaskMetrics {
            rows_inserted: rows("insert"),
            rows_updated: rows("update"),
            rows_deleted: rows("delete"),
            transactions: self.transactions.get_or_create_owned(&only(task)),
            ddl: self.ddl.get_or_create_owned(&with(task, "result", "passed_on")),
            append_bytes: self.appended.get_or_create_owned(&only(task)),
            fsync_seconds: self.fsync.clone(),
        }
    }

    /// A look at the source is no change worth a series of its own.
    pub(crate) fn state_changed(&self, task: &str, to: TaskState) {
        if matches!(to, TaskState::Prechecking | TaskState::NotStarted) {
            return;
        }
        self.state_changes.get_or_create(&with(task, "to", to.as_str())).inc();
    }

    pub(crate) fn source_failed(&self, task: &str, code: &str) {
        self.errors.get_or_create(&with(task, "code", code)).inc();
        self.remember(task, Told::Error(code.into()));
    }

    /// Brings the gauges of one task up to date, at scrape time.
    pub(crate) fn show(&self, view: &TaskView, gauges: &Gauges) {
        let task = view.name.as_str();
        for state in STATES {
            let gauge = self.state.get_or_create(&with(task, "state", state.as_str())).clone();
            gauge.set(i64::from(state == view.state));
        }
        for verdict in VERDICTS {
            let gauge = self.verdict.get_or_create(&with(task, "verdict", verdict.as_str()));
            gauge.set(i64::from(verdict == view.verdict));
        }
        set_or_remove(&self.lag, task, view.lag_seconds);
        set_or_remove(&self.last_contact, task, gauges.seconds_since_contact);
        follow(&self.bytes, &only(task), gauges.bytes_read);
        self.queue.get_or_create(&only(task)).set(clamp(gauges.queued_bytes));
        for (reason, count) in &gauges.skipped {
            follow(&self.skipped, &with(task, "reason", reason), *count);
            self.remember(task, Told::Skipped(reason));
        }
        if let Some(range) = view.data_range {
            self.log_bytes.get_or_create(&only(task)).set(clamp(range.bytes));
            self.log_start.get_or_create(&only(task)).set(range.begin_offset);
            self.log_end.get_or_create(&only(task)).set(range.end_offset);
            let seconds = range.end_unix.saturating_sub(range.begin_unix);
            self.log_range.get_or_create(&only(task)).set(seconds);
        }
    }

    /// How many tables are held back, and how many others are known. None known is no number.
    pub(crate) fn show_tables(&self, task: &str, held: usize, known: usize) {
        let live = known.saturating_sub(held);
        let shown = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.tables.get_or_create(&with(task, "state", QUARANTINED)).set(shown(held));
        if live > 0 {
            self.tables.get_or_create(&with(task, "state", LIVE)).set(shown(live));
        } else {
            self.tables.remove(&with(task, "state", LIVE));
        }
    }

    /// How many gaps were recorded, by cause; they last as long as the task.
    pub(crate) fn show_gaps(&self, task: &str, gaps: &[(String, u64)]) {
        for (cause, count) in gaps {
            follow(&self.gaps, &with(task, "cause", cause), *count);
            self.remember(task, Told::Gap(cause.clone()));
        }
    }

    /// Shows a 0 for each cause of which a gap may come.
    pub(crate) fn expect_gaps(&self, task: &str, causes: impl Iterator<Item = String>) {
        for cause in causes {
            drop(self.gaps.get_or_create(&with(task, "cause", &cause)));
            self.remember(task, Told::Gap(cause));
        }
    }

    fn remember(&self, task: &str, told: Told) {
        let mut known = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(task.into()).or_default().insert(told);
    }

    /// Forgets a deleted task.
    pub(crate) fn forget(&self, task: &str) {
        for state in STATES {
            self.state.remove(&with(task, "state", state.as_str()));
            self.state_changes.remove(&with(task, "to", state.as_str()));
        }
        for verdict in VERDICTS {
            self.verdict.remove(&with(task, "verdict", verdict.as_str()));
        }
        for op in ["insert", "update", "delete"] {
            self.rows.remove(&with(task, "op", op));
        }
        self.ddl.remove(&with(task, "result", "passed_on"));
        for state in [LIVE, QUARANTINED] {
            self.tables.remove(&with(task, "state", state));
        }
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(task);
        for told in told.into_iter().flatten() {
            match told {
                Told::Error(code) => self.errors.remove(&with(task, "code", &code)),
                Told::Skipped(reason) => self.skipped.remove(&with(task, "reason", reason)),
                Told::Gap(cause) => self.gaps.remove(&with(task, "cause", &cause)),
            };
        }
        let label = only(task);
        self.transactions.remove(&label);
        self.bytes.remove(&label);
        self.lag.remove(&label);
        self.last_contact.remove(&label);
        self.queue.remove(&label);
        self.log_bytes.remove(&label);
        self.log_start.remove(&label);
        self.log_end.remove(&label);
        self.log_range.remove(&label);
        self.appended.remove(&label);
    }
}

impl Verdict {
    /// The word used in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Unknown => "unknown",
        }
    }
}

/// Sets a counter that somebody else counts. It starts again at 0 with each connection, as counters may.
fn follow(family: &Family<Labels, Counter>, labels: &Labels, count: u64) {
    family.get_or_create(labels).inner().store(count, Ordering::Relaxed);
}

fn set_or_remove(family: &Family<Labels, FloatGauge>, task: &str, value: Option<f64>) {
    match value {
        Some(value) => drop(family.get_or_create(&only(task)).set(value)),
        None => drop(family.remove(&only(task))),
    }
}

fn only(task: &str) -> Labels {
    vec![("task", task.into())]
}

fn with(task: &str, key: &'static str, value: &str) -> Labels {
    vec![("task", task.into()), (key, value.into())]
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
