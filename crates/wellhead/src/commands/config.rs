//! `wellhead config`: faults of the configuration, and what it comes to.

use anyhow::Result;
use serde_json::json;

use crate::cli::{ConfigVerb, Global};
use crate::client::load;
use crate::output::Answer;

pub(super) fn run(global: &Global, verb: ConfigVerb) -> Result<Answer> {
    let loaded = load(global)?;
    let config = &loaded.config;
    Ok(match verb {
        ConfigVerb::Show => {
            let shown = loaded.show();
            let result = json!({ "toml": shown });
            Answer::data(shown, result)
        }
        ConfigVerb::Validate => {
            let (sources, tasks, groups) =
                (config.sources.len(), config.tasks.len(), config.groups.len());
            let what = match &global.config {
                Some(file) => file.display().to_string(),
                None => "the configuration of flags and environment".into(),
            };
            let text = format!(
                "{what} is valid: {}, {}, {}\n",
                counted(sources, "source"),
                counted(tasks, "task"),
                counted(groups, "group"),
            );
            Answer::data(text, json!({ "sources": sources, "tasks": tasks, "groups": groups }))
        }
    })
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
