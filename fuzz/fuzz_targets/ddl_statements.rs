//! Statements of a log, one behind the other, followed by one model. The first byte says whose they are and
//! how their session was set; a statement ends with `;` at the end of a line.
#![no_main]

use mysql::ddl::{Context, Dialect, Model, Table, masked, mentions, sql_mode};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((settings, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let dialect = match settings & 1 {
        0 => Dialect::MySql { version: 90_704 },
        _ => Dialect::MariaDb { version: 110_806 },
    };
    let modes = [sql_mode::ANSI_QUOTES, sql_mode::NO_BACKSLASH_ESCAPES, sql_mode::ORACLE, sql_mode::REAL_AS_FLOAT];
    let set = modes.iter().enumerate().filter(|(bit, _)| settings & (2 << bit) != 0);
    let context = Context {
        sql_mode: set.map(|(_, mode)| mode).sum(),
        lower_case_table_names: settings >> 7,
        ..Context::new(dialect, "d")
    };
    let mut model = Model::default();
    model.set_database("d", Some("utf8mb4".to_owned()));
    for statement in text.split(";\n") {
        model.apply(statement, &context);
        std::hint::black_box(mentions(statement, &context));
        let _ = masked(statement, &context);
    }
    // What it holds came out of the text; names and columns cannot be more than were written, but for LIKE.
    for (_, _, table) in model.tables() {
        if let Table::Known(definition) = table {
            assert!(definition.columns.len() <= text.len() + 16, "columns out of nothing");
        }
    }
});
