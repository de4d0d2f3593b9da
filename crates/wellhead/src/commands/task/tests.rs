//! What people read about tasks.

use serde_json::Value;

use super::*;

fn task(change: impl FnOnce(&mut Value)) -> Task {
    let mut value = json!({
        "name": "shop", "title": "Web shop", "topic": "shop", "tables": ["shop.*"],
        "exclude": ["shop.tmp_*"],
        "source": {"name": "shop-db", "url": "mysql://wh@db:3306", "server": "MariaDB 10.11.6"},
        "state": "normal", "state_since": "2026-11-21T04:00:00Z", "verdict": "current",
        "reason": null, "position": "gtid=0-1-42", "lag_seconds": 0.25,
        "data_range": {
            "begin": "2026-11-21T04:00:00Z", "begin_unix": 1_795_233_600,
            "end": "2026-11-21T04:10:00Z", "end_unix": 1_795_234_200,
            "begin_offset": 0, "end_offset": 1235, "bytes": 1_258_291,
        },
        "retry": null, "warnings": [],
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn arguments(source: &str, tables: &[&str]) -> TaskCreate {
    TaskCreate {
        name: "shop".into(),
        source: source.into(),
        password_file: None,
        tls: None,
        ca: None,
        tables: tables.iter().map(ToString::to_string).collect(),
        exclude: Vec::new(),
        start: None,
        ddl_scope: None,
        on_table_error: None,
        topic: None,
        title: None,
        auto_start: false,
    }
}

#[test]
fn a_task_is_shown_line_by_line() {
    assert_eq!(
        shown(&task(|_| ())),
        "task      shop (Web shop)\n\
         state     normal since 2026-11-21T04:00:00Z, current\n\
         source    shop-db mysql://wh@db:3306 (MariaDB 10.11.6)\n\
         tables    shop.*\n\
         without   shop.tmp_*\n\
         topic     shop\n\
         position  gtid=0-1-42\n\
         lag       0.2 s\n\
         data      2026-11-21T04:00:00Z to 2026-11-21T04:10:00Z, offsets 0 to 1234, 1.1 MiB\n"
    );
}

#[test]
fn a_failed_task_says_why_and_what_to_do_and_no_number_it_does_not_know() {
    let failed = task(|task| {
        task["state"] = "failed".into();
        task["lag_seconds"] = Value::Null;
        task["data_range"] = Value::Null;
        task["reason"] = json!({
            "code": "binlog_purged", "message": "binlog.000007 was purged",
            "remedy": ["wellhead task delete shop"],
        });
    });
    let text = shown(&failed);
    assert!(text.contains("reason    binlog_purged: binlog.000007 was purged\n"), "{text}");
    assert!(text.contains("          choose: wellhead task delete shop\n"), "{text}");
    assert!(text.contains("lag       unknown\ndata      no records yet\n"), "{text}");
    assert_eq!(row(&failed, false)[3], "-");
}

#[test]
fn a_wide_row_has_a_cell_for_each_head() {
    for wide in [false, true] {
        assert_eq!(row(&task(|_| ()), wide).len(), head(wide).len());
    }
}

#[test]
fn a_held_table_is_seen_in_the_list_and_shown_with_what_can_be_done() {
    let message = "shop.a is held back: 3 columns instead of 2. Choose: wellhead task table shop shop.a \
                   retry; or skip. SET GLOBAL binlog_row_metadata = FULL lets the server describe it";
    let held = task(|task| {
        task["held_table_count"] = 1.into();
        task["position"] = "file=bin.000007 offset=9 created=3 server=x gtid=x:1-4".into();
        task["held_tables"] = json!([{"name": "shop.a", "state": "quarantined", "held": {
            "code": "schema_mismatch", "message": message, "from_position": "file=bin.000007 offset=4",
            "since": "2026-11-21T04:00:00Z", "decision": "pending",
        }}]);
    });
    assert_eq!(row(&held, false)[2], "current, 1 table held");
    let text = shown(&held);
    assert!(text.contains("position  bin.000007:9 (GTID x:1-4)\n"), "{text}");
    let lines: Vec<_> = text.lines().rev().take(5).map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "fix: SET GLOBAL binlog_row_metadata = FULL lets the server describe it",
            "choose: wellhead task table shop shop.a skip",
            "choose: wellhead task table shop shop.a retry --definition FILE, where FILE holds its CREATE TABLE as it was there",
            "choose: wellhead task table shop shop.a retry",
            "held      shop.a since 2026-11-21T04:00:00Z: schema_mismatch: shop.a is held back: 3 columns instead of 2",
        ]
    );
}

#[test]
fn a_created_task_says_the_next_command() {
    let ready = created(&task(|task| task["state"] = "not_started".into()));
    assert_eq!(ready.summary, "task shop is ready; start it with: wellhead task start shop");
    assert_eq!(ready.verdict, Verdict::Good);
    let warned = created(&task(|task| {
        task["state"] = "initial".into();
        task["warnings"] = json!(["tables: none: no table matches"]);
    }));
    assert_eq!(
        warned.summary,
        "task shop is initial; look at it with: wellhead task show shop\n  \
         warning: tables: none: no table matches"
    );
    let unfit = created(&task(|task| {
        task["state"] = "precheck_failed".into();
        task["reason"] = json!({
            "code": "precheck_failed", "message": "binlog_format: found MIXED, needs ROW",
            "remedy": ["SET GLOBAL binlog_format = ROW"],
        });
    }));
    assert_eq!(unfit.verdict, Verdict::Bad);
    assert_eq!(
        unfit.summary,
        "task shop is defined, but its source is not fit: binlog_format: found MIXED, needs ROW\n  \
         fix: SET GLOBAL binlog_format = ROW\n\
         look at everything with: wellhead check URL; then: wellhead task start shop"
    );
}

#[test]
fn what_a_deletion_destroys_is_told_before() {
    assert_eq!(
        deletion(&task(|_| ()), &["billing", "audit"]),
        "this destroys task shop, its topic shop (2026-11-21T04:00:00Z to 2026-11-21T04:10:00Z, \
         offsets 0 to 1234, 1.1 MiB), and the consumer groups billing, audit with their checkpoints; \
         nothing changes in mysql://wh@db:3306"
    );
    assert!(deletion(&task(|_| ()), &[]).contains("and no consumer groups;"));
}

#[test]
fn a_source_given_as_url_is_taken_apart() {
    let url = "mysql://wh:p%40ss@db:3306/shop?tls=require&ca=/etc/ca.pem";
    let put = specification(arguments(url, &[])).unwrap();
    assert_eq!(put.tables, ["shop.*"]);
    let SourcePut::Inline(source) = put.source else { panic!("not inline") };
    assert_eq!(source.url, "mysql://wh@db:3306/shop");
    assert_eq!(source.password.as_deref(), Some("p@ss"));
    assert_eq!(
        (source.tls.as_deref(), source.ca.as_deref()),
        (Some("require"), Some("/etc/ca.pem"))
    );
}

#[test]
fn the_password_of_a_source_reaches_the_server() {
    let put = specification(arguments("mysql://wh:geheim@db/shop", &[])).unwrap();
    assert_eq!(json!(put)["source"]["password"], "geheim");
    assert!(!format!("{put:?}").contains("geheim"));
}

#[test]
fn wrong_arguments_are_told_before_the_server_is_asked() {
    let refused = |args| specification(args).unwrap_err().to_string();
    assert_eq!(
        refused(arguments("shop-db", &[])),
        "what shall be tracked? give --tables 'shop.*', or name a database in the URL"
    );
    let mut named = arguments("shop-db", &["shop.*"]);
    named.tls = Some("require".into());
    assert_eq!(
        refused(named),
        "--password-file, --tls and --ca belong to a database given as URL; source shop-db has its own"
    );
    assert_eq!(
        refused(arguments("postgres://u:geheim@h", &["a.*"])),
        "the source URL does not start with mysql:// or mariadb://; it must look like mysql://user:password@host:3306/database"
    );
}
