//! A source that plays a script, and a server around it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use budget::Budget;
use capture::{
    BadEvent, CaptureOptions, CheckItem, DdlScope, ErrorKind, OnTableError as CaptureTableError,
    Sink, Source, SourceError, SourceStatus, Start, Stop,
};
use catalog::{
    Catalog, OnTableError, Operations, SourceSpec, StartAt, StatementScope, TaskSpec, TlsMode,
};
use change::{
    Body, Change, Clock, Column, ColumnType, Image, ImageError, Position, Row, RowOperation,
    SourceInfo, SourceKind, SourceName, SystemClock, TableSchema, TaskName, TopicName, Transaction,
    Value, Visitor,
};
use kafka::batch::{BatchHeader, Compression, last_record_header, records};
use log::durable::RealDisk;
use prometheus_client::registry::Registry;

use crate::{Metrics, Settings, Sources, TaskState, Tasks, Topics};

/// What all runs of a scripted source share. Its log has transactions of three rows; a position is
/// `tx=<transaction> row=<rows of it that were delivered>`.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Transactions the source has.
    pub(super) transactions: AtomicU64,
    /// Bytes of each row's text.
    pub(super) row_bytes: AtomicUsize,
    /// How the next runs end.
    pub(super) failures: Mutex<VecDeque<Failure>>,
    /// Where each run started.
    pub(super) starts: Mutex<Vec<Start>>,
    /// Where its log ends when it is asked to start now.
    pub(super) now: AtomicU64,
    /// Transactions that it cannot decode.
    pub(super) bad: Mutex<Vec<u64>>,
    /// What the last source was built with.
    pub(super) built: Mutex<Option<(DdlScope, CaptureTableError)>>,
    /// It does not look at its stop.
    pub(super) deaf: AtomicBool,
    /// Rows that its runs have handed out.
    pub(super) delivered: AtomicU64,
    running: AtomicUsize,
    pub(super) most_running: AtomicUsize,
    pub(super) status: Arc<SourceStatus>,
}

/// How a run ends.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    /// Rows delivered before; `None` fails before it connects.
    pub(super) after_rows: Option<u64>,
}

#[derive(Debug)]
struct Scripted(Arc<Script>, CaptureOptions);

#[derive(Debug)]
struct Cells<'a>(i64, &'a [u8]);

impl Image for Cells<'_> {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        visitor.column(0, Value::Signed(self.0));
        visitor.column(1, Value::Bytes(self.1));
        Ok(())
    }
}

pub(super) const ROWS: u64 = 3;

/// A change of the script, at a position.
pub(super) fn deliver(
    sink: &mut dyn Sink,
    at: (u64, u64),
    body: Body<'_>,
) -> Result<(), SourceError> {
    let text = format!("tx={} row={}", at.0, at.1);
    let resume = Position::parse(text.as_bytes()).unwrap();
    let change = Change {
        time: SystemClock.now(),
        position: "1@1",
        safe_position: "1@1",
        resume: &resume,
        transaction: &Transaction::default(),
        body,
    };
    let result = match body {
        Body::Heartbeat => sink.progress(&change).and_then(|()| sink.idle(&change)).map(drop),
        _ => sink.change(&change),
    };
    result.map_err(|e| SourceError::new(ErrorKind::SinkClosed, "log_closed", e.to_string()))
}

fn parsed(start: &Start, now: u64) -> (u64, u64) {
    let Start::At(position) = start else {
        return if *start == Start::Now { (now, 0) } else { (0, 0) };
    };
    let mut numbers = position.as_str().split(['=', ' ']).filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

impl Scripted {
    /// Whether a transaction is left out as decided; one that is bad and is not, is an error.
    fn leaves_out(&self, tx: u64) -> Result<bool, SourceError> {
        if !self.0.bad.lock().unwrap().contains(&tx) {
            return Ok(false);
        }
        let (place, kind) = (format!("log:{tx}"), "TRANSACTION".to_owned());
        let event = BadEvent { place, kind, size: 9, bytes: b"scrambled".to_vec() };
        if self.1.quarantine.events_to_skip().unwrap().contains(&event.place) {
            return Ok(self.1.quarantine.event_skipped(&event).unwrap());
        }
        let error = SourceError::new(ErrorKind::Corrupt, "event_corrupt", "as scripted");
        Err(error.at_event(event))
    }

    fn play(&self, start: &Start, sink: &mut dyn Sink, stop: &Stop) -> Result<(), SourceError> {
        let script = &self.0;
        let failure = script.failures.lock().unwrap().pop_front();
        let mut left = u64::MAX;
        if let Some(Failure { kind, after_rows }) = &failure {
            let error = || SourceError::new(*kind, "scripted", "as scripted");
            left = after_rows.ok_or_else(error)?;
        }
        let info = SourceInfo { kind: SourceKind::MySql, version: "1".into() };
        let (mut tx, mut row) = parsed(start, script.now.load(Ordering::SeqCst));
        let first = Position::parse(format!("tx={tx} row={row}").as_bytes()).unwrap();
        sink.connected(&info, &first).unwrap();
        script.status.update(|status| status.connected = true);
        let bytes = vec![b'x'; script.row_bytes.load(Ordering::SeqCst)];
        let columns =
            [("id", ColumnType::BigInt { unsigned: false }), ("b", ColumnType::VarBinary)]
                .map(|(name, kind)| Column { name: name.into(), kind });
        let schema =
            TableSchema::new("shop".into(), "items".into(), columns.into(), vec![0], vec![]);
        while !stop.is_raised() || script.deaf.load(Ordering::SeqCst) {
            let now = SystemClock.now();
            if left == 0 {
                let kind = failure.as_ref().map_or(ErrorKind::Unreachable, |f| f.kind);
                return Err(SourceError::new(kind, "scripted", "as scripted"));
            }
            if tx >= script.transactions.load(Ordering::SeqCst) {
                script.status.update(|status| {
                    status.last_contact = Some(now);
                    status.caught_up = Some(now);
                });
                deliver(sink, (tx, 0), Body::Heartbeat)?;
                std::thread::park_timeout(Duration::from_millis(5));
                continue;
            }
            script.status.update(|status| status.last_contact = Some(now));
            if row == 0 && self.leaves_out(tx)? {
                tx += 1;
                continue;
            }
            if row == 0 {
                deliver(sink, (tx, 0), Body::Begin)?;
            }
            if row < ROWS {
                row += 1;
                left -= 1;
                let image = Cells(i64::try_from(tx * ROWS + row).unwrap(), &bytes);
                let body = Body::Row(Row {
                    operation: RowOperation::Insert,
                    schema: &schema,
                    before: None,
                    after: Some(&image),
                });
                deliver(sink, (tx, row), body)?;
                script.delivered.fetch_add(1, Ordering::SeqCst);
            } else {
                (tx, row) = (tx + 1, 0);
                deliver(sink, (tx, 0), Body::Commit)?;
            }
        }
        Ok(())
    }
}

impl Source for Scripted {
    fn run(&mut self, start: &Start, sink: &mut dyn Sink, stop: &Stop) -> Result<(), SourceError> {
        self.0.starts.lock().unwrap().push(start.clone());
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_running.fetch_max(running, Ordering::SeqCst);
        let result = self.play(start, sink, stop);
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.status.update(|status| status.connected = false);
        result
    }

    fn check(&mut self) -> Vec<CheckItem> {
        Vec::new()
    }

    fn status(&self) -> Arc<SourceStatus> {
        Arc::clone(&self.0.status)
    }
}

#[derive(Debug)]
struct Factory(Arc<Script>);

impl Sources for Factory {
    fn build(
        &self,
        _: &SourceSpec,
        capture: CaptureOptions,
    ) -> Result<Box<dyn Source>, SourceError> {
        *self.0.built.lock().unwrap() = Some((capture.ddl_scope, capture.on_table_error));
        Ok(Box::new(Scripted(Arc::clone(&self.0), capture)))
    }

    fn understands(&self, _: &SourceSpec, position: &Position) -> Result<(), SourceError> {
        let understood = position.as_str().starts_with("tx=");
        let error = || SourceError::new(ErrorKind::Unsupported, "bad_position", "give tx=N row=N");
        understood.then_some(()).ok_or_else(error)
    }
}

#[derive(Debug, Default)]
struct Opened(Mutex<Option<log::Reader>>);

impl Topics for Opened {
    fn opened(&self, _: &TaskName, _: &TopicName, reader: log::Reader) {
        *self.0.lock().unwrap() = Some(reader);
    }

    fn closed(&self, _: &TopicName) {
        *self.0.lock().unwrap() = None;
    }
}

/// A server with one task in a folder.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) tasks: Tasks,
    pub(super) catalog: Catalog,
    topics: Arc<Opened>,
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) operation: String,
    pub(super) id: Option<i64>,
    /// What the batch's header says, on its last record.
    pub(super) position: Option<String>,
    pub(super) timestamp_ms: i64,
}

pub(super) fn settings(folder: &Path) -> Settings {
    Settings {
        log_dir: folder.join("log"),
        disk: Arc::new(RealDisk),
        segment_bytes: 64 << 20,
        compression: Compression::Lz4,
        sync_interval: Duration::from_millis(2),
        heartbeat: Duration::from_millis(100),
        queue_bytes: 32 << 10,
        budget: Budget::unbounded(),
        min_free_bytes: 0,
        retry_for: Duration::from_secs(60),
        retry_max_interval: Duration::from_millis(30),
        retention: Duration::from_secs(3600),
        retention_bytes: None,
    }
}

pub(super) fn name() -> TaskName {
    TaskName::new("shop").unwrap()
}

pub(super) fn spec() -> TaskSpec {
    TaskSpec {
        name: name(),
        source: SourceName::new("main").unwrap(),
        topic: TopicName::new("shop").unwrap(),
        title: String::new(),
        include: vec!["shop.*".into()],
        exclude: Vec::new(),
        operations: Operations::All,
        statements: StatementScope::Instance,
        on_table_error: OnTableError::Quarantine,
        start: StartAt::Now,
        retention: None,
        max_bytes: None,
        owner: None,
    }
}

impl Server {
    /// Opens what is in `folder`.
    pub(super) fn open(settings: Settings, folder: &Path, script: &Arc<Script>) -> Self {
        Self::open_at(settings, folder, script, Arc::new(SystemClock))
    }

    /// The same, by another clock.
    pub(super) fn open_at(
        settings: Settings,
        folder: &Path,
        script: &Arc<Script>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let catalog = Catalog::open(folder).unwrap();
        let source = SourceSpec {
            name: SourceName::new("main").unwrap(),
            kind: "mysql".into(),
            url: "mysql://x".into(),
            password: None,
            tls: TlsMode::ALL[0],
            ca: None,
            server_id: None,
            owner: None,
        };
        catalog.put_source(&source).unwrap();
        let topics = Arc::new(Opened::default());
        let metrics = Metrics::new(&mut Registry::default());
        let factory = Arc::new(Factory(Arc::clone(script)));
        let tasks = Tasks::open(
            catalog.clone(),
            settings,
            factory,
            Arc::<Opened>::clone(&topics),
            clock,
            metrics,
        )
        .unwrap();
        Self { tasks, catalog, topics }
    }

    /// A new server whose task runs.
    pub(super) fn started(folder: &Path, script: &Arc<Script>) -> Self {
        let server = Self::open(settings(folder), folder, script);
        server.tasks.put(spec()).unwrap();
        server.tasks.start(&name()).unwrap();
        server
    }

    pub(super) fn state(&self) -> TaskState {
        self.tasks.view(&name()).unwrap().state
    }

    /// Everything in the log.
    pub(super) fn log(&self) -> Vec<Seen> {
        let reader = self.topics.0.lock().unwrap().clone().unwrap();
        let mut seen = Vec::new();
        let mut offset = reader.log_start_offset();
        while let Some(range) = reader.read(offset, 1).unwrap().range {
            let batch = range.read().unwrap();
            let header = BatchHeader::parse(&batch).unwrap();
            assert_eq!(header.base_offset, offset, "offsets have no gap");
            let mut buffer = Vec::new();
            for record in records(&batch, 1 << 28, &mut buffer).unwrap() {
                let record = record.unwrap();
                let decoded = record::Record::decode(record.value.unwrap()).unwrap();
                let id = decoded.after.as_ref().and_then(|cells| match &cells[0] {
                    record::Cell::Integer(digits) => digits.parse().ok(),
                    _ => None,
                });
                let operation = format!("{:?}", decoded.operation);
                assert_eq!(decoded.id, offset.0, "each record knows its offset");
                let timestamp_ms = record.timestamp_ms;
                seen.push(Seen { operation, id, position: None, timestamp_ms });
                offset.0 += 1;
            }
            let mut buffer = Vec::new();
            let position =
                last_record_header(&batch, "wellhead.position", 1 << 28, &mut buffer).unwrap();
            let position = position.expect("each batch tells its position");
            seen.last_mut().unwrap().position = Some(String::from_utf8(position.to_vec()).unwrap());
        }
        seen
    }

    /// The offset behind the last durable record.
    pub(super) fn end(&self) -> i64 {
        self.tasks.data_range(&name()).unwrap().map_or(0, |range| range.end_offset)
    }

    /// Ids of all rows in the log.
    pub(super) fn rows(&self) -> Vec<i64> {
        self.log().iter().filter_map(|seen| seen.id).collect()
    }

    pub(super) fn heartbeats(&self) -> usize {
        self.log().iter().filter(|seen| seen.operation == "Heartbeat").count()
    }
}

/// All rows of so many transactions, once each.
pub(super) fn all_rows(transactions: u64) -> Vec<i64> {
    (1..=i64::try_from(transactions * ROWS).unwrap()).collect()
}

pub(super) fn script(transactions: u64) -> Arc<Script> {
    let script = Script::default();
    script.transactions.store(transactions, Ordering::SeqCst);
    Arc::new(script)
}

/// Waits until `condition` holds.
pub(super) fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
