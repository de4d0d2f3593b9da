//! JSON documents, as the server writes them as text.

use std::sync::Arc;

use change::{Column, ColumnType, TableSchema};

use super::{MYSQL_FULL, MYSQL_PARTIAL, MYSQL_UNCHECKED, rows, rows_with};
use crate::binlog::TableBinding;

#[test]
fn b17_documents_read_as_the_server_casts_them() {
    let rows = rows(MYSQL_FULL);
    let found: Vec<_> = rows.iter().filter(|row| row.table == "docs").collect();
    let expected = include_str!("../testdata/mysql-9.7.docs.txt");
    let wanted: Vec<_> = expected.lines().collect();
    assert_eq!(found.len(), wanted.len());
    for (row, wanted) in found.iter().zip(wanted) {
        let wanted = wanted.replace("{70000 times k}", &"k".repeat(70_000));
        assert_eq!(row.after.as_ref().unwrap()[1], wanted);
    }
}

/// `{300 times p}` written out.
fn written_out(text: &str) -> String {
    let mut parts = text.split('{');
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let repeated = part.split_once('}').and_then(|(inside, rest)| {
            let (count, letter) = inside.split_once(" times ")?;
            Some((letter.repeat(count.parse().ok()?), rest))
        });
        match repeated {
            Some((letters, rest)) => whole.extend([&letters, rest]),
            None => whole.extend(["{", part]),
        }
    }
    whole
}

#[test]
fn b18_partial_updates_deliver_the_whole_document() {
    let rows = rows(MYSQL_PARTIAL);
    let expected = include_str!("../testdata/mysql-9.7.partials.tsv");
    let wanted: Vec<_> = expected.lines().collect();
    assert_eq!(rows.len(), wanted.len());
    let mut not_captured = Vec::new();
    for (row, wanted) in rows.iter().zip(wanted) {
        let Some(after) = &row.after else {
            assert_eq!(wanted, "2\tDELETED");
            continue;
        };
        let before = row.before.as_ref();
        let key = if after[0] == "ABSENT" { &before.unwrap()[0] } else { &after[0] };
        let (wanted_key, documents) = wanted.split_once('\t').unwrap();
        assert_eq!(key, wanted_key);
        if after.iter().any(|value| value == "ABSENT") {
            not_captured.push((after[1].as_str(), after[4].as_str()));
            continue;
        }
        let wanted: Vec<_> = documents.split('\t').map(written_out).collect();
        assert_eq!([&after[1], &after[3]], [&wanted[0], &wanted[1]]);
    }
    // With MINIMAL the documents before the change were not logged; with NOBLOB that one was.
    assert_eq!(not_captured, [("ABSENT", "ABSENT"), ("ABSENT", "11")]);
}

#[test]
fn b18_without_the_document_before_the_change_a_partial_update_is_not_captured() {
    let rows = rows_with(MYSQL_UNCHECKED, &|map| {
        if map.table != "docs" {
            return TableBinding::with_schema(map, super::special::squeezed(map, false));
        }
        let column = |name: &str, kind| Column { name: name.into(), kind };
        let columns =
            vec![column("id", ColumnType::Int { unsigned: false }), column("j", ColumnType::Json)];
        let (database, table) = (map.database.to_owned(), map.table.to_owned());
        let schema = TableSchema::new(database, table, columns, vec![0], vec![]);
        TableBinding::with_schema(map, Arc::new(schema))
    });
    let update = rows.iter().find(|row| row.table == "docs").unwrap();
    assert_eq!(update.before.as_ref().unwrap()[1], "ABSENT");
    assert_eq!(update.after.as_ref().unwrap()[..], ["ABSENT", "ABSENT"]);
}
