//! What a log says about its tables: read record by record, first as a whole, then what is added to it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};

use capture::{InspectedTable, Selection, TableEffect};
use change::{TableSchema, Value};
use record::{Operation, View, ViewCell};

use super::chain::{self, Image, Past, Step};
use super::compare::write_form;
use super::ledger::{Class, Entry, KeyHash, Ledger};
use super::report::{Difference, DifferenceKind, Request};
use super::table::{Places, Side, Table, image, sides};

/// Everything that was read so far.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) tables: Vec<Table>,
    /// Tables by database and name.
    names: BTreeMap<(String, String), usize>,
    /// Tables by the object name of their records.
    objects: HashMap<String, Option<usize>>,
    pub(super) ledger: Ledger,
    pub(super) differences: Vec<Difference>,
    pub(super) difference_count: u64,
    /// Records of rows of the first pass are counted.
    counts_records: bool,
    selection: Selection,
    narrowed: Option<Selection>,
    sample: u32,
    listed: usize,
    form: Vec<u8>,
}

/// The rows that a record concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Touched {
    /// The row that was changed or deleted.
    pub(super) before: Option<KeyHash>,
    /// The row that was inserted, or is there after the change.
    pub(super) after: Option<KeyHash>,
}

/// Why a table of the log is not compared that the source does not have.
const NO_TABLE: &str = "the source has no such table";

impl Book {
    pub(super) fn new(
        definitions: Vec<InspectedTable>,
        selection: Selection,
        narrowed: Option<Selection>,
        request: &Request,
        ledger: Ledger,
    ) -> Self {
        let mut book = Self {
            tables: Vec::new(),
            names: BTreeMap::new(),
            objects: HashMap::new(),
            ledger,
            differences: Vec::new(),
            difference_count: 0,
            counts_records: true,
            selection,
            narrowed,
            sample: request.sample,
            listed: request.listed,
            form: Vec::new(),
        };
        for definition in definitions {
            let TableSchema { database, table, .. } = &definition.schema;
            if book.is_wanted(database, table) {
                book.add(definition);
            }
        }
        book
    }

    /// Forgets what was read, and reads on with the rows of one class.
    pub(super) fn begin(&mut self, class: Class) {
        self.counts_records = class == Class::ALL;
        self.ledger.begin(class);
        self.tables.iter_mut().for_each(Table::begin);
    }

    /// Takes the next record of the part that is verified.
    pub(super) fn first(
        &mut self,
        offset: i64,
        view: &View<'_>,
        effects: impl FnOnce(&str, &str) -> Vec<TableEffect>,
    ) {
        if self.statement(offset, view, effects) {
            return;
        }
        let Some((index, places)) = self.place(view) else { return };
        if self.counts_records
            && let Some(table) = self.tables.get_mut(index)
        {
            table.report.records += 1;
        }
        let Touched { before, after } = self.touched(index, &places, view);
        if let Some(row) = before {
            let found = self.image_of(view, Side::Before);
            self.step(index, row, Step::Follows(found), offset, view, &places);
            if after != Some(row) {
                self.leave(row, offset, None);
            }
        }
        if let Some(row) = after {
            if before != Some(row) {
                self.step(index, row, Step::Appears, offset, view, &places);
            }
            let left = self.image_of(view, Side::After);
            self.leave(row, offset, Some(left));
        }
    }

    /// Takes a record behind the part that is verified; answers the table and the rows it concerns.
    pub(super) fn later(
        &mut self,
        offset: i64,
        view: &View<'_>,
        effects: impl FnOnce(&str, &str) -> Vec<TableEffect>,
    ) -> Option<(usize, Places, Touched)> {
        if self.statement(offset, view, effects) {
            return None;
        }
        let (index, places) = self.place(view)?;
        let touched = self.touched(index, &places, view);
        if let Some(row) = touched.before.filter(|row| touched.after != Some(*row)) {
            self.ledger.set_tail(row, offset, false);
        }
        if let Some(row) = touched.after {
            self.ledger.set_tail(row, offset, true);
        }
        Some((index, places, touched))
    }

    /// The table of a row's record, and how its columns lie.
    pub(super) fn place(&mut self, view: &View<'_>) -> Option<(usize, Places)> {
        sides(view.operation)?;
        let index = match self.objects.get(view.object) {
            Some(known) => (*known)?,
            None => {
                let index = self.find(&view.object_path());
                self.objects.insert(view.object.to_owned(), index);
                index?
            }
        };
        let table = self.tables.get_mut(index)?;
        Some((index, table.places(view)))
    }

    /// The rows that a record concerns, as far as they are in the sample and their keys are shown.
    pub(super) fn touched(&mut self, index: usize, places: &Places, view: &View<'_>) -> Touched {
        let Some((before, after)) = sides(view.operation) else { return Touched::default() };
        let mut hash = |wanted: bool, side| {
            let table =
                self.tables.get(index).filter(|table| wanted && table.definition.key.is_ok());
            let key = table?.key(places, view, side);
            match key {
                Some(key) => self.hash(index, &key),
                None => {
                    self.tables.get_mut(index)?.without_key += 1;
                    None
                }
            }
        };
        Touched { before: hash(before, Side::Before), after: hash(after, Side::After) }
    }

    /// The hash of a key; `None` if its row is not in the sample.
    pub(super) fn hash(&mut self, index: usize, key: &[Value<'_>]) -> Option<KeyHash> {
        self.form.clear();
        key.iter().for_each(|value| write_form(value, &mut self.form));
        if self.sample < ALL {
            // The same rows each time, unlike the ledger's hashes.
            let mut hasher = DefaultHasher::new();
            hasher.write(&self.form);
            if hasher.finish() % u64::from(ALL) >= u64::from(self.sample) {
                return None;
            }
        }
        let epoch = self.tables.get(index)?.epoch;
        Some(self.ledger.hash(index, epoch, &self.form))
    }

    /// Counts a difference, and keeps it if there are not too many.
    pub(super) fn differs(&mut self, difference: Difference) {
        self.difference_count += 1;
        if self.differences.len() < self.listed {
            self.differences.push(difference);
        }
    }

    /// Tables of the log that are there, or should be.
    pub(super) fn into_tables(self) -> impl Iterator<Item = Table> {
        let gone =
            |table: &Table| table.definition.key == Err(NO_TABLE) && table.report.records == 0;
        self.tables.into_iter().filter(move |table| !gone(table))
    }

    fn add(&mut self, definition: InspectedTable) -> usize {
        let index = self.tables.len();
        let TableSchema { database, table, .. } = &definition.schema;
        self.names.insert((database.clone(), table.clone()), index);
        self.tables.push(Table::new(definition));
        index
    }

    fn is_wanted(&self, database: &str, table: &str) -> bool {
        self.selection.tracks(database, table)
            && self.narrowed.as_ref().is_none_or(|narrowed| narrowed.tracks(database, table))
    }

    fn find(&mut self, path: &[String]) -> Option<usize> {
        let [database, table] = path else { return None };
        let name = (database.clone(), table.clone());
        if let Some(index) = self.names.get(&name) {
            return Some(*index);
        }
        let (database, table) = name;
        self.is_wanted(&database, &table).then(|| {
            let schema = TableSchema::new(database, table, Vec::new(), Vec::new(), Vec::new());
            self.add(InspectedTable { schema, key: Err(NO_TABLE) })
        })
    }

    /// Takes a statement; false if the record is none.
    fn statement(
        &mut self,
        offset: i64,
        view: &View<'_>,
        effects: impl FnOnce(&str, &str) -> Vec<TableEffect>,
    ) -> bool {
        if view.operation != Operation::Ddl {
            return false;
        }
        let database = view.object_path().into_iter().next().unwrap_or_default();
        for effect in effects(&database, view.statement.unwrap_or_default()) {
            for index in self.concerned(&effect.database, effect.table.as_deref()) {
                if let Some(table) = self.tables.get_mut(index) {
                    table.apply(effect.effect, offset);
                    if table.definition.key == Err(NO_TABLE) && table.epoch == offset {
                        table.report.records = 0;
                    }
                }
            }
        }
        true
    }

    /// The tables of a database, or the one that is named. What it costs does not depend on the others: a
    /// log may hold many statements about many tables.
    fn concerned(&self, database: &str, table: Option<&str>) -> Vec<usize> {
        let first = (database.to_owned(), table.unwrap_or_default().to_owned());
        let named = self.names.range(first..).take_while(|((of, name), _)| {
            of == database && table.is_none_or(|table| table == name)
        });
        named.map(|(_, index)| *index).collect()
    }

    fn image_of(&self, view: &View<'_>, side: Side) -> Image {
        let image = image(view, side);
        let whole = image.filter(|image| !image.items.contains(&ViewCell::Absent));
        let shape = [view.fields.bytes, view.version.as_bytes()].concat();
        Image {
            values: whole.map(|image| self.ledger.digest(image.bytes)),
            shape: self.ledger.digest(&shape),
        }
    }

    fn leave(&mut self, row: KeyHash, offset: i64, left: Option<Image>) {
        let lives = left.is_some();
        let Image { values, shape } = left.unwrap_or(Image { values: None, shape: 0 });
        self.ledger.set(row, Entry { offset, tail: -1, image: values, shape, lives });
    }

    /// Checks that a record follows from the one before.
    fn step(
        &mut self,
        index: usize,
        row: KeyHash,
        step: Step,
        offset: i64,
        view: &View<'_>,
        places: &Places,
    ) {
        if !self.ledger.keeps(row) {
            return;
        }
        let previous = self.ledger.entry(row).copied();
        let Some(table) = self.tables.get_mut(index) else { return };
        let past = Past { covered: table.covered, altered_at: table.altered_at };
        let Some(kind) = chain::check(previous.as_ref(), past, step) else { return };
        table.report.broken += 1;
        let side = if step == Step::Appears { Side::After } else { Side::Before };
        let key = table.key(places, view, side).unwrap_or_default();
        let difference = Difference {
            database: table.report.database.clone(),
            table: table.report.table.clone(),
            kind,
            key: table.shown_key(&key),
            columns: Vec::new(),
            offset: Some(offset),
            previous_offset: previous.map(|entry| entry.offset),
        };
        self.differs(difference);
    }

    /// Differences whose columns are still to be named.
    pub(super) fn unnamed(&self) -> impl Iterator<Item = (usize, i64, i64)> + '_ {
        self.differences.iter().enumerate().filter_map(|(index, difference)| {
            let is_it =
                difference.kind == DifferenceKind::BrokenChain && difference.columns.is_empty();
            let offsets = difference.previous_offset.zip(difference.offset);
            offsets.filter(|_| is_it).map(|(then, now)| (index, then, now))
        })
    }
}

/// A sample of everything.
pub(super) const ALL: u32 = 10_000;
