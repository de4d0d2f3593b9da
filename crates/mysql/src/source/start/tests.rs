//! Each way to start, and each way in which a start would leave a gap.

mod log;

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
        gtid_binlog_state: None,
        gtid_slave_pos: None,
        binlog_expire_seconds: None,
        logs_replica_updates: None,
        lower_case_table_names: None,
        log_end: Some(LogEnd { file: "bin.000009".into(), position: 4711 }),
        binlog_files: ["bin.000008", "bin.000009"]
            .map(|name| BinlogFile { name: name.into(), bytes: 5000 })
            .into(),
        is_replica: None,
        utf8_is_utf8mb4: false,
        binlog_storage_engine: None,
        reorders_replicated: false,
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
        gtid_binlog_state: Some("0-2-40,0-1-100,1-1-7".into()),
        gtid_slave_pos: Some(String::new()),
        ..mysql()
    }
}

fn plan(start: &Start, facts: &ServerFacts) -> Result<Plan, SourceError> {
    match decide(start, facts)? {
        Next::Dump(plan) | Next::Search(Search::SameFile(plan)) => Ok(plan),
        Next::Search(search) => panic!("{search:?} is no plan yet"),
    }
}

fn start_at(text: &str) -> Start {
    Start::At(Position::parse(text.as_bytes()).unwrap())
}

fn at(text: &str, facts: &ServerFacts) -> Result<Plan, SourceError> {
    plan(&start_at(text), facts)
}

fn check_refused(text: &str, facts: &ServerFacts, code: &str) -> SourceError {
    let error = decide(&start_at(text), facts).expect_err("this start would leave a gap");
    assert_eq!((error.kind, error.code), (ErrorKind::PositionLost, code), "{error}");
    let choices = error.remedies.iter().filter(|remedy| remedy.contains("--accept-gap"));
    assert!(choices.count() > 0, "{:?} has no choice", error.remedies);
    error
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
}

#[test]
fn e02_a_place_that_a_person_names_is_looked_at_first() {
    for facts in [mysql(), mariadb(), without_gtids()] {
        let next = decide(&start_at("bin.000009:777"), &facts).unwrap();
        assert!(matches!(next, Next::Search(Search::Place(place)) if place.offset == 777));
        let error = decide(&start_at("bin.000009:5001"), &facts).unwrap_err();
        assert_eq!((error.code, error.kind), ("bad_position", ErrorKind::Unsupported));
        let error = decide(&start_at("bin.000010:4"), &facts).unwrap_err();
        assert!(error.message.contains("bin.000008 to bin.000009"), "{error}");
        assert!(error.remedies[0].contains("--start earliest"), "{:?}", error.remedies);
    }
}

#[test]
fn e02_sets_are_read_as_people_write_them() {
    let other = "ffffffff-71ca-11e1-9e33-c80aa9429562";
    let facts = ServerFacts {
        gtid_executed: Some(format!("{UUID}:1-100:blue:1-9,{other}:7")),
        gtid_purged: Some(String::new()),
        ..mysql()
    };
    for text in [
        format!("gtid={UUID}:1-50:blue:3,{other}:7"),
        format!("gtid= {other} : 7 , {UUID}:1-50 : blue:3"),
        format!("gtid={UUID}:1-20:21-50,{UUID}:BLUE:3,{other}:7-7"),
        format!("gtid={},{other}:7", format!("{UUID}:1-50:blue:3").to_uppercase()),
    ] {
        let expected = set(&format!("{UUID}:1-50:blue:3,{other}:7"));
        assert_eq!(at(&text, &facts).unwrap().dump, expected, "{text}");
    }
    assert_eq!(at("gtid=", &facts).unwrap().dump, set(""), "the empty set is all there ever was");
    let all = DumpStart::MariaDbGtid { position: String::new() };
    let first = at("gtid=", &mariadb()).unwrap();
    assert_eq!(first.dump, all);
    let text = change::Resume::to_position(&first.position).to_string();
    assert_eq!(at(&text, &mariadb()).unwrap(), first, "tried again");
}

#[test]
fn e04_what_was_purged_is_a_gap() {
    let error = check_refused("bin.000007:4", &mysql(), "binlog_purged");
    assert!(error.message.contains("now begins with bin.000008"), "{error}");
    let error = check_refused(&format!("gtid={UUID}:1-7"), &mysql(), "binlog_purged");
    assert!(error.message.contains(&format!("3 transactions that were not read: {UUID}:8-10")));
    let text = format!("file=bin.000007 offset=4711 server={UUID}");
    let error = check_refused(&text, &without_gtids(), "binlog_purged");
    assert!(error.message.starts_with(
        "bin.000007 was purged; the task stopped at bin.000007:4711. Its log now begins with bin.000008"
    ));
    assert!(error.remedies[0].contains("--start earliest --accept-gap"), "the least is lost so");
    assert!(error.remedies[1].contains("--start now --accept-gap"));
}

#[test]
fn e05_a_server_that_lacks_what_was_read_has_diverged() {
    let read = format!("file=bin.000009 offset=9 server=other gtid={UUID}:1-101");
    let error = check_refused(&read, &mysql(), "server_diverged");
    assert!(error.message.contains(&format!("in the topic: {UUID}:101;")), "{error}");
    let error = check_refused(&format!("gtid={UUID}:1-101"), &mysql(), "server_diverged");
    assert!(error.message.contains(&format!("was to start: {UUID}:101;")), "nothing was read");
    let choice = format!("wellhead task start NAME --start 'gtid={UUID}:1-100' --accept-gap");
    assert!(error.remedies.contains(&choice), "{:?}", error.remedies);
    let other = "ffffffff-71ca-11e1-9e33-c80aa9429562";
    check_refused(&format!("gtid={UUID}:1-50,{other}:1"), &mysql(), "server_diverged");
}

#[test]
fn e05_another_server_is_followed_by_gtid_and_only_by_gtid() {
    let text = format!(
        "file=bin.000033 offset=9 created=7 rows_event=4 row=2 rows=20 begun=1 in={UUID}:51 \
         server=other gtid={UUID}:1-50"
    );
    let next = decide(&start_at(&text), &mysql()).unwrap();
    let Next::Dump(plan) = next else { panic!("{next:?}: its file is not to be compared") };
    assert_eq!(plan.dump, set(&format!("{UUID}:1-50")));
    assert!(plan.position.file.is_empty(), "the other server's file means nothing here");
    assert!(plan.position.within.counts_rows_only());
    assert_eq!(plan.position.group, format!("{UUID}:51"));
    check_refused(&text, &without_gtids(), "another_server");
}

#[test]
fn e06_files_of_another_server_mean_nothing() {
    for facts in [mysql(), without_gtids(), mariadb()] {
        let text = "file=bin.000009 offset=9 server=other";
        let error = check_refused(text, &facts, "another_server");
        assert!(error.message.contains("written by server other"), "{error}");
        assert!(error.remedies.iter().any(|remedy| remedy.contains("--start @TIME")));
    }
}

#[test]
fn e03_a_server_that_was_reset_or_restored_is_noticed() {
    let text = format!("file=bin.000009 offset=5001 server={UUID}");
    check_refused(&text, &without_gtids(), "server_rewound");
    let text = format!("file=bin.000010 offset=4 server={UUID}");
    check_refused(&text, &without_gtids(), "server_rewound");
    let text = format!("file=bin.000009 offset=9 server={UUID} gtid={UUID}:1-101");
    check_refused(&text, &mysql(), "server_rewound");
    let text = format!("file=bin.000010 offset=9 server={UUID} gtid={UUID}:1-50");
    let error = check_refused(&text, &mysql(), "server_rewound");
    assert!(error.message.contains("ends with bin.000009, before bin.000010"), "{error}");
    let text = "file=bin.000009 offset=9 server=server-id-1 gtid=0-1-101";
    let facts = mariadb();
    let error = check_refused(text, &facts, "server_rewound");
    assert!(error.message.contains("no longer has 0-1-101"), "{error}");
}

#[test]
fn e03_a_file_of_the_same_name_is_compared_before_it_is_trusted() {
    for (text, facts) in [
        (format!("file=bin.000009 offset=9 created=77 server={UUID}"), without_gtids()),
        (format!("file=bin.000009 offset=9 created=77 server={UUID} gtid={UUID}:1-50"), mysql()),
    ] {
        let next = decide(&start_at(&text), &facts).unwrap();
        assert!(matches!(next, Next::Search(Search::SameFile(_))), "{next:?}");
    }
    // Its transactions are all that matters once the file is gone.
    let text = format!("file=bin.000007 offset=9 created=77 server={UUID} gtid={UUID}:1-50");
    assert!(matches!(decide(&start_at(&text), &mysql()).unwrap(), Next::Dump(_)));
}

#[test]
fn a14_another_base_name_is_no_sign_of_a_reset() {
    let text = format!("file=old-name.000077 offset=9 created=77 server={UUID} gtid={UUID}:1-50");
    assert!(matches!(decide(&start_at(&text), &mysql()).unwrap(), Next::Dump(_)));
}

#[test]
fn e02_an_empty_set_beside_a_file_may_be_from_before_the_server_wrote_gtids() {
    let text = format!("file=bin.000009 offset=157 server={UUID} gtid=");
    assert_eq!(at(&text, &mysql_without_purges()).unwrap().dump, file("bin.000009", 157));
    let text = format!("file=bin.000007 offset=157 server={UUID} gtid=");
    assert_eq!(at(&text, &mysql_without_purges()).unwrap().dump, set(""), "idle until the purge");
    let text = "file=bin.000009 offset=157 server=other gtid=";
    check_refused(text, &mysql_without_purges(), "another_server");
}

#[test]
fn a_gtid_position_needs_a_server_with_gtids() {
    check_refused(&format!("gtid={UUID}:1-50"), &without_gtids(), "gtid_off");
}

#[test]
fn e08_the_other_family_behind_the_same_address_is_refused() {
    for (text, facts) in [
        ("gtid=0-1-5".to_owned(), mysql()),
        (format!("file=bin.000009 offset=9 server={UUID} gtid={UUID}:1-5"), mariadb()),
        ("file=bin.000009 offset=9 server=server-id-1 gtid=0-1-5".to_owned(), without_gtids()),
    ] {
        let error = check_refused(&text, &facts, "another_server");
        assert!(error.message.contains("MariaDB") && error.message.contains("MySQL"), "{error}");
    }
}

#[test]
fn e07_a_list_of_domains_starts_a_dump_of_mariadb() {
    let plan = at("gtid= 0-1-50 , 1-1-3", &mariadb()).unwrap();
    assert_eq!(plan.dump, DumpStart::MariaDbGtid { position: "0-1-50,1-1-3".into() });
}

#[test]
fn e07_a_domain_goes_on_under_another_server_id() {
    // 0-2-40 is not the domain's last transaction, and still in the log.
    assert!(at("gtid=0-2-40,1-1-7", &mariadb()).is_ok());
    let error = check_refused("gtid=0-2-41,1-1-7", &mariadb(), "server_diverged");
    assert!(error.message.contains("0-2-41") && !error.message.contains("1-1-7,"), "{error}");
    check_refused("gtid=0-3-1", &mariadb(), "server_diverged");
}

#[test]
fn e07_a_domain_that_the_server_never_saw_is_a_divergence_unless_it_was_replicated() {
    check_refused("gtid=0-1-50,5-1-3", &mariadb(), "server_diverged");
    let replica = ServerFacts { gtid_slave_pos: Some("5-9-4".into()), ..mariadb() };
    assert!(at("gtid=0-1-50,5-1-3", &replica).is_ok(), "the server itself tells what it still has");
}

#[test]
fn e07_a_replica_is_read_from_what_it_logs_and_not_from_what_it_applied() {
    let replica = ServerFacts {
        gtid_executed: Some("0-1-100,1-1-7,2-9-500".into()),
        gtid_slave_pos: Some("2-9-500".into()),
        ..mariadb()
    };
    let plan = plan(&Start::Now, &replica).unwrap();
    assert_eq!(plan.dump, DumpStart::MariaDbGtid { position: "0-1-100,1-1-7".into() });
}

#[test]
fn a15_a_start_beyond_four_gigabytes_reads_forward_from_the_file_start() {
    let facts = ServerFacts {
        binlog_files: vec![BinlogFile { name: "bin.000009".into(), bytes: 6_000_000_000 }],
        ..without_gtids()
    };
    let text = format!("file=bin.000009 offset=5000000000 server={UUID}");
    let far = at(&text, &facts).unwrap();
    assert_eq!((far.dump, far.forward_to), (file("bin.000009", 4), Some(5_000_000_000)));
    assert_eq!(far.position.offset, 5_000_000_000);
    let text = format!("file=bin.000009 offset=4294967295 server={UUID}");
    let near = at(&text, &facts).unwrap();
    assert_eq!((near.dump, near.forward_to), (file("bin.000009", 0xffff_ffff), None));
}

#[test]
fn a_text_that_is_no_position_is_not_guessed_at() {
    let error = at("somewhere", &mysql()).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unsupported, "bad_position"));
}
