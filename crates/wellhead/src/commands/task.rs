//! `wellhead task`: change tracking tasks, by the API.

mod choices;

use anyhow::Result;
use serde_json::json;
use service::{Gap, Group, InlineSource, Page, SourcePut, Table, Task, TaskPut};

use super::{choice, confirm};
use crate::cli::{Format, Global, TaskCreate, TaskDelete, TaskName, TaskVerb};
use crate::client::{Client, read_secret, segment};
use crate::config::clean_url;
use crate::exit::Failure;
use crate::output::{Answer, Verdict, bytes, for_this_server, place_and_gtids, table, visible};
use crate::password;

pub(super) async fn run(global: &Global, verb: TaskVerb) -> Result<Answer> {
    let client = Client::new(global)?;
    let answer = match verb {
        TaskVerb::List => list(&client, global.output == Some(Format::Wide)).await,
        TaskVerb::Show(task) => {
            client.get(&path(&task.name)).await.map(|task| Answer::data(shown(&task), json!(task)))
        }
        TaskVerb::Create(args) => create(&client, *args).await,
        TaskVerb::Start(args) => choices::start(&client, global, &args).await,
        TaskVerb::Pause(task) => act(&client, &task.name, "pause").await,
        TaskVerb::Resume(task) => act(&client, &task.name, "resume").await,
        TaskVerb::Table(args) => choices::tables(&client, global, args).await,
        TaskVerb::Event(args) => choices::event(&client, global, &args).await,
        TaskVerb::Delete(args) => delete(&client, global, &args).await,
    };
    let answer = answer.map(|mut answer| {
        answer.text = for_this_server(global, &answer.text);
        answer
    });
    answer.map_err(|error| Failure::with_list(error, "wellhead task list"))
}

/// All tasks, page by page.
pub(super) async fn all(client: &Client) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    let mut page_path = "/api/v1/tasks?page_size=1000".to_owned();
    loop {
        let page: Page<Task> = client.get(&page_path).await?;
        tasks.extend(page.items);
        let Some(token) = page.next_page_token else { return Ok(tasks) };
        page_path = format!("/api/v1/tasks?page_size=1000&page_token={}", segment(&token));
    }
}

pub(super) fn path(task: &str) -> String {
    format!("/api/v1/tasks/{}", segment(task))
}

async fn list(client: &Client, wide: bool) -> Result<Answer> {
    let tasks = all(client).await?;
    let mut rows = vec![head(wide)];
    rows.extend(tasks.iter().map(|task| row(task, wide)));
    let mut answer = Answer::data(table(&rows), json!(tasks));
    if tasks.is_empty() {
        answer.text.clear();
        answer.summary =
            "there is no task; create one with: wellhead task create NAME --source URL --tables 'shop.*'"
                .into();
    }
    Ok(answer)
}

fn head(wide: bool) -> Vec<String> {
    let more: &[&str] = if wide { &["TABLES", "POSITION", "SERVER"] } else { &[] };
    let always = ["NAME", "STATE", "VERDICT", "LAG", "SOURCE", "TOPIC"];
    always.iter().chain(more).map(ToString::to_string).collect()
}

fn row(task: &Task, wide: bool) -> Vec<String> {
    let mut cells = vec![
        task.name.clone(),
        task.state.clone(),
        verdict(task),
        lag(task),
        task.source.name.clone(),
        task.topic.clone(),
    ];
    if wide {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        cells.push(task.tables.join(","));
        cells.push(or_dash(&task.position.as_deref().map(place_and_gtids)));
        cells.push(or_dash(&task.source.server));
    }
    cells
}

/// How it goes, and that it does not go for all tables.
fn verdict(task: &Task) -> String {
    match task.held_table_count {
        None | Some(0) => task.verdict.clone(),
        Some(1) => format!("{}, 1 table held", task.verdict),
        Some(count) => format!("{}, {count} tables held", task.verdict),
    }
}

/// Unknown is never shown as a number.
fn lag(task: &Task) -> String {
    task.lag_seconds.map_or_else(|| "-".into(), |lag| format!("{lag:.1} s"))
}

fn shown(task: &Task) -> String {
    let mut rows = Vec::new();
    let mut line = |what: &str, text: String| rows.push(vec![what.to_owned(), text]);
    let title = if task.title.is_empty() { String::new() } else { format!(" ({})", task.title) };
    line("task", format!("{}{title}", task.name));
    line("state", format!("{} since {}, {}", task.state, task.state_since, task.verdict));
    if let Some(reason) = &task.reason {
        line("reason", format!("{}: {}", reason.code, reason.message));
        for remedy in &reason.remedy {
            line("", choice(remedy));
        }
    }
    if let Some(retry) = &task.retry {
        line(
            "retry",
            format!("{} so far, next at {}, until {}", retry.count, retry.next_at, retry.until),
        );
    }
    let source = &task.source;
    let server = source.server.as_deref().unwrap_or("not connected");
    line("source", format!("{} {} ({server})", source.name, source.url));
    line("tables", task.tables.join(" "));
    if !task.exclude.is_empty() {
        line("without", task.exclude.join(" "));
    }
    line("topic", task.topic.clone());
    if let Some((time, unix)) = task.start_time.as_ref().zip(task.start_time_unix) {
        line("start", format!("{time} (@{unix})"));
    }
    let position = task.position.as_deref().map(place_and_gtids);
    line("position", position.unwrap_or_else(|| "nothing was read yet".into()));
    line("lag", if task.lag_seconds.is_some() { lag(task) } else { "unknown".into() });
    line("data", data(task));
    if let Some(owner) = &task.owner {
        line("owner", owner.clone());
    }
    for table in task.held_tables.iter().flatten() {
        line("held", held(table));
        for choice in table_choices(&task.name, table) {
            line("", choice);
        }
    }
    for known in task.gaps.iter().flatten() {
        line("gap", gap(known));
    }
    for warning in &task.warnings {
        line("warning", warning.clone());
    }
    table(&rows)
}

fn held(table: &Table) -> String {
    let Some(held) = &table.held else { return table.name.clone() };
    let decided = match held.decision.as_str() {
        "pending" => String::new(),
        decision => format!(", {decision} is under way"),
    };
    let (what, _) = told(&held.message);
    format!("{} since {}: {}: {what}{decided}", table.name, held.since, held.code)
}

/// What happened to a held table, and the advice behind it that is no command.
fn told(message: &str) -> (&str, Option<&str>) {
    match message.split_once(". Choose: ") {
        None => (message, None),
        Some((what, more)) => (what, more.find("SET GLOBAL").and_then(|at| more.get(at..))),
    }
}

/// The commands that decide about a held table, a line each.
fn table_choices(task: &str, table: &Table) -> Vec<String> {
    let Some(held) = &table.held else { return Vec::new() };
    let command = format!("wellhead task table {task} {}", table.name);
    let mut choices = vec![
        format!("{command} retry"),
        format!(
            "{command} retry --definition FILE, where FILE holds its CREATE TABLE as it was there"
        ),
        format!("{command} skip"),
    ];
    choices.extend(told(&held.message).1.map(ToOwned::to_owned));
    choices.iter().map(|remedy| choice(remedy)).collect()
}

fn gap(gap: &Gap) -> String {
    let what = match (&gap.table, &gap.event) {
        (Some(table), _) => format!("of {table} "),
        (None, Some(event)) => format!("of the {} at {} ", event.kind, event.place),
        (None, None) => String::new(),
    };
    let end = |word: &str, position: &Option<String>, time: &Option<String>| {
        let position = position.as_deref().map(place_and_gtids)?;
        let position = format!("{word} {position} ");
        let time = time.as_ref().map(|time| format!("({time}) ")).unwrap_or_default();
        Some(format!("{position}{time}"))
    };
    let from = end("from", &gap.from_position, &gap.from_time).unwrap_or_default();
    let to = end("to", &gap.to_position, &gap.to_time).unwrap_or_default();
    format!("{}: {what}{from}{to}accepted by {} at {}", gap.cause, gap.who, gap.at)
}

fn data(task: &Task) -> String {
    match &task.data_range {
        Some(range) => format!(
            "{} to {}, offsets {} to {}, {}",
            range.begin,
            range.end,
            range.begin_offset,
            range.end_offset.saturating_sub(1),
            bytes(range.bytes)
        ),
        None => "no records yet".into(),
    }
}

async fn create(client: &Client, args: TaskCreate) -> Result<Answer> {
    let name = args.name.clone();
    let body = specification(args)?;
    let task: Task = client.put(&path(&name), &body).await?;
    Ok(created(&task))
}

fn specification(args: TaskCreate) -> Result<TaskPut> {
    let TaskCreate { source, password_file, tls, ca, mut tables, exclude, .. } = args;
    let source = if source.contains("://") {
        let clean = clean_url(&source).map_err(|error| Failure::usage(error.to_string()))?;
        if let (Some(database), true) = (&clean.database, tables.is_empty()) {
            tables.push(format!("{database}.*"));
        }
        let password = match (password_file, clean.password) {
            (Some(file), _) => Some(read_secret(&file)?),
            (None, Some(password)) => Some(password.expose().to_owned()),
            (None, None) => password::ask_on_terminal(&clean.url)?,
        };
        let ca = ca.or(clean.ca).map(|path| path.to_string_lossy().into_owned());
        let tls = tls.or(clean.tls.map(|mode| mode.to_string()));
        SourcePut::Inline(InlineSource { url: clean.url, password, tls, ca })
    } else {
        if password_file.is_some() || tls.is_some() || ca.is_some() {
            return Err(Failure::usage(format!(
                "--password-file, --tls and --ca belong to a database given as URL; source {source} has its own"
            ))
            .into());
        }
        SourcePut::Named(source)
    };
    if tables.is_empty() {
        return Err(Failure::usage(
            "what shall be tracked? give --tables 'shop.*', or name a database in the URL",
        )
        .into());
    }
    Ok(TaskPut {
        source,
        objects: service::Objects::new(),
        tables,
        exclude,
        start: args.start,
        ops: None,
        ddl_scope: args.ddl_scope,
        on_table_error: args.on_table_error,
        keep: None,
        topic: args.topic,
        title: args.title,
        auto_start: args.auto_start,
    })
}

/// What became of a created task. A failed precheck is a bad answer; the task is there nevertheless.
fn created(task: &Task) -> Answer {
    let (name, state) = (&task.name, task.state.as_str());
    let mut answer = Answer::done(String::new(), json!(task));
    answer.summary = match (state, &task.reason) {
        ("not_started", _) => {
            let from = task.start_time.as_ref().zip(task.start_time_unix);
            let from = from.map(|(time, unix)| format!(" and will read from {time} (@{unix}) on"));
            let from = from.unwrap_or_default();
            format!("task {name} is ready{from}; start it with: wellhead task start {name}")
        }
        ("precheck_failed", Some(reason)) => {
            answer.verdict = Verdict::Bad;
            let fixes = reason.remedy.iter().map(|remedy| format!("\n  fix: {}", visible(remedy)));
            format!(
                "task {name} is defined, but its source is not fit: {}{}\nlook at everything with: wellhead check URL; then: wellhead task start {name}",
                reason.message,
                fixes.collect::<String>()
            )
        }
        _ => format!("task {name} is {state}; look at it with: wellhead task show {name}"),
    };
    for warning in &task.warnings {
        answer.summary.push_str(&format!("\n  warning: {}", visible(warning)));
    }
    answer
}

async fn act(client: &Client, name: &str, act: &str) -> Result<Answer> {
    let task: Task = client.post(&format!("{}/{act}", path(name))).await?;
    Ok(started(&task))
}

/// The state that a task was brought to, and the next command.
fn started(task: &Task) -> Answer {
    let name = &task.name;
    let more = match task.state.as_str() {
        "initial" => format!("; follow it with: wellhead task show {name}"),
        "stopped" => format!("; go on with: wellhead task resume {name}"),
        _ => String::new(),
    };
    Answer::done(format!("task {name} is {}{more}", task.state), json!(task))
}

async fn delete(client: &Client, global: &Global, args: &TaskDelete) -> Result<Answer> {
    let TaskDelete { task: TaskName { name }, dry_run } = args;
    let task: Task = client.get(&path(name)).await?;
    let groups: Page<Group> = client.get(&format!("{}/groups", path(name))).await?;
    let names: Vec<&str> = groups.items.iter().map(|group| group.name.as_str()).collect();
    let plan = deletion(&task, &names);
    if *dry_run {
        return Ok(Answer::data(format!("{}\n", visible(&plan)), json!({ "summary": plan })));
    }
    confirm(global, &plan, &format!("delete task {name}?"))?;
    client.delete(&path(name)).await?;
    Ok(Answer::done(format!("task {name} is deleted"), json!({ "name": name })))
}

fn deletion(task: &Task, groups: &[&str]) -> String {
    let groups = match groups {
        [] => "no consumer groups".into(),
        names => format!("the consumer groups {} with their checkpoints", names.join(", ")),
    };
    format!(
        "this destroys task {}, its topic {} ({}), and {groups}; nothing changes in {}",
        task.name,
        task.topic,
        data(task),
        task.source.url
    )
}

#[cfg(test)]
mod tests;
