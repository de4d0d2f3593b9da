//! `/tasks/{t}/code/{client}`: a whole consumer of a task in the language of the asker.
//!
//! The programs are those of `docs/clients/`, which the end-to-end tests run as they stand. Here their defaults are
//! replaced by the task's own values, and nothing else is changed. The password is not among them: the server
//! knows a verifier of it only.

mod fill;
mod shelf;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use change::TaskName;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, ListenerFacts, blocking};
use crate::problem::{Code, Problem};
use fill::{Login, Place};

/// A consumer as it can be run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Program {
    /// Which client it is written on.
    pub client: String,
    /// The program first, then what it needs; the paths are below one folder of the reader's choice.
    pub files: Vec<ProgramFile>,
    /// Commands for a shell that start it, in the folder of the program.
    pub run: String,
    /// What is left to do by hand.
    pub notes: Vec<String>,
}

/// One file of a program.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProgramFile {
    /// Its path, like `python/consume.py`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// Whose values are filled in.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// Name of a group of the task; the first by name when not given.
    group: Option<String>,
    /// Name of a listener; the first one when not given.
    listener: Option<String>,
}

/// A working consumer of a task's topic.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/code/{client}", tag = "tasks",
    params(("task" = String, Path),
        ("client" = String, Path, description = "dts-sdk, flink, go, java, kcat, node, python or rust"), Whose),
    responses((status = 200, body = Program), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path((task, client)): Path<(String, String)>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Program>, Problem> {
    let Query(whose) =
        whose.map_err(|rejection| Problem::new(Code::Malformed, rejection.body_text()))?;
    let task = TaskName::new(task)?;
    let example = shelf::example(&client).ok_or_else(|| {
        let known: Vec<_> = shelf::EXAMPLES.iter().map(|example| example.client).collect();
        let known = known.join(", ");
        Problem::new(
            Code::InvalidValue,
            format!("there is no program for {client:?}; there are: {known}"),
        )
    })?;
    blocking(move || {
        let topic = app.tasks.view(&task)?.topic;
        let listener = listener(&app, whose.listener.as_deref())?;
        let (login, notes) = login(&app, &task, whose.group.as_deref(), listener)?;
        let tls = listener.tls.is_some();
        let place = Place { broker: broker(listener), topic, login, tls };
        Ok(Json(Program {
            client: example.client.into(),
            files: example.files.iter().map(|file| place.fill(file)).collect(),
            run: example.run().into(),
            notes: notes.into_iter().chain(tls.then(|| TLS_NOTE.to_owned())).collect(),
        }))
    })
    .await
}

fn listener<'a>(app: &'a App, name: Option<&str>) -> Result<&'a ListenerFacts, Problem> {
    let listeners = &app.facts.listeners;
    let found = match name {
        None => listeners.first(),
        Some(name) => listeners.iter().find(|one| one.name.as_deref() == Some(name)),
    };
    found.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("there is no listener {:?}", name.unwrap_or("kafka")))
    })
}

/// What clients connect to. Where they are told what they dialled, somebody on this machine asks.
fn broker(listener: &ListenerFacts) -> String {
    let address = listener.address;
    match listener.advertised.as_str() {
        "auto" if address.ip().is_unspecified() => format!("localhost:{}", address.port()),
        "auto" => address.to_string(),
        advertised => advertised.into(),
    }
}

/// Who reads, and what of it is not known here.
fn login(
    app: &App,
    task: &TaskName,
    name: Option<&str>,
    listener: &ListenerFacts,
) -> Result<(Login, Vec<String>), Problem> {
    let group = match name {
        Some(name) => Some(app.catalog.group(task, name)?.ok_or_else(|| {
            Problem::new(Code::NotFound, format!("task {task} has no group {name:?}"))
        })?),
        None => app.catalog.groups(task)?.into_iter().next(),
    };
    Ok(match (group, listener.login) {
        (group, "none") => {
            let id = group.map_or_else(|| task.to_string(), |group| group.id.to_string());
            (Login { group: id, user: None }, Vec::new())
        }
        (Some(group), "certificate") => {
            (Login { group: group.id.to_string(), user: None }, Vec::new())
        }
        (Some(group), _) => {
            let note = format!(
                "put the password of group {} where {} stands, or into WELLHEAD_PASSWORD",
                group.name,
                fill::PASSWORD
            );
            let user = Some(group.user());
            (Login { group: group.id.to_string(), user }, vec![note])
        }
        (None, _) => {
            let note = format!(
                "task {task} has no group yet; create one with: wellhead group create NAME --task {task}"
            );
            (Login::unknown(), vec![note])
        }
    })
}

const TLS_NOTE: &str = "the listener speaks TLS; where the program does not say so yet, the page of the client in \
    docs/clients tells which setting does";

#[cfg(test)]
mod tests;
