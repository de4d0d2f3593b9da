//! WRITE, UPDATE and DELETE rows: walked in place, nothing allocated per row.
//!
//! Each row is measured once when [`Rows::next_row`] finds its end; visiting its images then reads
//! nothing beyond it.

use change::{Image, ImageError, RowOperation, Value, Visitor};

use super::DecodeError;
use super::binding::TableBinding;
use super::codec::Codec;
use super::cursor::Cursor;
use super::event::{RowsLayout, TableIdWidth};
use super::inflate::inflate;
use super::table_map::TableId;
use super::value::Scratch;

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
    /// After images may hold JSON as changes to the document of the before image.
    partial: bool,
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
    partial: bool,
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
    bytes: ImageBytes<'a>,
    /// Where some JSON columns hold changes instead of documents.
    partial: Option<Partial<'a>>,
}

/// Where the values of an image lie.
#[derive(Clone, Copy)]
struct ImageBytes<'a> {
    present: Option<&'a [u8]>,
    nulls: &'a [u8],
    values: &'a [u8],
    /// All columns are there, and none is NULL.
    is_full: bool,
}

/// What an image with changes instead of documents is read with.
#[derive(Clone, Copy)]
struct Partial<'a> {
    /// One bit for each JSON column of the table, lowest first: set where it holds changes.
    changed: &'a [u8],
    /// The documents that the changes refer to.
    before: ImageBytes<'a>,
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
        let (operation, partial, rows) = (layout.operation, layout.partial, cursor.rest());
        Ok(Self { table_id, operation, flags, columns, first, second, partial, rows })
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
            partial: self.partial,
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
            RowOperation::Update if self.partial => {
                RowPair { before: Some(first), after: Some(self.partial_image(first.bytes)?) }
            }
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

    /// The after image of an update that may be partial: options come first, and where they say so
    /// which JSON columns hold changes (`unpack_row` of `sql/rpl_record.cc`).
    fn partial_image(&mut self, before: ImageBytes<'a>) -> Result<RowImage<'a>, DecodeError> {
        let mut cursor = Cursor::new("an image of a partial update", self.rest);
        let options = cursor.packed()?;
        if options & !PARTIAL_JSON_UPDATES != 0 {
            return Err(DecodeError::Unsupported(format!(
                "row value options {options} of a partial update are not supported"
            )));
        }
        let is_json = |codec: &&Codec| matches!(codec, Codec::Json { .. });
        let partial = if options == 0 {
            None
        } else {
            let documents = self.binding.codecs().iter().filter(is_json).count();
            Some(Partial { changed: cursor.bytes(documents.div_ceil(8))?, before })
        };
        self.rest = cursor.rest();
        self.image(self.second).map(|image| RowImage { partial, ..image })
    }

    #[inline]
    fn measure(&self, columns: Columns<'a>) -> Option<(RowImage<'a>, &'a [u8])> {
        let (nulls, values) = self.rest.split_at_checked(columns.null_bytes)?;
        let strides = self.binding.strides();
        let is_full = columns.present.is_none() && strides.has_no_nulls(nulls);
        let rest = if is_full {
            strides.skip(values)?
        } else {
            let mut walk = Walk::new(columns.present, nulls, values);
            for (index, codec) in self.binding.codecs().iter().enumerate() {
                if matches!(walk.next_slot(index), Slot::Value) {
                    walk.rest = codec.skip(walk.rest)?;
                }
            }
            walk.rest
        };
        let values = values.get(..values.len().checked_sub(rest.len())?)?;
        let bytes = ImageBytes { present: columns.present, nulls, values, is_full };
        Some((RowImage { binding: self.binding, bytes, partial: None }, rest))
    }
}

impl Image for RowImage<'_> {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        // Only a visitor that visits a row of the same table meanwhile finds the buffers in use.
        let (mut kept, mut other);
        let scratch = if let Ok(scratch) = self.binding.scratch().try_borrow_mut() {
            kept = scratch;
            &mut *kept
        } else {
            other = Scratch::default();
            &mut other
        };
        match &self.partial {
            None => self.visit_whole(visitor, scratch),
            Some(partial) => self.visit_partial(partial, visitor, scratch),
        }
    }
}

impl<'a> RowImage<'a> {
    #[inline]
    fn visit_whole(
        &self,
        visitor: &mut dyn Visitor,
        scratch: &mut Scratch,
    ) -> Result<(), ImageError> {
        let columns = &self.binding.schema().columns;
        let columns = self.binding.codecs().iter().zip(columns).enumerate();
        if self.bytes.is_full {
            let mut rest = self.bytes.values;
            for (index, (codec, column)) in columns {
                match codec.read(rest, column, scratch) {
                    Ok((value, behind)) => {
                        visitor.column(index, value);
                        rest = behind;
                    }
                    Err(reason) => return Err(image_error(index, reason)),
                }
            }
            return Ok(());
        }
        let mut walk = self.bytes.walk();
        for (index, (codec, column)) in columns {
            match walk.next_slot(index) {
                Slot::Absent => visitor.column(index, Value::Absent),
                Slot::Null => visitor.column(index, Value::Null),
                Slot::Value => match codec.read(walk.rest, column, scratch) {
                    Ok((value, behind)) => {
                        visitor.column(index, value);
                        walk.rest = behind;
                    }
                    Err(reason) => return Err(image_error(index, reason)),
                },
            }
        }
        Ok(())
    }

    /// Walks through both images side by side. A document that the before image does not hold cannot
    /// be put together, and counts as not captured.
    #[cold]
    fn visit_partial(
        &self,
        partial: &Partial<'a>,
        visitor: &mut dyn Visitor,
        scratch: &mut Scratch,
    ) -> Result<(), ImageError> {
        let (mut walk, mut before) = (self.bytes.walk(), partial.before.walk());
        let columns = &self.binding.schema().columns;
        let mut documents = 0;
        for (index, (codec, column)) in self.binding.codecs().iter().zip(columns).enumerate() {
            let error = |reason| image_error(index, reason);
            let is_document = matches!(codec, Codec::Json { .. });
            let is_changed = is_document && low_bit(partial.changed, documents);
            documents += usize::from(is_document);
            let old = before.next_value(index, codec).map_err(error)?;
            let value = match walk.next_slot(index) {
                Slot::Absent => Value::Absent,
                Slot::Null => Value::Null,
                Slot::Value if is_changed => {
                    let (changes, behind) = codec.changes(walk.rest).map_err(error)?;
                    walk.rest = behind;
                    match old {
                        Old::Absent => Value::Absent,
                        Old::Null => return Err(error("its partial JSON update changes NULL")),
                        Old::Value(old) => codec.changed(old, changes, scratch).map_err(error)?,
                    }
                }
                Slot::Value => {
                    let (value, behind) = codec.read(walk.rest, column, scratch).map_err(error)?;
                    walk.rest = behind;
                    value
                }
            };
            visitor.column(index, value);
        }
        Ok(())
    }
}

/// Goes through the columns of an image in their order.
struct Walk<'a> {
    /// Which columns the image holds; `None` if all.
    present: Option<&'a [u8]>,
    /// From the next value that is there on.
    rest: &'a [u8],
    nulls: Bits<'a>,
}

/// The bits of a bitmap, lowest of the first byte first.
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    current: u8,
    left: u8,
}

/// What an image holds for a column.
#[derive(Clone, Copy)]
enum Slot {
    Absent,
    Null,
    Value,
}

/// The same with the value.
enum Old<'a> {
    Absent,
    Null,
    Value(&'a [u8]),
}

impl<'a> ImageBytes<'a> {
    #[inline]
    fn walk(self) -> Walk<'a> {
        Walk::new(self.present, self.nulls, self.values)
    }
}

impl Bits<'_> {
    /// The next bit; there are only unset ones behind the end.
    #[inline]
    fn next(&mut self) -> bool {
        if self.left == 0 {
            self.current = self.bytes.next().copied().unwrap_or(0);
            self.left = 8;
        }
        let is_set = self.current & 1 == 1;
        self.current >>= 1;
        self.left -= 1;
        is_set
    }
}

impl<'a> Walk<'a> {
    #[inline]
    fn new(present: Option<&'a [u8]>, nulls: &'a [u8], values: &'a [u8]) -> Self {
        Self { present, rest: values, nulls: Bits { bytes: nulls.iter(), current: 0, left: 0 } }
    }

    #[inline]
    fn next_slot(&mut self, index: usize) -> Slot {
        if !self.present.is_none_or(|present| low_bit(present, index)) {
            return Slot::Absent;
        }
        if self.nulls.next() { Slot::Null } else { Slot::Value }
    }

    /// The next column with the bytes of its value, which it goes past.
    fn next_value(&mut self, index: usize, codec: &Codec) -> Result<Old<'a>, &'static str> {
        Ok(match self.next_slot(index) {
            Slot::Absent => Old::Absent,
            Slot::Null => Old::Null,
            Slot::Value => {
                let value = self.rest;
                self.rest = codec.skip(value).ok_or("its row ends too early")?;
                Old::Value(value)
            }
        })
    }
}

#[cold]
fn image_error(column: usize, reason: &'static str) -> ImageError {
    ImageError { column, reason: reason.to_owned() }
}

impl std::fmt::Debug for RowImage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Row values stay out of logs.
        f.debug_struct("RowImage")
            .field("table", &self.binding.schema().table)
            .field("bytes", &self.bytes.values.len())
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

/// `PARTIAL_JSON_UPDATES` of `binlog_row_value_options`.
const PARTIAL_JSON_UPDATES: u64 = 1;
