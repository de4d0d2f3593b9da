//! What was decided about tables that are held back, done before the main dump starts.
//!
//! A table to be delivered again is read by a dump of its own, from where its first row was held back up
//! to where the task stands. The resume point of its records says both places, so that one that was
//! killed half-way goes on where it was. Nothing here knows why a table was held.

mod place;
mod sink;

use std::time::Instant;

use capture::{ErrorKind, QuarantinedTable, Sink, SourceError, Start, Stop, TableDecision};
use change::{Position, Resume, UnixTime};

use super::error::Failure;
use super::outcome::LookAhead;
use super::position::BinlogPosition;
use super::start::Forward;
use super::tables::Tables;
use super::translator::Translator;
use super::{Dump, MySqlSource, SILENCE_MAX, checksum, closed, source_info};
use crate::connection::{Chunk, FillOutcome, explain};
use crate::ddl::{Context, Dialect};
use place::HeldPlace;
use sink::CatchUpSink;

/// How a catch-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All that was held back is delivered.
    CaughtUp,
    /// The table is held back again, further on.
    HeldAgain,
    /// The task is being stopped.
    Stopped,
}

/// Bytes asked of the socket at once.
const CHUNK_BYTES: usize = 1 << 20;

impl MySqlSource {
    /// Does what was decided about held tables. Answers where the main dump starts.
    pub(super) fn act_on_decisions(
        &self,
        start: &Start,
        sink: &mut dyn Sink,
        stop: &Stop,
    ) -> Result<Start, SourceError> {
        let (come_to, start) = without_word(start)?;
        let held = self.options.capture.quarantine.tables().map_err(|e| self.failed(e.into()))?;
        let decided = held.into_iter().filter(|table| table.decision != TableDecision::Pending);
        let mut decided: Vec<_> = decided.collect();
        if decided.is_empty() {
            return Ok(start);
        }
        go_on_first(come_to.as_ref(), &mut decided);
        let Dump { facts, plan, stream, .. } = self.connect(&start, stop)?;
        drop(stream);
        let main = plan.position;
        sink.connected(&source_info(&facts), &main).map_err(|error| closed(&error))?;
        // After a failover, rows that were delivered of an open transaction are counted over all tracked
        // tables, and until it is over no table must join them. And definitions go by places in files.
        if !main.within.counts_rows_only() && !main.file.is_empty() {
            for table in decided {
                if stop.is_raised() {
                    break;
                }
                self.act_on(&table, come_to.as_ref(), &main, sink, stop)?;
            }
        } else if let Some(table) = decided.first()
            && let (TableDecision::Retry(_), Some(at)) =
                (&table.decision, come_to_of(table, come_to.as_ref()))
        {
            // The main dump's resume points will not tell of it.
            self.leave_off(table, at)?;
        }
        Ok(Start::At(main.to_position()))
    }

    fn act_on(
        &self,
        table: &QuarantinedTable,
        come_to: Option<&HeldPlace>,
        main: &BinlogPosition,
        sink: &mut dyn Sink,
        stop: &Stop,
    ) -> Result<(), SourceError> {
        let QuarantinedTable { database, table: name, .. } = table;
        let quarantine = self.options.capture.quarantine.as_ref();
        match &table.decision {
            TableDecision::Pending => return Ok(()),
            TableDecision::Skip => {
                tracing::warn!(database, table = name, "leaving out what was held back");
                self.define_as_now(table, main, stop)?;
            }
            TableDecision::Retry(definition) => {
                tracing::info!(database, table = name, "delivering what was held back");
                match self.catch_up(table, definition.as_deref(), come_to, main, sink, stop) {
                    Ok(Outcome::CaughtUp) => {}
                    Ok(Outcome::HeldAgain | Outcome::Stopped) => return Ok(()),
                    Err(error) if is_about_table(&error) => {
                        return self.hold_on(table, come_to_of(table, come_to), &error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        quarantine.release(database, name).map_err(|e| self.failed(e.into()))
    }

    /// What was held back cannot be read any more: says so, and leaves the table held from where it had
    /// come to.
    fn hold_on(
        &self,
        table: &QuarantinedTable,
        come_to: Option<Position>,
        error: &SourceError,
    ) -> Result<(), SourceError> {
        let QuarantinedTable { database, table: name, .. } = table;
        let from = come_to.unwrap_or_else(|| table.from.clone());
        let message = format!(
            "the rows of {database}.{name} that were held back from {from} on cannot be delivered: {error}. \
             Choose: {}",
            choices(database, name)
        );
        tracing::error!(database, table = name, code = error.code, "held rows cannot be read");
        self.hold(QuarantinedTable { from, code: error.code.into(), message, ..table.clone() })
    }

    /// The reader was led to another server while the table caught up: it is held from there on.
    fn leave_off(&self, table: &QuarantinedTable, from: Position) -> Result<(), SourceError> {
        let QuarantinedTable { database, table: name, .. } = table;
        let message = format!(
            "rows of {database}.{name} were being delivered that had been held back, when the task came to \
             another server; those from {from} on are held back. Choose: {}",
            choices(database, name)
        );
        self.hold(QuarantinedTable { from, message, ..table.clone() })
    }

    /// Holds a table until it is decided again.
    fn hold(&self, held: QuarantinedTable) -> Result<(), SourceError> {
        let held = QuarantinedTable { decision: TableDecision::Pending, ..held };
        self.options.capture.quarantine.hold(&held).map_err(|e| self.failed(e.into()))
    }

    fn catch_up(
        &self,
        table: &QuarantinedTable,
        definition: Option<&str>,
        come_to: Option<&HeldPlace>,
        main: &BinlogPosition,
        sink: &mut dyn Sink,
        stop: &Stop,
    ) -> Result<Outcome, SourceError> {
        let QuarantinedTable { database, table: name, from, .. } = table;
        let before = come_to_of(table, come_to);
        let start = Start::At(before.clone().unwrap_or_else(|| from.clone()));
        let Dump { mut stream, facts, plan, .. } = self.connect(&start, stop)?;
        let mut definitions = self.definitions(stop);
        let only = (database.clone(), name.clone());
        let setting = self.tables_setting(&start, &plan.position, Some(only.clone()));
        let mut tables = Tables::new(setting, &mut definitions, &plan.position)
            .map_err(|failure| self.failed(failure))?;
        if before.is_none() {
            let context = Context {
                lower_case_table_names: facts.lower_case_table_names.unwrap_or_default(),
                utf8_is_utf8mb4: facts.utf8_is_utf8mb4,
                ..Context::new(Dialect::of(&facts.version), database)
            };
            let statement = definition.map(|text| (text, &context));
            tables
                .define(&only, statement, &plan.position)
                .map_err(|failure| self.failed(failure))?;
        }
        let mut second = self.second_dump(stop);
        let mut translator = Translator::new(plan.position, tables, checksum(&facts));
        translator.set_prepared_log(&mut second);
        translator.set_server(self.server(&facts));
        translator.set_skips(self.skips()?);
        translator.set_limit(main.clone());
        let mut forward = plan.forward_to.map(|to| Forward::new(to, checksum(&facts)));
        if let Some(end) = &facts.log_end {
            translator.set_log_end(&end.file, end.position);
        }
        let resume = main.to_position();
        let mut sink = CatchUpSink { sink, main: &resume, database, table: name };
        let mut chunk = Chunk::with_capacity(CHUNK_BYTES);
        let mut heard_at = Instant::now();
        let mut ahead = LookAhead::default();
        while !translator.has_reached_limit() {
            if stop.is_raised() {
                return Ok(Outcome::Stopped);
            }
            match stream.fill(&mut chunk, CHUNK_BYTES) {
                Ok(FillOutcome::Events | FillOutcome::Partial) => heard_at = Instant::now(),
                Ok(FillOutcome::Silence) if heard_at.elapsed() < SILENCE_MAX => {}
                Ok(FillOutcome::Silence | FillOutcome::End) => {
                    return Err(SourceError::new(
                        ErrorKind::Unreachable,
                        "connection_silent",
                        format!(
                            "the dump of {database}.{name} ended at {}",
                            translator.shown_place()
                        ),
                    ));
                }
                Err(error) => {
                    let at = translator.shown_place();
                    return Err(explain(error, &self.options.endpoint, Some(&at)));
                }
            }
            let mut is_held = false;
            ahead.each(&chunk, |event, is_undone| {
                if is_held || translator.has_reached_limit() {
                    return Ok(());
                }
                let shown = Forward::pass(&mut forward, event).map_err(|error| {
                    let at = translator.shown_event();
                    Failure::from(error).into_source_error(&at, &self.options.endpoint)
                })?;
                let Some(event) = shown else { return Ok(()) };
                self.handle(event, &mut translator, &mut sink)?;
                if is_undone {
                    translator.undo_group();
                }
                is_held = translator.holds(database, name);
                Ok(())
            })?;
            if is_held {
                return Ok(Outcome::HeldAgain);
            }
            translator
                .rest(UnixTime::default(), &mut sink)
                .map_err(|error| self.failed(error.into()))?;
        }
        translator.settle(&mut sink).map_err(|error| self.failed(error.into()))?;
        Ok(Outcome::CaughtUp)
    }

    /// From here on the table is defined as the server has it now, unless a row shows otherwise.
    fn define_as_now(
        &self,
        table: &QuarantinedTable,
        at: &BinlogPosition,
        stop: &Stop,
    ) -> Result<(), SourceError> {
        let name = (table.database.clone(), table.table.clone());
        let mut definitions = self.definitions(stop);
        let setting = self.tables_setting(&Start::Now, at, Some(name.clone()));
        let defined = Tables::new(setting, &mut definitions, at)
            .and_then(|mut tables| tables.define(&name, None, at));
        match defined {
            // It is gone, cannot be read, or will be changed; that shows when a row comes.
            Err(
                Failure::UnknownTable(..)
                | Failure::SchemaAhead { .. }
                | Failure::Connection(crate::Error::Unsupported(_)),
            ) => Ok(()),
            Err(Failure::LookAhead(error)) if is_about_table(&error) => Ok(()),
            defined => defined.map_err(|failure| self.failed(failure)),
        }
    }

    fn failed(&self, failure: Failure) -> SourceError {
        failure.into_source_error("the start", &self.options.endpoint)
    }
}

/// Takes off a resume point what it says about a table that was catching up.
fn without_word(start: &Start) -> Result<(Option<HeldPlace>, Start), SourceError> {
    let Start::At(position) = start else { return Ok((None, start.clone())) };
    let bad = || {
        let message = format!("{position} is no binlog position: its first word is malformed");
        SourceError::new(ErrorKind::Unsupported, "bad_position", message)
    };
    let (held, rest) = place::split(position.as_str()).ok_or_else(bad)?;
    let rest = Position::parse(rest.as_bytes()).map_err(|_| bad())?;
    Ok((held, Start::At(rest)))
}

/// Whether an error says only that what was held back cannot be delivered.
fn is_about_table(error: &SourceError) -> bool {
    error.kind == ErrorKind::PositionLost
        || matches!(
            error.code,
            "binlog_hidden"
                | "definition_unusable"
                | "schema_ambiguous"
                | "schema_unknown"
                | "type_unsupported"
        )
}

/// The table that was catching up goes on before another one begins: resume points tell of one alone.
fn go_on_first(come_to: Option<&HeldPlace>, tables: &mut [QuarantinedTable]) {
    tables.sort_by_key(|table| !come_to.is_some_and(|place| place.is_of(table)));
}

/// Where a table has come to that was catching up.
fn come_to_of(table: &QuarantinedTable, come_to: Option<&HeldPlace>) -> Option<Position> {
    let place = come_to.filter(|place| place.is_of(table))?;
    let at = Position::parse(place.at.as_bytes()).ok()?;
    is_behind(&at, &table.from).then_some(at)
}

/// Whether a catch-up that came to `at` began at `from` and came further, as far as the texts tell. One
/// that came to `from` and no further is the one before: the table is held again from there.
fn is_behind(at: &Position, from: &Position) -> bool {
    let parse = |position: &Position| BinlogPosition::parse(position.as_str()).ok();
    let (Some(at), Some(from)) = (parse(at), parse(from)) else { return false };
    let key = |position: &BinlogPosition| {
        // How many rows were delivered before is told of one of the two only.
        (position.sort_key(), position.within.rows_event, position.within.row)
    };
    at.server == from.server && key(&at) > key(&from)
}

fn choices(database: &str, table: &str) -> String {
    format!(
        "wellhead task table TASK {database}.{table} retry --definition FILE, where FILE holds the CREATE \
         TABLE as it was there; or wellhead task table TASK {database}.{table} skip, which leaves them out"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        Position::parse(text.as_bytes()).unwrap()
    }

    fn held(table: &str, from: &str) -> QuarantinedTable {
        QuarantinedTable {
            database: "shop".into(),
            table: table.into(),
            from: at(from),
            code: "schema_unknown".into(),
            message: String::new(),
            decision: TableDecision::Retry(None),
        }
    }

    fn place(table: &str, at: &str) -> HeldPlace {
        HeldPlace { database: "shop".into(), table: table.into(), at: at.into() }
    }

    #[test]
    fn d02_the_table_that_was_catching_up_goes_on_before_another_one_begins() {
        let mut tables = ["a", "b", "c"].map(|table| held(table, "file=bin.1 offset=4"));
        go_on_first(Some(&place("b", "file=bin.1 offset=9")), &mut tables);
        assert_eq!(tables.each_ref().map(|table| table.table.as_str()), ["b", "a", "c"]);
    }

    #[test]
    fn d02_a_table_goes_on_where_it_was_unless_it_was_held_again_there() {
        let come_to = |from, come_to| come_to_of(&held("a", from), Some(&place("a", come_to)));
        let from = "file=bin.1 offset=4 server=s";
        let further = "file=bin.1 offset=9 server=s";
        assert_eq!(come_to(from, further), Some(at(further)));
        assert_eq!(come_to(further, from), None);
        assert_eq!(come_to(from, "file=bin.1 offset=9 server=other"), None);
        assert_eq!(come_to_of(&held("b", from), Some(&place("a", further))), None);
        let again = "file=bin.1 offset=4 rows_event=2 row=0 rows=0 begun=0 server=s";
        let told = "file=bin.1 offset=4 rows_event=2 row=0 rows=7 begun=1 server=s";
        assert_eq!(come_to(again, told), None, "a definition given for that place is to be used");
    }
}
