//! Golden bytes were taken between Wellhead and MySQL 9.7.4 or MariaDB 10.11.19 by a proxy, without
//! TLS; packet headers are left off.

use proptest::prelude::*;

use super::handshake::{Greeting, HandshakeResponse, negotiate, ssl_request};
use super::packet::{HEADER_LEN, MAX_PAYLOAD, PacketHeader, frame};
use super::reply::{AuthReply, OkPacket, decode_error, is_eof};
use super::resultset::{ColumnDefinition, TextRow};
use super::{Reader, Writer, command};
use crate::Error;

const MYSQL_GREETING: &str = "0a392e372e342d3200440000005b0744010213473900ffffff0200ffdf1500000000\
    0000000000003a06161e037a41163d7877790063616368696e675f736861325f70617373776f726400";
const MARIADB_GREETING: &str = "0a352e352e352d31302e31312e31392d4d6172696144422d302b64656231327531\
    2d6c6f67002a0000006c424470276c6d6000feff080200ff81150000000000001d000000795d49356935683157442d\
    53006d7973716c5f6e61746976655f70617373776f726400";
const OK: &str = "00000002000000";
const EOF: &str = "fe00000200";
const ERROR: &str = "ff8604233038533031476f7420616e206572726f722072656164696e6720636f6d6d756e6963\
    6174696f6e207061636b657473";
const SWITCH: &str = "fe636c69656e745f65643235353139001ea4aee22190b88be731982c8d3c955b4b3952f18a\
    bb9bd928c889231b6bb180";
const COLUMN: &str = "036465660000000e63757272656e745f757365722829000c2d0080040000fd01001f0000";
const ROW: &str = "07736861326240250739 2e372e342d32";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn a01_greetings_of_both_servers_are_read() {
    let mysql = Greeting::decode(&hex(MYSQL_GREETING)).unwrap();
    assert_eq!((mysql.version.as_str(), mysql.connection_id), ("9.7.4-2", 0x44));
    assert_eq!(mysql.plugin, "caching_sha2_password");
    assert_eq!(mysql.nonce, hex("5b0744010213473 93a06161e037a41163d787779"));
    assert!(mysql.offers_tls());
    let mariadb = Greeting::decode(&hex(MARIADB_GREETING)).unwrap();
    assert_eq!(mariadb.version, "10.11.19-MariaDB-0+deb12u1-log");
    assert_eq!((mariadb.plugin.as_str(), mariadb.nonce.len()), ("mysql_native_password", 20));
}

#[test]
fn every_cut_message_is_an_error() {
    for whole in [MYSQL_GREETING, MARIADB_GREETING] {
        let whole = hex(whole);
        for end in 0..whole.len() {
            assert!(Greeting::decode(&whole[..end]).is_err(), "greeting cut at {end}");
        }
    }
    let (ok, column, row) = (hex(OK), hex(COLUMN), hex(ROW));
    (0..ok.len()).for_each(|end| assert!(OkPacket::decode(&ok[..end]).is_err()));
    // The last five bytes (flags, decimals, filler) are not looked at.
    (0..column.len() - 5)
        .for_each(|end| assert!(ColumnDefinition::decode(&column[..end]).is_err()));
    (0..row.len()).for_each(|end| assert!(TextRow::decode(&row[..end], 2).is_err()));
}

#[test]
fn a_server_that_refuses_at_once_is_heard() {
    let refusal = hex("ff1004546f6f206d616e7920636f6e6e656374696f6e73");
    match Greeting::decode(&refusal) {
        Err(Error::Server(error)) => {
            assert_eq!((error.code, error.message.as_str()), (1040, "Too many connections"));
            assert_eq!(error.sqlstate, "HY000");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(Greeting::decode(b"SSH-2.0-x"), Err(Error::Malformed { .. })));
}

#[test]
fn a_response_names_account_plugin_and_program() {
    let capabilities = negotiate(0xffff_ffff, false).unwrap();
    let response = HandshakeResponse {
        capabilities,
        user: "ed",
        auth: &[7; 20],
        plugin: "mysql_native_password",
        attributes: &[("program_name", "wellhead")],
    };
    let expected = "05a23800 00000040 2d 0000000000000000000000000000000000000000000000 656400 \
        14 0707070707070707070707070707070707070707 \
        6d7973716c5f6e61746976655f70617373776f726400 \
        16 0c70726f6772616d5f6e616d65 0877656c6c68656164";
    assert_eq!(response.encode(), hex(expected));
    let with_tls = negotiate(0xffff_ffff, true).unwrap();
    assert_eq!(ssl_request(with_tls).len(), 32);
    assert!(negotiate(0, false).is_err());
}

#[test]
fn replies_are_told_apart() {
    assert_eq!(OkPacket::decode(&hex(OK)).unwrap().status, 2);
    assert!(is_eof(&hex(EOF)) && !is_eof(&[0xfe; 9]) && !is_eof(&[]));
    match decode_error(&hex(ERROR)) {
        Error::Server(error) => {
            assert_eq!((error.code, error.sqlstate.as_str()), (1158, "08S01"));
            assert_eq!(error.message, "Got an error reading communication packets");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(decode_error(&[0xff, 1]), Error::Malformed { .. }));
    let switch = hex(SWITCH);
    match AuthReply::decode(&switch).unwrap() {
        AuthReply::Switch { plugin, nonce } => {
            assert_eq!((plugin, nonce.len()), ("client_ed25519", 32));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(AuthReply::decode(&[1, 3]).unwrap(), AuthReply::More(&[3]));
    assert!(AuthReply::decode(&[]).is_err() && AuthReply::decode(&[9]).is_err());
}

#[test]
fn text_rows_are_read() {
    let column = ColumnDefinition::decode(&hex(COLUMN)).unwrap();
    assert_eq!((column.name.as_str(), column.collation), ("current_user()", 45));
    let row = hex(ROW);
    let cells: Vec<_> = TextRow::decode(&row, 2).unwrap().cells().collect();
    assert_eq!(cells, [Some(&b"sha2b@%"[..]), Some(&b"9.7.4-2"[..])]);
    let with_null = [0xfb, 1, b'x'];
    let cells: Vec<_> = TextRow::decode(&with_null, 2).unwrap().cells().collect();
    assert_eq!(cells, [None, Some(&b"x"[..])]);
    assert!(TextRow::decode(&row, 1).is_err());
}

#[test]
fn a_huge_length_allocates_nothing() {
    let huge = hex("feffffffffffffff7f00");
    assert!(Reader::new("a test", &huge).lenenc_bytes().is_err());
    assert!(TextRow::decode(&huge, 1).is_err());
}

#[test]
fn a04_long_messages_are_cut_into_packets() {
    for (length, packets) in [(0, 1), (5, 1), (MAX_PAYLOAD, 2), (MAX_PAYLOAD + 1, 2)] {
        let mut out = Vec::new();
        assert_eq!(frame(&vec![7; length], 255, &mut out), 255_u8.wrapping_add(packets));
        assert_eq!(out.len(), length + usize::from(packets) * HEADER_LEN);
        let header = PacketHeader::decode(out[..HEADER_LEN].try_into().unwrap());
        assert_eq!((header.length, header.sequence), (length.min(MAX_PAYLOAD), 255));
    }
}

/// As in "Replication Protocol" of the MySQL Internals documentation.
#[test]
fn replication_commands_have_their_bytes() {
    assert_eq!(command::query("SELECT 1"), b"\x03SELECT 1");
    assert_eq!(
        command::binlog_dump(0x0102_0304, "bin.000001", 4, 0),
        hex("12 04000000 0000 04030201 62696e2e303030303031")
    );
    assert_eq!(
        command::binlog_dump_gtid(7, &[0; 8]),
        hex("1e 0400 07000000 00000000 0400000000000000 08000000 0000000000000000")
    );
    let registration = command::register_replica(7, &"é".repeat(40));
    assert_eq!(registration.len(), 1 + 4 + 1 + 60 + 1 + 1 + 2 + 4 + 4);
}

proptest! {
    #[test]
    fn lengths_come_back(value: u64) {
        let bytes = Writer::new().lenenc_int(value).finish();
        let mut reader = Reader::new("a test", &bytes);
        prop_assert_eq!(reader.lenenc_int().unwrap(), value);
        prop_assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn texts_come_back(text in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..400) {
        let bytes = Writer::new().lenenc_bytes(&text).finish();
        prop_assert_eq!(Reader::new("a test", &bytes).lenenc_bytes().unwrap(), &text[..]);
        let cut = cut.min(bytes.len() - 1);
        prop_assert!(Reader::new("a test", &bytes[..cut]).lenenc_bytes().is_err());
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), columns in 0_usize..8) {
        let _ = Greeting::decode(&bytes);
        let _ = AuthReply::decode(&bytes);
        let _ = OkPacket::decode(&bytes);
        let _ = decode_error(&bytes);
        let _ = ColumnDefinition::decode(&bytes);
        if let Ok(row) = TextRow::decode(&bytes, columns) {
            prop_assert_eq!(row.cells().count(), columns);
        }
    }
}
