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
        let decided: Vec<_> = decided.collect();
        if decided.is_empty() {
            return Ok(start);
        }
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
                        return self.hold_on(table, &error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        quarantine.release(database, name).map_err(|e| self.failed(e.into()))
    }

    /// What was held back cannot be read any more: says so, and leaves the table held.
    fn hold_on(&self, table: &QuarantinedTable, error: &SourceError) -> Result<(), SourceError> {
        let QuarantinedTable { database, table: name, from, .. } = table;
        let message = format!(
            "the rows of {database}.{name} that were held back from {from} on cannot be delivered: {error}. \
             Choose: wellhead task table TASK {database}.{name} retry --definition FILE, where FILE holds \
             the CREATE TABLE as it was there; or wellhead task table TASK {database}.{name} skip, which \
             leaves them out"
        );
        tracing::error!(database, table = name, code = error.code, "held rows cannot be read");
        let held = QuarantinedTable {
            code: error.code.into(),
            message,
            decision: TableDecision::Pending,
            ..table.clone()
        };
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
        let before = come_to
            .filter(|place| place.database == *database && place.table == *name)
            .and_then(|place| Position::parse(place.at.as_bytes()).ok())
            .filter(|at| is_behind(at, from));
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
            // It is gone, or cannot be read; that shows when a row comes.
            Err(Failure::UnknownTable(..) | Failure::Connection(crate::Error::Unsupported(_))) => {
                Ok(())
            }
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
        || matches!(error.code, "definition_unusable" | "schema_unknown" | "type_unsupported")
}

/// Whether a catch-up that came to `at` began at `from` and came further, as far as the texts tell. One
/// that came to `from` and no further is the one before: the table is held again from there.
fn is_behind(at: &Position, from: &Position) -> bool {
    let parse = |position: &Position| BinlogPosition::parse(position.as_str()).ok();
    let (Some(at), Some(from)) = (parse(at), parse(from)) else { return false };
    at.server == from.server && (at.sort_key(), at.within) > (from.sort_key(), from.within)
}
