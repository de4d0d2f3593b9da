//! Rows of one table, compared with the source until nothing is open.
//!
//! A statement of the source sees one moment, which lies between two points of the log: the end of the
//! log before the statement, and the point the log has when it holds everything that the source had
//! written when the statement was done. So a row that was found must be what the log said before, or
//! what one of the records between the two points says. The second point is only waited for if a row is
//! not what the log said before. A change stands in the source's log a moment before it can be seen;
//! therefore what differs is asked for again before it is called different.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use capture::InspectError;
use change::Value;
use record::View;

use super::book::{Book, Touched};
use super::compare::{shown, write_form};
use super::ledger::KeyHash;
use super::operation::Stopped;
use super::report::{Difference, DifferenceKind, DifferingColumn};
use super::run::Run;
use super::table::{Places, Side};
use super::walk::Walk;

/// A row, and what the log says of it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) row: KeyHash,
    /// Its newest record.
    pub(super) offset: i64,
    /// Whether that leaves the row there, or takes it away.
    pub(super) side: Side,
    pub(super) bytes: Vec<u8>,
    /// Whether it changed since the verification began.
    pub(super) changed: bool,
}

/// Rows that were not found as the log said, while the log is read on.
#[derive(Debug)]
pub(super) struct Window {
    table: usize,
    misses: HashMap<KeyHash, Miss>,
}

/// A row that was not found as the log said.
#[derive(Debug)]
struct Miss {
    candidate: Candidate,
    /// What was found; `None` if there is no such row.
    found: Option<FoundRow>,
    /// Indexes of the columns that differ.
    differing: Vec<usize>,
    /// Whether a record of the window says what was found.
    explained: bool,
}

/// A row of the source, as far as it is needed later.
#[derive(Debug)]
struct FoundRow {
    /// A digest for each column.
    digests: Vec<u64>,
    /// The values of the columns that differ, if values were asked for.
    shown: Vec<String>,
}

/// How often a row that differs is asked for.
const TRIES: usize = 4;
/// Pause before it is asked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

impl Run<'_> {
    /// Compares these rows of a table with the source.
    pub(super) fn settle(
        &mut self,
        index: usize,
        candidates: Vec<Candidate>,
    ) -> Result<(), Stopped> {
        let began = Instant::now();
        let mut open = candidates;
        let mut misses = Vec::new();
        for attempt in 1..=TRIES {
            if open.is_empty() {
                break;
            }
            self.read_tail(None)?;
            self.refresh(index, &mut open)?;
            let asked = Instant::now();
            let outcome = self.ask(index, std::mem::take(&mut open));
            self.pace(asked)?;
            match outcome {
                Ok(found) => misses = found,
                Err((InspectError::Redefined, left)) => {
                    open = left;
                    self.redefine(index, attempt, &mut open)?;
                    continue;
                }
                Err((InspectError::Failed(error), _)) => return Err(error.into()),
            }
            if misses.is_empty() {
                break;
            }
            self.wait_for_source()?;
            misses = self.look_through_window(index, std::mem::take(&mut misses))?;
            if attempt < TRIES && !misses.is_empty() {
                open = misses.drain(..).map(|miss| miss.candidate).collect();
                self.running.cancel.pause(RETRY_PAUSE)?;
            }
        }
        for miss in misses {
            self.report_miss(index, miss);
        }
        if let Some(table) = self.book.tables.get_mut(index) {
            table.report.seconds += began.elapsed().as_secs_f64();
        }
        let count = self.book.difference_count;
        self.running.tell(|progress| progress.differences = count);
        Ok(())
    }

    /// Takes newer records of rows that changed meanwhile, and leaves out rows whose table was emptied
    /// or replaced.
    fn refresh(&mut self, index: usize, open: &mut Vec<Candidate>) -> Result<(), Stopped> {
        let Some(table) = self.book.tables.get(index) else { return Ok(()) };
        let epoch = table.epoch;
        open.retain(|candidate| candidate.offset > epoch);
        let newer = |candidate: &Candidate| {
            let entry = self.book.ledger.entry(candidate.row);
            entry.map(|entry| entry.tail).filter(|tail| *tail > candidate.offset)
        };
        let offsets: Vec<i64> = open.iter().filter_map(newer).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        let records = Walk::new(&self.reader, &self.running.cancel).fetch(offsets)?;
        for candidate in open.iter_mut() {
            let entry = self.book.ledger.entry(candidate.row).copied();
            let Some(entry) = entry.filter(|entry| entry.tail > candidate.offset) else { continue };
            // One that cannot be read any more was removed by age or size.
            candidate.offset = entry.tail;
            candidate.bytes = records.get(&entry.tail).cloned().unwrap_or_default();
            let Ok(view) = View::parse(&candidate.bytes) else { continue };
            let Some((found, places)) = self.book.place(&view) else { continue };
            let touched = self.book.touched(found, &places, &view);
            let stays = touched.after == Some(candidate.row);
            candidate.side = if stays { Side::After } else { Side::Before };
            candidate.changed = true;
        }
        Ok(())
    }

    /// Asks the source for the rows; answers those that are not as the log says.
    fn ask(
        &mut self,
        index: usize,
        open: Vec<Candidate>,
    ) -> Result<Vec<Miss>, (InspectError, Vec<Candidate>)> {
        let Some(definition) = self.book.tables.get(index).map(|table| table.definition.clone())
        else {
            return Ok(Vec::new());
        };
        let key_columns = definition.key.clone().unwrap_or_default();
        let with_values = self.request.values;
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(open.len());
        let mut keys = Vec::with_capacity(open.len());
        let mut by_row: HashMap<KeyHash, usize> = HashMap::with_capacity(open.len());
        for candidate in &open {
            let Ok(view) = View::parse(&candidate.bytes) else { continue };
            let Some((_, places)) = self.book.place(&view) else { continue };
            let key = self.book.tables.get(index);
            let key = key.and_then(|table| table.key(&places, &view, candidate.side));
            let Some(key) = key else { continue };
            by_row.insert(candidate.row, rows.len());
            rows.push(Row { candidate, view, places, found: None });
            keys.push(key);
        }
        let Self { inspector, book, .. } = self;
        let answer = inspector.rows(&definition, &keys, &mut |values| {
            let key: Vec<Value<'_>> =
                key_columns.iter().filter_map(|column| values.get(*column).copied()).collect();
            let place = book.hash(index, &key).and_then(|row| by_row.get(&row));
            if let Some(row) = place.and_then(|place| rows.get_mut(*place)) {
                row.take(book, index, values, with_values);
            }
        });
        drop(keys);
        if let Err(error) = answer {
            drop(rows);
            return Err((error, open));
        }
        let mut misses = Vec::new();
        let mut compared = 0;
        for row in rows {
            let equal = match (&row.found, row.candidate.side) {
                (None, Side::After) | (Some(_), Side::Before) => false,
                (None, Side::Before) => true,
                (Some(found), Side::After) => found.differing.is_empty(),
            };
            if equal {
                compared += 1;
                if let Some(table) = self.book.tables.get_mut(index) {
                    let report = &mut table.report;
                    report.rows += 1;
                    report.equal += 1;
                    report.changed_meanwhile += u64::from(row.candidate.changed);
                    report.values_left_out += row.found.map_or(0, |found| found.left_out);
                }
            } else {
                let (found, differing) = match row.found {
                    Some(found) => (Some(found.row), found.differing),
                    None => (None, Vec::new()),
                };
                let candidate = row.candidate.clone();
                misses.push(Miss { candidate, found, differing, explained: false });
            }
        }
        self.running.tell(|progress| progress.rows_compared += compared);
        Ok(misses)
    }

    /// Reads the log up to now, and lets go of rows that were found as one of the new records says.
    fn look_through_window(
        &mut self,
        index: usize,
        misses: Vec<Miss>,
    ) -> Result<Vec<Miss>, Stopped> {
        let misses = misses.into_iter().map(|miss| (miss.candidate.row, miss)).collect();
        let mut window = Window { table: index, misses };
        self.read_tail(Some(&mut window))?;
        let mut left = Vec::new();
        for miss in window.misses.into_values() {
            if !miss.explained {
                left.push(miss);
            } else if let Some(table) = self.book.tables.get_mut(index) {
                table.report.rows += 1;
                table.report.equal += 1;
                table.report.changed_meanwhile += 1;
                self.running.tell(|progress| progress.rows_compared += 1);
            }
        }
        Ok(left)
    }

    /// The table was redefined under us: what the log says of that must be read, and its new definition.
    fn redefine(
        &mut self,
        index: usize,
        attempt: usize,
        open: &mut Vec<Candidate>,
    ) -> Result<(), Stopped> {
        let Some(table) = self.book.tables.get(index) else { return Ok(()) };
        let (database, name) = (table.report.database.clone(), table.report.table.clone());
        let key = table.key_names();
        self.wait_for_source()?;
        self.read_tail(None)?;
        let definition = self.inspector.table(&database, &name)?;
        let Some(table) = self.book.tables.get_mut(index) else { return Ok(()) };
        match definition {
            None => {
                table.report.skipped = Some("it was dropped while it was verified".into());
                open.clear();
            }
            Some(definition) => {
                table.redefine(definition);
                if table.key_names() != key {
                    table.report.skipped = Some("its key changed while it was verified".into());
                    open.clear();
                } else if attempt == TRIES {
                    return Err(Stopped::because(
                        "rows_unreadable",
                        format!("the rows of {database}.{name} are not as its definition says"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn report_miss(&mut self, index: usize, miss: Miss) {
        let Ok(view) = View::parse(&miss.candidate.bytes) else { return };
        let Some((_, places)) = self.book.place(&view) else { return };
        let Some(table) = self.book.tables.get_mut(index) else { return };
        self.running.tell(|progress| progress.rows_compared += 1);
        table.report.rows += 1;
        let kind = match (&miss.found, miss.candidate.side) {
            (None, _) => DifferenceKind::MissingInSource,
            (Some(_), Side::Before) => DifferenceKind::NotDeleted,
            (Some(_), Side::After) => DifferenceKind::Value,
        };
        let redefined = table.altered_at > miss.candidate.offset;
        if kind == DifferenceKind::Value && redefined {
            table.report.altered += 1;
            return;
        }
        table.report.different += 1;
        let key = table.key(&places, &view, miss.candidate.side).unwrap_or_default();
        let found = miss.found.map(|found| found.shown).unwrap_or_default();
        let columns = miss.differing.iter().enumerate().filter_map(|(place, column)| {
            let name = table.definition.schema.columns.get(*column)?.name.clone();
            let cell = super::table::cell(view.after.as_ref(), &places, *column);
            let logged = table.shown_cell(&name, &cell);
            let values = found.get(place).map(|found| (logged, found.clone()));
            Some(DifferingColumn { name, values })
        });
        let difference = Difference {
            database: table.report.database.clone(),
            table: table.report.table.clone(),
            kind,
            key: table.shown_key(&key),
            columns: columns.collect(),
            offset: Some(miss.candidate.offset),
            previous_offset: None,
        };
        self.book.differs(difference);
    }
}

/// A row while its table is asked.
struct Row<'c> {
    candidate: &'c Candidate,
    view: View<'c>,
    places: Places,
    found: Option<Found>,
}

/// What the source answered.
struct Found {
    row: FoundRow,
    differing: Vec<usize>,
    left_out: u64,
}

impl Row<'_> {
    /// Takes the row that the source has. Only of one that differs anything is kept.
    fn take(&mut self, book: &Book, index: usize, values: &[Value<'_>], with_values: bool) {
        let Some(table) = book.tables.get(index) else { return };
        let compared = table.compare(&self.places, &self.view, values);
        let as_logged = self.candidate.side == Side::After && compared.differing.is_empty();
        let mut row = FoundRow { digests: Vec::new(), shown: Vec::new() };
        if !as_logged {
            let mut form = Vec::new();
            row.digests.reserve(values.len());
            for value in values {
                form.clear();
                write_form(value, &mut form);
                row.digests.push(book.ledger.digest(&form));
            }
            if with_values {
                let differing = compared.differing.iter().filter_map(|column| values.get(*column));
                row.shown = differing.map(shown).collect();
            }
        }
        let (differing, left_out) = (compared.differing, compared.left_out);
        self.found = Some(Found { row, differing, left_out });
    }
}

impl Window {
    /// Looks whether a record says what was found.
    pub(super) fn see(
        &mut self,
        book: &Book,
        index: usize,
        places: &Places,
        touched: Touched,
        view: &View<'_>,
    ) {
        if index != self.table {
            return;
        }
        let Some(table) = book.tables.get(index) else { return };
        if let Some(row) = touched.before.filter(|row| touched.after != Some(*row))
            && let Some(miss) = self.misses.get_mut(&row)
        {
            miss.explained |= miss.found.is_none();
        }
        if let Some(row) = touched.after
            && let Some(miss) = self.misses.get_mut(&row)
            && let Some(found) = &miss.found
        {
            let digest = |form: &[u8]| book.ledger.digest(form);
            miss.explained |= table.has_digests(places, view, &found.digests, digest);
        }
    }
}
