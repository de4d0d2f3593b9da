//! Every column type, with values at the edges, as the servers themselves show them.

use change::ColumnType;

use super::{MARIADB_FULL, MYSQL_FULL, cut, format_of, raw, rows};
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
