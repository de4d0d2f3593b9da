//! What people decide when a task cannot go on by itself: `/tasks/{t}/start` with a place to start at,
//! `/tasks/{t}/tables`, `/tasks/{t}/event`, and the gaps that came of it.
//!
//! With `?dry_run=true` nothing is done, and the plan is answered.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use catalog::StartAt;
use change::TaskName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use task::TableAct;
use utoipa::IntoParams;

use crate::access::Actor;
use crate::app::{App, blocking};
use crate::audit::Detail;
use crate::left_out::{Event, EventSkip, Gap, Plan, Table, TableRetry, TaskStart};
use crate::model::{Page, Task};
use crate::problem::{Code, Problem};
use crate::tasks::PageQuery;

/// Whether an act is only planned.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRun {
    /// Answer what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Starts a task that waits, was paused or has failed. With `start` it reads its source from there on,
/// whatever its log says; what that leaves out has to be accepted with `accept_gap`.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/start", tag = "tasks",
    params(("task" = String, Path), DryRun), request_body = Option<TaskStart>,
    responses((status = 200, description = "the plan, with dry_run", body = Plan),
        (status = 202, body = Task), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn start(
    State(app): State<App>,
    Path(name): Path<String>,
    Extension(actor): Extension<Actor>,
    query: Result<Query<DryRun>, QueryRejection>,
    body: Bytes,
) -> Result<Response, Problem> {
    let dry_run = dry_run(query)?;
    let TaskStart { start, accept_gap } = optional(&body)?;
    let name = TaskName::new(name)?;
    let start = start.map(|text| StartAt::parse(&text, app.clock.now())).transpose();
    let start = start.map_err(|error| Problem::invalid("/start", error.to_string()))?;
    blocking(move || {
        let Some(start) = start else {
            if dry_run {
                let summary = format!("task {name} goes on where its log ends");
                app.tasks.view(&name)?;
                return planned(task::Plan { summary, gap: None });
            }
            return accepted(app.tasks.start(&name)?, String::new());
        };
        if dry_run {
            return planned(app.tasks.plan_start_at(&name, &start)?);
        }
        let Actor(who) = actor;
        let told = format!("start {start}, accept_gap {accept_gap}");
        accepted(app.tasks.start_at(&name, &start, accept_gap, &who)?, told)
    })
    .await
}

/// Goes on where a paused task stood.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/resume", tag = "tasks",
    params(("task" = String, Path)),
    responses((status = 202, body = Task), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn resume(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = TaskName::new(name)?;
    blocking(move || accepted(app.tasks.start(&name)?, String::new())).await
}

/// What a task has left out, newest first, at most a thousand.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/gaps", tag = "choices",
    params(("task" = String, Path)),
    responses((status = 200, body = Page<Gap>), (status = 404, body = Problem)))]
pub(crate) async fn gaps(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Page<Gap>>, Problem> {
    let name = TaskName::new(name)?;
    blocking(move || {
        let items = app.tasks.gaps(&name)?.into_iter().map(Into::into).collect();
        Ok(Json(Page { items, next_page_token: None }))
    })
    .await
}

/// The tables that a task tracks, as far as they are known, and those that it holds back; by name.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/tables", tag = "choices",
    params(("task" = String, Path), PageQuery),
    responses((status = 200, body = Page<Table>), (status = 404, body = Problem)))]
pub(crate) async fn tables(
    State(app): State<App>,
    Path(name): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<Table>>, Problem> {
    let name = TaskName::new(name)?;
    let (size, after) = PageQuery::checked(query)?;
    blocking(move || {
        let tables = app.tasks.tables(&name)?.into_iter().map(Table::from);
        Ok(Json(Page::of(tables, size, &after, |table| &table.name)))
    })
    .await
}

/// Delivers what was held back of a table, and its changes from then on.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/tables/{table}/retry", tag = "choices",
    params(("task" = String, Path), ("table" = String, Path)),
    request_body = Option<TableRetry>,
    responses((status = 202, body = Task), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn retry_table(
    State(app): State<App>,
    Path((name, table)): Path<(String, String)>,
    Extension(Actor(who)): Extension<Actor>,
    body: Bytes,
) -> Result<Response, Problem> {
    let TableRetry { definition } = optional(&body)?;
    let name = TaskName::new(name)?;
    let how = if definition.is_some() { "with a definition" } else { "as it is known" };
    let act = TableAct::Retry(definition);
    blocking(move || accepted(app.tasks.decide_table(&name, &table, &act, &who)?, how.into())).await
}

/// Leaves out what was held back of a table, and delivers its changes from now on.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/tables/{table}/skip", tag = "choices",
    params(("task" = String, Path), ("table" = String, Path), DryRun),
    responses((status = 200, description = "the plan, with dry_run", body = Plan),
        (status = 202, body = Task), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn skip_table(
    State(app): State<App>,
    Path((name, table)): Path<(String, String)>,
    Extension(Actor(who)): Extension<Actor>,
    query: Result<Query<DryRun>, QueryRejection>,
) -> Result<Response, Problem> {
    let dry_run = dry_run(query)?;
    let name = TaskName::new(name)?;
    blocking(move || {
        if dry_run {
            return planned(app.tasks.plan_skip_table(&name, &table)?);
        }
        let plan = app.tasks.plan_skip_table(&name, &table)?;
        let view = app.tasks.decide_table(&name, &table, &TableAct::Skip, &who)?;
        accepted(view, plan.summary)
    })
    .await
}

/// The event at which a task cannot go on.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/event", tag = "choices",
    params(("task" = String, Path)),
    responses((status = 200, body = Event), (status = 404, body = Problem)))]
pub(crate) async fn event(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Event>, Problem> {
    let name = TaskName::new(name)?;
    blocking(move || Ok(Json(app.tasks.bad_event(&name)?.into()))).await
}

/// Leaves out that one event, and has the task go on.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/event/skip", tag = "choices",
    params(("task" = String, Path), DryRun), request_body = EventSkip,
    responses((status = 200, description = "the plan, with dry_run", body = Plan),
        (status = 202, body = Task), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn skip_event(
    State(app): State<App>,
    Path(name): Path<String>,
    Extension(Actor(who)): Extension<Actor>,
    query: Result<Query<DryRun>, QueryRejection>,
    body: Bytes,
) -> Result<Response, Problem> {
    let dry_run = dry_run(query)?;
    let EventSkip { place } = read(&body)?;
    let name = TaskName::new(name)?;
    blocking(move || {
        let plan = app.tasks.plan_skip_event(&name, &place)?;
        if dry_run {
            return planned(plan);
        }
        accepted(app.tasks.skip_event(&name, &place, &who)?, plan.summary)
    })
    .await
}

pub(crate) fn dry_run(query: Result<Query<DryRun>, QueryRejection>) -> Result<bool, Problem> {
    let Query(query) = query.map_err(|error| Problem::new(Code::Malformed, error.body_text()))?;
    Ok(query.dry_run)
}

/// A body that may be left out.
fn optional<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Problem> {
    if body.is_empty() { Ok(T::default()) } else { read(body) }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(Code::Malformed, error.to_string()))
}

fn planned(plan: task::Plan) -> Result<Response, Problem> {
    let mut response = Json(Plan::from(plan)).into_response();
    response.extensions_mut().insert(Detail("dry run, nothing was done".into()));
    Ok(response)
}

/// 202 with the task, and what the audit trail shall say of it.
fn accepted(view: task::TaskView, told: String) -> Result<Response, Problem> {
    let mut response = (StatusCode::ACCEPTED, Json(Task::from(view))).into_response();
    response.extensions_mut().insert(Detail(told));
    Ok(response)
}
