//! JSON documents, as the server writes them as text.

use super::{MYSQL_FULL, rows};

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
