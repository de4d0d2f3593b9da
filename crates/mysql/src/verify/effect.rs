//! What a logged statement does to the rows of tables, beyond what row events show.
//!
//! Only so much of a statement is read as decides whether a table's rows are still those that the log
//! shows. What cannot be read counts as a change of every definition in its database, so that a
//! difference behind it is never called certain.

use capture::{Effect, TableEffect};

use crate::ddl::Context;
use crate::ddl::lexer::{self, Kind};

/// What a statement does.
pub(super) fn effects(context: &Context<'_>, statement: &str) -> Vec<TableEffect> {
    let database = context.database;
    let mut tokens = Tokens::new(statement, context);
    if tokens.takes(&["SET", "STATEMENT"]) {
        while tokens.peek().is_some() && !tokens.takes(&["FOR"]) {
            tokens.next();
        }
    }
    let statement = Statement { database, tokens };
    statement.effects().unwrap_or_else(|| {
        vec![TableEffect { database: database.into(), table: None, effect: Effect::Altered }]
    })
}

struct Statement<'s> {
    database: &'s str,
    tokens: Tokens,
}

impl Statement<'_> {
    /// `None` where the statement cannot be read.
    fn effects(mut self) -> Option<Vec<TableEffect>> {
        let tokens = &mut self.tokens;
        if tokens.takes(&["CREATE"]) {
            let replaces = tokens.takes(&["OR", "REPLACE"]);
            if tokens.takes(&["TABLE"]) {
                self.create()
            } else if replaces && (tokens.takes(&["DATABASE"]) || tokens.takes(&["SCHEMA"])) {
                self.drop_database()
            } else {
                Some(Vec::new())
            }
        } else if tokens.takes(&["DROP"]) {
            if tokens.takes(&["TABLE"]) || tokens.takes(&["TABLES"]) {
                self.drop()
            } else if tokens.takes(&["DATABASE"]) || tokens.takes(&["SCHEMA"]) {
                self.drop_database()
            } else {
                Some(Vec::new())
            }
        } else if tokens.takes(&["TRUNCATE"]) {
            tokens.takes(&["TABLE"]);
            Some(vec![self.table(Effect::Emptied)?])
        } else if tokens.takes(&["RENAME"]) {
            if tokens.takes(&["TABLE"]) || tokens.takes(&["TABLES"]) {
                self.rename()
            } else {
                Some(Vec::new())
            }
        } else if tokens.takes(&["ALTER"]) {
            while tokens.takes(&["ONLINE"]) || tokens.takes(&["IGNORE"]) {}
            if tokens.takes(&["TABLE"]) { self.alter() } else { Some(Vec::new()) }
        } else if HARMLESS.iter().any(|word| tokens.takes(&[word])) {
            Some(Vec::new())
        } else {
            None
        }
    }

    /// A table that may have been there already may have kept its rows.
    fn create(&mut self) -> Option<Vec<TableEffect>> {
        let uncertain = self.tokens.takes(&["IF", "NOT", "EXISTS"]);
        let effect = if uncertain { Effect::Altered } else { Effect::Emptied };
        Some(vec![self.table(effect)?])
    }

    fn drop(&mut self) -> Option<Vec<TableEffect>> {
        self.tokens.takes(&["IF", "EXISTS"]);
        let mut effects = vec![self.table(Effect::Emptied)?];
        while self.tokens.takes_sign(',') {
            effects.push(self.table(Effect::Emptied)?);
        }
        Some(effects)
    }

    fn drop_database(&mut self) -> Option<Vec<TableEffect>> {
        self.tokens.takes(&["IF", "EXISTS"]);
        let database = self.tokens.name()?;
        Some(vec![TableEffect { database, table: None, effect: Effect::Emptied }])
    }

    fn rename(&mut self) -> Option<Vec<TableEffect>> {
        self.tokens.takes(&["IF", "EXISTS"]);
        let mut effects = Vec::new();
        loop {
            effects.push(self.table(Effect::Replaced)?);
            while !self.tokens.takes(&["TO"]) {
                // MariaDB's WAIT n or NOWAIT may stand in between.
                self.tokens.next()?;
            }
            effects.push(self.table(Effect::Replaced)?);
            if !self.tokens.takes_sign(',') {
                return Some(effects);
            }
        }
    }

    fn alter(&mut self) -> Option<Vec<TableEffect>> {
        self.tokens.takes(&["IF", "EXISTS"]);
        let mut altered = self.table(Effect::Altered)?;
        let mut others = Vec::new();
        let mut worst = None;
        if self.tokens.takes(&["WAIT"]) {
            self.tokens.next();
        }
        self.tokens.takes(&["NOWAIT"]);
        while self.tokens.peek().is_some() {
            let action = self.action(&mut others)?;
            if worst != Some(Effect::Replaced) {
                worst = action.or(worst);
            }
            self.skip_action(&mut others)?;
        }
        if let Some(effect) = worst {
            altered.effect = effect;
            others.insert(0, altered);
        }
        Some(others)
    }

    /// What one action of an ALTER TABLE does to the values of rows. A table's new name is taken.
    fn action(&mut self, others: &mut Vec<TableEffect>) -> Option<Option<Effect>> {
        let tokens = &mut self.tokens;
        if tokens.takes(&["RENAME"]) {
            if PARTS.iter().any(|part| tokens.takes(&[part])) {
                return Some(None);
            }
            if tokens.takes(&["COLUMN"]) {
                return Some(Some(Effect::Altered));
            }
            if !tokens.takes(&["TO"]) && !tokens.takes(&["AS"]) {
                tokens.takes_sign('=');
            }
            others.push(self.table(Effect::Replaced)?);
            return Some(Some(Effect::Replaced));
        }
        if MOVES_ROWS.iter().any(|words| tokens.takes(words)) {
            return Some(Some(Effect::Replaced));
        }
        if (tokens.takes(&["ADD"]) || tokens.takes(&["DROP"]))
            && PARTS.iter().any(|part| tokens.takes(&[part]))
        {
            return Some(None);
        }
        let keeps_values = KEEPS_VALUES.iter().any(|word| tokens.takes(&[word]));
        Some((!keeps_values).then_some(Effect::Altered))
    }

    /// Goes on behind the comma that ends an action.
    fn skip_action(&mut self, others: &mut Vec<TableEffect>) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            if self.tokens.takes(&["WITH", "TABLE"]) {
                others.push(self.table(Effect::Replaced)?);
                continue;
            }
            match self.tokens.next() {
                None => return Some(()),
                Some(Token::Sign('(')) => depth = depth.saturating_add(1),
                Some(Token::Sign(')')) => depth = depth.saturating_sub(1),
                Some(Token::Sign(',')) if depth == 0 => return Some(()),
                Some(_) => {}
            }
        }
    }

    /// The table whose name comes next.
    fn table(&mut self, effect: Effect) -> Option<TableEffect> {
        let first = self.tokens.name()?;
        let (database, table) = if self.tokens.takes_sign('.') {
            (first, self.tokens.name()?)
        } else {
            (self.database.to_owned(), first)
        };
        Some(TableEffect { database, table: Some(table), effect })
    }
}

/// Statements that leave tables alone.
const HARMLESS: [&str; 14] = [
    "ANALYZE",
    "OPTIMIZE",
    "REPAIR",
    "CHECK",
    "FLUSH",
    "GRANT",
    "REVOKE",
    "SET",
    "INSTALL",
    "UNINSTALL",
    "CALL",
    "DO",
    "KILL",
    "RESET",
];

/// What can be added to a table, dropped from it or renamed in it, and holds no values.
const PARTS: [&str; 10] = [
    "INDEX",
    "KEY",
    "UNIQUE",
    "FULLTEXT",
    "SPATIAL",
    "CONSTRAINT",
    "FOREIGN",
    "PRIMARY",
    "CHECK",
    "PARTITION",
];

/// First words of actions of an ALTER TABLE that leave the values of rows as they are.
const KEEPS_VALUES: [&str; 25] = [
    "ALGORITHM",
    "LOCK",
    "ENGINE",
    "COMMENT",
    "AUTO_INCREMENT",
    "ROW_FORMAT",
    "KEY_BLOCK_SIZE",
    "COMPRESSION",
    "STATS_PERSISTENT",
    "STATS_AUTO_RECALC",
    "STATS_SAMPLE_PAGES",
    "FORCE",
    "ENABLE",
    "DISABLE",
    "ORDER",
    "ALTER",
    "PARTITION",
    "REMOVE",
    "COALESCE",
    "REORGANIZE",
    "REBUILD",
    "OPTIMIZE",
    "ANALYZE",
    "DEFAULT",
    "WITHOUT",
];

/// What an ALTER TABLE says when rows come or go.
const MOVES_ROWS: [&[&str]; 8] = [
    &["DROP", "PARTITION"],
    &["TRUNCATE", "PARTITION"],
    &["EXCHANGE", "PARTITION"],
    &["CONVERT", "PARTITION"],
    &["CONVERT", "TABLE"],
    &["DISCARD"],
    &["IMPORT"],
    &["DELETE"],
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// In backquotes or double quotes.
    Quoted(String),
    /// No part of what is understood here.
    Value,
    Sign(char),
}

/// The tokens of a statement.
struct Tokens {
    /// The next one is last.
    left: Vec<Token>,
}

impl Tokens {
    /// A statement that does not end well has none.
    fn new(statement: &str, context: &Context<'_>) -> Self {
        let token = |token: lexer::Token| {
            let name = || token.name(statement).map(std::borrow::Cow::into_owned);
            let raw = token.raw(statement);
            match token.kind {
                Kind::Word => Token::Word(raw.to_owned()),
                Kind::Quoted => name().map_or(Token::Value, Token::Quoted),
                // A name, if the session said so (ANSI_QUOTES); where a name stands, it is one.
                Kind::String => match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
                    Some(name) => Token::Quoted(name.to_owned()),
                    None => Token::Value,
                },
                Kind::Symbol(sign) => Token::Sign(sign),
                Kind::Hex | Kind::Bits | Kind::Number => Token::Value,
            }
        };
        let tokens = lexer::tokens(statement, context).unwrap_or_default();
        Self { left: tokens.into_iter().rev().map(token).collect() }
    }

    fn peek(&self) -> Option<&Token> {
        self.left.last()
    }

    fn next(&mut self) -> Option<Token> {
        self.left.pop()
    }

    /// Takes these words if they come next.
    fn takes(&mut self, words: &[&str]) -> bool {
        let start = self.left.len().checked_sub(words.len());
        let next = start.and_then(|start| self.left.get(start..));
        let same = next.is_some_and(|next| {
            next.iter().rev().zip(words).all(|(token, word)| {
                matches!(token, Token::Word(text) if text.eq_ignore_ascii_case(word))
            })
        });
        if same {
            self.left.truncate(start.unwrap_or_default());
        }
        same
    }

    fn takes_sign(&mut self, sign: char) -> bool {
        let same = self.peek() == Some(&Token::Sign(sign));
        if same {
            self.left.pop();
        }
        same
    }

    fn name(&mut self) -> Option<String> {
        match self.left.pop()? {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            Token::Value | Token::Sign(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl::Dialect;

    fn check(statement: &str, expected: &[(&str, Effect)]) {
        let context = Context::new(Dialect::MariaDb { version: 101_106 }, "shop");
        let told: Vec<_> = effects(&context, statement)
            .into_iter()
            .map(|e| (format!("{}.{}", e.database, e.table.unwrap_or("*".into())), e.effect))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(name, e)| ((*name).to_owned(), *e)).collect();
        assert_eq!(told, expected, "{statement}");
    }

    #[test]
    fn new_and_emptied_tables_are_told() {
        check("CREATE TABLE t (a INT)", &[("shop.t", Effect::Emptied)]);
        check("create or replace table `x`.`a``b` like t", &[("x.a`b", Effect::Emptied)]);
        check("CREATE TABLE IF NOT EXISTS t (a INT)", &[("shop.t", Effect::Altered)]);
        check("TRUNCATE t", &[("shop.t", Effect::Emptied)]);
        check("/* why */ TRUNCATE TABLE x . t -- now", &[("x.t", Effect::Emptied)]);
        check(
            "DROP TABLE IF EXISTS `a`, x.b /* generated by server */",
            &[("shop.a", Effect::Emptied), ("x.b", Effect::Emptied)],
        );
        check("DROP DATABASE IF EXISTS x", &[("x.*", Effect::Emptied)]);
        check("CREATE OR REPLACE DATABASE x", &[("x.*", Effect::Emptied)]);
        check("/*!40000 DROP DATABASE IF EXISTS `x`*/", &[("x.*", Effect::Emptied)]);
    }

    #[test]
    fn rows_that_move_without_records_are_told() {
        let both = [("shop.a", Effect::Replaced), ("shop.b", Effect::Replaced)];
        check("RENAME TABLE a TO b", &both);
        check("ALTER TABLE a ADD c INT, RENAME TO b", &both);
        check("ALTER TABLE a RENAME b", &both);
        check("ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b WITHOUT VALIDATION", &both);
        check("ALTER TABLE a DROP PARTITION p", &both[..1]);
        check("ALTER TABLE a TRUNCATE PARTITION p", &both[..1]);
    }

    #[test]
    fn definitions_that_change_are_told() {
        for statement in [
            "ALTER TABLE t RENAME COLUMN a TO b",
            "ALTER TABLE t ADD INDEX (a), ADD c DECIMAL(5,2)",
            "ALTER TABLE t ADD (c INT, d INT)",
            "ALTER TABLE t DROP `key`",
            "ALTER TABLE t NOWAIT MODIFY a BIGINT",
            "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4",
        ] {
            check(statement, &[("shop.t", Effect::Altered)]);
        }
        check(
            "SET STATEMENT max_statement_time=1 FOR ALTER ONLINE TABLE x.t ADD c INT COMMENT 'DROP PARTITION'",
            &[("x.t", Effect::Altered)],
        );
        check("ALTER TABLE \"a b\" DROP \"c\"", &[("shop.a b", Effect::Altered)]);
        check("LOREM ipsum", &[("shop.*", Effect::Altered)]);
        check("ALTER TABLE", &[("shop.*", Effect::Altered)]);
        check("DROP TABLE `never ends", &[("shop.*", Effect::Altered)]);
    }

    #[test]
    fn what_concerns_no_table_has_no_effect() {
        for statement in [
            "CREATE INDEX i ON t (a)",
            "CREATE VIEW v AS SELECT 1",
            "CREATE DATABASE x",
            "DROP TRIGGER t",
            "ANALYZE TABLE t",
            "ALTER DATABASE x CHARACTER SET utf8mb4",
            "ALTER TABLE t ADD INDEX i (a, b), DROP KEY j, ALGORITHM=INPLACE, LOCK=NONE",
            "ALTER TABLE t ADD UNIQUE (a), COMMENT 'x', ALTER a SET DEFAULT 5",
            "ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (5))",
            "ALTER TABLE t ENGINE = InnoDB",
        ] {
            check(statement, &[]);
        }
    }
}
