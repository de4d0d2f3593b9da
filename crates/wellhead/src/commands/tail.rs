//! `wellhead tail`: the records of a task, or of the tables that a pattern names, as they are in the log.
//!
//! First what is there, then with `-f` what comes, by long polls of the API, one for each task.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use service::{RecordItem, RecordsPage, Task};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::form::Form;
use super::task::{all, path};
use crate::cli::{Global, TailArgs};
use crate::client::{Client, segment};
use crate::exit::Failure;
use crate::output::{to_stderr, visible};

/// Prints records until there are no more, or with `-f` until Ctrl-C.
pub(crate) async fn run(global: &Global, args: &TailArgs) -> Result<()> {
    let form = Form::of(global.output)?;
    let client = Client::new(global)?;
    let (tasks, table) = target(all(&client).await?, args)?;
    if !global.quiet {
        to_stderr(&tasks.iter().filter_map(standstill).collect::<String>());
    }
    let tail = Tail {
        client,
        selection: selection(global, args, table.as_deref(), form),
        several: tasks.len() > 1,
        form,
        printed: 0,
        left: args.start.as_ref().and(args.count),
    };
    if !args.follow {
        return tail.run(&tasks, global, args).await;
    }
    tokio::select! {
        ended = tail.run(&tasks, global, args) => ended,
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

#[derive(Debug)]
struct Tail {
    client: Client,
    /// The part of each query that says which records, and how they are answered.
    selection: String,
    /// Whether records of several tasks are mixed.
    several: bool,
    form: Form,
    printed: usize,
    /// How many records may still be printed, where that is limited.
    left: Option<usize>,
}

/// Records of one task.
#[derive(Debug)]
struct Piece {
    task: String,
    items: Vec<RecordItem>,
}

/// Whether whoever reads standard output wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    More,
    Enough,
}

const LAST_DEFAULT: usize = 20;
/// The most records that the API answers at once.
const PAGE_MAX: usize = 1000;
const WAIT: Duration = Duration::from_secs(20);
/// Pause between two empty answers, should the server give them at once because it is stopping.
const PAUSE: Duration = Duration::from_millis(250);
/// Pieces that wait to be printed.
const PIECES_MAX: usize = 4;

impl Tail {
    async fn run(mut self, tasks: &[Task], global: &Global, args: &TailArgs) -> Result<()> {
        let mut places = Vec::new();
        let wanted = match &args.start {
            Some(start) => self.from(tasks, start, &mut places).await?,
            None => self.last(tasks, args.count.unwrap_or(LAST_DEFAULT), &mut places).await?,
        };
        if wanted == Wanted::Enough {
            return Ok(());
        }
        if args.follow {
            return self.follow(places).await;
        }
        if self.printed == 0 && !global.quiet {
            to_stderr("no such records yet; wait for some with -f\n");
        }
        Ok(())
    }

    /// The last `count` records of all tasks together.
    async fn last(
        &mut self,
        tasks: &[Task],
        count: usize,
        places: &mut Vec<(String, i64)>,
    ) -> Result<Wanted> {
        if count > PAGE_MAX {
            bail!(Failure::usage(format!(
                "-n shows at most the last {PAGE_MAX} records; for more give a --start"
            )));
        }
        let mut newest: Vec<(String, RecordItem)> = Vec::new();
        for task in tasks {
            let asked = if count == 0 { "from=end".into() } else { format!("last={count}") };
            let page = self.page(&task.name, &asked).await?;
            newest.extend(page.items.into_iter().map(|item| (task.name.clone(), item)));
            places.push((task.name.clone(), page.next_from));
        }
        if self.several {
            newest.sort_by_key(|(_, item)| item.timestamp_ms);
        }
        let surplus = newest.len().saturating_sub(count);
        for (task, item) in newest.into_iter().skip(surplus) {
            if self.print(&Piece { task, items: vec![item] })? == Wanted::Enough {
                return Ok(Wanted::Enough);
            }
        }
        Ok(Wanted::More)
    }

    /// Everything from a place on, task by task.
    async fn from(
        &mut self,
        tasks: &[Task],
        start: &str,
        places: &mut Vec<(String, i64)>,
    ) -> Result<Wanted> {
        for task in tasks {
            let mut from = segment(start);
            loop {
                let limit = self.left.map_or(PAGE_MAX, |left| left.min(PAGE_MAX));
                if limit == 0 {
                    return Ok(Wanted::Enough);
                }
                let page = self.page(&task.name, &format!("from={from}&limit={limit}")).await?;
                let next = page.next_from;
                let piece = Piece { task: task.name.clone(), items: page.items };
                if self.print(&piece)? == Wanted::Enough {
                    return Ok(Wanted::Enough);
                }
                if next >= page.end_offset {
                    places.push((task.name.clone(), next));
                    break;
                }
                from = next.to_string();
            }
        }
        Ok(Wanted::More)
    }

    async fn follow(mut self, places: Vec<(String, i64)>) -> Result<()> {
        let (sender, mut pieces) = mpsc::channel(PIECES_MAX);
        let mut followers = JoinSet::new();
        for (task, from) in places {
            let client = self.client.clone().with_patience(WAIT);
            followers.spawn(follow_one(client, task, from, self.selection.clone(), sender.clone()));
        }
        drop(sender);
        while let Some(piece) = pieces.recv().await {
            if self.print(&piece?)? == Wanted::Enough {
                break;
            }
        }
        followers.shutdown().await;
        Ok(())
    }

    async fn page(&self, task: &str, which: &str) -> Result<RecordsPage> {
        let selection = &self.selection;
        self.client.get(&format!("{}/records?{which}{selection}", path(task))).await
    }

    fn print(&mut self, piece: &Piece) -> Result<Wanted> {
        let mut text = String::new();
        for item in piece.items.iter().take(self.left.unwrap_or(usize::MAX)) {
            let task = self.several.then_some(piece.task.as_str());
            text.push_str(&line(item, task, self.form));
            text.push('\n');
            self.printed = self.printed.saturating_add(1);
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) if self.left == Some(0) => Ok(Wanted::Enough),
            Ok(()) => Ok(Wanted::More),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Wanted::Enough),
            Err(error) => {
                bail!(Failure::environment(format!("standard output cannot be written: {error}")))
            }
        }
    }
}

/// Which tasks, and the pattern of tables when it was one.
fn target(tasks: Vec<Task>, args: &TailArgs) -> Result<(Vec<Task>, Option<String>)> {
    let wanted = &args.target;
    let names: Vec<String> = tasks.iter().map(|task| task.name.clone()).collect();
    let is_wanted = |task: &Task| task.name == *wanted || task.topic == *wanted;
    if tasks.iter().any(is_wanted) {
        return Ok((tasks.into_iter().filter(is_wanted).collect(), args.table.clone()));
    }
    if names.is_empty() {
        bail!(Failure::usage(
            "there is no task; create one with: wellhead task create NAME --source URL --tables 'shop.*'"
        ));
    }
    if !wanted.contains('.') {
        bail!(Failure::usage(format!(
            "there is no task {wanted}; there are: {} (a pattern of tables has a dot, like 'shop.orders')",
            names.join(", ")
        )));
    }
    if args.table.is_some() {
        bail!(Failure::usage(format!(
            "{wanted} is no task, so it is a pattern of tables; give that or --table, not both"
        )));
    }
    Ok((tasks, Some(wanted.clone())))
}

/// Why no new records come from a task, so that nobody waits for them in vain.
fn standstill(task: &Task) -> Option<String> {
    if matches!(task.state.as_str(), "normal" | "initial") {
        return None;
    }
    let why = task.reason.as_ref().map(|reason| format!(": {}", visible(&reason.message)));
    Some(format!("note: task {} is {}{}\n", task.name, task.state, why.unwrap_or_default()))
}

fn selection(global: &Global, args: &TailArgs, table: Option<&str>, form: Form) -> String {
    let mut query = format!("&format={}", form.word());
    if let Some(table) = table {
        query.push_str(&format!("&table={}", segment(table)));
    }
    if !args.op.is_empty() {
        query.push_str(&format!("&op={}", segment(&args.op.join(","))));
    } else if global.verbose {
        query.push_str("&op=all");
    }
    query
}

/// Hands on the new records of one task until nobody takes them or the server is gone.
async fn follow_one(
    client: Client,
    task: String,
    mut from: i64,
    selection: String,
    pieces: mpsc::Sender<Result<Piece>>,
) {
    let base = path(&task);
    let wait_ms = WAIT.as_millis();
    loop {
        let asked = Instant::now();
        let url =
            format!("{base}/records?from={from}&limit={PAGE_MAX}&wait_ms={wait_ms}{selection}");
        let page: Result<RecordsPage> = client.get(&url).await;
        let piece = page.map(|page| {
            from = page.next_from;
            Piece { task: task.clone(), items: page.items }
        });
        let (failed, empty) = (piece.is_err(), piece.as_ref().is_ok_and(|p| p.items.is_empty()));
        if !empty && pieces.send(piece).await.is_err() || failed {
            return;
        }
        if empty && asked.elapsed() < PAUSE {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn line(item: &RecordItem, task: Option<&str>, form: Form) -> String {
    let RecordItem { offset, timestamp_ms, record, text, hex, error, .. } = item;
    if form == Form::Json {
        let mut object = Map::new();
        if let Some(task) = task {
            object.insert("task".into(), task.into());
        }
        object.insert("offset".into(), (*offset).into());
        object.insert("timestamp_ms".into(), (*timestamp_ms).into());
        if let Some(Value::Object(fields)) = record {
            object.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        if let Some(error) = error {
            object.insert("error".into(), error.as_str().into());
        }
        return Value::Object(object).to_string();
    }
    let task = task.map(|task| format!("{task} ")).unwrap_or_default();
    let content = [text, hex, error].into_iter().flatten().next().map_or("", String::as_str);
    match form {
        Form::Hex => format!("{task}{offset} {timestamp_ms} {content}"),
        _ => format!("{task}{offset} {}", visible(content)),
    }
}

#[cfg(test)]
mod tests;
