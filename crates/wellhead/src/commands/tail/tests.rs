//! What tail prints and asks for.

use clap::Parser;
use serde_json::json;

use super::*;
use crate::cli::{Cli, Format, Verb};

fn parsed(line: &str) -> (Global, TailArgs) {
    let cli = Cli::try_parse_from(line.split(' ')).unwrap();
    let Verb::Tail(args) = cli.verb else { panic!("not tail") };
    (cli.global, args)
}

fn task(name: &str, topic: &str) -> Task {
    serde_json::from_value(json!({
        "name": name, "title": "", "topic": topic, "tables": ["shop.*"], "exclude": [],
        "source": {"name": name, "url": "mysql://wh@db:3306", "server": null},
        "state": "normal", "state_since": "2026-11-21T04:00:00Z", "verdict": "idle",
        "reason": null, "position": null, "lag_seconds": null, "data_range": null,
        "retry": null, "warnings": [],
    }))
    .unwrap()
}

fn item() -> RecordItem {
    RecordItem {
        offset: 7,
        timestamp_ms: 1_795_233_600_000,
        record: Some(json!({"operation": "INSERT", "after": {"id": 1}})),
        types: None,
        text: None,
        hex: None,
        error: None,
    }
}

#[test]
fn json_has_offset_and_time_in_front_of_the_record() {
    assert_eq!(
        line(&item(), None, Form::Json),
        r#"{"offset":7,"timestamp_ms":1795233600000,"operation":"INSERT","after":{"id":1}}"#
    );
    assert!(line(&item(), Some("crm"), Form::Json).starts_with(r#"{"task":"crm","offset":7,"#));
}

#[test]
fn lines_for_people_begin_with_the_offset() {
    let text = "2026-11-21T04:00:00Z 3 INSERT shop.orders id=1";
    let pretty = RecordItem { text: Some(text.into()), record: None, ..item() };
    assert_eq!(line(&pretty, None, Form::Pretty), format!("7 {text}"));
    assert_eq!(line(&pretty, Some("crm"), Form::Pretty), format!("crm 7 {text}"));
    let hex = RecordItem { hex: Some("00ff".into()), record: None, ..item() };
    assert_eq!(line(&hex, None, Form::Hex), "7 1795233600000 00ff");
}

#[test]
fn a_record_that_cannot_be_decoded_is_shown_as_that() {
    let broken = RecordItem { record: None, error: Some("no\u{1b}".into()), ..item() };
    assert_eq!(line(&broken, None, Form::Pretty), "7 no\u{fffd}");
    assert_eq!(
        line(&broken, None, Form::Json),
        r#"{"offset":7,"timestamp_ms":1795233600000,"error":"no\u001b"}"#
    );
}

#[test]
fn a_target_is_a_task_or_a_topic_before_it_is_a_pattern() {
    let tasks = || vec![task("shop", "shop.changes"), task("crm", "crm")];
    let names = |line: &str| {
        let (tasks, table) = target(tasks(), &parsed(line).1).unwrap();
        (tasks.into_iter().map(|task| task.name).collect::<Vec<_>>(), table)
    };
    assert_eq!(names("wellhead tail shop"), (vec!["shop".into()], None));
    assert_eq!(names("wellhead tail shop.changes"), (vec!["shop".into()], None));
    let both = vec!["shop".into(), "crm".into()];
    assert_eq!(names("wellhead tail shop.orders"), (both, Some("shop.orders".into())));
    assert_eq!(
        names("wellhead tail crm --table crm.p*"),
        (vec!["crm".into()], Some("crm.p*".into()))
    );
}

#[test]
fn a_wrong_target_names_the_right_ones() {
    let refused =
        |tasks: Vec<Task>, line: &str| target(tasks, &parsed(line).1).unwrap_err().to_string();
    let tasks = || vec![task("shop", "shop"), task("crm", "crm")];
    assert_eq!(
        refused(tasks(), "wellhead tail shoop"),
        "there is no task shoop; there are: shop, crm (a pattern of tables has a dot, like 'shop.orders')"
    );
    assert_eq!(
        refused(tasks(), "wellhead tail a.b --table a.c"),
        "a.b is no task, so it is a pattern of tables; give that or --table, not both"
    );
    assert_eq!(
        refused(Vec::new(), "wellhead tail a.b"),
        "there is no task; create one with: wellhead task create NAME --source URL --tables 'shop.*'"
    );
}

#[test]
fn a_task_that_stands_still_is_told() {
    let mut shop = task("shop", "shop");
    assert_eq!(standstill(&shop), None);
    shop.state = "stopped".into();
    assert_eq!(standstill(&shop).as_deref(), Some("note: task shop is stopped\n"));
    shop.state = "error".into();
    shop.reason = Some(
        serde_json::from_value(json!({"code": "c", "message": "no route", "remedy": []})).unwrap(),
    );
    assert_eq!(standstill(&shop).as_deref(), Some("note: task shop is error: no route\n"));
}

#[test]
fn the_query_hides_heartbeats_unless_asked_for() {
    let query = |line: &str| {
        let (global, args) = parsed(line);
        selection(&global, &args, args.table.as_deref(), Form::of(global.output).unwrap())
    };
    assert_eq!(query("wellhead tail t"), "&format=text");
    assert_eq!(query("wellhead tail t -v -o json"), "&format=json&op=all");
    assert_eq!(
        query("wellhead tail t --op insert,ddl --table a.b&c -o hex"),
        "&format=hex&table=a.b%26c&op=insert%2Cddl"
    );
}

#[test]
fn records_are_no_table() {
    let error = Form::of(Some(Format::Wide)).unwrap_err();
    assert_eq!(error.to_string(), "records are no table; give -o pretty, json or hex");
}
