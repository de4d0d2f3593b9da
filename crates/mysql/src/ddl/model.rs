//! All tables of a server as they are at one position of its log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::alter::{self, AlterTable, Step};
use super::charsets::{CharsetSpec, charset_of_number};
use super::context::Context;
use super::create::{self, Body};
use super::definition::Definition;
use super::effect::{DatabaseChange, Effect, TableChange};
use super::interned::Interned;
use super::mentions::mentions;
use super::parser::{NotUnderstood, Parser, TableName};
use super::statement::{Subject, subject};

/// The databases and tables of a server.
///
/// Must hold every table that matters before the first statement is applied: a table it has never heard
/// of is taken not to exist by `CREATE TABLE IF NOT EXISTS`, and is stale once any other statement
/// changes it. Names are as the server keeps them (`lower_case_table_names`), see
/// [`Context::stored_name`].
#[derive(Debug, Clone, Default)]
pub struct Model {
    databases: BTreeMap<String, Database>,
    definitions: Interned,
}

/// What is known of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// Its definition.
    Known(Arc<Definition>),
    /// Only that it may exist, and why its definition is not known. It has to be looked up.
    Stale(String),
}

#[derive(Debug, Clone, Default)]
struct Database {
    /// The default character set, as the catalog calls it.
    charset: Option<String>,
    tables: HashMap<String, Table>,
}

impl Model {
    /// Adds a database, or sets its default character set.
    pub fn set_database(&mut self, name: &str, charset: Option<String>) {
        self.databases.entry(name.to_owned()).or_default().charset = charset;
    }

    /// Sets what is known of a table. Equal definitions share their memory.
    pub fn set_table(&mut self, database: &str, table: &str, definition: Definition) {
        let known = Table::Known(self.definitions.share(definition));
        self.put((database.to_owned(), table.to_owned()), known);
    }

    /// Marks a table as not known.
    pub fn set_stale(&mut self, database: &str, table: &str, reason: String) {
        self.put((database.to_owned(), table.to_owned()), Table::Stale(reason));
    }

    /// Forgets a table.
    pub fn remove_table(&mut self, database: &str, table: &str) {
        self.take(database, table);
    }

    /// What is known of a table; `None` if there is none.
    #[must_use]
    pub fn table(&self, database: &str, table: &str) -> Option<&Table> {
        self.databases.get(database)?.tables.get(table)
    }

    /// All tables with their databases, the databases in order.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &str, &Table)> {
        self.databases.iter().flat_map(|(database, content)| {
            content.tables.iter().map(|(name, table)| (database.as_str(), name.as_str(), table))
        })
    }

    /// All databases with their default character sets, in order.
    pub fn databases(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.databases.iter().map(|(name, database)| (name.as_str(), database.charset.as_deref()))
    }

    /// Follows a statement of the log, and says what it changed.
    ///
    /// The cost depends on the statement and on the tables it names, not on the number of tables;
    /// `DROP DATABASE` takes time by the tables of the database.
    pub fn apply(&mut self, statement: &str, context: &Context<'_>) -> Effect {
        let (subject, lexer) = subject(statement, context);
        let mut effect = Effect::default();
        let result = match subject {
            Subject::Table
            | Subject::Index
            | Subject::Sequence
            | Subject::Database
            | Subject::Other => Parser::new(statement, lexer, context)
                .and_then(|mut parser| self.follow(subject, &mut parser, &mut effect)),
            Subject::TemporaryTable
            | Subject::View
            | Subject::Trigger
            | Subject::Routine
            | Subject::Rows
            | Subject::Rights
            | Subject::Upkeep
            | Subject::Nothing => Ok(()),
        };
        if let Err(error) = result {
            let reason = error.to_string();
            for name in mentions(statement, context).tables {
                // A statement about tables may have made the ones it names; any other may have changed
                // those that exist.
                if subject != Subject::Other || self.table(&name.0, &name.1).is_some() {
                    self.mark_stale(name, &reason, &mut effect);
                }
            }
            effect.not_understood = Some(error);
        }
        effect
    }

    /// Follows a statement that may change definitions.
    fn follow(
        &mut self,
        subject: Subject,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        match subject {
            Subject::Table => self.table_statement(parser, effect),
            Subject::Index => self.index_statement(parser, effect),
            Subject::Sequence => self.sequence_statement(parser, effect),
            Subject::Database => self.database_statement(parser, effect),
            _ => Err(parser.not_understood()),
        }
    }

    fn table_statement(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        match parser.keyword(0).as_str() {
            "CREATE" => self.create_table(parser, effect),
            "ALTER" => {
                let alter = alter::parse(parser)?;
                self.alter_table(alter, parser.context, effect);
                Ok(())
            }
            "DROP" => self.drop_tables(parser, effect),
            "RENAME" => self.rename_tables(parser, effect),
            // TRUNCATE: the rows go, the definition stays.
            _ => Ok(()),
        }
    }

    fn index_statement(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        let alter = match parser.is_word(0, "CREATE") {
            true => alter::parse_create_index(parser)?,
            false => alter::parse_drop_index(parser)?,
        };
        self.alter_table(alter, parser.context, effect);
        Ok(())
    }

    fn sequence_statement(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        match parser.keyword(0).as_str() {
            "CREATE" => {
                let (name, if_not_exists, definition) = create::parse_sequence(parser)?;
                self.create(name, if_not_exists, Ok(definition), effect);
                Ok(())
            }
            "DROP" => self.drop_tables(parser, effect),
            _ => {
                parser.expect("ALTER")?;
                parser.expect("SEQUENCE")?;
                parser.if_exists();
                let name = parser.table_name()?;
                if parser.is_word(0, "AS") {
                    self.mark_stale(name, "the type of a sequence was changed", effect);
                }
                Ok(())
            }
        }
    }

    fn database_statement(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        let context = parser.context;
        let verb = parser.keyword(0);
        parser.skip();
        let replace = parser.accept_all(&["OR", "REPLACE"]);
        parser.skip();
        parser.if_exists();
        let if_not_exists = parser.if_not_exists();
        let is_option = parser.is_any(0, DATABASE_OPTIONS)
            && !(parser.is_symbol(1, ';') || parser.peek(1).is_none());
        let name = match verb.as_str() {
            "ALTER" if is_option => context.database.to_owned(),
            _ => parser.name()?,
        };
        let name = context.stored_name(&name);
        if verb == "DROP" || replace {
            self.drop_database(&name, effect);
        }
        if verb == "DROP" || (if_not_exists && self.databases.contains_key(&name)) {
            return Ok(());
        }
        let written = database_charset(parser)?;
        let server = context.server_collation.and_then(|id| charset_of_number(id, context.dialect));
        let charset = match written {
            Some(CharsetSpec::Named(charset)) => Some(charset),
            None if verb == "ALTER" => return Ok(()),
            Some(CharsetSpec::Inherited) | None => server,
        };
        self.set_database(&name, charset.map(str::to_owned));
        effect.databases.push((name, DatabaseChange::Defined));
        Ok(())
    }

    fn create_table(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        let create = create::parse(parser)?;
        let charset = self.charset_for(&create.name.0, parser.context);
        let definition = match create.body {
            Body::Defined(table) => table.define(charset.as_deref(), parser.context),
            Body::Like((database, table)) => match self.table(&database, &table) {
                Some(Table::Known(like)) => Ok(Definition::clone(like)),
                _ => Err(NotUnderstood::Unfit("it is like a table that is not known".into())),
            },
            Body::Query => Err(NotUnderstood::Unfit("its columns are those of a query".into())),
        };
        self.create(create.name, create.if_not_exists, definition, effect);
        Ok(())
    }

    fn create(
        &mut self,
        name: TableName,
        if_not_exists: bool,
        definition: Result<Definition, NotUnderstood>,
        effect: &mut Effect,
    ) {
        if if_not_exists && self.table(&name.0, &name.1).is_some() {
            return;
        }
        self.define(name, definition, effect);
    }

    fn alter_table(&mut self, alter: AlterTable, context: &Context<'_>, effect: &mut Effect) {
        let name = alter.name.clone();
        let charset = self.charset_for(&name.0, context);
        for step in &alter.steps {
            match step {
                Step::PartitionToTable(new) => {
                    let definition = match self.table(&name.0, &name.1) {
                        Some(Table::Known(old)) => Ok(Definition::clone(old)),
                        _ => Err(NotUnderstood::Unfit("it was part of an unknown table".into())),
                    };
                    self.define(new.clone(), definition, effect);
                }
                Step::TableToPartition(old) => self.drop_table(old.clone(), effect),
                _ => {}
            }
        }
        if alter.changes_definition() {
            match self.table(&name.0, &name.1) {
                Some(Table::Known(old)) => {
                    let altered = old.altered(&alter, charset.as_deref(), context);
                    self.define(name.clone(), altered, effect);
                }
                Some(Table::Stale(_)) => {}
                None => self.mark_stale(name.clone(), "it was altered before it was known", effect),
            }
        }
        let renamed = alter.steps.into_iter().rev().find_map(|step| match step {
            Step::RenameTable(new) => Some(new),
            _ => None,
        });
        if let Some(new) = renamed {
            self.rename(name, new, effect);
        }
    }

    /// `DROP TABLE a, b`, also of sequences.
    fn drop_tables(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        parser.skip();
        parser.skip();
        parser.if_exists();
        let mut names = vec![parser.table_name()?];
        while parser.accept_symbol(',') {
            names.push(parser.table_name()?);
        }
        parser.accept_any(&["RESTRICT", "CASCADE"]);
        parser.skip_wait();
        parser.expect_end()?;
        for name in names {
            self.drop_table(name, effect);
        }
        Ok(())
    }

    fn rename_tables(
        &mut self,
        parser: &mut Parser<'_>,
        effect: &mut Effect,
    ) -> Result<(), NotUnderstood> {
        parser.skip();
        parser.skip();
        parser.if_exists();
        let mut pairs = Vec::new();
        loop {
            let old = parser.table_name()?;
            parser.skip_wait();
            parser.expect("TO")?;
            pairs.push((old, parser.table_name()?));
            if !parser.accept_symbol(',') {
                break;
            }
        }
        parser.expect_end()?;
        for (old, new) in pairs {
            self.rename(old, new, effect);
        }
        Ok(())
    }

    fn rename(&mut self, old: TableName, new: TableName, effect: &mut Effect) {
        if old == new {
            return;
        }
        let table = self.take(&old.0, &old.1);
        let table =
            table.unwrap_or_else(|| Table::Stale("it was renamed before it was known".to_owned()));
        effect.tables.push((old, TableChange::Dropped));
        let change = match &table {
            Table::Known(_) => TableChange::Defined,
            Table::Stale(reason) => TableChange::Stale(reason.clone()),
        };
        self.put(new.clone(), table);
        effect.tables.push((new, change));
    }

    fn define(
        &mut self,
        name: TableName,
        definition: Result<Definition, NotUnderstood>,
        effect: &mut Effect,
    ) {
        match definition {
            Ok(definition) => {
                let known = Table::Known(self.definitions.share(definition));
                self.put(name.clone(), known);
                effect.tables.push((name, TableChange::Defined));
            }
            Err(error) => self.mark_stale(name, &error.to_string(), effect),
        }
    }

    fn mark_stale(&mut self, name: TableName, reason: &str, effect: &mut Effect) {
        self.put(name.clone(), Table::Stale(reason.to_owned()));
        effect.tables.push((name, TableChange::Stale(reason.to_owned())));
    }

    fn drop_table(&mut self, name: TableName, effect: &mut Effect) {
        if self.take(&name.0, &name.1).is_some() {
            effect.tables.push((name, TableChange::Dropped));
        }
    }

    fn drop_database(&mut self, name: &str, effect: &mut Effect) {
        let Some(database) = self.databases.remove(name) else { return };
        for table in database.tables.into_keys() {
            effect.tables.push(((name.to_owned(), table), TableChange::Dropped));
        }
        effect.databases.push((name.to_owned(), DatabaseChange::Dropped));
    }

    /// What a table without a character set of its own gets in a database.
    fn charset_for(&self, database: &str, context: &Context<'_>) -> Option<String> {
        let own = self.databases.get(database).and_then(|database| database.charset.clone());
        own.or_else(|| {
            let logged = context.database_collation.filter(|_| database == context.database)?;
            charset_of_number(logged, context.dialect).map(str::to_owned)
        })
    }

    fn put(&mut self, name: TableName, table: Table) {
        self.databases.entry(name.0).or_default().tables.insert(name.1, table);
    }

    fn take(&mut self, database: &str, table: &str) -> Option<Table> {
        self.databases.get_mut(database)?.tables.remove(table)
    }
}

/// Words that begin an option of a database.
const DATABASE_OPTIONS: &[&str] =
    &["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "READ", "COMMENT", "CHAR"];

/// The default character set that the options of a database name.
fn database_charset(parser: &mut Parser<'_>) -> Result<Option<CharsetSpec>, NotUnderstood> {
    let mut charset = None;
    while !parser.is_at_end() {
        parser.accept("DEFAULT");
        if parser.accept_charset() {
            parser.accept_symbol('=');
            charset = Some(parser.charset_name()?);
        } else if parser.accept("COLLATE") {
            parser.accept_symbol('=');
            let collation = parser.collation_name()?;
            if collation != CharsetSpec::Inherited || charset.is_none() {
                charset = Some(collation);
            }
        } else if parser.accept_any(&["ENCRYPTION", "COMMENT"])
            || parser.accept_all(&["READ", "ONLY"])
        {
            parser.accept_symbol('=');
            parser.skip();
        } else {
            return Err(parser.not_understood());
        }
    }
    Ok(charset)
}
