//! WRITE, UPDATE and DELETE rows: walked in place, nothing allocated per row.
//!
//! Each row is measured once when [`Rows::next_row`] finds its end; visiting its images then reads
//! nothing beyond it.

use change::{Image, ImageError, RowOperation, Value, Visitor};

use super::DecodeError;
use super::binding::TableBinding;
use super::cursor::Cursor;
use super::event::{RowsLayout, TableIdWidth};
use super::inflate::inflate;
use super::table_map::TableId;

/// Changed rows of one table.
#[derive(Debug, Clone, Copy)]
pub struct RowsEvent<'a> {
    /// The table map that describes the rows.
    pub table_id: TableId,
    /// What was done to the rows.
    pub operation: RowOperation,
    /// See [`RowsEvent::ends_statement`].
    pub flags: u16,
    columns: usize,
    /// Which columns the first image of each row holds.
    first: Columns<'a>,
    /// The same for the after image of updates.
    second: Columns<'a>,
    rows: &'a [u8],
}

/// Changed rows, compressed.
#[derive(Debug, Clone, Copy)]
pub struct CompressedRows<'a> {
    event: RowsEvent<'a>,
}

/// The rows of an event, in order.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    binding: &'a TableBinding,
    operation: RowOperation,
    first: Columns<'a>,
    second: Columns<'a>,
    rest: &'a [u8],
}

/// One row: a before image, an after image, or both.
#[derive(Debug, Clone, Copy)]
pub struct RowPair<'a> {
    /// The row as it was; absent for inserts.
    pub before: Option<RowImage<'a>>,
    /// The row as it is; absent for deletes.
    pub after: Option<RowImage<'a>>,
}

/// One image of a row, in the bytes of its event.
#[derive(Clone, Copy)]
pub struct RowImage<'a> {
    binding: &'a TableBinding,
    present: Option<&'a [u8]>,
    nulls: &'a [u8],
    values: &'a [u8],
}

/// The columns that an image holds.
#[derive(Debug, Clone, Copy)]
struct Columns<'a> {
    /// A bitmap, lowest bit first; `None` where all columns are there.
    present: Option<&'a [u8]>,
    /// Bytes of the bitmap of NULLs in front of each image.
    null_bytes: usize,
}

impl<'a> RowsEvent<'a> {
    pub(super) fn decode(
        layout: RowsLayout,
        body: &'a [u8],
        width: TableIdWidth,
    ) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a rows event", body);
        let table_id = TableId::decode(&mut cursor, width)?;
        let flags = cursor.u16()?;
        if layout.version2 {
            // The length counts itself. What follows is NDB's and of no use here.
            let Some(extra) = usize::from(cursor.u16()?).checked_sub(2) else {
                return Err(cursor.malformed("its extra data are shorter than their length"));
            };
            cursor.bytes(extra)?;
        }
        let columns = cursor.packed_len()?;
        let bitmap = columns.div_ceil(8);
        let first = Columns::new(cursor.bytes(bitmap)?, columns);
        let second = match layout.operation {
            RowOperation::Update => Columns::new(cursor.bytes(bitmap)?, columns),
            RowOperation::Insert | RowOperation::Delete => first,
        };
        let (operation, rows) = (layout.operation, cursor.rest());
        Ok(Self { table_id, operation, flags, columns, first, second, rows })
    }

    /// The last rows of their statement: the table maps before them are no longer needed.
    #[must_use]
    pub const fn ends_statement(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The rows, read with the binding of their table.
    ///
    /// # Errors
    /// The binding is that of another table, or the event has another number of columns.
    pub fn rows(&self, binding: &'a TableBinding) -> Result<Rows<'a>, DecodeError> {
        if binding.id() != self.table_id {
            return Err(binding.row_error("its event refers to another table"));
        }
        if binding.codecs().len() != self.columns {
            return Err(binding.row_error("its event has another number of columns"));
        }
        Ok(Rows {
            binding,
            operation: self.operation,
            first: self.first,
            second: self.second,
            rest: self.rows,
        })
    }
}

impl<'a> CompressedRows<'a> {
    pub(super) fn decode(
        layout: RowsLayout,
        body: &'a [u8],
        width: TableIdWidth,
    ) -> Result<Self, DecodeError> {
        RowsEvent::decode(layout, body, width).map(|event| Self { event })
    }

    /// The table map that describes the rows: who does not want the table need not inflate.
    #[must_use]
    pub const fn table_id(&self) -> TableId {
        self.event.table_id
    }

    /// The event with its rows inflated into `buffer`, at most `limit` bytes.
    ///
    /// # Errors
    /// The compressed part is damaged or longer than `limit`.
    pub fn inflate<'b>(
        &self,
        buffer: &'b mut Vec<u8>,
        limit: usize,
    ) -> Result<RowsEvent<'b>, DecodeError>
    where
        'a: 'b,
    {
        let rows = inflate("a compressed rows event", self.event.rows, buffer, limit)?;
        Ok(RowsEvent { rows, ..self.event })
    }
}

impl<'a> Rows<'a> {
    /// Name of the table.
    #[must_use]
    pub fn table(&self) -> &'a str {
        &self.binding.schema().table
    }

    /// Measures and returns the next row; `None` behind the last one.
    ///
    /// # Errors
    /// The event ends inside of the row. There is no row behind an error.
    pub fn next_row(&mut self) -> Result<Option<RowPair<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let before = self.rest.len();
        let first = self.image(self.first)?;
        let row = match self.operation {
            RowOperation::Insert => RowPair { before: None, after: Some(first) },
            RowOperation::Delete => RowPair { before: Some(first), after: None },
            RowOperation::Update => {
                RowPair { before: Some(first), after: Some(self.image(self.second)?) }
            }
        };
        // A row of no columns takes no bytes; only a damaged event has one, and would never end.
        if self.rest.len() == before {
            self.rest = &[];
            return Err(self.binding.row_error("it has no columns"));
        }
        Ok(Some(row))
    }

    #[inline]
    fn image(&mut self, columns: Columns<'a>) -> Result<RowImage<'a>, DecodeError> {
        let Some((image, rest)) = self.measure(columns) else {
            self.rest = &[];
            return Err(self.binding.row_error("its event ends inside of it"));
        };
        self.rest = rest;
        Ok(image)
    }

    #[inline]
    fn measure(&self, columns: Columns<'a>) -> Option<(RowImage<'a>, &'a [u8])> {
        let (nulls, values) = self.rest.split_at_checked(columns.null_bytes)?;
        let mut rest = values;
        let mut logged = 0;
        for (index, codec) in self.binding.codecs().iter().enumerate() {
            if !columns.present.is_none_or(|present| low_bit(present, index)) {
                continue;
            }
            if !low_bit(nulls, logged) {
                rest = codec.skip(rest)?;
            }
            logged += 1;
        }
        let values = values.get(..values.len().checked_sub(rest.len())?)?;
        let present = columns.present;
        Some((RowImage { binding: self.binding, present, nulls, values }, rest))
    }
}

impl Image for RowImage<'_> {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        let mut scratch = self.binding.scratch().take();
        let mut rest = self.values;
        let mut logged = 0;
        let columns = &self.binding.schema().columns;
        let mut result = Ok(());
        for (index, (codec, column)) in self.binding.codecs().iter().zip(columns).enumerate() {
            if !self.present.is_none_or(|present| low_bit(present, index)) {
                visitor.column(index, Value::Absent);
                continue;
            }
            let null = low_bit(self.nulls, logged);
            logged += 1;
            if null {
                visitor.column(index, Value::Null);
                continue;
            }
            match codec.read(rest, column, &mut scratch) {
                Ok((value, behind)) => {
                    visitor.column(index, value);
                    rest = behind;
                }
                Err(reason) => {
                    result = Err(ImageError { column: index, reason: reason.to_owned() });
                    break;
                }
            }
        }
        self.binding.scratch().set(scratch);
        result
    }
}

impl std::fmt::Debug for RowImage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Row values stay out of logs.
        f.debug_struct("RowImage")
            .field("table", &self.binding.schema().table)
            .field("bytes", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Columns<'a> {
    fn new(bitmap: &'a [u8], columns: usize) -> Self {
        let count = (0..columns).filter(|index| low_bit(bitmap, *index)).count();
        let present = (count < columns).then_some(bitmap);
        Self { present, null_bytes: count.div_ceil(8) }
    }
}

/// Bit `index` of a bitmap whose first bit is the lowest of the first byte.
#[inline]
fn low_bit(bitmap: &[u8], index: usize) -> bool {
    bitmap.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}
