//! `wellhead config`: faults of the configuration, what it comes to, and the running server that reads it
//! again.

use anyhow::Result;
use serde_json::json;
use service::Reloaded;

use crate::cli::{ConfigVerb, Global};
use crate::client::{Client, inputs, load};
use crate::config::{self, Inputs, Loaded};
use crate::output::Answer;

pub(super) async fn run(global: &Global, verb: ConfigVerb) -> Result<Answer> {
    match verb {
        ConfigVerb::Show => {
            let shown = load(global)?.show();
            let result = json!({ "toml": shown });
            Ok(Answer::data(shown, result))
        }
        ConfigVerb::Reload => reload(&Client::new(global)?).await,
        ConfigVerb::Validate { no_secrets } => {
            let loaded = config::check(&Inputs { without_secrets: no_secrets, ..inputs(global) })?;
            let what = match &global.config {
                Some(file) => file.display().to_string(),
                None => "the configuration of flags and environment".into(),
            };
            Ok(valid(&what, loaded.as_ref(), no_secrets))
        }
    }
}

async fn reload(client: &Client) -> Result<Answer> {
    let reloaded: Reloaded = client.post("/api/v1/server/config/reload").await?;
    let mut text = String::from("the configuration was read again\n");
    if !reloaded.restart_for.is_empty() {
        let keys = reloaded.restart_for.join(", ");
        text.push_str(&format!("used only after a restart: {keys}\n"));
    }
    let result = json!({ "restart_for": reloaded.restart_for });
    Ok(Answer::data(text, result))
}

/// What secrets stand for is not counted where they were left alone.
fn valid(what: &str, loaded: Option<&Loaded>, no_secrets: bool) -> Answer {
    let condition = if no_secrets { ", but for what its secrets hold" } else { "" };
    let Some(config) = loaded.filter(|_| !no_secrets).map(|loaded| &loaded.config) else {
        let text = format!("{what} is valid{condition}\n");
        return Answer::data(text, json!({ "no_secrets": no_secrets }));
    };
    let (sources, tasks, groups) = (config.sources.len(), config.tasks.len(), config.groups.len());
    let text = format!(
        "{what} is valid: {}, {}, {}\n",
        counted(sources, "source"),
        counted(tasks, "task"),
        counted(groups, "group"),
    );
    Answer::data(text, json!({ "sources": sources, "tasks": tasks, "groups": groups }))
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
