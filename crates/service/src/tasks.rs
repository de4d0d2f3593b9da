//! `/tasks`: define, look at, start, stop and delete change tracking tasks.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use change::{SourceName, TaskName};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{App, blocking};
use crate::model::{DataRange, Page, Task, TaskPut};
use crate::owner;
use crate::problem::{Code, Fault, Problem, Remedy};
use crate::task_put::TaskDraft;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// 1 to 1000; 50 when not given.
    page_size: Option<usize>,
    /// `next_page_token` of the page before.
    page_token: Option<String>,
}

/// All tasks, by name.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", params(PageQuery),
    responses((status = 200, body = Page<Task>), (status = 401, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<Task>>, Problem> {
    let (size, after) = PageQuery::checked(query)?;
    blocking(move || {
        let tasks = app.tasks.views().into_iter().map(Task::from);
        let mut page = Page::of(tasks, size, &after, |task| &task.name);
        for task in &mut page.items {
            let held = app.tasks.held_tables(&TaskName::new(task.name.clone())?);
            // One that is deleted meanwhile holds nothing.
            task.held_table_count = held.ok().map(|held| held.len());
        }
        Ok(Json(page))
    })
    .await
}

impl PageQuery {
    /// How many items, and behind which.
    pub(crate) fn checked(
        query: Result<Query<Self>, QueryRejection>,
    ) -> Result<(usize, String), Problem> {
        const DEFAULT: usize = 50;
        const MAX: usize = 1000;
        let Query(query) =
            query.map_err(|error| Problem::new(Code::Malformed, error.body_text()))?;
        let size = query.page_size.unwrap_or(DEFAULT);
        if size == 0 || size > MAX {
            return Err(Problem::invalid("/page_size", "page_size must be 1 to 1000"));
        }
        Ok((size, query.page_token.unwrap_or_default()))
    }
}

/// One task.
#[utoipa::path(get, path = "/api/v1/tasks/{task}", tag = "tasks", params(("task" = String, Path)),
    responses((status = 200, body = Task), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Task>, Problem> {
    let name = TaskName::new(name)?;
    blocking(move || {
        let mut task = Task::from(app.tasks.view(&name)?);
        let gaps = app.tasks.gaps(&name)?.into_iter().take(GAPS_SHOWN);
        task.gaps = Some(gaps.map(Into::into).collect());
        let held = app.tasks.held_tables(&name)?;
        task.held_table_count = Some(held.len());
        task.held_tables = Some(held.into_iter().map(Into::into).collect());
        Ok(Json(task))
    })
    .await
}

/// Gaps shown with a task; `/tasks/{t}/gaps` has all.
const GAPS_SHOWN: usize = 10;

/// Creates a task, or replaces what may change of an existing one. Prechecks at once; with
/// `auto_start` it starts when the precheck has passed.
#[utoipa::path(put, path = "/api/v1/tasks/{task}", tag = "tasks", params(("task" = String, Path)),
    request_body = TaskPut,
    responses((status = 200, body = Task), (status = 400, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Result<Json<TaskPut>, JsonRejection>,
) -> Result<Json<Task>, Problem> {
    let Json(body) = body.map_err(|rejection| malformed(&rejection))?;
    let name = TaskName::new(name)?;
    blocking(move || {
        let auto_start = body.auto_start;
        let (source, spec) = TaskDraft::new(&name, body, app.clock.now()).finish()?;
        owner::task_is_ours(&app, &name)?;
        if source.is_none() && app.catalog.source(&spec.source)?.is_none() {
            let detail = format!(
                "there is no source {}; name one of the configuration, or describe it by its url",
                spec.source
            );
            return Err(Problem::invalid("/source", detail));
        }
        if let Some(source) = source {
            owner::source_is_ours(&app, &source.name)?;
            app.tasks.check_source(&source)?;
            app.catalog.put_source(&source)?;
        }
        let view = app.tasks.put(spec)?;
        if view.state.is_running() {
            return Ok(Json(view.into()));
        }
        let passed = precheck(&app, &name);
        let mut warnings = passed.as_ref().cloned().unwrap_or_default();
        if auto_start {
            passed?;
            app.tasks.start(&name)?;
        }
        let mut task = Task::from(app.tasks.view(&name)?);
        task.warnings.append(&mut warnings);
        Ok(Json(task))
    })
    .await
}

/// Deletes a task with its topic, groups and checkpoints.
#[utoipa::path(delete, path = "/api/v1/tasks/{task}", tag = "tasks",
    params(("task" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = TaskName::new(name)?;
    blocking(move || {
        owner::task_is_ours(&app, &name)?;
        let groups = app.catalog.groups(&name)?;
        app.tasks.delete(&name)?;
        // Who is connected with an account of the task would else read the next task of this name.
        for group in groups {
            app.groups.remove(&group.id);
        }
        // A source that was described with its task goes with it; one of the file or of others stays.
        if let Ok(source) = SourceName::new(name.as_str())
            && owner::source_is_ours(&app, &source).is_ok()
            && let Err(error) = app.catalog.delete_source(&source)
        {
            tracing::debug!(%error, "the task's source stays");
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Stops reading the source. The topic stays and can be read.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/pause", tag = "tasks",
    params(("task" = String, Path)),
    responses((status = 202, body = Task), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn pause(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Task>), Problem> {
    let name = TaskName::new(name)?;
    blocking(move || Ok((StatusCode::ACCEPTED, Json(app.tasks.pause(&name)?.into())))).await
}

/// First and last source time and offset of a task's topic; null while it is empty.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/data-range", tag = "tasks",
    params(("task" = String, Path)),
    responses((status = 200, body = Option<DataRange>), (status = 404, body = Problem)))]
pub(crate) async fn data_range(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Option<DataRange>>, Problem> {
    let name = TaskName::new(name)?;
    blocking(move || Ok(Json(app.tasks.data_range(&name)?.map(Into::into)))).await
}

/// Prechecks; all failed items become faults of one problem, and the others that are not as they should
/// be are answered in words.
fn precheck(app: &App, name: &TaskName) -> Result<Vec<String>, Problem> {
    let items = app.tasks.precheck(name)?;
    let failed: Vec<Fault> = items
        .iter()
        .filter(|item| item.result == task::CheckResult::Failed)
        .map(|item| Fault {
            pointer: format!("/source/{}", item.name),
            code: item.name.into(),
            detail: said(&item.found, &item.wanted),
            remedy: item
                .remedy
                .iter()
                .map(|r| Remedy { title: r.title.clone(), sql: r.sql.clone() })
                .collect(),
        })
        .collect();
    if failed.is_empty() {
        let warned = items.iter().filter(|item| item.result == task::CheckResult::Warn);
        return Ok(warned.map(|item| format!("{}: {}", item.name, item.found)).collect());
    }
    let detail = format!(
        "{} of {} checks failed; task {name} is defined: mend them, then: wellhead task start {name}",
        failed.len(),
        items.len()
    );
    let mut problem = Problem::new(Code::PrecheckFailed, detail);
    problem.errors = failed;
    Err(problem)
}

/// What is wrong with a failed item.
fn said(found: &str, wanted: &str) -> String {
    match wanted {
        "" => found.into(),
        wanted => format!("found {found}, needs {wanted}"),
    }
}

pub(crate) fn malformed(rejection: &JsonRejection) -> Problem {
    Problem::new(Code::Malformed, rejection.body_text())
}
