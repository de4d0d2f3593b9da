//! What the tests of this crate share: rows held in memory.

use change::{Body, Change};
use change::{
    Column, ColumnType, Image, ImageError, Position, Row, RowOperation, TableSchema, Transaction,
    UnixTime, Value, Visitor,
};

/// An image whose values are lying there.
#[derive(Debug)]
pub(crate) struct Cells<'a>(pub(crate) Vec<Value<'a>>);

impl Image for Cells<'_> {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        for (index, value) in self.0.iter().enumerate() {
            visitor.column(index, *value);
        }
        Ok(())
    }
}

/// What [`Change`]s borrow and most tests do not care about.
#[derive(Debug)]
pub(crate) struct Surroundings {
    resume: Position,
    pub(crate) transaction: Transaction,
}

impl Surroundings {
    pub(crate) fn new() -> Self {
        let transaction =
            Transaction { server_id: Some(11), thread_id: Some(9), ..Transaction::default() };
        Self { resume: Position::parse(b"here").unwrap(), transaction }
    }

    pub(crate) fn change<'a>(&'a self, body: Body<'a>) -> Change<'a> {
        Change {
            time: TIME,
            position: "72469@78",
            safe_position: "72347@78",
            resume: &self.resume,
            transaction: &self.transaction,
            body,
        }
    }
}

pub(crate) fn table(name: &str, columns: Vec<Column>, primary_key: Vec<usize>) -> TableSchema {
    TableSchema::new("db1".into(), name.into(), columns, primary_key, vec![])
}

pub(crate) fn column(name: &str, kind: ColumnType) -> Column {
    Column { name: name.into(), kind }
}

pub(crate) fn insert<'a>(schema: &'a TableSchema, after: &'a dyn Image) -> Row<'a> {
    Row { operation: RowOperation::Insert, schema, before: None, after: Some(after) }
}

pub(crate) fn update<'a>(
    schema: &'a TableSchema,
    before: &'a dyn Image,
    after: &'a dyn Image,
) -> Row<'a> {
    Row { operation: RowOperation::Update, schema, before: Some(before), after: Some(after) }
}

pub(crate) fn delete<'a>(schema: &'a TableSchema, before: &'a dyn Image) -> Row<'a> {
    Row { operation: RowOperation::Delete, schema, before: Some(before), after: None }
}

pub(crate) const TIME: UnixTime = UnixTime::from_seconds(1_696_984_408);
pub(crate) const NOW: UnixTime = UnixTime::from_millis(1_696_984_408_123);
