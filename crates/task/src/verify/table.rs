//! One table while it is verified: its definition, what the log said about it as a whole, and how the
//! columns of its records lie.

use std::sync::Arc;

use capture::{Effect, InspectedTable};
use change::Value;
use record::{Operation, Part, View, ViewCell};

use super::compare::{same, shown, value_of, write_form};
use super::report::{DifferingColumn, TableReport};

/// A table that is verified.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) definition: InspectedTable,
    pub(super) report: TableReport,
    /// Offset of the statement since which the log's rows are the table's; −1 for the log's beginning.
    pub(super) epoch: i64,
    /// Whether the table was empty then, so that the log shows the whole life of its rows.
    pub(super) covered: bool,
    /// Offset of the last statement that changed its definition; −1 for none.
    pub(super) altered_at: i64,
    /// Records whose key could not be read.
    pub(super) without_key: u64,
    /// Columns of the last record, and where the table's columns lie in it.
    fields: Vec<u8>,
    places: Places,
}

/// Where each column of a table lies in a record; `None` for one that the record does not have.
pub(super) type Places = Arc<[Option<usize>]>;

/// One of the two images of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// How a logged row and a selected one compare.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Indexes of the columns that differ.
    pub(super) differing: Vec<usize>,
    /// Columns that could not be compared.
    pub(super) left_out: u64,
}

impl Table {
    pub(super) fn new(definition: InspectedTable) -> Self {
        let report = TableReport {
            database: definition.schema.database.clone(),
            table: definition.schema.table.clone(),
            skipped: definition.key.as_ref().err().map(|why| (*why).to_owned()),
            ..TableReport::default()
        };
        Self {
            definition,
            report,
            epoch: -1,
            covered: false,
            altered_at: -1,
            without_key: 0,
            fields: Vec::new(),
            places: Arc::new([]),
        }
    }

    /// Back to the log's beginning.
    pub(super) fn begin(&mut self) {
        self.epoch = -1;
        self.covered = false;
        self.altered_at = -1;
    }

    /// Takes the definition that the table has now; its records are read anew by it.
    pub(super) fn redefine(&mut self, definition: InspectedTable) {
        self.definition = definition;
        self.fields.clear();
        self.places = Arc::new([]);
    }

    pub(super) fn apply(&mut self, effect: Effect, offset: i64) {
        self.altered_at = offset;
        if effect != Effect::Altered {
            self.epoch = offset;
            self.covered = effect == Effect::Emptied;
        }
    }

    /// Where the table's columns lie in a record. Asked for row after row of the same kind, it costs a
    /// comparison.
    pub(super) fn places(&mut self, view: &View<'_>) -> Places {
        if self.fields != view.fields.bytes {
            let place = |name: &str| view.fields.items.iter().position(|field| field.name == name);
            let columns = &self.definition.schema.columns;
            self.places = columns.iter().map(|column| place(&column.name)).collect();
            self.fields = view.fields.bytes.to_vec();
        }
        Arc::clone(&self.places)
    }

    /// The values of a record's key as it was or became; `None` if the record does not show them in the
    /// form that the table's columns have now.
    pub(super) fn key<'a>(
        &self,
        places: &Places,
        view: &View<'a>,
        side: Side,
    ) -> Option<Vec<Value<'a>>> {
        let key = self.definition.key.as_ref().ok()?;
        let value = |column: &usize| {
            let kind = &self.definition.schema.columns.get(*column)?.kind;
            let mut cell = cell(image(view, side), places, *column);
            if cell == ViewCell::Absent && side == Side::After {
                // A server that logs only what changed leaves out a key that stayed.
                cell = self::cell(view.before.as_ref(), places, *column);
            }
            let value = value_of(&cell, kind)?;
            (!matches!(value, Value::Null | Value::Absent)).then_some(value)
        };
        key.iter().map(value).collect()
    }

    /// Compares a logged row with a selected one, column by column.
    pub(super) fn compare(
        &self,
        places: &Places,
        view: &View<'_>,
        found: &[Value<'_>],
    ) -> Compared {
        let mut compared = Compared::default();
        let columns = self.definition.schema.columns.iter().enumerate();
        for ((index, column), found) in columns.zip(found) {
            let cell = cell(view.after.as_ref(), places, index);
            match value_of(&cell, &column.kind) {
                Some(Value::Absent) | None => compared.left_out += 1,
                Some(_) if *found == Value::Absent => compared.left_out += 1,
                Some(logged) if same(&logged, found) => {}
                Some(_) => compared.differing.push(index),
            }
        }
        compared
    }

    /// Whether a logged row has these digests, as far as it shows its columns.
    pub(super) fn has_digests(
        &self,
        places: &Places,
        view: &View<'_>,
        digests: &[u64],
        digest: impl Fn(&[u8]) -> u64,
    ) -> bool {
        let columns = self.definition.schema.columns.iter().enumerate();
        let mut form = Vec::new();
        columns.zip(digests).all(|((index, column), found)| {
            let cell = cell(view.after.as_ref(), places, index);
            match value_of(&cell, &column.kind) {
                Some(Value::Absent) | None => true,
                Some(logged) => {
                    form.clear();
                    write_form(&logged, &mut form);
                    digest(&form) == *found
                }
            }
        })
    }

    /// The names of the key's columns.
    pub(super) fn key_names(&self) -> Vec<String> {
        let key = self.definition.key.as_deref().unwrap_or_default();
        let named = key.iter().filter_map(|index| self.definition.schema.columns.get(*index));
        named.map(|column| column.name.clone()).collect()
    }

    /// The names and values of a key.
    pub(super) fn shown_key(&self, values: &[Value<'_>]) -> Vec<(String, String)> {
        let key = self.definition.key.as_deref().unwrap_or_default();
        let named = key.iter().filter_map(|index| self.definition.schema.columns.get(*index));
        named.zip(values).map(|(column, value)| (column.name.clone(), shown(value))).collect()
    }

    /// A logged value for people.
    pub(super) fn shown_cell(&self, name: &str, cell: &ViewCell<'_>) -> String {
        let column = self.definition.schema.columns.iter().find(|column| column.name == name);
        let value = column.and_then(|column| value_of(cell, &column.kind));
        value.map_or_else(|| "of another definition".into(), |value| shown(&value))
    }

    /// The columns in which a record does not find the row as the record before left it.
    pub(super) fn broken_columns(
        &self,
        then: &View<'_>,
        now: &View<'_>,
        with_values: bool,
    ) -> Vec<DifferingColumn> {
        let (Some(left), Some(found)) = (&then.after, &now.before) else { return Vec::new() };
        let cells = left.items.iter().zip(&found.items).zip(&now.fields.items);
        let differing = cells.filter(|((left, found), _)| left != found);
        let column =
            |((left, found), field): ((&ViewCell<'_>, &ViewCell<'_>), &record::ViewField<'_>)| {
                let shown = |cell| self.shown_cell(field.name, cell);
                DifferingColumn {
                    name: field.name.to_owned(),
                    values: with_values.then(|| (shown(left), shown(found))),
                }
            };
        differing.map(column).collect()
    }
}

/// Which images a record of a row has; `None` for other records.
pub(super) fn sides(operation: Operation) -> Option<(bool, bool)> {
    match operation {
        Operation::Insert | Operation::Init => Some((false, true)),
        Operation::Update => Some((true, true)),
        Operation::Delete => Some((true, false)),
        _ => None,
    }
}

pub(super) fn image<'v, 'a>(view: &'v View<'a>, side: Side) -> Option<&'v Part<'a, ViewCell<'a>>> {
    match side {
        Side::Before => view.before.as_ref(),
        Side::After => view.after.as_ref(),
    }
}

/// A column's cell; absent if the image does not have the column.
pub(super) fn cell<'a>(
    image: Option<&Part<'a, ViewCell<'a>>>,
    places: &Places,
    column: usize,
) -> ViewCell<'a> {
    let place = places.get(column).copied().flatten();
    let cell = place.and_then(|place| image?.items.get(place));
    cell.copied().unwrap_or(ViewCell::Absent)
}
