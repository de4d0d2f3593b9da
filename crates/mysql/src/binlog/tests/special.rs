//! The types and columns that only one of the two servers has.

use std::sync::Arc;

use change::{Column, ColumnType, TableSchema};

use super::{MARIADB_FULL, MYSQL_COMPRESSED, MYSQL_FULL, hex, rows, rows_with};
use crate::binlog::{DecodeError, TableBinding, TableMap};

fn column(name: &str, kind: ColumnType) -> Column {
    Column { name: name.into(), kind }
}

#[test]
fn b21_vectors_hidden_and_generated_columns_stay_aligned() {
    let rows = rows(MYSQL_FULL);
    let vectors: Vec<_> = rows.iter().filter(|row| row.table == "vectors").collect();
    let first = vectors[0].after.as_ref().unwrap();
    let vector: Vec<u8> =
        [1.0_f32, -2.5, 3e10].iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(first[..4], ["1".to_owned(), hex(&vector), "3".into(), "[1, 2, 3]".into()]);
    assert_eq!(first[4..6], ["2", "3"]);
}

/// What the catalog of the server says about the table of `mariadb_extra.sql`.
fn addresses(map: &TableMap<'_>) -> Arc<TableSchema> {
    let text = || "utf8mb4".to_owned();
    let columns = vec![
        column("id", ColumnType::Int { unsigned: false }),
        column("u", ColumnType::Uuid),
        column("a4", ColumnType::Inet4),
        column("a6", ColumnType::Inet6),
        column("cv", ColumnType::VarChar { charset: text() }),
        column("ct", ColumnType::Text { size: 2, charset: text() }),
        column("cb", ColumnType::Blob { size: 2 }),
        column("cvb", ColumnType::VarBinary),
        column("j", ColumnType::Json),
        column("hidden", ColumnType::Int { unsigned: false }),
    ];
    Arc::new(TableSchema::new(map.database.into(), map.table.into(), columns, vec![0], vec![]))
}

#[test]
fn a09_addresses_and_compressed_columns_of_mariadb_read_as_text() {
    let rows = rows_with(MARIADB_FULL, &|map| match map.table {
        "addresses" => TableBinding::with_schema(map, addresses(map)),
        _ => TableBinding::from_metadata(map),
    });
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row.table == "addresses")
        .map(|row| row.after.unwrap())
        .collect();
    let column = |index: usize| -> Vec<_> { rows.iter().map(|row| row[index].clone()).collect() };
    assert_eq!(
        column(1)[..4],
        [
            "123e4567-e89b-12d3-a456-426655440000",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-4fff-bfff-ffffffff0000",
        ]
    );
    assert_eq!(
        column(2),
        ["192.168.1.0", "0.0.0.0", "255.255.255.255", "NULL", "10.0.0.1", "NULL"]
    );
    let v6 = ["2001:db8::ff00:42:8329", "::ffff:1.2.3.4", "::", "::1.2.3.4", "::1", "fe80::"];
    assert_eq!(column(3), v6);
    assert_eq!(rows[0][4], hex("compress ".repeat(40).as_bytes()));
    assert_eq!(rows[0][5], hex("text ".repeat(100).as_bytes()));
    assert_eq!(rows[0][6], hex("blob ".repeat(100).as_bytes()));
    assert_eq!(rows[0][7..9], [hex(b"short"), "{\"a\": 1}".to_owned()]);
    assert_eq!(rows[1][4..9], ["", "", "", "", "NULL"]);
    assert_eq!(rows[2][4..7], ["78", "79", "7A"]);
}

#[test]
fn minimal_metadata_do_not_describe_a_table() {
    let refused = std::cell::RefCell::new(Vec::new());
    let rows = rows_with(MYSQL_COMPRESSED, &|map| {
        refused.borrow_mut().push(TableBinding::from_metadata(map).unwrap_err());
        TableBinding::with_schema(map, squeezed(map, false))
    });
    assert_eq!(rows.len(), 5);
    let refused = refused.into_inner();
    assert!(
        matches!(&refused[0], DecodeError::MetadataMissing { table, .. } if table == "squeezed")
    );
}

/// What the catalog says about the table `squeezed`.
pub(super) fn squeezed(map: &TableMap<'_>, unsigned_id: bool) -> Arc<TableSchema> {
    let columns = vec![
        column("id", ColumnType::Int { unsigned: unsigned_id }),
        column("v", ColumnType::VarChar { charset: "utf8mb4".into() }),
        column("n", ColumnType::Decimal { precision: 10, scale: 2 }),
    ];
    Arc::new(TableSchema::new(map.database.into(), map.table.into(), columns, vec![0], vec![]))
}

#[test]
fn a_definition_that_does_not_fit_the_log_is_refused_by_name() {
    let reasons = std::cell::RefCell::new(Vec::new());
    rows_with(MYSQL_COMPRESSED, &|map| {
        let good = squeezed(map, false);
        let variant = |columns: Vec<Column>| {
            let schema =
                TableSchema::new(map.database.into(), map.table.into(), columns, vec![], vec![]);
            TableBinding::with_schema(map, Arc::new(schema)).unwrap_err().to_string()
        };
        let mut narrow = good.columns.clone();
        narrow[2].kind = ColumnType::Decimal { precision: 9, scale: 2 };
        let mut reasons = reasons.borrow_mut();
        reasons.push(variant(good.columns[..2].to_vec()));
        reasons.push(variant(narrow));
        reasons.push(TableBinding::with_schema(map, squeezed(map, true)).unwrap_err().to_string());
        TableBinding::with_schema(map, good)
    });
    let reasons = reasons.into_inner();
    assert!(
        reasons[0].contains("golden.squeezed") && reasons[0].contains("3 columns instead of 2")
    );
    assert!(
        reasons[1].contains("column n is DECIMAL(9,2) there and DECIMAL(10,2) in the log"),
        "{}",
        reasons[1]
    );
    assert!(reasons[2].contains("column id has another sign"), "{}", reasons[2]);
}
