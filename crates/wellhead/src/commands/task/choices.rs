//! `wellhead task start --start`, `task table`, `task event`: what people decide when a task cannot go
//! on by itself. What leaves changes out is planned first, shown, and asked about.

use anyhow::Result;
use serde_json::json;
use service::{Event, EventSkip, Page, Plan, Table, TableRetry, Task, TaskStart};

use super::{held, path, started, table_choices};
use crate::cli::{Global, TableAct, TaskEvent, TaskStartArgs, TaskTable};
use crate::client::{Client, segment};
use crate::commands::confirm;
use crate::exit::Failure;
use crate::output::{Answer, bytes, place, place_and_gtids, table, visible};

/// Bytes of an event that are shown without `--verbose`.
const SHOWN_BYTES: usize = 256;
const LINE_BYTES: usize = 16;

pub(super) async fn start(
    client: &Client,
    global: &Global,
    args: &TaskStartArgs,
) -> Result<Answer> {
    let TaskStartArgs { name, start, accept_gap, dry_run } = args;
    let path = format!("{}/start", path(name));
    let body = TaskStart { start: start.clone(), accept_gap: *accept_gap };
    if *dry_run || start.is_some() {
        let plan: Plan = client.post_json(&format!("{path}?dry_run=true"), &body).await?;
        if *dry_run {
            return Ok(planned(&plan));
        }
        // Without the flag the server refuses, and says what is missing.
        if plan.gap.is_some() && *accept_gap {
            confirm(global, &worded(&plan), &format!("start task {name} behind that gap?"))?;
        }
    }
    let task: Task = client.post_json(&path, &body).await?;
    Ok(started(&task))
}

pub(super) async fn tables(client: &Client, global: &Global, args: TaskTable) -> Result<Answer> {
    let TaskTable { name, table, act, definition, dry_run } = args;
    let (Some(table), Some(act)) = (&table, act) else {
        return list(client, &name, table.as_deref()).await;
    };
    let path = format!("{}/tables/{}", path(&name), segment(table));
    let task: Task = match act {
        TableAct::Retry => {
            if dry_run {
                return Err(
                    Failure::usage("retry leaves nothing out; --dry-run is for skip").into()
                );
            }
            let definition = definition.map(|file| {
                std::fs::read_to_string(&file).map_err(|error| {
                    Failure::usage(format!("{} cannot be read: {error}", file.display()))
                })
            });
            let body = TableRetry { definition: definition.transpose()? };
            client.post_json(&format!("{path}/retry"), &body).await?
        }
        TableAct::Skip => {
            if definition.is_some() {
                return Err(Failure::usage("--definition belongs to retry").into());
            }
            let plan: Plan = client.post(&format!("{path}/skip?dry_run=true")).await?;
            if dry_run {
                return Ok(planned(&plan));
            }
            confirm(global, &worded(&plan), &format!("leave those changes of {table} out?"))?;
            client.post(&format!("{path}/skip")).await?
        }
    };
    let what = match act {
        TableAct::Retry => "what was held back of it is read again",
        TableAct::Skip => "what was held back of it is left out",
    };
    let summary = match task.state.as_str() {
        "initial" | "normal" | "error" => {
            format!("table {table}: {what}; follow it with: wellhead task table {name}")
        }
        state => format!(
            "table {table}: {what}, once task {name}, which is {state}, runs: wellhead task start {name}"
        ),
    };
    Ok(Answer::done(summary, json!(task)))
}

pub(super) async fn event(client: &Client, global: &Global, args: &TaskEvent) -> Result<Answer> {
    let TaskEvent { name, skip, dry_run } = args;
    let event_path = format!("{}/event", path(name));
    let event: Event = client.get(&event_path).await?;
    if !skip {
        let all = if global.verbose { usize::MAX } else { SHOWN_BYTES };
        return Ok(Answer::data(shown(name, &event, all), json!(event)));
    }
    let body = EventSkip { place: event.place.clone() };
    let path = format!("{event_path}/skip");
    let plan: Plan = client.post_json(&format!("{path}?dry_run=true"), &body).await?;
    if *dry_run {
        return Ok(planned(&plan));
    }
    confirm(global, &worded(&plan), &format!("leave the event at {} out?", event.place))?;
    let task: Task = client.post_json(&path, &body).await?;
    let mut answer = started(&task);
    answer.summary = format!("the event at {} is left out; {}", event.place, answer.summary);
    Ok(answer)
}

fn planned(plan: &Plan) -> Answer {
    Answer::data(format!("{}\n", visible(&worded(plan))), json!(plan))
}

/// The plan in one sentence, with places as people say them.
fn worded(plan: &Plan) -> String {
    let gap = plan.gap.as_ref();
    let places = gap.into_iter().flat_map(|gap| [&gap.from_position, &gap.to]).flatten();
    let mut places: Vec<_> = places.collect();
    // One may be the head of the other.
    places.sort_by_key(|place| std::cmp::Reverse(place.len()));
    places.into_iter().fold(plan.summary.clone(), |text, at| text.replace(at, &place_and_gtids(at)))
}

/// All tables, or one.
async fn list(client: &Client, task: &str, only: Option<&str>) -> Result<Answer> {
    let mut tables: Vec<Table> = Vec::new();
    let first = format!("{}/tables?page_size=1000", path(task));
    let mut page_path = first.clone();
    loop {
        let page: Page<Table> = client.get(&page_path).await?;
        tables.extend(page.items);
        let Some(token) = page.next_page_token else { break };
        page_path = format!("{first}&page_token={}", segment(&token));
    }
    if let Some(only) = only {
        tables.retain(|table| table.name == only);
    }
    let head = ["TABLE", "STATE", "SINCE", "HELD FROM", "DECISION", "REASON"];
    let head = head.map(String::from).to_vec();
    let rows = tables.iter().map(row);
    let mut answer =
        Answer::data(table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()), json!(tables));
    if tables.is_empty() {
        answer.text.clear();
        answer.summary = match only {
            Some(only) => format!("task {task} knows no table {only}"),
            None => format!("task {task} has met no table yet"),
        };
    }
    for table in tables.iter().filter(|table| table.held.is_some()) {
        answer.text.push_str(&format!("\n{}\n", visible(&held(table))));
        for choice in table_choices(task, table) {
            answer.text.push_str(&format!("  {}\n", visible(&choice)));
        }
    }
    Ok(answer)
}

fn row(table: &Table) -> Vec<String> {
    let (name, state) = (table.name.clone(), table.state.clone());
    match &table.held {
        Some(held) => {
            let (since, from) = (held.since.clone(), place(&held.from_position));
            vec![name, state, since, from, held.decision.clone(), held.code.clone()]
        }
        None => vec![name, state, "-".into(), "-".into(), "-".into(), "-".into()],
    }
}

fn shown(task: &str, event: &Event, bytes_max: usize) -> String {
    let line = |what: &str, text: String| vec![what.to_owned(), text];
    let mut text = table(&[
        line("event", format!("{}, {}", event.kind, bytes(event.size))),
        line("place", event.place.clone()),
        line("reason", format!("{}: {}", event.code, event.message)),
        line("since", event.since.clone()),
        line("choose", format!("wellhead task start {task}: try it again")),
        line(
            "",
            format!("wellhead task event {task} --skip: leave it out, with all changes in it"),
        ),
    ]);
    let bytes = unhex(&event.hex);
    let shown = bytes.get(..bytes_max).unwrap_or(&bytes);
    for (number, line) in shown.chunks(LINE_BYTES).enumerate() {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let ascii = line.iter().map(|byte| match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '.',
        });
        let offset = number.saturating_mul(LINE_BYTES);
        let (hex, ascii) = (hex.join(" "), ascii.collect::<String>());
        text.push_str(&format!("{offset:06x}  {hex:<47}  {ascii}\n"));
    }
    let rest = event.size.saturating_sub(u64::try_from(shown.len()).unwrap_or(u64::MAX));
    if rest > 0 {
        let more = if shown.len() < bytes.len() { " (more with --verbose)" } else { "" };
        text.push_str(&format!("and {rest} bytes more{more}\n"));
    }
    text
}

/// Bytes of a hexadecimal text, as far as it is one.
fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map_while(|digit| digit.to_digit(16)).collect();
    let byte = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits.chunks(2).map_while(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_shown_with_what_it_is_and_why_it_cannot_be_used() {
        let event = Event {
            place: "binlog.000007:4711".into(),
            kind: "WRITE_ROWS_EVENT".into(),
            size: 1_048_576,
            hex: "00616263ff0a7f2020202020202020207e41".into(),
            code: "event_corrupt".into(),
            message: "a length lies".into(),
            since: "2026-11-21T04:00:00Z".into(),
        };
        assert_eq!(
            shown("shop", &event, SHOWN_BYTES),
            "event   WRITE_ROWS_EVENT, 1.0 MiB\n\
             place   binlog.000007:4711\n\
             reason  event_corrupt: a length lies\n\
             since   2026-11-21T04:00:00Z\n\
             choose  wellhead task start shop: try it again\n        \
             wellhead task event shop --skip: leave it out, with all changes in it\n\
             000000  00 61 62 63 ff 0a 7f 20 20 20 20 20 20 20 20 20  .abc...         \n\
             000010  7e 41                                            ~A\n\
             and 1048558 bytes more\n"
        );
        let cut = shown("shop", &event, 2);
        assert!(cut.ends_with("00 61                                            .a\nand 1048574 bytes more (more with --verbose)\n"), "{cut}");
    }

    #[test]
    fn a_held_table_says_since_when_and_why() {
        let held = service::Held {
            code: "schema_mismatch".into(),
            message: "3 columns, not 2".into(),
            from_position: "file=b.1 offset=4".into(),
            since: "2026-11-21T04:00:00Z".into(),
            decision: "pending".into(),
        };
        let table = Table { name: "shop.a".into(), state: "quarantined".into(), held: Some(held) };
        assert_eq!(
            row(&table).join("|"),
            "shop.a|quarantined|2026-11-21T04:00:00Z|b.1:4|pending|schema_mismatch"
        );
    }
}
