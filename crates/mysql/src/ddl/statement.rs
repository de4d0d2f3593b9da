//! What a statement is about, from its first words: the rest of it, a routine's body for example, is
//! not read.

use super::context::Context;
use super::lexer::{Kind, Lexer, Token};

/// What a statement creates, changes or removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Tables.
    Table,
    /// Tables that only their session sees.
    TemporaryTable,
    /// An index of a table, by `CREATE INDEX` or `DROP INDEX`.
    Index,
    /// MariaDB's sequences.
    Sequence,
    /// A database.
    Database,
    /// A view; its text names tables.
    View,
    /// A trigger; it belongs to a table.
    Trigger,
    /// A procedure, function, package, event or library.
    Routine,
    /// Rows of tables, in statement format.
    Rows,
    /// Rights on databases and tables.
    Rights,
    /// Tables, but not their definitions: `ANALYZE`, `FLUSH`.
    Upkeep,
    /// Nothing that belongs to a database: transactions, accounts, servers, plugins.
    Nothing,
    /// Not known.
    Other,
}

/// Tells what a statement is about. The lexer answered stands at its first word, behind MariaDB's
/// `SET STATEMENT … FOR`.
pub(super) fn subject<'a>(statement: &'a str, context: &Context<'_>) -> (Subject, Lexer<'a>) {
    let lexer = Lexer::new(statement, context);
    let lexer = inside_set_statement(statement, lexer.clone()).unwrap_or(lexer);
    let mut words = Words { statement, lexer: lexer.clone() };
    (words.subject(), lexer)
}

/// The lexer behind `SET STATEMENT variable = value, … FOR`.
fn inside_set_statement<'a>(statement: &str, mut lexer: Lexer<'a>) -> Option<Lexer<'a>> {
    let mut is_next =
        |word: &str| matches!(lexer.next(), Some(Ok(token)) if token.is_word(statement, word));
    if !is_next("SET") || !is_next("STATEMENT") {
        return None;
    }
    loop {
        if lexer.next()?.ok()?.is_word(statement, "FOR") {
            return Some(lexer);
        }
    }
}

/// The words a statement begins with.
struct Words<'a> {
    statement: &'a str,
    lexer: Lexer<'a>,
}

impl<'a> Words<'a> {
    fn token(&mut self) -> Option<Token> {
        self.lexer.next()?.ok()
    }

    /// The next word in upper case; empty where something else stands.
    fn next(&mut self) -> String {
        let word = self.token().filter(|token| token.kind == Kind::Word);
        word.map(|token| token.raw(self.statement).to_ascii_uppercase()).unwrap_or_default()
    }

    fn subject(&mut self) -> Subject {
        // Nothing but comments.
        if self.lexer.clone().next().is_none() {
            return Subject::Nothing;
        }
        match self.next().as_str() {
            "CREATE" | "ALTER" | "DROP" => self.object(),
            "RENAME" => match self.next().as_str() {
                "TABLE" | "TABLES" => Subject::Table,
                "USER" => Subject::Nothing,
                _ => Subject::Other,
            },
            "TRUNCATE" => Subject::Table,
            "INSERT" | "REPLACE" | "UPDATE" | "DELETE" | "LOAD" | "WITH" | "CALL" | "DO"
            | "SELECT" | "TABLE" | "VALUES" | "HANDLER" => Subject::Rows,
            "GRANT" | "REVOKE" => Subject::Rights,
            "ANALYZE" | "OPTIMIZE" | "CHECK" | "CHECKSUM" | "REPAIR" | "FLUSH" | "LOCK"
            | "CACHE" => Subject::Upkeep,
            "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "XA" | "SET"
            | "CHANGE" | "STOP" | "RESET" | "PURGE" | "INSTALL" | "UNINSTALL" | "UNLOCK"
            | "KILL" | "SHUTDOWN" | "RESTART" | "CLONE" | "BINLOG" | "SHOW" | "USE" | "EXPLAIN"
            | "DESCRIBE" | "DESC" | "HELP" | "PREPARE" | "EXECUTE" | "DEALLOCATE" | "SIGNAL"
            | "BACKUP" => Subject::Nothing,
            _ => Subject::Other,
        }
    }

    /// The object of CREATE, ALTER and DROP, behind what may stand before it.
    fn object(&mut self) -> Subject {
        let mut temporary = false;
        loop {
            let Some(token) = self.token() else { return Subject::Other };
            let word = match token.kind {
                Kind::Word => token.raw(self.statement).to_ascii_uppercase(),
                // Values of DEFINER and ALGORITHM.
                Kind::Symbol('=' | '@' | '(' | ')') | Kind::Quoted | Kind::String => continue,
                _ => return Subject::Other,
            };
            return match word.as_str() {
                "TEMPORARY" => {
                    temporary = true;
                    continue;
                }
                "DEFINER" => {
                    self.skip_definer();
                    continue;
                }
                "ALGORITHM" => {
                    self.token();
                    self.token();
                    continue;
                }
                "SQL" => {
                    self.next();
                    self.next();
                    continue;
                }
                "OR" | "REPLACE" | "ONLINE" | "OFFLINE" | "IGNORE" | "UNIQUE" | "FULLTEXT"
                | "AGGREGATE" | "VECTOR" => continue,
                "SPATIAL" => match self.next().as_str() {
                    "INDEX" | "KEY" => Subject::Index,
                    "REFERENCE" => Subject::Nothing,
                    _ => Subject::Other,
                },
                "TABLE" | "TABLES" if temporary => Subject::TemporaryTable,
                "TABLE" | "TABLES" => Subject::Table,
                "INDEX" => Subject::Index,
                "SEQUENCE" if temporary => Subject::TemporaryTable,
                "SEQUENCE" => Subject::Sequence,
                "DATABASE" | "SCHEMA" => Subject::Database,
                "VIEW" | "MATERIALIZED" => Subject::View,
                "TRIGGER" => Subject::Trigger,
                "PROCEDURE" | "FUNCTION" | "PACKAGE" | "EVENT" | "LIBRARY" => Subject::Routine,
                "USER" | "ROLE" | "SERVER" | "TABLESPACE" | "UNDO" | "LOGFILE" | "RESOURCE"
                | "INSTANCE" | "PREPARE" => Subject::Nothing,
                _ => Subject::Other,
            };
        }
    }

    /// Goes past `= user@host`, `= CURRENT_USER()`.
    fn skip_definer(&mut self) {
        self.token();
        self.token();
        let ahead = self.lexer.clone();
        if matches!(self.token(), Some(token) if token.kind == Kind::Symbol('@')) {
            self.token();
        } else {
            self.lexer = ahead;
        }
    }
}
