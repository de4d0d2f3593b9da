//! Which statements are delivered.

use capture::{DdlScope, Selection};

use super::resume::parsed;
use super::{Catalog, FILE, History, MARIADB, MYSQL, Recorder, dump, tables, xa};
use crate::binlog::Checksum;
use crate::source::translator::{Server, Translator};

/// The first words of the statements that come, and how many do not.
fn statements(file: &[u8], tracked: &str, ddl_scope: DdlScope) -> (Vec<String>, u64, Recorder) {
    let (mut catalog, history) = (Catalog::default(), History::default());
    let start = parsed(&format!("file={FILE} offset=4"));
    let selection = Selection::new(&[tracked], &[]).unwrap();
    let tables = tables(selection, &mut catalog, &history, &start);
    let mut again = xa::Again::default();
    let mut translator = Translator::new(start, tables, Checksum::Crc32);
    translator.set_prepared_log(&mut again);
    translator.set_server(Server { ddl_scope, ..Server::default() });
    let mut recorder = Recorder::default();
    for event in dump(file, 4) {
        translator.event(&event, &mut recorder).unwrap();
    }
    let skipped = translator.skipped().untracked_statement;
    let texts = recorder.texts().into_iter().filter(|text| text.starts_with("DDL "));
    let heads = texts.map(|text| text.split(' ').skip(1).take(3).collect::<Vec<_>>().join(" "));
    (heads.collect(), skipped, recorder)
}

#[test]
fn statements_of_the_whole_server_come_unless_told_otherwise() {
    for file in [MYSQL, MARIADB] {
        let (all, skipped, _) = statements(file, "other.*", DdlScope::Instance);
        assert!(all.len() >= 9, "{all:?}");
        assert_eq!(skipped, 2, "changes in statement format of tables that are not tracked");
    }
}

#[test]
fn in_the_scope_of_tracked_tables_only_statements_that_name_one_come() {
    for file in [MYSQL, MARIADB] {
        let (some, skipped, recorder) = statements(file, "shop.items", DdlScope::Tracked);
        assert_eq!(some, ["CREATE TABLE items", "ALTER TABLE items"]);
        assert!(skipped >= 7, "{skipped}");
        // What is left out still moves the position.
        let first = recorder.progress.iter().map(|position| parsed(position).offset).min();
        assert!(first.is_some_and(|offset| offset < 1000), "{first:?}");
        let (none, ..) = statements(file, "other.*", DdlScope::Tracked);
        assert!(none.is_empty(), "{none:?}");
    }
}
