use super::*;

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
        within: Within { rows_event: 3, row: 17, rows: 90, begun: true },
        group: "3e11fa47-71ca-11e1-9e33-c80aa9429562:blue:6".into(),
        server: "3e11fa47-71ca-11e1-9e33-c80aa9429562".into(),
        gtids: Gtids::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5").unwrap(),
    };
    assert_eq!(BinlogPosition::parse(&text(&position)), Ok(position));
}

#[test]
fn people_write_file_and_offset_or_gtids() {
    let position = BinlogPosition::parse("mysql-bin.000042:1187").unwrap();
    assert_eq!((position.file.as_str(), position.offset), ("mysql-bin.000042", 1187));
    assert!(!BinlogPosition::parse("gtid=0-1-5,1-2-7").unwrap().gtids.is_none());
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
