//! Runs statements on a server and compares what the model makes of its log with the server's catalog.
//!
//! `ddl_oracle mysql://root@127.0.0.1:3306/ statements.sql …` needs an account that may do everything,
//! on a server of its own: databases whose names begin with `ddl` are dropped. After each statement the
//! model takes what the server logged of it, with the circumstances that are logged too, and all tables
//! are compared with `information_schema`; what the statement changed is also compared with
//! `SHOW CREATE TABLE`, read by the same parser, and every other time replaced by what the catalog says,
//! so that statements are also followed from there.
//!
//! A statement ends at a line that ends with a semicolon. Lines that begin with `--:` are for this
//! program: `only mysql`, `only mariadb` and `both` begin sections; `only mysql 80030` leaves out older
//! versions; `stale db.table` allows the next statement to leave that table unknown, and demands it.

#![allow(clippy::print_stdout, reason = "a report on standard output is what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use capture::Selection;
use change::TableSchema;
use mysql::binlog::{Event, EventType, FormatDescription, RawEvent};
use mysql::connection::{
    BinlogStream, Chunk, Connection, DumpStart, Endpoint, Flavour, Replica, ReplicaOptions,
    Timeouts,
};
use mysql::ddl::{Context, Definition, Dialect, Model, Table, TableChange};
use mysql::describe;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(url) = arguments.next() else {
        println!("usage: ddl_oracle URL FILE…");
        return ExitCode::FAILURE;
    };
    match run(&url, &arguments.collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(url: &str, files: &[String]) -> Result<bool, Failure> {
    let mut oracle = Oracle::connect(&Endpoint::parse(url)?)?;
    for file in files {
        let text = std::fs::read_to_string(file)?;
        for step in steps(&text, oracle.dialect) {
            if !oracle.check(file, &step)? {
                oracle.differences += 1;
            }
        }
    }
    oracle.clean_up()?;
    println!(
        "{} statements run, {} logged, {} tables defined, {} stale as expected, {} differences",
        oracle.run, oracle.logged, oracle.defined, oracle.stale, oracle.differences
    );
    Ok(oracle.differences == 0 && oracle.run > 0)
}

/// A statement of a file.
#[derive(Debug, Default)]
struct Step {
    line: usize,
    statement: String,
    /// Tables that it may leave unknown.
    stale: BTreeSet<String>,
}

/// The statements of a file that are for this server.
fn steps(text: &str, dialect: Dialect) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut wanted = true;
    let mut step = Step::default();
    for (index, line) in text.lines().enumerate() {
        if let Some(directive) = line.strip_prefix("--:") {
            let mut words = directive.split_whitespace();
            match words.next() {
                Some("both") => wanted = true,
                Some("only") => wanted = is_for(words, dialect),
                Some("stale") => step.stale.extend(words.map(str::to_owned)),
                _ => {}
            }
            continue;
        }
        if step.statement.is_empty() {
            step.line = index + 1;
            if line.is_empty() {
                continue;
            }
        } else {
            step.statement.push('\n');
        }
        match line.strip_suffix(';') {
            Some(end) => {
                step.statement.push_str(end);
                let step = std::mem::take(&mut step);
                if wanted {
                    steps.push(step);
                }
            }
            None => step.statement.push_str(line),
        }
    }
    steps
}

/// Whether `mysql`, `mariadb 101100` and the like mean this server.
fn is_for<'a>(mut words: impl Iterator<Item = &'a str>, dialect: Dialect) -> bool {
    let (name, version) = match dialect {
        Dialect::MySql { version } => ("mysql", version),
        Dialect::MariaDb { version } => ("mariadb", version),
    };
    let least = |word: &str| word.parse().unwrap_or(u32::MAX);
    words.next() == Some(name) && words.next().is_none_or(|word| least(word) <= version)
}

struct Oracle {
    dialect: Dialect,
    lower_case_table_names: u8,
    session: Connection,
    catalog: Connection,
    log: BinlogStream,
    /// File and byte up to which the log was read.
    at: (String, u64),
    format: FormatDescription,
    chunk: Chunk,
    model: Model,
    selection: Selection,
    run: usize,
    logged: usize,
    defined: usize,
    stale: usize,
    differences: usize,
}

/// What one statement did to the model.
#[derive(Debug, Default)]
struct Done {
    logged: Vec<String>,
    changed: BTreeSet<(String, String)>,
}

impl Oracle {
    fn connect(endpoint: &Endpoint) -> Result<Self, Failure> {
        let connect = || Connection::connect(endpoint, Timeouts::default());
        let mut session = connect()?;
        let dialect = Dialect::of(session.version());
        let databases = session.query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")?;
        for row in databases.rows.iter().filter(|row| row.text(0).starts_with("ddl")) {
            session.execute(&format!("DROP DATABASE `{}`", row.text(0)))?;
        }
        let names = session.query("SELECT @@lower_case_table_names")?;
        let lower_case_table_names =
            names.first().and_then(|row| row.number(0)).unwrap_or_default();
        let at = log_end(&mut session)?;
        let options = ReplicaOptions { server_id: Some(990_017), ..ReplicaOptions::default() };
        let log = Replica::prepare(connect()?, options)?
            .start(&DumpStart::File { name: at.0.clone(), position: at.1 })?;
        let mut model = Model::default();
        let charsets = session.query(
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA",
        )?;
        for row in &charsets.rows {
            model.set_database(row.text(0), Some(row.text(1).to_owned()));
        }
        Ok(Self {
            dialect,
            lower_case_table_names,
            session,
            catalog: connect()?,
            log,
            at,
            format: FormatDescription::assumed(),
            chunk: Chunk::with_capacity(1 << 16),
            model,
            selection: Selection::new(&["ddl*.*"], &[])?,
            run: 0,
            logged: 0,
            defined: 0,
            stale: 0,
            differences: 0,
        })
    }

    /// Runs a statement, follows its log, compares. Whether all is as it should be.
    fn check(&mut self, file: &str, step: &Step) -> Result<bool, Failure> {
        self.run += 1;
        let at = format!("{file}:{}", step.line);
        if let Err(error) = self.session.execute(&step.statement) {
            println!("{at}: {error}\n    {}", step.statement);
            return Ok(false);
        }
        let done = self.follow()?;
        let mut complaints = self.compare(step)?;
        complaints.extend(self.compare_texts(&done)?);
        for complaint in &complaints {
            println!("{at}: {complaint}");
        }
        if !complaints.is_empty() {
            for logged in &done.logged {
                println!("    logged: {logged}");
            }
        }
        // Every other statement, what follows starts from the catalog's definition and not from ours.
        if step.line.is_multiple_of(2) {
            for (database, table) in &done.changed {
                let known = matches!(self.model.table(database, table), Some(Table::Known(_)));
                self.look_up(database, table, known)?;
            }
        }
        Ok(complaints.is_empty())
    }

    /// Applies what the server has logged up to now.
    fn follow(&mut self) -> Result<Done, Failure> {
        let end = log_end(&mut self.catalog)?;
        let mut done = Done::default();
        while self.at.0 != end.0 || self.at.1 < end.1 {
            self.log.fill(&mut self.chunk, 1 << 16)?;
            for bytes in self.chunk.events() {
                let raw = RawEvent::parse(bytes, self.format.checksum)?;
                if !raw.header.is_artificial() && raw.header.event_type != EventType::HEARTBEAT {
                    self.at.1 = self.at.1.max(u64::from(raw.header.log_pos));
                }
                let query = match Event::decode(&raw, &self.format)? {
                    Event::FormatDescription(format) => {
                        self.format = format;
                        continue;
                    }
                    Event::Rotate(next) if !raw.header.is_artificial() => {
                        self.at = (String::from_utf8_lossy(next.file).into_owned(), next.position);
                        continue;
                    }
                    Event::Query(query) => query,
                    _ => continue,
                };
                let statement = String::from_utf8_lossy(query.statement);
                let database = String::from_utf8_lossy(query.database);
                let context = Context {
                    sql_mode: query.variables.sql_mode.unwrap_or_default(),
                    server_collation: query.variables.charset.map(|[_, _, server]| server),
                    database_collation: query.variables.database_collation,
                    lower_case_table_names: self.lower_case_table_names,
                    ..Context::new(self.dialect, &database)
                };
                let effect = self.model.apply(&statement, &context);
                self.logged += 1;
                for (name, change) in effect.tables {
                    self.defined += usize::from(change == TableChange::Defined);
                    done.changed.insert(name);
                }
                done.logged.push(statement.into_owned());
            }
        }
        Ok(done)
    }

    /// Compares all tables with the catalog. A table that is allowed to be stale is looked up.
    fn compare(&mut self, step: &Step) -> Result<Vec<String>, Failure> {
        let catalog = describe::load(&mut self.catalog, &self.selection)?;
        let mut complaints = Vec::new();
        let mut expected: BTreeMap<(String, String), TableSchema> = catalog
            .tables
            .into_iter()
            .map(|schema| ((schema.database.clone(), schema.table.clone()), schema))
            .collect();
        let followed: Vec<(String, String, Option<TableSchema>)> = self
            .model
            .tables()
            .filter(|(database, ..)| database.starts_with("ddl"))
            .map(|(database, table, what)| {
                let schema = match what {
                    Table::Known(definition) => Some(definition.schema(database, table)),
                    Table::Stale(_) => None,
                };
                (database.to_owned(), table.to_owned(), schema)
            })
            .collect();
        let mut stale = BTreeSet::new();
        for (database, table, schema) in followed {
            let name = format!("{database}.{table}");
            let real = expected.remove(&(database.clone(), table.clone()));
            match (schema, real) {
                (Some(ours), Some(real)) if ours == real => {}
                (Some(ours), real) => {
                    complaints.push(match &real {
                        Some(real) => difference(&name, &ours, real),
                        None => format!("{name} does not exist"),
                    });
                    // One mistake is told once.
                    self.look_up(&database, &table, real.is_some())?;
                }
                (None, real) => {
                    stale.insert(name);
                    self.look_up(&database, &table, real.is_some())?;
                }
            }
        }
        for (database, table) in expected.keys() {
            complaints.push(format!("{database}.{table} exists, and the model does not have it"));
            self.look_up(database, table, true)?;
        }
        self.stale += stale.len();
        for name in stale.difference(&step.stale) {
            complaints.push(format!("{name} is stale"));
        }
        for name in step.stale.difference(&stale) {
            complaints.push(format!("{name} should be stale"));
        }
        Ok(complaints)
    }

    /// Does what a source would do with a table that is not known.
    fn look_up(&mut self, database: &str, table: &str, exists: bool) -> Result<(), Failure> {
        let definition = match exists {
            true => describe::load_definition(&mut self.catalog, database, table)?,
            false => None,
        };
        match definition {
            Some(definition) => self.model.set_table(database, table, definition),
            None => self.model.remove_table(database, table),
        }
        Ok(())
    }

    /// What `SHOW CREATE TABLE` makes of a table.
    fn shown(&mut self, database: &str, table: &str) -> Result<Option<Definition>, Failure> {
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        let sql = format!("SHOW CREATE TABLE {}.{}", quoted(database), quoted(table));
        let Ok(answer) = self.catalog.query(&sql) else { return Ok(None) };
        let Some(row) = answer.first() else { return Ok(None) };
        if !row.text(1).starts_with("CREATE TABLE") {
            return Ok(None);
        }
        let context = Context {
            lower_case_table_names: self.lower_case_table_names,
            ..Context::new(self.dialect, database)
        };
        Ok(Some(Definition::parse_create(row.text(1), &context)?))
    }

    /// Compares what a statement changed with the server's own text of it.
    fn compare_texts(&mut self, done: &Done) -> Result<Vec<String>, Failure> {
        let mut complaints = Vec::new();
        for (database, table) in &done.changed {
            let Some(Table::Known(ours)) = self.model.table(database, table) else { continue };
            let ours = ours.schema(database, table);
            match self.shown(database, table) {
                Ok(Some(shown)) => {
                    let shown = shown.schema(database, table);
                    if shown != ours {
                        let name = format!("{database}.{table} as its text has it");
                        complaints.push(difference(&name, &shown, &ours));
                    }
                }
                Ok(None) => {}
                Err(error) => complaints.push(format!("the text of {database}.{table}: {error}")),
            }
        }
        Ok(complaints)
    }

    fn clean_up(&mut self) -> Result<(), Failure> {
        let databases: Vec<String> = self
            .model
            .databases()
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.starts_with("ddl"))
            .collect();
        for name in databases {
            self.session.execute(&format!("DROP DATABASE IF EXISTS `{name}`"))?;
        }
        Ok(())
    }
}

/// File and position of the end of the server's log.
fn log_end(connection: &mut Connection) -> Result<(String, u64), Failure> {
    let version = connection.version();
    let mysql = version.flavour == Flavour::MySql && version.is_at_least(8, 2, 0);
    let sql = if mysql { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
    let answer = connection.query(sql)?;
    let row = answer.first().ok_or("the server writes no log")?;
    Ok((row.text(0).to_owned(), row.number(1).ok_or("the log has no end")?))
}

/// What differs between two definitions.
fn difference(name: &str, ours: &TableSchema, real: &TableSchema) -> String {
    let columns = |schema: &TableSchema| -> Vec<String> {
        schema.columns.iter().map(|column| format!("{} {:?}", column.name, column.kind)).collect()
    };
    let (left, right) = (columns(ours), columns(real));
    let mut text = format!("{name} differs");
    for index in 0..left.len().max(right.len()) {
        if left.get(index) != right.get(index) {
            text += &format!(
                "\n    column {index}: {:?}, really {:?}",
                left.get(index),
                right.get(index)
            );
        }
    }
    if ours.primary_key != real.primary_key {
        text +=
            &format!("\n    primary key: {:?}, really {:?}", ours.primary_key, real.primary_key);
    }
    if ours.unique_keys != real.unique_keys {
        text +=
            &format!("\n    unique keys: {:?}, really {:?}", ours.unique_keys, real.unique_keys);
    }
    text
}
