use capture::{CheckItem, CheckResult};
use change::{Column, ColumnType, TableSchema};

use super::table_items::{self, Tables};
use super::{item, log_items, unreachable};
use crate::connection::{Endpoint, ServerFacts, ServerVersion};
use crate::describe::{Catalog, UnknownType};
use crate::{Error, ServerError};

fn facts(version: &str) -> ServerFacts {
    let some = |text: &str| Some(text.to_owned());
    ServerFacts {
        version: ServerVersion::parse(version),
        version_comment: "test".into(),
        server_id: Some(1),
        server_uuid: None,
        log_bin: true,
        binlog_format: some("ROW"),
        binlog_row_image: some("FULL"),
        binlog_row_metadata: some("FULL"),
        binlog_row_value_options: some(""),
        binlog_checksum: some("CRC32"),
        gtid_mode: some("ON"),
        gtid_executed: None,
        gtid_purged: None,
        gtid_binlog_pos: None,
        gtid_binlog_state: None,
        gtid_slave_pos: None,
        binlog_expire_seconds: Some(2_592_000),
        logs_replica_updates: Some(true),
        lower_case_table_names: Some(0),
        log_end: None,
        binlog_files: Vec::new(),
        is_replica: Some(false),
        utf8_is_utf8mb4: false,
        binlog_storage_engine: None,
        reorders_replicated: false,
        grants: vec![
            "GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `c`@`%`".into(),
        ],
    }
}

fn find<'a>(items: &'a [CheckItem], name: &str) -> &'a CheckItem {
    items.iter().find(|item| item.name == name).unwrap_or_else(|| panic!("no item {name}"))
}

#[test]
fn k01_a_well_set_up_server_passes() {
    let facts = facts("9.7.4");
    let items = [log_items::settings(&facts), log_items::privileges(&facts)].concat();
    assert!(items.iter().all(|item| item.result == CheckResult::Ok), "{items:#?}");
}

#[test]
fn k01_each_wrong_setting_fails_alone_with_its_sql() {
    use CheckResult::{Failed, Warn};
    type Break = fn(&mut ServerFacts);
    let cases: [(&str, CheckResult, &str, Break); 9] = [
        ("server_id", Failed, "SET PERSIST server_id = 1;", |f| f.server_id = Some(0)),
        ("binlog_format", Failed, "SET PERSIST binlog_format = 'ROW';", |f| {
            f.binlog_format = Some("STATEMENT".into());
        }),
        ("binlog_row_image", Failed, "SET PERSIST binlog_row_image = 'FULL';", |f| {
            f.binlog_row_image = Some("MINIMAL".into());
        }),
        ("binlog_row_metadata", Warn, "SET PERSIST binlog_row_metadata = 'FULL';", |f| {
            f.binlog_row_metadata = Some("MINIMAL".into());
        }),
        ("gtid_mode", Warn, "SET PERSIST gtid_mode = 'ON';", |f| f.gtid_mode = Some("OFF".into())),
        ("binlog_checksum", Warn, "SET PERSIST binlog_checksum = 'CRC32';", |f| {
            f.binlog_checksum = Some("NONE".into());
        }),
        ("binlog_expire", Warn, "SET PERSIST binlog_expire_logs_seconds = 604800;", |f| {
            f.binlog_expire_seconds = Some(3_600);
        }),
        ("log_replica_updates", Failed, "log_replica_updates = ON; RESTART;", |f| {
            f.logs_replica_updates = Some(false);
            f.is_replica = Some(true);
        }),
        ("replica_order", Warn, "preserve_commit_order = ON; START REPLICA SQL_THREAD;", |f| {
            f.reorders_replicated = true;
            f.is_replica = Some(true);
        }),
    ];
    for (name, result, sql, damage) in cases {
        let mut facts = facts("9.7.4");
        damage(&mut facts);
        let items = log_items::settings(&facts);
        let item = find(&items, name);
        assert_eq!(item.result, result, "{name}");
        assert!(item.remedy.iter().any(|remedy| remedy.sql.ends_with(sql)), "{item:?}");
        let others = items.iter().filter(|other| other.name != name);
        assert!(others.into_iter().all(|other| other.result == CheckResult::Ok), "{name}");
    }
}

#[test]
fn b18_partial_json_is_refused_only_without_whole_images() {
    let mut facts = facts("9.7.4");
    facts.binlog_row_value_options = Some("PARTIAL_JSON".into());
    let item =
        |facts: &ServerFacts| find(&log_items::settings(facts), "binlog_row_value_options").clone();
    assert_eq!(item(&facts).result, CheckResult::Ok);
    facts.binlog_row_image = Some("MINIMAL".into());
    let refused = item(&facts);
    assert_eq!(refused.result, CheckResult::Failed);
    let sql = "SET PERSIST binlog_row_value_options = '';";
    assert!(refused.remedy.iter().any(|remedy| remedy.sql.ends_with(sql)), "{refused:?}");
}

#[test]
fn every_item_that_can_be_mended_by_a_statement_or_a_setting_names_it() {
    let mut wrong = facts("9.7.4");
    wrong.server_id = Some(0);
    wrong.binlog_format = Some("MIXED".into());
    wrong.binlog_row_image = Some("NOBLOB".into());
    wrong.binlog_row_metadata = Some("MINIMAL".into());
    wrong.binlog_row_value_options = Some("PARTIAL_JSON".into());
    wrong.binlog_checksum = Some("NONE".into());
    wrong.binlog_storage_engine = Some("innodb".into());
    wrong.gtid_mode = Some("OFF".into());
    wrong.binlog_expire_seconds = Some(60);
    wrong.logs_replica_updates = Some(false);
    wrong.is_replica = Some(true);
    wrong.reorders_replicated = true;
    wrong.grants = vec!["GRANT USAGE ON *.* TO `cdc`@`%`".into()];
    for version in ["5.7.44", "8.0.34", "9.7.4", "10.11.6-MariaDB"] {
        wrong.version = ServerVersion::parse(version);
        let items = [log_items::settings(&wrong), log_items::privileges(&wrong)].concat();
        let bad = items.iter().filter(|item| item.result != CheckResult::Ok);
        for item in bad {
            assert!(!item.wanted.is_empty() && !item.found.is_empty(), "{version}: {item:?}");
            let [remedy] = item.remedy.as_slice() else { panic!("{version}: {item:?}") };
            assert!(remedy.sql.ends_with(';') || remedy.title.contains("restart"), "{item:?}");
            assert!(!remedy.sql.contains("PERSIST") || version >= "8", "{version}: {item:?}");
        }
    }
}

#[test]
fn a30_a_log_inside_of_innodb_is_refused_with_the_reason() {
    let mut facts = facts("12.3.1-MariaDB");
    facts.binlog_storage_engine = Some("innodb".into());
    let items = log_items::settings(&facts);
    let item = find(&items, "binlog_storage_engine");
    assert_eq!((item.result, item.can_skip), (CheckResult::Failed, false));
    assert!(item.found.contains("neither files nor positions"));
    assert!(item.remedy[0].title.contains("log_bin"));
}

#[test]
fn c01_each_row_image_says_what_it_leaves_out() {
    for (image, word) in [("MINIMAL", "keys"), ("NOBLOB", "BLOB"), ("FULL_NODUP", "before image")] {
        let mut facts = facts("11.8.6-MariaDB");
        facts.binlog_row_image = Some(image.into());
        let items = log_items::settings(&facts);
        let item = find(&items, "binlog_row_image");
        assert!(item.can_skip && item.found.contains(word), "{item:?}");
        assert_eq!(item.remedy[0].sql, "SET GLOBAL binlog_row_image = 'FULL';");
    }
}

#[test]
fn e09_a_replica_that_does_not_log_what_it_receives_fails() {
    let mut facts = facts("10.11.6-MariaDB");
    facts.logs_replica_updates = Some(false);
    facts.is_replica = Some(true);
    let items = log_items::settings(&facts);
    let item = find(&items, "log_replica_updates");
    assert_eq!(item.result, CheckResult::Failed);
    assert!(item.remedy[0].title.contains("log_slave_updates"));
}

#[test]
fn k01_without_a_binlog_the_rest_of_the_log_is_skipped() {
    let mut facts = facts("10.11.6-MariaDB");
    facts.log_bin = false;
    let items = log_items::settings(&facts);
    assert_eq!(find(&items, "log_bin").result, CheckResult::Failed);
    for name in ["binlog_format", "gtid_mode", "log_replica_updates"] {
        assert_eq!(find(&items, name).result, CheckResult::Skipped, "{name}");
    }
}

#[test]
fn k01_mariadb_gets_statements_it_understands() {
    let mut facts = facts("10.11.6-MariaDB");
    facts.gtid_mode = None;
    facts.binlog_format = Some("MIXED".into());
    let items = log_items::settings(&facts);
    assert_eq!(find(&items, "gtid_mode").result, CheckResult::Ok);
    assert_eq!(find(&items, "binlog_format").remedy[0].sql, "SET GLOBAL binlog_format = 'ROW';");
}

#[test]
fn k01_missing_grants_come_with_the_grant_to_run() {
    let mut facts = facts("9.7.4");
    facts.grants = vec!["GRANT USAGE ON *.* TO `cdc`@`%` REQUIRE SSL".into()];
    let items = log_items::privileges(&facts);
    let item = find(&items, "replication_slave");
    assert_eq!(item.result, CheckResult::Failed);
    assert_eq!(item.remedy[0].sql, "GRANT REPLICATION SLAVE ON *.* TO `cdc`@`%`;");
    let items = table_items::judge(&Tables::default(), &facts);
    assert_eq!(find(&items, "select").remedy[0].sql, "GRANT SELECT ON *.* TO `cdc`@`%`;");
    assert_eq!(find(&items, "primary_keys").result, CheckResult::Skipped);
}

#[test]
fn k01_tables_without_key_are_named_and_the_first_ones_only() {
    let table = |name: String, primary_key: Vec<usize>| {
        let id = Column { name: "id".into(), kind: ColumnType::Date };
        TableSchema::new("shop".into(), name, vec![id], primary_key, Vec::new())
    };
    let mut tables: Vec<TableSchema> = (0..7).map(|n| table(format!("log{n}"), vec![])).collect();
    tables.push(table("orders".into(), vec![0]));
    let unknown = UnknownType {
        database: "shop".into(),
        table: "odd".into(),
        column: "x".into(),
        column_type: "hologram".into(),
    };
    let tables = Tables {
        catalog: Catalog { tables, unknown: vec![unknown] },
        foreign: vec!["shop.far (FEDERATED)".into()],
    };
    let items = table_items::judge(&tables, &facts("9.7.4"));
    let keys = find(&items, "primary_keys");
    assert_eq!(keys.result, CheckResult::Warn);
    assert!(keys.found.contains("shop.log4 (2 more)") && !keys.found.contains("orders"));
    assert_eq!(find(&items, "engines").result, CheckResult::Failed);
    assert!(find(&items, "column_types").found.contains("shop.odd.x (hologram)"));
    assert_eq!(find(&items, "tables").found, "9 tables");
}

#[test]
fn k01_an_unreachable_server_fails_once_and_skips_the_rest() {
    let endpoint = Endpoint::parse("mysql://cdc:geheim@db").unwrap();
    let denied = ServerError { code: 1045, sqlstate: "28000".into(), message: "no".into() };
    let items = unreachable(Error::Server(denied), &endpoint);
    assert_eq!((items[0].name, items[0].result), ("connection", CheckResult::Failed));
    assert!(!items[0].remedy.is_empty());
    assert!(items[1..].iter().all(|item| item.result == CheckResult::Skipped));
    let names: std::collections::BTreeSet<_> = items.iter().map(|item| item.name).collect();
    assert_eq!(names.len(), items.len());
}

#[test]
fn durations_are_said_as_people_say_them() {
    let said = [30, 600, 15_000, 532_800].map(item::duration);
    assert_eq!(said, ["30 s", "10 min", "4 h 10 min", "6 d 4 h"]);
}
