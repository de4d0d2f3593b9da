//! Events around rows: identifiers, statements, compression, the log's own.

use super::special::squeezed;
use super::{
    MARIADB_COMPRESSED, MARIADB_FULL, MARIADB_UNCHECKED, MYSQL_COMPRESSED, MYSQL_FULL,
    MYSQL_UNCHECKED, cut, format_of, raw, rows, rows_with,
};
use crate::binlog::{
    Checksum, DecodeError, Event, EventHeader, EventType, FormatDescription, RawEvent, TableBinding,
};

/// One word per event.
fn kinds(file: &[u8]) -> Vec<String> {
    let format = format_of(file);
    cut(file)
        .into_iter()
        .map(|event| match Event::decode(&raw(event, &format), &format) {
            Ok(event) => format!("{event:?}").split(['(', ' ']).next().unwrap().to_owned(),
            Err(error) => error.to_string(),
        })
        .collect()
}

fn statements(file: &[u8]) -> Vec<String> {
    let format = format_of(file);
    let mut buffer = Vec::new();
    let mut statements = Vec::new();
    for event in cut(file) {
        let text = match Event::decode(&raw(event, &format), &format) {
            Ok(Event::Query(query)) => query.statement.to_vec(),
            Ok(Event::CompressedQuery(query)) => {
                query.inflate(&mut buffer, 1 << 16).unwrap().statement.to_vec()
            }
            _ => continue,
        };
        statements.push(String::from_utf8(text).unwrap());
    }
    statements
}

#[test]
fn a_format_description_names_its_server_and_its_checksum() {
    let of = |file| {
        let format = format_of(file);
        (format.checksum, format.is_mariadb())
    };
    assert_eq!(of(MYSQL_FULL), (Checksum::Crc32, false));
    assert_eq!(of(MYSQL_UNCHECKED), (Checksum::None, false));
    assert_eq!(of(MARIADB_FULL), (Checksum::Crc32, true));
    assert_eq!(of(MARIADB_UNCHECKED), (Checksum::None, true));
    assert!(format_of(MYSQL_FULL).server_version.starts_with("9.7.4"));
    assert!(format_of(MARIADB_FULL).server_version.starts_with("10.11.19-MariaDB"));
}

#[test]
fn each_event_of_mysql_is_known() {
    let kinds = kinds(MYSQL_FULL);
    assert_eq!(kinds[..2], ["FormatDescription", "PreviousGtids"]);
    assert_eq!(kinds.last().unwrap(), "Rotate");
    for kind in ["Gtid", "Query", "RowsQuery", "TableMap", "Rows", "Xid", "XaPrepare"] {
        assert!(kinds.iter().any(|found| found == kind), "{kind} is missing");
    }
    assert!(kinds.iter().all(|kind| !kind.contains(' ') && kind != "Skipped"), "{kinds:?}");
}

#[test]
fn each_event_of_mariadb_is_known() {
    let kinds = kinds(MARIADB_FULL);
    assert_eq!(kinds[..3], ["FormatDescription", "GtidList", "BinlogCheckpoint"]);
    for kind in ["MariaDbGtid", "Query", "AnnotateRows", "TableMap", "Rows", "Xid", "Rotate"] {
        assert!(kinds.iter().any(|found| found == kind), "{kind} is missing");
    }
    assert!(kinds.iter().all(|kind| !kind.contains(' ') && kind != "Skipped"), "{kinds:?}");
}

#[test]
fn a_statement_comes_with_the_settings_of_its_session() {
    for file in [MYSQL_FULL, MARIADB_FULL] {
        let format = format_of(file);
        let ddl = cut(file)
            .into_iter()
            .find_map(|event| match Event::decode(&raw(event, &format), &format) {
                Ok(Event::Query(query)) if query.statement.starts_with(b"ALTER TABLE") => {
                    Some(query)
                }
                _ => None,
            })
            .unwrap();
        assert_eq!(ddl.database, b"golden");
        assert_eq!(
            ddl.statement,
            b"ALTER TABLE accounts ADD COLUMN extra BIGINT UNSIGNED NOT NULL DEFAULT 7"
        );
        assert!(ddl.thread_id > 0);
        assert!(ddl.variables.sql_mode.is_some() && ddl.variables.flags2.is_some());
        let [client, connection, _] = ddl.variables.charset.unwrap();
        assert_eq!(client, connection);
        assert_eq!(
            crate::binlog::charset_of_collation(u64::from(client)),
            Some("utf8mb4"),
            "the client spoke utf8mb4"
        );
    }
}

#[test]
fn a_gtid_event_tells_when_and_how_long() {
    let format = format_of(MYSQL_FULL);
    let mut numbers = Vec::new();
    let mut tags = Vec::new();
    let mut sequence = Vec::new();
    for event in cut(MYSQL_FULL) {
        let raw = raw(event, &format);
        let Ok(Event::Gtid(event)) = Event::decode(&raw, &format) else { continue };
        let gtid = event.gtid.unwrap();
        if gtid.tag.is_empty() {
            assert_eq!(raw.header.event_type, EventType::GTID);
            numbers.push(gtid.number);
        } else {
            assert_eq!(raw.header.event_type, EventType::GTID_TAGGED);
            tags.push(gtid.to_string().split_once(':').unwrap().1.to_owned());
        }
        assert_eq!(event.immediate_server_version, Some(90704));
        assert_eq!(event.original_server_version, Some(90704));
        assert_eq!(event.original_commit, event.immediate_commit);
        sequence.push((event.last_committed, event.sequence_number));
        let committed = event.original_commit.unwrap();
        assert!((0..120).contains(&(committed.seconds() - raw.header.time().seconds())));
        assert!(event.transaction_length.unwrap() >= u64::from(raw.header.event_size));
    }
    assert!(numbers.is_sorted() && numbers.len() > 10);
    assert_eq!(sequence[..6], [(0, 1), (1, 2), (1, 3), (1, 4), (1, 5), (3, 6)]);
    assert_eq!(sequence[24..27], [(24, 25), (24, 26), (25, 27)]);
    assert_eq!(tags, ["blue_1:1", "blue_1:2"]);
}

#[test]
fn a_transaction_of_mariadb_tells_its_domain() {
    let format = format_of(MARIADB_COMPRESSED);
    let gtids: Vec<_> = cut(MARIADB_COMPRESSED)
        .into_iter()
        .filter_map(|event| match Event::decode(&raw(event, &format), &format) {
            Ok(Event::MariaDbGtid(event)) => Some(event),
            _ => None,
        })
        .collect();
    assert!(gtids[0].is_ddl() && gtids[0].is_standalone());
    assert!(!gtids[1].is_ddl() && !gtids[1].is_standalone());
    assert_eq!(gtids.last().unwrap().gtid.to_string(), "3-1-1");
    let format = format_of(MARIADB_FULL);
    let xa: Vec<_> = cut(MARIADB_FULL)
        .into_iter()
        .filter_map(|event| match Event::decode(&raw(event, &format), &format) {
            Ok(Event::MariaDbGtid(event)) => Some(event),
            _ => None,
        })
        .filter(|event| event.xa.is_some())
        .collect();
    assert_eq!(xa[0].xa, Some((7, b"global".as_slice(), b"branch".as_slice())));
    assert!(xa[0].is_xa_prepare() && xa[1].is_xa_end());
}

#[test]
fn an_xa_transaction_of_mysql_tells_its_identifier() {
    let format = format_of(MYSQL_FULL);
    let found = cut(MYSQL_FULL).into_iter().find_map(|event| {
        match Event::decode(&raw(event, &format), &format) {
            Ok(Event::XaPrepare(event)) => Some(event),
            _ => None,
        }
    });
    let event = found.unwrap();
    assert_eq!(
        (event.format_id, event.global_id, event.branch_id),
        (7, &b"global"[..], &b"branch"[..])
    );
    assert!(!event.one_phase);
}

fn check_squeezed(file: &[u8], more: &[[&str; 3]]) {
    let rows = rows_with(file, &|map| TableBinding::with_schema(map, squeezed(map, false)));
    let row = |id: &str, letter: &str, n: &str| {
        Some(vec![id.to_owned(), super::hex(letter.repeat(150).as_bytes()), n.to_owned()])
    };
    let found: Vec<_> = rows.into_iter().map(|row| (row.before, row.after)).collect();
    let mut wanted = vec![
        (None, row("1", "a", "1.25")),
        (None, row("2", "b", "0.00")),
        (row("1", "a", "1.25"), row("1", "a", "2.25")),
        (row("2", "b", "0.00"), row("2", "b", "1.00")),
        (row("1", "a", "2.25"), None),
    ];
    for [id, v, n] in more {
        let row = vec![(*id).to_owned(), super::hex(v.as_bytes()), (*n).to_owned()];
        wanted.push((None, Some(row)));
    }
    assert_eq!(found, wanted);
}

#[test]
fn a06_transaction_payload_is_decoded() {
    assert!(kinds(MYSQL_COMPRESSED).iter().any(|kind| kind == "TransactionPayload"));
    check_squeezed(MYSQL_COMPRESSED, &[]);
}

#[test]
fn a08_compressed_events_of_mariadb_are_decoded() {
    let kinds = kinds(MARIADB_COMPRESSED);
    assert!(kinds.iter().any(|kind| kind == "CompressedRows"));
    assert!(kinds.iter().any(|kind| kind == "CompressedQuery"));
    assert!(statements(MARIADB_COMPRESSED)[0].starts_with("CREATE TABLE squeezed"));
    check_squeezed(MARIADB_COMPRESSED, &[["4", "domain", "4.00"]]);
}

#[test]
fn c01_columns_that_were_not_logged_are_absent_and_not_null() {
    for file in [MYSQL_FULL, MARIADB_FULL] {
        let rows = rows(file);
        let minimal: Vec<_> = rows
            .iter()
            .filter(|row| row.table == "accounts")
            .filter(|row| {
                [&row.before, &row.after].iter().any(|image| {
                    image.as_ref().is_some_and(|image| image.contains(&"ABSENT".to_owned()))
                })
            })
            .collect();
        let update = minimal[0];
        let before = update.before.as_ref().unwrap();
        assert_eq!(before[..], ["9", "6170", "ABSENT", "ABSENT", "ABSENT"]);
        let after = update.after.as_ref().unwrap();
        assert_eq!(after[..], ["ABSENT", "ABSENT", "ABSENT", "6D696E696D616C", "ABSENT"]);
        assert_eq!(minimal.len(), 3);
    }
}

/// An event made by hand, without checksum.
pub(super) fn made(kind: u8, flags: u16, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(EventHeader::LENGTH + body.len()).unwrap();
    let mut event = vec![0, 0, 0, 0, kind, 1, 0, 0, 0];
    event.extend_from_slice(&size.to_le_bytes());
    event.extend_from_slice(&4711_u32.to_le_bytes());
    event.extend_from_slice(&flags.to_le_bytes());
    event.extend_from_slice(body);
    event
}

fn decoded(event: &[u8]) -> Result<Event<'_>, DecodeError> {
    let raw = RawEvent::parse(event, Checksum::None).unwrap();
    Event::decode(&raw, &FormatDescription::assumed())
}

#[test]
fn unknown_events_are_skipped_only_if_the_server_says_so() {
    assert!(matches!(decoded(&made(99, 0x80, b"?")), Ok(Event::Skipped)));
    assert_eq!(decoded(&made(99, 0, b"?")).unwrap_err(), DecodeError::UnknownEvent(99));
    assert!(matches!(decoded(&made(37, 0, b"?")), Ok(Event::Skipped)));
}

#[test]
fn both_heartbeats_tell_file_and_position() {
    let event = made(27, 0, b"bin.000007");
    let Ok(Event::Heartbeat(first)) = decoded(&event) else { panic!("no heartbeat") };
    assert_eq!((first.file, first.position), (b"bin.000007".as_slice(), 4711));
    let event = made(41, 0, b"\x01\x0abin.000007\x02\x09\xfe\0\0\0\0\x01\0\0\0\0");
    let Ok(Event::Heartbeat(second)) = decoded(&event) else { panic!("no heartbeat") };
    assert_eq!((second.file, second.position), (b"bin.000007".as_slice(), 1 << 32));
}

#[test]
fn a21_an_incident_tells_its_message() {
    let event = made(26, 0, b"\x01\x00\x04lost");
    let Ok(Event::Incident(incident)) = decoded(&event) else { panic!("no incident") };
    assert_eq!((incident.number, incident.message), (1, b"lost".as_slice()));
}

#[test]
fn unknown_variables_end_the_variables_and_not_the_query() {
    let mut body = vec![7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 11, 0];
    body.extend_from_slice(&[0, 1, 2, 3, 4, 200, 9, 9, 9, 9, 9]);
    body.extend_from_slice(b"db\0DROP TABLE t");
    let event = made(2, 0, &body);
    let Ok(Event::Query(query)) = decoded(&event) else { panic!("no query") };
    assert_eq!(query.variables.flags2, Some(0x0403_0201));
    assert_eq!((query.database, query.statement), (&b"db"[..], &b"DROP TABLE t"[..]));
}

#[test]
fn b13_collations_that_a_session_chose_do_not_hide_its_character_set() {
    // The variables of a CREATE TABLE behind SET NAMES latin1 on MariaDB 11.8.
    let pairs = [33, 0, 0, 8, 35, 0, 0, 10, 45, 0, 0, 9, 54, 0, 0, 11, 60, 0, 0, 12];
    let variables = [&[131, 5][..], &pairs, &[4, 8, 0, 8, 0, 0, 9]].concat();
    let length = u8::try_from(variables.len()).unwrap();
    let mut body = vec![7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, length, 0];
    body.extend_from_slice(&variables);
    body.extend_from_slice(b"x\0CREATE TABLE t");
    let event = made(2, 0, &body);
    let Ok(Event::Query(query)) = decoded(&event) else { panic!("no query") };
    assert_eq!(query.variables.charset, Some([8, 8, 2304]));
}

#[test]
fn a_fake_rotate_names_the_file_that_follows() {
    let event = made(4, 0x20, b"\x04\0\0\0\0\0\0\0mysql-bin.000042");
    let raw = RawEvent::parse(&event, Checksum::None).unwrap();
    assert!(raw.header.is_artificial());
    let Ok(Event::Rotate(rotate)) = decoded(&event) else { panic!("no rotate") };
    assert_eq!((rotate.position, rotate.file), (4, b"mysql-bin.000042".as_slice()));
    assert!(decoded(&made(4, 0x20, b"\x04\0\0\0\0\0\0\0")).is_err());
}

#[test]
fn a_gtid_event_of_mysql_5_7_ends_behind_its_sequence() {
    let mut body = vec![1];
    body.extend_from_slice(&[0xab; 16]);
    body.extend_from_slice(&9_u64.to_le_bytes());
    body.push(2);
    body.extend_from_slice(&3_u64.to_le_bytes());
    body.extend_from_slice(&4_u64.to_le_bytes());
    let event = made(33, 0, &body);
    let Ok(Event::Gtid(gtid)) = decoded(&event) else { panic!("no GTID") };
    assert_eq!(gtid.gtid.unwrap().to_string(), "abababab-abab-abab-abab-abababababab:9");
    assert_eq!((gtid.last_committed, gtid.sequence_number), (3, 4));
    assert_eq!((gtid.original_commit, gtid.transaction_length), (None, None));
    let anonymous = made(34, 0, &body);
    let Ok(Event::Gtid(gtid)) = decoded(&anonymous) else { panic!("no GTID") };
    assert_eq!(gtid.gtid, None);
}

#[test]
fn a11_the_start_of_encryption_is_known() {
    let event = made(164, 0, b"\x01\x02\0\0\0ABCDEFGHIJKL");
    let Ok(Event::StartEncryption(start)) = decoded(&event) else { panic!("no encryption") };
    assert_eq!((start.scheme, start.key_version, &start.nonce), (1, 2, b"ABCDEFGHIJKL"));
}

#[test]
fn a29_row_events_skip_the_extra_data_of_version_2() {
    let mut body = vec![9, 0, 0, 0, 0, 0, 1, 0];
    body.extend_from_slice(&[5, 0, 7, 7, 7]);
    body.extend_from_slice(&[1, 1, 0, 42]);
    let event = made(30, 0, &body);
    let Ok(Event::Rows(rows)) = decoded(&event) else { panic!("no rows") };
    assert_eq!(rows.table_id, crate::binlog::TableId(9));
    assert!(rows.ends_statement());
    assert!(decoded(&made(30, 0, &[9, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1])).is_err());
}

#[test]
fn row_events_that_are_too_old_are_refused_by_name() {
    let error = decoded(&made(20, 0, b"")).unwrap_err();
    assert!(matches!(error, DecodeError::Unsupported(reason) if reason.contains("5.1.18")));
}
