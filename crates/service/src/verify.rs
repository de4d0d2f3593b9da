//! `/tasks/{t}/verify` and `/operations/{id}`: compare a task's log with its source, and look how far
//! that is.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use change::TaskName;
use serde::{Deserialize, Serialize};
use task::verify::{Outcome, Report, Request, Verification};
use utoipa::ToSchema;

use crate::app::{App, blocking};
use crate::model::rfc3339;
use crate::problem::{Code, Problem};

/// What to verify. Everything when nothing is said.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// Patterns of tables, like `shop.*`; all that the task tracks when empty.
    #[serde(default)]
    pub tables: Vec<String>,
    /// The share of rows to compare, in percent: 0.01 to 100. The same rows each time.
    #[serde(default)]
    pub sample_percent: Option<f64>,
    /// Whether differing values are shown; otherwise only their columns and the row's key.
    #[serde(default)]
    pub values: bool,
    /// How many differences are listed, at most 10000; 100 when not given. All are counted.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Long work that goes on beside the calls.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// What it does: `verify`.
    pub kind: String,
    /// The task it works on.
    pub task: String,
    /// `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// When it began.
    pub started: String,
    /// The same in seconds since the epoch.
    pub started_unix: i64,
    /// When it ended.
    pub ended: Option<String>,
    /// The same in seconds since the epoch.
    pub ended_unix: Option<i64>,
    /// How far it is.
    pub progress: OperationProgress,
    /// What it found, once it is done.
    pub result: Option<VerifyReport>,
    /// Why it could not be done.
    pub error: Option<OperationError>,
}

/// How far long work is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OperationProgress {
    /// `reading_log`, `comparing` or `scanning_source`.
    pub phase: String,
    /// Records read so far.
    pub records_read: u64,
    /// Records to read, as far as is known; with very many rows the log is read again.
    pub records: u64,
    /// Rows compared so far.
    pub rows_compared: u64,
    /// Differences found so far.
    pub differences: u64,
}

/// Why long work could not be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OperationError {
    /// Stable machine code.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// Commands or settings that mend it.
    pub remedy: Vec<String>,
    /// Whether the source could not be asked.
    pub by_source: bool,
}

/// What a verification found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VerifyReport {
    /// Whether nothing differs.
    pub equal: bool,
    /// First offset that was verified.
    pub first_offset: i64,
    /// The offset behind the last one.
    pub end_offset: i64,
    /// Records verified.
    pub records: u64,
    /// How often the log was gone through, for want of memory.
    pub passes: u32,
    /// The share of rows that was compared, in percent.
    pub sample_percent: f64,
    /// How long it took.
    pub duration_seconds: f64,
    /// Each table.
    pub tables: Vec<VerifiedTable>,
    /// The first differences.
    pub differences: Vec<VerifyDifference>,
    /// How many differences there are.
    pub difference_count: u64,
    /// What is wrong with the log apart from what it says: damage, offsets that are missing.
    pub log_faults: Vec<String>,
    /// What a reader must know to judge the rest.
    pub remarks: Vec<String>,
}

/// What was found of one table.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VerifiedTable {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Records of its rows.
    pub records: u64,
    /// Rows compared with the source, deleted ones among them.
    pub rows: u64,
    /// Of these, the same on both sides.
    pub equal: u64,
    /// Of these, different.
    pub different: u64,
    /// Of these, different, but the table was redefined since the log last showed the row.
    pub altered: u64,
    /// Of the equal ones, those that changed meanwhile and were compared in their new form.
    pub changed_meanwhile: u64,
    /// Records that do not follow from the one before of the same row.
    pub broken: u64,
    /// Rows of the source that are older than the log.
    pub not_in_log: u64,
    /// Values that could not be compared: not logged, or of a column that was redefined.
    pub values_left_out: u64,
    /// Why the table was not compared, if so.
    pub skipped: Option<String>,
    /// Time spent on it.
    pub duration_seconds: f64,
}

/// One difference.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VerifyDifference {
    /// `value`, `missing_in_source`, `not_deleted`, `missing_in_log`, `broken_chain`, `appears_twice`,
    /// `never_appeared`.
    pub kind: String,
    /// The table's database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The row's key, value by column.
    pub key: BTreeMap<String, String>,
    /// The columns that differ.
    pub columns: Vec<String>,
    /// For each of these columns what the log and the source say, or the earlier and the later record;
    /// empty unless values were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, [String; 2]>,
    /// The record; null if the log has none.
    pub offset: Option<i64>,
    /// The record before, where two contradict each other.
    pub previous_offset: Option<i64>,
}

const LISTED_DEFAULT: usize = 100;
const LISTED_MAX: usize = 10_000;

/// Starts to compare the task's log with its source, while both go on. Nothing is written to the source.
/// One at a time for each task; follow it at the place that `Location` names.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/verify", tag = "tasks",
    params(("task" = String, Path)), request_body = Option<VerifyRequest>,
    responses((status = 202, body = Operation), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn start(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Operation>), Problem> {
    let name = TaskName::new(name)?;
    let request = understood(&body)?;
    let started = blocking(move || Ok(app.tasks.verify(&name, request)?)).await?;
    let operation = Operation::from(&started);
    let place = format!("/api/v1/operations/{}", operation.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(operation)))
}

/// One operation, also for some time after its end.
#[utoipa::path(get, path = "/api/v1/operations/{operation}", tag = "operations",
    params(("operation" = String, Path)),
    responses((status = 200, body = Operation), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Operation>, Problem> {
    blocking(move || {
        let found = app.tasks.verification(&id).ok_or_else(unknown)?;
        let mut operation = Operation::from(&found);
        if let Some(report) = &mut operation.result {
            report.remarks.extend(left_out(&app, &found.task));
        }
        Ok(Json(operation))
    })
    .await
}

/// Cancels an operation; one that has ended stays as it is.
#[utoipa::path(delete, path = "/api/v1/operations/{operation}", tag = "operations",
    params(("operation" = String, Path)),
    responses((status = 202, body = Operation), (status = 404, body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Operation>), Problem> {
    let found = app.tasks.cancel_verification(&id).ok_or_else(unknown)?;
    Ok((StatusCode::ACCEPTED, Json(Operation::from(&found))))
}

/// What the task is known to lack: a log without it may still be equal, where its rows are older.
fn left_out(app: &App, task: &TaskName) -> Vec<String> {
    let held = app.tasks.held_tables(task).unwrap_or_default();
    let mut remarks: Vec<_> = held
        .iter()
        .map(|table| {
            let name = &table.name;
            format!(
                "{name} is held back, so the log lacks its last changes: wellhead task table {task}"
            )
        })
        .collect();
    let gaps = app.tasks.gaps(task).map_or(0, |gaps| gaps.len());
    let gaps_told = match gaps {
        0 => return remarks,
        1 => "an accepted gap".to_owned(),
        gaps => format!("{gaps} accepted gaps"),
    };
    remarks.push(format!(
        "rows that were written in {gaps_told} may count as not in the log: wellhead task show {task}"
    ));
    remarks
}

fn unknown() -> Problem {
    Problem::new(
        Code::NotFound,
        "there is no such operation; ended ones are forgotten after a while and at a restart",
    )
}

fn understood(body: &[u8]) -> Result<Request, Problem> {
    let asked: VerifyRequest = match body {
        [] => VerifyRequest::default(),
        _ => serde_json::from_slice(body)
            .map_err(|error| Problem::new(Code::Malformed, error.to_string()))?,
    };
    let percent = asked.sample_percent.unwrap_or(100.0);
    let sample = hundredths(percent)
        .ok_or_else(|| Problem::invalid("/sample_percent", "a sample is 0.01 to 100 percent"))?;
    let listed = asked.limit.unwrap_or(LISTED_DEFAULT);
    if listed > LISTED_MAX {
        return Err(Problem::invalid("/limit", format!("limit must be at most {LISTED_MAX}")));
    }
    Ok(Request { tables: asked.tables, sample, values: asked.values, listed })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is between 1 and 10000"
)]
fn hundredths(percent: f64) -> Option<u32> {
    (0.01..=100.0).contains(&percent).then(|| (percent * 100.0).round() as u32)
}

impl From<&Verification> for Operation {
    fn from(found: &Verification) -> Self {
        let (state, result, error) = match found.ended.as_ref().map(|(_, outcome)| outcome) {
            None => ("running", None, None),
            Some(Outcome::Done(report)) => {
                ("done", Some(VerifyReport::from(report.as_ref())), None)
            }
            Some(Outcome::Cancelled) => ("cancelled", None, None),
            Some(Outcome::Failed { reason, by_source }) => {
                let error = OperationError {
                    code: reason.code.clone(),
                    message: reason.message.clone(),
                    remedy: reason.remedy.clone(),
                    by_source: *by_source,
                };
                ("failed", None, Some(error))
            }
        };
        let ended = found.ended.as_ref().map(|(at, _)| at.seconds());
        let progress = &found.progress;
        Self {
            id: found.id.clone(),
            kind: "verify".into(),
            task: found.task.to_string(),
            state: state.into(),
            started: rfc3339(found.started.seconds()),
            started_unix: found.started.seconds(),
            ended: ended.map(rfc3339),
            ended_unix: ended,
            progress: OperationProgress {
                phase: progress.phase.as_str().into(),
                records_read: progress.records_read,
                records: found.records.max(progress.records_read),
                rows_compared: progress.rows_compared,
                differences: progress.differences,
            },
            result,
            error,
        }
    }
}

impl From<&Report> for VerifyReport {
    fn from(report: &Report) -> Self {
        Self {
            equal: report.is_good(),
            first_offset: report.first_offset,
            end_offset: report.end_offset,
            records: report.records,
            passes: report.passes,
            sample_percent: f64::from(report.sample) / 100.0,
            duration_seconds: report.seconds,
            tables: report.tables.iter().map(VerifiedTable::from).collect(),
            differences: report.differences.iter().map(VerifyDifference::from).collect(),
            difference_count: report.difference_count,
            log_faults: report.log_faults.clone(),
            remarks: report.remarks.clone(),
        }
    }
}

impl From<&task::verify::TableReport> for VerifiedTable {
    fn from(table: &task::verify::TableReport) -> Self {
        Self {
            database: table.database.clone(),
            table: table.table.clone(),
            records: table.records,
            rows: table.rows,
            equal: table.equal,
            different: table.different,
            altered: table.altered,
            changed_meanwhile: table.changed_meanwhile,
            broken: table.broken,
            not_in_log: table.not_in_log,
            values_left_out: table.values_left_out,
            skipped: table.skipped.clone(),
            duration_seconds: table.seconds,
        }
    }
}

impl From<&task::verify::Difference> for VerifyDifference {
    fn from(difference: &task::verify::Difference) -> Self {
        let columns = difference.columns.iter();
        let valued = columns.clone().filter_map(|column| {
            let (one, other) = column.values.clone()?;
            Some((column.name.clone(), [one, other]))
        });
        Self {
            kind: difference.kind.as_str().into(),
            database: difference.database.clone(),
            table: difference.table.clone(),
            key: difference.key.iter().cloned().collect(),
            values: valued.collect(),
            columns: columns.map(|column| column.name.clone()).collect(),
            offset: difference.offset,
            previous_offset: difference.previous_offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_means_everything() {
        let request = understood(b"").unwrap();
        let all = Request { tables: vec![], sample: 10_000, values: false, listed: 100 };
        assert_eq!(request, all);
    }

    #[test]
    fn a_sample_is_a_share_of_all() {
        for (percent, expected) in
            [(0.0, None), (0.004, None), (0.01, Some(1)), (12.5, Some(1250)), (100.5, None)]
        {
            assert_eq!(hundredths(percent), expected, "{percent}");
        }
        assert_eq!(hundredths(f64::NAN), None);
        assert!(understood(br#"{"sample_percent": -1}"#).is_err());
        assert!(understood(br#"{"limit": 10001}"#).is_err());
        assert!(understood(br#"{"unknown": 1}"#).is_err());
    }
}
