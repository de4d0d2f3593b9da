//! `wellhead tap URL`: one source, one task, one topic, loopback only, nothing to configure.
//!
//! Started again on the same data folder it goes on where it was.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use broker::{Access, Advertised, ListenerSettings, Mechanism};
use budget::Budget;
use capture::{CheckItem, CheckResult, Selection};
use catalog::{
    Catalog, OnTableError, Operations, Secret, SourceSpec, StartAt, StatementScope, TaskSpec,
};
use change::{Clock, SourceName, SystemClock, TaskName, TopicName};
use kafka::batch::Compression;
use mysql::connection::Timeouts;
use task::{TaskState, TaskView};

use crate::certificates::Certificates;
use crate::cli::{TAP_DATA_DIR, TapArgs};
use crate::commands::check::{CONNECTION, remedies, said};
use crate::commands::choice;
use crate::config::{CleanUrl, Log, LogFormat, LogLevel, MemoryBudget, clean_url};
use crate::data_dir::DataDir;
use crate::exit::Failure;
use crate::memory::budget_bytes;
use crate::open_files;
use crate::output::{place, with_flags};
use crate::password;
use crate::server::{Server, Settings, asked_to_stop};
use crate::sources::endpoint;
use crate::tracing_output;

/// How long the first lines wait for the source to be reached.
const FIRST_CONTACT: Duration = Duration::from_secs(5);
/// Reserve on the disk, as `storage.min_free` has it by default.
const MIN_FREE_PERCENT: u64 = 5;
const GRACE: Duration = Duration::from_secs(5);

/// Taps until asked to stop.
pub(crate) async fn run(args: TapArgs) -> Result<()> {
    let started = Instant::now();
    // A person reads this, also where it goes through a pipe or into a file.
    tracing_output::install(&Log { level: LogLevel::Warn, format: LogFormat::Text });
    if !args.kafka.ip().is_loopback() || !args.http.ip().is_loopback() {
        bail!(Failure::usage(
            "tap lets clients in without a password, so it listens on loopback only; use wellhead serve with groups for others"
        ));
    }
    let (source, task) = specs(&args)?;
    let _at_most = open_files::raise();
    let data_dir = DataDir::open(&args.data_dir)?;
    let catalog = Catalog::open(data_dir.path())?;
    let known = is_known(&catalog, &source, &task, data_dir.path())?;
    let mut out = std::io::stdout();
    let mut tables = None;
    if !known {
        let items = precheck(&source, &task).await?;
        if let Some(connection) = failed(&items).find(|item| item.name == CONNECTION) {
            bail!(Failure::environment(unreachable(connection)));
        }
        say(&mut out, &checked(&items))?;
        if failed(&items).next().is_some() {
            bail!(Failure::bad_answer(
                "the source cannot be tapped yet; mend what failed and try again"
            ));
        }
        tables = found(&items, "tables").map(ToOwned::to_owned);
    }
    catalog.put_source(&source)?;
    let settings = settings(&args, &data_dir)?;
    let server = Server::start(data_dir, catalog, settings).await?;
    let view = start_task(&server, task.clone()).await?;
    let told = tracking(&view, tables.as_deref(), known);
    say(&mut out, &with_flags(&elsewhere(&args.data_dir), &told))?;
    say(&mut out, &reading(&server, &view, &args.data_dir, started.elapsed()))?;
    asked_to_stop().await?;
    let tasks = server.tasks.clone();
    server.stop().await?;
    let position = tasks.view(&task.name)?.position.map(|position| place(&position));
    let at = position.map_or_else(|| "before anything was read".into(), |at| format!("at {at}"));
    say(&mut out, &format!("stopped {at}; start again with the same command to go on\n"))
}

/// The source and the task that the arguments describe.
fn specs(args: &TapArgs) -> Result<(SourceSpec, TaskSpec)> {
    let CleanUrl { url, password, tls, ca, database } =
        clean_url(&args.url).map_err(|error| Failure::usage(error.to_string()))?;
    let include = match (&database, args.tables.as_slice()) {
        (_, tables) if !tables.is_empty() => tables.to_vec(),
        (Some(database), _) => vec![format!("{database}.*")],
        (None, _) => bail!(Failure::usage(
            "what shall be tracked? name a database in the URL (mysql://user@host/shop), or give --tables 'shop.*'"
        )),
    };
    Selection::new(&include, &args.exclude).map_err(|error| Failure::usage(error.to_string()))?;
    let name = args.name.clone().or(database).unwrap_or_else(|| "tap".into());
    let name =
        TaskName::new(name).map_err(|e| Failure::usage(format!("{e}; give another --name")))?;
    let topic = args.topic.clone().unwrap_or_else(|| name.to_string());
    let start = StartAt::parse(&args.start, SystemClock.now())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let given_tls = args.tls.as_deref().map(str::parse).transpose()?;
    let kind = url.split_once("://").map_or("mysql", |(scheme, _)| scheme).to_owned();
    let mut source = SourceSpec {
        name: SourceName::new(name.as_str())?,
        kind,
        url,
        password,
        tls: given_tls.or(tls).unwrap_or_default(),
        ca: args.ca.clone().or(ca),
        server_id: None,
        owner: None,
    };
    if source.password.is_none() {
        let endpoint = endpoint(&source).map_err(|error| Failure::usage(error.message))?;
        let who = format!("{}@{}", endpoint.user, endpoint.address());
        source.password = password::ask_on_terminal(&who)?.map(Secret::new);
    }
    let task = TaskSpec {
        topic: TopicName::new(topic).map_err(|e| Failure::usage(e.to_string()))?,
        title: String::new(),
        source: source.name.clone(),
        include,
        exclude: args.exclude.clone(),
        operations: Operations::All,
        statements: StatementScope::default(),
        on_table_error: OnTableError::default(),
        start,
        retention: None,
        max_bytes: None,
        owner: None,
        name,
    };
    Ok((source, task))
}

/// Whether the data folder holds this task already. One that holds only others is not touched.
fn is_known(
    catalog: &Catalog,
    source: &SourceSpec,
    task: &TaskSpec,
    folder: &Path,
) -> Result<bool> {
    let tasks = catalog.tasks()?;
    let own = tasks.iter().find(|kept| kept.spec.name == task.name);
    let Some(kept) = own.or(tasks.first()) else { return Ok(false) };
    let url = catalog.source(&kept.spec.source)?.map(|kept| kept.spec.url).unwrap_or_default();
    if own.is_some() && server_of(&url) == server_of(&source.url) {
        return Ok(true);
    }
    bail!(Failure::environment(format!(
        "the data folder {} belongs to task {}, which reads {url}; give another --data-dir for {}",
        folder.display(),
        kept.spec.name,
        source.url
    )))
}

/// The part of a URL that says which server it is: account and database may differ.
fn server_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

async fn precheck(source: &SourceSpec, task: &TaskSpec) -> Result<Vec<CheckItem>> {
    let endpoint = endpoint(source).map_err(|error| Failure::usage(error.message))?;
    let selection = Selection::new(&task.include, &task.exclude)?;
    let look =
        move || mysql::precheck::precheck(&endpoint, Timeouts::default(), &selection, &SystemClock);
    tokio::task::spawn_blocking(look).await.context("the check ended early")
}

/// Items that make a capture impossible.
fn failed(items: &[CheckItem]) -> impl Iterator<Item = &CheckItem> {
    items.iter().filter(|item| item.result == CheckResult::Failed && !item.can_skip)
}

/// Why the server cannot be reached, and what mends it.
fn unreachable(connection: &CheckItem) -> String {
    let mut text = connection.found.clone();
    for remedy in remedies(connection) {
        text.push_str(&format!("\n       fix: {remedy}"));
    }
    text
}

/// What was found, where it is fine.
fn found<'a>(items: &'a [CheckItem], name: &str) -> Option<&'a str> {
    let item = items.iter().find(|item| item.name == name && item.result == CheckResult::Ok);
    item.map(|item| item.found.as_str())
}

/// One line on what is fine, then what is not.
fn checked(items: &[CheckItem]) -> String {
    let mut fine: Vec<_> = [CONNECTION, "binlog_format", "binlog_row_image"]
        .into_iter()
        .filter_map(|name| found(items, name).map(ToOwned::to_owned))
        .collect();
    fine.extend(found(items, "binlog_files").map(|files| format!("binlog of {files}")));
    let mut text = String::new();
    if !fine.is_empty() {
        text.push_str(&format!("  ok  {}\n", fine.join(", ")));
    }
    for item in items {
        let mark = match item.result {
            CheckResult::Ok | CheckResult::Skipped => continue,
            CheckResult::Warn => "!   ",
            CheckResult::Failed => "FAIL",
        };
        text.push_str(&format!("  {mark}  {}: {}\n", item.name, said(item)));
        for remedy in remedies(item) {
            text.push_str(&format!("        fix: {remedy}\n"));
        }
    }
    text
}

/// Starts the task and waits a little for its first contact, so that the first lines can say where it
/// stands.
async fn start_task(server: &Server, spec: TaskSpec) -> Result<TaskView> {
    let name = spec.name.clone();
    let tasks = server.tasks.clone();
    let start = move || -> Result<TaskView> {
        let view = tasks.put(spec)?;
        if view.state.is_running() {
            return Ok(view);
        }
        Ok(tasks.start(&view_name(&view)?)?)
    };
    tokio::task::spawn_blocking(start).await.context("starting the task ended early")??;
    let deadline = Instant::now() + FIRST_CONTACT;
    loop {
        let view = server.tasks.view(&name)?;
        let settled = match view.state {
            TaskState::Initial => false,
            TaskState::Normal => view.position.is_some(),
            _ => true,
        };
        if settled || Instant::now() >= deadline {
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn view_name(view: &TaskView) -> Result<TaskName> {
    Ok(TaskName::new(view.name.clone())?)
}

fn tracking(view: &TaskView, tables: Option<&str>, known: bool) -> String {
    let place = view.position.as_deref().map_or_else(|| "the first change".into(), place);
    match (&view.reason, known) {
        (Some(reason), _) => {
            let mut text = format!("  !   task {}: {}\n", view.name, reason.message);
            for remedy in &reason.remedy {
                text.push_str(&format!("        {}\n", choice(remedy)));
            }
            text
        }
        (None, true) => format!("  ok  task {}: goes on from {place}\n", view.name),
        (None, false) => {
            let patterns = view.tables.join(", ");
            let tables = tables.map_or(patterns.clone(), |found| format!("{found} ({patterns})"));
            format!("  ok  task {}: {tables}, live from {place}\n", view.name)
        }
    }
}

fn reading(server: &Server, view: &TaskView, data_dir: &Path, took: Duration) -> String {
    let Server { kafka, http, .. } = server;
    let TaskView { name, topic, .. } = view;
    let at = elsewhere(data_dir);
    let data_dir = data_dir.display();
    let seconds = took.as_secs_f64();
    format!(
        "kafka {kafka}   topic: {topic} (Avro, DTS)\n\
         api http://{http}   data {data_dir}   ready in {seconds:.1} s\n\
         read it:  wellhead tail {name} -f{at}\n          \
         wellhead code {name} --client python{at}\n"
    )
}

/// The other verbs look where tap keeps its data by default, and elsewhere only when told.
fn elsewhere(data_dir: &Path) -> String {
    match data_dir.display().to_string() {
        folder if folder == TAP_DATA_DIR => String::new(),
        folder => format!(" --data-dir {folder}"),
    }
}

fn settings(args: &TapArgs, data_dir: &DataDir) -> Result<Settings> {
    let total = log::durable::total_bytes(data_dir.path())
        .with_context(|| format!("the disk of {} cannot be asked", data_dir.path().display()))?;
    let budget = Budget::new(budget_bytes(MemoryBudget::Auto));
    Ok(Settings {
        kafka: vec![ListenerSettings {
            name: None,
            address: args.kafka,
            advertised: Advertised::Dialled,
            access: Access::Anonymous,
            mechanisms: Mechanism::ALL.to_vec(),
            tls: None,
        }],
        broker: broker::Settings { budget: budget.clone(), ..broker::Settings::default() },
        http: args.http,
        certificates: Certificates::default(),
        reload: None,
        task: task::Settings {
            log_dir: data_dir.logs(),
            disk: Arc::new(log::durable::RealDisk),
            segment_bytes: 256 << 20,
            compression: Compression::Lz4,
            sync_interval: Duration::from_millis(5),
            heartbeat: Duration::from_secs(5),
            queue_bytes: 16 << 20,
            budget: budget.clone(),
            min_free_bytes: total / 100 * MIN_FREE_PERCENT,
            retry_for: Duration::from_secs(7 * 24 * 3600),
            retry_max_interval: Duration::from_secs(60),
            retention: Duration::from_secs(24 * 3600),
            retention_bytes: None,
        },
        budget,
        grace: GRACE,
    })
}

fn say(out: &mut impl Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output is closed")
}
