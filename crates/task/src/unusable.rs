//! A task whose log cannot be opened: it is shown with the reason, and the others run.

use catalog::TaskSpec;
use change::UnixTime;

use crate::error::Error;
use crate::state::{Reason, TaskState, TaskView, Verdict};

/// What is known of such a task.
#[derive(Debug, Clone)]
pub(crate) struct Unusable {
    pub(crate) spec: TaskSpec,
    pub(crate) reason: Reason,
    pub(crate) since: UnixTime,
}

impl Unusable {
    pub(crate) fn new(spec: TaskSpec, error: &Error, since: UnixTime) -> Self {
        let name = &spec.name;
        let reason = Reason {
            code: "log_unusable".into(),
            message: format!("{error}; the server runs without this task"),
            remedy: vec![
                format!("mend what the message names, then: wellhead task start {name}"),
                "stop the server and put a backup in the place of its data folder: wellhead backup \
                 restore"
                    .into(),
                format!("wellhead task delete {name}, then create it again: its topic starts anew"),
            ],
        };
        Self { spec, reason, since }
    }

    pub(crate) fn view(&self, source_url: String) -> TaskView {
        let spec = self.spec.clone();
        TaskView {
            name: spec.name.to_string(),
            title: spec.title,
            source: spec.source.to_string(),
            source_url,
            server: None,
            topic: spec.topic.to_string(),
            tables: spec.include,
            exclude: spec.exclude,
            start: spec.start,
            statements: spec.statements,
            on_table_error: spec.on_table_error,
            state: TaskState::Failed,
            state_since_unix: self.since.seconds(),
            verdict: Verdict::Unknown,
            reason: Some(self.reason.clone()),
            position: None,
            lag_seconds: None,
            data_range: None,
            retry: None,
            warnings: Vec::new(),
            owner: spec.owner,
        }
    }
}
