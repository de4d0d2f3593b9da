//! What a logged statement is for, from its first words. No more of a statement is understood here.

/// Kinds of statements in a binlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statement {
    /// A transaction begins.
    Begin,
    /// A transaction ends; its rows stand.
    Commit,
    /// A transaction ends; what was logged of it was undone, as far as its engines can.
    Rollback,
    /// `XA START`: a transaction begins that is prepared at its end.
    XaStart,
    /// `XA COMMIT`: the rows of a prepared transaction stand.
    XaCommit,
    /// `XA ROLLBACK`: a prepared transaction never was.
    XaRollback,
    /// Within a transaction, without effect on what is delivered: savepoints, `XA END`.
    WithinTransaction,
    /// Changes rows in statement format, or calls what does: there are no row events for it.
    Dml,
    /// Concerns only the session that ran it.
    Temporary,
    /// Everything else changes definitions, accounts or rights, or may.
    Ddl,
}

/// First words of what changes rows, directly or by a function that it calls.
const CHANGE_ROWS: [&str; 10] =
    ["INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "SELECT", "DO", "CALL", "VALUES"];

/// Tells the kind of a statement.
pub(crate) fn classify(statement: &str) -> Statement {
    if let Some(inner) = inside_set_statement(statement) {
        return classify(inner);
    }
    let mut words = Words { rest: statement };
    let (first, mut second) = (words.next(), words.next());
    let is = |word: &Option<&str>, name: &str| word.is_some_and(|w| w.eq_ignore_ascii_case(name));
    if is(&second, "OR") && is(&words.next(), "REPLACE") {
        second = words.next();
    }
    let any = |word: &Option<&str>, names: &[&str]| names.iter().any(|name| is(word, name));
    if is(&first, "BEGIN") || (is(&first, "START") && is(&second, "TRANSACTION")) {
        Statement::Begin
    } else if is(&first, "COMMIT") {
        Statement::Commit
    } else if is(&first, "ROLLBACK") {
        if is(&second, "TO") { Statement::WithinTransaction } else { Statement::Rollback }
    } else if any(&first, &["SAVEPOINT", "RELEASE"]) {
        Statement::WithinTransaction
    } else if is(&first, "XA") {
        match () {
            () if any(&second, &["START", "BEGIN"]) => Statement::XaStart,
            () if is(&second, "COMMIT") => Statement::XaCommit,
            () if is(&second, "ROLLBACK") => Statement::XaRollback,
            () => Statement::WithinTransaction,
        }
    } else if any(&first, &CHANGE_ROWS) {
        Statement::Dml
    } else if any(&first, &["CREATE", "DROP"]) && is(&second, "TEMPORARY") {
        Statement::Temporary
    } else {
        Statement::Ddl
    }
}

/// What MariaDB's `SET STATEMENT variable = value, … FOR statement` runs.
fn inside_set_statement(statement: &str) -> Option<&str> {
    let mut words = Words { rest: statement };
    let is = |word: Option<&str>, name: &str| word.is_some_and(|w| w.eq_ignore_ascii_case(name));
    if !is(words.next(), "SET") || !is(words.next(), "STATEMENT") {
        return None;
    }
    let mut quote = None;
    let mut before = ' ';
    for (index, c) in words.rest.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None if before.is_whitespace() => {
                let mut rest = Words { rest: words.rest.get(index..)? };
                if is(rest.next(), "FOR") {
                    return Some(rest.rest);
                }
            }
            None => {}
        }
        before = c;
    }
    None
}

/// Whether a CREATE TABLE … SELECT says that its rows follow in the same transaction (MySQL 8.0.21).
pub(crate) fn starts_transaction(statement: &str) -> bool {
    let end = statement.trim_end_matches([' ', '\n', '\t', '\r', ';', '\0']);
    const SUFFIX: &str = "START TRANSACTION";
    let tail = end.len().checked_sub(SUFFIX.len()).and_then(|at| end.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(SUFFIX))
}

/// The words of a statement; white space and comments stand between them, and the inside of an
/// executable comment (`/*!50001 … */`, `/*M!100100 … */`) counts as text.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\0');
            if let Some(inside) = self.rest.strip_prefix("/*!").or(self.rest.strip_prefix("/*M!")) {
                self.rest = inside.trim_start_matches(|c: char| c.is_ascii_digit());
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else if let Some(rest) = self.rest.strip_prefix("*/") {
                self.rest = rest;
            } else if self.rest.starts_with('#') || self.rest.starts_with("--") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else {
                break;
            }
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = self.rest.find(|c: char| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart_by_their_first_words() {
        for (text, kind) in [
            ("BEGIN", Statement::Begin),
            ("COMMIT", Statement::Commit),
            ("ROLLBACK", Statement::Rollback),
            ("rollback to `sp`", Statement::WithinTransaction),
            ("SAVEPOINT `a`", Statement::WithinTransaction),
            ("XA START X'01',X'',1", Statement::XaStart),
            ("XA END X'01',X'',1", Statement::WithinTransaction),
            ("XA COMMIT X'01',X'',1", Statement::XaCommit),
            ("XA ROLLBACK X'01',X'',1", Statement::XaRollback),
            ("INSERT INTO t VALUES (1)", Statement::Dml),
            ("/* hint */ update t set a = 1", Statement::Dml),
            ("WITH c AS (SELECT 1) DELETE FROM t", Statement::Dml),
            ("SELECT `shop`.`sells`(1)", Statement::Dml),
            ("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", Statement::Dml),
            ("CREATE TABLE t (a INT)", Statement::Ddl),
            ("ALTER TABLE t ADD b INT", Statement::Ddl),
            ("TRUNCATE TABLE t", Statement::Ddl),
            ("DROP TABLE IF EXISTS `t`", Statement::Ddl),
            ("CREATE USER 'x'@'%' IDENTIFIED WITH 'p' AS 'h'", Statement::Ddl),
            ("ALTER USER 'x' IDENTIFIED BY 'h'", Statement::Ddl),
            ("GRANT SELECT ON *.* TO x", Statement::Ddl),
            ("SET PASSWORD FOR x = 'h'", Statement::Ddl),
            ("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'p')", Statement::Ddl),
            ("SET STATEMENT max_statement_time=1 FOR ALTER TABLE t ADD b INT", Statement::Ddl),
            ("SET STATEMENT a=' FOR x', b=2 FOR\nCREATE USER x", Statement::Ddl),
            ("set statement lock_wait_timeout = 5 for insert into t values (1)", Statement::Dml),
            ("CREATE TEMPORARY TABLE t (a INT)", Statement::Temporary),
            ("CREATE OR REPLACE TEMPORARY TABLE t (a INT)", Statement::Temporary),
            ("CREATE OR REPLACE USER x", Statement::Ddl),
            ("CREATE OR REPLACE TABLE t (a INT)", Statement::Ddl),
            ("DROP TEMPORARY TABLE IF EXISTS t", Statement::Temporary),
            ("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `t`", Statement::Temporary),
        ] {
            assert_eq!(classify(text), kind, "{text}");
        }
    }

    #[test]
    fn d11_comments_and_white_space_in_front_do_not_hide_a_statement() {
        for text in [
            "\n\t ALTER TABLE t ADD b INT",
            "-- why\nALTER TABLE t ADD b INT",
            "# why\nALTER TABLE t ADD b INT",
            "/* a *//* b */ ALTER TABLE t ADD b INT",
            "/*!50001 ALTER TABLE t ADD b INT */",
            "/*M!100100 ALTER TABLE t ADD b INT */",
        ] {
            assert_eq!(classify(text), Statement::Ddl, "{text}");
        }
        assert_eq!(classify("/* only a comment"), Statement::Ddl);
        assert_eq!(classify(""), Statement::Ddl);
    }

    #[test]
    fn c05_an_atomic_create_select_announces_its_rows() {
        assert!(starts_transaction("CREATE TABLE `b` (\n `a` int\n) START TRANSACTION"));
        assert!(!starts_transaction("CREATE TABLE `b` (`a` int)"));
        assert!(!starts_transaction("x"));
    }
}
