//! What a task has left out or set aside, as JSON, and what an act would leave out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::rfc3339;

/// Changes of the source that never come into the topic, because a person decided so.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Its number.
    pub id: i64,
    /// Machine code of what led to it, like `binlog_purged`; `start_elsewhere` where nothing had.
    pub cause: String,
    /// The only table that lacks changes, as `database.table`; null when all may.
    pub table: Option<String>,
    /// The only event that was left out; null when everything between the positions was.
    pub event: Option<SkippedEvent>,
    /// What was delivered last before it.
    pub from_position: Option<String>,
    /// Where reading went on; null until that is known.
    pub to_position: Option<String>,
    /// Source time of what was delivered last before it.
    pub from_time: Option<String>,
    /// The same in seconds since the epoch.
    pub from_time_unix: Option<i64>,
    /// Source time of the first change behind it; null until that is known.
    pub to_time: Option<String>,
    /// The same in seconds since the epoch.
    pub to_time_unix: Option<i64>,
    /// Who accepted it.
    pub who: String,
    /// When.
    pub at: String,
}

/// The one event that was left out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SkippedEvent {
    /// Where it stands in the source's log.
    pub place: String,
    /// Its kind in the source's words.
    pub kind: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its first bytes, in hexadecimal.
    pub hex: String,
}

/// The event at which a task cannot go on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Where it stands in the source's log. Skipping it takes exactly this.
    pub place: String,
    /// Its kind in the source's words.
    pub kind: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its first bytes, at most 64 KiB, in hexadecimal.
    pub hex: String,
    /// Machine code of why it cannot be used.
    pub code: String,
    /// The same in words.
    pub message: String,
    /// When the task came to it first.
    pub since: String,
}

/// A table that a task tracks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Table {
    /// `database.table`.
    pub name: String,
    /// `live` or `quarantined`.
    pub state: String,
    /// Why its rows are held back; null while they are not.
    pub held: Option<Held>,
}

/// Why and since when a table's rows are held back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// Machine code, like `schema_mismatch`.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// Where the first row that is held back begins.
    pub from_position: String,
    /// Since when.
    pub since: String,
    /// `pending`, `retry` or `skip`.
    pub decision: String,
}

/// What an act would do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// In one sentence.
    pub summary: String,
    /// What would be left out; null when nothing would.
    pub gap: Option<PlannedGap>,
}

/// What an act would leave out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlannedGap {
    /// Machine code of what led to it.
    pub cause: String,
    /// The only table that would lack changes.
    pub table: Option<String>,
    /// Place of the only event that would be left out.
    pub event: Option<String>,
    /// What was delivered last before it.
    pub from_position: Option<String>,
    /// Source time of that.
    pub from_time: Option<String>,
    /// The same in seconds since the epoch.
    pub from_time_unix: Option<i64>,
    /// Where reading would go on, as far as it is known.
    pub to: Option<String>,
}

/// `POST /tasks/{t}/start`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskStart {
    /// Where to read on: `now`, `earliest`, a time (`@1712905965`, `@2026-11-21T04:00:00Z`, `@-1h`) or a
    /// position of the source's log. Where the task's log ends when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Accepts that changes are left out, where the task has read something already.
    #[serde(default)]
    pub accept_gap: bool,
}

/// `POST /tasks/{t}/tables/{table}/retry`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableRetry {
    /// A CREATE TABLE statement that says how the table was defined where its rows were held back first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// `POST /tasks/{t}/event/skip`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSkip {
    /// The event's place, exactly as `GET /tasks/{t}/event` tells it.
    pub place: String,
}

impl From<catalog::Gap> for Gap {
    fn from(gap: catalog::Gap) -> Self {
        let seconds = |time: Option<change::UnixTime>| time.map(change::UnixTime::seconds);
        let (from_time_unix, to_time_unix) = (seconds(gap.from_time), seconds(gap.to_time));
        Self {
            id: gap.id,
            cause: gap.cause,
            table: gap.table,
            event: gap.event.map(|event| SkippedEvent {
                place: event.place,
                kind: event.kind,
                size: event.size,
                hex: hex(&event.bytes),
            }),
            from_position: gap.from.map(|at| at.to_string()),
            to_position: gap.to.map(|at| at.to_string()),
            from_time: from_time_unix.map(rfc3339),
            from_time_unix,
            to_time: to_time_unix.map(rfc3339),
            to_time_unix,
            who: gap.who,
            at: rfc3339(gap.at.seconds()),
        }
    }
}

impl From<catalog::BadEvent> for Event {
    fn from(event: catalog::BadEvent) -> Self {
        Self {
            place: event.place,
            kind: event.kind,
            size: event.size,
            hex: hex(&event.bytes),
            code: event.code,
            message: event.message,
            since: rfc3339(event.at.seconds()),
        }
    }
}

impl From<task::TrackedTable> for Table {
    fn from(table: task::TrackedTable) -> Self {
        let state = if table.held.is_some() { "quarantined" } else { "live" };
        Self { name: table.name, state: state.into(), held: table.held.map(Into::into) }
    }
}

impl From<catalog::HeldTable> for Held {
    fn from(held: catalog::HeldTable) -> Self {
        Self {
            code: held.code,
            message: held.message,
            from_position: held.from.to_string(),
            since: rfc3339(held.since.seconds()),
            decision: held.choice.as_str().into(),
        }
    }
}

impl From<task::Plan> for Plan {
    fn from(plan: task::Plan) -> Self {
        let gap = plan.gap.map(|gap| {
            let from_time_unix = gap.from_time.map(change::UnixTime::seconds);
            PlannedGap {
                cause: gap.cause,
                table: gap.table,
                event: gap.event,
                from_position: gap.from.map(|at| at.to_string()),
                from_time: from_time_unix.map(rfc3339),
                from_time_unix,
                to: gap.to,
            }
        });
        Self { summary: plan.summary, gap }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}
