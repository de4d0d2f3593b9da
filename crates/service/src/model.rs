//! The API's JSON, apart from the domain's types so that neither binds the other.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use catalog::StartAt;
use change::UnixTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::ListenerFacts;
use crate::left_out::{Gap, Table};
use crate::reload::LastReload;

/// `PUT /tasks/{t}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskPut {
    /// A named source, or one described here.
    pub source: SourcePut,
    /// What to track, in DTS's form: `{"shop":{"all":true},"crm":{"tables":{"people":{}}}}`.
    #[serde(default)]
    pub objects: Objects,
    /// What to track, as patterns: `["shop.*"]`. Added to `objects`.
    #[serde(default)]
    pub tables: Vec<String>,
    /// Patterns of tables left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Where to start: `now`, `earliest` (the oldest entry the source has), a time (`@1712905965`,
    /// `@2026-11-21T04:00:00Z`, `@-1h`, counted once from now), or a position of the source's log
    /// (`FILE:OFFSET`, `gtid=SET`).
    #[serde(default)]
    pub start: Option<String>,
    /// Kinds of records: `dml`, `ddl`. Both when not given.
    #[serde(default)]
    pub ops: Option<Vec<String>>,
    /// Which definitions are delivered: `instance`, those of the whole server, as DTS does; or `tracked`,
    /// those that concern the tracked tables.
    #[serde(default)]
    pub ddl_scope: Option<String>,
    /// What becomes of a table whose rows cannot be decoded: `quarantine` holds it back until a person
    /// decides, `stop` stops the task.
    #[serde(default)]
    pub on_table_error: Option<String>,
    /// How long records are kept.
    #[serde(default)]
    pub keep: Option<Keep>,
    /// Its topic; the task's name when not given.
    #[serde(default)]
    pub topic: Option<String>,
    /// A name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// Start by itself once the precheck has passed.
    #[serde(default)]
    pub auto_start: bool,
}

/// Objects by database.
pub type Objects = BTreeMap<String, DatabaseObjects>;

/// What to track of one database.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseObjects {
    /// All its tables, also those created later.
    #[serde(default)]
    pub all: bool,
    /// Or these.
    #[serde(default)]
    pub tables: BTreeMap<String, TableObject>,
}

/// One table; it has no options yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableObject {}

/// The source of a task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SourcePut {
    /// The name of a source.
    Named(String),
    /// A source of this task alone, which gets the task's name.
    Inline(InlineSource),
}

/// A source described with its task.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InlineSource {
    /// `mysql://user:password@host:port/`.
    pub url: String,
    /// The password, where it does not stand in the URL. Write-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub password: Option<String>,
    /// `disable`, `prefer`, `require`, `verify-ca`, `verify-full`.
    #[serde(default)]
    pub tls: Option<String>,
    /// File with the certificate authorities to trust.
    #[serde(default)]
    pub ca: Option<String>,
}

impl std::fmt::Debug for InlineSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InlineSource").field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// How long records are kept; whichever comes first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// Age, like `24h` or `7d`.
    #[serde(default)]
    pub retention: Option<String>,
    /// Size in bytes.
    #[serde(default)]
    pub max_bytes: Option<u64>,
}

/// A task as it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its name, which is its id.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// Its source.
    pub source: TaskSource,
    /// Its topic.
    pub topic: String,
    /// Patterns of tracked tables.
    pub tables: Vec<String>,
    /// Patterns of tables left out.
    pub exclude: Vec<String>,
    /// Where its first start read from, or will: `now`, `earliest`, `@2026-11-21T04:00:00Z`, or a
    /// position.
    #[serde(default)]
    pub start: String,
    /// The time that `start` names; null when it names none.
    #[serde(default)]
    pub start_time: Option<String>,
    /// The same in seconds since the epoch.
    #[serde(default)]
    pub start_time_unix: Option<i64>,
    /// Which definitions it delivers: `instance` or `tracked`.
    #[serde(default)]
    pub ddl_scope: String,
    /// What becomes of a table whose rows cannot be decoded: `quarantine` or `stop`.
    #[serde(default)]
    pub on_table_error: String,
    /// `prechecking`, `precheck_failed`, `not_started`, `initial`, `normal`, `error`, `failed`, `stopped`.
    pub state: String,
    /// Since when.
    pub state_since: String,
    /// `current`, `idle`, `stalled` or `unknown`.
    pub verdict: String,
    /// Why, when something is wrong.
    pub reason: Option<Reason>,
    /// Where the source's log was durably read up to.
    pub position: Option<String>,
    /// How far the log is behind the source; null while nobody knows.
    pub lag_seconds: Option<f64>,
    /// What the topic holds; null while it is empty.
    pub data_range: Option<DataRange>,
    /// How retrying goes, in state `error`.
    pub retry: Option<Retry>,
    /// Remarks that an operator should see.
    pub warnings: Vec<String>,
    /// The last gaps, newest first; not told in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Vec<Gap>>,
    /// How many tables it holds back; told in lists and of one task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_table_count: Option<usize>,
    /// The tables that it holds back; not told in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_tables: Option<Vec<Table>>,
    /// File and line of the configuration that owns it, `/etc/wellhead/wellhead.toml:61`; null for
    /// tasks of this API.
    #[serde(default)]
    pub owner: Option<String>,
}

/// The source of a task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskSource {
    /// Its name.
    pub name: String,
    /// Where it is, without password.
    pub url: String,
    /// What it is, once it was reached: `MySQL 9.1.0`.
    pub server: Option<String>,
}

/// Why a task is in the state it is in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Machine code.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// Commands or settings that mend it.
    pub remedy: Vec<String>,
}

/// How retrying goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Retry {
    /// Tries since the source last worked.
    pub count: u32,
    /// When the next try is due.
    pub next_at: String,
    /// When the task gives up.
    pub until: String,
}

/// What a topic holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DataRange {
    /// Source time of the first record.
    pub begin: String,
    /// The same in seconds since the epoch, as DTS clients want it.
    pub begin_unix: i64,
    /// Source time of the last record.
    pub end: String,
    /// The same in seconds since the epoch.
    pub end_unix: i64,
    /// First offset.
    pub begin_offset: i64,
    /// Offset behind the last record.
    pub end_offset: i64,
    /// Size on disk.
    pub bytes: u64,
}

/// `PUT /tasks/{t}/groups/{g}`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPut {
    /// 1 to 16 letters, digits, underscores.
    pub account: String,
    /// 8 to 32 characters of at least two of: upper case, lower case, digits, others. Write-only.
    pub password: String,
    /// Bytes a second that it may fetch, over all its connections; null for what every group may
    /// (`kafka.limits.fetch_rate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub fetch_bytes_per_second: Option<NonZeroU64>,
}

impl std::fmt::Debug for GroupPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupPut").field("account", &self.account).finish_non_exhaustive()
    }
}

/// The answer to putting a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupCreated {
    /// Its name.
    pub name: String,
    /// What clients give as `group.id` (DTS: sid).
    pub group_id: String,
    /// What clients give as SASL user.
    pub user: String,
}

/// A consumer group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// The task whose topic it reads.
    #[serde(default)]
    pub task: String,
    /// Its name.
    pub name: String,
    /// What clients give as `group.id` (DTS: sid).
    pub group_id: String,
    /// What clients give as SASL user.
    pub user: String,
    /// Where it stands; null before its first commit.
    pub checkpoint: Option<Checkpoint>,
    /// Records it has not read; null before its first commit.
    pub lag_records: Option<i64>,
    /// How far its source time is behind that of the last record; null where that is not known.
    #[serde(default)]
    pub lag_seconds: Option<i64>,
    /// Seconds until the record at its checkpoint leaves the topic by its age, 0 if it has left; null
    /// before its first commit, and where records stay for ever.
    #[serde(default)]
    pub expires_in: Option<i64>,
    /// `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`; null while nobody has ever joined.
    #[serde(default)]
    pub state: Option<String>,
    /// Bytes a second that it may fetch; null for what every group may.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub fetch_bytes_per_second: Option<NonZeroU64>,
    /// Who is in it now. Clients that only commit and never join are not seen.
    #[serde(default)]
    pub members: Vec<GroupMember>,
    /// File and line of the configuration that owns it; null for groups of this API.
    #[serde(default)]
    pub owner: Option<String>,
}

/// A member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupMember {
    /// Its id.
    pub member_id: String,
    /// Its `group.instance.id`, if it has one.
    pub instance_id: Option<String>,
    /// As the client calls itself.
    pub client_id: String,
    /// Where it comes from.
    pub address: String,
    /// Whether it assigns the work.
    pub leads: bool,
}

/// Where a group stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// The committed offset.
    pub offset: i64,
    /// The metadata committed with it; DTS clients put the source second there.
    pub metadata: String,
    /// When it was committed.
    pub committed_at: String,
    /// Source time of the record at the offset; null behind the last record, and where it has left the
    /// topic.
    #[serde(default)]
    pub time: Option<String>,
    /// The same in seconds since the epoch.
    #[serde(default)]
    pub time_unix: Option<i64>,
}

/// `GET /server`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ServerView {
    /// Version of the binary.
    pub version: String,
    /// Seconds since it started.
    pub uptime_seconds: i64,
    /// Where Kafka clients connect: the listener of `[kafka]`.
    pub kafka: String,
    /// All listeners for Kafka clients.
    pub listeners: Vec<ListenerView>,
    /// Where this API listens.
    pub http: String,
    /// What this API shows to clients of TLS; null where it speaks plain HTTP.
    pub http_certificate: Option<CertificateView>,
    /// How the configuration was read last; null if it was not since the start.
    pub last_reload: Option<LastReload>,
    /// Its data folder.
    pub data_dir: String,
    /// Whether Kafka clients need an account.
    pub accounts: bool,
    /// Number of tasks.
    pub tasks: usize,
    /// The memory that tasks and connections share.
    pub memory: MemoryView,
    /// The disk of the data folder; absent where it cannot be asked.
    pub disk: Option<DiskView>,
}

/// A listener for Kafka clients.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ListenerView {
    /// Its name; null for the one of `[kafka]`.
    pub name: Option<String>,
    /// Where clients connect.
    pub listen: String,
    /// What they are told to connect to: `auto` (what they dialled), or host and port.
    pub advertised: String,
    /// How they say who they are: `sasl`, `certificate`, or `none`.
    pub login: String,
    /// What it shows to clients of TLS; null where it speaks plaintext.
    pub certificate: Option<CertificateView>,
}

/// A certificate that is shown to new connections.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// The common name of its subject, if it has one.
    pub common_name: Option<String>,
    /// When clients begin to refuse it.
    pub not_after: Option<String>,
}

/// `memory.budget`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct MemoryView {
    /// What tasks and connections may hold together.
    pub budget_bytes: u64,
    /// What they hold.
    pub used_bytes: u64,
    /// How many of them wait for more.
    pub waiting: u64,
}

/// The disk of the data folder.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct DiskView {
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Below so many captures wait (`storage.min_free`).
    pub min_free_bytes: u64,
}

/// Lists are pages; `next_page_token` is null on the last.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items of this page, by name.
    pub items: Vec<T>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
}

impl<T> Page<T> {
    /// The first `size` items behind the one whose key is `after`; the items come in the order of keys.
    pub(crate) fn of(
        items: impl Iterator<Item = T>,
        size: usize,
        after: &str,
        key: impl Fn(&T) -> &String,
    ) -> Self {
        let mut rest = items.filter(|item| key(item).as_str() > after);
        let items: Vec<T> = rest.by_ref().take(size).collect();
        let more = rest.next().is_some();
        let next_page_token = items.last().filter(|_| more).map(|item| key(item).clone());
        Self { items, next_page_token }
    }
}

/// `GET /tasks/{t}/records`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecordsPage {
    /// Records that match, in the order of the log.
    pub items: Vec<RecordItem>,
    /// Where to go on.
    pub next_from: i64,
    /// The end of the topic when it was looked at.
    pub end_offset: i64,
}

/// A record in the form that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecordItem {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Its content: operation, database, table, before, after, statement, position, tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<serde_json::Value>,
    /// The source's type of each column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<serde_json::Value>,
    /// The record as a line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its bytes, as consumers get them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// Why it has no content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(unix: i64) -> String {
    jiff::Timestamp::from_second(unix).map_or_else(|_| unix.to_string(), |at| at.to_string())
}

impl From<&ListenerFacts> for ListenerView {
    fn from(facts: &ListenerFacts) -> Self {
        Self {
            name: facts.name.clone(),
            listen: facts.address.to_string(),
            advertised: facts.advertised.clone(),
            login: facts.login.into(),
            certificate: facts.tls.as_ref().map(|tls| tls.certificate().into()),
        }
    }
}

impl From<tls::Certificate> for CertificateView {
    fn from(certificate: tls::Certificate) -> Self {
        let not_after = certificate.not_after.map(|time| time.to_string());
        Self { common_name: certificate.name, not_after }
    }
}

impl From<task::DataRange> for DataRange {
    fn from(range: task::DataRange) -> Self {
        Self {
            begin: rfc3339(range.begin_unix),
            begin_unix: range.begin_unix,
            end: rfc3339(range.end_unix),
            end_unix: range.end_unix,
            begin_offset: range.begin_offset,
            end_offset: range.end_offset,
            bytes: range.bytes,
        }
    }
}

impl From<task::TaskView> for Task {
    fn from(view: task::TaskView) -> Self {
        let start_time_unix = match view.start {
            StartAt::Time(time) => Some(time.seconds()),
            StartAt::Now | StartAt::Earliest | StartAt::At(_) => None,
        };
        Self {
            name: view.name,
            title: view.title,
            start: view.start.to_string(),
            start_time: start_time_unix.map(rfc3339),
            start_time_unix,
            ddl_scope: view.statements.as_str().into(),
            on_table_error: view.on_table_error.as_str().into(),
            gaps: None,
            held_table_count: None,
            held_tables: None,
            source: TaskSource { name: view.source, url: view.source_url, server: view.server },
            topic: view.topic,
            tables: view.tables,
            exclude: view.exclude,
            state: view.state.as_str().into(),
            state_since: rfc3339(view.state_since_unix),
            verdict: view.verdict.as_str().into(),
            reason: view.reason.map(|reason| Reason {
                code: reason.code,
                message: reason.message,
                remedy: reason.remedy,
            }),
            position: view.position,
            lag_seconds: view.lag_seconds,
            data_range: view.data_range.map(Into::into),
            retry: view.retry.map(|retry| Retry {
                count: retry.count,
                next_at: rfc3339(retry.next_at_unix),
                until: rfc3339(retry.until_unix),
            }),
            warnings: view.warnings,
            owner: view.owner,
        }
    }
}

/// Seconds from `earlier` to `later`.
pub(crate) fn seconds_between(earlier: UnixTime, later: UnixTime) -> i64 {
    later.seconds().saturating_sub(earlier.seconds())
}
