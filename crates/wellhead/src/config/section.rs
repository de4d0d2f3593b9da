//! The typed configuration, and how its sections are parsed.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use catalog::{GroupSpec, SourceSpec, TaskSpec};
use kafka::batch::Compression;

use super::doors::{self, Http, Kafka, Lock};
use super::key::SECTIONS;
use super::layer::Layers;
use super::reader::Reader;
use super::{Fault, Origin, object, quantity};
use crate::memory::BUDGET_MIN;

/// Everything that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// `[server]`
    pub(crate) server: Server,
    /// `[kafka]` and `[[kafka.listener]]`
    pub(crate) kafka: Kafka,
    /// `[http]`
    pub(crate) http: Http,
    /// `[storage]`
    pub(crate) storage: Storage,
    /// `[defaults.keep]`
    pub(crate) keep: Keep,
    /// `[memory]`
    pub(crate) memory: MemoryBudget,
    /// `[capture]`
    pub(crate) capture: Capture,
    /// `[[source]]`, in the order of files and lines.
    pub(crate) sources: Vec<SourceSpec>,
    /// `[[task]]`
    pub(crate) tasks: Vec<TaskSpec>,
    /// `[[group]]`
    pub(crate) groups: Vec<GroupSpec>,
}

/// The process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Folder that holds everything.
    pub(crate) data_dir: PathBuf,
    /// Log lines.
    pub(crate) log: Log,
    /// Longest time that a shutdown waits for clients and captures.
    pub(crate) shutdown_grace: Duration,
}

/// Log lines of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    /// The least important level that is written.
    pub(crate) level: LogLevel,
    /// Their form.
    pub(crate) format: LogFormat,
}

/// Importance of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the levels of tracing")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Longest time a change waits for others to share its flush; zero flushes each append.
    pub(crate) sync_interval: Duration,
    /// Size at which a segment is closed.
    pub(crate) segment_bytes: u64,
    /// Compression of record batches.
    pub(crate) compression: Compression,
    /// Free space below which captures stop.
    pub(crate) min_free: MinFree,
}

/// Free space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MinFree {
    /// Part of the file system.
    Percent(u8),
    /// Bytes.
    Bytes(u64),
}

/// How long changes are kept; whichever comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Age.
    pub(crate) retention: Duration,
    /// Size of a task's log.
    pub(crate) max_bytes: Option<u64>,
}

/// What tasks and connections may hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryBudget {
    /// A part of what the process may use.
    Auto,
    /// Bytes.
    Bytes(u64),
}

/// The captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    /// Bound of each queue between the threads of a capture.
    pub(crate) queue_bytes: usize,
    /// Pause after which a heartbeat record is written.
    pub(crate) heartbeat: Duration,
    /// How long a failing source is retried.
    pub(crate) retry_for: Duration,
    /// Longest pause between two tries.
    pub(crate) retry_max_interval: Duration,
}

pub(super) const MIB: u64 = 1 << 20;
/// At a lower rate one batch would take minutes.
const FETCH_RATE_MIN: u64 = 1 << 10;
const DAY: Duration = Duration::from_secs(86_400);
pub(super) const YEARS: Duration = Duration::from_secs(100 * 366 * 86_400);

impl MinFree {
    /// Bytes, on a file system of `total` bytes.
    pub(crate) fn bytes(self, total: u64) -> u64 {
        match self {
            Self::Percent(percent) => total / 100 * u64::from(percent),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl Config {
    /// Of each door for Kafka clients its name, its lock, and whether it speaks TLS. That of the API is the
    /// last, and locked by tokens.
    pub(crate) fn locks(&self) -> Vec<(Option<&str>, Lock, bool)> {
        let listeners = self.kafka.listeners();
        let locks = listeners.map(|door| (door.name.as_deref(), door.lock(), door.tls.is_some()));
        locks.chain([(None, Lock::Login, self.http.tls.is_some())]).collect()
    }
}

/// Types everything. `None` only after a fault; there may be faults beside a value, too.
pub(super) fn build(
    layers: &Layers,
    without_secrets: bool,
    faults: &mut Vec<Fault>,
) -> Option<Config> {
    let mut reader = Reader {
        settings: &layers.sections,
        keys: SECTIONS,
        place: String::new(),
        origin: &Origin::Default,
        without_secrets,
        faults,
    };
    let server = server(&mut reader);
    let kafka = doors::kafka(&mut reader);
    let http = doors::http(&mut reader);
    let storage = storage(&mut reader);
    let retention = reader.required("defaults.keep.retention", retention);
    let max_bytes = reader.required("defaults.keep.max_bytes", max_bytes);
    let memory = reader.required("memory.budget", memory_budget);
    let capture = capture(&mut reader);
    let kafka = kafka.map(|kafka| Kafka {
        more: doors::more(&layers.objects, &kafka.listener, without_secrets, faults),
        ..kafka
    });
    let objects = object::build(&layers.objects, without_secrets, faults);
    Some(Config {
        server: server?,
        kafka: kafka?,
        http: http?,
        storage: storage?,
        keep: Keep { retention: retention?, max_bytes: max_bytes? },
        memory: memory?,
        capture: capture?,
        sources: objects.sources,
        tasks: objects.tasks,
        groups: objects.groups,
    })
}

fn server(reader: &mut Reader<'_>) -> Option<Server> {
    let data_dir = reader.required("server.data_dir", path);
    let level = reader.required("server.log.level", |text| {
        one_of(
            text,
            &[
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("info", LogLevel::Info),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ],
        )
    });
    let format = reader.required("server.log.format", |text| {
        one_of(
            text,
            &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)],
        )
    });
    let grace = reader.required("server.shutdown_grace", within(Duration::ZERO..=DAY));
    Some(Server {
        data_dir: data_dir?,
        log: Log { level: level?, format: format? },
        shutdown_grace: grace?,
    })
}

fn storage(reader: &mut Reader<'_>) -> Option<Storage> {
    let sync_interval =
        reader.required("storage.sync_interval", within(Duration::ZERO..=Duration::from_secs(1)));
    let segment_bytes = reader.required("storage.segment_bytes", sized(MIB..=1024 * MIB));
    let compression = reader.required("storage.compression", |text| {
        one_of(text, &[("none", Compression::None), ("lz4", Compression::Lz4)])
    });
    let min_free = reader.required("storage.min_free", min_free);
    Some(Storage {
        sync_interval: sync_interval?,
        segment_bytes: segment_bytes?,
        compression: compression?,
        min_free: min_free?,
    })
}

fn capture(reader: &mut Reader<'_>) -> Option<Capture> {
    let queue_bytes = reader.required("capture.queue_bytes", sized(MIB..=64 * 1024 * MIB));
    let second = Duration::from_secs(1);
    let heartbeat = reader.required("capture.heartbeat", within(second..=10 * second));
    let retry_for = reader.required("capture.retry_for", within(Duration::ZERO..=YEARS));
    let interval = reader.required("capture.retry_max_interval", within(second..=DAY));
    Some(Capture {
        queue_bytes: usize::try_from(queue_bytes?).ok()?,
        heartbeat: heartbeat?,
        retry_for: retry_for?,
        retry_max_interval: interval?,
    })
}

/// An age from which on changes may be dropped.
pub(super) fn retention(text: &str) -> Result<Duration, String> {
    within(Duration::from_secs(1)..=YEARS)(text)
}

/// A size beyond which changes are dropped; an empty text is none.
/// Bytes a second; empty for as many as there are.
pub(crate) fn fetch_rate(text: &str) -> Result<Option<NonZeroU64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    sized(FETCH_RATE_MIN..=i64::MAX.cast_unsigned())(text).map(NonZeroU64::new)
}

pub(super) fn max_bytes(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() { Ok(None) } else { sized(MIB..=i64::MAX.cast_unsigned())(text).map(Some) }
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("it is {}", words.join(" or "))
    })
}

/// A path that is not empty.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("it is a path".into()) } else { Ok(text.into()) }
}

pub(super) fn within(
    bounds: RangeInclusive<Duration>,
) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let value = quantity::duration(text)?;
        if bounds.contains(&value) {
            return Ok(value);
        }
        Err(format!("it is from {:?} to {:?}", bounds.start(), bounds.end()))
    }
}

/// A size within bounds.
pub(super) fn sized(bounds: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let value = quantity::bytes(text)?;
        if bounds.contains(&value) {
            return Ok(value);
        }
        Err(format!("it is from {} to {} bytes", bounds.start(), bounds.end()))
    }
}

fn memory_budget(text: &str) -> Result<MemoryBudget, String> {
    if text == "auto" {
        return Ok(MemoryBudget::Auto);
    }
    let bytes = sized(BUDGET_MIN..=i64::MAX.cast_unsigned())(text);
    bytes.map(MemoryBudget::Bytes).map_err(|rule| format!("it is auto, or a size: {rule}"))
}

fn min_free(text: &str) -> Result<MinFree, String> {
    match text.strip_suffix('%') {
        Some(percent) => percent
            .parse()
            .ok()
            .filter(|percent| *percent < 100)
            .map(MinFree::Percent)
            .ok_or_else(|| "a part is from 0% to 99%".into()),
        None => quantity::bytes(text)
            .map(MinFree::Bytes)
            .map_err(|rule| format!("{rule}, or a part of the disk, like 5%")),
    }
}
