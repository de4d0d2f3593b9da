//! The corpus that real servers have run, cut, mixed and mangled: nothing may panic.

use proptest::prelude::*;

use super::super::{Context, Definition, Model, masked, mentions, sql_mode};
use super::{mariadb, mysql};

const CORPUS: [&str; 3] = [
    include_str!("../corpus/both.sql"),
    include_str!("../corpus/mysql.sql"),
    include_str!("../corpus/mariadb.sql"),
];

fn statements() -> Vec<&'static str> {
    CORPUS.iter().flat_map(|file| file.split(";\n")).filter(|text| !text.is_empty()).collect()
}

/// Everything that reads statements reads this one.
fn read(statement: &str, context: &Context<'_>, model: &mut Model) {
    model.apply(statement, context);
    let _ = mentions(statement, context);
    let _ = masked(statement, context);
    let _ = Definition::parse_create(statement, context);
}

#[test]
fn any_beginning_of_a_statement_can_be_read() {
    assert!(statements().len() > 450, "{} statements", statements().len());
    let mut model = Model::default();
    model.set_database("shop", Some("latin1".into()));
    for context in [mysql(), mariadb()] {
        for statement in statements() {
            // A third of the beginnings, another third for each dialect.
            let from = usize::from(context.dialect.is_mariadb());
            for end in
                (from..statement.len()).step_by(3).filter(|end| statement.is_char_boundary(*end))
            {
                model.apply(&statement[..end], &context);
            }
            read(statement, &context, &mut model);
        }
    }
}

/// Words, symbols and literals of the corpus.
fn pieces() -> Vec<&'static str> {
    let mut pieces: Vec<&str> = CORPUS.iter().flat_map(|text| text.split_inclusive(' ')).collect();
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_mix_of_words_can_be_read(
        begin in prop::sample::select(vec![
            "", "CREATE TABLE t (a INT, ", "ALTER TABLE t ", "DROP TABLE ", "RENAME TABLE ", "ALTER DATABASE ",
            "CREATE UNIQUE INDEX ", "CREATE TABLE ", "SET STATEMENT ", "CREATE SEQUENCE ", "CREATE USER ",
        ]),
        words in prop::collection::vec(prop::sample::select(pieces()), 0..20),
        modes in 0_u64..4,
    ) {
        let modes = (modes & 1) * sql_mode::ANSI_QUOTES + (modes >> 1) * sql_mode::NO_BACKSLASH_ESCAPES;
        let text = format!("{begin}{}", words.concat());
        let mut model = Model::default();
        model.set_database("shop", Some("utf8mb4".into()));
        for context in [mysql(), mariadb()] {
            let context = Context { sql_mode: modes, ..context };
            model.apply("CREATE TABLE t (a INT, b TEXT, UNIQUE (a))", &context);
            read(&text, &context, &mut model);
        }
    }
}
