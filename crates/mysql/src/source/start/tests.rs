//! Each way to start, and each way in which a start would leave a gap.

use change::Position;

use super::*;
use crate::connection::{BinlogFile, LogEnd, ServerVersion};

const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

fn mysql() -> ServerFacts {
    ServerFacts {
        version: ServerVersion::parse("9.7.4"),
        version_comment: String::new(),
        server_id: Some(1),
        server_uuid: Some(UUID.into()),
        log_bin: true,
        binlog_format: Some("ROW".into()),
        binlog_row_image: None,
        binlog_row_metadata: None,
        binlog_row_value_options: None,
        binlog_checksum: None,
        gtid_mode: Some("ON".into()),
        gtid_executed: Some(format!("{UUID}:1-100")),
        gtid_purged: Some(format!("{UUID}:1-10")),
        gtid_binlog_pos: None,
        binlog_expire_seconds: None,
        logs_replica_updates: None,
        lower_case_table_names: None,
        log_end: Some(LogEnd { file: "bin.000009".into(), position: 4711 }),
        binlog_files: ["bin.000008", "bin.000009"]
            .map(|name| BinlogFile { name: name.into(), bytes: 5000 })
            .into(),
        is_replica: None,
        grants: Vec::new(),
    }
}

fn without_gtids() -> ServerFacts {
    ServerFacts { gtid_mode: Some("OFF".into()), ..mysql() }
}

fn mariadb() -> ServerFacts {
    ServerFacts {
        version: ServerVersion::parse("10.11.6-MariaDB"),
        server_uuid: None,
        gtid_mode: None,
        gtid_executed: None,
        gtid_purged: None,
        gtid_binlog_pos: Some("0-1-100,1-1-7".into()),
        ..mysql()
    }
}

fn at(text: &str, facts: &ServerFacts) -> Result<Plan, SourceError> {
    plan(&Start::At(Position::parse(text.as_bytes()).unwrap()), facts)
}

fn check_refused(text: &str, facts: &ServerFacts, code: &str) {
    let error = at(text, facts).expect_err("this start would leave a gap");
    assert_eq!((error.kind, error.code), (ErrorKind::PositionLost, code), "{error}");
    assert!(!error.remedies.is_empty());
}

fn set(text: &str) -> DumpStart {
    let mut set = Vec::new();
    GtidSet::parse(text).unwrap().encode(&mut set);
    DumpStart::MySqlGtid { set }
}

fn file(name: &str, position: u64) -> DumpStart {
    DumpStart::File { name: name.into(), position }
}

#[test]
fn now_is_behind_what_was_executed_or_the_end_of_the_log() {
    let by_gtid = plan(&Start::Now, &mysql()).unwrap();
    assert_eq!(by_gtid.dump, set(&format!("{UUID}:1-100")));
    let by_file = plan(&Start::Now, &without_gtids()).unwrap();
    assert_eq!(by_file.dump, file("bin.000009", 4711));
    assert_eq!(by_file.position.server, UUID);
    let by_list = plan(&Start::Now, &mariadb()).unwrap();
    assert_eq!(by_list.dump, DumpStart::MariaDbGtid { position: "0-1-100,1-1-7".into() });
}

#[test]
fn e02_a_server_that_has_executed_nothing_can_be_started_and_resumed() {
    let fresh = ServerFacts {
        gtid_executed: Some(String::new()),
        gtid_purged: Some(String::new()),
        ..mysql()
    };
    let first = plan(&Start::Now, &fresh).unwrap();
    let text = change::Resume::to_position(&first.position).to_string();
    assert_eq!(at(&text, &mysql_without_purges()).unwrap().dump, set(""));
    let fresh = ServerFacts { gtid_binlog_pos: Some(String::new()), ..mariadb() };
    let first = plan(&Start::Now, &fresh).unwrap();
    assert_eq!(first.dump, file("bin.000009", 4711), "an empty list would mean the oldest");
    let text = change::Resume::to_position(&first.position).to_string();
    assert_eq!(at(&text, &fresh).unwrap(), first);
}

fn mysql_without_purges() -> ServerFacts {
    ServerFacts { gtid_purged: Some(String::new()), ..mysql() }
}

#[test]
fn earliest_is_the_first_byte_of_the_oldest_file() {
    for facts in [mysql(), mariadb()] {
        assert_eq!(plan(&Start::Earliest, &facts).unwrap().dump, file("bin.000008", 4));
    }
    let hidden = ServerFacts { binlog_files: Vec::new(), ..mysql() };
    assert_eq!(plan(&Start::Earliest, &hidden).unwrap_err().code, "binlog_hidden");
}

#[test]
fn e01_a_position_of_this_server_is_taken_up_where_it_is() {
    let text = format!("file=bin.000008 offset=100 server={UUID} gtid={UUID}:1-50");
    assert_eq!(at(&text, &mysql()).unwrap().dump, set(&format!("{UUID}:1-50")));
    assert_eq!(at(&text, &mysql()).unwrap().position.file, "bin.000008");
    assert_eq!(at(&text, &without_gtids()).unwrap().dump, file("bin.000008", 100));
    assert_eq!(at("bin.000009:777", &mysql()).unwrap().dump, file("bin.000009", 777));
}

#[test]
fn e04_what_was_purged_is_a_gap() {
    check_refused("bin.000007:4", &mysql(), "binlog_purged");
    check_refused(&format!("gtid={UUID}:1-9"), &mysql(), "binlog_purged");
}

#[test]
fn e05_a_server_that_lacks_what_was_read_has_diverged() {
    check_refused(&format!("gtid={UUID}:1-101"), &mysql(), "server_diverged");
    let other = "ffffffff-71ca-11e1-9e33-c80aa9429562";
    check_refused(&format!("gtid={UUID}:1-50,{other}:1"), &mysql(), "server_diverged");
}

#[test]
fn e05_another_server_is_followed_by_gtid_and_only_by_gtid() {
    let text = format!(
        "file=bin.000033 offset=9 rows_event=4 row=2 rows=20 begun=1 in={UUID}:51 server=other \
         gtid={UUID}:1-50"
    );
    let plan = at(&text, &mysql()).unwrap();
    assert_eq!(plan.dump, set(&format!("{UUID}:1-50")));
    assert!(plan.position.file.is_empty(), "the other server's file means nothing here");
    assert!(plan.position.within.counts_rows_only());
    assert_eq!(plan.position.group, format!("{UUID}:51"));
    check_refused("file=bin.000009 offset=9 server=other", &mysql(), "another_server");
    check_refused(&text, &without_gtids(), "another_server");
}

#[test]
fn e03_a_file_shorter_than_what_was_read_of_it_is_another_file() {
    check_refused("bin.000009:5001", &without_gtids(), "server_rewound");
}

#[test]
fn a_gtid_position_needs_a_server_with_gtids() {
    check_refused(&format!("gtid={UUID}:1-50"), &without_gtids(), "gtid_off");
    check_refused("gtid=0-1-5", &mysql(), "gtid_off");
}

#[test]
fn e07_a_list_of_domains_starts_a_dump_of_mariadb() {
    let plan = at("gtid=0-1-50,1-1-3", &mariadb()).unwrap();
    assert_eq!(plan.dump, DumpStart::MariaDbGtid { position: "0-1-50,1-1-3".into() });
}

#[test]
fn a_text_that_is_no_position_is_not_guessed_at() {
    let error = at("somewhere", &mysql()).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unsupported, "bad_position"));
}
