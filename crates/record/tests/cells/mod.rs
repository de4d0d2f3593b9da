//! A row image made of values, for tests and benchmarks.

use change::{Image, ImageError, Value, Visitor};

/// The values of a row, one a column.
#[derive(Debug)]
pub(crate) struct Cells(pub(crate) Vec<Value<'static>>);

impl Image for Cells {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        for (index, value) in self.0.iter().enumerate() {
            visitor.column(index, *value);
        }
        Ok(())
    }
}
