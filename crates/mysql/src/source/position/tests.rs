use super::*;
use crate::source::xa::Xid;

fn text(position: &BinlogPosition) -> String {
    let mut out = String::new();
    position.write(&mut out);
    out
}

#[test]
fn a_position_within_a_transaction_survives_its_text() {
    let position = BinlogPosition {
        file: "mysql-bin.000042".into(),
        offset: 5_000_000_000,
        created: 1_763_727_560,
        within: Within { rows_event: 3, row: 17, rows: 90, begun: true },
        group: "3e11fa47-71ca-11e1-9e33-c80aa9429562:blue:6".into(),
        server: "3e11fa47-71ca-11e1-9e33-c80aa9429562".into(),
        prepared: PreparedSet::default(),
        gtids: Gtids::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5").unwrap(),
    };
    assert_eq!(BinlogPosition::parse(&text(&position)), Ok(position));
}

#[test]
fn people_write_file_and_offset_or_gtids() {
    let position = BinlogPosition::parse("mysql-bin.000042:1187").unwrap();
    assert_eq!((position.file.as_str(), position.offset), ("mysql-bin.000042", 1187));
    assert!(!BinlogPosition::parse("gtid=0-1-5,1-2-7").unwrap().gtids.is_none());
    for set in ["3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", "0-1-5,1-2-7"] {
        let position = BinlogPosition::parse(set).unwrap();
        assert_eq!((position.gtids.to_string().as_str(), position.file.as_str()), (set, ""));
    }
    for bad in ["", "x", "bin:4", "bin.000001:x", "file", "offset=4", "nonsense=1 file=a.1"] {
        assert!(BinlogPosition::parse(bad).is_err(), "{bad:?} must be refused");
    }
}

#[test]
fn a13_file_numbers_compare_as_numbers() {
    let at = |file: &str| BinlogPosition { file: file.into(), ..Default::default() }.sort_key();
    assert!(at("bin.999999") < at("bin.1000000"));
    assert_eq!(file_number("mysql-bin.0000001"), Some(1));
    assert_eq!(file_number("mysql-bin.aurora-padding"), None);
}

#[test]
fn a25_prepared_transactions_survive_the_text_of_a_position() {
    let mut position = BinlogPosition::parse("bin.000042:1187").unwrap();
    position.prepared.insert(Prepared {
        xid: Xid::new(1, b"a, b\0=", b""),
        has_rows: true,
        file: "gtid=my bin,.000041".into(),
        offset: 5_000_000_000,
        gtid: "0-1-7".into(),
        previous: "0-1-6".into(),
    });
    position.prepared.insert(Prepared { xid: Xid::new(7, b"b", b"x"), ..Prepared::default() });
    for gtids in ["", "0-1-5"] {
        position.gtids = Gtids::parse(gtids).unwrap();
        let text = text(&position);
        assert!(text.bytes().all(|b| b.is_ascii_graphic() || b == b' '), "{text}");
        assert_eq!(BinlogPosition::parse(&text), Ok(position.clone()), "{text}");
    }
    for bad in ["xa=", "xa=1,zz,,1,4,,,a.1", "xa=1,78,,1,4,,,a.1,more", "xa=1,78,,1,x,,,a.1"] {
        assert!(BinlogPosition::parse(&format!("file=a.000001 {bad}")).is_err(), "{bad}");
    }
}
