//! Every event type that exists, by number: seen in a file of a real server, made by hand, or known to be
//! out of reach with the reason.

use std::collections::BTreeMap;

use super::options::readable;
use super::transactions::made;
use super::{ALL, MYSQL_FULL, cut, format_of, raw};
use crate::binlog::{
    Checksum, DecodeError, Event, FormatDescription, PayloadReader, RawEvent, TableBinding,
};

/// How this decoder meets an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// A golden file holds one.
    InFiles,
    /// No server that runs here writes it into a file; made by hand with this body, and read as the word.
    ByHand(&'static [u8], &'static str),
    /// Known and refused, because no server of the versions that can be tapped writes it.
    Refused(&'static str),
}

use Met::{ByHand, InFiles, Refused};

const SKIPPED: &str = "Skipped";

/// Both families' enumerations (`Log_event_type`), without holes.
const EVERY: &[(u8, &str, Met)] = &[
    (0, "UNKNOWN", Refused("means that the reader did not know the type")),
    (1, "START_V3", Refused("MySQL 3.23 to 4.1")),
    (2, "QUERY", InFiles),
    (3, "STOP", InFiles),
    (4, "ROTATE", InFiles),
    (5, "INTVAR", InFiles),
    // The ways that LOAD DATA took before MySQL 5.0.3; replicas of today still know them.
    (6, "LOAD", ByHand(&[0; 18], SKIPPED)),
    (7, "SLAVE", ByHand(&[0; 10], SKIPPED)),
    (8, "CREATE_FILE", ByHand(&[0; 4], SKIPPED)),
    // The next two stand for parts of a file too large, and for a load that failed.
    (9, "APPEND_BLOCK", ByHand(b"\x01\0\0\0more lines", SKIPPED)),
    (10, "EXEC_LOAD", ByHand(&[1, 0, 0, 0], SKIPPED)),
    (11, "DELETE_FILE", ByHand(&[1, 0, 0, 0], SKIPPED)),
    (12, "NEW_LOAD", ByHand(&[0; 18], SKIPPED)),
    (13, "RAND", InFiles),
    (14, "USER_VAR", InFiles),
    (15, "FORMAT_DESCRIPTION", InFiles),
    (16, "XID", InFiles),
    (17, "BEGIN_LOAD_QUERY", InFiles),
    (18, "EXECUTE_LOAD_QUERY", InFiles),
    (19, "TABLE_MAP", InFiles),
    (20, "PRE_GA_WRITE_ROWS", Refused("MySQL 5.1.0 to 5.1.17")),
    (21, "PRE_GA_UPDATE_ROWS", Refused("MySQL 5.1.0 to 5.1.17")),
    (22, "PRE_GA_DELETE_ROWS", Refused("MySQL 5.1.0 to 5.1.17")),
    (23, "WRITE_ROWS_V1", InFiles),
    (24, "UPDATE_ROWS_V1", InFiles),
    (25, "DELETE_ROWS_V1", InFiles),
    (26, "INCIDENT", InFiles),
    // Made for a connection, never written.
    (27, "HEARTBEAT", ByHand(b"binlog.000003", "Heartbeat")),
    // The base of the others that may be ignored; no server writes it as such.
    (28, "IGNORABLE", ByHand(b"anything", SKIPPED)),
    (29, "ROWS_QUERY", InFiles),
    (30, "WRITE_ROWS", InFiles),
    (31, "UPDATE_ROWS", InFiles),
    (32, "DELETE_ROWS", InFiles),
    (33, "GTID", InFiles),
    (34, "ANONYMOUS_GTID", InFiles),
    (35, "PREVIOUS_GTIDS", InFiles),
    // Of Group Replication: the first travels between members, the second was logged until MySQL 8.3.
    (36, "TRANSACTION_CONTEXT", ByHand(&[0; 18], SKIPPED)),
    (37, "VIEW_CHANGE", ByHand(&[0; 52], SKIPPED)),
    (38, "XA_PREPARE", InFiles),
    (39, "PARTIAL_UPDATE_ROWS", InFiles),
    (40, "TRANSACTION_PAYLOAD", InFiles),
    (41, "HEARTBEAT_V2", ByHand(b"\x01\x0dbinlog.000003\x02\x01\x04\0", "Heartbeat")),
    (42, "GTID_TAGGED", InFiles),
    (160, "ANNOTATE_ROWS", InFiles),
    (161, "BINLOG_CHECKPOINT", InFiles),
    (162, "MARIADB_GTID", InFiles),
    (163, "MARIADB_GTID_LIST", InFiles),
    // The golden file of it has nothing else to read: `a11_an_encrypted_file_…`.
    (164, "START_ENCRYPTION", ByHand(b"\x01\x01\0\0\0twelve bytes", "StartEncryption")),
    (165, "QUERY_COMPRESSED", InFiles),
    (166, "WRITE_ROWS_COMPRESSED_V1", InFiles),
    (167, "UPDATE_ROWS_COMPRESSED_V1", InFiles),
    (168, "DELETE_ROWS_COMPRESSED_V1", InFiles),
    // MariaDB compresses its own rows, which are of the first version; its replicas know these three.
    (169, "WRITE_ROWS_COMPRESSED", ByHand(ROWS_V2, "CompressedRows")),
    (170, "UPDATE_ROWS_COMPRESSED", ByHand(ROWS_V2_TWICE, "CompressedRows")),
    (171, "DELETE_ROWS_COMPRESSED", ByHand(ROWS_V2, "CompressedRows")),
];

/// Table 5, end of statement, no extra data, one column, present; then a compressed part.
const ROWS_V2: &[u8] = b"\x05\0\0\0\0\0\x01\0\x02\0\x01\xff\x81\x00";
/// The same with the columns of the after image.
const ROWS_V2_TWICE: &[u8] = b"\x05\0\0\0\0\0\x01\0\x02\0\x01\xff\xff\x81\x00";

#[test]
fn every_event_type_is_met() {
    let mut seen = BTreeMap::new();
    for (name, file) in readable().chain(ALL.iter().map(|file| ("golden", *file))) {
        let format = format_of(file);
        for event in cut(file) {
            note(&raw(event, &format), &format, name, &mut seen);
        }
    }
    for &(number, name, met) in EVERY {
        assert_eq!(seen.remove(&number).is_some(), met == InFiles, "{name} ({number})");
    }
    assert!(seen.is_empty(), "types without a line: {seen:?}");
}

/// Notes an event, and those inside of a payload; each decodes.
fn note(
    raw: &RawEvent<'_>,
    format: &FormatDescription,
    name: &str,
    seen: &mut BTreeMap<u8, String>,
) {
    let number = raw.header.event_type.number();
    let event = Event::decode(raw, format).unwrap_or_else(|error| panic!("{name}: {error}"));
    seen.entry(number).or_insert_with(|| name.to_owned());
    if let Event::TransactionPayload(payload) = event {
        let mut reader = PayloadReader::new(1 << 20).unwrap();
        let mut events = reader.open(&payload).unwrap();
        while let Some(raw) = events.next_event().unwrap() {
            note(&raw, format, name, seen);
        }
    }
}

#[test]
fn the_numbers_have_no_hole() {
    let numbers: Vec<u8> = EVERY.iter().map(|(number, _, _)| *number).collect();
    assert_eq!(numbers, (0..=42).chain(160..=171).collect::<Vec<u8>>());
}

#[test]
fn a16_a31_events_that_no_server_here_writes_are_read_all_the_same() {
    for &(number, name, met) in EVERY {
        let decode = |body: &[u8]| {
            let event = made(number, 0, body);
            let raw = RawEvent::parse(&event, Checksum::None).unwrap();
            Event::decode(&raw, &FormatDescription::assumed()).map(|event| format!("{event:?}"))
        };
        match met {
            InFiles => {}
            ByHand(body, word) => {
                let shown = decode(body).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(shown.starts_with(word), "{name} is read as {shown}");
            }
            Refused(_) => {
                let error = decode(&[0; 60]).expect_err(name);
                let refused =
                    matches!(error, DecodeError::UnknownEvent(_) | DecodeError::Unsupported(_));
                assert!(refused, "{name}: {error}");
            }
        }
    }
}

#[test]
fn a16_an_unknown_event_is_skipped_only_if_it_says_so() {
    const IGNORABLE: u16 = 0x80;
    for number in (43..160).chain(172..=255) {
        let decode = |flags| {
            let event = made(number, flags, b"from a later version");
            let raw = RawEvent::parse(&event, Checksum::None).unwrap();
            Event::decode(&raw, &FormatDescription::assumed()).map(|event| format!("{event:?}"))
        };
        assert_eq!(decode(0), Err(DecodeError::UnknownEvent(number)));
        assert_eq!(decode(IGNORABLE), Ok(SKIPPED.to_owned()));
    }
}

#[test]
fn a16_metadata_of_a_table_that_we_do_not_know_are_passed_over() {
    let format = format_of(MYSQL_FULL);
    let bound = |body: &[u8]| {
        let event = made(19, 0, body);
        let raw = RawEvent::parse(&event, Checksum::None).unwrap();
        let Event::TableMap(map) = Event::decode(&raw, &format)? else { panic!("no table map") };
        TableBinding::from_metadata(&map).map(|binding| binding.schema().clone())
    };
    let maps: Vec<_> = cut(MYSQL_FULL)
        .into_iter()
        .map(|event| raw(event, &format))
        .filter(|raw| raw.header.event_type.number() == 19)
        .collect();
    assert!(maps.len() > 10);
    for map in maps {
        let known = bound(map.body).unwrap();
        // Type, length, and bytes of a later version; then one that is longer than what is left.
        let later = [map.body, &[200, 3, 1, 2, 3]].concat();
        assert_eq!(bound(&later), Ok(known));
        assert!(bound(&[map.body, &[200, 30, 1, 2, 3]].concat()).is_err());
    }
}
