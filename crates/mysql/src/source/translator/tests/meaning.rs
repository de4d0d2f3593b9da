//! What statements mean that are no definitions.

use capture::Selection;

use super::{Catalog, FILE, History, MARIADB, MYSQL, Recorder, dump, tables};
use crate::binlog::Checksum;
use crate::source::position::BinlogPosition;
use crate::source::translator::Translator;

fn start() -> String {
    format!("file={FILE} offset=4 server=this")
}

#[test]
fn a22_changes_in_statement_format_are_counted() {
    for file in [MYSQL, MARIADB] {
        let (mut catalog, history) = (Catalog::default(), History::default());
        let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
        let position = BinlogPosition::parse(&start()).unwrap();
        let tables = tables(selection, &mut catalog, &history, &position);
        let mut translator = Translator::new(position, tables, Checksum::Crc32);
        let mut sink = Recorder::default();
        for event in dump(file, 4) {
            translator.event(&event, &mut sink).unwrap();
        }
        let skipped = translator.skipped();
        assert_eq!((skipped.statement_format, skipped.untracked_statement), (2, 0));
        let warnings = translator.new_warnings().unwrap();
        for (warning, table) in warnings.iter().zip(["shop.items", "shop.plain"]) {
            assert!(warning.contains(table) && warning.contains(&format!("{FILE}:")), "{warning}");
        }
        assert_eq!(warnings.len(), 2);
        assert_eq!(skipped.untracked, 2);
    }
}
