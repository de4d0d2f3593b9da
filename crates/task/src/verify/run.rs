//! A verification from its beginning to its end.
//!
//! The log is read twice for each class of rows: first to know the newest record of each row and to
//! check that its records follow from each other, then to compare each newest record with the source,
//! in the order of the log. At last the source's keys are gone through for rows that the log never
//! showed. Records that are added meanwhile are read as they come.

use std::time::{Duration, Instant};

use capture::{InspectError, Inspector, KeyMark, Selection};
use change::{Position, Value};
use record::{Operation, View};

use super::book::Book;
use super::ledger::{Class, KeyHash, Ledger};
use super::operation::{Running, Stopped};
use super::report::{Difference, DifferenceKind, DifferingColumn, Phase, Report, Request};
use super::settle::{Candidate, Window};
use super::table::{Side, sides};
use super::walk::{Faults, Walk};

/// How far a log is with its source.
pub(super) trait Following: std::fmt::Debug {
    /// Up to where the log durably holds what the source wrote.
    fn position(&self) -> Option<Position>;

    /// Fails if the log does not follow its source any more.
    fn check(&self) -> Result<(), Stopped>;
}

/// What is verified.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) reader: log::Reader,
    pub(super) following: Box<dyn Following + Send>,
    pub(super) inspector: Box<dyn Inspector>,
    /// What is tracked, and the part of it that was asked for.
    pub(super) tracked: Selection,
    pub(super) narrowed: Option<Selection>,
    /// Whether the log has statements too.
    pub(super) has_statements: bool,
}

/// What a verification works with.
#[derive(Debug)]
pub(super) struct Run<'r> {
    pub(super) following: Box<dyn Following + Send>,
    pub(super) reader: log::Reader,
    pub(super) inspector: Box<dyn Inspector>,
    pub(super) running: &'r Running,
    pub(super) request: Request,
    pub(super) book: Book,
    /// What is verified, as offsets.
    pub(super) from: i64,
    pub(super) until: i64,
    /// Up to where what was added behind `until` was read.
    pub(super) tail: i64,
    faults: Faults,
    has_statements: bool,
}

/// Rows asked for at once.
const ROWS_MAX: usize = 500;
/// Bytes of records that wait to be compared, of one table and of all.
const TABLE_BYTES_MAX: usize = 4 << 20;
const ALL_BYTES_MAX: usize = 16 << 20;
/// Keys asked for at once.
const PAGE: usize = 2_000;
/// The longest pause behind a question to the source; it is paused as long as it was busy.
const PACE_MAX: Duration = Duration::from_millis(500);
/// How long the log may stand still before it is said not to catch up with its source.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
/// How often the log's position is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Verifies a log; `ledger` bounds what is remembered.
pub(super) fn run(
    subject: Subject,
    request: Request,
    ledger: Ledger,
    running: &Running,
) -> Result<Report, Stopped> {
    let began = Instant::now();
    let Subject { reader, following, mut inspector, tracked, narrowed, has_statements } = subject;
    let definitions = inspector.tables(&tracked)?;
    let (from, until) = (reader.log_start_offset().0, reader.high_watermark().0);
    let book = Book::new(definitions, tracked, narrowed, &request, ledger);
    let mut run = Run {
        following,
        reader,
        inspector,
        running,
        request,
        book,
        from,
        until,
        tail: until,
        faults: Faults::default(),
        has_statements,
    };
    let mut passes = 0;
    let mut class = Some(Class::ALL);
    while let Some(now) = class {
        passes += 1;
        run.read_log(now)?;
        run.name_columns()?;
        run.compare()?;
        run.scan()?;
        class = run.book.ledger.next_class();
    }
    Ok(run.report(passes, began))
}

impl Run<'_> {
    /// Reads the part that is verified, and checks it in itself.
    fn read_log(&mut self, class: Class) -> Result<(), Stopped> {
        self.running.tell(|progress| progress.phase = Phase::ReadingLog);
        self.book.begin(class);
        self.tail = self.until;
        let Self { reader, running, inspector, book, faults, .. } = self;
        // A damaged record is told once.
        let mut known = Faults::default();
        let faults = if class == Class::ALL { faults } else { &mut known };
        Walk::new(reader, &running.cancel).each(self.from, self.until, faults, |offset, _, view| {
            book.first(offset, view, |database, statement| inspector.effects(database, statement));
            running.tell(|progress| {
                progress.records_read += 1;
                progress.differences = book.difference_count;
            });
            Ok(())
        })
    }

    /// Names the columns of records that do not follow from the ones before.
    fn name_columns(&mut self) -> Result<(), Stopped> {
        let unnamed: Vec<_> = self.book.unnamed().collect();
        let mut walk = Walk::new(&self.reader, &self.running.cancel);
        for (index, then, now) in unnamed {
            // Two at a time: many differences may be listed, and rows may be large.
            let records = walk.fetch([then, now])?;
            let view = |offset| records.get(&offset).and_then(|bytes| View::parse(bytes).ok());
            let (Some(then), Some(now)) = (view(then), view(now)) else { continue };
            let Some((table, _)) = self.book.place(&now) else { continue };
            let Some(table) = self.book.tables.get(table) else { continue };
            let columns = table.broken_columns(&then, &now, self.request.values);
            if let Some(difference) = self.book.differences.get_mut(index) {
                difference.columns = columns;
            }
        }
        Ok(())
    }

    /// Reads the same part again, and compares each row's newest record with the source.
    fn compare(&mut self) -> Result<(), Stopped> {
        self.running.tell(|progress| progress.phase = Phase::Comparing);
        let reader = self.reader.clone();
        let running = self.running;
        let mut waiting: Vec<Vec<Candidate>> = Vec::new();
        let mut bytes: Vec<usize> = Vec::new();
        let mut known = Faults::default();
        Walk::new(&reader, &running.cancel).each(
            self.from,
            self.until,
            &mut known,
            |offset, record, view| {
                running.tell(|progress| progress.records_read += 1);
                let Some((index, found)) = self.newest(offset, record, view) else {
                    return Ok(());
                };
                waiting.resize_with(waiting.len().max(index + 1), Vec::new);
                bytes.resize(waiting.len(), 0);
                let (Some(of_table), Some(size)) = (waiting.get_mut(index), bytes.get_mut(index))
                else {
                    return Ok(());
                };
                *size += found.iter().map(|candidate| candidate.bytes.len()).sum::<usize>();
                of_table.extend(found);
                let full = of_table.len() >= ROWS_MAX || *size >= TABLE_BYTES_MAX;
                if full {
                    *size = 0;
                    let of_table = std::mem::take(of_table);
                    self.settle(index, of_table)?;
                }
                if bytes.iter().sum::<usize>() >= ALL_BYTES_MAX {
                    for (index, of_table) in waiting.iter_mut().enumerate() {
                        self.settle(index, std::mem::take(of_table))?;
                    }
                    bytes.fill(0);
                }
                Ok(())
            },
        )?;
        for (index, of_table) in waiting.into_iter().enumerate() {
            self.settle(index, of_table)?;
        }
        Ok(())
    }

    /// The rows whose newest record this is.
    fn newest(
        &mut self,
        offset: i64,
        record: &[u8],
        view: &View<'_>,
    ) -> Option<(usize, Vec<Candidate>)> {
        if view.operation == Operation::Ddl || sides(view.operation).is_none() {
            return None;
        }
        let (index, places) = self.book.place(view)?;
        let touched = self.book.touched(index, &places, view);
        let is_newest = |row: &KeyHash| {
            self.book.ledger.entry(*row).is_some_and(|entry| entry.offset == offset)
        };
        let after = touched.after.filter(is_newest);
        let before = touched.before.filter(|row| touched.after != Some(*row)).filter(is_newest);
        let candidate =
            |row, side| Candidate { row, offset, side, bytes: record.to_vec(), changed: false };
        let after = after.map(|row| candidate(row, Side::After));
        let before = before.map(|row| candidate(row, Side::Before));
        let found: Vec<_> = after.into_iter().chain(before).collect();
        (!found.is_empty()).then_some((index, found))
    }

    /// Goes through the source's keys for rows that the log never showed.
    fn scan(&mut self) -> Result<(), Stopped> {
        self.running.tell(|progress| progress.phase = Phase::ScanningSource);
        for index in 0..self.book.tables.len() {
            let began = Instant::now();
            self.scan_table(index)?;
            if let Some(table) = self.book.tables.get_mut(index) {
                table.report.seconds += began.elapsed().as_secs_f64();
            }
        }
        Ok(())
    }

    fn scan_table(&mut self, index: usize) -> Result<(), Stopped> {
        let mut after: Option<KeyMark> = None;
        loop {
            self.running.cancel.check()?;
            let Some(table) = self.book.tables.get(index) else { return Ok(()) };
            if table.definition.key.is_err() {
                return Ok(());
            }
            let definition = table.definition.clone();
            let began = Instant::now();
            let mut unseen: Vec<UnseenRow> = Vec::new();
            let book = &mut self.book;
            let page =
                self.inspector.keys(&definition, after.as_ref(), PAGE, &mut |key: &[Value<
                    '_,
                >]| {
                    let Some(row) = book.hash(index, key) else { return };
                    if book.ledger.keeps(row) && book.ledger.entry(row).is_none() {
                        let table = book.tables.get(index);
                        let shown = table.map(|table| table.shown_key(key)).unwrap_or_default();
                        unseen.push(UnseenRow { row, shown });
                    }
                });
            after = match page {
                Ok(next) => next,
                // It was redefined or dropped under us; a later verification finds what is wrong.
                Err(InspectError::Redefined) => return Ok(()),
                Err(InspectError::Failed(error)) => return Err(error.into()),
            };
            self.pace(began)?;
            if !unseen.is_empty() {
                self.judge_unseen(index, unseen)?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Rows that the log does not show although everything up to now was read are either older than the
    /// log, or missing in it.
    fn judge_unseen(&mut self, index: usize, unseen: Vec<UnseenRow>) -> Result<(), Stopped> {
        let epoch = |run: &Self| run.book.tables.get(index).map(|table| table.epoch);
        let then = epoch(self);
        let covered = self.book.tables.get(index).is_some_and(|table| table.covered);
        if covered {
            self.wait_for_source()?;
        }
        self.read_tail(None)?;
        if epoch(self) != then {
            return Ok(());
        }
        for UnseenRow { row, shown } in unseen {
            if self.book.ledger.entry(row).is_some() {
                continue;
            }
            let Some(table) = self.book.tables.get_mut(index) else { return Ok(()) };
            if !covered || table.without_key > 0 {
                table.report.not_in_log += 1;
                continue;
            }
            table.report.rows += 1;
            table.report.different += 1;
            let difference = Difference {
                database: table.report.database.clone(),
                table: table.report.table.clone(),
                kind: DifferenceKind::MissingInLog,
                key: shown,
                columns: Vec::<DifferingColumn>::new(),
                offset: None,
                previous_offset: None,
            };
            self.book.differs(difference);
            let count = self.book.difference_count;
            self.running.tell(|progress| progress.differences = count);
        }
        Ok(())
    }

    /// Reads what was added to the log; `window` looks at the records of some rows.
    pub(super) fn read_tail(&mut self, mut window: Option<&mut Window>) -> Result<(), Stopped> {
        let end = self.reader.high_watermark().0;
        let Self { reader, running, inspector, book, faults, .. } = self;
        Walk::new(reader, &running.cancel).each(self.tail, end, faults, |offset, _, view| {
            let later = book
                .later(offset, view, |database, statement| inspector.effects(database, statement));
            if let (Some(window), Some((index, places, touched))) = (window.as_deref_mut(), later) {
                window.see(book, index, &places, touched, view);
            }
            Ok(())
        })?;
        self.tail = end;
        Ok(())
    }

    /// Waits until the log holds everything that the source has shown by now.
    pub(super) fn wait_for_source(&mut self) -> Result<(), Stopped> {
        let mark = self.inspector.watermark()?;
        let mut last = None;
        let mut since = Instant::now();
        loop {
            let position = self.following.position();
            if position.as_ref().is_some_and(|read| self.inspector.has_reached(read, &mark)) {
                return Ok(());
            }
            self.following.check()?;
            if position != last {
                last = position;
                since = Instant::now();
            }
            if since.elapsed() >= STANDSTILL_MAX {
                return Err(Stopped::because(
                    "log_behind",
                    "the log stands still and does not hold what the source shows; look at the task with: wellhead task list".into(),
                ));
            }
            self.running.cancel.pause(LOOK)?;
        }
    }

    /// Leaves the source alone for as long as it was busy with us.
    pub(super) fn pace(&self, began: Instant) -> Result<(), Stopped> {
        self.running.cancel.pause(began.elapsed().min(PACE_MAX))
    }

    fn report(self, passes: u32, began: Instant) -> Report {
        let mut remarks = Vec::new();
        if !self.has_statements {
            remarks.push(
                "the task keeps no statements (ops = dml): what TRUNCATE, DROP and ALTER did looks like a difference"
                    .to_owned(),
            );
        }
        let removed = self.reader.log_start_offset().0;
        if removed > self.from {
            remarks.push(format!(
                "records before offset {removed} were removed meanwhile by age or size"
            ));
        }
        let (differences, difference_count) =
            (self.book.differences.clone(), self.book.difference_count);
        let mut tables: Vec<_> = self.book.into_tables().map(|table| table.report).collect();
        tables.sort_by(|a, b| (&a.database, &a.table).cmp(&(&b.database, &b.table)));
        Report {
            first_offset: self.from,
            end_offset: self.until,
            records: self.until.saturating_sub(self.from).unsigned_abs(),
            passes,
            sample: self.request.sample,
            seconds: began.elapsed().as_secs_f64(),
            tables,
            differences,
            difference_count,
            log_faults: self.faults.told,
            remarks,
        }
    }
}

/// A row of the source that the log did not show so far.
struct UnseenRow {
    row: KeyHash,
    shown: Vec<(String, String)>,
}
