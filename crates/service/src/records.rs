//! `/tasks/{t}/records`: what a topic holds, decoded, without a Kafka client.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use change::TaskName;
use serde::Deserialize;
use task::records::{Filter, Limits, LogRecord, Place, Records, read, read_last};
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, blocking};
use crate::model::{RecordItem, RecordsPage};
use crate::place;
use crate::problem::{Code, Problem};

/// Which records, and how they are shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordsQuery {
    /// Where to begin: `start`, `end`, `now`, `+N`, `-N`, an offset, `@1712905965`,
    /// `@2026-11-21T04:00:00Z`, `@-1h`. `start` when neither this nor `last` is given.
    from: Option<String>,
    /// Instead of `from`: the last so many records that match.
    last: Option<usize>,
    /// Most records in one answer, 1 to 1000; 50 when not given.
    limit: Option<usize>,
    /// Only changes of tables that match this pattern, like `shop.*`.
    table: Option<String>,
    /// Only these kinds: `insert`, `update`, `delete`, `ddl`, `begin`, `commit`, `rollback`,
    /// `heartbeat`, `init`, `dml`, `all`, separated by commas. All but heartbeats when not given.
    op: Option<String>,
    /// How long to wait for a first record that matches, in milliseconds; at most 30000.
    wait_ms: Option<u64>,
    /// The form of each record.
    #[serde(default)]
    format: RecordFormat,
}

/// The form of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordFormat {
    /// An object in `record`.
    #[default]
    Json,
    /// A line for people in `text`.
    Text,
    /// The bytes in `hex`.
    Hex,
}

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 1000;
/// Encoded records in one answer; as JSON they are about twice as long.
const ANSWER_BYTES: usize = 2 << 20;
const WAIT_MS_MAX: u64 = 30_000;
/// How often a waiting call looks whether the server is stopping.
const WAIT_STEP: Duration = Duration::from_millis(250);

/// Records of a task's topic, decoded. Go on with `from` set to `next_from`; that also holds when
/// `items` is empty. An answer ends early at about 4 MiB, and after a large number of records that did
/// not match.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/records", tag = "tasks",
    params(("task" = String, Path), RecordsQuery),
    responses((status = 200, body = RecordsPage), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(name): Path<String>,
    query: Result<Query<RecordsQuery>, QueryRejection>,
) -> Result<Json<RecordsPage>, Problem> {
    let Query(query) = query.map_err(|error| Problem::new(Code::Malformed, error.body_text()))?;
    let name = TaskName::new(name)?;
    let look = Look::new(&app, &query)?;
    let reader = app.tasks.reader(&name)?;
    let deadline = Instant::now() + look.wait;
    let mut from = look.from;
    loop {
        let page = {
            let (look, reader) = (look.clone(), reader.clone());
            blocking(move || look.at(&reader, from)).await?
        };
        let next = page.next_offset;
        let caught_up = next >= page.end_offset;
        if !page.records.is_empty() || !caught_up || !app.is_ready() || Instant::now() >= deadline {
            return Ok(Json(shown(&page, query.format)));
        }
        from = Some(Place::At(next));
        let step = deadline.min(Instant::now() + WAIT_STEP);
        // Both outcomes lead to another look.
        let _grown = timeout_at(step, reader.wait_beyond(log::Offset(next))).await;
    }
}

/// A query that was understood.
#[derive(Debug, Clone)]
struct Look {
    /// `None` for the last ones.
    from: Option<Place>,
    filter: Filter,
    limits: Limits,
    wait: Duration,
}

impl Look {
    fn new(app: &App, query: &RecordsQuery) -> Result<Self, Problem> {
        let invalid = |detail: String| Problem::new(Code::InvalidValue, detail);
        let from = match (&query.from, query.last) {
            (Some(_), Some(_)) => {
                return Err(invalid("give from or last, not both".into()));
            }
            (Some(text), None) => Some(place::parse(text, app.clock.now())?),
            (None, Some(_)) => None,
            (None, None) => Some(Place::Start),
        };
        let records = query.last.or(query.limit).unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&records) {
            return Err(invalid(format!("limit and last must be 1 to {LIMIT_MAX}")));
        }
        let wait_ms = query.wait_ms.unwrap_or(0);
        if wait_ms > WAIT_MS_MAX {
            return Err(invalid(format!("wait_ms must be at most {WAIT_MS_MAX}")));
        }
        Ok(Self {
            from,
            filter: Filter::parse(query.table.as_deref(), query.op.as_deref())?,
            limits: Limits { records, bytes: ANSWER_BYTES },
            wait: Duration::from_millis(wait_ms),
        })
    }

    fn at(&self, reader: &log::Reader, from: Option<Place>) -> Result<Records, Problem> {
        let Some(place) = from else { return Ok(read_last(reader, &self.filter, self.limits)?) };
        let offset = place
            .offset(reader)
            .map_err(|error| crate::problem::internal_logged(Code::Internal, &error))?;
        Ok(read(reader, offset, &self.filter, self.limits)?)
    }
}

fn shown(page: &Records, format: RecordFormat) -> RecordsPage {
    RecordsPage {
        items: page.records.iter().map(|record| item(record, format)).collect(),
        next_from: page.next_offset,
        end_offset: page.end_offset,
    }
}

fn item(record: &LogRecord, format: RecordFormat) -> RecordItem {
    let mut item = RecordItem {
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        record: None,
        types: None,
        text: None,
        hex: None,
        error: None,
    };
    match (&record.decoded, format) {
        (_, RecordFormat::Hex) => item.hex = Some(hex(&record.value)),
        (Ok(record), RecordFormat::Json) => {
            let types = record.fields.iter();
            let types: serde_json::Map<_, _> =
                types.map(|field| (field.name.clone(), field.type_name().into())).collect();
            item.types = (!types.is_empty()).then(|| serde_json::Value::Object(types));
            item.record = Some(record.to_json());
        }
        (Ok(record), RecordFormat::Text) => item.text = Some(record.to_text_line()),
        (Err(error), _) => item.error = Some(format!("the record cannot be decoded: {error}")),
    }
    item
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('?', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
