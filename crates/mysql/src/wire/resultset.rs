//! Text result sets: column definitions and rows.

use crate::Error;
use crate::wire::Reader;

/// `Protocol::ColumnDefinition41`, as far as we use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// The column's name in the result.
    pub name: String,
    /// Collation number; 63 is binary.
    pub collation: u16,
    /// Type code (`MYSQL_TYPE_*`).
    pub type_code: u8,
}

impl ColumnDefinition {
    /// Decodes the payload.
    ///
    /// # Errors
    /// The payload is cut.
    pub fn decode(payload: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("a column definition", payload);
        for _catalog_schema_table_orgtable in 0..4 {
            reader.lenenc_bytes()?;
        }
        let name = String::from_utf8_lossy(reader.lenenc_bytes()?).into_owned();
        reader.lenenc_bytes()?; // original name
        reader.lenenc_int()?; // length of the fixed part
        let collation = reader.u16()?;
        reader.u32()?; // display width
        let type_code = reader.u8()?;
        Ok(Self { name, collation, type_code })
    }
}

/// One row of a text result set, borrowed from its packet.
#[derive(Debug, Clone, Copy)]
pub struct TextRow<'a> {
    payload: &'a [u8],
    columns: usize,
}

impl<'a> TextRow<'a> {
    /// Takes a row's payload; every cell is measured here.
    ///
    /// # Errors
    /// The payload does not hold exactly `columns` cells.
    pub fn decode(payload: &'a [u8], columns: usize) -> Result<Self, Error> {
        let row = Self { payload, columns };
        let mut reader = row.reader();
        for _ in 0..columns {
            cell(&mut reader)?;
        }
        if reader.remaining() != 0 {
            return Err(reader.malformed("it has more cells than columns"));
        }
        Ok(row)
    }

    /// The cells in order; `None` is SQL NULL.
    pub fn cells(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut reader = self.reader();
        (0..self.columns).map_while(move |_| cell(&mut reader).ok())
    }

    const fn reader(&self) -> Reader<'a> {
        Reader::new("a row", self.payload)
    }
}

fn cell<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, Error> {
    if reader.peek() == Some(NULL) {
        reader.bytes(1)?;
        return Ok(None);
    }
    reader.lenenc_bytes().map(Some)
}

/// The byte that stands for SQL NULL in a text row.
const NULL: u8 = 0xfb;
