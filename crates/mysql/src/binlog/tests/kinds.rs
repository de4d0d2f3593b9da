//! Every column type, with values at the edges, as the servers themselves show them.

use change::ColumnType;

use super::{MARIADB_FULL, MARIADB_MIXED, MYSQL_FULL, MYSQL_MIXED, cut, format_of, raw, rows};
use crate::binlog::{Event, TableBinding};

/// What is in the table after all changes of the file, by id.
fn final_rows(file: &[u8]) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut table = std::collections::BTreeMap::new();
    for row in rows(file).into_iter().filter(|row| row.table == "kinds") {
        if let Some(before) = row.before {
            assert_eq!(
                table.remove(&before[0]),
                Some(before),
                "the before image is what was there"
            );
        }
        if let Some(after) = row.after {
            table.insert(after[0].clone(), after);
        }
    }
    table
}

fn check(file: &[u8], expected: &str) {
    let table = final_rows(file);
    let mut lines = expected.lines();
    let names: Vec<_> = lines.next().unwrap().split('\t').collect();
    let mut count = 0;
    for line in lines {
        let wanted: Vec<_> = line.split('\t').collect();
        let found = &table[wanted[0]];
        assert_eq!(found.len(), names.len());
        for ((name, wanted), found) in names.iter().zip(&wanted).zip(found) {
            let same = match *name {
                "f" | "d" => wanted.parse::<f64>() == found.parse::<f64>(),
                name if name.starts_with(['t', 'd'])
                    && wanted.contains('.')
                    && !name.starts_with("dec") =>
                {
                    wanted.trim_end_matches('0').trim_end_matches('.') == found
                }
                _ => wanted == found,
            };
            assert!(same, "row {}, column {name}: {found} instead of {wanted}", found.len());
        }
        count += 1;
    }
    assert_eq!(count, table.len());
}

#[test]
fn every_type_of_mysql_reads_as_the_server_shows_it() {
    check(MYSQL_FULL, include_str!("../testdata/mysql-9.7.kinds.tsv"));
}

#[test]
fn every_type_of_mariadb_reads_as_the_server_shows_it() {
    check(MARIADB_FULL, include_str!("../testdata/mariadb-10.11.kinds.tsv"));
}

#[test]
fn full_metadata_describe_the_table_as_it_was_created() {
    for file in [MYSQL_FULL, MARIADB_FULL] {
        let format = format_of(file);
        let binding = cut(file)
            .into_iter()
            .find_map(|event| match Event::decode(&raw(event, &format), &format) {
                Ok(Event::TableMap(map)) if map.table == "kinds" => {
                    Some(TableBinding::from_metadata(&map).unwrap())
                }
                _ => None,
            })
            .unwrap();
        let schema = binding.schema();
        let kind =
            |name: &str| &schema.columns.iter().find(|column| column.name == name).unwrap().kind;
        let text = |charset: &str| charset.to_owned();
        assert_eq!(schema.primary_key, [0]);
        assert_eq!(*kind("u24"), ColumnType::MediumInt { unsigned: true });
        assert_eq!(*kind("i24"), ColumnType::MediumInt { unsigned: false });
        assert_eq!(*kind("dec1"), ColumnType::Decimal { precision: 65, scale: 30 });
        assert_eq!(*kind("ts3"), ColumnType::Timestamp { fraction: 3 });
        assert_eq!(*kind("b9"), ColumnType::Bit { width: 9 });
        assert_eq!(*kind("c"), ColumnType::Char { charset: text("latin1") });
        assert_eq!(*kind("cw"), ColumnType::Char { charset: text("utf8mb4") });
        assert_eq!(*kind("v3"), ColumnType::VarChar { charset: text("utf8") });
        assert_eq!(*kind("vl"), ColumnType::VarChar { charset: text("gbk") });
        assert_eq!(*kind("bin"), ColumnType::Binary { width: 16 });
        assert_eq!(*kind("vb"), ColumnType::VarBinary);
        assert_eq!(*kind("mt"), ColumnType::Text { size: 3, charset: text("utf8mb4") });
        assert_eq!(*kind("lb"), ColumnType::Blob { size: 4 });
        let labels = ["", "a", "b,c", "ü'\""].map(str::to_owned).to_vec();
        assert_eq!(*kind("e"), ColumnType::Enum { labels });
        let labels = ["é", "ß"].map(str::to_owned).to_vec();
        assert_eq!(*kind("el"), ColumnType::Enum { labels });
        let labels = ["x", "y", "z", "ä"].map(str::to_owned).to_vec();
        assert_eq!(*kind("s"), ColumnType::Set { labels });
        assert_eq!(*kind("p"), ColumnType::Geometry);
    }
}

/// The definition that a file gives of its table.
fn described(file: &[u8], table: &str) -> Vec<(String, ColumnType)> {
    let format = format_of(file);
    let binding = cut(file)
        .into_iter()
        .find_map(|event| match Event::decode(&raw(event, &format), &format) {
            Ok(Event::TableMap(map)) if map.table == table => {
                Some(TableBinding::from_metadata(&map).unwrap())
            }
            _ => None,
        })
        .unwrap();
    let columns = &binding.schema().columns;
    columns.iter().map(|column| (column.name.clone(), column.kind.clone())).collect()
}

#[test]
fn signs_and_character_sets_find_their_columns_in_any_order() {
    for (file, has_json) in [(MYSQL_MIXED, true), (MARIADB_MIXED, false)] {
        let utf8mb4 = || "utf8mb4".to_owned();
        let json = if has_json {
            ColumnType::Json
        } else {
            ColumnType::Text { size: 4, charset: utf8mb4() }
        };
        let labels = |label: &str| vec![label.to_owned()];
        let wanted = [
            ("y", ColumnType::Year),
            ("g", ColumnType::Geometry),
            ("j", json),
            ("b", ColumnType::Bit { width: 3 }),
            ("e", ColumnType::Enum { labels: labels("é") }),
            ("u", ColumnType::Int { unsigned: true }),
            ("c", ColumnType::VarChar { charset: "latin1".into() }),
            ("i", ColumnType::Int { unsigned: false }),
            ("s", ColumnType::Set { labels: labels("中") }),
            ("t", ColumnType::Text { size: 2, charset: utf8mb4() }),
            ("d", ColumnType::Date),
            ("n", ColumnType::Decimal { precision: 5, scale: 2 }),
            ("f", ColumnType::Float),
            ("u2", ColumnType::BigInt { unsigned: true }),
            ("v", ColumnType::VarBinary),
            ("e2", ColumnType::Enum { labels: labels("ß") }),
            ("c2", ColumnType::Char { charset: "greek".into() }),
            ("i2", ColumnType::TinyInt { unsigned: false }),
            ("k", ColumnType::Int { unsigned: false }),
        ];
        let wanted: Vec<_> = wanted.map(|(name, kind)| (name.to_owned(), kind)).into();
        assert_eq!(described(file, "mixed"), wanted);
        let row = rows(file).remove(0).after.unwrap();
        let point = "0:0101000000000000000000F03F0000000000000040";
        let json = if has_json { "[1]" } else { "5B315D" };
        let wanted = [
            "2024",
            point,
            json,
            "5",
            "C3A9",
            "4294967295",
            "E9",
            "-1",
            "E4B8AD",
            "E4B8AD",
            "2024-01-02",
            "1.50",
            "0.5",
            "18446744073709551615",
            "616263",
            "C39F",
            "E1E2E3",
            "-1",
            "1",
        ];
        assert_eq!(row, wanted);
    }
}

#[test]
fn types_that_only_mariadb_has_shift_no_character_set() {
    let text = |charset: &str| charset.to_owned();
    let wanted = [
        ("u", ColumnType::Binary { width: 16 }),
        ("c", ColumnType::VarChar { charset: text("latin1") }),
        ("a4", ColumnType::Binary { width: 4 }),
        ("cc", ColumnType::VarChar { charset: text("latin1") }),
        ("a6", ColumnType::Binary { width: 16 }),
        ("t", ColumnType::Text { size: 2, charset: text("gbk") }),
        ("ct", ColumnType::Text { size: 2, charset: text("utf8mb4") }),
        ("v", ColumnType::VarChar { charset: text("ucs2") }),
        ("k", ColumnType::Int { unsigned: false }),
    ];
    let wanted: Vec<_> = wanted.map(|(name, kind)| (name.to_owned(), kind)).into();
    assert_eq!(described(MARIADB_MIXED, "mixed2"), wanted);
}

#[test]
fn a_key_over_a_prefix_keeps_its_order() {
    for file in [MYSQL_MIXED, MARIADB_MIXED] {
        let format = format_of(file);
        let key = cut(file).into_iter().find_map(|event| {
            match Event::decode(&raw(event, &format), &format) {
                Ok(Event::TableMap(map)) => {
                    Some(TableBinding::from_metadata(&map).unwrap().schema().primary_key.clone())
                }
                _ => None,
            }
        });
        assert_eq!(key.unwrap(), [6, 18]);
    }
}
