use change::{Body, ColumnType, Ddl, TableSchema, Value};
use serde_json::json;

use crate::testing::{Cells, NOW, Surroundings, column, delete, insert, table, update};
use crate::{DtsEncoder, Record};

fn record(body: Body<'_>) -> Record {
    let mut surroundings = Surroundings::new();
    surroundings.transaction.gtid = "0-1-2".into();
    let mut out = Vec::new();
    DtsEncoder::new().encode(&surroundings.change(body), 1_234, NOW, &mut out).unwrap();
    Record::decode(&out).unwrap()
}

fn check(body: Body<'_>, line: &str) {
    assert_eq!(record(body).to_text_line(), format!("2023-10-11T00:33:28Z {line}"));
}

fn orders() -> TableSchema {
    let columns = vec![
        column("id", ColumnType::BigInt { unsigned: true }),
        column("total", ColumnType::Decimal { precision: 8, scale: 2 }),
        column("note", ColumnType::VarChar { charset: "utf8mb4".into() }),
    ];
    TableSchema::new("shop".into(), "orders".into(), columns, vec![0], vec![])
}

#[test]
fn an_update_shows_the_key_and_what_changed() {
    let schema = orders();
    let before = Cells(vec![Value::Unsigned(7), Value::Decimal("12.50"), Value::Text(b"x")]);
    let after = Cells(vec![Value::Unsigned(7), Value::Decimal("13.00"), Value::Text(b"x")]);
    check(Body::Row(update(&schema, &before, &after)), "UPDATE shop.orders id=7 total=12.50→13.00");
    let after = Cells(vec![Value::Unsigned(8), Value::Null, Value::Text(b"y z")]);
    check(
        Body::Row(update(&schema, &before, &after)),
        "UPDATE shop.orders id=7→8 total=12.50→NULL note=x→\"y z\"",
    );
    let partial = Cells(vec![Value::Absent, Value::Decimal("13.00"), Value::Absent]);
    check(
        Body::Row(update(&schema, &before, &partial)),
        "UPDATE shop.orders id=7 total=12.50→13.00",
    );
    let key_only = Cells(vec![Value::Unsigned(7), Value::Absent, Value::Absent]);
    check(Body::Row(update(&schema, &key_only, &partial)), "UPDATE shop.orders id=7 total=→13.00");
}

#[test]
fn an_update_without_a_key_shows_every_column() {
    let schema =
        table("t", vec![column("a", ColumnType::Json), column("b", ColumnType::Json)], vec![]);
    let before = Cells(vec![Value::Json("1"), Value::Json("2")]);
    let after = Cells(vec![Value::Json("1"), Value::Json("3")]);
    check(Body::Row(update(&schema, &before, &after)), "UPDATE db1.t a=1 b=2→3");
}

#[test]
fn inserts_and_deletes_show_what_was_logged() {
    let schema = orders();
    let row = Cells(vec![Value::Unsigned(7), Value::Decimal("12.50"), Value::Null]);
    check(Body::Row(insert(&schema, &row)), "INSERT shop.orders id=7 total=12.50 note=NULL");
    let row = Cells(vec![Value::Unsigned(7), Value::Absent, Value::Text(b"NULL")]);
    check(Body::Row(delete(&schema, &row)), "DELETE shop.orders id=7 note=\"NULL\"");
}

#[test]
fn records_without_rows_have_a_line_too() {
    check(Body::Begin, "BEGIN 0-1-2");
    check(Body::Commit, "COMMIT");
    check(Body::Heartbeat, "HEARTBEAT");
    let ddl = Ddl { database: "my.db", statement: "alter  table t\n add c int\u{1b}[0m" };
    check(Body::Ddl(ddl), "DDL \"my.db\" alter table t add c int\\u{1b}[0m");
}

#[test]
fn a_value_cannot_break_the_line_or_move_the_terminal() {
    let schema =
        table("t", vec![column("a b", ColumnType::VarChar { charset: "utf8mb4".into() })], vec![]);
    let row = Cells(vec![Value::Text("\n\u{1b}\u{9b}\"\\".as_bytes())]);
    check(Body::Row(insert(&schema, &row)), "INSERT db1.t \"a b\"=\"\\n\\u{1b}\\u{9b}\\\"\\\\\"");
    let long = "ä".repeat(200);
    let row = Cells(vec![Value::Text(long.as_bytes())]);
    check(Body::Row(insert(&schema, &row)), &format!("INSERT db1.t \"a b\"={}…", "ä".repeat(120)));
}

#[test]
fn b13_bytes_are_hex_and_text_that_cannot_be_read_says_so() {
    let columns = vec![
        column("a", ColumnType::VarBinary),
        column("b", ColumnType::VarChar { charset: "cp1250".into() }),
        column("c", ColumnType::Text { size: 2, charset: "utf8mb4".into() }),
        column("d", ColumnType::Text { size: 2, charset: "sjis".into() }),
    ];
    let schema = table("t", columns, vec![]);
    let text = Value::Text;
    let row = Cells(vec![Value::Bytes(b"\x00\xff"), text(b"\x81"), text(b"a\xff"), text(b"\x82")]);
    check(
        Body::Row(insert(&schema, &row)),
        "INSERT db1.t a=0x00FF b=_cp1250 0x81 c=_utf8mb4 0x61FF d=_sjis 0x82",
    );
    let json = record(Body::Row(insert(&schema, &row))).to_json();
    let wanted = json!({
        "a": "0x00FF",
        "b": {"charset": "cp1250", "base64": "gQ=="},
        "c": {"charset": "utf8mb4", "base64": "Yf8="},
        "d": {"charset": "sjis", "base64": "gg=="},
    });
    assert_eq!(json["after"], wanted);
}

#[test]
fn b13_long_text_is_read_in_the_charset_of_its_column() {
    let long = |charset: &str| ColumnType::Text { size: 4, charset: charset.into() };
    let columns = vec![
        column("wide", long("ucs2")),
        column("plain", long("utf8mb4")),
        column("latin", long("latin1")),
    ];
    let schema = table("t", columns, vec![]);
    let row = Cells(vec![Value::Text(b"\0a\0b"), Value::Null, Value::Text(b"\xe9")]);
    let record = record(Body::Row(insert(&schema, &row)));
    assert_eq!(record.tag("charset_info"), Some(r#"{"wide":"ucs2","latin":"latin1"}"#));
    assert_eq!(record.to_json()["after"], json!({"wide": "ab", "plain": null, "latin": "é"}));
}

#[test]
fn json_keeps_numbers_exact_and_leaves_out_what_was_not_logged() {
    let schema = orders();
    let before = Cells(vec![Value::Unsigned(u64::MAX), Value::Decimal("12.50"), Value::Absent]);
    let after = Cells(vec![Value::Unsigned(u64::MAX), Value::Null, Value::Text("é".as_bytes())]);
    let json = record(Body::Row(update(&schema, &before, &after))).to_json();
    assert_eq!(
        json,
        json!({
            "id": 1_234,
            "operation": "UPDATE",
            "database": "shop",
            "table": "orders",
            "key": ["id"],
            "before": {"id": u64::MAX, "total": "12.50"},
            "after": {"id": u64::MAX, "total": null, "note": "é"},
            "source_time_seconds": 1_696_984_408,
            "position": "72469@78",
            "safe_position": "72347@78",
            "tags": {
                "metaVersion": schema.version.0.to_string(),
                "pk_uk_info": "{\"PRIMARY\":[\"id\"]}",
                "readerThroughoutTime": "1696984408123",
                "server_id": "11",
                "thread_id": "9",
            },
        })
    );
}

#[test]
fn a_statement_in_json_has_a_database_and_no_table() {
    let ddl = Ddl { database: "a.b", statement: "drop table t" };
    let json = record(Body::Ddl(ddl)).to_json();
    assert_eq!(json["database"], "a.b");
    assert_eq!(json["statement"], "drop table t");
    assert_eq!(json.get("table"), None);
}
