//! The databases and tables that a statement names.
//!
//! Never misses a table, and for that may take something else for one: an alias, a view, a column of
//! the same name. Tables that a statement changes without naming them (through a trigger, a function, a
//! foreign key) cannot be seen in its text.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::context::Context;
use super::lexer::{Kind, TOKENS_MAX, Token};
use super::statement::{Subject, subject};

/// What a statement names. Names are as the server keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Databases, also those of the tables.
    pub databases: BTreeSet<String>,
    /// Database and table; tables named without a database are in the current one.
    pub tables: BTreeSet<(String, String)>,
}

/// The databases and tables that a statement names.
///
/// Of a routine, only the database it is in; its body is not read. For a statement that is not
/// understood these are all names in it. Behind its first million of tokens a statement is not read.
#[must_use]
pub fn mentions(statement: &str, context: &Context<'_>) -> Mentions {
    let (subject, mut lexer) = subject(statement, context);
    let mut scan = Scan { statement, context, tokens: Vec::new(), found: Mentions::default() };
    if matches!(subject, Subject::Trigger | Subject::Routine) {
        scan.tokens = lexer.map_while(Result::ok).take(HEAD_TOKENS).collect();
        scan.head(subject);
        return scan.found;
    }
    for token in lexer.by_ref().take(TOKENS_MAX) {
        let Ok(token) = token else {
            scan.words_of_all();
            return scan.found;
        };
        scan.tokens.push(token);
    }
    match subject {
        Subject::Nothing => {}
        Subject::Database => scan.head(subject),
        Subject::Other => scan.names_of_all(),
        _ => scan.positions(subject),
    }
    scan.found
}

/// The name of a trigger or routine stands among so many first tokens, and a trigger's table too.
const HEAD_TOKENS: usize = 64;

/// Behind these stands a table, and behind a comma another one.
const BEFORE_TABLE: [&str; 16] = [
    "INTO",
    "UPDATE",
    "FROM",
    "JOIN",
    "STRAIGHT_JOIN",
    "TABLE",
    "TABLES",
    "USING",
    "REFERENCES",
    "LIKE",
    "TRUNCATE",
    "INSERT",
    "REPLACE",
    "DELETE",
    "RENAME",
    "SEQUENCE",
];
/// These end a list of tables. All are reserved words of both servers, so none is an alias.
const AFTER_TABLES: [&str; 9] =
    ["SET", "WHERE", "SELECT", "VALUES", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION"];
/// Reserved words that may stand between one of the words above and a table.
const MODIFIERS: [&str; 13] = [
    "IF",
    "NOT",
    "EXISTS",
    "IGNORE",
    "LOW_PRIORITY",
    "DELAYED",
    "HIGH_PRIORITY",
    "INTO",
    "TABLE",
    "TO",
    "AS",
    "FROM",
    "UPDATE",
];
/// Words that may stand there too, but may be the name of a table as well.
const MODIFIERS_OR_NAMES: [&str; 6] =
    ["QUICK", "LATERAL", "ONLY", "NO_WRITE_TO_BINLOG", "LOCAL", "TABLES"];
/// Reserved words behind which no table stands after all.
const NO_TABLE: [&str; 5] = ["COLUMN", "INDEX", "KEY", "PARTITION", "FOREIGN"];

struct Scan<'a> {
    statement: &'a str,
    context: &'a Context<'a>,
    tokens: Vec<Token>,
    found: Mentions,
}

impl<'a> Scan<'a> {
    fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    fn word(&self, index: usize) -> &'a str {
        let token = self.tokens.get(index).filter(|token| token.kind == Kind::Word);
        token.map_or("", |token| token.raw(self.statement))
    }

    fn is_any(&self, index: usize, words: &[&str]) -> bool {
        let word = self.word(index);
        words.iter().any(|one| one.eq_ignore_ascii_case(word))
    }

    fn name(&self, index: usize) -> Option<Cow<'a, str>> {
        self.tokens.get(index)?.name(self.statement)
    }

    fn add_database(&mut self, database: &str) {
        if !database.is_empty() {
            self.found.databases.insert(self.context.stored_name(database));
        }
    }

    fn add_table(&mut self, database: &str, table: &str) {
        self.add_database(database);
        let stored = |name: &str| self.context.stored_name(name);
        self.found.tables.insert((stored(database), stored(table)));
    }

    /// Takes the name that begins at a token; answers the index behind it.
    fn take(&mut self, index: usize) -> usize {
        let dot = Some(Kind::Symbol('.'));
        let current = self.context.database;
        // `.t` is a table of the current database.
        let index = if self.kind(index) == dot { index + 1 } else { index };
        let Some(first) = self.name(index) else { return index + 1 };
        if self.kind(index + 1) != dot {
            self.add_table(current, &first);
            return index + 1;
        }
        if let Some(second) = self.name(index + 2) {
            self.add_table(&first, &second);
        } else {
            // `db.*` in a grant, `t.*` in a DELETE.
            self.add_database(&first);
            self.add_table(current, &first);
        }
        index + 3
    }

    /// Tables by the words that stand before them.
    fn positions(&mut self, subject: Subject) {
        // Commas of ALTER TABLE separate what is altered.
        let commas = !(subject == Subject::Table && self.is_any(0, &["ALTER"]));
        let on = matches!(subject, Subject::Index | Subject::Rights);
        let mut outer = Vec::new();
        let (mut expected, mut list) = (false, false);
        let mut index = 0;
        while let Some(kind) = self.kind(index) {
            let mut next = index + 1;
            match kind {
                Kind::Symbol('(') => {
                    outer.push(list);
                    list = expected;
                }
                Kind::Symbol(')') => {
                    list = outer.pop().unwrap_or_default();
                    expected = false;
                }
                Kind::Symbol(',') => expected = list && commas,
                // ODBC's `{ OJ a LEFT JOIN b }`.
                Kind::Symbol('{') if expected => next += 1,
                Kind::Symbol('=') if self.is_any(index.saturating_sub(1), &["UNION"]) => {
                    (expected, list) = (true, true);
                }
                Kind::Symbol('=') => {}
                Kind::Symbol('.') if expected => {
                    next = self.take(index);
                    expected = false;
                }
                Kind::Word if expected && self.is_any(index, &MODIFIERS) => {}
                Kind::Word if expected && self.is_any(index, &NO_TABLE) => expected = false,
                Kind::Word if self.is_any(index, &AFTER_TABLES) => {
                    (expected, list) = (false, false)
                }
                Kind::Word if self.announces(index, on) || self.is_view(subject, index) => {
                    (expected, list) = (true, true);
                }
                Kind::Word | Kind::Quoted if expected => {
                    expected = self.is_any(index, &MODIFIERS_OR_NAMES);
                    next = self.take(index);
                }
                Kind::Symbol(_) => {}
                _ => expected = false,
            }
            index = next;
        }
    }

    /// Whether the word at `index` stands before a table.
    fn announces(&self, index: usize, on: bool) -> bool {
        let before = index.checked_sub(1);
        let follows = |words: &[&str]| before.is_some_and(|before| self.is_any(before, words));
        let to = self.is_any(index, &["TO"]);
        let is_function = self.kind(index + 1) == Some(Kind::Symbol('('))
            && self.is_any(index, &["INSERT", "REPLACE", "TRUNCATE"]);
        let is_event = self.is_any(index, &["UPDATE", "DELETE"]) && follows(&["ON", "KEY", "FOR"]);
        if on && self.is_any(index, &["ON"]) {
            return true;
        }
        (to || self.is_any(index, &BEFORE_TABLE)) && !is_function && !is_event
    }

    fn is_view(&self, subject: Subject, index: usize) -> bool {
        subject == Subject::View && self.is_any(index, &["VIEW"])
    }

    /// The object itself: a database, or a routine, or a trigger with its table.
    fn head(&mut self, subject: Subject) {
        const OBJECTS: [&str; 9] = [
            "DATABASE",
            "SCHEMA",
            "TRIGGER",
            "PROCEDURE",
            "FUNCTION",
            "PACKAGE",
            "EVENT",
            "LIBRARY",
            "BODY",
        ];
        let Some(object) = (0..self.tokens.len()).find(|index| self.is_any(*index, &OBJECTS))
        else {
            return;
        };
        let mut index = object + 1;
        while self.is_any(index, &["IF", "NOT", "EXISTS", "BODY"]) {
            index += 1;
        }
        let qualified = self.kind(index + 1) == Some(Kind::Symbol('.'));
        let named = self.name(index).filter(|_| qualified || subject == Subject::Database);
        // ALTER DATABASE without a name is about the current one, and its first word is an option then.
        let current = self.context.database;
        if !qualified {
            self.add_database(current);
        }
        if let Some(name) = named {
            self.add_database(&name);
        }
        if subject == Subject::Trigger
            && let Some(on) = (index..self.tokens.len()).find(|at| self.is_any(*at, &["ON"]))
        {
            self.take(on + 1);
        }
    }

    /// Every name, alone and behind another one with a dot.
    fn names_of_all(&mut self) {
        for index in 0..self.tokens.len() {
            if self.name(index).is_some() {
                self.take(index);
            }
        }
    }

    /// Every run of letters, for a text that cannot be cut into tokens.
    fn words_of_all(&mut self) {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let mut before = "";
        for word in self.statement.split(|c: char| !is_name(c)).filter(|word| !word.is_empty()) {
            let current = self.context.database;
            self.add_table(current, word);
            self.add_table(before, word);
            before = word;
        }
    }
}
