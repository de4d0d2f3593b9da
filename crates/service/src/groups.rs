//! `/tasks/{t}/groups`: consumer groups, each with one account.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use catalog::{GroupSpec, Secret};
use change::TaskName;

use crate::app::{App, blocking};
use crate::model::{Group, GroupCreated, GroupPut, Page};
use crate::owner;
use crate::problem::{Code, Problem};
use crate::standing::{Log, shown};
use crate::tasks::malformed;

/// All groups of a task, by name. A task has at most twenty.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/groups", tag = "groups",
    params(("task" = String, Path)),
    responses((status = 200, body = Page<Group>), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(task): Path<String>,
) -> Result<Json<Page<Group>>, Problem> {
    let task = TaskName::new(task)?;
    blocking(move || {
        app.tasks.view(&task)?;
        let log = Log::of(&app, &task);
        let groups = app.catalog.groups(&task)?;
        let items: Result<_, Problem> =
            groups.into_iter().map(|group| shown(&app, group, &log)).collect();
        Ok(Json(Page { items: items?, next_page_token: None }))
    })
    .await
}

/// One group.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/groups/{group}", tag = "groups",
    params(("task" = String, Path), ("group" = String, Path)),
    responses((status = 200, body = Group), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path((task, name)): Path<(String, String)>,
) -> Result<Json<Group>, Problem> {
    let task = TaskName::new(task)?;
    blocking(move || {
        app.tasks.view(&task)?;
        let group = app.catalog.group(&task, &name)?.ok_or_else(|| {
            Problem::new(Code::NotFound, format!("task {task} has no group {name:?}"))
        })?;
        Ok(Json(shown(&app, group, &Log::of(&app, &task))?))
    })
    .await
}

/// Creates a group with a generated id, or gives an existing one a new account and password.
#[utoipa::path(put, path = "/api/v1/tasks/{task}/groups/{group}", tag = "groups",
    params(("task" = String, Path), ("group" = String, Path)), request_body = GroupPut,
    responses((status = 200, body = GroupCreated), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put(
    State(app): State<App>,
    Path((task, name)): Path<(String, String)>,
    body: Result<Json<GroupPut>, JsonRejection>,
) -> Result<Json<GroupCreated>, Problem> {
    let Json(body) = body.map_err(|rejection| malformed(&rejection))?;
    let task = TaskName::new(task)?;
    blocking(move || {
        app.tasks.view(&task)?;
        owner::group_is_ours(&app, &task, &name)?;
        let spec = GroupSpec {
            task,
            name,
            account: body.account,
            password: Secret::new(body.password),
            fetch_rate: body.fetch_bytes_per_second,
            owner: None,
        };
        let (_, group) = app.catalog.put_group(&spec)?;
        app.groups.set_fetch_rate(&group.id, group.fetch_rate);
        let user = group.user();
        Ok(Json(GroupCreated { name: group.name, group_id: group.id.to_string(), user }))
    })
    .await
}

/// Deletes a group with its checkpoint.
#[utoipa::path(delete, path = "/api/v1/tasks/{task}/groups/{group}", tag = "groups",
    params(("task" = String, Path), ("group" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Path((task, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let task = TaskName::new(task)?;
    blocking(move || {
        owner::group_is_ours(&app, &task, &name)?;
        match app.catalog.group(&task, &name)? {
            // Who is connected with the group's account is sent away.
            Some(group) => {
                let delete = || app.catalog.delete_group(&task, &name);
                app.groups.delete(&group.id, delete)?;
            }
            None => app.catalog.delete_group(&task, &name)?,
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
