//! One owner per object: what stands in a configuration file is changed there, so that neither an edit
//! of the file nor a call is lost.

use change::{SourceName, TaskName};

use crate::app::App;
use crate::problem::{Code, Problem};

/// Refuses to change a task that a configuration file owns.
pub(crate) fn task_is_ours(app: &App, name: &TaskName) -> Result<(), Problem> {
    let task = app.catalog.task(name)?;
    refuse_owned(&format!("task {name}"), task.and_then(|task| task.spec.owner))
}

/// Refuses to change a source that a configuration file owns.
pub(crate) fn source_is_ours(app: &App, name: &SourceName) -> Result<(), Problem> {
    let source = app.catalog.source(name)?;
    refuse_owned(&format!("source {name}"), source.and_then(|source| source.spec.owner))
}

/// Refuses to change a group that a configuration file owns.
pub(crate) fn group_is_ours(app: &App, task: &TaskName, name: &str) -> Result<(), Problem> {
    let group = app.catalog.group(task, name)?;
    refuse_owned(&format!("group {name}"), group.and_then(|group| group.owner))
}

fn refuse_owned(what: &str, owner: Option<String>) -> Result<(), Problem> {
    let Some(owner) = owner else { return Ok(()) };
    let detail =
        format!("{what} is owned by {owner}; change it there, then start the server again");
    Err(Problem::new(Code::Conflict, detail))
}
